"""The mini-program: login, phone number, subscribe messages, codes and links, content check."""

from __future__ import annotations

import base64
import re
import secrets
import time
from typing import Any

from sandbox import ids
from sandbox.callbacks import messages
from sandbox.callbacks.sender import AFTER_THE_ANSWER
from sandbox.errors import PlatformError
from sandbox.model import QrCode
from sandbox.pictures import qr_png
from sandbox.platforms.basics import authenticate
from sandbox.platforms.gateway import Answer, Binary, Call, Endpoint, ok
from sandbox.platforms.official_account import card_text
from sandbox.platforms.service_messages import check_page
from sandbox.rules import consent, fields

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
QUERY_LENGTH = 1024
LINK_DAYS = 30
RISKY_WORDS = ("赌博", "毒品交易", "色情")
"""A few words that the content check calls risky, so that a test can meet the refusal."""


async def jscode2session(call: Call) -> Answer:
    """Login. As in production the answer carries no errcode where all is well."""
    authenticate(call.sandbox, call.query.get("appid"), call.query.get("secret"), ("mp",))
    if call.query.get("grant_type", "authorization_code") != "authorization_code":
        raise PlatformError(40035, "invalid grant_type")
    code = call.query.get("js_code")
    if not code:
        raise PlatformError(41008)
    phone = call.sandbox.phone(call.sandbox.codes.redeem(code, "login"))
    session_key = base64.b64encode(secrets.token_bytes(16)).decode()
    return {"openid": phone.mp_openid, "session_key": session_key, "unionid": phone.unionid}


async def phone_number(call: Call) -> Answer:
    """getuserphonenumber: the code of the phone-number button, once."""
    holder = call.sandbox.phone(call.sandbox.codes.redeem(str(call.need("code", 40029)), "phone", used=40029))
    watermark = {"timestamp": int(time.time()), "appid": call.sandbox.config.mp.app_id}
    return ok(
        phone_info={
            "phoneNumber": holder.phone_number,
            "purePhoneNumber": holder.phone_number,
            "countryCode": "86",
            "watermark": watermark,
        }
    )


async def subscribe_send(call: Call) -> Answer:
    phone = call.sandbox.by_openid("mp", call.data.get("touser"))
    template = call.sandbox.approved_template("mp_subscribe", call.data.get("template_id"))
    card = fields.check_data(template, call.data.get("data"))
    page = str(call.data.get("page") or "")
    if page:
        check_page(call, page, 41030)
    state = call.data.get("miniprogram_state", "formal")
    if state not in ("developer", "trial", "formal"):
        raise PlatformError(40035, "invalid miniprogram_state")
    consent.spend(phone, "mp", template)
    call.sandbox.save_phone(phone)
    content = {"template_id": template.id, "title": template.title, "fields": card, "account": "mp"}
    content |= {"page": page, "miniprogram_state": state}
    call.sandbox.feed.show(phone.id, "notice", "subscribe_message", card_text(template, card), content)
    sent = messages.subscribe_sent(template.id, ids.message_id())
    body = messages.event(call.sandbox, "mp", phone, "subscribe_msg_sent_event", sent)
    call.callbacks.send("mp", phone, body, quiet=True, after=AFTER_THE_ANSWER)
    return ok()


async def wxacode_unlimited(call: Call) -> Answer:
    """A mini-program code; here an ordinary QR picture, so that any reader can read it."""
    scene = call.data.get("scene")
    if not isinstance(scene, str) or not SCENE.fullmatch(scene):
        raise PlatformError(40169)
    page = str(call.data.get("page") or "")
    if page.startswith("/") or "?" in page:
        raise PlatformError(41030)
    if page and call.data.get("check_path", True):
        check_page(call, page, 41030)
    url = f"https://mp.weixin.qq.com/a/~{ids.short()}~"
    code = QrCode(ids.short(), "wxacode", url, call.sandbox.clock.now(), scene=scene, path=page)
    call.sandbox.add_qrcode(code)
    return Binary(qr_png(url), "image/png")


async def generate_urllink(call: Call) -> Answer:
    link = _link(call, "url_link", f"https://wxaurl.cn/{ids.short()}", call.data)
    return ok(url_link=link.url)


async def generate_scheme(call: Call) -> Answer:
    jump = call.data.get("jump_wxa") or {}
    if not isinstance(jump, dict):
        raise PlatformError(47001)
    target = {**call.data, "path": jump.get("path"), "query": jump.get("query")}
    link = _link(call, "scheme", f"weixin://dl/business/?t={ids.short()}", target)
    return ok(openlink=link.url)


def _link(call: Call, kind: Any, url: str, given: dict[str, Any]) -> QrCode:
    """Raises PlatformError 40165 (path), 40212 (query), 85401 (expiry)."""
    path, query = str(given.get("path") or ""), str(given.get("query") or "")
    if "?" in path:
        raise PlatformError(40165)
    check_page(call, path, 40165)
    if len(query) > QUERY_LENGTH or not query.isascii():
        raise PlatformError(40212)
    expires_at = _expiry(given, call.sandbox.clock.now())
    code = QrCode(ids.short(), kind, url, call.sandbox.clock.now(), path=path, query=query, expires_at=expires_at)
    return call.sandbox.add_qrcode(code)


def _expiry(given: dict[str, Any], now: float) -> float:
    """At most 30 days ahead, which is also what nothing given means."""
    latest = now + LINK_DAYS * 86_400
    if given.get("expire_type") == 1:
        days = given.get("expire_interval")
        if not isinstance(days, int) or not 1 <= days <= LINK_DAYS:
            raise PlatformError(85401)
        return now + days * 86_400
    until = given.get("expire_time")
    if until is None:
        return latest
    if not isinstance(until, int | float) or not now + 60 <= until <= latest:
        raise PlatformError(85401)
    return float(until)


async def msg_sec_check(call: Call) -> Answer:
    """Content check; version 2 says pass or risky in `result`, version 1 in errcode 87014."""
    content = str(call.need("content", 44004))
    if len(content) > 2500:
        raise PlatformError(45002)
    risky = any(word in content for word in RISKY_WORDS)
    if call.data.get("version") != 2:
        if risky:
            raise PlatformError(87014)
        return ok()
    call.sandbox.by_openid("mp", call.need("openid", 40003))
    result = {"suggest": "risky" if risky else "pass", "label": 20_006 if risky else 100}
    return ok(result=result, detail=[{"strategy": "content_model", "errcode": 0} | result], trace_id=ids.rid())


ENDPOINTS = [
    Endpoint("/sns/jscode2session", jscode2session, method="GET", accounts=("mp",), token=False),
    Endpoint("/wxa/business/getuserphonenumber", phone_number, accounts=("mp",)),
    Endpoint("/cgi-bin/message/subscribe/send", subscribe_send, accounts=("mp",)),
    Endpoint("/wxa/getwxacodeunlimit", wxacode_unlimited, accounts=("mp",)),
    Endpoint("/wxa/generate_urllink", generate_urllink, accounts=("mp",)),
    Endpoint("/wxa/generatescheme", generate_scheme, accounts=("mp",)),
    Endpoint("/wxa/msg_sec_check", msg_sec_check, accounts=("mp",)),
]
