"""Rosters: who receives something when people rest, are on leave or out on a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stewardship.foundation.duty_time import (
    Absence,
    AbsenceKind,
    Candidate,
    EscalationLevel,
    InvalidCalendar,
    NoReceiver,
    Presence,
    SkipReason,
    Span,
    choose_receiver,
)

NOON = datetime(2026, 3, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
ON_LEAVE = Presence(absences=(Absence(AbsenceKind.LEAVE, NOON - HOUR, NOON + HOUR),))
ON_A_CALL = Presence(absences=(Absence(AbsenceKind.CALL_OUT, NOON - HOUR),))
OFF_SHIFT = Presence(shifts=(Span(NOON + HOUR, NOON + 9 * HOUR),))
THERE = Presence(shifts=(Span(NOON - HOUR, NOON + HOUR),))


def roster(*presences: Presence) -> list[Candidate]:
    """One candidate per level, from the steward upward."""
    return [Candidate(UUID(int=level), level, one) for level, one in zip(EscalationLevel, presences, strict=False)]


def test_the_steward_receives_while_there() -> None:
    found = choose_receiver(roster(THERE, THERE, THERE, THERE), NOON)
    assert found.candidate.level is EscalationLevel.STEWARD
    assert found.skipped == ()
    assert not found.as_backstop


def test_whoever_is_on_leave_on_a_call_or_off_shift_is_skipped_at_once_with_the_reason() -> None:
    found = choose_receiver(roster(ON_LEAVE, ON_A_CALL, OFF_SHIFT, THERE), NOON)
    assert found.candidate.level is EscalationLevel.SUB_BUREAU
    assert [one.reason for one in found.skipped] == [SkipReason.LEAVE, SkipReason.CALL_OUT, SkipReason.OFF_SHIFT]


def test_when_everybody_is_away_the_backstop_receives_it_all_the_same() -> None:
    found = choose_receiver(roster(ON_LEAVE, ON_LEAVE, ON_LEAVE, OFF_SHIFT), NOON)
    assert found.candidate.level is EscalationLevel.SUB_BUREAU
    assert found.as_backstop
    assert len(found.skipped) == 3


def test_an_escalation_starts_at_its_level() -> None:
    found = choose_receiver(roster(THERE, THERE, ON_LEAVE, THERE), NOON, from_level=EscalationLevel.INSTRUCTOR)
    assert found.candidate.level is EscalationLevel.SUB_BUREAU
    assert [one.candidate.level for one in found.skipped] == [EscalationLevel.INSTRUCTOR]


def test_an_absence_ends_at_its_end() -> None:
    assert ON_LEAVE.reason_to_skip(NOON + HOUR) is None
    assert ON_LEAVE.reason_to_skip(NOON - HOUR) is SkipReason.LEAVE
    assert ON_A_CALL.reason_to_skip(NOON + 100 * HOUR) is SkipReason.CALL_OUT


def test_an_empty_roster_and_a_backward_absence_are_refused() -> None:
    with pytest.raises(NoReceiver):
        choose_receiver([], NOON)
    with pytest.raises(InvalidCalendar):
        Absence(AbsenceKind.REST, NOON, NOON)
    with pytest.raises(InvalidCalendar):
        Span(NOON.replace(tzinfo=None), NOON)


presences = st.sampled_from([ON_LEAVE, ON_A_CALL, OFF_SHIFT, THERE, Presence()])


@given(st.lists(presences, min_size=1, max_size=6), st.sampled_from(EscalationLevel))
def test_there_is_always_a_receiver_and_nobody_there_is_passed_over(
    found: list[Presence], from_level: EscalationLevel
) -> None:
    levels = sorted(list(EscalationLevel) * 2)[: len(found)]
    people = [
        Candidate(UUID(int=number), level, one) for number, (level, one) in enumerate(zip(levels, found, strict=True))
    ]
    receiver = choose_receiver(people, NOON, from_level=from_level)
    there = [one for one in people if one.level >= from_level and one.presence.reason_to_skip(NOON) is None]
    assert receiver.candidate is (there[0] if there else people[-1])
    assert receiver.as_backstop == (not there)
