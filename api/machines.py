"""Who signed a machine's request."""

from __future__ import annotations

import re
from uuid import UUID

from fastapi import Request

from api import limits
from api.services import Services
from stewardship.exchange import clients
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import NotLoggedIn

CREDENTIALS = re.compile(
    r"client=(?P<client>[0-9a-f-]{36}), ?timestamp=(?P<timestamp>\d{1,12}), ?signature=(?P<signature>[0-9a-f]{64})"
)


def is_signed(request: Request) -> bool:
    """Whether a request names the machines' scheme."""
    return request.headers.get("authorization", "").lower().startswith(f"{clients.SCHEME} ")


async def machine_actor(request: Request, services: Services, address: str, device: str) -> Actor:
    """The client behind a signed request. Raises NotLoggedIn, TooOften."""
    await services.limiter.check(limits.MACHINE_ADDRESS, address)
    found = CREDENTIALS.fullmatch(request.headers["authorization"][len(clients.SCHEME) + 1 :].strip().lower())
    if found is None:
        raise NotLoggedIn
    try:
        client_id = UUID(found["client"])
    except ValueError:
        raise NotLoggedIn from None
    client = await clients.authenticate(
        client_id,
        int(found["timestamp"]),
        found["signature"],
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        body=await request.body(),
    )
    await services.limiter.check(limits.MACHINE, str(client.id))
    return clients.actor_for(client, device=device, address=address)
