"""Every kind of caller, and how each sends a request that is taken back afterwards."""

from __future__ import annotations

import inspect

import httpx
from tortoise.transactions import in_transaction

from stewardship.foundation.org.models import Role
from tests.api.city import citizen_token, officer_token
from tests.api.machines import Signer
from tests.api.requests import REQUESTS, Request
from tests.api.world import World

CITIZENS = ("victim", "opponent", "stranger", "unbound")
OFFICERS: dict[str, Role] = {
    "steward": Role.STEWARD,
    "colleague": Role.STEWARD,
    "duty_officer": Role.STEWARD,
    "stranger_steward": Role.STEWARD,
    "instructor": Role.INSTRUCTOR,
    "other_instructor": Role.INSTRUCTOR,
    "centre_officer": Role.CENTRE_OFFICER,
    "other_centre_officer": Role.CENTRE_OFFICER,
    "inspector": Role.INSPECTOR,
    "other_inspector": Role.INSPECTOR,
    "system_administrator": Role.SYSTEM_ADMINISTRATOR,
    "other_system_administrator": Role.SYSTEM_ADMINISTRATOR,
    "security_administrator": Role.SECURITY_ADMINISTRATOR,
    "other_security_administrator": Role.SECURITY_ADMINISTRATOR,
    "audit_administrator": Role.AUDIT_ADMINISTRATOR,
}
BEYOND = {name for name in OFFICERS if name.startswith(("other_", "stranger_"))}
"""Officers whose units do not contain the station."""
ANONYMOUS = "anonymous"
MACHINES = ("machine", "other_machine")
"""Another system that writes to the station's sub-bureau, and one that writes elsewhere."""
CALLERS = (ANONYMOUS, *CITIZENS, *OFFICERS, *MACHINES)


class _Undo(Exception):
    """Takes back what one request did."""


async def token_of(world: World, caller: str) -> str | Signer | None:
    if caller == ANONYMOUS:
        return None
    if caller in MACHINES:
        return Signer.of(world.machines[caller])
    make = citizen_token if caller in CITIZENS else officer_token
    return await make(world.city, caller)


async def call(
    browser: httpx.AsyncClient, method: str, path: str, request: Request, token: str | Signer | None
) -> httpx.Response:
    """Send the request, and take back what it did."""
    headers = dict(request.headers)
    if isinstance(token, str):
        headers["Authorization"] = f"Bearer {token}"
    answer: httpx.Response | None = None
    try:
        async with in_transaction("default"):
            answer = await browser.request(
                method,
                path,
                json=request.json,
                params=request.params or None,
                content=request.content,
                headers=headers,
                auth=token if isinstance(token, Signer) else None,
            )
            raise _Undo
    except _Undo:
        pass
    browser.cookies.clear()
    assert answer is not None
    return answer


async def request_for(world: World, route: tuple[str, str]) -> Request:
    """A fresh request that the route takes."""
    built = REQUESTS[route](world)
    return await built if inspect.isawaitable(built) else built
