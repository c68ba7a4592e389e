"""Importing cases and parties from a table: uploaded, checked without a trace, taken over as a whole or not at all.

What takes long runs as a job and counts its progress outside the transaction in which the cases come to be. A job that
is killed has saved nothing and begins anew; one that is done is not run twice.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID

from kit import clock, database, jobs
from kit.crypto import vault
from kit.database import atomic, in_transaction
from kit.jobs import Job, handler
from kit.tables import CellProblem, Column
from stewardship import intake
from stewardship.casework.cases.models import Case
from stewardship.exchange import sheet as sheets
from stewardship.exchange.models import TABLE, ImportJob, ImportState
from stewardship.exchange.sheet import DraftedCase, Sheet
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import BusinessError, Conflict, Invalid, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer

AT_ONCE = 40
"""Rows that are checked and taken over within the request; more become a job, which shows its progress."""
FILE_BYTES = 5 * 1024 * 1024
KEPT = timedelta(days=7)
PROBLEMS_KEPT = 2_000
COUNTED_EVERY = 25
CHECK, RUN = "imports.check", "imports.run"


async def upload(actor: Actor, unit_id: UUID, *, filename: str, data: bytes, by_sms: bool = True) -> ImportJob:
    """Take a table in and check it: at once where it is short, else by a job. Nothing of it is in a case yet.

    Raises NotFound for a unit in which the officer may not register cases, BadTable for what is no such table, Conflict
    where the unit has imported the same file before. Call it outside a transaction: reading takes a while.
    """
    if unit_id not in actor.units(*intake.REGISTRARS):
        raise NotFound("unit_not_found", "没有找到这个单位", "请选择您所在的单位。")
    if len(data) > FILE_BYTES:
        raise Invalid("table_too_large", "文件太大", "请控制在 5 MB 以内，分几次上传。")
    sheet = await asyncio.to_thread(sheets.read, data, filename)
    return await _keep(actor, unit_id, filename, data, sheet, by_sms=by_sms)


@atomic()
async def _keep(actor: Actor, unit_id: UUID, filename: str, data: bytes, sheet: Sheet, *, by_sms: bool) -> ImportJob:
    digest = hashlib.sha256(data).digest()
    await _check_new(unit_id, digest)
    job = await ImportJob.create(
        unit_id=unit_id,
        officer_id=actor.id,
        filename=filename[:120],
        digest=digest,
        content=vault().ring.seal(data, TABLE),
        state=ImportState.UPLOADED,
        by_sms=by_sms,
        rows=sheet.rows,
        cases=len(sheet.cases),
        parties=sheet.parties,
    )
    await audit.record("import.uploaded", actor, ("import", job.id), unit_id=unit_id, rows=sheet.rows)
    if sheet.rows <= AT_ONCE:
        await _check(job, sheet)
    else:
        await jobs.enqueue(CHECK, {"import_id": job.id}, dedupe_key=str(job.id))
    return job


async def _check_new(unit_id: UUID, digest: bytes) -> None:
    if await ImportJob.exists(unit_id=unit_id, digest=digest, state__in=[ImportState.RUNNING, ImportState.DONE]):
        raise Conflict("import_done_before", "这个文件已经导入过", "如有新的内容，请只保留新增的行再上传。")


async def access_import(actor: Actor, import_id: UUID) -> ImportJob:
    """One's own import. Raises NotFound for everybody else's."""
    job = await ImportJob.get_or_none(id=import_id, officer_id=actor.id)
    if job is None:
        raise NotFound("import_not_found", "没有找到这次导入")
    return job


async def imports_of(actor: Actor, limit: int = 50) -> Sequence[ImportJob]:
    """One's own imports, newest first."""
    return await ImportJob.filter(officer_id=actor.id).order_by("-created_at", "-id").limit(limit)


@handler(CHECK)
async def check_job(job: Job) -> None:
    """Check a long table."""
    row = await ImportJob.select_for_update().get(id=UUID(job.payload["import_id"]))
    if row.state is ImportState.UPLOADED:
        await _check(row, await asyncio.to_thread(sheets.read, _content(row), row.filename))


def _content(job: ImportJob) -> bytes:
    if job.content is None:
        raise Conflict("import_content_gone", "文件已按期清理", "请重新上传。")
    return vault().ring.open(job.content, TABLE)


