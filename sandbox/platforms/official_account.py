"""The official account (服务号): template and subscribe messages, QR codes, users, web authorisation."""

from __future__ import annotations

from typing import Any

from sandbox import ids
from sandbox.callbacks import messages
from sandbox.callbacks.sender import AFTER_THE_ANSWER
from sandbox.errors import PlatformError
from sandbox.model import Phone, QrCode, Template
from sandbox.pictures import qr_png
from sandbox.platforms.basics import authenticate
from sandbox.platforms.gateway import Answer, Binary, Call, Endpoint, ok
from sandbox.platforms.service_messages import check_page
from sandbox.rules import consent, fields

ONCE_SECONDS = 600
QR_LONGEST = 2_592_000
QR_DEFAULT = 60
SCENE_IDS_PERMANENT = 100_000
USERS_A_PAGE = 10_000


async def template_send(call: Call) -> Answer:
    """Template message: appears in the chat; its fate follows as TEMPLATESENDJOBFINISH."""
    phone, template = _recipient(call, "oa_template")
    card = fields.check_data(template, call.data.get("data"))
    target = _target(call)
    if not phone.following:
        raise PlatformError(43004)
    client_msg_id = _client_msg_id(call)
    if sent := _sent_before(call, phone, client_msg_id):
        return ok(msgid=sent)
    msgid = ids.message_id()
    if client_msg_id:
        call.sandbox.remember_sent(phone.oa_openid, client_msg_id, msgid)
    blocked = "oa" in phone.blocked
    if not blocked:
        content = {"template_id": template.id, "title": template.title, "fields": card, "msgid": msgid} | target
        call.sandbox.feed.show(phone.id, "oa", "template_message", card_text(template, card), content)
    body = messages.template_finished(msgid, "failed:user block" if blocked else "success")
    _later(call, phone, "TEMPLATESENDJOBFINISH", body)
    return ok(msgid=msgid)


def _later(call: Call, phone: Phone, name: str, fields_: dict[str, Any]) -> None:
    """The event leaves after the answer, as in production."""
    body = messages.event(call.sandbox, "oa", phone, name, fields_)
    call.callbacks.send("oa", phone, body, quiet=True, after=AFTER_THE_ANSWER)


def _client_msg_id(call: Call) -> str:
    """Empty where none is given. Raises PlatformError 40035 (*assumed*)."""
    client_msg_id = call.data.get("client_msg_id", "")
    if not isinstance(client_msg_id, str) or len(client_msg_id) > 32:
        raise PlatformError(40035, "invalid client_msg_id")
    return client_msg_id


def _sent_before(call: Call, phone: Phone, client_msg_id: str) -> int | None:
    """防重入: one message for the same openid and client_msg_id within 10 minutes.

    What a repetition is answered with is not documented; *assumed*: the same as the first time.
    """
    sent = call.sandbox.sent_once.get((phone.oa_openid, client_msg_id))
    fresh = sent is not None and call.sandbox.clock.now() - sent.at < ONCE_SECONDS
    return sent.msgid if sent is not None and fresh else None


def _recipient(call: Call, kind: Any) -> tuple[Phone, Template]:
    phone = call.sandbox.by_openid("oa", call.data.get("touser"))
    return phone, call.sandbox.approved_template(kind, call.data.get("template_id"))


def _target(call: Call) -> dict[str, Any]:
    """Where a tap on the card leads: the mini-program before the URL."""
    target: dict[str, Any] = {"url": str(call.data.get("url") or call.data.get("page") or "")}
    mini = call.data.get("miniprogram")
    if isinstance(mini, dict) and mini:
        if mini.get("appid") != call.sandbox.config.mp.app_id:
            raise PlatformError(40013)
        path = str(mini.get("pagepath", ""))
        check_page(call, path, 41030)
        target["miniprogram"] = {"path": path}
    return target


def card_text(template: Template, card: list[dict[str, str]]) -> str:
    return "\n".join([template.title, *(f"{field['label']}：{field['value']}" for field in card)])


async def all_private_templates(call: Call) -> Answer:
    """获取已选用模板列表: the template messages of the account; no errcode where all is well."""
    return {
        "template_list": [
            {
                "template_id": template.id,
                "title": template.title,
                "primary_industry": "政府与公共事业",
                "deputy_industry": "公安",
                "content": template_content(template),
                "example": "",
            }
            for template in call.sandbox.approved_templates("oa_template")
        ]
    }


def template_content(template: Template) -> str:
    """The lines of a template as the platform writes them, each with its field."""
    return "".join(f"{field.get('label', '')}\uff1a{{{{{field['key']}.DATA}}}}\n" for field in template.fields)


async def own_subscribe_templates(call: Call) -> Answer:
    """获取已有模板列表: the subscribe messages of the account that the token is of."""
    kind: Any = "mp_subscribe" if call.account == "mp" else "oa_subscribe"
    return ok(
        data=[
            {
                "priTmplId": template.id,
                "title": template.title,
                "content": template_content(template),
                "example": "",
                "type": 3 if template.term == "long_term" else 2,
            }
            for template in call.sandbox.approved_templates(kind)
        ]
    )


async def subscribe_bizsend(call: Call) -> Answer:
    """The official account's subscribe message (订阅通知)."""
    phone, template = _recipient(call, "oa_subscribe")
    card = fields.check_data(template, call.data.get("data"))
    target = _target(call)
    consent.spend(phone, "oa", template)
    call.sandbox.save_phone(phone)
    content = {"template_id": template.id, "title": template.title, "fields": card, "account": "oa"} | target
    call.sandbox.feed.show(phone.id, "notice", "subscribe_message", card_text(template, card), content)
    _later(call, phone, "subscribe_msg_sent_event", messages.subscribe_sent(template.id, ids.message_id()))
    return ok()


