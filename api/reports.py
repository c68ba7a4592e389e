"""The figures of a unit, and the rows behind each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api.deps import ActorDep, ServicesDep
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.report_views import DashboardView, PeriodView, RowView, SatisfactionView, ShareView, SpreadView
from api.schemas import EXAMPLE_ID, View
from stewardship.casework.cases.models import CaseKind
from stewardship.foundation.errors import Invalid
from stewardship.reports import dashboard as dashboards
from stewardship.reports import service as reports
from stewardship.reports.exporting import export
from stewardship.reports.figures import Filter
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
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def filter_of(
    kind: Annotated[CaseKind | Literal["unknown"] | None, Query(description="Of the case.")] = None,
    channel: Annotated[str | None, Query(max_length=16, description="Of the first message.")] = None,
    hour: Annotated[int | None, Query(ge=0, le=23, description="Of the legal day in which it was asked.")] = None,
    officer_id: Annotated[UUID | None, Query(description="Whose it is.")] = None,
) -> Filter:
    """The rows asked for. One day is a period of one day."""
    return Filter(kind, channel, hour, officer_id)


FilterDep = Annotated[Filter, Depends(filter_of)]


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
    first_response_in_time_adjusted: ShareView
    answered_in_time: ShareView
    answered_in_time_adjusted: ShareView
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


@router.get("/reports/units/{unit_id}/dashboard")
async def get_dashboard(
    unit_id: UUID,
    period: PeriodDep,
    actor: ActorDep,
    grain: Annotated[dashboards.Grain | None, Query(description="Of the series; by the period's length.")] = None,
) -> DashboardView:
    """What is wrong now, and how it went over time, by whom, when, and in the units below."""
    return DashboardView.of(await dashboards.dashboard(actor, unit_id, period, grain))


@router.get("/reports/units/{unit_id}/{figure}")
async def list_rows(
    unit_id: UUID,
    figure: Figure,
    period: PeriodDep,
    filter_: FilterDep,
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 20,
) -> Page[RowView]:
    """The rows that a figure counted; each case among them is a recorded read."""
    cursors = Cursors(services.session_key, f"report:{unit_id}:{figure}:{period.first}:{period.last}:{filter_}")
    rows = await reports.rows_behind(
        actor, figure, unit_id, period, filter_=filter_, after=cursors.read(cursor), limit=limit + 1
    )
    return cursors.page(rows, limit, lambda row: row.cursor, RowView.model_validate)


@router.get(
    "/reports/units/{unit_id}/{figure}/export", response_class=Response, responses={200: {"content": {SPREADSHEET: {}}}}
)
async def export_rows(
    unit_id: UUID, figure: Figure, period: PeriodDep, filter_: FilterDep, actor: ActorDep
) -> Response:
    """The same rows as an Excel file, one row each; who took it out stands on every page."""
    name = f"{figure}_{period.first}_{period.last}.xlsx"
    return Response(
        await export(actor, figure, unit_id, period, filter_),
        media_type=SPREADSHEET,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/reports/own")
async def get_own(period: PeriodDep, actor: ActorDep) -> SatisfactionView:
    """One's own ratings as a whole: who said what stays hidden."""
    return SatisfactionView.model_validate(await reports.own_satisfaction(actor, period))
