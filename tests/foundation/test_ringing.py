"""What rings follows a person's roster; off duty only a threat rings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stewardship.foundation.clocks.policies import OFFICE, ROUND_THE_CLOCK, STANDARD
from stewardship.foundation.duty_time import (
    Absence,
    AbsenceKind,
    DutyCalendar,
    Presence,
    Span,
    Urgency,
    may_ring,
    rings_from,
)

MONDAY = datetime(2026, 3, 16, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai."""
CALENDARS = {code: DutyCalendar(version=1, weekly=weekly, every_day=all_) for code, (weekly, all_) in STANDARD.items()}
HOURS = CALENDARS[OFFICE]

instants = st.integers(0, 20 * 24 * 4).map(lambda quarters: MONDAY + timedelta(minutes=15 * quarters))
lengths = st.integers(1, 5 * 24 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
spans = st.builds(lambda start, length: Span(start, start + length), instants, lengths)
absences = st.builds(
    lambda kind, start, length: Absence(kind, start, None if length is None else start + length),
    st.sampled_from(AbsenceKind),
    instants,
    st.none() | lengths,
)
presences = st.builds(
    Presence, st.none() | st.lists(spans, min_size=1, max_size=5).map(tuple), st.lists(absences, max_size=4).map(tuple)
)


def test_an_officer_on_night_duty_is_rung_and_one_asleep_is_not() -> None:
    night = MONDAY + timedelta(hours=14)
    on_duty = Presence((Span(night - timedelta(hours=3), night + timedelta(hours=9)),))
    assert may_ring(on_duty, night, Urgency.ORDINARY, HOURS)
    assert not may_ring(Presence(), night, Urgency.ORDINARY, HOURS)
    assert rings_from(Presence(), night, HOURS) == datetime(2026, 3, 17, 0, 30, tzinfo=UTC)


def test_whoever_is_out_on_a_call_is_rung_when_they_are_back() -> None:
    back = MONDAY + timedelta(hours=1)
    shift = Span(MONDAY - timedelta(hours=1), MONDAY + timedelta(hours=8))
    away = Presence((shift,), (Absence(AbsenceKind.CALL_OUT, MONDAY - timedelta(minutes=5), back),))
    assert rings_from(away, MONDAY, HOURS) == back


def test_after_the_last_known_shift_there_is_a_night_of_rest_even_at_a_desk_that_is_always_manned() -> None:
    ended = Presence((Span(MONDAY - timedelta(hours=24), MONDAY),))
    wakes = rings_from(ended, MONDAY + timedelta(minutes=1), CALENDARS[ROUND_THE_CLOCK])
    assert wakes == MONDAY + timedelta(hours=12)


@given(presences, instants, st.sampled_from(sorted(CALENDARS)))
def test_a_threat_always_rings_and_anything_else_waits_for_an_instant_at_which_it_may(
    presence: Presence, at: datetime, code: str
) -> None:
    hours = CALENDARS[code]
    assert may_ring(presence, at, Urgency.THREAT, hours)
    instant = rings_from(presence, at, hours)
    assert instant >= at
    may_now = may_ring(presence, at, Urgency.ORDINARY, hours)
    roster_over = presence.shifts is not None and all(shift.end <= at for shift in presence.shifts)
    assert (instant == at) == may_now or (roster_over and hours.is_on_duty(at))
    without_end = any(absence.end is None and absence.start <= instant for absence in presence.absences)
    assert without_end or not any(absence.covers(instant) for absence in presence.absences)
