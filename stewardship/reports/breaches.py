"""The promises that an officer, or an instructor's units, missed of late: what can be contested, and what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.database import atomic
from stewardship.dialogue.contests.models import ContestState
from stewardship.dialogue.contests.rules import contestable_until
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks.rules import Target
from stewardship.foundation.org.models import Role
from stewardship.reports.service import record_reads

LOOKED_BACK = timedelta(days=45)
"""A full answer may be due a week after its question, and be contested a week after that, with holidays in between."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A missed promise, whose it was, until when it may be contested, and the contest where there is one."""

    inquiry_id: UUID
    episode: int
    target: Target
    case_id: UUID
    reference: str | None
    unit_id: UUID
    unit_name: str | None
    owner_id: UUID | None
    owner_name: str | None
    asked_at: datetime
    missed_at: datetime
    contestable_until: datetime
    contestable: bool
    contest_id: UUID | None
    contest_state: ContestState | None


# Missed is what was replied to late, and what was carried out as a breach and waits for its reply still.
_BREACHES = """
select f.inquiry_id, f.episode, t.target, f.case_id, c.reference, t.unit_id, u.name as unit_name, t.owner_id,
  o.name as owner_name, f.opened_at as asked_at, m.due_at as missed_at, x.id as contest_id, x.state as contest_state
from inquiry_fact f
cross join lateral (values
  ('first', coalesce(f.first_unit_id, f.unit_id),
    case when f.first_unit_id is null then f.owner_id else f.first_owner_id end, f.first_in_time),
  ('full', coalesce(f.full_unit_id, f.unit_id),
    case when f.full_unit_id is null then f.owner_id else f.full_owner_id end, f.full_in_time)
) t(target, unit_id, owner_id, in_time)
join clock k on k.subject_kind = 'inquiry' and k.subject_id = f.inquiry_id
join clock_mark m on m.clock_id = k.id and m.episode = f.episode and m.target = t.target and m.mark = 'breach'
left join contest x on x.inquiry_id = f.inquiry_id and x.episode = f.episode and x.target = t.target
left join case_file c on c.id = f.case_id left join unit u on u.id = t.unit_id left join officer o on o.id = t.owner_id
where f.opened_at >= $3 and f.breached and t.in_time is not true and f.state <> 'merged'
  and (t.owner_id = $1 or t.unit_id = any($2::uuid[]))
order by m.due_at desc, f.inquiry_id, t.target limit $4
"""


@atomic()
async def breaches(actor: Actor, limit: int = 100) -> list[Breach]:
    """What the officer, or an instructor's units, missed, the newest first; each case is a recorded read."""
    since = clock.now() - LOOKED_BACK
    rows = await database.fetch(_BREACHES, actor.id, list(actor.units(Role.INSTRUCTOR)), since, limit)
    await record_reads(actor, rows, own="owner")
    return [await _breach(row) for row in rows]


async def _breach(row: asyncpg.Record) -> Breach:
    calendar = await policies.calendar_version(await policies.calendar_for(row["unit_id"]))
    until = contestable_until(calendar, row["missed_at"])
    state = ContestState(row["contest_state"]) if row["contest_state"] else None
    values = dict(row) | {"target": Target(row["target"]), "contest_state": state}
    contestable = state is None and clock.now() <= until
    return Breach(**values, contestable_until=until, contestable=contestable)
