"""Leave and hand-over: a proposal split by load, what the colleagues answer, briefs, and the digest at the end."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import ActorDep, ServicesDep, officer_id_of
from api.handover_views import (
    Answered,
    Briefs,
    Digest,
    HandoverRow,
    HandoverView,
    HappenedView,
    brief_of,
    row_of,
    view_of,
)
from api.once import OnceRoute
from api.organisation import Instant
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Payload, Reason, words
from stewardship.handover import course, queries, service, taking
from stewardship.handover.models import LeaveKind
from stewardship.handover.rules import NOTE_LENGTH
from stewardship.handover.service import Change

router = APIRouter(tags=["handovers"], route_class=OnceRoute)

MOST_CASES = 500
CaseIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_CASES, examples=[[EXAMPLE_ID]])]


class LeaveIn(Payload):
    officer_id: UUID | None = Field(default=None, examples=[None], description="Absent: the caller.")
    kind: LeaveKind = Field(examples=["annual"])
    starts_at: Instant
    ends_at: Instant


class ChangeIn(Payload):
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    to_officer_id: UUID | None = Field(examples=[EXAMPLE_ID], description="Null: the instructor finds somebody.")
    note: Annotated[str, words(NOTE_LENGTH, 0)] | None = Field(
        default=None, examples=["周五前要给被侵害人回话"], description="Absent: stays as it is; empty: taken away."
    )


class ChangesIn(Payload):
    items: list[ChangeIn] = Field(min_length=1, max_length=MOST_CASES)


class AcceptIn(Payload):
    case_ids: CaseIds | None = Field(default=None, description="Absent: all that wait for the caller.")


class RefuseIn(AcceptIn):
    reason: Reason


class PlaceIn(Payload):
    case_ids: CaseIds
    officer_id: UUID = Field(examples=[EXAMPLE_ID], description="Oneself: keep them.")


@router.post("/handovers", status_code=201)
async def propose(payload: LeaveIn, actor: ActorDep) -> HandoverView:
    """Draft a hand-over of all one's open cases (an instructor: of an officer's), split by load. Nothing moves yet."""
    drafted = await service.propose(
        actor,
        payload.officer_id or officer_id_of(actor),
        kind=payload.kind,
        starts_at=payload.starts_at,
        ends_at=payload.ends_at,
    )
    return await view_of(actor, drafted.id)


@router.get("/handovers")
async def list_handovers(
    actor: ActorDep, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[HandoverRow]:
    """One's own leaves, those in which one is asked to take cases, and an instructor's unit's; newest first."""
    officer_id = officer_id_of(actor)
    cursors = Cursors(services.session_key, f"handovers:{officer_id}")
    place = cursors.read(cursor)
    rows = await queries.listed(actor, limit=limit + 1, before=place[0] if place else None)
    return cursors.page(
        rows, limit, lambda row: (row.handover.created_at, row.handover.id), lambda row: row_of(row, officer_id)
    )


@router.get("/handovers/{handover_id}")
async def read_handover(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """One hand-over with its cases."""
    return await view_of(actor, handover_id)


@router.put("/handovers/{handover_id}/items")
async def change(handover_id: UUID, payload: ChangesIn, actor: ActorDep) -> HandoverView:
    """Correct the proposal, and leave a word on a case for whoever takes it."""
    changes = [Change(item.case_id, item.to_officer_id, item.note) for item in payload.items]
    await service.change(actor, handover_id, changes)
    return await view_of(actor, handover_id)


@router.post("/handovers/{handover_id}/offer")
async def offer(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """Ask the colleagues. A leave that has begun takes effect at once: until accepted the instructor owns the cases."""
    await service.offer(actor, handover_id)
    return await view_of(actor, handover_id)


@router.post("/handovers/{handover_id}/cancel")
async def cancel(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """The leave does not take place."""
    await service.cancel(actor, handover_id)
    return await view_of(actor, handover_id)


@router.post("/handovers/{handover_id}/return")
async def come_back(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """Back before the end of the leave: the cases return now."""
    await course.come_back(actor, handover_id)
    return await view_of(actor, handover_id)


@router.post("/handovers/{handover_id}/accept")
async def accept(handover_id: UUID, payload: AcceptIn, actor: ActorDep) -> Answered:
    """Take these cases, or all that one is asked to take."""
    return Answered(cases=await taking.accept(actor, handover_id, payload.case_ids))


@router.post("/handovers/{handover_id}/refuse")
async def refuse(handover_id: UUID, payload: RefuseIn, actor: ActorDep) -> Answered:
    """Not take these cases, or any; they are on the instructor's list."""
    return Answered(cases=await taking.refuse(actor, handover_id, payload.reason, payload.case_ids))


@router.post("/handovers/{handover_id}/place")
async def place(handover_id: UUID, payload: PlaceIn, actor: ActorDep) -> Answered:
    """An instructor asks somebody else, or keeps the cases."""
    return Answered(cases=await taking.place(actor, handover_id, payload.case_ids, payload.officer_id))


@router.get("/handovers/{handover_id}/briefs")
async def read_briefs(
    handover_id: UUID,
    actor: ActorDep,
    case_id: Annotated[UUID | None, Query(description="One case alone.", examples=[None])] = None,
) -> Briefs:
    """One screen a case, the most urgent first; each is a recorded read."""
    made = await queries.briefs_of(actor, handover_id, [case_id] if case_id else None)
    return Briefs(items=[brief_of(brief) for brief in made])


@router.get("/handovers/{handover_id}/digest")
async def read_digest(handover_id: UUID, actor: ActorDep) -> Digest:
    """What happened while the officer was away."""
    rows = await queries.digest(actor, handover_id)
    waiting = sum(row.waiting for row in rows)
    rest = f"{waiting} 个提问在等答复" if waiting else "没有提问在等答复"
    return Digest(items=[HappenedView.model_validate(row) for row in rows], sentence=f"{len(rows)} 件案件，{rest}。")
