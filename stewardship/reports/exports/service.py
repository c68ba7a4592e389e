"""Taking a table out: a short one at once, a long one as a job that says how far it is.

Pages are read, recorded as reads and counted one transaction each; the workbook is written in a thread, so that neither
the worker nor a request stands still meanwhile. The file is kept sealed for a day, for whoever asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic, in_transaction
from kit.jobs import Job, enqueue, handler
from kit.tables import write_table
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer
from stewardship.reports.exporting import watermark
from stewardship.reports.exports.models import CONTENT, Export, ExportState, Table
from stewardship.reports.exports.tables import SPECS
from stewardship.reports.rules import Period
from stewardship.reports.service import record_reads, units_in_scope

MOST_ROWS = 50_000
AT_ONCE = 2_000
"""Rows that are written well within two seconds."""
PAGE = 1_000
KEPT = timedelta(hours=24)
JOB = "export_table"


@atomic()
async def start(actor: Actor, unit_id: UUID, what: Table, period: Period) -> Export:
    """Take out a table of a unit with everything under it: done at once where it is short, else queued.

    Raises NotFound for a unit out of scope, Invalid for more rows than a file should hold.
    """
    assert actor.id is not None  # noqa: S101 — units_in_scope lets officers through only; narrows the type.
    units = await units_in_scope(actor, unit_id)
    rows = await database.fetchval(SPECS[what].count, units, period.start, period.end)
    if rows > MOST_ROWS:
        raise Invalid(
            "export_too_long", "行数太多", f"共 {rows} 行，一次最多导出 {MOST_ROWS} 行，请缩短时间段或选择下级单位。"
        )
    export = await Export.create(
        officer_id=actor.id,
        unit_id=unit_id,
        what=what,
        params={
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
            "device": actor.device,
            "address": actor.address,
        },
        rows=rows,
    )
    if rows > AT_ONCE:
        await enqueue(JOB, {"export_id": export.id}, dedupe_key=str(export.id))
        return export
    await _write(actor, export, period, _progress_in_place)
    return export


@handler(JOB, transactional=False)
async def run(job: Job) -> None:
    """Write one that was queued; run again after a crash, it begins anew."""
    export = await Export.get(id=UUID(str(job.payload["export_id"])))
    if export.state in (ExportState.QUEUED, ExportState.RUNNING):
        period = Period(*(date.fromisoformat(export.params[name]) for name in ("first", "last")))
        try:
            await _write(await _actor(export), export, period, _progress_committed)
        except NotFound:
            await _failed(export, "您已不再有这个单位的权限。")
    async with in_transaction():
        await job.acknowledge()


async def _actor(export: Export) -> Actor:
    """Whoever asked for it, with the roles that they hold now."""
    officer = await Officer.get(id=export.officer_id)
    return Actor(
        ActorKind.OFFICER,
        officer.id,
        home_unit_id=officer.unit_id,
        grants=await org.grants_of(officer.id),
        device=export.params["device"],
        address=export.params["address"],
    )


Progress = Callable[[Export, int], Awaitable[None]]


async def _progress_in_place(export: Export, done: int) -> None:
    export.done = done


async def _progress_committed(export: Export, done: int) -> None:
    await Export.filter(id=export.id).update(state=ExportState.RUNNING, done=done)


async def _write(actor: Actor, export: Export, period: Period, progress: Progress) -> None:
    units = await units_in_scope(actor, export.unit_id)
    spec, found = SPECS[export.what], list[asyncpg.Record]()
    while page := await _page(actor, spec.page, units, period, found[-1] if found else None):
        found += page
        await progress(export, len(found))
        if len(page) < PAGE:
            break
    title = f"{spec.title} {period.first} 至 {period.last}"
    cells, mark = map(spec.cells, found), await watermark(actor)
    content = await asyncio.to_thread(write_table, title, spec.columns, cells, watermark=mark)
    await _finish(actor, export, len(found), content)


@atomic()
async def _page(
    actor: Actor, sql: str, units: list[UUID], period: Period, last: asyncpg.Record | None
) -> list[asyncpg.Record]:
    after = (last["at"], last["id"]) if last is not None else (None, None)
    rows = await database.fetch(sql, units, period.start, period.end, *after, PAGE)
    await record_reads(actor, rows)
    return rows


@atomic()
async def _finish(actor: Actor, export: Export, rows: int, content: bytes) -> None:
    export.state, export.rows, export.done, export.finished_at = ExportState.DONE, rows, rows, clock.now()
    export.content = vault().ring.seal(content, CONTENT)
    await export.save(update_fields=["state", "rows", "done", "finished_at", "content"])
    await audit.record(
        "report.exported",
        actor,
        ("unit", export.unit_id),
        unit_id=export.unit_id,
        table=export.what.value,
        rows=rows,
        export=export.id,
    )


async def _failed(export: Export, why: str) -> None:
    await Export.filter(id=export.id).update(state=ExportState.FAILED, why=why, finished_at=clock.now())


# --- afterwards -------------------------------------------------------------------------------------------------------


async def access_export(actor: Actor, export_id: UUID) -> Export:
    """How far it is. Raises NotFound for somebody else's."""
    export = await Export.get_or_none(id=export_id, officer_id=actor.id)
    if export is None:
        raise NotFound("export_not_found", "没有找到这次导出", "请重新导出。")
    return export


async def recent(actor: Actor, limit: int = 20) -> list[Export]:
    """One's own of the last day, newest first."""
    return (
        await Export.filter(officer_id=actor.id, created_at__gt=clock.now() - KEPT).order_by("-created_at").limit(limit)
    )


@atomic()
async def download(actor: Actor, export_id: UUID) -> tuple[str, bytes]:
    """Name and content of the file; taking it is an event. Raises Conflict before it is done, Gone after a day."""
    export = await access_export(actor, export_id)
    if export.state is not ExportState.DONE:
        raise Conflict("export_not_done", "文件还没有准备好", export.why or "请稍候再下载。")
    if export.content is None:
        raise Gone("export_expired", "文件已经过期", "导出的文件保留一天，请重新导出。")
    await audit.record("report.downloaded", actor, ("unit", export.unit_id), unit_id=export.unit_id, export=export.id)
    name = f"{export.what.value}_{export.params['first']}_{export.params['last']}.xlsx"
    return name, vault().ring.open(export.content, CONTENT)


async def prune() -> int:
    """Remove the files of more than a day ago; answers how many."""
    return await Export.filter(created_at__lte=clock.now() - KEPT, content__isnull=False).update(content=None)
