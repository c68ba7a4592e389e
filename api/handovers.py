"""Leave and hand-over: a proposal split by load, what the colleagues answer, briefs, and the digest at the end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import ActorDep, ServicesDep, officer_id_of
from api.once import OnceRoute
from api.organisation import Instant
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Payload, Reason, View, words
from stewardship.casework.cases.models import CaseKind
from stewardship.dialogue.answering.record import moment
from stewardship.foundation.actors import Actor
from stewardship.handover import course, queries, service, taking
from stewardship.handover.models import HandoverState, ItemState, LeaveKind
from stewardship.handover.rules import NOTE_LENGTH
from stewardship.handover.service import Change
from stewardship.handover.steps import RUNNING

router = APIRouter(tags=["handovers"], route_class=OnceRoute)

MOST_CASES = 500
KINDS = {
    LeaveKind.ANNUAL: "休假",
    LeaveKind.SICK: "病假",
    LeaveKind.TRAINING: "培训",
    LeaveKind.COURT: "出庭",
    LeaveKind.OTHER: "外出",
}
CaseIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_CASES, examples=[[EXAMPLE_ID]])]


class ItemView(View):
    """A case of the hand-over."""

    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    state: ItemState = Field(examples=["offered"])
    to_officer_id: UUID | None = Field(examples=[EXAMPLE_ID])
    to_officer_name: str | None = Field(examples=["李白"])
    holder_id: UUID | None = Field(examples=[EXAMPLE_ID], description="Who has the case since the leave began.")
    holder_name: str | None = Field(examples=["赵方"])
    points: int = Field(examples=[3], description="Its load: 2 a case, 1 a waiting question, 1 for what falls due.")
    waiting: int = Field(examples=[1])
    reason: str = Field(examples=["手上案件太多"])
    has_note: bool = Field(examples=[True])


class ColleagueShareView(View):
    """A colleague's load beside what they are asked to take."""

    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["李白"])
    away: bool = Field(examples=[False])
    open_cases: int = Field(examples=[12])
    waiting: int = Field(examples=[2])
    points: int = Field(examples=[26])
    given_cases: int = Field(examples=[10])
    given_points: int = Field(examples=[23])


class HandoverView(View):
    """A hand-over. Whoever is asked to take cases sees those alone."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["J260316123456"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_name: str = Field(examples=["王敏"])
    kind: LeaveKind = Field(examples=["annual"])
    kind_name: str = Field(examples=["休假"])
    state: HandoverState = Field(examples=["in_effect"])
    starts_at: datetime = Field(examples=["2026-03-16T00:00:00Z"])
    ends_at: datetime = Field(examples=["2026-03-23T00:00:00Z"])
    effective_at: datetime | None = Field(examples=[None])
    ended_at: datetime | None = Field(examples=[None])
    manages: bool = Field(examples=[True], description="The caller arranges it, and sees all of it.")
    counts: dict[str, int] = Field(examples=[{"accepted": 38, "offered": 2}])
    items: list[ItemView]
    colleagues: list[ColleagueShareView] = Field(description="Only while it is arranged.")
    sentence: str = Field(examples=["王敏休假到 3月23日 08:00，40 件案件：38 件已接收，2 件待接收。"])


class HandoverRow(View):
    """A hand-over in a list."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["J260316123456"])
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_name: str = Field(examples=["王敏"])
    kind_name: str = Field(examples=["休假"])
    state: HandoverState = Field(examples=["in_effect"])
    starts_at: datetime = Field(examples=["2026-03-16T00:00:00Z"])
    ends_at: datetime = Field(examples=["2026-03-23T00:00:00Z"])
    manages: bool = Field(examples=[True])
    counts: dict[str, int] = Field(examples=[{"accepted": 38, "offered": 2}])
    for_me: int = Field(examples=[2], description="Cases that wait for the caller's answer.")
    sentence: str = Field(examples=["王敏休假到 3月23日 08:00，40 件案件：38 件已接收，2 件待接收。"])


