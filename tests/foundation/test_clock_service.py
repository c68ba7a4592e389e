"""The clock on the real database: nothing lost to skewed machines, edits of the calendar reach what is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from kit import clock, jobs
from kit.ids import new_id
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.clocks import calendars, comparison, due, policies, service
from stewardship.foundation.clocks.log import Channel, Kind
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import Mark
from stewardship.foundation.errors import Invalid, NotAllowed
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import DutyCalendarVersion, Level, Role, Unit, UnitKind
from tests.support.world import MONDAY_MORNING, acting

OFFICER = UUID(int=7)
SUBJECT = "errand"
carried: list[tuple[UUID, str]] = []


async def _lock(_: UUID) -> bool:
    return True


@due.carries_out(SUBJECT, lock=_lock)
async def _carry_out(timer: Clock, mark: Mark) -> None:
    carried.append((timer.subject_id, mark.key.mark))


@pytest.fixture
async def station(db: None, clock_at: Callable[[datetime], None]) -> Unit:
    """A police station on an ordinary Monday at 09:00."""
    clock_at(MONDAY_MORNING)
    carried.clear()
    return await unit("柳堤派出所")


async def unit(name: str, calendar: str = policies.OFFICE) -> Unit:
    return await org.create_unit(
        SYSTEM,
        code=f"errand{new_id().hex[-8:]}",
        name=name,
        level=Level.TEAM,
        kind=UnitKind.POLICE_STATION,
        parent=None,
        valid_from=date(2020, 1, 1),
        calendar_code=calendar,
    )


async def opened(at: Unit) -> service.Subject:
    subject = (SUBJECT, new_id())
    await service.open_clock(subject, unit_id=at.id, owner_id=OFFICER, case_kind=None, asked_at=clock.now())
    return subject


async def answered(subject: service.Subject, at: datetime | None = None) -> Clock:
    return await service.append(subject, Kind.ANSWERED, at=at, person=OFFICER, channel=Channel.MESSAGE)


def pass_time(**more: int) -> None:
    clock.set_offset(clock.offset() + timedelta(**more))


async def test_an_answer_from_a_machine_whose_clock_is_behind_still_answers(station: Unit) -> None:
    subject = await opened(station)
    pass_time(seconds=-30)
    timer = await answered(subject)
    assert not timer.running
    assert timer.full_at == timer.started_at, "never before the question"


async def test_an_internal_reply_counts_for_nothing(station: Unit) -> None:
    subject = await opened(station)
    timer = await service.append(subject, Kind.RESPONDED, person=OFFICER, channel=Channel.MESSAGE, visible=False)
    assert timer.first_at is None
    assert timer.running


async def test_a_party_who_waits_since_before_moves_the_start_back(station: Unit) -> None:
    subject = await opened(station)
    earlier = clock.now() - timedelta(minutes=20)
    timer = await service.append(subject, Kind.ASKED, started_at=earlier)
    assert timer.started_at == earlier
    assert timer.first_due_at == earlier + timedelta(minutes=30)


@pytest.mark.parametrize("away", [timedelta(seconds=10), -timedelta(minutes=1)])
async def test_a_time_ahead_or_before_the_question_is_refused(station: Unit, away: timedelta) -> None:
    subject = await opened(station)
    with pytest.raises(Invalid, match="time_of_reply"):
        await answered(subject, at=clock.now() + away)


async def test_a_breach_told_before_the_call_was_logged_stays_told_and_counts_no_more(station: Unit) -> None:
    subject = await opened(station)
    pass_time(hours=1)
    await due.run_due()
    assert "breach" in {mark for _, mark in carried}
    timer = await answered(subject, at=clock.now() - timedelta(minutes=45))
    assert not timer.breached
    assert (await comparison.compare()).differences == ()


async def test_only_a_system_administrator_edits_the_holidays(station: Unit) -> None:
    officer = await org.create_officer(SYSTEM, number="990001", name="王青", unit_id=station.id)
    with pytest.raises(NotAllowed):
        await calendars.set_holiday(await acting(officer), date(2026, 3, 16), workday=False, reason="停电")


async def holiday(station: Unit, day: date) -> None:
    officer = await org.create_officer(SYSTEM, number=f"99{new_id().hex[-6:]}", name="周密", unit_id=station.id)
    await org.grant_role(SYSTEM, officer.id, Role.SYSTEM_ADMINISTRATOR, station.id)
    await calendars.set_holiday(await acting(officer), day, workday=False, reason="临时放假")


async def test_an_edited_holiday_moves_open_clocks_of_that_calendar_and_no_others(
    station: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CALENDAR_PAGE", 2)
    manned = await unit("值班大厅", policies.ROUND_THE_CLOCK)
    waiting = [await opened(station) for _ in range(5)]
    done = await opened(station)
    await answered(done)
    provisional = await opened(station)
    await service.append(provisional, Kind.ANSWERED_FROM_RECORD)
    elsewhere = await opened(manned)
    before = {c.subject_id: (c.full_due_at, c.first_at) for c in await Clock.all()}
    await holiday(station, date(2026, 3, 17))
    rounds = [await service.calendar_changed(policies.OFFICE)]
    while (page := await next_page()) is not None:
        rounds.append(await service.calendar_changed(policies.OFFICE, page))
    assert sum(rounds) == 6, rounds
    assert max(rounds) <= 2
    after = {c.subject_id: c for c in await Clock.all()}
    for _, subject_id in waiting:
        assert after[subject_id].full_due_at == datetime(2026, 3, 18, 1, 0, tzinfo=UTC) + offset_of(after[subject_id])
    for _, subject_id in (done, elsewhere):
        assert (after[subject_id].full_due_at, after[subject_id].first_at) == before[subject_id]
    timer = await service.append(provisional, Kind.CHALLENGED)
    state = await service.state_of(timer)
    assert (await DutyCalendarVersion.get(id=state.calendar)).version == 2
    assert (await comparison.compare()).differences == ()


def offset_of(timer: Clock) -> timedelta:
    """Seconds that the test itself has taken."""
    assert timer.started_at is not None
    return timer.started_at - MONDAY_MORNING


async def next_page() -> UUID | None:
    """Where the job that was queued for the next page begins."""
    from kit import database

    row = await database.fetchrow("delete from pgqueuer where entrypoint = $1 returning payload", service.CALENDAR_JOB)
    return UUID(jobs.payload_of(row["payload"])["after"]) if row else None


async def test_a_log_that_cannot_be_replayed_is_reported_and_stops_nothing(station: Unit) -> None:
    from stewardship.foundation.clocks.models import ClockEntry

    broken, sound = await opened(station), await opened(station)
    timer = await Clock.get(subject_id=broken[1])
    await ClockEntry.filter(clock_id=timer.id, kind="handed_over").delete()
    found = await comparison.compare(limit=1)
    assert [difference.column for difference in found.differences] == ["log"]
    rest = await comparison.compare(found.last)
    assert (rest.checked, rest.differences) == (1, ())
    assert sound
