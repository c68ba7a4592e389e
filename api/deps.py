"""What routes depend on: the caller, the process's services, the client's address and device."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from api.access import check_access, rule_of
from api.csrf import SESSION_COOKIE, check_csrf
from api.machines import is_signed, machine_actor
from api.services import Services
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import NotFound, NotLoggedIn

BEARER = "bearer"
TOKEN_LENGTH = 128
DEVICE_LENGTH = 128


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]


def client_address(request: Request, services: ServicesDep) -> str:
    """Who knocks: the peer, or what the trusted proxies say (each appends one entry, so ours are the last ones)."""
    peer = request.client.host if request.client else ""
    count = services.settings.trusted_proxies
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    claimed = hops[-count] if count and len(hops) >= count else peer
    try:
        return str(ipaddress.ip_address(claimed))
    except ValueError:
        return peer[:45]


def client_device(request: Request) -> str:
    """The browser or WeChat version, as it calls itself."""
    agent = request.headers.get("user-agent", "")
    return "".join(c for c in agent if c.isprintable())[:DEVICE_LENGTH]


AddressDep = Annotated[str, Depends(client_address)]
DeviceDep = Annotated[str, Depends(client_device)]


def bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == BEARER and 0 < len(token) <= TOKEN_LENGTH else None


def session_token(request: Request) -> str | None:
    """The token of the request, whose cross-site proof still has to be checked where it is a cookie's."""
    cookie = request.cookies.get(SESSION_COOKIE)
    return bearer_token(request) or (cookie if cookie and len(cookie) <= TOKEN_LENGTH else None)


async def caller(request: Request, services: ServicesDep, address: AddressDep, device: DeviceDep) -> Actor | None:
    """Who calls, or None without a token. Raises NotLoggedIn for a token that does not hold, NotAllowed for CSRF."""
    if is_signed(request):
        return await machine_actor(request, services, address, device)
    token = session_token(request)
    if token is None:
        return None
    if bearer_token(request) is None:
        check_csrf(request, services.session_key, token)
    return await services.sessions.actor(token, device=device, address=address)


async def gate(request: Request, services: ServicesDep, address: AddressDep, device: DeviceDep) -> Actor | None:
    """In front of every route: lets through whom `api.access.TABLE` lets through.

    A public route takes everybody without looking at them: whoever logs in again may still hold an old cookie.
    """
    method, path = request.method, request.scope["route"].path
    if rule_of(method, path).public:
        return None
    actor = await caller(request, services, address, device)
    check_access(method, path, actor)
    return actor


Gate = Annotated[Actor | None, Depends(gate)]


async def current_actor(actor: Gate) -> Actor:
    """The caller of a route that needs one."""
    if actor is None:
        raise NotLoggedIn
    return actor


ActorDep = Annotated[Actor, Depends(current_actor)]


def identity_of(actor: Actor) -> UUID:
    """The WeChat user behind a citizen's session."""
    if actor.identity_id is None:
        raise NotLoggedIn
    return actor.identity_id


def officer_id_of(actor: Actor) -> UUID:
    """The officer behind an officer's session."""
    if actor.kind is not ActorKind.OFFICER or actor.id is None:
        raise NotLoggedIn
    return actor.id


async def own_member(case_id: UUID, actor: ActorDep) -> Member:
    """The caller's membership in the case of the path. Raises NotFound for everybody else's."""
    if actor.id is None:
        raise NotFound("case_not_found", "没有找到这个案件", "可能您还没有加入，请凭邀请加入。")
    return await groups.membership(actor.id, case_id)


OwnMember = Annotated[Member, Depends(own_member)]


async def readable_case(case_id: UUID, actor: ActorDep) -> Case:
    """The case of the path, within the officer's scope; the read is recorded."""
    return await cases.access_case(actor, case_id)


async def writable_case(case_id: UUID, actor: ActorDep) -> Case:
    """The same for who acts on it. Raises NotAllowed for who may only read."""
    case = await cases.access_case(actor, case_id)
    cases.check_may_write(actor, case)
    return case


ReadableCase = Annotated[Case, Depends(readable_case)]
WritableCase = Annotated[Case, Depends(writable_case)]