class AskedView(View):
    """A question of a party, cut short."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    masked_name: str = Field(examples=["张*"])
    text: str = Field(examples=["鉴定什么时候出结果？"])
    asked_at: datetime = Field(examples=["2026-03-15T02:00:00Z"])
    waits: bool = Field(examples=[True])
    due_at: datetime | None = Field(examples=["2026-03-16T02:00:00Z"])


class BriefView(View):
    """A case on one screen: asked, promised, awaited, do-not-say."""

    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    number: str | None = Field(examples=[None])
    kind: CaseKind | None = Field(examples=["public_order"])
    stage_name: str = Field(examples=["调查取证"])
    asked: list[AskedView]
    promised: list[str] = Field(examples=[["下次联系当事人：3月20日前。"]])
    awaited: str = Field(examples=["等待鉴定意见"])
    do_not_say: list[str] = Field(examples=[["李*（嫌疑人）：不告知办案阶段。"]])
    safe_channels: list[str] = Field(examples=[["张*：只在 09:00–18:00 拨安全电话，先对暗语；其他方式一律不用。"]])
    note: str = Field(examples=["周五前要给被侵害人回话"])
    next_due_at: datetime | None = Field(examples=["2026-03-16T02:00:00Z"])


class Briefs(View):
    """The most urgent first."""

    items: list[BriefView]


class HappenedView(View):
    """What happened in one case meanwhile."""

    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    state: ItemState = Field(examples=["returned"])
    sentences: list[str] = Field(examples=[["发布进展 2 次。"]])
    waiting: int = Field(examples=[1])


class Digest(View):
    """Case by case."""

    items: list[HappenedView]
    sentence: str = Field(examples=["40 件案件，3 个提问在等答复。"])


class Answered(View):
    """How many cases it was about; 0 where it had been said before."""

    cases: int = Field(examples=[10])


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


NAMES = {
    ItemState.PROPOSED: "件待确认",
    ItemState.OFFERED: "件待接收",
    ItemState.ACCEPTED: "件已接收",
    ItemState.REFUSED: "件由教导员安排",
    ItemState.RETURNED: "件已交还",
    ItemState.CLOSED: "件已办结",
    ItemState.TRANSFERRED: "件已转出",
    ItemState.STAYED: "件未交还",
    ItemState.CANCELLED: "件未移交",
}


def _sentence(shown: queries.Shown) -> str:
    handover, counts = shown.handover, shown.counts
    parts = [f"{counts[state.value]} {name}" for state, name in NAMES.items() if state.value in counts]
    until = moment(handover.ends_at)
    details = "：" + "，".join(parts) if parts else ""
    return f"{shown.officer_name}{KINDS[handover.kind]}到 {until}，{len(shown.lines)} 件案件{details}。"


async def _view(actor: Actor, handover_id: UUID) -> HandoverView:
    shown = await queries.one(actor, handover_id)
    handover = shown.handover
    arranged = shown.manages and handover.state in {HandoverState.DRAFT, *RUNNING}
    return HandoverView(
        id=handover.id,
        reference=handover.reference,
        unit_id=handover.unit_id,
        officer_id=handover.officer_id,
        officer_name=shown.officer_name,
        kind=handover.kind,
        kind_name=KINDS[handover.kind],
        state=handover.state,
        starts_at=handover.starts_at,
        ends_at=handover.ends_at,
        effective_at=handover.effective_at,
        ended_at=handover.ended_at,
        manages=shown.manages,
        counts=shown.counts,
        items=[_item(line) for line in shown.lines],
        colleagues=[ColleagueShareView.model_validate(s) for s in await queries.shares(shown)] if arranged else [],
        sentence=_sentence(shown),
    )


def _item(line: queries.Line) -> ItemView:
    item = line.item
    return ItemView(
        case_id=item.case_id,
        reference=line.reference,
        state=item.state,
        to_officer_id=item.to_officer_id,
        to_officer_name=line.to_officer_name,
        holder_id=item.holder_id,
        holder_name=line.holder_name,
        points=item.points,
        waiting=line.waiting,
        reason=item.reason,
        has_note=item.note is not None,
    )


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
    return await _view(actor, drafted.id)


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
        rows, limit, lambda row: (row.handover.created_at, row.handover.id), lambda row: _row(row, officer_id)
    )


def _row(shown: queries.Shown, officer_id: UUID) -> HandoverRow:
    handover = shown.handover
    mine = [x.item for x in shown.lines if x.item.to_officer_id == officer_id and x.item.state is ItemState.OFFERED]
    return HandoverRow(
        id=handover.id,
        reference=handover.reference,
        officer_id=handover.officer_id,
        officer_name=shown.officer_name,
        kind_name=KINDS[handover.kind],
        state=handover.state,
        starts_at=handover.starts_at,
        ends_at=handover.ends_at,
        manages=shown.manages,
        counts=shown.counts,
        for_me=len(mine),
        sentence=_sentence(shown),
    )


@router.get("/handovers/{handover_id}")
async def read_handover(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """One hand-over with its cases."""
    return await _view(actor, handover_id)


@router.put("/handovers/{handover_id}/items")
async def change(handover_id: UUID, payload: ChangesIn, actor: ActorDep) -> HandoverView:
    """Correct the proposal, and leave a word on a case for whoever takes it."""
    changes = [Change(item.case_id, item.to_officer_id, item.note) for item in payload.items]
    await service.change(actor, handover_id, changes)
    return await _view(actor, handover_id)


@router.post("/handovers/{handover_id}/offer")
async def offer(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """Ask the colleagues. A leave that has begun takes effect at once: until accepted the instructor owns the cases."""
    await service.offer(actor, handover_id)
    return await _view(actor, handover_id)


@router.post("/handovers/{handover_id}/cancel")
async def cancel(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """The leave does not take place."""
    await service.cancel(actor, handover_id)
    return await _view(actor, handover_id)


@router.post("/handovers/{handover_id}/return")
async def come_back(handover_id: UUID, actor: ActorDep) -> HandoverView:
    """Back before the end of the leave: the cases return now."""
    await course.come_back(actor, handover_id)
    return await _view(actor, handover_id)


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
    return Briefs(
        items=[
            BriefView(
                asked=[
                    AskedView(
                        inquiry_id=a.inquiry_id,
                        masked_name=a.name,
                        text=a.text,
                        asked_at=a.asked_at,
                        waits=a.waits,
                        due_at=a.due_at,
                    )
                    for a in brief.asked
                ],
                case_id=brief.case_id,
                reference=brief.reference,
                number=brief.number,
                kind=brief.kind,
                stage_name=brief.stage_name,
                promised=brief.promised,
                awaited=brief.awaited,
                do_not_say=brief.do_not_say,
                safe_channels=brief.safe_channels,
                note=brief.note,
                next_due_at=brief.next_due_at,
            )
            for brief in made
        ]
    )


@router.get("/handovers/{handover_id}/digest")
async def read_digest(handover_id: UUID, actor: ActorDep) -> Digest:
    """What happened while the officer was away."""
    rows = await queries.digest(actor, handover_id)
    waiting = sum(row.waiting for row in rows)
    rest = f"{waiting} 个提问在等答复" if waiting else "没有提问在等答复"
    return Digest(items=[HappenedView.model_validate(row) for row in rows], sentence=f"{len(rows)} 件案件，{rest}。")
