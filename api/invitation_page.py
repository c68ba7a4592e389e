"""`/p/i/{token}`: where the SMS and the receipt lead. A small page without script that works in any browser.

It says which unit invites and how to join, and names neither the case nor the person: whoever holds the link sees it.
The codes come from WeChat and are kept in Valkey until shortly before they run out; while WeChat is away the page still
tells how to join. Nothing is asked of the person here: the phone is proved in WeChat.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Protocol

import orjson
import segno
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import limits
from api.deps import client_address
from api.services import Services
from kit import clock
from kit.ids import token_hash
from kit.valkey import RedisError
from stewardship.casework.cases.models import Case
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Invitation, Member
from stewardship.foundation.errors import BusinessError, NotFound
from stewardship.foundation.org.models import Unit
from wechat.errors import CallError

log = structlog.get_logger(__name__)

JOIN_PAGE = "pages/join/index"
DAYS_OF_CODES = 7
KEPT_SECONDS = (DAYS_OF_CODES - 1) * 86_400
LONGEST_TOKEN = 64
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;background:#f2f5f9;color:#1a2433;font:18px/1.65 system-ui,"PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:30rem;margin:0 auto;padding:24px 16px 40px}
.card{background:#fff;border-radius:16px;padding:24px 20px;margin-top:16px;box-shadow:0 1px 4px #1a243314}
h1{font-size:26px;line-height:1.35;margin:0 0 8px}h2{font-size:20px;margin:0 0 8px}p{margin:0 0 12px}
a.button{display:block;background:#1d5aa8;color:#fff;text-align:center;text-decoration:none;border-radius:12px;
padding:14px;font-weight:600;font-size:20px}
a.button:focus-visible{outline:3px solid #f0a020;outline-offset:2px}
img{display:block;width:220px;height:220px;margin:8px auto}ol{margin:0;padding-left:1.3em}
.muted{color:#4a5668}footer{margin-top:20px;color:#4a5668;font-size:16px}
"""


class OfficialAccountCodes(Protocol):
    """What is asked of the official account (`wechat.official_account.OfficialAccount` does it)."""

    async def create_qrcode(self, scene: str, seconds: int) -> QrUrl: ...


class QrUrl(Protocol):
    """A code's content."""

    @property
    def url(self) -> str: ...


class MiniProgramLinks(Protocol):
    """What is asked of the mini-program (`wechat.mini_program.MiniProgram` does it)."""

    async def url_link(self, path: str, query: str, *, days: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Codes:
    """Two ways into WeChat; empty where the platform is away or there is no such account."""

    mini_program: str = ""
    official_account: str = ""


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """The page of one installation."""

    services: Services
    links: MiniProgramLinks
    official_account: OfficialAccountCodes | None

    async def show(self, request: Request) -> Response:
        """The page, or the page that says why there is none and what to do next."""
        token = request.path_params["token"]
        try:
            await self.services.limiter.check(limits.INVITATION_ADDRESS, client_address(request, self.services))
            if len(token) > LONGEST_TOKEN:
                raise NotFound("invitation_not_found", "没有找到这个邀请", "请核对链接或二维码，或联系民警。")
            invitation = await groups.invitation_of(token)
        except BusinessError as error:
            return _page(error.title, _trouble(error), error.status)
        member = await Member.get(id=invitation.member_id)
        unit = await Unit.get(id=(await Case.get(id=member.case_id)).unit_id)
        return _page(f"{unit.name}邀请您", _invitation(unit, invitation, await self._codes(token)), 200)

    async def _codes(self, token: str) -> Codes:
        key = f"invitation-codes:{token_hash(token).hex()}"
        try:
            kept = await self.services.redis.get(key)
        except (RedisError, OSError):
            kept = None
        if kept is not None:
            return Codes(**orjson.loads(kept))
        codes = await self._ask(token)
        if codes.mini_program or codes.official_account:
            try:
                await self.services.redis.set(key, orjson.dumps(codes), ex=KEPT_SECONDS)
            except (RedisError, OSError) as error:
                log.warning("codes_not_kept", error=type(error).__name__)
        return codes

    async def _ask(self, token: str) -> Codes:
        mini_program = official_account = ""
        try:
            mini_program = await self.links.url_link(JOIN_PAGE, f"token={token}", days=DAYS_OF_CODES)
            if self.official_account is not None:
                code = await self.official_account.create_qrcode(token, DAYS_OF_CODES * 86_400)
                official_account = code.url
        except CallError as error:
            log.warning("codes_not_given", error=type(error).__name__)
        return Codes(mini_program, official_account)


def _invitation(unit: Unit, invitation: Invitation, codes: Codes) -> str:
    until = clock.local(invitation.expires_at)
    parts = [
        f"<h1>{escape(unit.name)}邀请您加入事项服务群</h1>",
        "<p>加入后可以查看办理进展、随时提问，民警会答复您。</p>",
    ]
    if codes.mini_program:
        link = escape(codes.mini_program, quote=True)
        parts.append(f'<p><a class="button" href="{link}" rel="noreferrer">打开微信小程序加入</a></p>')
    card = f'<section class="card">{"".join(parts)}</section>'
    if codes.official_account:
        picture = segno.make(codes.official_account, error="m").svg_data_uri(scale=5, border=2)
        card += (
            '<section class="card"><h2>也可以扫码加入</h2>'
            f'<img src="{picture}" alt="公众号二维码，用微信扫一扫">'
            "<p>用微信“扫一扫”扫这个二维码；已经在微信里打开的，长按二维码识别。</p></section>"
        )
    phone = escape(unit.duty_phone) or "受案回执上的电话"
    return card + (
        '<section class="card"><h2>怎么加入</h2><ol><li>用上面任意一种方式打开微信。</li>'
        "<li>核对您在派出所登记的手机号码。</li><li>看到“已加入”就可以提问了。</li></ol></section>"
        f"<footer><p>邀请 {until.month}月{until.day}日前有效，只能用一次。</p>"
        f"<p>不放心？请拨打派出所电话 {phone} 核实。民警不会要求您转账，也不会索要验证码。</p>"
        "<p>遇到紧急情况，请立即拨打110。</p></footer>"
    )


def _trouble(error: BusinessError) -> str:
    return (
        f'<section class="card"><h1>{escape(error.title)}</h1><p>{escape(error.detail)}</p>'
        '<p class="muted">遇到紧急情况，请立即拨打110。</p></section>'
    )


def _page(title: str, body: str, status: int) -> Response:
    html = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · 案管家</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    return HTMLResponse(html, status_code=status, headers=HEADERS)
