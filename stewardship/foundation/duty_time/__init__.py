"""Duty time: when a unit is on duty, how much duty time lies between two instants, and who receives what at one.

Pure: no database, no clock of its own. Instants are aware datetimes; days and minutes are those of Asia/Shanghai.
"""

from stewardship.foundation.duty_time.calendar import SHANGHAI, DutyCalendar, Interval
from stewardship.foundation.duty_time.errors import DutyTimeError, InvalidCalendar, NoDutyTime, NoReceiver, OutOfRange
from stewardship.foundation.duty_time.holidays import DayKind, PublishedHolidays
from stewardship.foundation.duty_time.roster import (
    Absence,
    AbsenceKind,
    Candidate,
    EscalationLevel,
    Presence,
    Receiver,
    Skipped,
    SkipReason,
    Span,
    Urgency,
    choose_receiver,
    may_ring,
    rings_from,
)

__all__ = [
    "SHANGHAI",
    "Absence",
    "AbsenceKind",
    "Candidate",
    "DayKind",
    "DutyCalendar",
    "DutyTimeError",
    "EscalationLevel",
    "Interval",
    "InvalidCalendar",
    "NoDutyTime",
    "NoReceiver",
    "OutOfRange",
    "Presence",
    "PublishedHolidays",
    "Receiver",
    "SkipReason",
    "Skipped",
    "Span",
    "Urgency",
    "choose_receiver",
    "may_ring",
    "rings_from",
]
