"""Keeping the figures: what changed is read again, and only the difference is added to the roll-ups.

A trigger notes each change in its own transaction (`figure_change`). One keeper at a time takes notes, computes anew
what those things contribute, takes the old contribution away and adds the new one, all in one transaction: killed, run
twice, or run late, it comes to the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg

from kit import database
from kit.database import in_transaction
from stewardship.dialogue.contests import service as contests
from stewardship.dialogue.inquiries.models import InquiryState
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock
from stewardship.reports import tallies
from stewardship.reports.facts import COLUMNS, UNKNOWN, Asked, Fact, adjusted, fact_of, from_columns, from_log
from stewardship.reports.lines import keep_lines
from stewardship.reports.months import restating
from stewardship.reports.rollup_sql import ADD, TAKE_AWAY

PAGE = 500
PAGES_A_RUN = 20
INQUIRY = "inquiry"

_TAKE = """
delete from figure_change where id = any(array(select id from figure_change order by id limit $1))
returning subject, subject_id
"""


async def run() -> int:
    """Count what changed, and what time alone has turned; answers how many things were looked at."""
    done = 0
    for _ in range(PAGES_A_RUN):
        page = await keep_page()
        done += page
        if page < PAGE:
            break
    return done


async def keep_page(limit: int = PAGE) -> int:
    """One transaction of that; 0 where there is nothing to do or another keeper is at it."""
    async with in_transaction():
        if not await try_lock():
            return 0
        await keep_lines()
        taken = await database.fetch(_TAKE, limit)
        subjects: dict[str, set[UUID]] = defaultdict(set)
        for row in taken:
            subjects[row["subject"]].add(row["subject_id"])
        await keep_inquiries(subjects.pop(INQUIRY, set()))
        turned = await tallies.turned(limit)
        for subject in set(subjects) | set(turned):
            await tallies.keep(subject, subjects.get(subject, set()) | turned.get(subject, set()))
        return max(len(taken), sum(map(len, turned.values())))


async def try_lock() -> bool:
    """Be the keeper for this transaction, unless somebody is."""
    return bool(await database.fetchval("select pg_try_advisory_xact_lock(hashtextextended('figures:keep', 0))"))


async def lock() -> None:
    """The same, waiting for one's turn."""
    await database.advisory_lock("figures", "keep")


async def keep_inquiries(ids: set[UUID]) -> list[UUID]:
    """Bring these inquiries' facts and roll-ups up to date; answers the facts that differed. The caller is the keeper.

    What was deleted after its time stays counted.
    """
    fresh = adjusted(await facts(ids), await contests.accepted_of(ids))
    known = await stored([fact.id for fact in fresh])
    changed = [fact for fact in (_kept(fact, known.get(fact.id)) for fact in fresh) if fact != known.get(fact.id)]
    if changed:
        changed_ids = [fact.id for fact in changed]
        await database.execute(TAKE_AWAY, changed_ids)
        await _write(changed)
        await database.execute(ADD, changed_ids)
        await restating.restate_questions(changed, known)
    return [fact.id for fact in changed]


def _kept(fact: Fact, known: Fact | None) -> Fact:
    """What no row tells any more stays as it was counted."""
    if known is None or fact.channel != UNKNOWN:
        return fact
    return replace(fact, channel=known.channel)


_RAW = """
select i.id, i.case_id, i.opened_at, coalesce(c.kind, 'unknown') as case_kind, i.kind, i.state, i.unit_id, i.owner_id,
  coalesce(e.channel, 'unknown') as channel, k.id as clock_id, k.unit_id as clock_unit_id, k.owner_id as clock_owner_id,
  k.episode, k.started_at, k.first_due_at, k.full_due_at, k.first_at, k.full_at, k.first_duty_seconds,
  k.full_duty_seconds, k.breached, coalesce(l.bindings, 0) as bindings, coalesce(l.recorded, false) as recorded
from inquiry i join case_file c on c.id = i.case_id
left join clock k on k.subject_kind = 'inquiry' and k.subject_id = i.id
left join lateral (select channel from inquiry_entry where inquiry_id = i.id and kind = 'asked'
  order by at, id limit 1) e on true
left join lateral (select count(*) filter (where kind = 'handed_over') as bindings,
  bool_or(kind = 'answered_from_record') as recorded from clock_entry where clock_id = k.id) l on true
where i.id = any($1::uuid[]) order by i.id
"""


async def facts(ids: set[UUID]) -> list[Fact]:
    """What these inquiries contribute, from their rows as they are now."""
    if not ids:
        return []
    return [fact for row in await database.fetch(_RAW, list(ids)) for fact in await _facts_of(row)]


async def _facts_of(row: asyncpg.Record) -> list[Fact]:
    asked = Asked(
        row["id"],
        row["case_id"],
        row["opened_at"],
        row["case_kind"],
        row["channel"],
        row["kind"],
        InquiryState(row["state"]),
        row["unit_id"],
        row["owner_id"],
    )
    challenged = row["recorded"] and asked.state is not InquiryState.ANSWERED_FROM_RECORD
    if row["bindings"] and (row["bindings"] > 1 or row["episode"] > 1 or row["breached"]):
        state = await clocks.state_of(await Clock.get(id=row["clock_id"]))
        outcomes = from_log(asked, state, breached=row["breached"], challenged=challenged)
    else:
        outcomes = [from_columns(asked, _columns(row), challenged=challenged)]
    return [fact_of(asked, outcome) for outcome in outcomes]


def _columns(row: asyncpg.Record) -> dict[str, Any] | None:
    if row["clock_id"] is None:
        return None
    return dict(row) | {"unit_id": row["clock_unit_id"], "owner_id": row["clock_owner_id"]}


async def stored(ids: Sequence[UUID]) -> dict[UUID, Fact]:
    """Facts as they were last counted."""
    rows = await database.fetch(
        f"select {', '.join(COLUMNS)} from inquiry_fact where id = any($1::uuid[])",  # noqa: S608 — constants.
        ids,
    )
    return {row["id"]: Fact(**row) for row in rows}


_WRITE = (
    f"insert into inquiry_fact ({', '.join(COLUMNS)})"  # noqa: S608 — constants.
    f" values ({', '.join(f'${index}' for index in range(1, len(COLUMNS) + 1))}) on conflict (id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
)


async def _write(changed: Sequence[Fact]) -> None:
    async with database.raw() as connection:
        await connection.executemany(_WRITE, [fact.values() for fact in changed])
