"""Everything that waits for an officer, the most urgent first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import ActorDep, ServicesDep
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, View
from api.services import Services
from kit.valkey import RedisError
from stewardship.casework.parties.models import PartyRole
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.policy import Target
from stewardship.worklist import service as worklist
from stewardship.worklist.service import Relation, Task
from stewardship.worklist.sources import TaskKind

router = APIRouter(tags=["queue"])

SNIPPET = 80
SEEN_SECONDS = 12 * 3600


class QueuedView(View):
    """A task that waits for the caller or their unit."""

    kind: TaskKind = Field(examples=["inquiry"])
    id: UUID = Field(examples=[EXAMPLE_ID], description="Of the inquiry, member, visit or case, by `kind`.")
    case_id: UUID | None = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["莲花派出所"])
    owner_id: UUID | None = Field(examples=[EXAMPLE_ID])
    owner_name: str | None = Field(examples=["王敏"])
    relation: Relation = Field(examples=["mine"])
    about: str = Field(examples=["question"], description="The inquiry's kind or the visit's purpose; else empty.")
    party_name: str | None = Field(examples=["张*"], description="Masked.")
    party_roles: list[PartyRole] = Field(examples=[["victim"]])
    words: str | None = Field(examples=["鉴定什么时候出结果？"], description="The beginning of what was asked last.")
    channel: str | None = Field(examples=["mp"])
    messages: int = Field(examples=[4])
    since: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    due_at: datetime | None = Field(examples=["2026-03-02T02:30:00Z"])
    target: Target | None = Field(examples=["first"], description="The promise that falls due next.")
    left_seconds: int | None = Field(
        examples=[720], description="Of duty time where something is promised in it; negative once it is missed."
    )
    running: bool = Field(examples=[True], description="Whether the time left runs down now: off duty it stands still.")
    breached: bool = Field(examples=[False])
    version: int = Field(examples=[4], description="Of an inquiry: send it back with an answer.")


def view_of(task: Task) -> QueuedView:
    """A line as it is shown."""
    found = task.found
    return QueuedView(
        kind=found.kind,
        id=found.id,
        case_id=found.case_id,
        reference=found.reference,
        unit_id=found.unit_id,
        unit_name=task.unit_name,
        owner_id=found.owner_id,
        owner_name=task.owner_name,
        relation=task.relation,
        about=found.about,
        party_name=task.party_name,
        party_roles=list(task.party_roles),
        words=found.words[:SNIPPET] if found.words is not None else None,
        channel=found.channel,
        messages=found.messages,
        since=found.since,
        due_at=found.due_at,
        target=found.target,
        left_seconds=task.left,
        running=task.running,
        breached=found.breached,
        version=found.version,
    )


@router.get("/queue")
async def queue(
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 20,
    own_only: Annotated[bool, Query(description="Without what waits for others of the unit.")] = False,
) -> Page[QueuedView]:
    """What waits: one's own, and for an instructor all of the unit; the most urgent first."""
    cursors = Cursors(services.session_key, f"queue:{actor.id}:{own_only}")
    tasks = await worklist.queue(actor, limit=limit + 1, after=cursors.read(cursor), own_only=own_only)
    await _record_once(actor, services, tasks[:limit])
    return cursors.page(tasks, limit, lambda task: task.place, view_of)


async def _record_once(actor: Actor, services: Services, tasks: Sequence[Task]) -> None:
    """Every line is a read. An open page fetches the queue again and again, so the same line is one read a shift."""
    new = await _not_seen(services, [f"seen:{actor.id}:{task.found.id}:{task.found.version}" for task in tasks])
    await audit.record_many(
        [
            audit.Entry(
                f"{task.found.kind.value}.listed.read",
                actor,
                (task.found.kind.value, task.found.id),
                task.found.case_id,
                task.found.unit_id,
                task.relation.value,
            )
            for task, is_new in zip(tasks, new, strict=True)
            if is_new
        ]
    )


async def _not_seen(services: Services, keys: Sequence[str]) -> list[bool]:
    """Which of these are new; with Valkey away all are, and are recorded once more."""
    try:
        async with services.redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.set(key, b"1", ex=SEEN_SECONDS, nx=True)
            return [bool(answer) for answer in await pipe.execute()] if keys else []
    except RedisError:
        return [True] * len(keys)
