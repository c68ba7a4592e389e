"""Missed promises that are contested, and deciding about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep, ServicesDep
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Payload, View, words
from stewardship.dialogue.contests import queries
from stewardship.dialogue.contests import service as contests
from stewardship.dialogue.contests.models import ContestState, Ground
from stewardship.dialogue.contests.rules import DECISION_LENGTH, EVIDENCE_LENGTH
from stewardship.foundation.clocks.rules import Target
from stewardship.reports import breaches

router = APIRouter(tags=["contests"], route_class=OnceRoute)


class ContestView(View):
    """A contested breach: whose, why it is said to be none, who decides by when, and how it was judged."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    episode: int = Field(examples=[1])
    target: Target = Field(examples=["first"])
    missed_at: datetime = Field(examples=["2026-03-02T02:30:00Z"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID], description="Had the question when the promise was missed.")
    unit_name: str = Field(examples=["柳堤派出所"])
    owner_id: UUID | None = Field(examples=[EXAMPLE_ID])
    owner_name: str | None = Field(examples=["王敏"])
    raised_by_id: UUID = Field(examples=[EXAMPLE_ID])
    raised_by_name: str = Field(examples=["王敏"])
    raised_at: datetime = Field(examples=["2026-03-02T06:00:00Z"])
    ground: Ground = Field(examples=["answered_otherwise"])
    evidence: str = Field(examples=["10:20 已电话答复，通话 3 分钟，忘记登记。"])
    state: ContestState = Field(examples=["open"])
    decider_unit_id: UUID = Field(examples=[EXAMPLE_ID])
    decider_unit_name: str = Field(examples=["湖东分局"])
    due_at: datetime = Field(examples=["2026-03-05T06:00:00Z"])
    overdue: bool = Field(examples=[False], description="Not decided in time; the level above was told.")
    decided_by_id: UUID | None = Field(examples=[None])
    decided_by_name: str | None = Field(examples=[None])
    decided_at: datetime | None = Field(examples=[None])
    decision: str | None = Field(examples=[None])
    may_decide: bool = Field(examples=[True])


class BreachView(View):
    """A missed promise of late: whose, and until when it may be contested."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    episode: int = Field(examples=[1])
    target: Target = Field(examples=["first"])
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str | None = Field(examples=["柳堤派出所"])
    owner_id: UUID | None = Field(examples=[EXAMPLE_ID])
    owner_name: str | None = Field(examples=["王敏"])
    asked_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    missed_at: datetime = Field(examples=["2026-03-02T02:30:00Z"])
    contestable_until: datetime = Field(examples=["2026-03-09T02:30:00Z"])
    contestable: bool = Field(examples=[True])
    contest_id: UUID | None = Field(examples=[None])
    contest_state: ContestState | None = Field(examples=[None])


class Contesting(Payload):
    target: Target = Field(examples=["first"])
    ground: Ground = Field(examples=["answered_otherwise"])
    evidence: Annotated[str, words(EVIDENCE_LENGTH)] = Field(examples=["10:20 已电话答复，通话 3 分钟，忘记登记。"])
    episode: int | None = Field(default=None, ge=1, le=999, examples=[1], description="The last one by default.")


class Decision(Payload):
    accepted: bool = Field(examples=[True])
    reason: Annotated[str, words(DECISION_LENGTH)] = Field(examples=["通话记录属实。"])


@router.get("/breaches")
async def list_breaches(actor: ActorDep) -> list[BreachView]:
    """The promises that the caller, or an instructor's units, missed of late; the newest hundred."""
    return [BreachView.model_validate(each) for each in await breaches.breaches(actor)]


@router.post("/inquiries/{inquiry_id}/contests")
async def contest(inquiry_id: UUID, payload: Contesting, actor: ActorDep) -> ContestView:
    """Contest that a promise was missed: once, within five working days, by whose it was or their instructor."""
    raised = await contests.contest(
        actor, inquiry_id, payload.target, payload.ground, payload.evidence, episode=payload.episode
    )
    return ContestView.model_validate(await queries.access_contest(actor, raised.id))


@router.get("/contests")
async def list_own(
    actor: ActorDep, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[ContestView]:
    """What the caller raised or is concerned by, and an instructor's units'; newest first, decided ones included."""
    cursors = Cursors(services.session_key, f"contests:{actor.id}")
    rows = await queries.own(actor, after=cursors.read(cursor), limit=limit + 1)
    return cursors.page(rows, limit, lambda row: (row.raised_at, row.id), ContestView.model_validate)


@router.get("/contests/to-decide")
async def list_to_decide(
    actor: ActorDep, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[ContestView]:
    """What waits for the caller's decision, the most urgent first."""
    cursors = Cursors(services.session_key, f"to-decide:{actor.id}")
    rows = await queries.to_decide(actor, after=cursors.read(cursor), limit=limit + 1)
    return cursors.page(rows, limit, lambda row: (row.due_at, row.id), ContestView.model_validate)


@router.get("/contests/{contest_id}")
async def get_contest(contest_id: UUID, actor: ActorDep) -> ContestView:
    """One of them; the read is recorded."""
    return ContestView.model_validate(await queries.access_contest(actor, contest_id))


@router.post("/contests/{contest_id}/decision")
async def decide(contest_id: UUID, payload: Decision, actor: ActorDep) -> ContestView:
    """Judge it, for a reason that everybody concerned reads; final. 403 for whoever it concerns."""
    await contests.decide(actor, contest_id, accepted=payload.accepted, reason=payload.reason)
    return ContestView.model_validate(await queries.access_contest(actor, contest_id))
