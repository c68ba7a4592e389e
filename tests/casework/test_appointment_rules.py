"""Which times are free, which three are offered, and when a reminder is decent: for any roster."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import clock
from stewardship.casework.appointments.rules import (
    DECENT_FROM,
    DECENT_TO,
    OFFERS,
    free_starts,
    overlap,
    parse_choice,
    reminders,
    three,
    visiting_hours,
)
from stewardship.foundation.clocks.policies import OFFICE, STANDARD
from stewardship.foundation.duty_time import DutyCalendar, Span

MONDAY = datetime(2026, 3, 16, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai."""
HOURS = DutyCalendar(version=1, weekly=STANDARD[OFFICE][0])
minutes = st.integers(0, 14 * 24 * 60).map(lambda count: MONDAY + timedelta(minutes=count))
spans = st.builds(
    lambda start, length: Span(start, start + timedelta(minutes=length)), minutes, st.integers(1, 36 * 60)
)
lengths = st.sampled_from([15, 30, 45, 60, 120]).map(lambda count: timedelta(minutes=count))


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6), lengths)
def test_a_free_time_lies_in_the_officers_time_and_in_nobodys_way(
    there: list[Span], taken: list[Span], length: timedelta
) -> None:
    latest = MONDAY + timedelta(days=14)
    starts = free_starts(there, taken, length, earliest=MONDAY, latest=latest)
    assert starts == sorted(set(starts))
    for at in starts:
        visit = Span(at, at + length)
        received = visiting_hours(clock.local(at).date())
        assert any(span.start <= visit.start and visit.end <= span.end for span in there)
        assert received.start <= visit.start
        assert visit.end <= received.end
        assert visit.start >= MONDAY
        assert visit.end <= latest
        assert not any(overlap(visit, other) for other in taken)


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6), lengths)
def test_a_half_hour_that_is_left_out_was_not_free(there: list[Span], taken: list[Span], length: timedelta) -> None:
    latest = MONDAY + timedelta(days=14)
    starts = set(free_starts(there, taken, length, earliest=MONDAY, latest=latest))
    at = MONDAY
    while at + length <= latest:
        visit, received = Span(at, at + length), visiting_hours(clock.local(at).date())
        fits = any(span.start <= at and visit.end <= span.end for span in there)
        received_then = received.start <= at and visit.end <= received.end
        in_the_way = any(overlap(visit, other) for other in taken)
        assert (at in starts) == (fits and received_then and not in_the_way)
        at += timedelta(minutes=30)


@given(st.lists(minutes, max_size=30), lengths)
def test_the_three_times_do_not_overlap_and_are_on_three_days_where_there_are_three(
    starts: list[datetime], length: timedelta
) -> None:
    ordered = sorted(set(starts))
    chosen = three(ordered, length)
    assert len(chosen) <= OFFERS
    assert set(chosen) <= set(ordered)
    days = {clock.local(at).date() for at in ordered}
    if len(days) >= OFFERS:
        assert len({clock.local(at).date() for at in chosen}) == OFFERS
        assert len(chosen) == OFFERS


@given(minutes, minutes)
def test_reminders_come_ahead_of_the_visit_at_a_decent_hour(starts_at: datetime, now: datetime) -> None:
    day_at, soon_at = reminders(starts_at, HOURS, now)
    for at in (day_at, soon_at):
        if at is not None:
            assert now < at < starts_at
            assert DECENT_FROM <= clock.local(at).time() < DECENT_TO
    if day_at is not None:
        assert HOURS.is_workday(clock.local(day_at).date())


def test_on_a_monday_it_is_the_friday_before_and_two_hours_ahead() -> None:
    day_at, soon_at = reminders(datetime(2026, 3, 23, 6, 30, tzinfo=UTC), HOURS, MONDAY)
    assert day_at == datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
    assert soon_at == datetime(2026, 3, 23, 4, 30, tzinfo=UTC)


def test_nobody_is_woken_for_an_early_visit() -> None:
    _, soon_at = reminders(datetime(2026, 3, 18, 0, 30, tzinfo=UTC), HOURS, MONDAY)
    assert soon_at is not None
    assert clock.local(soon_at).time() == time(19)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" ２。", 2), ("③", 3), ("第二个", 2), ("选3", 3), ("0", 0), ("都不合适", 0)],
)
def test_a_digit_in_the_ways_people_write_it_picks_a_time(text: str, number: int) -> None:
    assert parse_choice(text) == number


@pytest.mark.parametrize("text", ["", "4", "12", "1点可以吗", "3天了没人理我", "11月23日", "满意"])
def test_anything_else_picks_nothing(text: str) -> None:
    assert parse_choice(text) is None
