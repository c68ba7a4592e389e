"""Queued work on PgQueuer: enqueued in the caller's transaction, run by any worker, never lost, never endless.

A handler is registered by name and takes a `Job`. A *transactional* handler runs inside one transaction that also
takes the job off the queue, so its database effects happen exactly once even when a worker is killed or a paused one
wakes up late. A handler that talks to the outside manages its own transactions and calls `Job.acknowledge` last in the
one that records the outcome: from then on the row is locked, and the worker's heartbeats wait for it.

A handler that raises is run again, later and later; after its last retry, and where its runs keep ending their process,
the job is held for a person: `held` lists it, `release` runs it again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pgqueuer
import structlog
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Context
from pgqueuer.models import Job as QueueJob
from pgqueuer.queries import Queries
from pgqueuer.types import JobId

from kit import database

log = structlog.get_logger(__name__)

BATCH = 25
CONCURRENCY = 50
"""At least twice the batch, or a batch waits for the last job of the one before."""
HEARTBEAT = timedelta(seconds=10)
DEQUEUE = timedelta(seconds=2)
RETRIES = 12
"""The waits double from a second to ten minutes, so that the last retry comes after about forty minutes."""
LONGEST_WAIT = timedelta(minutes=10)
POISON_RUNS = 4
LOG_KEPT = timedelta(days=7)
UNREACHABLE = (OSError, asyncpg.InterfaceError, asyncpg.PostgresError)


class LostJob(RuntimeError):
    """The job was taken off the queue by another worker while this one ran it; this one's effects roll back."""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One piece of queued work. `payload` holds ids; the handler reads the rows again."""

    id: int
    name: str
    payload: dict[str, Any]
    attempts: int

    async def acknowledge(self) -> None:
        """Take the job off the queue, in the current transaction. Raises LostJob if someone else did."""
        if await database.fetchval("delete from pgqueuer where id = $1 returning 1", self.id) is None:
            raise LostJob(f"job {self.id} ({self.name}) was run by another worker")


