"""Calls that are owed: return visits after a "dissatisfied", and telephone tasks where a message reached nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api import limits
from api.deps import ActorDep, ServicesDep, officer_id_of
from api.names import masked_names, officer_names, unit_names
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Payload, Reason, View, words
from stewardship.casework.cases.models import Case
from stewardship.opinion.ratings.models import Rating
from stewardship.opinion.ratings.service import comment_of
from stewardship.opinion.visits import service as visits
from stewardship.opinion.visits import upkeep
from stewardship.opinion.visits.models import CallOutcome, Finding, Visit, VisitPurpose, VisitState
from stewardship.opinion.visits.rules import LONGEST_CALL, NOTE_LENGTH, needs_finding, possible
from stewardship.opinion.visits.saying import to_say

router = APIRouter(tags=["visits"], route_class=OnceRoute)

Note = Annotated[str, words(NOTE_LENGTH), Field(examples=["已致歉并说明后续安排。"])]


class VisitRow(View):
    """A call that is owed."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    purpose: VisitPurpose = Field(examples=["dissatisfied"])
    state: VisitState = Field(examples=["open"])
    case_id: UUID | None = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    person_name: str = Field(examples=["张*"], description="Masked.")
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["莲花派出所"])
    assigned_to_id: UUID | None = Field(examples=[EXAMPLE_ID])
    assigned_to_name: str | None = Field(examples=["王敏"])
    opened_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    due_at: datetime = Field(examples=["2026-03-03T02:00:00Z"])
    closed_at: datetime | None = Field(examples=[None])
    outcome: CallOutcome | None = Field(examples=[None])
    finding: str = Field(examples=[""])


class CallView(View):
    """One attempt."""

    at: datetime = Field(examples=["2026-03-02T03:00:00Z"])
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_name: str | None = Field(examples=["王敏"])
    outcome: CallOutcome = Field(examples=["not_reached"])
    seconds: int = Field(examples=[0])
    note: str | None = Field(examples=[None])


class VisitView(VisitRow):
    """A visit with its calls, and what the caller needs for the next one."""

    calls: list[CallView]
    words: str | None = Field(
        examples=["鉴定意见已经出来。"],
        description="What the message or update says that is to be told, or what the dissatisfied person wrote.",
    )
    outcomes: list[CallOutcome] = Field(examples=[["informed", "not_reached"]], description="How a call can end.")
    awaits_finding: bool = Field(examples=[False], description="The person was heard: a finding closes it.")


class CallIn(Payload):
    outcome: CallOutcome = Field(examples=["satisfied"])
    seconds: int = Field(default=0, ge=0, le=LONGEST_CALL, examples=[240])
    note: Note | None = None
    finding: Finding | None = Field(default=None, examples=[None])


class CloseIn(Payload):
    finding: Finding = Field(examples=["substantiated"])


class ReassignIn(Payload):
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    reason: Reason


class SettleIn(Payload):
    informed: bool = Field(examples=[True], description="Told at the counter; false: given up.")
    note: Note


class DialView(View):
    """Whom to ask for, at which number, and what to say to whoever picks up. Its showing is recorded."""

    name: str = Field(examples=["张三"])
    number: str = Field(examples=["13800000000"])
    pretext: str = Field(examples=[""])
    protected: bool = Field(examples=[False])


async def view_of(visit: Visit) -> VisitView:
    """The visit with its calls."""
    [row], made = await _rows([visit]), await visits.calls_of(visit)
    names = await officer_names(call.officer_id for call in made)
    return VisitView(
        **row.model_dump(),
        calls=[
            CallView(
                at=call.at,
                officer_id=call.officer_id,
                officer_name=names.get(call.officer_id),
                outcome=call.outcome,
                seconds=call.seconds,
                note=call.note,
            )
            for call in made
        ],
        words=await _words(visit),
        outcomes=[outcome for outcome in CallOutcome if possible(visit.purpose, outcome)],
        awaits_finding=visit.state is VisitState.OPEN and needs_finding(visit.purpose, visit.outcome),
    )


