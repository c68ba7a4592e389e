"""Rosters: who receives something at an instant, going up from the steward until somebody is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from stewardship.foundation.duty_time.errors import InvalidCalendar, NoReceiver


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
