"""Another system, as the tests play it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from kit import clock
from stewardship.exchange import clients
from stewardship.exchange.clients import Registered


@dataclass
class Signer(httpx.Auth):
    """Signs each request as the client would."""

    registered: Registered
    late: int = 0
    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        parts = urlsplit(str(request.url))
        timestamp = int(clock.real_now().timestamp()) - self.late
        signature = clients.signature(
            self.registered.secret, request.method, parts.path, parts.query, timestamp, request.content
        )
        request.headers["Authorization"] = (
            f"Steward-HMAC client={self.registered.client.id}, timestamp={timestamp}, signature={signature}"
        )
        yield request
