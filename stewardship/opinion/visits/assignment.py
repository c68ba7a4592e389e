"""Who makes a call: gathered from roles, rosters and loads, chosen by `rules.choose`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from kit import clock, database
from stewardship.casework.cases.models import Case
from stewardship.foundation.clocks import policies
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role, ShiftKind
from stewardship.opinion.visits.rules import Candidate, choose

ON_DUTY = (ShiftKind.DUTY, ShiftKind.DEPUTY)
AWAY = (ShiftKind.REST, ShiftKind.LEAVE, ShiftKind.ABSENT, ShiftKind.CALL_OUT)
LONG_AWAY = (ShiftKind.LEAVE, ShiftKind.ABSENT)
"""Who rests tonight can still call tomorrow; who is on leave cannot."""

_HOLDERS = """
select o.id, min(array_position($1::uuid[], g.unit_id)) - 1 as step
from role_grant g join officer o on o.id = g.officer_id and o.active
where g.unit_id = any($1) and g.role = $2 and g.valid_from <= $3 and (g.valid_to is null or g.valid_to > $3)
group by o.id
"""
_STANDING = """
select o.id,
  exists (select from shift s where s.officer_id = o.id and s.starts_at <= $2 and s.ends_at > $2
          and s.kind = any($3::text[])) as on_duty,
  exists (select from shift s where s.officer_id = o.id and s.starts_at <= $2 and s.ends_at > $2
          and s.kind = any($4::text[])) as away,
  (select count(*) from visit v where v.assigned_to_id = o.id and v.state = 'open') as load
from officer o where o.id = any($1::uuid[]) and o.active
"""


async def return_visitor(unit_id: UUID, barred: Collection[UUID], at: datetime) -> UUID | None:
    """Who calls somebody dissatisfied with this unit: a centre officer, nearest first, else a leader; else the pool.

    None where every one of them is barred or away: the visit then waits, visible to the whole centre, until
    `service.assign_pooled` finds somebody.
    """
    line = [unit.id for unit in await org.line_above(unit_id)]
    workday = await is_workday(unit_id, at)
    for role in (Role.CENTRE_OFFICER, Role.INSTRUCTOR):
        chosen = choose(await _holders(line, role, at), barred=barred, workday=workday)
        if chosen is not None:
            return chosen
    return None


async def leader(unit_id: UUID, barred: Collection[UUID], at: datetime) -> UUID | None:
    """The unit's instructor, or the nearest one above."""
    line = [unit.id for unit in await org.line_above(unit_id)]
    return choose(await _holders(line, Role.INSTRUCTOR, at), barred=barred, workday=True)


async def task_owner(case: Case, at: datetime) -> UUID | None:
    """Who makes a call that is part of handling the case: the steward, the deputy, or the leader; never nobody.

    Whoever is on leave is passed over; where all are, it stays with the steward.
    """
    steps = {officer: step for step, officer in enumerate([case.steward_id, case.deputy_id]) if officer is not None}
    own = await _candidates(steps, at, away=LONG_AWAY)
    chosen = choose(own, barred=(), workday=True)
    return chosen or await leader(case.unit_id, (), at) or case.steward_id


async def is_workday(unit_id: UUID, at: datetime) -> bool:
    """Whether the legal date of the instant is a working day."""
    calendar = await policies.calendar_version(await policies.calendar_for(unit_id))
    return calendar.is_workday(clock.local(at).date())


async def next_working_day(unit_id: UUID, at: datetime) -> datetime:
    """One working day on in the unit's duty calendar."""
    calendar = await policies.calendar_version(await policies.calendar_for(unit_id))
    return calendar.add_working_days(at, 1)


async def may_make_calls(officer_id: UUID, unit_id: UUID, at: datetime) -> bool:
    """Whether the officer is a centre officer or leader for this unit."""
    line = [unit.id for unit in await org.line_above(unit_id)]
    found = [await database.fetch(_HOLDERS, line, role.value, at) for role in (Role.CENTRE_OFFICER, Role.INSTRUCTOR)]
    return any(row["id"] == officer_id for rows in found for row in rows)


async def _holders(line: list[UUID], role: Role, at: datetime) -> list[Candidate]:
    rows = await database.fetch(_HOLDERS, line, role.value, at)
    return await _candidates({row["id"]: row["step"] for row in rows}, at, away=AWAY)


async def _candidates(steps: dict[UUID, int], at: datetime, *, away: tuple[ShiftKind, ...]) -> list[Candidate]:
    rows = await database.fetch(
        _STANDING, list(steps), at, [kind.value for kind in ON_DUTY], [kind.value for kind in away]
    )
    return [Candidate(r["id"], steps[r["id"]], r["on_duty"], r["away"], r["load"]) for r in rows]
