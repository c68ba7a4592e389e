"""What phones show, callbacks under way, the story, and the stream that keeps open pages up to date."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from sandbox.clock import iso
from sandbox.control import bodies
from sandbox.control.context import Context, Ctx, shown_delivery
from sandbox.errors import NotFound
from sandbox.feed import Wanted, server_sent_events
from sandbox.model import StoryStep

After = Annotated[int, Query(ge=0, description="Cursor: `last` of the answer before.")]
Wait = Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the first match.")]


feeds_router = APIRouter(tags=["feed"])


async def _answer(context: Context, wanted: Wanted, wait: float) -> dict[str, Any]:
    entries = await context.sandbox.feed.wait(wanted, wait)
    return {"entries": entries, "last": entries[-1].seq if entries else wanted.after}


@feeds_router.get("/phones/{phone_id}/feed")
async def phone_feed(
    context: Ctx,
    phone_id: str,
    after: After = 0,
    wait: Wait = 0,
    channel: str = "",
    direction: str = "",
    kind: str = "",
    contains: str = "",
) -> dict[str, Any]:
    """What one phone shows after a cursor; with `wait` a long poll for the first entry that matches."""
    context.sandbox.phone(phone_id)
    return await _answer(context, Wanted(after, phone_id, channel, direction, kind, contains), wait)


@feeds_router.get("/feed")
async def feed(
    context: Ctx, after: After = 0, wait: Wait = 0, channel: str = "", kind: str = "", contains: str = ""
) -> Any:
    return await _answer(context, Wanted(after, "", channel, "", kind, contains), wait)


@feeds_router.get("/events")
async def events(context: Ctx) -> StreamingResponse:
    """Server-sent events: `hello` with the cursor, then entry, phone, qrcode, menu, clock, story …"""
    first = {"last": context.sandbox.feed.last}
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        server_sent_events(context.sandbox.hub, first), media_type="text/event-stream", headers=headers
    )


deliveries_router = APIRouter(tags=["clock, faults, assertions"])


@deliveries_router.get("/deliveries")
async def deliveries(context: Ctx, after: After = 0) -> dict[str, Any]:
    """Callbacks to the product, the newest 5,000, with every try."""
    found = [shown_delivery(each) for each in context.callbacks.deliveries if each.number > after]
    return {"deliveries": found, "last": found[-1]["number"] if found else after}


@deliveries_router.get("/deliveries/{delivery_id}")
async def delivery(context: Ctx, delivery_id: str, wait: Wait = 0) -> dict[str, Any]:
    for each in context.callbacks.deliveries:
        if each.id == delivery_id:
            await context.callbacks.finished(each, wait)
            return shown_delivery(each)
    raise NotFound("delivery", delivery_id)


story_router = APIRouter(prefix="/story", tags=["story"])


@story_router.get("")
async def story(context: Ctx) -> list[StoryStep]:
    return [context.sandbox.story[number] for number in sorted(context.sandbox.story)]


@story_router.post("")
async def tell(context: Ctx, body: bodies.StoryBody) -> StoryStep:
    """Add a step of the story, or change the one of the same number."""
    step = StoryStep(**body.model_dump(), at=iso(context.sandbox.clock.now()))
    context.sandbox.tell_story(step)
    context.sandbox.store.flush()
    return step


@story_router.delete("", status_code=204)
async def clear(context: Ctx) -> Response:
    context.sandbox.clear_story()
    return Response(status_code=204)
