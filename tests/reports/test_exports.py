"""Tables taken out: every row, nobody's name who asked, who took it on every page, and each case a recorded read."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from openpyxl import load_workbook

from kit import clock, database, jobs
from kit.database import in_transaction
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound
from stewardship.reports import keeping
from stewardship.reports.exports import service as exports
from stewardship.reports.exports.models import Export, ExportState, Table
from stewardship.reports.rules import Period
from tests.support.world import MONDAY_MORNING, Joined, World, acting, case_with

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
WEEK = Period(date(2026, 3, 16), date(2026, 3, 22))


async def ask(joined: Joined, text: str) -> UUID:
    actor = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
    asked = await inquiries.ask(actor, joined.members[0], text, channel="oa", source_key=str(uuid4()))
    return UUID(str(asked.inquiry.id))


def sheet(content: bytes) -> tuple[str, list[dict[str, Any]]]:
    """The watermark, and the rows by their titles."""
    rows = list(load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True))
    return str(rows[0][0]), [dict(zip(map(str, rows[1]), row, strict=True)) for row in rows[2:]]


async def taken(world: World, what: Table) -> tuple[str, list[dict[str, Any]]]:
    await keeping.run()
    actor = await acting(world.instructor)
    export = await exports.start(actor, world.station.id, what, WEEK)
    assert export.state is ExportState.DONE
    return sheet((await exports.download(actor, export.id))[1])


async def two_cases(world: World, clock_at: ClockAt) -> list[Joined]:
    """In one, two questions: one answered in time, one waiting; in the other none."""
    busy, quiet = await case_with(world, VICTIM), await case_with(world, VICTIM)
    first = await ask(busy, "鉴定出来了吗")
    clock_at(MONDAY_MORNING + timedelta(minutes=10))
    await inquiries.answer(await acting(world.steward), first, "预计周五。")
    await ask(busy, "那车呢")
    return [busy, quiet]


async def test_one_row_for_each_question_with_the_watermark_and_without_names(world: World, clock_at: ClockAt) -> None:
    busy, _ = await two_cases(world, clock_at)
    mark, rows = await taken(world, Table.INQUIRIES)
    assert world.instructor.number in mark
    assert [row["情况"] for row in rows] == ["已答复", "等待答复"]
    assert {row["查询编号"] for row in rows} == {busy.case.reference}
    assert (rows[0]["首次答复（值班分钟）"], rows[0]["首次答复按时"]) == (pytest.approx(10, abs=0.2), "是")
    assert not any("张三丰" in str(value) or "鉴定" in str(value) for row in rows for value in row.values())


async def test_one_row_for_each_case_with_its_questions_summarised(world: World, clock_at: ClockAt) -> None:
    busy, quiet = await two_cases(world, clock_at)
    _, rows = await taken(world, Table.CASES)
    by = {row["查询编号"]: row for row in rows}
    assert by.keys() == {busy.case.reference, quiet.case.reference}
    found = by[busy.case.reference]
    assert (found["提问"], found["按时答复"], found["等待答复"], found["当事人"], found["已入群"]) == (2, 1, 1, 1, 1)
    assert by[quiet.case.reference]["提问"] == 0


@pytest.mark.parametrize("what", list(Table))
async def test_every_table_can_be_taken_out_empty_too(world: World, what: Table) -> None:
    _, rows = await taken(world, what)
    assert rows == []


async def test_taking_it_out_is_an_event_and_each_case_a_read(world: World, clock_at: ClockAt) -> None:
    busy, _ = await two_cases(world, clock_at)
    await taken(world, Table.INQUIRIES)
    rows = await database.fetch("select kind, case_id from event where actor_id = $1", world.instructor.id)
    assert ("report.read", busy.case.id) in {(row["kind"], row["case_id"]) for row in rows}
    assert {"report.exported", "report.downloaded"} <= {row["kind"] for row in rows}


async def test_a_long_one_is_written_by_a_job_that_says_how_far_it_is(
    world: World, clock_at: ClockAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    monkeypatch.setattr(exports, "PAGE", 1)
    await two_cases(world, clock_at)
    await keeping.run()
    actor = await acting(world.instructor)
    export = await exports.start(actor, world.station.id, Table.INQUIRIES, WEEK)
    assert (export.state, export.rows, export.done) == (ExportState.QUEUED, 2, 0)
    with pytest.raises(Conflict, match="export_not_done"):
        await exports.download(actor, export.id)
    queued = await database.fetchrow("select id, payload from pgqueuer where entrypoint = $1", exports.JOB)
    assert queued is not None
    async with in_transaction():
        await jobs.run_now(exports.JOB, jobs.payload_of(queued["payload"]), job_id=queued["id"])
    done = await exports.access_export(actor, export.id)
    assert (done.state, done.done) == (ExportState.DONE, 2)
    assert len(sheet((await exports.download(actor, export.id))[1])[1]) == 2


async def test_who_lost_the_unit_meanwhile_gets_no_file(
    world: World, clock_at: ClockAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", -1)
    actor = await acting(world.instructor)
    export = await exports.start(actor, world.station.id, Table.INQUIRIES, WEEK)
    await database.execute("update role_grant set valid_to = $2 where officer_id = $1", actor.id, clock.now())
    queued = await database.fetchrow("select id, payload from pgqueuer where entrypoint = $1", exports.JOB)
    assert queued is not None
    await jobs.run_now(exports.JOB, jobs.payload_of(queued["payload"]), job_id=queued["id"])
    assert (await exports.access_export(actor, export.id)).state is ExportState.FAILED


async def test_nobody_elses_file_and_none_of_another_unit(world: World) -> None:
    export = await exports.start(await acting(world.instructor), world.station.id, Table.CASES, WEEK)
    with pytest.raises(NotFound):
        await exports.download(await acting(world.sub_instructor), export.id)
    with pytest.raises(NotFound):
        await exports.start(await acting(world.instructor), world.other_station.id, Table.CASES, WEEK)


async def test_more_rows_than_a_file_should_hold_are_refused_before_anything_is_read(
    world: World, clock_at: ClockAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    await two_cases(world, clock_at)
    with pytest.raises(Invalid, match="export_too_long"):
        await exports.start(await acting(world.instructor), world.station.id, Table.CASES, WEEK)


async def test_the_file_is_sealed_and_kept_for_a_day(world: World, clock_at: ClockAt) -> None:
    actor = await acting(world.instructor)
    export = await exports.start(actor, world.station.id, Table.CASES, WEEK)
    stored = (await Export.get(id=export.id)).content
    assert stored is not None
    assert not stored.startswith(b"PK")
    clock_at(MONDAY_MORNING + timedelta(hours=25))
    assert await exports.prune() == 1
    with pytest.raises(Gone, match="export_expired"):
        await exports.download(actor, export.id)
