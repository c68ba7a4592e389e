"""A city at scale: millions of inquiries over three years, loaded by COPY, counted by the product's own statements.

PostgreSQL answers the rows of `city_rows`, which are piped back into it in binary. The contributions of inquiries are
generated beside them, and a sample is held against what the product computes from the rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import asyncpg

from bench.city_rows import FUNCTIONS, GIVEN, LARGE, OPEN_SHARE, SMALL
from bench.data import MAX_GIGABYTES, NoRoom
from bench.stage import Stage, orm
from kit import clock, crypto, database
from settings import get_settings
from stewardship.dialogue.inquiries.models import TEXT
from stewardship.foundation.clocks.models import PromisePolicy
from stewardship.foundation.clocks.policies import ROUND_THE_CLOCK, STANDARD
from stewardship.foundation.clocks.rules import Allowance, AllowanceUnit, Policy
from stewardship.foundation.duty_time import DutyCalendar
from stewardship.foundation.org.models import DutyCalendarVersion
from stewardship.foundation.people.models import NAME
from stewardship.reports import keeping, rebuilding
from stewardship.reports.lines import keep_lines
from stewardship.reports.rows import TALLIED
from stewardship.reports.tally_sql import GROUPED, MERGE_ALL

CASES_PER_INQUIRY = 0.1
RECENT_SHARE = 30 / 1096
PROMISE = Policy(1, Allowance(30, AllowanceUnit.DUTY_MINUTES), Allowance(24 * 60, AllowanceUnit.DUTY_MINUTES))
AT_ONCE = 2
"""Tables that are loaded at the same time: one for each core."""
SAMPLE = 2_000
LEFT_WAITING = 64
"""Pieces of a table that may lie between reading and writing."""
READY = "bench_ready"


async def city(stage: Stage, count: int) -> str:
    """The URL of a database with so many inquiries, generated once and kept. Its clock shows when it was generated."""
    kind = f"city_{count}"
    url, created = await stage.database(kind)
    if not created and not await _ready(url):
        # Half of a city, left by a run that was interrupted.
        await stage.drop(url.partition("?")[0].rpartition("/")[2])
        url, created = await stage.database(kind)
    connection = await asyncpg.connect(url)
    try:
        if created:
            await _generate(stage, url, connection, count)
        await _set_clock(connection)
    finally:
        await connection.close()
    return url


async def _ready(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval("select to_regclass($1) is not null", READY))
    finally:
        await connection.close()


async def _set_clock(connection: asyncpg.Connection) -> None:
    """What waited half an hour when the city was generated waits half an hour still."""
    at = await connection.fetchval(f"select at from {READY}")
    seconds = (at - clock.real_now()).total_seconds()
    await connection.execute(
        "insert into clock_offset (id, seconds) values (1, $1) on conflict (id) do update set seconds = $1", seconds
    )


async def _generate(stage: Stage, url: str, connection: asyncpg.Connection, count: int) -> None:
    if count >= 1_000_000 and shutil.disk_usage(stage.home).free < MAX_GIGABYTES * 2**30:
        raise NoRoom(f"{MAX_GIGABYTES} GB free are needed under {stage.home}")
    started = time.monotonic()
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    policy, calendar = await _promises(url)
    values = (count, at, policy, calendar)
    references = await _drop_references(connection)
    for table in SMALL:
        await _load(url, table, SMALL[table], values)
    indexes = await _drop_indexes(connection, LARGE)
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_load_one(gate, url, table, sql, values) for table, sql in LARGE.items()))
    await asyncio.gather(*(_run_one(gate, url, sql) for sql in indexes))
    for sql in references:
        await connection.execute(sql)
    _say(count, "counting", started)
    await _analyze(url)
    await _count(url)
    await connection.execute(f"create table {READY} (at timestamptz not null)")
    await connection.execute(f"insert into {READY} values ($1)", at)
    # What loading left to be written must not be written while something is measured.
    await connection.execute("checkpoint", timeout=600)
    size = await connection.fetchval("select pg_database_size(current_database())")
    _say(count, f"{size / 2**30:.1f} GB", started)


def _say(count: int, what: str, started: float) -> None:
    print(f"  {count:,} inquiries: {what} after {time.monotonic() - started:.0f} s", flush=True)


async def _promises(url: str) -> tuple[object, object]:
    """A promise in hours of a desk that is always manned, so that real time is duty time."""
    weekly, every_day = STANDARD[ROUND_THE_CLOCK]
    calendar = DutyCalendar(version=1, weekly=weekly, every_day=every_day)
    async with orm(url):
        policy = await PromisePolicy.create(subject="inquiry", version=1, definition=PROMISE.to_json())
        version = await DutyCalendarVersion.create(code=ROUND_THE_CLOCK, version=1, definition=calendar.to_json())
    return policy.id, version.id


# --- loading ----------------------------------------------------------------------------------------------------------


async def _load_one(
    gate: asyncio.Semaphore, url: str, table: str, sql: str, values: tuple[int, datetime, object, object]
) -> None:
    async with gate:
        started = time.monotonic()
        await _load(url, table, sql, values)
        print(f"    {table}: {time.monotonic() - started:.0f} s", flush=True)


async def _load(url: str, table: str, sql: str, values: tuple[int, datetime, object, object]) -> None:
    """From the query into the empty table, both in binary, frozen at once: nothing has to be vacuumed after."""
    async with _loader(url) as source, _loader(url) as target:
        await _give(source, *values)
        columns = [a.name for a in (await source.prepare(sql)).get_attributes()]
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue(LEFT_WAITING)
        async with target.transaction():
            plain = table != "event"
            if plain:
                await target.execute(f'truncate "{table}"')
            reading = asyncio.ensure_future(_read(source, sql, pieces))
            await target.copy_to_table(
                table, source=_each(pieces), columns=columns, format="binary", freeze=plain, timeout=900
            )
            await reading


async def _read(source: asyncpg.Connection, sql: str, pieces: asyncio.Queue[bytes | None]) -> None:
    try:
        await source.copy_from_query(sql, output=pieces.put, format="binary", timeout=900)
    finally:
        await pieces.put(None)


async def _each(pieces: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (piece := await pieces.get()) is not None:
        yield piece


@contextlib.asynccontextmanager
async def _loader(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose server process may use every core; rows refer to each other by construction."""
    connection = await asyncpg.connect(url, server_settings={"session_replication_role": "replica"})
    try:
        with contextlib.suppress(PermissionError):
            os.sched_setaffinity(connection.get_server_pid(), range(os.cpu_count() or 1))
        await connection.execute("set maintenance_work_mem = '512MB'; set work_mem = '256MB'; set jit = off")
        yield connection
    finally:
        await connection.close()


