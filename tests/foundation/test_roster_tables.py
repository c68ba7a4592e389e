"""A roster as a table: taken in whole or not at all, and every fault is named with its row, column and remedy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.tables import BadTable
from stewardship.foundation.audit.models import Event
from stewardship.foundation.org import roster_tables
from stewardship.foundation.org.models import Officer, Shift, ShiftKind
from stewardship.foundation.org.roster_tables import Entry, Report, clash, instant_of, overlaps
from tests.support.world import MONDAY_MORNING, World, acting, build_world

HEAD = "警号,姓名,班次,开始,结束"


@pytest.fixture
async def world(db: None, clock_at: Callable[[datetime], None]) -> World:
    clock_at(MONDAY_MORNING)
    return await build_world()


async def take_in(world: World, *rows: str, trial: bool = False) -> Report:
    data = "\n".join([HEAD, *rows]).encode("utf-8-sig")
    return await roster_tables.take_in(await acting(world.instructor), world.station, data, "排班.csv", trial=trial)


def row(officer: Officer, kind: str, starts: str, ends: str) -> str:
    return f"{officer.number},{officer.name},{kind},{starts},{ends}"


async def test_a_roster_is_taken_in_and_the_same_again_changes_nothing(world: World) -> None:
    rows = [
        row(world.steward, "值班", "2026-03-17 08:30", "2026-03-18 08:30"),
        row(world.colleague, "休息", "2026/3/17", "2026年3月18日"),
        row(world.colleague, "副班", "2026-03-18 8：30", "2026-03-18 24:00"),
    ]
    assert (await take_in(world, *rows, trial=True)).entered == 3
    assert await Shift.all().count() == 0, "a trial saves nothing"
    report = await take_in(world, *rows)
    assert (report.rows, report.entered, report.saved, report.problems) == (3, 3, True, [])
    duty = await Shift.get(officer_id=world.steward.id)
    assert (duty.kind, duty.starts_at) == (ShiftKind.DUTY, datetime(2026, 3, 17, 0, 30, tzinfo=UTC))
    again = await take_in(world, *rows)
    assert (again.entered, again.unchanged) == (0, 3)
    assert await Shift.all().count() == 3
    assert await Event.filter(kind="roster.entered").count() == 3


async def test_one_wrong_row_keeps_everything_out_and_each_fault_is_named(world: World) -> None:
    report = await take_in(
        world,
        row(world.steward, "值班", "2026-03-17 08:30", "2026-03-18 08:30"),
        row(world.steward, "夜宵", "2026-03-19 08:30", "2026-03-19 17:30"),
        row(world.colleague, "值班", "下周一", "2026-03-19 17:30"),
        row(world.colleague, "值班", "2026-03-19 17:30", "2026-03-19 08:30"),
        row(world.other_steward, "值班", "2026-03-19 08:30", "2026-03-19 17:30"),
        f"{world.colleague.number},王五,值班,2026-03-20 08:30,2026-03-20 17:30",
        row(world.steward, "请假", "2026-03-18 08:00", "2026-03-19"),
        f"{world.steward.number},{world.steward.name},,2026-03-25 08:30,2026-03-25 17:30",
    )
    found = {(problem.row, problem.column, problem.code) for problem in report.problems}
    assert found == {
        (3, "班次", "roster_kind"),
        (4, "开始", "roster_time"),
        (5, "结束", "roster_times"),
        (6, "警号", "roster_officer"),
        (7, "姓名", "roster_name"),
        (8, "开始", "roster_overlap"),
        (9, "班次", "table_required"),
    }
    assert all(problem.advice for problem in report.problems)
    assert not report.saved
    assert await Shift.all().count() == 0


async def test_what_contradicts_the_standing_roster_is_found(world: World) -> None:
    await take_in(world, row(world.steward, "请假", "2026-03-17", "2026-03-20"))
    report = await take_in(world, row(world.steward, "值班", "2026-03-19 08:30", "2026-03-19 17:30"))
    assert "已有的请假" in report.problems[0].message
    assert (await take_in(world, row(world.steward, "值班", "2026-03-20 08:30", "2026-03-20 17:30"))).saved
    assert (await take_in(world, row(world.steward, "出警", "2026-03-20 10:00", "2026-03-20 11:00"))).saved


async def test_what_is_taken_out_can_be_taken_in_again(world: World) -> None:
    await take_in(world, row(world.steward, "值班", "2026-03-17 08:30", "2026-03-18 08:30"))
    leader = await acting(world.instructor)
    start = MONDAY_MORNING - timedelta(days=1)
    book = await roster_tables.export(leader, world.station, start, start + timedelta(days=30), watermark="赵方 导出")
    report = await roster_tables.take_in(leader, world.station, book, "排班.xlsx", trial=False)
    assert (report.rows, report.unchanged, report.problems) == (1, 1, [])


async def test_the_template_names_who_is_there(world: World) -> None:
    book = await roster_tables.template(world.station)
    report = await roster_tables.take_in(await acting(world.instructor), world.station, book, "模板.xlsx", trial=True)
    assert report.rows == await Officer.filter(unit_id=world.station.id).count()
    assert {problem.code for problem in report.problems} == {"table_required"}


async def test_another_file_is_refused_as_a_whole(world: World) -> None:
    for data, code in ((b"%PDF-1.7", "table_type"), ("甲,乙\n1,2".encode(), "table_header")):
        with pytest.raises(BadTable, match=code):
            await roster_tables.take_in(await acting(world.instructor), world.station, data, "a.xlsx", trial=False)


@pytest.mark.parametrize("text", ["", "8:30", "2026-13-01", "2026-02-30 08:30", "2026-03-02 25:00", "1899-01-01"])
def test_a_time_that_is_none_is_not_guessed(text: str) -> None:
    assert instant_of(text) is None


officers = st.sampled_from([UUID(int=1), UUID(int=2)])
starts = st.integers(0, 200).map(lambda hours: MONDAY_MORNING + timedelta(hours=hours))
entries = st.lists(
    st.builds(
        lambda officer, kind, at, hours: Entry(None, officer, kind, at, at + timedelta(hours=hours)),
        officers,
        st.sampled_from(ShiftKind),
        starts,
        st.integers(1, 60),
    ),
    max_size=12,
).map(lambda found: [Entry(n, e.officer_id, e.kind, e.starts_at, e.ends_at) for n, e in enumerate(found, start=2)])


@given(entries)
def test_an_overlap_is_found_exactly_where_two_entries_contradict_each_other(found: list[Entry]) -> None:
    clashing = {max(a.row or 0, b.row or 0) for a in found for b in found if a.row != b.row and clash(a, b)}
    assert {problem.row for problem in overlaps(found, [])} == clashing
