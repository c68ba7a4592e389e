"""An instructor's day: what is wrong now, how it went, why, and what is taken out."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import openpyxl
import pytest

from kit import clock
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import promises
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.clocks import due
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import ShiftKind, Unit
from stewardship.reports import keeping
from stewardship.reports import service as reports
from stewardship.reports.dashboard import Dashboard, Grain, dashboard
from stewardship.reports.definitions import DEFINITIONS, name_of
from stewardship.reports.explaining import explain
from stewardship.reports.exporting import export
from stewardship.reports.figures import Filter, counted
from stewardship.reports.rules import Figure, Period
from tests.support.world import MONDAY_MORNING, Joined, World, acting, case_with

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))


CARRIED_OUT_BY = promises
"""What falls due is carried out by it, once it is imported."""


async def asks(joined: Joined, channel: str = "oa") -> UUID:
    member = joined.members[0]
    asked = await inquiries.ask(
        Actor(ActorKind.CITIZEN, member.person_id), member, "何时有结果", channel=channel, source_key=str(uuid4())
    )
    return UUID(str(asked.inquiry.id))


async def page(world: World, unit: Unit | None = None, period: Period = MARCH, grain: Grain | None = None) -> Dashboard:
    await keeping.run()
    where = unit or world.station
    officer = world.instructor if where.id == world.station.id else world.sub_instructor
    return await dashboard(await acting(officer), where.id, period, grain)


async def test_a_sub_bureau_sees_which_stations_have_nobody_on_duty(world: World) -> None:
    at = clock.now()
    for kind, hours in ((ShiftKind.DUTY, 2), (ShiftKind.LEAVE, 1)):
        everybody = [(world.station, world.colleague), (world.other_station, world.other_steward)]
        for unit, officer in everybody if kind is ShiftKind.DUTY else everybody[1:]:
            await org.roster(
                SYSTEM,
                unit_id=unit.id,
                officer_id=officer.id,
                kind=kind,
                starts_at=at - timedelta(hours=1),
                ends_at=at + timedelta(hours=hours),
            )
    assert (await page(world, world.sub_bureau)).unmanned == [world.other_station.name], "who is on leave is not there"
    assert (await page(world)).unmanned == [], "a station sees its own roster"


async def test_first_what_is_late_then_what_soon_will_be_and_who_is_there(world: World, clock_at: ClockAt) -> None:
    await org.roster(
        SYSTEM,
        unit_id=world.station.id,
        officer_id=world.colleague.id,
        kind=ShiftKind.DUTY,
        starts_at=MONDAY_MORNING,
        ends_at=MONDAY_MORNING + timedelta(hours=9),
    )
    late = await asks(await case_with(world, VICTIM))
    clock_at(MONDAY_MORNING + timedelta(minutes=25))
    soon = await asks(await case_with(world, VICTIM))
    clock_at(MONDAY_MORNING + timedelta(minutes=40))
    found = await page(world)
    assert (found.overdue, [row.id for row in found.overdue_rows]) == (1, [late])
    assert (found.due_soon, [row.id for row in found.due_soon_rows]) == (1, [soon])
    assert [(each.officer_name, each.kind) for each in found.on_duty] == [(world.colleague.name, ShiftKind.DUTY)]
    await inquiries.answer(await acting(world.instructor), late, "周五。")
    await inquiries.answer(await acting(world.instructor), soon, "周五。")
    found = await page(world)
    assert (found.overdue, found.due_soon) == (0, 0)
    assert found.whole.states == {"in_time": 2}


async def test_a_series_shows_every_day_week_or_month_and_adds_up(world: World, clock_at: ClockAt) -> None:
    for days in (0, 1, 8, 15, 20):
        clock_at(MONDAY_MORNING + timedelta(days=days, minutes=5))
        asked = await asks(await case_with(world, VICTIM))
        await inquiries.answer(await acting(world.steward), asked, "周五。")
    period = Period(date(2026, 3, 10), date(2026, 4, 20))
    for grain, length in ((Grain.DAY, 42), (Grain.WEEK, 7), (Grain.MONTH, 2)):
        found = await page(world, period=period, grain=grain)
        assert len(found.series) == length
        assert sum(point.counted.asked for point in found.series) == found.whole.asked == 5
        assert (found.series[0].first, found.series[-1].last) == (period.first, period.last)


async def test_the_same_questions_by_steward_kind_channel_hour_and_below(world: World) -> None:
    for channel in ("oa", "oa", "sms"):
        await asks(await case_with(world, VICTIM), channel)
    found = await page(world)
    assert {g.value: g.counted.asked for g in found.by_channel} == {"oa": 2, "sms": 1}
    assert {g.value: g.counted.asked for g in found.by_kind} == {"public_order": 3}
    assert {g.value: g.counted.asked for g in found.by_hour} == {"09": 3}
    assert [(g.name, g.counted.asked) for g in found.by_steward] == [(world.steward.name, 3)]
    above = await page(world, world.sub_bureau)
    below = {each.unit_name: (each.counted.asked, each.place.best) for each in above.below}
    assert below == {"柳堤派出所": (3, None), "石桥派出所": (0, None)}
    assert above.whole == found.whole


async def test_a_missed_promise_stays_with_who_had_the_question_then(world: World, clock_at: ClockAt) -> None:
    asked = await asks(await case_with(world, VICTIM))
    clock_at(MONDAY_MORNING + timedelta(minutes=45))
    await inquiries.hand_over(await acting(world.instructor), asked, world.colleague.id, "出差")
    await inquiries.answer(await acting(world.colleague), asked, "周五。")
    await keeping.run()
    for officer, firsts, fulls in ((world.steward, 1, 0), (world.colleague, 0, 1)):
        found = await counted(world.station.id, MARCH, clock.now(), Filter(officer_id=officer.id))
        assert (found.first_count, found.first_in_time, found.full_count) == (firsts, 0, fulls)
    rows = await reports.rows_behind(
        await acting(world.instructor),
        Figure.FIRST_RESPONSE,
        world.station.id,
        MARCH,
        filter_=Filter(officer_id=world.steward.id),
    )
    assert [(row.id, row.good) for row in rows] == [(asked, False)]


async def test_reopening_mends_no_late_answer(world: World, clock_at: ClockAt) -> None:
    asked = await asks(await case_with(world, VICTIM))
    clock_at(MONDAY_MORNING + timedelta(days=3))
    await inquiries.answer(await acting(world.steward), asked, "周五。")
    await inquiries.reopen(await acting(world.instructor), asked, "答非所问")
    await inquiries.answer(await acting(world.steward), asked, "下周一。")
    assert (await page(world)).whole.states == {"late": 1, "in_time": 1}


async def test_a_unit_that_moves_takes_its_figures_along(world: World) -> None:
    await asks(await case_with(world, VICTIM))
    await keeping.run()
    await Unit.filter(id=world.station.id).update(parent_id=world.bureau.id)
    await keeping.run()
    now = clock.now()
    asked = {u.name: (await counted(u.id, MARCH, now)).asked for u in (world.sub_bureau, world.bureau, world.station)}
    assert asked == {"湖东分局": 0, "云州市公安局": 1, "柳堤派出所": 1}


async def test_a_figure_can_be_explained_to_whom_it_concerns(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    asked = await asks(joined)
    clock_at(MONDAY_MORNING + timedelta(minutes=31))
    await due.run_due()
    await inquiries.hand_over(await acting(world.instructor), asked, world.colleague.id, "出差")
    clock_at(MONDAY_MORNING + timedelta(minutes=50))
    await inquiries.answer(await acting(world.colleague), asked, "周五。")
    found = await explain(await acting(world.colleague), asked)
    words = [line.words for line in found.lines]
    assert found.reference == joined.case.reference
    assert any("超过首次答复时限" in each for each in words)
    assert f"{world.colleague.name}书面答复" in words
    assert [s.officer_name for s in found.stretches] == [world.steward.name, world.colleague.name]
    assert [s.duty_minutes for s in found.stretches] == pytest.approx([31, 19], abs=0.2)
    first, full = found.promises
    assert (first.kept, full.kept) == (False, True)
    assert first.duty_minutes == pytest.approx(50, abs=0.2)
    assert await Event.filter(kind="inquiry.read", subject_id=asked, actor_id=world.colleague.id).count() == 1
    with pytest.raises(NotFound):
        await explain(await acting(world.other_steward), asked)


async def test_what_still_waits_is_explained_up_to_now(world: World, clock_at: ClockAt) -> None:
    asked = await asks(await case_with(world, VICTIM))
    for minutes in (20, 45):
        clock_at(MONDAY_MORNING + timedelta(minutes=minutes))
        [stretch] = (await explain(await acting(world.instructor), asked)).stretches
        assert (stretch.officer_name, stretch.end) == (world.steward.name, None)
        assert stretch.duty_minutes == pytest.approx(minutes, abs=0.2)


async def test_the_rows_are_taken_out_as_a_table_with_who_took_them(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await asks(joined)
    await keeping.run()
    data = await export(await acting(world.instructor), Figure.FIRST_RESPONSE, world.station.id, MARCH)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    cells = [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]
    assert joined.case.reference in cells
    assert any(world.instructor.number in cell for cell in cells)
    assert await Event.filter(kind="report.exported", actor_id=world.instructor.id).count() == 1


def test_every_list_of_rows_belongs_to_a_defined_figure() -> None:
    assert all(name_of(figure) for figure in Figure)
    assert len({each.key for each in DEFINITIONS}) == len(DEFINITIONS)