async def _give(connection: asyncpg.Connection, count: int, at: datetime, policy: object, calendar: object) -> None:
    settings = get_settings()
    vault = crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
    midnight = clock.local(at).replace(hour=0, minute=0, second=0, microsecond=0)
    await connection.execute(FUNCTIONS)
    await connection.execute(GIVEN)
    await connection.execute(
        "insert into given values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        count,
        max(int(count * CASES_PER_INQUIRY), 1),
        at,
        midnight,
        vault.ring.seal_text("请问我的案子现在办到哪一步了？", TEXT),
        vault.ring.seal_text("测试人", NAME),
        policy,
        calendar,
        count - int(count * OPEN_SHARE) + 1,
        count - int(count * RECENT_SHARE) + 1,
    )


async def _drop_indexes(connection: asyncpg.Connection, tables: Iterable[str]) -> list[str]:
    """Answers the statements that make them again. Keys stay: their values come in order."""
    rows = await connection.fetch(
        "select i.indexname, i.indexdef from pg_indexes i where i.tablename = any($1) and i.schemaname = 'public'"
        " and i.tablename <> 'event' and not exists (select from pg_constraint c where c.conname = i.indexname)",
        list(tables),
    )
    for row in rows:
        await connection.execute(f'drop index "{row["indexname"]}"')
    return [row["indexdef"] for row in rows]


async def _drop_references(connection: asyncpg.Connection) -> list[str]:
    """A table that others refer to cannot be loaded frozen. Answers the statements that make them again, unchecked."""
    rows = await connection.fetch(
        "select conrelid::regclass::text as on_table, quote_ident(conname) as name, pg_get_constraintdef(oid) as rule"
        " from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace"
    )
    for row in rows:
        await connection.execute(f"alter table {row['on_table']} drop constraint {row['name']}")
    return [f"alter table {r['on_table']} add constraint {r['name']} {r['rule']} not valid" for r in rows]


async def _run_one(gate: asyncio.Semaphore, url: str, sql: str) -> None:
    async with gate, _loader(url) as connection:
        await connection.execute(sql, timeout=900)


async def _analyze(url: str) -> None:
    async with _loader(url) as connection:
        await connection.execute("analyze", timeout=900)


# --- counting ---------------------------------------------------------------------------------------------------------


async def _count(url: str) -> None:
    """Tallies and roll-ups by the statements that the product rebuilds them with; a sample of the facts is checked."""
    # Before there are tallies: a unit that goes elsewhere would have them merged anew.
    async with orm(url), database.in_transaction():
        await keep_lines()
    async with _loader(url) as connection:
        for figure, tallied in TALLIED.items():
            await connection.execute(
                "insert into tally_fact (id, figure, unit_id, day, state, score, detail, counted, good, turns_at)"
                f" select r.id, '{figure.value}', r.unit_id, (r.at at time zone 'Asia/Shanghai')::date, r.state,"
                " coalesce(r.score, 0), r.detail, r.counted, coalesce(r.good, false), r.turns_at"
                f" from ({_everything(tallied.by_unit)}) r",
                timeout=900,
            )
    async with orm(url):
        async with database.in_transaction():
            await database.execute("set local statement_timeout = 0")
            await database.execute(f"{MERGE_ALL} {GROUPED}")
        async for _ in rebuilding.rollups():
            pass
        await _check_sample()
    await _analyze(url)


def _everything(by_unit: str) -> str:
    """The rows of every unit and time, as of now."""
    sql = by_unit.replace("any($1)", "any(array(select id from unit))")
    return sql.replace("$2", "'-infinity'").replace("$3", "'infinity'").replace("$4", "now()")


async def _check_sample() -> None:
    rows = await database.fetch(
        "(select id from inquiry order by id desc limit $1) union all (select id from inquiry order by id limit $1)",
        SAMPLE // 2,
    )
    ids = {row["id"] for row in rows}
    differing = await keeping.keep_inquiries(ids)
    unknown = await database.fetchval(
        "select count(*) from inquiry_fact where id = any($1) and channel = 'unknown'", list(ids)
    )
    if differing or unknown:
        raise AssertionError(f"{len(differing)} of {len(ids)} generated contributions are not what the rows say")