async def qrcode_create(call: Call) -> Answer:
    action = str(call.data.get("action_name", ""))
    scene = _scene(action, call.data.get("action_info"))
    temporary = action in ("QR_SCENE", "QR_STR_SCENE")
    seconds = call.data.get("expire_seconds", QR_DEFAULT) if temporary else None
    if seconds is not None and (not isinstance(seconds, int) or not 1 <= seconds <= QR_LONGEST):
        raise PlatformError(40035, "invalid expire_seconds")
    now = call.sandbox.clock.now()
    code = QrCode(
        id=ids.short(),
        kind="oa_qr",
        url=f"http://weixin.qq.com/q/{ids.short()}{ids.short()}",
        created_at=now,
        scene=scene,
        ticket=f"gQ{ids.media_id()}==",
        expires_at=now + seconds if seconds is not None else None,
    )
    call.sandbox.add_qrcode(code)
    answer: dict[str, Any] = {"ticket": code.ticket, "url": code.url}
    return answer if seconds is None else answer | {"expire_seconds": seconds}


def _scene(action: str, info: Any) -> str:
    """Raises PlatformError 40053 (bad action or scene)."""
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise PlatformError(40053)
    if action in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
        text = scene.get("scene_str")
        if isinstance(text, str) and 1 <= len(text) <= 64:
            return text
    if action in ("QR_SCENE", "QR_LIMIT_SCENE"):
        number = scene.get("scene_id")
        highest = 2**32 - 1 if action == "QR_SCENE" else SCENE_IDS_PERMANENT
        if isinstance(number, int) and 1 <= number <= highest:
            return str(number)
    raise PlatformError(40053)


async def showqrcode(call: Call) -> Answer:
    ticket = call.query.get("ticket", "")
    for code in call.sandbox.qrcodes.values():
        if ticket and code.ticket == ticket:
            return Binary(qr_png(code.url), "image/png")
    raise PlatformError(40035, "invalid ticket")


async def user_info(call: Call) -> Answer:
    phone = call.sandbox.by_openid("oa", call.query.get("openid"))
    head: dict[str, Any] = {"subscribe": int(phone.following), "openid": phone.oa_openid, "unionid": phone.unionid}
    if not phone.following:
        return head
    number = int(phone.follow_key) if phone.follow_key.isdigit() else 0
    return head | {
        "nickname": "",
        "sex": 0,
        "language": "zh_CN",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": int(phone.followed_at),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": phone.follow_scene,
        "qr_scene": number,
        "qr_scene_str": "" if number else phone.follow_key,
    }


async def user_get(call: Call) -> Answer:
    """Followers' openids in pages of 10,000, from `next_openid` on."""
    followers = [phone.oa_openid for phone in call.sandbox.phones.values() if phone.following]
    after = call.query.get("next_openid", "")
    if after and after not in followers:
        raise PlatformError(40003)
    start = followers.index(after) + 1 if after else 0
    page = followers[start : start + USERS_A_PAGE]
    answer: dict[str, Any] = {"total": len(followers), "count": len(page), "next_openid": page[-1] if page else ""}
    return answer | {"data": {"openid": page}} if page else answer


async def get_ticket(call: Call) -> Answer:
    if call.query.get("type") not in ("jsapi", "wx_card"):
        raise PlatformError(40035, "invalid type")
    return ok(ticket=ids.media_id(), expires_in=7200)


async def oauth_access_token(call: Call) -> Answer:
    """网页授权: the code a phone got becomes an openid."""
    authenticate(call.sandbox, call.query.get("appid"), call.query.get("secret"), ("oa",))
    if call.query.get("grant_type") != "authorization_code":
        raise PlatformError(40035, "invalid grant_type")
    phone = call.sandbox.phone(call.sandbox.codes.redeem(call.query.get("code", ""), "oauth"))
    return {
        "access_token": ids.access_token(),
        "expires_in": 7200,
        "refresh_token": ids.access_token(),
        "openid": phone.oa_openid,
        "scope": "snsapi_base",
        "unionid": phone.unionid,
    }


ENDPOINTS = [
    Endpoint("/cgi-bin/message/template/send", template_send, accounts=("oa",)),
    Endpoint("/cgi-bin/template/get_all_private_template", all_private_templates, method="GET", accounts=("oa",)),
    Endpoint("/wxaapi/newtmpl/gettemplate", own_subscribe_templates, method="GET"),
    Endpoint("/cgi-bin/message/subscribe/bizsend", subscribe_bizsend, accounts=("oa",)),
    Endpoint("/cgi-bin/qrcode/create", qrcode_create, accounts=("oa",)),
    Endpoint("/cgi-bin/showqrcode", showqrcode, method="GET", accounts=("oa",), token=False),
    Endpoint("/cgi-bin/user/info", user_info, method="GET", accounts=("oa",)),
    Endpoint("/cgi-bin/user/get", user_get, method="GET", accounts=("oa",)),
    Endpoint("/cgi-bin/ticket/getticket", get_ticket, method="GET", accounts=("oa",)),
    Endpoint("/sns/oauth2/access_token", oauth_access_token, method="GET", accounts=("oa",), token=False),
]
