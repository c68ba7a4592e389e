"""What is free: an officer's duty time less their absences and appointments, and clear of the other side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit import clock, database
from stewardship.casework.appointments.rules import (
    APART,
    HORIZON,
    LEAD,
    free_starts,
    office_spans,
)
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import Side
from stewardship.foundation.clocks import policies
from stewardship.foundation.duty_time import Span
from stewardship.foundation.org.models import Officer, Shift, ShiftKind
from stewardship.foundation.org.rosters import ROSTER_HORIZON

PRESENT = (ShiftKind.DUTY, ShiftKind.DEPUTY)
TAKEN = """
select starts_at, ends_at, false as apart from appointment_slot
where holds and ends_at > $1 and starts_at < $2
  and (officer_id = $3 or person_id = $4 or (unit_id = $5 and room = $6 and room <> ''))
union all
select starts_at, ends_at, true from appointment_slot
where holds and ends_at > $1 - $9::interval and starts_at < $2 + $9::interval
  and case_id = $7 and unit_id = $5 and camp <> $8
"""


def camp_of(member: Member) -> str:
    """Who must not be met: another side; whoever is on none keeps to themselves."""
    return member.side.value if member.side is not Side.NONE else str(member.party_id)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes to whom, where and for how long: what its free times depend on."""

    case: Case
    member: Member
    officer_id: UUID
    minutes: int
    room: str

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)


async def free_times(visit: Visit, *, after: datetime | None = None, lead: timedelta = LEAD) -> list[datetime]:
    """The starts that are free within two weeks, in order; empty for an officer who has left or is of another unit.

    Read under the case's lock it is what may be offered; otherwise it is what may be shown.
    """
    if not await Officer.exists(id=visit.officer_id, unit_id=visit.case.unit_id, active=True):
        return []
    earliest = max(clock.now() + lead, after or clock.now())
    latest = earliest + HORIZON
    there = await officer_time(visit.officer_id, visit.case.unit_id, earliest, latest)
    taken = await _taken(visit, earliest, latest)
    return free_starts(there, taken, visit.length, earliest=earliest, latest=latest)


async def officer_time(officer_id: UUID, unit_id: UUID, start: datetime, end: datetime) -> list[Span]:
    """When an officer is there: their roster, and the unit's duty hours where they keep none, less every absence.

    Whoever has no duty within a week either way of a time keeps no roster then, whatever comes later: a roster that is
    entered for next month says nothing about tomorrow.
    """
    shifts = await Shift.filter(
        officer_id=officer_id, starts_at__lt=end + ROSTER_HORIZON, ends_at__gt=start - ROSTER_HORIZON
    )
    duty = [Span(s.starts_at, s.ends_at) for s in shifts if s.kind in PRESENT]
    away = [Span(s.starts_at, s.ends_at) for s in shifts if s.kind not in PRESENT]
    calendar = await policies.calendar_version(await policies.calendar_for(unit_id))
    hours = office_spans(calendar, clock.local(start).date(), clock.local(end).date())
    return _less([*duty, *(span for span in hours if not _near(span, duty))], away)


def _near(span: Span, duty: Sequence[Span]) -> bool:
    return any(d.start < span.end + ROSTER_HORIZON and span.start - ROSTER_HORIZON < d.end for d in duty)


def _less(spans: Iterable[Span], holes: Sequence[Span]) -> list[Span]:
    """The spans without the holes, in order."""
    left = sorted(spans, key=lambda span: span.start)
    for hole in holes:
        left = [piece for span in left for piece in _without(span, hole)]
    return left


def _without(span: Span, hole: Span) -> list[Span]:
    if hole.end <= span.start or span.end <= hole.start:
        return [span]
    pieces = [(span.start, hole.start), (hole.end, span.end)]
    return [Span(start, end) for start, end in pieces if start < end]


async def _taken(visit: Visit, start: datetime, end: datetime) -> list[Span]:
    rows = await database.fetch(
        TAKEN,
        start,
        end,
        visit.officer_id,
        visit.member.person_id,
        visit.case.unit_id,
        visit.room,
        visit.case.id,
        camp_of(visit.member),
        APART,
    )
    return [
        Span(row["starts_at"] - APART, row["ends_at"] + APART)
        if row["apart"]
        else Span(row["starts_at"], row["ends_at"])
        for row in rows
    ]


async def is_there(officer_id: UUID, unit_id: UUID, start: datetime, end: datetime) -> bool:
    """Whether the officer is active and there for the whole of a time."""
    if not await Officer.exists(id=officer_id, active=True):
        return False
    there = await officer_time(officer_id, unit_id, start, end)
    return any(span.start <= start and end <= span.end for span in _joined(there))


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans that touch, as one: a visit may lie across the change of two shifts of the same officer."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined
