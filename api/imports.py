"""Importing cases and parties from Excel or CSV: template, trial run, then the same file for good."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api import limits
from api.deps import ActorDep, ServicesDep, officer_id_of
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Payload, View, words
from api.uploads import BODY_SCHEMA, file_content
from kit import clock
from stewardship.exchange import imports, sheet
from stewardship.exchange.models import ImportJob, ImportState
from stewardship.foundation.errors import Invalid
from stewardship.foundation.org.models import Officer

router = APIRouter(tags=["imports"], route_class=OnceRoute)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}, "description": "An .xlsx file."}
}
PROBLEMS_SHOWN = 200


class ProblemRow(View):
    """What is wrong with one cell, and what to do."""

    row: int = Field(examples=[7], description="As Excel counts; 0 where no row is to blame.")
    column: str = Field(examples=["手机号码"])
    code: str = Field(examples=["phone_number"])
    message: str = Field(examples=["手机号码不对"])
    advice: str = Field(examples=["请填写 11 位手机号码，或带区号的座机号码。"])


class ImportView(View):
    """Where an import stands."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    state: ImportState = Field(examples=["checked"])
    summary: str = Field(examples=["共 40 行：20 个案件，40 位当事人。没有发现问题，可以导入。"])
    filename: str = Field(examples=["三月案件.xlsx"])
    digest: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    by_sms: bool = Field(examples=[True])
    rows: int = Field(examples=[40])
    cases: int = Field(examples=[20])
    parties: int = Field(examples=[40])
    progress: int = Field(examples=[0], description="Cases that were taken over so far, of `cases`.")
    problem_count: int = Field(examples=[0])
    problems: list[ProblemRow] = Field(description="The first 200; all of them in the report.")
    created_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    finished_at: datetime | None = Field(examples=[None])


class Imports(View):
    """The caller's own, newest first."""

    items: list[ImportView]


class Commit(Payload):
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] = Field(
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        description="Of the file that was checked, as it was answered.",
    )


def _view(job: ImportJob) -> ImportView:
    known = {name: getattr(job, name) for name in ImportView.model_fields if hasattr(job, name)}
    names = list(ProblemRow.model_fields)
    rows = [ProblemRow(**dict(zip(names, each, strict=True))) for each in job.problems[:PROBLEMS_SHOWN]]
    return ImportView(**known | {"digest": job.digest.hex(), "problems": rows, "summary": imports.summary(job)})


@router.get("/imports/cases/template", response_class=Response, responses=WORKBOOK)
async def download_template() -> Response:
    """The empty table, with its columns explained."""
    return workbook(sheet.template(), "案件导入模板.xlsx")


def workbook(content: bytes, name: str) -> Response:
    """An .xlsx file as a download."""
    disposition = f"attachment; filename=\"table.xlsx\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=XLSX, headers={"Content-Disposition": disposition})


@router.post("/imports/cases", status_code=201, openapi_extra=BODY_SCHEMA)
async def upload(
    request: Request,
    actor: ActorDep,
    services: ServicesDep,
    unit_id: Annotated[UUID, Query(description="The cases' unit.", examples=[EXAMPLE_ID])],
    filename: Annotated[str, words(120), Query(examples=["三月案件.xlsx"])] = "表格",
    by_sms: Annotated[bool, Query(description="Whether the invitations also go by SMS.")] = True,
) -> ImportView:
    """A trial run (form field `file`, .xlsx or CSV up to 5 MB, 5,000 rows): nothing is saved but the file itself.

    Short tables are answered checked; of long ones ask `GET /imports/{import_id}` until the state is no longer
    `uploaded`.
    """
    await services.limiter.check(limits.UPLOAD, str(officer_id_of(actor)))
    data = bytearray()
    async for piece in file_content(request):
        data += piece
        if len(data) > imports.FILE_BYTES:
            raise Invalid("table_too_large", "文件太大", "请控制在 5 MB 以内，分几次上传。")
    return _view(await imports.upload(actor, unit_id, filename=filename, data=bytes(data), by_sms=by_sms))


@router.get("/imports")
async def list_imports(actor: ActorDep) -> Imports:
    """The caller's imports."""
    return Imports(items=[_view(job) for job in await imports.imports_of(actor)])


@router.get("/imports/{import_id}")
async def get_import(import_id: UUID, actor: ActorDep) -> ImportView:
    """Where it stands; while it runs, with its progress."""
    return _view(await imports.access_import(actor, import_id))


@router.get("/imports/{import_id}/report", response_class=Response, responses=WORKBOOK)
async def download_report(import_id: UUID, actor: ActorDep) -> Response:
    """What is wrong, row by row, as a table to work through."""
    job = await imports.access_import(actor, import_id)
    officer = await Officer.get(id=officer_id_of(actor))
    mark = f"{job.filename} 检查结果 警号 {officer.number} {clock.local(clock.now()):%Y-%m-%d %H:%M}"
    return workbook(sheet.report(job.problems, mark), "导入检查结果.xlsx")


@router.post("/imports/{import_id}/commit", status_code=202)
async def commit(import_id: UUID, payload: Commit, actor: ActorDep) -> ImportView:
    """Take the checked file over, all of it or nothing; a job does it. Repeating it changes nothing."""
    return _view(await imports.start(actor, import_id, payload.digest))
