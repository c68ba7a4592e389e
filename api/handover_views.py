"""How a hand-over is shown: its cases, who is to take them, the brief of a case, what happened meanwhile."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.schemas import EXAMPLE_ID, View
from stewardship.casework.cases.models import CaseKind
from stewardship.dialogue.answering.record import moment
from stewardship.foundation.actors import Actor
from stewardship.handover import queries
from stewardship.handover.briefs import Brief
from stewardship.handover.models import HandoverState, ItemState, LeaveKind
from stewardship.handover.steps import RUNNING

KINDS = {
    LeaveKind.ANNUAL: "休假",
    LeaveKind.SICK: "病假",
    LeaveKind.TRAINING: "培训",
    LeaveKind.COURT: "出庭",
    LeaveKind.OTHER: "外出",
}
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


async def view_of(actor: Actor, handover_id: UUID) -> HandoverView:
    """Read for this officer. Raises as `queries.one`."""
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


def _sentence(shown: queries.Shown) -> str:
    handover, counts = shown.handover, shown.counts
    parts = [f"{counts[state.value]} {name}" for state, name in NAMES.items() if state.value in counts]
    until = moment(handover.ends_at)
    details = "：" + "，".join(parts) if parts else ""
    return f"{shown.officer_name}{KINDS[handover.kind]}到 {until}，{len(shown.lines)} 件案件{details}。"


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


def row_of(shown: queries.Shown, officer_id: UUID) -> HandoverRow:
    """In the list of this officer."""
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


def brief_of(brief: Brief) -> BriefView:
    """One screen."""
    asked = [
        AskedView(
            inquiry_id=a.inquiry_id,
            masked_name=a.name,
            text=a.text,
            asked_at=a.asked_at,
            waits=a.waits,
            due_at=a.due_at,
        )
        for a in brief.asked
    ]
    return BriefView(
        asked=asked,
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
