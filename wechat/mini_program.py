"""The mini-program (小程序): what the product calls. Each method raises the classes of `wechat.errors`.

Sources: 微信开放文档 (小程序) «小程序登录», «手机号快速验证», «发送订阅消息», «获取不限制的小程序码»,
«获取加密 URLLink», «文本内容安全识别», «客服消息», «获取已有模板列表».
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from settings import PlatformAccount
from wechat.answers import fields, number, optional_text, text
from wechat.errors import MalformedAnswer
from wechat.media import Media, download
from wechat.sending import CustomerService, Sent, apis, sent, template_data
from wechat.templates import AccountTemplate, listed
from wechat.transport import PLATFORM_URL, Transport
from wechat.wire import Answer

MAX_LINK_DAYS = 30
ROOT = f"{PLATFORM_URL}/"

State = Literal["developer", "trial", "formal"]
Version = Literal["develop", "trial", "release"]
_VERSIONS: dict[State, Version] = {"developer": "develop", "trial": "trial", "formal": "release"}
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
_DIGITS = re.compile(r"\d{4,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Login:
    """Who a js_code belongs to."""

    openid: str
    unionid: str
    """Empty unless the mini-program is bound to an open platform."""
    session_key: str = field(repr=False)
    """Secret; for decrypting what the client passes on. Never to the client."""


@dataclass(frozen=True, slots=True)
class VerifiedPhone:
    """A phone number that WeChat has verified."""

    phone: str = field(repr=False)
    """E.164, as +8613711112222."""
    verified_at: datetime | None
    """UTC; when the person agreed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A mini-program code."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """What the platform thinks of a text."""

    suggestion: Literal["pass", "review", "risky"]
    label: int
    """100 normal, 10001 advertising, 20001 politics, 20002 pornography, 20003 abuse, 20006 crime, 20008 fraud …"""


class MiniProgram(CustomerService):
    """One mini-program."""

    def __init__(self, transport: Transport, account: PlatformAccount, *, state: State) -> None:
        super().__init__(transport)
        self._transport = transport
        self._account = account
        self._state = state
        self._wxa = apis.WeChatWxa(transport)

    async def login(self, js_code: str) -> Login:
        """Exchange the code of `wx.login` (once, within 5 minutes). Raises BadCode, Refused (40226: high risk)."""
        found = fields(
            await self._transport.get(
                "sns/jscode2session",
                api_base_url=ROOT,
                needs_token=False,
                params={
                    "appid": self._account.app_id,
                    "secret": self._account.secret.get_secret_value(),
                    "js_code": js_code,
                    "grant_type": "authorization_code",
                },
            )
        )
        return Login(text(found, "openid"), optional_text(found, "unionid"), text(found, "session_key"))

    async def phone_number(self, code: str) -> VerifiedPhone:
        """Exchange the code of `getPhoneNumber` (once, within 5 minutes). Raises BadCode.

        Raises MalformedAnswer where the number's watermark names another mini-program.
        """
        found = fields(fields(await self._wxa.get_phone_number(code)).get("phone_info"))
        watermark = fields(found.get("watermark"))
        if watermark.get("appid") != self._account.app_id:
            raise MalformedAnswer("watermark")
        digits = optional_text(found, "countryCode") + optional_text(found, "purePhoneNumber")
        if not _DIGITS.fullmatch(digits):
            raise MalformedAnswer("purePhoneNumber")
        moment = watermark.get("timestamp")
        verified_at = datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) and moment > 0 else None
        return VerifiedPhone(f"+{digits}", verified_at)

    async def send_subscribed(
        self, openid: str, template_id: str, values: Mapping[str, str], *, page: str = ""
    ) -> Sent:
        """A subscribe message (订阅消息). Not idempotent. Raises Refused (43101) without credit, BadTemplateData.

        The answer's message id is often missing; the report names it nevertheless.
        """
        message = {
            "touser": openid,
            "template_id": template_id,
            "data": template_data(values),
            "miniprogram_state": self._state,
            "lang": "zh_CN",
        }
        if page:
            message["page"] = page
        return sent(await self._transport.post("message/subscribe/send", data=message))

    async def templates(self) -> list[AccountTemplate]:
        """The templates for subscribe messages that the account has (newtmpl/gettemplate)."""
        answer = await self._transport.get("wxaapi/newtmpl/gettemplate", api_base_url=ROOT)
        return listed(answer, "data", "priTmplId")

    async def code(self, scene: str, page: str, *, width: int = 430) -> Picture:
        """A mini-program code without limit of number (getwxacodeunlimit).

        `scene` has 1 to 32 of the characters ``0-9A-Za-z!#$&'()*+,/:;=?@-._~``; `width` is 280 to 1,280 pixels. The
        page is checked in the released version only: before the first release it does not exist there.
        """
        if not _SCENE.fullmatch(scene):
            raise ValueError("a scene has 1 to 32 of the allowed characters")
        request = {
            "scene": scene,
            "page": page,
            "width": width,
            "check_path": self._state == "formal",
            "env_version": _VERSIONS[self._state],
        }
        answer = await self._transport.post("wxa/getwxacodeunlimit", api_base_url=ROOT, data=request)
        if not isinstance(answer, Answer) or not answer.content_type.startswith("image/"):
            raise MalformedAnswer("picture")
        return Picture(answer.content_type, answer.body)

    async def url_link(self, path: str, query: str, *, days: int) -> str:
        """An https link for SMS that opens the page; holds `days` (1 to 30). `query` has at most 1,024 characters.

        Whoever holds the link can open it: it is no identity.
        """
        if not 0 < days <= MAX_LINK_DAYS or len(query) > 1024:
            raise ValueError("a link holds 1 to 30 days, its query at most 1,024 characters")
        request = {
            "path": path,
            "query": query,
            "expire_type": 1,
            "expire_interval": days,
            "env_version": _VERSIONS[self._state],
        }
        found = fields(await self._transport.post("wxa/generate_urllink", api_base_url=ROOT, data=request))
        return text(found, "url_link")

    async def check_text(self, openid: str, content: str) -> TextVerdict:
        """What the platform thinks of a text of up to 2,500 characters that others will read (msg_sec_check 2)."""
        request = {"version": 2, "scene": 2, "openid": openid, "content": content[:2500]}
        answer = await self._transport.post("wxa/msg_sec_check", api_base_url=ROOT, data=request)
        found = fields(fields(answer).get("result"))
        suggestion = found.get("suggest")
        if suggestion not in ("pass", "review", "risky"):
            raise MalformedAnswer("suggest")
        return TextVerdict(suggestion, number(found, "label"))

    def download_media(self, media_id: str, *, limit: int) -> AbstractAsyncContextManager[Media]:
        """See `wechat.media.download`."""
        return download(self._transport, media_id, limit=limit)
