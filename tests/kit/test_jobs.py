"""The queue on the real database: nothing lost, no effect twice, nothing endless."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from kit import database, jobs
from kit.database import in_transaction

ROOT = Path(__file__).parents[2]
ran: list[int] = []
failures: dict[str, int] = {}


@jobs.handler("test.here")
async def here(job: jobs.Job) -> None:
    """Runs in the test's own process; raises as often as it was told to."""
    name = job.payload["name"]
    ran.append(job.attempts)
    await database.execute("insert into job_effect (job) values ($1)", len(ran))
    if failures.get(name, 0) > 0:
        failures[name] -= 1
        raise ValueError(f"not yet: {name}")


@jobs.handler("test.gives_up", retries=0)
async def gives_up(job: jobs.Job) -> None:
    raise LookupError("never works")


@pytest.fixture
async def queue(real_db: str) -> AsyncIterator[str]:
    """The database's URL, with two tables in which the handlers leave what they did."""
    ran.clear()
    failures.clear()
    await database.execute("create table job_effect (job bigint not null)")
    await database.execute("create table job_started (job bigint not null)")
    yield real_db
    await database.execute("drop table job_effect, job_started")


@contextlib.asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """A worker in this process."""
    stop = asyncio.Event()
    task = asyncio.create_task(jobs.work(url, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


@contextlib.contextmanager
def worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process."""
    command = [sys.executable, "-m", "tests.kit.job_worker", url]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


async def until(holds: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for something that another process brings about."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < end, f"waited in vain for: {what}"
        await asyncio.sleep(0.05)


async def left() -> int:
    return int(await database.fetchval("select count(*) from pgqueuer where status <> 'failed'"))


async def none_left() -> bool:
    return await left() == 0


async def none_free() -> bool:
    rows = await database.fetch("select 1 from pgqueuer where status <> 'failed' for update skip locked")
    return not rows


async def effects() -> dict[int, int]:
    rows = await database.fetch("select job, count(*) as times from job_effect group by job")
    return {row["job"]: row["times"] for row in rows}


async def test_a_job_goes_with_the_transaction_that_queued_it(queue: str) -> None:
    async def undone() -> None:
        async with in_transaction():
            await jobs.enqueue("test.here", {"name": "never"})
            raise LookupError("something else went wrong")

    with pytest.raises(LookupError):
        await undone()
    assert await left() == 0
    async with in_transaction():
        await jobs.enqueue("test.here", {"name": "kept"})
        other = await asyncpg.connect(queue)
        assert await other.fetchval("select count(*) from pgqueuer") == 0, "not before the commit"
        await other.close()
    assert await left() == 1


async def test_the_same_key_is_queued_once_while_it_waits_and_aborts_nothing(queue: str) -> None:
    async with in_transaction():
        for _ in range(3):
            await jobs.enqueue("test.here", {"name": "one"}, dedupe_key="one")
    assert await left() == 1


async def test_a_job_that_raises_is_run_again_later_and_its_effects_roll_back(queue: str) -> None:
    failures["twice"] = 2
    async with working(queue):
        await jobs.enqueue("test.here", {"name": "twice"})
        await until(none_left, "the third run")
    assert ran == [0, 1, 2]
    assert len(await effects()) == 1, "of three runs one is kept"
    rows = await database.fetch(
        "select extract(epoch from created) as at from pgqueuer_log where status = 'picked' order by id"
    )
    waits = [float(later["at"] - sooner["at"]) for sooner, later in itertools.pairwise(rows)]
    assert waits[0] >= 1
    assert waits[1] >= 2


async def test_a_job_that_never_works_is_held_shown_and_can_be_released(queue: str) -> None:
    await jobs.enqueue("test.gives_up", {})
    async with working(queue):
        await until(jobs.held, "the held job")
        [one] = await jobs.held()
        assert (one.name, one.error) == ("test.gives_up", "LookupError")
        await jobs.release([one.id])
        assert await left() == 1 or await jobs.held()
        await until(jobs.held, "the job held again")


async def test_killed_workers_lose_nothing_and_do_nothing_twice(
    queue: str, record_property: Callable[[str, object], None]
) -> None:
    count, chance = 120, random.Random(4)  # noqa: S311 — which moment, not a secret.
    for name in ("test.effect", "test.outside"):
        await jobs.enqueue_many(name, [{"number": number} for number in range(count)])
    for _ in range(3):
        with worker(queue) as process:
            at_work = await database.fetchval("select count(*) from job_effect")
            await until(lambda seen=at_work: more_than(seen), "work under way")  # type: ignore[misc]  # bound now.
            await asyncio.sleep(chance.random() / 4)
            process.kill()
    with worker(queue) as process:
        await until(none_left, "all jobs done", 60)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
    found = await effects()
    assert set(found) == set(range(count))
    assert set(found.values()) == {2}, "one by each of the two handlers, never more"
    started = await database.fetchval("select count(*) - count(distinct job) from job_started")
    # The outside world may see something begin twice, which is why messages have a ledger.
    record_property("figures", f"{2 * count} jobs done once each over 3 kills; {started} were begun twice")


async def more_than(seen: int) -> bool:
    return int(await database.fetchval("select count(*) from job_effect")) > seen


async def test_a_job_that_kills_its_process_is_held_after_four_runs_and_the_others_go_on(queue: str) -> None:
    await jobs.enqueue("test.poison", {})
    for runs in range(1, jobs.POISON_RUNS + 1):
        with worker(queue) as process:
            assert await asyncio.to_thread(process.wait, 30) == -signal.SIGKILL, f"run {runs}"
    await jobs.enqueue("test.effect", {"number": 1})
    with worker(queue) as process:
        await until(jobs.held, "the held job")
        await until(effects, "the other job")
        assert process.poll() is None
    [one] = await jobs.held()
    assert (one.name, one.error) == ("test.poison", "PoisonJob")
    picked = await database.fetchval(
        "select count(*) from pgqueuer_log where status = 'picked' and job_id = $1", one.id
    )
    assert picked == jobs.POISON_RUNS + 1, "the last pick held it without running it"


async def test_a_paused_worker_that_wakes_up_leaves_its_successors_work_alone(queue: str) -> None:
    await jobs.enqueue_many("test.effect", [{"number": number} for number in range(40)])
    with worker(queue) as paused:
        await until(effects, "work under way")
        paused.send_signal(signal.SIGSTOP)
        with worker(queue):
            # Stopped in the middle of a transaction it still holds its rows; all others go to the successor.
            await until(none_free, "the successor")
        paused.send_signal(signal.SIGCONT)
        await until(none_left, "what the paused one held")
    assert set((await effects()).values()) == {1}


async def test_work_goes_on_after_the_database_was_away(queue: str, endpoints: object) -> None:
    """The database refuses everybody for two seconds and ends all their connections, as a restart does."""
    name = str(await database.fetchval("select current_database()"))
    admin = await asyncpg.connect(queue.replace(f"/{name}", "/postgres"))
    try:
        with worker(queue) as process:
            await jobs.enqueue_many("test.effect", [{"number": number} for number in range(60)])
            await until(effects, "work under way")
            await admin.execute(f'alter database "{name}" with allow_connections false')
            await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
            await asyncio.sleep(2)
            await admin.execute(f'alter database "{name}" with allow_connections true')
            await until(none_left, "the rest of the work", 40)
            assert process.poll() is None
    finally:
        await admin.execute(f'alter database "{name}" with allow_connections true')
        await admin.close()
    assert await jobs.held() == []
    assert set((await effects()).values()) == {1}
    assert len(await effects()) == 60


async def test_a_long_transactional_job_does_not_hold_up_the_heartbeats_of_others(queue: str) -> None:
    """The row is taken off the queue last; were it locked while the handler runs, all heartbeats would wait for it."""
    lock = asyncio.Event()

    @jobs.handler("test.long")
    async def long(job: jobs.Job) -> None:
        lock.set()
        await asyncio.sleep(0.5)

    await jobs.enqueue("test.long", {})
    async with working(queue):
        await asyncio.wait_for(lock.wait(), 10)
        await asyncio.wait_for(database.execute("update pgqueuer set heartbeat = now()"), 0.3)
        await until(none_left, "the long job")


async def test_the_log_is_pruned_of_what_is_older_than_a_week(queue: str) -> None:
    await jobs.enqueue("test.here", {"name": "x"})
    await database.execute("update pgqueuer_log set created = now() - $1::interval", timedelta(days=8))
    await jobs.enqueue("test.here", {"name": "y"})
    assert await jobs.prune_log() == 1
    assert await database.fetchval("select count(*) from pgqueuer_log") == 1


async def test_a_worker_ends_within_seconds_of_sigterm_and_finishes_what_it_does(queue: str) -> None:
    await jobs.enqueue_many("test.effect", [{"number": number} for number in range(30)])
    with worker(queue) as process:
        await until(effects, "work under way")
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
        assert time.monotonic() - before < 5
    assert await database.fetchval("select count(*) from pgqueuer where status = 'picked'") == 0
