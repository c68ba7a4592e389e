"""Until when a breach may be contested, by when it is decided, and by whom. Pure.

OURS: no law says so; the periods are the promise that the bureau gives its own officers.
"""

from __future__ import annotations

from datetime import datetime

from stewardship.foundation.duty_time import DutyCalendar

WINDOW_DAYS = 5
"""Working days after the breach within which it may be contested."""
DECISION_DAYS = 3
"""Working days after it was raised within which the level above decides."""
EVIDENCE_LENGTH = 1000
DECISION_LENGTH = 500


def contestable_until(calendar: DutyCalendar, missed_at: datetime) -> datetime:
    """The last instant at which a breach may be contested, on the calendar of the unit that missed it."""
    return calendar.add_working_days(missed_at, WINDOW_DAYS)


def decided_by(calendar: DutyCalendar, raised_at: datetime) -> datetime:
    """By when it is to be decided, on the calendar of the unit that decides."""
    return calendar.add_working_days(raised_at, DECISION_DAYS)
