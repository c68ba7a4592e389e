"""Writes logs of clocks for the tests: two units, their people, and a Tuesday in March 2026."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from stewardship.foundation.clocks.rules import Binding, Channel, ClockState, Entry, Kind, Policy, replay
from stewardship.foundation.duty_time import SHANGHAI, DutyCalendar, Interval

OFFICE_DAY = (Interval(510, 720), Interval(810, 1080))  # 08:30–12:00, 13:30–18:00
OFFICE, STATION = UUID(int=1), UUID(int=2)
CALENDARS = {
    OFFICE: DutyCalendar(1, (OFFICE_DAY,) * 5 + ((), ())),
    STATION: DutyCalendar(2, ((Interval(0, 1440),),) * 7, every_day=True),
}
PROMISE = UUID(int=11)
POLICIES = {PROMISE: Policy(1)}
STEWARD, DEPUTY, OTHER = UUID(int=21), UUID(int=22), UUID(int=23)
UNIT, OTHER_UNIT = UUID(int=31), UUID(int=32)
BINDING = Binding(STEWARD, UNIT, PROMISE, OFFICE)
_REPLIES = {Kind.RESPONDED, Kind.CLARIFICATION_ASKED, Kind.ANSWERED}
_BY_PERSON = {*_REPLIES, Kind.CLOSED, Kind.PAUSED}
_WITH_REASON = {Kind.CLOSED, Kind.REOPENED, Kind.PAUSED, Kind.OWNER_ABSENT}


def at(text: str) -> datetime:
    """`10:30` on Tuesday 3 March 2026, `4 10:30` on another day of that month, or a full date; Shanghai time."""
    day, _, clock = text.rpartition(" ")
    day = f"2026-03-{int(day or 3):02d}" if "-" not in day else day
    return datetime.fromisoformat(f"{day}T{clock.zfill(5)}").replace(tzinfo=SHANGHAI)


def shown(instant: datetime | None) -> str | None:
    """The inverse: day and time of that month."""
    return None if instant is None else instant.astimezone(SHANGHAI).strftime("%-d %H:%M")


@dataclass
class Log:
    """A clock's log that starts with its binding on the first of the month."""

    policies: dict[UUID, Policy] = field(default_factory=lambda: dict(POLICIES))
    calendars: dict[UUID, DutyCalendar] = field(default_factory=lambda: dict(CALENDARS))
    entries: list[Entry] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.add(Kind.HANDED_OVER, at("1 00:00"), binding=BINDING)

    def add(self, kind: Kind, when: datetime | str, **fields: Any) -> Entry:
        """Append an entry; what its kind needs is filled in with the usual people."""
        if kind in _BY_PERSON:
            fields.setdefault("person", STEWARD)
        if kind in _REPLIES:
            fields.setdefault("channel", Channel.MESSAGE)
        if kind in _WITH_REASON:
            fields.setdefault("reason", "stated")
        number = next(self.numbers)
        moment = at(when) if isinstance(when, str) else when
        entry = Entry(UUID(int=1000 + number), number, moment, kind, **fields)
        self.entries.append(entry)
        return entry

    def state(self) -> ClockState:
        return replay(self.entries, self.policies, self.calendars)


MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
