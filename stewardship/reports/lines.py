"""Which units a unit's figures are merged into: itself and everything above, as the roll-ups have it.

The organisation may change; the roll-ups follow, by the keeper, under its lock.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from kit import database
from stewardship.reports.rollup_sql import COLUMNS, MONTH_DAYS, MONTH_FACTS, MONTH_OWN, MONTH_SUMS, MONTH_TABLES
from stewardship.reports.tally_sql import GROUPED, MERGE_ALL

_NOW = """
with recursive line as (
  select id as unit_id, id as above_id, parent_id from unit
  union
  select l.unit_id, u.id, u.parent_id from line l join unit u on u.id = l.parent_id
) select unit_id, above_id from line
"""
_DIFFERENCE = f"""
with now_ as ({_NOW})
select coalesce(n.unit_id, l.unit_id) as unit_id, coalesce(n.above_id, l.above_id) as above_id,
  l.unit_id is null as is_new
from now_ n full join figure_line l on l.unit_id = n.unit_id and l.above_id = n.above_id
where n.unit_id is null or l.unit_id is null
"""  # noqa: S608 — a constant.
_MONTHS = "select distinct start from figure_rollup where grain = 'month' order by start"


async def keep_lines() -> None:
    """Follow the organisation; where a unit with figures went elsewhere, merge anew for the units above it."""
    differing = await database.fetch(_DIFFERENCE)
    if not differing:
        return
    with_others = await _with_others_below()
    for row in differing:
        change = (
            "insert into figure_line (unit_id, above_id) values ($1, $2)"
            if row["is_new"]
            else "delete from figure_line where unit_id = $1 and above_id = $2"
        )
        await database.execute(change, row["unit_id"], row["above_id"])
    moved = await database.fetch(
        "select distinct d.above_id from unnest($1::uuid[], $2::uuid[]) as d(unit_id, above_id)"
        " where exists (select from figure_rollup r where r.unit_id = d.unit_id)"
        " or exists (select from figure_tally t where t.unit_id = d.unit_id)",
        [row["unit_id"] for row in differing],
        [row["above_id"] for row in differing],
    )
    # What is kept by day differs where no other unit is below.
    units = {row["above_id"] for row in moved} | (with_others ^ await _with_others_below())
    if units:
        await merge_anew(list(units))


async def _with_others_below() -> set[UUID]:
    rows = await database.fetch("select distinct above_id from figure_line where unit_id <> above_id")
    return {row["above_id"] for row in rows}


async def merge_anew(units: list[UUID]) -> None:
    """Count the roll-ups of these units again, month by month, from the facts of everything under them."""
    await database.execute("delete from figure_tally where unit_id = any($1::uuid[])", units)
    await database.execute(f"{MERGE_ALL} where l.above_id = any($1::uuid[]) {GROUPED}", units)
    months = [row["start"] for row in await database.fetch(_MONTHS)]
    await database.execute("delete from figure_rollup where unit_id = any($1::uuid[])", units)
    columns = ", ".join(COLUMNS)
    for month in months:
        await merge_month(month)
        await database.execute(
            f"insert into figure_rollup ({columns}) select {columns} from pg_temp.expected"  # noqa: S608 — constants.
            " where unit_id = any($1::uuid[])",
            units,
        )


async def merge_month(month: date) -> None:
    """Roll-ups of a month from the facts of everything, in the temporary table `expected` of this transaction."""
    await database.execute("set local work_mem = '256MB'")
    await database.execute("set local statement_timeout = 0")
    for table in MONTH_TABLES:
        await database.execute(table)
    period = (month, next_month(month))
    hours_above, fine = MONTH_FACTS
    await database.execute(MONTH_OWN, *period)
    for step in MONTH_DAYS:
        await database.execute(step)
    await database.execute(hours_above, *period)
    await database.execute(MONTH_SUMS)
    await database.execute(fine, *period)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
