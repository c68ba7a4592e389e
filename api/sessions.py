"""Logging in and out: citizens by WeChat, officers by password and second factor, by a bound WeChat, or by SSO."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import segno
from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints
from tortoise.queryset import QuerySet

from api import limits
from api.csrf import clear_cookies, csrf_token, set_cookies
from api.deps import ActorDep, AddressDep, DeviceDep, ServicesDep, bearer_token, session_token
from api.errors import platform_problem
from api.schemas import EXAMPLE_ID, Done, Payload, View
from api.services import Services
from api.tickets import make_ticket, read_ticket
from kit import clock
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import NotFound
from stewardship.foundation.people import officer_login, sessions
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Platform, Session, SessionKind, Trust, WechatIdentity
from stewardship.foundation.people.sessions import CITIZEN_SESSION, OFFICER_SESSION
from wechat.errors import CallError

router = APIRouter(tags=["sessions"])
sso_router = APIRouter(tags=["sessions"])

TOTP_TICKET = "totp"

WechatCode = Annotated[
    str,
    StringConstraints(min_length=4, max_length=128, pattern=r"^[0-9A-Za-z_-]+$"),
    Field(description="From `wx.login` or the phone-number button; holds once, for 5 minutes.", examples=["0a3Bc5De"]),
]
OfficerNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{3,16}$"), Field(examples=["031582"])]
TotpCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(examples=["492039"])]
Ticket = Annotated[str, StringConstraints(min_length=16, max_length=128), Field(examples=["AZMsB10ufDqbHy9tik5ccA=="])]


class CitizenLogin(Payload):
    js_code: WechatCode


class CitizenSession(View):
    """A bearer token for the mini-program."""

    token: str = Field(examples=["nC1gq0…"], description="Send as `Authorization: Bearer …`.")
    expires_in: int = Field(examples=[2592000], description="Seconds of real time.")
    known: bool = Field(examples=[True], description="Whether this WeChat belongs to a person we know.")


class OfficerLogin(Payload):
    number: OfficerNumber
    password: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(examples=["correct Horse 7"])
    code: TotpCode | None = Field(default=None, examples=["492039"], description="Absent before the first enrolment.")


class OfficerSession(View):
    """`open`: logged in, the cookies are set. `enrol`: first set up the second factor with the ticket."""

    state: Literal["open", "enrol"] = Field(examples=["open"])
    csrf_token: str | None = Field(default=None, examples=["kq3V…"], description="For the header `X-CSRF-Token`.")
    ticket: str | None = Field(default=None, examples=[None], description="For `/totp-enrolments`, ten minutes.")
    expires_in: int | None = Field(default=None, examples=[43200])


class OfficerBearer(View):
    """A bearer token for an officer's mini-program."""

    token: str = Field(examples=["nC1gq0…"])
    expires_in: int = Field(examples=[43200])


class TotpEnrolment(Payload):
    ticket: Ticket


class TotpSecret(View):
    """Shown once."""

    secret: str = Field(examples=["JBSWY3DPEHPK3PXP"])
    uri: str = Field(examples=["otpauth://totp/案管家：031582?secret=JBSWY3DPEHPK3PXP&issuer=案管家"])
    qr: str = Field(examples=["data:image/svg+xml;charset=utf-8,%3Csvg…"], description="The same as a picture.")


class TotpConfirmation(Payload):
    ticket: Ticket
    code: TotpCode


class SessionView(View):
    """A login of one's own."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    created_at: datetime = Field(examples=["2026-03-02T01:30:00Z"])
    expires_at: datetime = Field(examples=["2026-03-02T13:30:00Z"])
    device: str = Field(examples=["Mozilla/5.0 …"])
    address: str = Field(examples=["203.0.113.7"])
    current: bool = Field(examples=[True])


class Sessions(View):
    """Logins that hold."""

    items: list[SessionView]


class Assertion(Payload):
    assertion: Annotated[str, StringConstraints(min_length=16, max_length=8192)] = Field(examples=["eyJhbGciOi…"])


async def identity_by_code(services: Services, js_code: str) -> WechatIdentity:
    """The WeChat user of a login code. The platform is asked before any transaction is open."""
    try:
        login = await services.mini_program.login(js_code)
    except CallError as error:
        raise platform_problem(error) from error
    return await people.identity_of(
        Platform.MINI_PROGRAM, services.settings.mp.app_id, login.openid, login.unionid or None
    )


@router.post("/sessions/citizen", status_code=201)
async def log_in_citizen(
    payload: CitizenLogin, services: ServicesDep, address: AddressDep, device: DeviceDep
) -> CitizenSession:
    """Log in with WeChat. Anybody may; without an enrolment the session sees nothing."""
    await services.limiter.check(limits.CITIZEN_LOGIN_ADDRESS, address)
    identity = await identity_by_code(services, payload.js_code)
    known = identity.person_id is not None and identity.trust is Trust.TRUSTED
    token = await sessions.open_session(
        SessionKind.CITIZEN,
        identity_id=identity.id,
        person_id=identity.person_id if known else None,
        device=device,
        address=address,
    )
    return CitizenSession(token=token, expires_in=int(CITIZEN_SESSION.total_seconds()), known=known)


@router.post("/sessions/officer", status_code=201)
async def log_in_officer(
    payload: OfficerLogin, response: Response, services: ServicesDep, address: AddressDep, device: DeviceDep
) -> OfficerSession:
    """Log in at the desk. Every refusal looks alike; five failures lock the number for 15 minutes."""
    await services.limiter.check(limits.LOGIN_ADDRESS, address)
    await services.limiter.check(limits.LOGIN_ACCOUNT, payload.number)
    login = await officer_login.log_in(payload.number, payload.password, payload.code, device=device, address=address)
    if login.step is officer_login.Step.ENROL and login.officer_id is not None:
        ticket = make_ticket(services.session_key, TOTP_TICKET, login.officer_id)
        return OfficerSession(state="enrol", ticket=ticket)
    return opened(response, services, login.token)


def opened(response: Response, services: Services, token: str) -> OfficerSession:
    """The desk's session, in its cookies."""
    secure = services.settings.public_url.scheme == "https"
    csrf = set_cookies(response, services.session_key, token, secure=secure)
    return OfficerSession(state="open", csrf_token=csrf, expires_in=int(OFFICER_SESSION.total_seconds()))


