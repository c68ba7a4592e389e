"""fan-out and memory-worker: 10,000 messages, from the outbox to recorded as sent, by the worker as in production.

Each is a template message to another follower: re-checked, planned, marked, sent, written into the ledger and the event
log. The baseline posts as many, as many at once, to the same receiver and records nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from uuid import UUID

import asyncpg

from bench import data
from bench.results import Result, at_least, bounded
from bench.stage import OTHER_CORE, SERVER_CORE, Stage, await_port, peak_megabytes, pin, process
from delivery.catalogue import starting_templates
from delivery.contexts import UpdatePosted
from delivery.outbox import Outgoing, enqueue_many
from delivery.templates import seed_templates
from kit import clock, crypto, database, valkey
from kit.ids import new_id
from settings import get_settings
from wechat.wire import CONNECTIONS

NAMES = ("fan-out", "memory-worker")
MESSAGES, PEOPLE, ROUNDS = 10_000, 10_000, 5
IN_ONE_TRANSACTION = 500
RECEIVER = 8112


async def run(stage: Stage, names: frozenset[str]) -> list[Result]:
    """Measure both; they are one load."""
    # In a task of its own: migrating leaves a closed ORM in the context of its task.
    url = await asyncio.create_task(data.cases(stage, PEOPLE))
    settings = get_settings()
    crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
    environment = {
        "STEWARD_DATABASE_URL": url,
        "STEWARD_REDIS_URL": stage.endpoints.redis_url,
        "STEWARD_WECHAT_BASE_URL": f"http://127.0.0.1:{RECEIVER}",
    }
    async with database.connected(url):
        await seed_templates(starting_templates(str(settings.public_url)))
        await _empty()
        await _forget_quotas(stage.endpoints.redis_url)
        with process(["bench/bare_receiver.py", str(RECEIVER)]) as receiver:
            pin(receiver.pid, OTHER_CORE)
            await_port(RECEIVER)
            with process(["-m", "cli", "worker"], **environment) as worker:
                ours, bare = await _middle_round()
                peak = peak_megabytes(worker.pid)
    results = [
        at_least("fan-out", MESSAGES / ours, "messages/s", MESSAGES / bare, 0.45),
        bounded("memory-worker", peak, "MB", 200),
    ]
    return [result for result in results if result.name in names]


async def _middle_round() -> tuple[float, float]:
    """Seconds of ours and of the baseline, of the round whose ratio is the median.

    Both are measured in turns, so that a noisy minute of the machine meets them alike; the first turn warms up.
    """
    rounds = []
    for _ in range(ROUNDS + 1):
        bare = _bare()
        rounds.append((await _ours(), bare))
    by_ratio = sorted(rounds[1:], key=lambda both: both[1] / both[0])
    return by_ratio[len(by_ratio) // 2]


def _bare() -> float:
    with subprocess.Popen(
        [sys.executable, "bench/bare_fan_out.py", str(RECEIVER), str(MESSAGES), str(CONNECTIONS)],
        stdout=subprocess.PIPE,
    ) as started:
        pin(started.pid, SERVER_CORE)
        output, _ = started.communicate(timeout=300)
    return float(output)


async def _ours() -> float:
    outgoing = [
        Outgoing(
            context=UpdatePosted(
                unit="测试市公安局测试分局测试派出所",
                reference=f"B{number:014d}",
                check_word="松竹",
                posted_at=clock.now(),
            ),
            recipient_id=_key("01", number + 1),
            member_id=_key("06", number + 1),
            case_id=_key("03", number + 1),
            unit_id=_key("00", 1),
            subject_id=new_id(),
            once_key=f"bench:{number}",
        )
        for number in range(MESSAGES)
    ]
    started = time.perf_counter()
    for start in range(0, MESSAGES, IN_ONE_TRANSACTION):
        async with database.in_transaction():
            await enqueue_many(outgoing[start : start + IN_ONE_TRANSACTION])
    while await database.fetchval("select exists (select from pgqueuer where entrypoint = 'deliver')"):  # noqa: ASYNC110 — see below.
        await asyncio.sleep(0.02)  # The worker is another process: only the database can be asked.
    seconds = time.perf_counter() - started
    sent = await database.fetchval("select count(*) from message where state = 'sent' and platform_id is not null")
    assert sent == MESSAGES, f"{sent} of {MESSAGES} were sent"
    await _empty()
    return seconds


def _key(prefix: str, number: int) -> UUID:
    """As bench.data numbers its rows."""
    return UUID(f"018f00{prefix}-0000-7000-8000-{number:012x}") if prefix != "00" else UUID(int=number)


async def _forget_quotas(redis_url: str) -> None:
    """Two runs on one day would use up the platform's day."""
    client = valkey.connect(redis_url)
    await client.flushdb()
    await client.aclose()


async def _empty() -> None:
    async with database.raw() as connection:
        await _truncate(connection)


async def _truncate(connection: asyncpg.Connection) -> None:
    await connection.execute("truncate message, delivery_attempt, outbox_key, pgqueuer, pgqueuer_log, event")
