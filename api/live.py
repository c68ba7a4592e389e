"""Live updates: one stream of hints to each open page, as server-sent events.

A hint says where to look again (`{"topics": ["queue", "case:<id>"]}`), never what is there; the page then fetches, with
all its checks. Hints may be lost: with Valkey away there are none, and a page that was cut off fetches everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.deps import ActorDep, ServicesDep, session_token
from api.hub import BEAT_SECONDS, Line, Live
from stewardship import live
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import NotLoggedIn

log = structlog.get_logger(__name__)
router = APIRouter(tags=["live"])

SEND_SECONDS = 10.0
"""Who takes longer to take a few bytes is dropped; their browser comes back."""
RETRY_MS = 1000
EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["hello", "hint", "beat"], "examples": ["hint"]},
        "data": {"type": "string", "examples": ['{"topics": ["queue"]}']},
        "retry": {"type": "integer", "examples": [RETRY_MS]},
    },
    "required": ["event", "data"],
}


class LiveResponse(Response):
    """The stream itself: hints, a beat now and then, and an end."""

    media_type = "text/event-stream"

    def __init__(self, hub: Live, session_id: UUID, caller: Callable[[], Awaitable[Actor]]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._session_id, self._caller = hub, session_id, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._hub.joined(self._session_id) as line:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            talk, gone, end = (
                asyncio.create_task(each) for each in (self._talk(line, send), _gone(receive), self._hub.ending.wait())
            )
            try:
                done, _ = await asyncio.wait([talk, gone, end], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (talk, gone, end):
                    task.cancel()
                told, *_ = await asyncio.gather(talk, gone, end, return_exceptions=True)
            if isinstance(told, Exception):
                log.info("live_dropped", error=type(told).__name__)
            elif gone not in done:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _talk(self, line: Line, send: Send) -> None:
        """Until the session ends, or it is time to look for another server. The session is looked at every time."""
        now = asyncio.get_running_loop().time
        end, renewed = now() + self._hub.longest, now()
        line.interests = await live.interests_of(await self._caller())
        await _say(send, f"retry: {RETRY_MS}\nevent: hello\ndata: {{}}\n\n")
        while now() < end:
            topics = await line.topics()
            try:
                actor = await self._caller()
            except NotLoggedIn:
                return
            if now() - renewed >= BEAT_SECONDS:
                line.interests, renewed = await live.interests_of(actor), now()
            data = orjson.dumps({"topics": topics}).decode()
            await _say(send, f"event: {'hint' if topics else 'beat'}\ndata: {data}\n\n")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, text: str) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


@router.get(
    "/live",
    response_class=Response,
    responses={200: {"description": "A stream of events.", "content": {"text/event-stream": {"schema": EVENT}}}},
)
async def follow(request: Request, actor: ActorDep, services: ServicesDep) -> Response:
    """Server-sent events `hello`, `hint` (`{"topics": […]}`) and `beat`; ends with the session."""
    token = session_token(request)
    if token is None or actor.session_id is None:
        raise NotLoggedIn
    services.live.check_share(actor.session_id)
    return LiveResponse(services.live, actor.session_id, lambda: services.sessions.actor(token))