async def _check(job: ImportJob, sheet: Sheet) -> None:
    problems = sorted([*sheet.problems, *await _against_the_record(job, sheet)], key=lambda problem: problem.row)
    job.state = ImportState.FAULTY if problems else ImportState.CHECKED
    job.problem_count = len(problems)
    job.problems = [list(asdict(each).values()) for each in problems[:PROBLEMS_KEPT]]
    await job.save(update_fields=["state", "problem_count", "problems"])


async def _against_the_record(job: ImportJob, sheet: Sheet) -> list[CellProblem]:
    """Officers who are not of the unit; numbers and source ids that exist already, here or twice in the table."""
    cases = list(sheet.cases.values())
    officers = await _officers(job.unit_id)
    numbers = [case.values["number"] for case in cases if case.values["number"]]
    sources = [case.values["source_id"] for case in cases if case.values["source_id"]]
    taken = {row.number for row in await Case.filter(number__in=numbers)}
    known = {row.source_id for row in await Case.filter(source_system=sheets.IMPORTED, source_id__in=sources)}
    problems: list[CellProblem] = []
    seen: dict[tuple[str, str], int] = {}
    for case in cases:
        problems += _officer_problems(case, officers)
        problems += _double(case, sheets.NUMBER, taken, seen) + _double(case, sheets.SOURCE, known, seen)
    return problems


async def _officers(unit_id: UUID) -> dict[str, UUID]:
    rows = await Officer.filter(unit_id=unit_id, active=True)
    return {row.number: row.id for row in rows}


def _officer_problems(case: DraftedCase, officers: dict[str, UUID]) -> list[CellProblem]:
    return [
        sheets.problem(case.row, column, "steward_unit", "不是本单位在职民警", "请核对警号。")
        for column in (sheets.STEWARD, sheets.DEPUTY)
        if case.values[column.key] and case.values[column.key] not in officers
    ]


def _double(
    case: DraftedCase, column: Column, exist: Collection[str | None], seen: dict[tuple[str, str], int]
) -> list[CellProblem]:
    value = case.values[column.key]
    if not value:
        return []
    first = seen.setdefault((column.key, value), case.row)
    if value in exist:
        advice = "请删除这些行，在已有案件中办理。"
        return [sheets.problem(case.row, column, "case_exists", "已有案件使用", advice)]
    if first != case.row:
        advice = "请核对；同一案件请填相同的案件序号。"
        return [sheets.problem(case.row, column, "case_twice", f"与第 {first} 行重复", advice)]
    return []


@atomic()
async def start(actor: Actor, import_id: UUID, digest: str) -> ImportJob:
    """Take over what was checked: the file whose SHA-256 (hex) is named. Repeating it changes nothing.

    Raises Conflict for a table that is not checked yet or has faults, or where `digest` is another file's.
    """
    await access_import(actor, import_id)
    job = await ImportJob.select_for_update().get(id=import_id)
    if job.digest.hex() != digest.lower():
        raise Conflict("import_other_file", "文件与检查过的不一致", "请重新上传并检查。")
    if job.state in {ImportState.RUNNING, ImportState.DONE}:
        return job
    if job.state is ImportState.UPLOADED:
        raise Conflict("import_not_checked", "还没有检查完", "请稍候。")
    if job.state is not ImportState.CHECKED:
        raise Conflict("import_faulty", "表格还有问题", "请按检查结果修改后重新上传。")
    await database.advisory_lock("import", f"{job.unit_id}:{digest}")
    await _check_new(job.unit_id, job.digest)
    job.state, job.progress = ImportState.RUNNING, 0
    await job.save(update_fields=["state", "progress"])
    await audit.record("import.started", actor, ("import", job.id), unit_id=job.unit_id)
    await jobs.enqueue(RUN, {"import_id": job.id}, dedupe_key=str(job.id))
    return job


@handler(RUN, transactional=False)
async def run_job(job: Job) -> None:
    """Take a checked table over; the job goes off the queue in the transaction that says how it ended."""
    import_id = UUID(job.payload["import_id"])
    outside = contextvars.copy_context()
    try:
        async with in_transaction():
            await take_over(import_id, outside)
            await _acknowledge(job)
    except BusinessError as error:
        async with in_transaction():
            await _fail(import_id, error)
            await _acknowledge(job)


async def _acknowledge(job: Job) -> None:
    if job.id:
        await job.acknowledge()


