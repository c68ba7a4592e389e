"""Who is to make a call, when people may be called, and when a visit has come to its end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit import clock
from stewardship.opinion.visits.models import CallOutcome, VisitPurpose

RETURN_VISIT_WITHIN = timedelta(hours=24)
"""Real hours, weekends included: the centre keeps a roster for them."""
HOURS_FROM, HOURS_TO = 9 * 60, 20 * 60
"""Minutes of the day, Asia/Shanghai, within which anybody without a protection plan may be telephoned."""
ATTEMPTS = 3
APART = timedelta(hours=2)
"""Ringing again within two hours is no further attempt: a visit cannot be ended by three calls in five minutes."""
LONGEST_CALL = 4 * 3600
NOTE_LENGTH = 1000

_UNREACHED = frozenset({CallOutcome.NOT_REACHED, CallOutcome.NOT_THE_PERSON})
_JUDGED = frozenset({CallOutcome.SATISFIED, CallOutcome.BASICALLY_SATISFIED, CallOutcome.DISSATISFIED})


def possible(purpose: VisitPurpose, outcome: CallOutcome) -> bool:
    """Whether a call for this purpose can end so: only a return visit asks how satisfied somebody is."""
    if purpose is VisitPurpose.DISSATISFIED:
        return outcome is not CallOutcome.INFORMED
    return outcome not in _JUDGED


def needs_finding(purpose: VisitPurpose, outcome: CallOutcome | None) -> bool:
    """Whether the visit is only over when it is said what the dissatisfaction came to."""
    still = (CallOutcome.DISSATISFIED, CallOutcome.BASICALLY_SATISFIED)
    return purpose is VisitPurpose.DISSATISFIED and outcome in still


class Step(StrEnum):
    """What follows from a call."""

    DONE = "done"
    FINDING = "finding"
    """The person was heard; what it came to is still to be said."""
    GOES_ON = "goes_on"
    HAND_UP = "hand_up"
    """A protected person could not be told: the unit's leader has to find another way."""


def attempts(missed_at: Sequence[datetime]) -> int:
    """How many calls that reached nobody count: those at least two hours after the last one that counted."""
    count, last = 0, None
    for at in sorted(missed_at):
        if last is None or at - last >= APART:
            count, last = count + 1, at
    return count


def step_after(purpose: VisitPurpose, outcome: CallOutcome, missed_at: Sequence[datetime]) -> Step:
    """What follows from a call that ended so; `missed_at` are the calls that reached nobody, this one included."""
    if outcome in _UNREACHED and attempts(missed_at) < ATTEMPTS:
        return Step.GOES_ON
    if purpose is VisitPurpose.SAFE_NOTICE and outcome is not CallOutcome.INFORMED:
        return Step.HAND_UP
    return Step.FINDING if needs_finding(purpose, outcome) else Step.DONE


def unreached(outcome: CallOutcome) -> bool:
    """Whether the call reached nobody who could speak for themselves."""
    return outcome in _UNREACHED


def may_call(at: datetime, hours: tuple[int, int] = (HOURS_FROM, HOURS_TO)) -> bool:
    """Whether somebody may be telephoned at this instant; `hours` are minutes of the local day, `[from, to)`."""
    local = clock.local(at)
    return hours[0] <= local.hour * 60 + local.minute < hours[1]


# --- who calls --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """An officer who could make the call."""

    officer_id: UUID
    step: int
    """How far up the line from the unit they stand; 0 is nearest."""
    on_duty: bool
    """The roster says that they are there."""
    away: bool
    """The roster says that they are not."""
    load: int
    """Calls that they owe already."""


def choose(candidates: Collection[Candidate], *, barred: Collection[UUID], workday: bool) -> UUID | None:
    """Who makes the call: never somebody barred or away, rather somebody who is there, the nearest, the least loaded.

    Who has no entry in the roster is taken to be there on a working day; on other days those on duty go first, even
    from further up. None where nobody is left.
    """
    left = [c for c in candidates if not c.away and c.officer_id not in barred]
    if not left:
        return None

    def order(c: Candidate) -> tuple[bool, int, bool, int, UUID]:
        return (not (c.on_duty or workday), c.step, not c.on_duty, c.load, c.officer_id)

    return min(left, key=order).officer_id
