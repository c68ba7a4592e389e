"""Keeping a month's figures as they stand on the third of the next.

Frozen figures are the roll-ups' own rows of the month, so they are read and merged like these. What is counted anew
of a frozen month is noted by `restating`.
"""

from __future__ import annotations

from datetime import date

from kit import clock, database
from kit.database import in_transaction
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.reports import keeping
from stewardship.reports.lines import next_month
from stewardship.reports.months.rules import freezes_at
from stewardship.reports.rollup_sql import COLUMNS

_COLUMNS = ", ".join(COLUMNS)
_FREEZE = f"""
insert into figure_frozen ({_COLUMNS}) select {_COLUMNS} from figure_rollup where grain = 'month' and start = $1
"""  # noqa: S608 — constants.
_FREEZE_TALLIES = "insert into tally_frozen select * from figure_tally where grain = 'month' and start = $1 and n <> 0"
# What is overdue belongs to every dimension too; where nothing else was counted there is a row already: it was asked.
_OVERDUE = """
with late as (
  select coalesce(f.full_unit_id, f.unit_id) as unit_id,
    case when f.full_unit_id is null then f.owner_id else f.full_owner_id end as owner_id, f.kind, f.channel, f.hour
  from inquiry_fact f where f.state = 'waiting' and f.full_due_at <= $2 and f.day >= $1 and f.day < $3),
n as (
  select l.above_id, d.dimension, d.value, count(*)::int as n from late join figure_line l on l.unit_id = late.unit_id
  cross join lateral (values ('all', ''), ('kind', late.kind), ('channel', late.channel),
    ('hour', lpad(late.hour::text, 2, '0')), ('steward', coalesce(late.owner_id::text, ''))) d(dimension, value)
  where d.dimension <> 'steward' or l.above_id = l.unit_id group by l.above_id, d.dimension, d.value)
update figure_frozen z set overdue = n.n from n
where z.start = $1 and z.unit_id = n.above_id and z.dimension = n.dimension and z.value = n.value
"""


async def run() -> int:
    """Freeze every month that is over since the third; answers how many were. Late, twice, or by two: the same."""
    await keeping.run()
    frozen = 0
    for month in await _due():
        frozen += await _freeze(month)
    return frozen


async def _due() -> list[date]:
    """Months with figures that should be frozen and are not."""
    row = await database.fetchrow(
        "select (select max(month) from figure_month) as last, least((select min(day) from inquiry_fact),"
        " (select min(day) from tally_fact)) as first"
    )
    if row is None or (row["last"] is None and row["first"] is None):
        return []
    month = next_month(row["last"]) if row["last"] is not None else row["first"].replace(day=1)
    months, now = [], clock.now()
    while freezes_at(month) <= now:
        months.append(month)
        month = next_month(month)
    return months


async def _freeze(month: date) -> bool:
    """All that changed up to now is counted first."""
    async with in_transaction():
        await keeping.lock()
        if await database.fetchval("select 1 from figure_month where month = $1", month):
            return False
        while await keeping.keep_page():
            pass
        now = clock.now()
        await database.execute("set local statement_timeout = 0")
        await database.execute(_FREEZE, month)
        await database.execute(_OVERDUE, month, now, next_month(month))
        await database.execute(_FREEZE_TALLIES, month)
        await database.execute("insert into figure_month (month, frozen_at) values ($1, $2)", month, now)
        bureau = await database.fetchval("select id from unit where parent_id is null order by id limit 1")
        if bureau is not None:
            await audit.record("report.month_frozen", SYSTEM, ("unit", bureau), unit_id=bureau, month=month.isoformat())
        return True
