"""When a month freezes, and why something of it counts differently since. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from kit import clock
from stewardship.reports.facts import ANSWERED, CLOSED, FROM_RECORD, MERGED, Fact
from stewardship.reports.lines import next_month
from stewardship.reports.months.models import Reason

if TYPE_CHECKING:
    from stewardship.reports.tallies import Tallied

FREEZES_ON = 3
"""Day of the next month, at its beginning in Asia/Shanghai: two days are left to log what the month still lacks."""


def freezes_at(month: date) -> datetime:
    """The instant at which the month's figures are kept as they stand."""
    day = next_month(month).replace(day=FREEZES_ON)
    return datetime.combine(day, time(), clock.LOCAL).astimezone(UTC)


MEASURED = ("first_in_time", "full_in_time", "first_seconds", "full_seconds", "first_adjusted", "full_adjusted")
_PLACED = ("kind", "channel", "unit_id", "owner_id", "first_unit_id", "first_owner_id", "full_unit_id", "full_owner_id")
COUNTED = ("state", "breached", "challenged", "day", "hour", *MEASURED, *_PLACED)
"""What of a question the figures follow from."""


def counts_differently(before: Fact | None, after: Fact) -> bool:
    """Whether any figure follows from what changed."""
    return before is None or any(getattr(before, name) != getattr(after, name) for name in COUNTED)


def reason_of(before: Fact | None, after: Fact, frozen_at: datetime) -> Reason:
    """Why a question counts differently than when its month froze; the first that fits."""
    if before is None:
        return Reason.ENTERED_LATER
    if (after.first_adjusted, after.full_adjusted) > (before.first_adjusted, before.full_adjusted):
        return Reason.CONTEST_ACCEPTED
    found = _of_state(before, after, frozen_at) if after.state != before.state else None
    return found or _of_measures(before, after, frozen_at)


def _of_measures(before: Fact, after: Fact, frozen_at: datetime) -> Reason:
    if _in_time_after_all(before, after, frozen_at):
        return Reason.LATE_CALL
    if any(getattr(after, name) != getattr(before, name) for name in _PLACED):
        return Reason.MOVED
    if before.first_in_time is None and after.first_in_time is not None:
        return Reason.ANSWERED_LATER
    return Reason.CORRECTED


def _of_state(before: Fact, after: Fact, frozen_at: datetime) -> Reason | None:
    if after.state == MERGED:
        return Reason.MERGED
    if after.state == CLOSED:
        return Reason.CLOSED
    if FROM_RECORD in (before.state, after.state):
        return Reason.CHALLENGED
    if after.state == ANSWERED:
        return Reason.LATE_CALL if _in_time_after_all(before, after, frozen_at) else Reason.ANSWERED_LATER
    return None


def _in_time_after_all(before: Fact, after: Fact, frozen_at: datetime) -> bool:
    """A promise that was missed, as far as was known, is found to have been kept."""
    first = before.first_in_time is False and after.first_in_time is True
    overdue = before.full_due_at is not None and before.full_due_at <= frozen_at
    return first or ((before.full_in_time is False or overdue) and after.full_in_time is True)


def reason_of_tally(before: Tallied | None, after: Tallied | None) -> Reason:
    """The same for what is tallied."""
    if before is None:
        return Reason.ENTERED_LATER
    if after is not None and after.state != before.state:
        return Reason.OUTCOME_LATER
    return Reason.CORRECTED