async def _words(visit: Visit) -> str | None:
    rating = await Rating.get_or_none(id=visit.rating_id) if visit.rating_id else None
    return comment_of(rating) if rating else await to_say(visit)


async def _rows(found: Sequence[Visit]) -> list[VisitRow]:
    """The visits as lines, with the names that belong to their ids."""
    references = dict(await Case.filter(id__in=[v.case_id for v in found if v.case_id]).values_list("id", "reference"))
    persons = await masked_names(v.person_id for v in found)
    units = await unit_names(v.unit_id for v in found)
    officers = await officer_names(v.assigned_to_id for v in found)
    beside = {"reference", "person_name", "unit_name", "assigned_to_name"}
    return [
        VisitRow(
            **{name: getattr(v, name) for name in VisitRow.model_fields if name not in beside},
            reference=references.get(v.case_id),
            person_name=persons[v.person_id],
            unit_name=units[v.unit_id],
            assigned_to_name=officers.get(v.assigned_to_id),
        )
        for v in found
    ]


@router.get("/visits")
async def list_visits(
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 20,
    purpose: Annotated[VisitPurpose | None, Query()] = None,
    own_only: Annotated[bool, Query()] = False,
) -> Page[VisitRow]:
    """Open ones in the caller's scope, the most urgent first. Who handled the case never sees a complaint about it."""
    cursors = Cursors(services.session_key, f"visits:{actor.id}:{purpose}:{own_only}")
    rows = await visits.calls_owed(
        actor, own_only=own_only, purpose=purpose, limit=limit + 1, after=cursors.read(cursor)
    )
    shown = {row.id: row for row in await _rows(rows)}
    return cursors.page(rows, limit, lambda row: (row.due_at, row.id), lambda row: shown[row.id])


@router.get("/visits/{visit_id}")
async def get_visit(visit_id: UUID, actor: ActorDep) -> VisitView:
    """A visit with its calls; the read is recorded."""
    return await view_of(await visits.access_visit(actor, visit_id))


@router.post("/visits/{visit_id}/dial")
async def dial(visit_id: UUID, actor: ActorDep, services: ServicesDep) -> DialView:
    """The number to call now; 409 outside the person's hours."""
    await services.limiter.check(limits.REVEAL, str(officer_id_of(actor)))
    return DialView.model_validate(await visits.dial(actor, visit_id))


@router.post("/visits/{visit_id}/calls", status_code=201)
async def record_call(visit_id: UUID, payload: CallIn, actor: ActorDep) -> VisitView:
    """Write down a call: it ends the visit, or another attempt is owed."""
    visit = await visits.record_call(
        actor, visit_id, payload.outcome, seconds=payload.seconds, note=payload.note, finding=payload.finding
    )
    return await view_of(visit)


@router.post("/visits/{visit_id}/reassign")
async def reassign(visit_id: UUID, payload: ReassignIn, actor: ActorDep) -> VisitRow:
    """Give it to another officer, never to one on the case where it is about a complaint."""
    [row] = await _rows([await upkeep.reassign(actor, visit_id, payload.officer_id, payload.reason)])
    return row


@router.post("/visits/{visit_id}/close")
async def close(visit_id: UUID, payload: CloseIn, actor: ActorDep) -> VisitView:
    """What the dissatisfaction came to, once the person has been heard."""
    return await view_of(await visits.close(actor, visit_id, payload.finding))


@router.post("/visits/{visit_id}/settle")
async def settle(visit_id: UUID, payload: SettleIn, actor: ActorDep) -> VisitView:
    """End a telephone task without a call: told at the counter, or given up."""
    return await view_of(
        await visits.settle_without_call(actor, visit_id, informed=payload.informed, note=payload.note)
    )
