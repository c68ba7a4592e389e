"""`Idempotency-Key`: a POST that may be repeated. A router of `OnceRoute` has it on every POST; nothing else is needed.

The whole route runs in one transaction with its key and its answer (`kit.once`). A refusal keeps no key: the request
may be mended and sent again under the same one. Not for routes that ask WeChat or take a file in, because no
transaction is open across HTTP; those repeat safely by a code that holds once, or by a `client_key`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from pydantic import StringConstraints

from api.deps import client_address, client_device, gate, services_of
from kit import once
from kit.database import in_transaction
from stewardship.foundation.errors import Conflict

HEADER = "Idempotency-Key"
PATTERN = r"^[0-9A-Za-z_-]{8,64}$"
REPLAYED = "Idempotency-Replayed"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def idempotency_key(
    idempotency_key: Annotated[
        Annotated[str, StringConstraints(pattern=PATTERN)] | None,
        Header(
            description="Made by the client for one tap. Repeating the request with it, within a week, changes nothing"
            " and is answered as the first time; another request with it is refused with 409.",
            examples=["01JZX5M9K3QW8T7R6E5D4C3B2A"],
        ),
    ] = None,
) -> str | None:
    """The key, checked and documented on each route that takes it."""
    return idempotency_key


KEY = Depends(idempotency_key)


class OnceRoute(APIRoute):
    """A route whose POST may be repeated under a key."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._takes_key = "POST" in (options.get("methods") or ())
        known = list(options.get("dependencies") or ())
        # A route that is included into another router is built anew from its parts.
        if self._takes_key and KEY not in known:
            options["dependencies"] = [*known, KEY]
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        handle: Handler = super().get_route_handler()
        if not self._takes_key:
            return handle

        async def handle_once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            return await handle(request) if key is None else await _once(request, key, handle)

        return handle_once


async def _once(request: Request, key: str, handle: Handler) -> Response:
    services = services_of(request)
    # The gate runs once more for a request that is new, and before anything is answered for one that is not.
    actor = await gate(request, services, client_address(request, services), client_device(request))
    if actor is None:
        return await handle(request)
    digest = once.digest_of(actor.kind, actor.id, actor.identity_id, key)
    asked = once.digest_of(request.method, request.url.path, request.url.query, (await request.body()).hex())
    async with in_transaction():
        try:
            earlier = await once.claim(digest, bytes.fromhex(asked))
        except once.KeyReused as error:
            raise Conflict(
                "idempotency_key_reused", "这次操作与之前的不一致", "请刷新页面，核对后重新提交。"
            ) from error
        if earlier is not None:
            return Response(earlier.body, earlier.status, {REPLAYED: "true"}, media_type="application/json")
        response = await handle(request)
        await once.keep(digest, once.Answer(response.status_code, bytes(response.body)))
        return response
