"""Rosters as tables: a template to fill in, a trial that shows every fault, taking in, taking out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api import limits
from api.deps import ActorDep, ServicesDep, officer_id_of
from api.once import OnceRoute
from api.organisation import ROSTER_KEEPERS, ROSTER_READERS, YEARS
from api.schemas import View
from api.uploads import BODY_SCHEMA, file_content
from kit import clock
from stewardship.foundation.errors import Invalid
from stewardship.foundation.org import administration, roster_tables
from stewardship.foundation.org.models import Officer

router = APIRouter(tags=["rosters"], route_class=OnceRoute)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}}
LONGEST_EXPORT = timedelta(days=366)
PROBLEMS_SHOWN = 500


class RowProblem(View):
    """What is wrong in one cell, and what to do about it."""

    row: int = Field(examples=[7], description="As Excel counts.")
    column: str = Field(examples=["班次"])
    code: str = Field(examples=["roster_kind"])
    message: str = Field(examples=["不认识的班次"])
    advice: str = Field(examples=["请填：值班、副班、休息、请假、缺勤、出警。"])


class RosterReport(View):
    """What came of the table. Nothing is saved unless everything is right."""

    rows: int = Field(examples=[62])
    entered: int = Field(examples=[60], description="New entries, saved or to be saved.")
    unchanged: int = Field(examples=[2], description="Rows that stand in the roster already.")
    saved: bool = Field(examples=[False])
    problem_count: int = Field(examples=[1])
    problems: list[RowProblem] = Field(description=f"The first {PROBLEMS_SHOWN}.")
    sentence: str = Field(examples=["共 62 行，1 处要改，一行都没有保存。"])


@router.post("/units/{unit_id}/roster/import", openapi_extra=BODY_SCHEMA)
async def import_roster(
    unit_id: UUID,
    request: Request,
    actor: ActorDep,
    services: ServicesDep,
    trial: Annotated[bool, Query(description="Only look: save nothing.")] = True,
) -> RosterReport:
    """Take in a roster (.xlsx or .csv, form field `file`) with the columns 警号, 姓名, 班次, 开始, 结束."""
    unit = await administration.unit_in(actor, unit_id, *ROSTER_KEEPERS)
    await services.limiter.check(limits.UPLOAD, str(officer_id_of(actor)))
    data = b"".join([piece async for piece in file_content(request)])
    report = await roster_tables.take_in(actor, unit, data, "排班表", trial=trial)
    return RosterReport(
        rows=report.rows,
        entered=report.entered,
        unchanged=report.unchanged,
        saved=report.saved,
        problem_count=len(report.problems),
        problems=[RowProblem.model_validate(problem) for problem in report.problems[:PROBLEMS_SHOWN]],
        sentence=_sentence(report),
    )


def _sentence(report: roster_tables.Report) -> str:
    if report.problems:
        return f"共 {report.rows} 行，{len(report.problems)} 处要改，一行都没有保存。"
    done = "已经保存" if report.saved else "可以保存"
    same = f"，{report.unchanged} 行本来就有" if report.unchanged else ""
    return f"共 {report.rows} 行，{report.entered} 行{done}{same}。"


@router.get("/units/{unit_id}/roster/template", response_class=Response, responses=TABLE)
async def roster_template(unit_id: UUID, actor: ActorDep) -> Response:
    """An empty table with the unit's officers in it."""
    unit = await administration.unit_in(actor, unit_id, *ROSTER_KEEPERS)
    return _file(await roster_tables.template(unit), "roster-template")


@router.get("/units/{unit_id}/roster/export", response_class=Response, responses=TABLE)
async def export_roster(
    unit_id: UUID,
    actor: ActorDep,
    first: Annotated[date, Query(description="Legal date.", examples=["2026-03-01"])],
    last: Annotated[date, Query(description="Legal date, included.", examples=["2026-03-31"])],
) -> Response:
    """The roster of these days as a table that can be taken in again; at most a year."""
    unit = await administration.unit_in(actor, unit_id, *ROSTER_READERS)
    if not (first <= last <= first + LONGEST_EXPORT and YEARS[0] <= first.year and last.year < YEARS[1]):
        raise Invalid("roster_days", "日期不对", "请选择一年以内的起止日期。")
    start, end = _midnight(first), _midnight(last + timedelta(days=1))
    officer = await Officer.get(id=officer_id_of(actor))
    mark = f"{officer.name} {officer.number} {clock.local(clock.now()):%Y-%m-%d %H:%M} 导出"
    return _file(await roster_tables.export(actor, unit, start, end, watermark=mark), "roster")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock.LOCAL).astimezone(UTC)


def _file(content: bytes, name: str) -> Response:
    return Response(content, media_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'})
