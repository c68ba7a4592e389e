"""The figures of a unit, and the rows behind each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.deps import ActorDep, ServicesDep
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, View
from stewardship.foundation.errors import Invalid
from stewardship.reports import service as reports
from stewardship.reports.rules import Figure, Period

router = APIRouter(tags=["reports"])

YEARS = (2000, 2100)
First = Annotated[date, Query(examples=["2026-03-01"], description="Legal date in Asia/Shanghai, included.")]
Last = Annotated[date, Query(examples=["2026-03-31"], description="Included; at most a year after `first`.")]


def period_of(first: First, last: Last) -> Period:
    """The period asked for. Raises Invalid for one that makes no sense."""
    if not (YEARS[0] <= first.year < YEARS[1] and YEARS[0] <= last.year < YEARS[1]):
        raise Invalid("report_period", "统计时间段不对", "请选择近年的日期。")
    return Period(first, last)


PeriodDep = Annotated[Period, Depends(period_of)]


class ShareView(View):
    """`good` of `n`; withheld of a sample under five."""

    n: int = Field(examples=[40])
    good: int | None = Field(examples=[36])
    value: float | None = Field(examples=[0.9])
    suppressed: bool = Field(examples=[False])


class SpreadView(View):
    """Minutes of duty time."""

    n: int = Field(examples=[40])
    median: float | None = Field(examples=[12.0])
    p90: float | None = Field(examples=[27.5])
    suppressed: bool = Field(examples=[False])


class SatisfactionView(View):
    """Never without how many of those asked answered."""

    strict: ShareView
    weighted: float | None = Field(examples=[0.91])
    response: ShareView
    scores: dict[int, int] = Field(examples=[{"1": 30, "2": 6, "3": 4}])


class RowView(View):
    """One row behind a figure."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID | None = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    officer_id: UUID | None = Field(examples=[EXAMPLE_ID])
    officer_name: str | None = Field(examples=["王敏"])
    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    state: str = Field(examples=["overdue"])
    counted: bool = Field(examples=[True])
    good: bool = Field(examples=[False])
    minutes: float | None = Field(examples=[42.0])
    score: int | None = Field(examples=[None])
    detail: str = Field(examples=[""])


class PeriodView(View):
    first: date = Field(examples=["2026-03-01"])
    last: date = Field(examples=["2026-03-31"])


class UnitFiguresView(View):
    """A unit with everything under it. What is late is as of `as_of`, whatever the period."""

    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    period: PeriodView
    as_of: datetime = Field(examples=["2026-03-31T02:00:00Z"])
    enrolment: ShareView
    enrolment_states: dict[str, int] = Field(examples=[{"joined": 36, "not_joined": 4}])
    first_response: SpreadView
    first_response_in_time: ShareView
    from_record: int = Field(examples=[12])
    answered_in_time: ShareView
    question_states: dict[str, int] = Field(examples=[{"in_time": 36, "late": 4}])
    overdue: int = Field(examples=[1])
    overdue_rows: list[RowView]
    silent: int = Field(examples=[0])
    silent_rows: list[RowView]
    satisfaction: SatisfactionView
    not_asked: dict[str, int] = Field(examples=[{"minor": 2}])
    return_visits_in_time: ShareView
    return_visits_converted: ShareView
    return_visit_states: dict[str, int] = Field(examples=[{"in_time": 4}])
    telephone_tasks: dict[str, int] = Field(examples=[{"open": 1}])


@router.get("/reports/units/{unit_id}")
async def get_figures(unit_id: UUID, period: PeriodDep, actor: ActorDep) -> UnitFiguresView:
    """How the unit did in a period, and what is late now."""
    return UnitFiguresView.model_validate(await reports.unit_figures(actor, unit_id, period))


@router.get("/reports/units/{unit_id}/{figure}")
async def list_rows(
    unit_id: UUID,
    figure: Figure,
    period: PeriodDep,
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 20,
) -> Page[RowView]:
    """The rows that a figure counted; each case among them is a recorded read."""
    cursors = Cursors(services.session_key, f"report:{unit_id}:{figure}:{period.first}:{period.last}")
    rows = await reports.rows_behind(actor, figure, unit_id, period, after=cursors.read(cursor), limit=limit + 1)
    return cursors.page(rows, limit, lambda row: row.cursor, RowView.model_validate)


@router.get("/reports/own")
async def get_own(period: PeriodDep, actor: ActorDep) -> SatisfactionView:
    """One's own ratings as a whole: who said what stays hidden."""
    return SatisfactionView.model_validate(await reports.own_satisfaction(actor, period))
