"""Why a figure is what it is: what each metric means, and the history of an inquiry or a case in plain words."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep
from api.schemas import EXAMPLE_ID, View
from stewardship.dialogue.contests.models import ContestState
from stewardship.foundation.clocks.rules import Target
from stewardship.reports.case_history import history_of
from stewardship.reports.definitions import DEFINITIONS
from stewardship.reports.explaining import explain

router = APIRouter(tags=["reports"])


class DefinitionView(View):
    """What a figure means. `rows`: the key under which its rows are listed."""

    key: str = Field(examples=["answered_in_time"])
    name: str = Field(examples=["有问必答率"])
    definition: str = Field(examples=["在承诺时限内得到民警完整答复的问题 ÷ 应答复的问题。"])
    source: str = Field(examples=["本系统定义（指标口径第4节）"])
    unit: str = Field(examples=["share"])
    rows: str | None = Field(examples=["answered_in_time"])


class LineOfHistory(View):
    """One thing that happened."""

    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    kind: str = Field(examples=["answered"])
    words: str = Field(examples=["王敏书面答复"])
    officer_id: UUID | None = Field(examples=[EXAMPLE_ID])


class StretchView(View):
    """Who had it in which status, from when until when, and how much duty time that was."""

    episode: int = Field(examples=[1])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str | None = Field(examples=["柳堤派出所"])
    officer_id: UUID | None = Field(examples=[EXAMPLE_ID])
    officer_name: str | None = Field(examples=["王敏"])
    status: str = Field(examples=["等待答复"])
    start: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    end: datetime | None = Field(examples=["2026-03-02T02:20:00Z"])
    duty_minutes: float = Field(examples=[20.0])


class PromiseView(View):
    """How one promise went; `kept` is empty while that is open."""

    episode: int = Field(examples=[1])
    target: Target = Field(examples=["first"])
    name: str = Field(examples=["首次答复"])
    due_at: datetime | None = Field(examples=["2026-03-02T02:30:00Z"])
    met_at: datetime | None = Field(examples=["2026-03-02T02:20:00Z"])
    missed_at: datetime | None = Field(examples=[None])
    kept: bool | None = Field(examples=[True])
    duty_minutes: float | None = Field(examples=[20.0])
    contestable_until: datetime | None = Field(
        examples=[None], description="Of a missed one that is the caller's to contest."
    )
    contestable: bool = Field(examples=[False])
    contest_state: ContestState | None = Field(examples=[None])


class ExplanationView(View):
    """All that an inquiry's figures follow from; `logged` is false where the log was deleted after its time."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    logged: bool = Field(examples=[True])
    lines: list[LineOfHistory]
    stretches: list[StretchView]
    promises: list[PromiseView]


class CaseHistoryView(View):
    """What happened in a case; `whole` is false where earlier lines were left out."""

    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    whole: bool = Field(examples=[True])
    lines: list[LineOfHistory]


@router.get("/metric-definitions")
async def list_definitions() -> list[DefinitionView]:
    """What each figure means, where the definition comes from, and in what it is counted."""
    return [DefinitionView.model_validate(each) for each in DEFINITIONS]


@router.get("/inquiries/{inquiry_id}/events")
async def get_events(inquiry_id: UUID, actor: ActorDep) -> ExplanationView:
    """An inquiry's history, oldest first; the read is recorded."""
    return ExplanationView.model_validate(await explain(actor, inquiry_id))


@router.get("/cases/{case_id}/events")
async def get_case_events(case_id: UUID, actor: ActorDep) -> CaseHistoryView:
    """A case's history, oldest first; the read is recorded.

    Ratings and return visits are not told to whoever handles the case.
    """
    return CaseHistoryView.model_validate(await history_of(actor, case_id))