Handler = Callable[[Job], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Registered:
    """A handler and how it is to be run."""

    handler: Handler
    transactional: bool
    retries: int


_handlers: dict[str, Registered] = {}


def handler(name: str, *, transactional: bool = True, retries: int = RETRIES) -> Callable[[Handler], Handler]:
    """Register the function that runs jobs of this name. A name is registered once.

    `retries`: how often it is run again after it raised, before the job is held.
    """

    def register(function: Handler) -> Handler:
        if name in _handlers and _handlers[name].handler is not function:
            raise ValueError(f"the job {name} has a handler already")
        _handlers[name] = Registered(function, transactional, retries)
        return function

    return register


def names() -> frozenset[str]:
    """The jobs that this process has a handler for."""
    return frozenset(_handlers)


async def enqueue(
    name: str,
    payload: dict[str, Any],
    *,
    after: timedelta | None = None,
    dedupe_key: str | None = None,
    priority: int = 0,
) -> None:
    """Queue one job on the caller's transaction; it runs after the commit, `after` from now in real time."""
    await enqueue_many(name, [payload], after=after, dedupe_keys=[dedupe_key], priority=priority)


async def enqueue_many(
    name: str,
    payloads: Sequence[dict[str, Any]],
    *,
    after: timedelta | None = None,
    dedupe_keys: Sequence[str | None] | None = None,
    priority: int = 0,
) -> None:
    """Queue several of one name at once. A dedupe key that is queued or running already skips its job."""
    if not payloads:
        return
    count = len(payloads)
    async with database.raw() as connection:
        await Queries(AsyncpgDriver(connection)).enqueue(
            [name] * count,
            [orjson.dumps(payload, default=str) for payload in payloads],
            [priority] * count,
            [after] * count,
            [None if key is None else f"{name}:{key}" for key in dedupe_keys or [None] * count],
            on_conflict="skip",
        )


async def run_now(name: str, payload: dict[str, Any], *, job_id: int = 0) -> None:
    """Run a handler in this process without the queue: for tests, inside their transaction."""
    await _handlers[name].handler(Job(job_id, name, payload, 0))


@dataclasses.dataclass
class _GuardedExecutor(DatabaseRetryEntrypointExecutor):
    """Retries with backoff, and holds a job whose runs keep ending without a word (they kill the process)."""

    max_delay: timedelta = LONGEST_WAIT

    async def execute(self, job: QueueJob, context: Context) -> None:
        if await self._unfinished_runs(job) > POISON_RUNS:
            raise PoisonJob(f"job {job.id} ({job.entrypoint}) ended its worker {POISON_RUNS} times")
        await super().execute(job, context)

    async def _unfinished_runs(self, job: QueueJob) -> int:
        """Runs since the job was last queued, this one included; a run that raised has queued it again."""
        try:
            return int(await database.fetchval(PICKED_SINCE_QUEUED, job.id))
        except UNREACHABLE as error:
            # The database is away: no fault of the job's, which would otherwise be held.
            raise RetryRequested(delay=timedelta(seconds=1), reason=type(error).__name__) from error


PICKED_SINCE_QUEUED = """
select count(*) from pgqueuer_log where job_id = $1 and status = 'picked'
and id > (select coalesce(max(id), 0) from pgqueuer_log where job_id = $1 and status = 'queued')
"""


class PoisonJob(RuntimeError):
    """The job is held for a person: `steward doctor` lists it."""


def payload_of(stored: bytes | None) -> dict[str, Any]:
    """A job's payload as it lies in the queue's table."""
    found: dict[str, Any] = orjson.loads(stored or b"{}")
    return found


async def run(queue_job: QueueJob) -> None:
    """Run one job as registered."""
    name = str(queue_job.entrypoint)
    registered = _handlers[name]
    job = Job(int(queue_job.id), name, payload_of(queue_job.payload), queue_job.attempts)
    with structlog.contextvars.bound_contextvars(job=job.id, job_name=name, attempt=job.attempts):
        try:
            if not registered.transactional:
                await registered.handler(job)
                return
            async with database.in_transaction():
                await registered.handler(job)
                await job.acknowledge()
        except LostJob:
            log.warning("job_lost")
        except Exception:
            log.exception("job_failed")
            raise


def manager(connection: asyncpg.Connection) -> PgQueuer:
    """PgQueuer with every registered handler, held (never deleted) when a job fails for good."""
    queue = PgQueuer(AsyncpgDriver(connection))
    for name, registered in _handlers.items():
        executor = functools.partial(_GuardedExecutor, max_attempts=registered.retries)
        queue.entrypoint(name, on_failure="hold", executor_factory=executor)(run)
    return queue


async def work(url: str, shutdown: asyncio.Event) -> None:
    """Run jobs until `shutdown` is set, through restarts of PostgreSQL. The ORM must be connected."""

    @asynccontextmanager
    async def factory() -> AsyncIterator[PgQueuer]:
        connection = await asyncpg.connect(url, server_settings={"application_name": "case-steward-queue"})
        try:
            yield manager(connection)
        finally:
            connection.terminate()

    await pgqueuer.run(
        factory,
        batch_size=BATCH,
        max_concurrent_tasks=CONCURRENCY,
        heartbeat_timeout=HEARTBEAT,
        dequeue_timeout=DEQUEUE,
        restart_on_failure=True,
        restart_delay=timedelta(seconds=1),
        shutdown=shutdown,
    )


async def install(connection: asyncpg.Connection) -> None:
    """Create or upgrade the queue's own tables."""
    queries = Queries(AsyncpgDriver(connection))
    if await queries.schema_is_installed():
        await queries.upgrade()
    else:
        await queries.install()


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A job that waits for a person, since when, and the kind of error that its last run ended with."""

    id: int
    name: str
    attempts: int
    since: datetime
    error: str


async def held(limit: int = 100) -> list[Held]:
    """Jobs that failed for good, the newest first: for `steward doctor`. None is dropped, none runs by itself."""
    rows = await database.fetch(
        "select q.id, q.entrypoint, q.attempts, q.updated, coalesce((select l.traceback ->> 'exception_type'"
        " from pgqueuer_log l where l.job_id = q.id and l.status = 'failed' order by l.id desc limit 1), '') as error"
        " from pgqueuer q where q.status = 'failed' order by q.updated desc limit $1",
        limit,
    )
    return [Held(r["id"], r["entrypoint"], r["attempts"], r["updated"], r["error"]) for r in rows]


async def release(ids: Sequence[int]) -> None:
    """Run held jobs again, with all their retries: what made them fail has been mended."""
    async with database.raw() as connection:
        await Queries(AsyncpgDriver(connection)).requeue_jobs([JobId(id_) for id_ in ids])


async def prune_log() -> int:
    """Drop the queue's log of more than a week ago; nothing else does. Answers how many rows went."""
    tag = await database.execute("delete from pgqueuer_log where created < now() - $1::interval", LOG_KEPT)
    return int(tag.split()[-1])