@router.post("/totp-enrolments", status_code=201)
async def enrol_totp(payload: TotpEnrolment, services: ServicesDep, address: AddressDep) -> TotpSecret:
    """Set up the second factor: scan the picture with an authenticator, then confirm with its first code."""
    await services.limiter.check(limits.LOGIN_ADDRESS, address)
    officer_id = read_ticket(services.session_key, TOTP_TICKET, payload.ticket)
    await services.limiter.check(limits.LOGIN_ACCOUNT, str(officer_id))
    secret, uri = await officer_login.start_totp(officer_id)
    return TotpSecret(secret=secret, uri=uri, qr=segno.make(uri, error="m").svg_data_uri(scale=4))


@router.post("/totp-enrolments/confirm", status_code=201)
async def confirm_totp(
    payload: TotpConfirmation, response: Response, services: ServicesDep, address: AddressDep, device: DeviceDep
) -> OfficerSession:
    """The first code confirms the second factor and logs in."""
    await services.limiter.check(limits.LOGIN_ADDRESS, address)
    officer_id = read_ticket(services.session_key, TOTP_TICKET, payload.ticket)
    await services.limiter.check(limits.LOGIN_ACCOUNT, str(officer_id))
    token = await officer_login.confirm_totp(officer_id, payload.code, device=device, address=address)
    return opened(response, services, token)


@router.post("/sessions/officer/wechat", status_code=201)
async def log_in_officer_by_wechat(
    payload: CitizenLogin, services: ServicesDep, address: AddressDep, device: DeviceDep
) -> OfficerBearer:
    """An officer's mini-program, once their WeChat has been bound from the desk."""
    await services.limiter.check(limits.LOGIN_ADDRESS, address)
    identity = await identity_by_code(services, payload.js_code)
    token = await officer_login.open_by_wechat(identity, device=device, address=address)
    return OfficerBearer(token=token, expires_in=int(OFFICER_SESSION.total_seconds()))


@sso_router.post("/sessions/officer/sso", status_code=201)
async def log_in_officer_by_sso(
    payload: Assertion, response: Response, services: ServicesDep, address: AddressDep, device: DeviceDep
) -> OfficerSession:
    """The bureau's own login. This route exists only where one is configured."""
    await services.limiter.check(limits.LOGIN_ADDRESS, address)
    if services.single_sign_on is None:
        raise NotFound
    number = await services.single_sign_on.officer_number(payload.assertion)
    if number is None:
        raise officer_login.LoginFailed
    return opened(response, services, await officer_login.open_by_number(number, device=device, address=address))


@router.get("/sessions")
async def list_sessions(actor: ActorDep) -> Sessions:
    """One's own logins that hold, newest first."""
    rows = await own_sessions(actor).filter(expires_at__gt=clock.real_now()).order_by("-created_at").limit(50)
    return Sessions(
        items=[
            SessionView(
                id=row.id,
                created_at=row.created_at,
                expires_at=row.expires_at,
                device=row.device,
                address=row.address,
                current=row.id == actor.session_id,
            )
            for row in rows
        ]
    )


def own_sessions(actor: Actor) -> QuerySet[Session]:
    """The caller's own sessions that were not revoked: an officer's by number, a citizen's by WeChat user."""
    mine = Session.filter(revoked_at=None)
    if actor.kind is ActorKind.OFFICER:
        return mine.filter(officer_id=actor.id)
    return mine.filter(identity_id=actor.identity_id, officer_id=None)


@router.get("/sessions/current/csrf")
async def csrf(request: Request, services: ServicesDep, _actor: ActorDep) -> OfficerSession:
    """The token for `X-CSRF-Token`, for a page that was loaded again."""
    token = session_token(request)
    if token is None or bearer_token(request) is not None:
        return OfficerSession(state="open")
    return OfficerSession(state="open", csrf_token=csrf_token(services.session_key, token))


@router.delete("/sessions/current")
async def log_out(response: Response, actor: ActorDep, services: ServicesDep) -> Done:
    """Log out."""
    if actor.session_id is not None:
        await sessions.revoke_sessions(actor, reason="logged_out", session_id=actor.session_id)
        await services.sessions.forget_session(actor.session_id)
    clear_cookies(response)
    return Done()


@router.delete("/sessions/{session_id}")
async def revoke_session(session_id: UUID, actor: ActorDep, services: ServicesDep) -> Done:
    """End one of one's own logins, on a device that was lost."""
    if not await own_sessions(actor).filter(id=session_id).exists():
        raise NotFound("session_not_found", "没有找到这个登录")
    await sessions.revoke_sessions(actor, reason="revoked_by_owner", session_id=session_id)
    await services.sessions.forget_session(session_id)
    return Done()
