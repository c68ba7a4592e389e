"""The official account (公众号): what the product calls. Each method raises the classes of `wechat.errors`.

Sources: 微信开放文档 (服务号) «客服消息», «模板消息», «订阅通知», «生成带参数的二维码», «自定义菜单»,
«获取用户基本信息», «获取临时素材», «获取已选用模板列表».
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wechat.answers import fields, number, optional_text, text
from wechat.media import Media, download
from wechat.sending import CustomerService, Page, Sent, apis, sent, template_data
from wechat.templates import AccountTemplate, listed
from wechat.transport import Transport

MAX_QR_SECONDS = 2_592_000


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code with a parameter."""

    ticket: str
    url: str
    """What the picture encodes; draw it locally."""
    seconds: int
    """For which it can be scanned, from now."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody known by openid. Name and picture are no longer given by the platform."""

    openid: str
    follows: bool
    unionid: str
    """Empty unless the account is bound to an open platform."""
    followed_at: datetime | None
    """UTC; of the last time."""
    scene: str
    """Of the QR code by which the person came, or empty."""


@dataclass(frozen=True, slots=True)
class MenuButton:
    """A button of the account's menu: exactly one of `key` (answers by callback), `url`, `page` or `below`."""

    label: str
    key: str = ""
    url: str = ""
    page: Page | None = None
    below: Sequence[MenuButton] = ()


class OfficialAccount(CustomerService):
    """One official account."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._transport = transport
        self._qrcodes = apis.WeChatQRCode(transport)
        self._menus = apis.WeChatMenu(transport)
        self._users = apis.WeChatUser(transport)

    async def send_template(
        self,
        openid: str,
        template_id: str,
        values: Mapping[str, str],
        *,
        client_msg_id: str,
        url: str = "",
        page: Page | None = None,
    ) -> Sent:
        """A template message (模板消息).

        `client_msg_id` makes it safe to repeat within 10 minutes: for one openid the platform sends the same id once,
        and refuses the second with Duplicate. Raises BadTemplateData, QuotaExceeded, Refused and the general errors.
        Whether it arrived is reported by TEMPLATESENDJOBFINISH under the returned id.
        """
        message: dict[str, Any] = {
            "touser": openid,
            "template_id": template_id,
            "data": template_data(values),
            "client_msg_id": client_msg_id,
        }
        if url:
            message["url"] = url
        if page:
            message["miniprogram"] = {"appid": page.app_id, "pagepath": page.path}
        return sent(await self._transport.post("message/template/send", data=message))

    async def send_subscribed(
        self, openid: str, template_id: str, values: Mapping[str, str], *, url: str = "", page: Page | None = None
    ) -> Sent:
        """A subscribe notification (订阅通知, bizsend). Raises Refused (43101) where the person has no credit left."""
        target = {"appid": page.app_id, "pagepath": page.path} if page else None
        return sent(
            await self._messages.send_subscribe_message(
                openid, template_id, template_data(values), miniprogram=target, page=url or None
            )
        )

    async def create_qrcode(self, scene: str, seconds: int) -> QrCode:
        """A temporary QR code. `scene` has 1 to 64 characters, `seconds` at most 30 days.

        A person who scans it follows with EventKey `qrscene_…`, or comes as a SCAN event when following already.
        """
        if not 0 < seconds <= MAX_QR_SECONDS or not 0 < len(scene) <= 64:
            raise ValueError("a temporary QR code holds at most 30 days and a scene of 1 to 64 characters")
        request = {
            "expire_seconds": seconds,
            "action_name": "QR_STR_SCENE",
            "action_info": {"scene": {"scene_str": scene}},
        }
        found = fields(await self._qrcodes.create(request))
        return QrCode(text(found, "ticket"), text(found, "url"), number(found, "expire_seconds"))

    async def set_menu(self, buttons: Sequence[MenuButton]) -> None:
        """Replace the account's menu: at most 3 buttons with at most 5 below each."""
        await self._menus.create({"button": [_button(button) for button in buttons]})

    async def user_info(self, openid: str) -> Follower:
        """Whether somebody follows, and their unionid."""
        found = fields(await self._users.get(openid))
        since = found.get("subscribe_time")
        return Follower(
            openid=text(found, "openid"),
            follows=number(found, "subscribe") == 1,
            unionid=optional_text(found, "unionid"),
            followed_at=datetime.fromtimestamp(since, UTC) if isinstance(since, int) and since > 0 else None,
            scene=optional_text(found, "qr_scene_str"),
        )

    async def templates(self) -> list[AccountTemplate]:
        """The templates that the account has (get_all_private_template)."""
        answer = await self._transport.get("template/get_all_private_template")
        return listed(answer, "template_list", "template_id")

    def download_media(self, media_id: str, *, limit: int) -> AbstractAsyncContextManager[Media]:
        """See `wechat.media.download`."""
        return download(self._transport, media_id, limit=limit)


def _button(button: MenuButton) -> dict[str, Any]:
    if button.below:
        return {"name": button.label, "sub_button": [_button(each) for each in button.below]}
    if button.page:
        # The address is for old WeChat versions that know no mini-programs.
        page = {"appid": button.page.app_id, "pagepath": button.page.path}
        return {"type": "miniprogram", "name": button.label, "url": button.url or "https://mp.weixin.qq.com"} | page
    if button.url:
        return {"type": "view", "name": button.label, "url": button.url}
    return {"type": "click", "name": button.label, "key": button.key}
