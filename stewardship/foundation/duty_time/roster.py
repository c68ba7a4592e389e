"""Rosters: who receives something at an instant, going up from the steward until somebody is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID

from stewardship.foundation.duty_time.calendar import DutyCalendar
from stewardship.foundation.duty_time.errors import InvalidCalendar, NoReceiver

OPEN_ABSENCE = timedelta(days=1)
"""How long an absence without an end is taken to last, until somebody looks again."""
REST = timedelta(hours=12)
"""Between the last shift that is known and the next time that somebody may be rung."""


class EscalationLevel(IntEnum):
    """The levels of escalation, from the officer on the case upward."""

    STEWARD = 1
    DUTY_OFFICER = 2
    """The steward's deputy, or the officer on duty."""
    INSTRUCTOR = 3
    SUB_BUREAU = 4


class AbsenceKind(StrEnum):
    REST = "rest"
    LEAVE = "leave"
    ABSENT = "absent"
    """Away for any other reason (training, court, illness)."""
    CALL_OUT = "call_out"
    """On a call in the street (出警): there, but not free."""


class SkipReason(StrEnum):
    OFF_SHIFT = "off_shift"
    REST = "rest"
    LEAVE = "leave"
    ABSENT = "absent"
    CALL_OUT = "call_out"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one person's duty roster, `[start, end)`, aware instants."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Absence:
    """A stretch in which a person cannot receive anything; `end` is None while it is open."""

    kind: AbsenceKind
    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)

    def covers(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Presence:
    """When a person is there: on shift and not absent."""

    shifts: tuple[Span, ...] | None = None
    """None for a person without a roster, who keeps the unit's duty hours."""
    absences: tuple[Absence, ...] = ()

    def reason_to_skip(self, at: datetime) -> SkipReason | None:
        """Why the person cannot receive anything at the instant; None if they can."""
        for absence in self.absences:
            if absence.covers(at):
                return SkipReason(absence.kind.value)
        if self.shifts is not None and not any(shift.covers(at) for shift in self.shifts):
            return SkipReason.OFF_SHIFT
        return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody, or a unit's desk, that may receive something."""

    id: UUID
    level: EscalationLevel
    presence: Presence = Presence()


@dataclass(frozen=True, slots=True)
class Skipped:
    candidate: Candidate
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who receives it, and who was passed over for which reason, in order."""

    candidate: Candidate
    skipped: tuple[Skipped, ...]
    as_backstop: bool
    """Everybody was away, and the last one receives it all the same."""


def choose_receiver(
    candidates: Sequence[Candidate], at: datetime, *, from_level: EscalationLevel = EscalationLevel.STEWARD
) -> Receiver:
    """Who receives something at the instant: the first in order who is there, from the level upward.

    Candidates come in the order of escalation (steward, deputy or duty officer, instructor, sub-bureau); the last is
    the backstop and always receives, so that nothing is ever without an owner. Where nobody stands at the level or
    above, the backstop does. Raises NoReceiver for an empty roster.
    """
    if not candidates:
        raise NoReceiver("a roster needs at least a backstop")
    skipped: list[Skipped] = []
    for candidate in candidates:
        if candidate.level < from_level:
            continue
        reason = candidate.presence.reason_to_skip(at)
        if reason is None:
            return Receiver(candidate, tuple(skipped), as_backstop=False)
        skipped.append(Skipped(candidate, reason))
    backstop = candidates[-1]
    return Receiver(backstop, tuple(one for one in skipped if one.candidate is not backstop), as_backstop=True)


def _check_span(start: datetime, end: datetime | None) -> None:
    if start.tzinfo is None or (end is not None and end.tzinfo is None):
        raise InvalidCalendar("shifts and absences are aware instants")
    if end is not None and end <= start:
        raise InvalidCalendar("a shift or an absence ends after it starts")


class Urgency(StrEnum):
    """Whether something may wait for an officer's duty."""

    ORDINARY = "ordinary"
    THREAT = "threat"
    """Somebody is in danger."""


def may_ring(officer: Presence, at: datetime, urgency: Urgency, hours: DutyCalendar) -> bool:
    """Whether a message may ring an officer: on duty any, off duty only a threat.

    Whoever has no roster keeps the unit's duty hours (`hours`). Raises OutOfRange.
    """
    if urgency is Urgency.THREAT:
        return True
    if officer.reason_to_skip(at) is not None:
        return False
    return officer.shifts is not None or hours.is_on_duty(at)


def rings_from(officer: Presence, at: datetime, hours: DutyCalendar) -> datetime:
    """The first instant from `at` on at which an ordinary message may ring. Raises NoDutyTime, OutOfRange.

    Where the known roster ends, the unit's hours stand for it after a night's rest; an absence without an end is
    looked at again a day later.
    """
    while not may_ring(officer, at, Urgency.ORDINARY, hours):
        covering = [absence.end for absence in officer.absences if absence.covers(at)]
        if None in covering:
            return hours.next_duty(at + OPEN_ABSENCE)
        if covering:
            at = max(end for end in covering if end is not None)
            continue
        starts = [shift.start for shift in officer.shifts or () if shift.start > at]
        if starts or officer.shifts is None:
            at = min(starts) if starts else hours.next_duty(at)
        else:
            at = hours.next_duty(max(at, max(shift.end for shift in officer.shifts) + REST))
            officer = Presence(None, officer.absences)
    return at
