"""What there is to split, and over whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import clock, database
from stewardship.foundation.duty_time import EscalationLevel
from stewardship.foundation.org import rosters
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role
from stewardship.handover.rules import Colleague, Work, split

_WORKS = """
select c.id, c.deputy_id, c.silent_from, count(i.id) as waiting,
       min(coalesce(case when k.first_at is null then k.first_due_at end, k.full_due_at)) as due_at
from case_file c left join inquiry i on i.case_id = c.id and i.state = 'waiting'
left join clock k on k.subject_kind = 'inquiry' and k.subject_id = i.id
where c.steward_id = $1 and c.closed_at is null and c.unit_id = $2
group by c.id order by c.registered_at, c.id
"""
_COLLEAGUES = """
select o.id, o.name,
  (select count(*) from case_file c where c.steward_id = o.id and c.closed_at is null) as cases,
  (select count(*) from inquiry i where i.owner_id = o.id and i.state = 'waiting') as waiting,
  coalesce((select sum(extract(epoch from least(s.ends_at, $4) - greatest(s.starts_at, $3))) from shift s
    where s.officer_id = o.id and s.kind in ('leave', 'absent') and s.starts_at < $4 and s.ends_at > $3), 0) as away
from officer o
where o.unit_id = $1 and o.active and o.id <> $2 and exists (
  select from role_grant g where g.officer_id = o.id and g.role = $5 and g.unit_id = $1 and g.valid_from <= $6
    and (g.valid_to is null or g.valid_to > $6))
order by o.number
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A colleague with their load; `away`: on leave themselves for more than half of the time."""

    officer_id: UUID
    name: str
    open_cases: int
    waiting: int
    away: bool

    @property
    def colleague(self) -> Colleague:
        return Colleague(self.officer_id, self.open_cases, self.waiting)


async def works_of(officer_id: UUID, unit_id: UUID) -> list[Work]:
    """The open cases of an officer, oldest first."""
    rows = await database.fetch(_WORKS, officer_id, unit_id)
    return [
        Work(
            row["id"],
            row["waiting"],
            min((at for at in (row["due_at"], row["silent_from"]) if at is not None), default=None),
            row["deputy_id"],
        )
        for row in rows
    ]


async def candidates(unit_id: UUID, officer_id: UUID, start: datetime, end: datetime) -> list[Candidate]:
    """The stewards of the unit but for the one who goes, by number."""
    rows = await database.fetch(_COLLEAGUES, unit_id, officer_id, start, end, Role.STEWARD.value, clock.now())
    half = (end - start).total_seconds() / 2
    return [Candidate(r["id"], r["name"], r["cases"], r["waiting"], float(r["away"]) > half) for r in rows]


async def proposal(
    works: Sequence[Work], unit_id: UUID, officer_id: UUID, start: datetime, end: datetime
) -> dict[UUID, UUID]:
    """Who is to take which of these cases."""
    there = [each.colleague for each in await candidates(unit_id, officer_id, start, end) if not each.away]
    return split(works, there, end)


async def keeper(unit_id: UUID, but: UUID, at: datetime) -> UUID | None:
    """Who owns what nobody has accepted: the unit's instructor, or the nearest above who is there; None without any.

    Where all of them are away, the nearest has it all the same: ownership is never empty.
    """
    line = [
        officer.id
        for unit in await org.line_above(unit_id)
        for officer in await org.officers_with(Role.INSTRUCTOR, unit.id)
        if officer.id != but
    ]
    if not line:
        return None
    found = await rosters.receiver(unit_id, None, None, at, from_level=EscalationLevel.INSTRUCTOR)
    return found.candidate.id if found.candidate.id in line else line[0]


async def can_take(officer_id: UUID, unit_id: UUID) -> bool:
    """Whether somebody is an active officer of the unit."""
    return await Officer.exists(id=officer_id, unit_id=unit_id, active=True)
