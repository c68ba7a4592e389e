"""Recomputing all figures from the raw rows, and saying what differed: `steward reports rebuild`.

There is nothing to say, or a defect: what is kept as it changes must come to the same as counting everything anew.
Works by pages and months, each a transaction of its own, so that the figures stay readable and go on being kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit import database
from kit.database import in_transaction
from stewardship.reports import keeping, tallies
from stewardship.reports.lines import keep_lines, merge_month, next_month
from stewardship.reports.rollup_sql import COLUMNS, EMPTY
from stewardship.reports.tally_sql import EXPECTED

PAGE = 1000
TABLES = {keeping.INQUIRY: "inquiry", "party": "party", "rating": "rating", "visit": "visit"}
_COLUMNS = ", ".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class Progress:
    """One step done: `what` was looked at, how much of it, and how much differed from what was kept."""

    what: str
    checked: int
    different: int


async def rebuild() -> AsyncIterator[Progress]:
    """Facts first, then the roll-ups from the facts; each is mended as it is found."""
    async with in_transaction():
        await keeping.lock()
        await keep_lines()
    # What waits to be counted, or was turned by time, is not wrong.
    while await keeping.keep_page():
        pass
    for subject in TABLES:
        async for step in _facts(subject):
            yield step
    async for step in rollups():
        yield step
    yield await _tallies()


async def _facts(subject: str) -> AsyncIterator[Progress]:
    after: UUID | None = None
    while True:
        async with in_transaction():
            await keeping.lock()
            rows = await database.fetch(
                f"select id from {TABLES[subject]} where $1::uuid is null or id > $1 order by id limit $2",  # noqa: S608 — constants.
                after,
                PAGE,
            )
            differing = await _keep(subject, {row["id"] for row in rows})
        yield Progress(f"facts of {subject}", len(rows), len(differing))
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


async def _keep(subject: str, ids: set[UUID]) -> list[UUID]:
    """Not yet counted is not wrongly counted: only what differs without a note of a change does."""
    noted = {
        row["subject_id"]
        for row in await database.fetch(
            "select subject_id from figure_change where subject = $1 and subject_id = any($2::uuid[])",
            subject,
            list(ids),
        )
    }
    if subject == keeping.INQUIRY:
        await keeping.keep_inquiries(noted)
        return await keeping.keep_inquiries(ids - noted)
    await tallies.keep(subject, noted)
    return await tallies.keep(subject, ids - noted)


async def rollups() -> AsyncIterator[Progress]:
    """The roll-ups of questions from their facts, a month at a time."""
    rows = await database.fetch("select min(day) as first, max(day) as last from inquiry_fact")
    month, last = rows[0]["first"], rows[0]["last"]
    while month is not None and month <= last:
        month = month.replace(day=1)
        yield await _month(month)
        month = next_month(month)


_KEPT = f"select {_COLUMNS} from figure_rollup where start >= $1 and start < $2 and not ({EMPTY})"  # noqa: S608 — constants.
_EXPECTED = f"select {_COLUMNS} from pg_temp.expected where not ({EMPTY})"  # noqa: S608 — constants.
_DIFFERENT = f"select count(*) from (({_KEPT} except {_EXPECTED}) union all ({_EXPECTED} except {_KEPT})) d"  # noqa: S608 — constants.
_ANY_KEPT = "select exists (select from figure_rollup where start >= $1 and start < $2)"


async def _month(month: date) -> Progress:
    async with in_transaction():
        await keeping.lock()
        await merge_month(month)
        checked = await database.fetchval("select count(*) from pg_temp.expected")
        period = (month, next_month(month))
        different = checked
        if await database.fetchval(_ANY_KEPT, *period):
            different = await database.fetchval(_DIFFERENT, *period)
            if different:
                await database.execute("delete from figure_rollup where start >= $1 and start < $2", *period)
        if different:
            await database.execute(f"insert into figure_rollup ({_COLUMNS}) {_EXPECTED}")
        return Progress(f"roll-ups of {month:%Y-%m}", checked, different)


async def _tallies() -> Progress:
    async with in_transaction():
        await keeping.lock()
        await database.execute("set local statement_timeout = 0")
        kept = "select * from figure_tally where n <> 0"
        different = await database.fetchval(
            f"select count(*) from (({kept} except {EXPECTED}) union all ({EXPECTED} except {kept})) d"  # noqa: S608 — constants.
        )
        checked = await database.fetchval("select count(*) from figure_tally")
        if different:
            await database.execute("delete from figure_tally")
            await database.execute(f"insert into figure_tally {EXPECTED}")
        return Progress("tallies", checked, different)
