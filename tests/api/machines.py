"""Another system, as the tests play it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from kit import clock
from stewardship.exchange import clients
from stewardship.exchange.clients import Registered


@dataclass
class Signer(httpx.Auth):
    """Signs each request as the client would."""

    client_id: UUID | str
    secret: str
    late: int = 0
    requires_request_body = True

    @classmethod
    def of(cls, registered: Registered, *, late: int = 0) -> Signer:
        return cls(registered.client.id, registered.secret, late)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        parts = urlsplit(str(request.url))
        timestamp = int(clock.real_now().timestamp()) - self.late
        signature = clients.signature(self.secret, request.method, parts.path, parts.query, timestamp, request.content)
        request.headers["Authorization"] = (
            f"Steward-HMAC client={self.client_id}, timestamp={timestamp}, signature={signature}"
        )
        yield request
