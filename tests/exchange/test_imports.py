"""A table of cases and parties: checked without a trace, then taken over as a whole or not at all."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from delivery.models import Message
from kit import clock, database, jobs
from kit.crypto import vault
from kit.tables import BadTable, write_table
from stewardship import intake
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import Party, PartyRole, Side
from stewardship.exchange import imports, sheet
from stewardship.exchange.models import TABLE, ImportJob, ImportState
from stewardship.exchange.sheet import COLUMNS
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict, NotFound
from stewardship.foundation.org.models import Officer
from stewardship.foundation.people.models import Person
from tests.support.world import MONDAY_MORNING, World, acting, build_world

HEAD = [(column.key, column.titles[0]) for column in COLUMNS]


def table(*rows: dict[str, Any]) -> bytes:
    """A workbook as people fill in the template."""
    return write_table("案件", HEAD, rows)


def row(world: World, key: object = 1, name: str = "张三", **more: Any) -> dict[str, Any]:
    return {"key": key, "steward": world.steward.number, "name": name, "roles": "受害人", **more}


def many(world: World, count: int) -> bytes:
    """So many rows, two to a case."""
    return table(
        *(
            row(world, n // 2, f"当事人{n}", kind="纠纷", side="甲方" if n % 2 else "乙方", phone=f"139{n:08}")
            for n in range(count)
        )
    )


async def uploaded(world: World, data: bytes, officer: Officer | None = None, **options: Any) -> ImportJob:
    actor = await acting(officer or world.steward)
    return await imports.upload(actor, world.station.id, filename="三月.xlsx", data=data, **options)


async def committed(world: World, job: ImportJob) -> ImportJob:
    await imports.start(await acting(world.steward), job.id, job.digest.hex())
    await jobs.run_now("imports.run", {"import_id": str(job.id)})
    return await ImportJob.get(id=job.id)


async def traces() -> list[int]:
    return [await model.all().count() for model in (Case, Party, Person, Member, Message)]


async def test_rows_of_one_case_become_one_case_with_its_parties(world: World) -> None:
    job = await uploaded(
        world,
        table(
            row(
                world,
                "甲",
                kind="治安",
                number="皖公（柳）受案字〔2026〕9号",
                sensitivities="家庭暴力",
                phone="13900000001",
            ),
            row(world, "甲", "李四", steward="", roles="嫌疑人、受害人", side="乙方", phone="13900000002"),
            row(world, "乙", "王五", minor="是", id_number="340100201501010011"),
        ),
    )
    assert (job.state, job.rows, job.cases, job.parties) == (ImportState.CHECKED, 3, 2, 3)
    assert await traces() == [0] * 5
    done = await committed(world, job)
    assert (done.state, done.progress, done.content) == (ImportState.DONE, 2, None)
    case = await Case.get(number="皖公（柳）受案字〔2026〕9号")
    assert (case.kind, case.sensitivities, case.steward_id) == (
        CaseKind.PUBLIC_ORDER,
        [Sensitivity.DOMESTIC_VIOLENCE],
        world.steward.id,
    )
    parties = await Party.filter(case_id=case.id).order_by("added_at")
    assert [(set(each.roles), each.side) for each in parties] == [
        ({PartyRole.VICTIM}, Side.NONE),
        ({PartyRole.SUSPECT, PartyRole.VICTIM}, Side.B),
    ]
    assert await Message.filter(notice="invitation").count() == 2, "nobody writes to a child"


async def test_without_sms_only_the_receipts_invite(world: World) -> None:
    job = await uploaded(world, table(row(world, phone="13900000001")), by_sms=False)
    await committed(world, job)
    assert await Member.all().count() == 1
    assert await Message.all().count() == 0


async def test_every_fault_is_told_at_its_row_and_nothing_is_saved(world: World) -> None:
    job = await uploaded(
        world,
        table(
            row(world, 1, kind="治安案子"),
            row(world, 1, "李四", roles="路人", phone="12345"),
            row(world, 2, "王五", steward="000000", side="丙方"),
            row(world, 2, "赵六", kind="刑事", steward=""),
            row(world, 3, "孙七", steward=""),
            row(world, 4, "", phone="13900000001"),
            row(world, 5, "周八", number="甲1号"),
            row(world, 6, "吴九", number="甲1号"),
            row(world, 7, "郑十", phone="13900000003"),
            row(world, 7, "郑十", phone="13900000003"),
        ),
    )
    assert job.state is ImportState.FAULTY
    found = {(each[0], each[1], each[2]) for each in job.problems}
    assert found == {
        (2, "案件类型", "not_a_choice"),
        (3, "当事人身份", "not_a_choice"),
        (3, "手机号码", "phone_number"),
        (4, "案管家警号", "steward_unit"),
        (4, "所属一方", "not_a_choice"),
        (5, "案件类型", "case_differs"),
        (6, "案管家警号", "steward_missing"),
        (7, "当事人姓名", "table_required"),
        (9, "案号", "case_twice"),
        (11, "当事人姓名", "party_twice"),
    }
    assert "10 处要修改" in imports.summary(job)
    with pytest.raises(Conflict, match="import_faulty"):
        await imports.start(await acting(world.steward), job.id, job.digest.hex())
    assert await traces() == [0] * 5
    shown: Any = load_workbook(io.BytesIO(sheet.report(job.problems, "警号 1"))).worksheets[0]
    assert [cell.value for cell in shown[2]] == ["行", "列", "问题", "怎么改"]
    assert shown.max_row == 12


async def test_what_exists_already_is_found(world: World) -> None:
    await committed(world, await uploaded(world, table(row(world, number="甲1号", source_id="T-1"))))
    job = await uploaded(
        world, table(row(world, 1, number="甲1号"), row(world, 2, "李四", source_id="T-1"), row(world, 3, "王五"))
    )
    assert [(each[0], each[1], each[2]) for each in job.problems] == [
        (2, "案号", "case_exists"),
        (3, "来源编号", "case_exists"),
    ]


async def test_a_number_in_another_width_is_the_same_number(world: World) -> None:
    wide, narrow = "合公（蜀）立字〔2026〕12345号", "合公(蜀)立字[2026]12345号"
    await committed(world, await uploaded(world, table(row(world, number=wide))))
    job = await uploaded(
        world,
        table(row(world, 1, number=narrow), row(world, 2, "李四", number="A [1]"), row(world, 3, number="A〔1〕")),
    )
    assert [(each[0], each[2]) for each in job.problems] == [(2, "case_exists"), (4, "case_twice")]


async def test_the_same_file_is_taken_over_once(world: World) -> None:
    data = table(row(world))
    first, second = await uploaded(world, data), await uploaded(world, data)
    await committed(world, first)
    await committed(world, first)
    assert await Case.all().count() == 1
    with pytest.raises(Conflict, match="import_done_before"):
        await imports.start(await acting(world.steward), second.id, second.digest.hex())
    with pytest.raises(Conflict, match="import_done_before"):
        await uploaded(world, data)


async def test_what_changed_after_the_check_fails_as_a_whole(world: World) -> None:
    job = await uploaded(world, table(row(world, 1), row(world, 2, "李四", steward=world.colleague.number)))
    await Officer.filter(id=world.colleague.id).update(active=False)
    before = await traces()
    failed = await committed(world, job)
    assert (failed.state, failed.problems[0][0], failed.problems[0][2]) == (ImportState.FAILED, 3, "steward_unit")
    assert await traces() == before
    assert "什么都没有保存" in imports.summary(failed)


async def test_only_ones_own_import_and_only_the_file_that_was_checked(world: World) -> None:
    job = await uploaded(world, table(row(world)))
    with pytest.raises(NotFound, match="import_not_found"):
        await imports.start(await acting(world.colleague), job.id, job.digest.hex())
    with pytest.raises(Conflict, match="import_other_file"):
        await imports.start(await acting(world.steward), job.id, "0" * 64)
    with pytest.raises(NotFound, match="unit_not_found"):
        await uploaded(world, table(row(world)), world.other_steward)


async def test_the_file_is_sealed_and_forgotten_after_a_week(world: World) -> None:
    job = await uploaded(world, table(row(world)))
    assert job.content is not None
    assert vault().ring.open(job.content, TABLE).startswith(b"PK")
    assert await imports.forget_old() == 0
    clock.set_offset(clock.offset() + timedelta(days=8))
    assert await imports.forget_old() == 1
    failed = await committed(world, job)
    assert (failed.state, failed.problems[0][2]) == (ImportState.FAILED, "import_content_gone")


async def test_a_pdf_with_another_name_and_a_table_of_something_else(world: World) -> None:
    for data, code in (
        (b"%PDF-1.7", "table_type"),
        (write_table("班次", [("a", "日期"), ("b", "民警")], [{"a": "1", "b": "2"}]), "table_header"),
        (many(world, 5_001), "table_too_many_rows"),
    ):
        with pytest.raises(BadTable, match=code):
            await uploaded(world, data)
    assert await ImportJob.all().count() == 0


def test_the_template_is_what_the_import_reads() -> None:
    filled: Any = load_workbook(io.BytesIO(sheet.template()))
    page = filled.worksheets[0]
    for column, value in zip("ABEM", ("1", "012345", "", ""), strict=True):
        page[f"{column}3"] = value or None
    titles: Sequence[Any] = [cell.value for cell in page[2]]
    page.cell(3, titles.index("当事人姓名*") + 1, "张三")
    page.cell(3, titles.index("当事人身份*") + 1, "证人")
    out = io.BytesIO()
    filled.save(out)
    read = sheet.read(out.getvalue(), "模板.xlsx")
    assert read.problems == []
    assert read.cases["1"].parties[0].draft.name == "张三"


async def test_a_long_table_is_checked_and_taken_over_by_jobs_that_show_their_progress(
    real_db: str, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    job = await uploaded(world, many(world, 160))
    assert job.state is ImportState.UPLOADED
    await jobs.run_now("imports.check", {"import_id": str(job.id)})
    await imports.start(await acting(world.steward), job.id, job.digest.hex())
    first = asyncio.create_task(jobs.run_now("imports.run", {"import_id": str(job.id)}))
    while (await ImportJob.get(id=job.id)).progress < 25:  # noqa: ASYNC110 — what is waited for is in the database.
        await asyncio.sleep(0.01)
    assert await Case.all().count() == 0, "half a table is never seen"
    first.cancel()
    await asyncio.wait([first])
    assert await Case.all().count() == 0
    await jobs.run_now("imports.run", {"import_id": str(job.id)})
    assert await Case.all().count() == 80
    assert (await ImportJob.get(id=job.id)).state is ImportState.DONE
    await jobs.run_now("imports.run", {"import_id": str(job.id)})
    assert await Case.all().count() == 80


async def test_a_case_of_a_table_costs_few_round_trips_and_leaves_what_a_typed_one_leaves(world: World) -> None:
    few, more = await uploaded(world, many(world, 20)), await uploaded(world, many(world, 40))
    spent = []
    for job in (few, more):
        asked: list[str] = []
        async with _heard(asked):
            await committed(world, job)
        spent.append(len(asked))
    assert (spent[1] - spent[0]) / 10 <= ROUND_TRIPS, "a case with two parties"
    typed = await _kinds_recorded(typed_in(world))
    table_of_one = await uploaded(world, many(world, 2), by_sms=True)
    assert await _kinds_recorded(committed(world, table_of_one)) - IMPORT_EVENTS == typed
    for notice in await Message.all():
        queued = "select 1 from pgqueuer where entrypoint = 'deliver' and convert_from(payload, 'utf8') like $1"
        assert await database.fetchval(queued, f"%{notice.id}%") == 1


ROUND_TRIPS = 42
IMPORT_EVENTS = Counter({"import.started": 1, "import.done": 1})


@asynccontextmanager
async def _heard(asked: list[str]) -> AsyncIterator[None]:
    def hear(said: Any) -> None:
        asked.append(said.query)

    async with database.raw() as connection:
        pass  # Kept for the block's length it would keep everybody else from the transaction.
    connection.add_query_logger(hear)
    yield
    connection.remove_query_logger(hear)


async def _kinds_recorded(deed: Awaitable[Any]) -> Counter[str]:
    before = Counter(event.kind for event in await Event.all())
    await deed
    return Counter(event.kind for event in await Event.all()) - before


async def typed_in(world: World) -> None:
    """The same case as in `many`, registered at the desk."""
    draft = intake.CaseDraft(unit_id=world.station.id, steward_id=world.steward.id, kind=CaseKind.DISPUTE)
    parties = [
        intake.PartyDraft(name=f"当事人{n}", roles=frozenset({PartyRole.VICTIM}), side=side, phone=f"1390001{n:04}")
        for n, side in enumerate((Side.A, Side.B))
    ]
    await intake.register_case(await acting(world.steward), draft, parties)


async def test_a_long_transaction_is_sealed_whole(
    real_db: str, clock_at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    while await audit.seal():
        pass
    monkeypatch.setattr(audit, "SEAL_BATCH", 20)
    job = await uploaded(world, many(world, 60))
    await jobs.run_now("imports.check", {"import_id": str(job.id)})
    await committed(world, job)
    while await audit.seal():
        pass
    verified = await audit.verify()
    assert (verified.holds, verified.unsealed) == (True, 0)
    largest = await database.fetchval("select max(count) from event_seal")
    assert largest > 20
    assert await Event.all().count() == verified.sealed