async def take_over(import_id: UUID, outside: contextvars.Context | None = None) -> None:
    """Register every case of the table in the caller's transaction. Raises BusinessError: nothing is saved.

    `outside`: the context of whoever called before the transaction was opened; progress is counted there.
    """
    job = await ImportJob.get(id=import_id)
    if job.state is not ImportState.RUNNING:
        return
    sheet = await asyncio.to_thread(sheets.read, _content(job), job.filename)
    officer = await Officer.get(id=job.officer_id)
    grants = await org.grants_of(officer.id)
    actor = Actor(ActorKind.OFFICER, officer.id, home_unit_id=officer.unit_id, grants=grants)
    officers = await _officers(job.unit_id)
    async with database.together():
        for done, case in enumerate(sheet.cases.values()):
            if done % COUNTED_EVERY == 0 and outside is not None:
                await asyncio.get_running_loop().create_task(_count(import_id, done), context=outside)
            await _register(actor, job, case, officers)
    await ImportJob.filter(id=import_id).update(
        state=ImportState.DONE, progress=len(sheet.cases), content=None, finished_at=clock.now()
    )
    await audit.record("import.done", actor, ("import", job.id), unit_id=job.unit_id, cases=len(sheet.cases))


async def _count(import_id: UUID, done: int) -> None:
    await ImportJob.filter(id=import_id).update(progress=done)


async def _register(actor: Actor, job: ImportJob, case: DraftedCase, officers: dict[str, UUID]) -> None:
    values = case.values
    try:
        await intake.register_case(
            actor,
            intake.CaseDraft(
                unit_id=job.unit_id,
                steward_id=officers[values["steward"]],
                deputy_id=officers[values["deputy"]] if values["deputy"] else None,
                kind=case.kind,
                number=values["number"] or None,
                brief=values["brief"] or None,
                sensitivities=case.sensitivities,
                sensitivity_known=case.sensitivity_known,
                source=_source(values["source_id"]),
            ),
            [_by_sms(party.draft, job) for party in case.parties],
        )
    except KeyError:
        raise _RowError(case.row, "steward_unit", "案管家或协办民警已不在本单位", "请核对警号后重新上传。") from None
    except BusinessError as error:
        raise _RowError(case.row, error.code, error.title, error.detail) from error


def _by_sms(draft: intake.PartyDraft, job: ImportJob) -> intake.PartyDraft:
    return draft if job.by_sms else replace(draft, by_sms=False)


def _source(source_id: str) -> dict[str, object] | None:
    return {"source_system": sheets.IMPORTED, "source_id": source_id, "source_revision": 1} if source_id else None


class _RowError(Invalid):
    """A row that could not be taken over, although it was checked: something has changed since."""

    def __init__(self, row: int, code: str, title: str, detail: str) -> None:
        super().__init__(code, title, detail)
        self.row = row


async def _fail(import_id: UUID, error: BusinessError) -> None:
    row = error.row if isinstance(error, _RowError) else 0
    job = await ImportJob.select_for_update().get(id=import_id)
    job.state, job.finished_at, job.progress = ImportState.FAILED, clock.now(), 0
    job.problems, job.problem_count = [[row, "", error.code, error.title, error.detail]], 1
    await job.save(update_fields=["state", "finished_at", "progress", "problems", "problem_count"])


async def forget_old() -> int:
    """Drop the files of imports that are a week old; what came of them stays. Answers how many."""
    return (
        await ImportJob.filter(created_at__lte=clock.now() - KEPT, content__isnull=False)
        .exclude(state=ImportState.RUNNING)
        .update(content=None)
    )


def summary(job: ImportJob) -> str:
    """What to know about an import, in plain words."""
    size = f"共 {job.rows} 行：{job.cases} 个案件，{job.parties} 位当事人。"
    match job.state:
        case ImportState.UPLOADED:
            return f"{size}正在检查，请稍候。"
        case ImportState.CHECKED:
            return f"{size}没有发现问题，可以导入。{_whom(job)}"
        case ImportState.FAULTY:
            return f"{size}有 {job.problem_count} 处要修改，改好后重新上传；现在什么都没有保存。"
        case ImportState.RUNNING:
            return f"正在导入，已完成 {job.progress}/{job.cases} 个案件。"
        case ImportState.DONE:
            return f"已导入 {job.cases} 个案件，{job.parties} 位当事人。"
        case ImportState.FAILED:
            return "没有导入成功，什么都没有保存。请按提示修改后重新上传。"


def _whom(job: ImportJob) -> str:
    return "导入后会给留了手机号的当事人发邀请短信。" if job.by_sms else "导入后不发短信，请打印回执当面交给当事人。"
