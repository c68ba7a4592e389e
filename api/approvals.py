"""Changes that need two persons: what waits, and deciding on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import ActorDep
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Payload, View, words
from stewardship.foundation.actors import Actor
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.approvals.models import REASON_LENGTH, Approval, ApprovalState
from stewardship.foundation.org.names import officer_names, unit_names

router = APIRouter(tags=["administration"], route_class=OnceRoute)

ChangeReason = Annotated[
    str, words(REASON_LENGTH, 2), Field(description="Shown to whoever decides, and kept.", examples=["群众反映等得久"])
]


class ChangeView(View):
    """A proposed change. `summary` says in plain Chinese what it would make hold."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    kind: str = Field(examples=["promise_policy"], description="promise_policy, rating_rules or key_rotation.")
    state: ApprovalState = Field(examples=["pending"])
    unit_id: UUID | None = Field(examples=[EXAMPLE_ID], description="Null: the whole city.")
    unit_name: str | None = Field(examples=["莲花派出所"])
    summary: list[str] = Field(examples=[["首次答复：20 分钟（值班时间）"]])
    reason: str = Field(examples=["群众反映等得久"])
    proposed_by_id: UUID = Field(examples=[EXAMPLE_ID])
    proposed_by_name: str | None = Field(examples=["王敏"])
    proposed_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    expires_at: datetime = Field(examples=["2026-03-09T02:00:00Z"])
    decided_by_id: UUID | None = Field(examples=[None])
    decided_by_name: str | None = Field(examples=[None])
    decided_at: datetime | None = Field(examples=[None])
    decision_reason: str = Field(examples=[""])
    own: bool = Field(examples=[False], description="The caller's own: they may withdraw it, and not decide.")


class Changes(View):
    items: list[ChangeView]


class Approving(Payload):
    reason: Annotated[str, words(REASON_LENGTH, 0)] = Field(default="", examples=["同意"])


class Refusing(Payload):
    reason: ChangeReason


async def change_views(actor: Actor, rows: Sequence[Approval]) -> list[ChangeView]:
    """The proposals with the names that a screen shows."""
    officers = await officer_names(id_ for row in rows for id_ in (row.proposed_by_id, row.decided_by_id))
    units = await unit_names(row.unit_id for row in rows)
    return [
        ChangeView(
            id=row.id,
            kind=row.kind,
            state=row.state,
            unit_id=row.unit_id,
            unit_name=units.get(row.unit_id) if row.unit_id else None,
            summary=approvals.describe(row),
            reason=row.reason,
            proposed_by_id=row.proposed_by_id,
            proposed_by_name=officers.get(row.proposed_by_id),
            proposed_at=row.proposed_at,
            expires_at=row.expires_at,
            decided_by_id=row.decided_by_id,
            decided_by_name=officers.get(row.decided_by_id) if row.decided_by_id else None,
            decided_at=row.decided_at,
            decision_reason=row.decision_reason,
            own=row.proposed_by_id == actor.id,
        )
        for row in rows
    ]


async def change_view(actor: Actor, row: Approval) -> ChangeView:
    """One of them."""
    return (await change_views(actor, [row]))[0]


@router.get("/changes")
async def list_changes(actor: ActorDep, pending_only: Annotated[bool, Query()] = False) -> Changes:
    """The newest hundred proposals that the caller may see."""
    return Changes(items=await change_views(actor, await approvals.changes_for(actor, pending_only=pending_only)))


@router.get("/changes/{change_id}")
async def get_change(change_id: UUID, actor: ActorDep) -> ChangeView:
    """One proposal."""
    return await change_view(actor, await approvals.access_change(actor, change_id))


@router.post("/changes/{change_id}/approve")
async def approve(change_id: UUID, payload: Approving, actor: ActorDep) -> ChangeView:
    """Carry it out. Never by who proposed it; 409 where things have changed since."""
    return await change_view(actor, await approvals.approve(actor, change_id, payload.reason))


@router.post("/changes/{change_id}/refuse")
async def refuse(change_id: UUID, payload: Refusing, actor: ActorDep) -> ChangeView:
    """Nothing changes."""
    return await change_view(actor, await approvals.refuse(actor, change_id, payload.reason))


@router.post("/changes/{change_id}/withdraw")
async def withdraw(change_id: UUID, actor: ActorDep) -> ChangeView:
    """Take back one's own."""
    return await change_view(actor, await approvals.withdraw(actor, change_id))
