"""Writes down what came of a round: states, ledger, books, hooks, further jobs, and the end of the job, all or nothing.

What was sent must be recorded even while PostgreSQL restarts: the outcome is known here and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Histogram
from tortoise.exceptions import DBConnectionError

from delivery import books, ledger, metrics
from delivery.hooks import Failure, Hooks, Refusal, SentMessage
from delivery.models import MessageState
from delivery.outbox import JOB, enqueue_again, payload
from delivery.registry import REGISTRY
from delivery.verdicts import Verdict
from kit import database, jobs

log = structlog.get_logger(__name__)

DATABASE_AWAY = (
    OSError,
    DBConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
"""What goes away by itself; recording is tried again."""
PAUSES = (0.2, 0.4, 0.8, 1.6, 3.0, 5.0, 5.0, 10.0, 10.0, 20.0)
"""Seconds between tries to record."""


async def surely(hooks: Hooks, job: jobs.Job | None, at: datetime, now: datetime, verdicts: Sequence[Verdict]) -> None:
    """Record a round; with `job`, also end it. Survives about a minute without a database.

    Where a hook fails, its message alone stays without a record (the next run finds it SENDING), and the error is
    raised.
    """
    try:
        await _patiently(hooks, job, at, now, verdicts)
    except DATABASE_AWAY:
        raise
    except Exception:
        if len(verdicts) <= 1:
            raise
        # One message's hook failed, of whatever reason: the others have been sent and must be recorded.
        log.exception("recording_failed", messages=len(verdicts))
        await _one_by_one(hooks, job, at, now, verdicts)


async def _one_by_one(
    hooks: Hooks, job: jobs.Job | None, at: datetime, now: datetime, verdicts: Sequence[Verdict]
) -> None:
    broken: Exception | None = None
    for verdict in verdicts:
        try:
            await _patiently(hooks, None, at, now, [verdict])
        except Exception as error:
            # See `surely`: raised once the others are recorded.
            log.exception("recording_failed", message=str(verdict.change.message_id))
            broken = error
    if broken is not None:
        raise broken
    await _patiently(hooks, job, at, now, [])


async def _patiently(
    hooks: Hooks, job: jobs.Job | None, at: datetime, now: datetime, verdicts: Sequence[Verdict]
) -> None:
    for pause in PAUSES:
        try:
            await _record(hooks, job, at, now, verdicts)
        except DATABASE_AWAY as error:
            log.warning("recording_waits", error=type(error).__name__)
            await asyncio.sleep(pause)
        else:
            break
    else:
        await _record(hooks, job, at, now, verdicts)
    _count(verdicts, now)


async def _record(hooks: Hooks, job: jobs.Job | None, at: datetime, now: datetime, verdicts: Sequence[Verdict]) -> None:
    if not verdicts and job is None:
        return
    async with database.in_transaction():
        ours = await ledger.record(at, now, [verdict.change for verdict in verdicts])
        await ledger.write_attempts(now, [verdict.attempt for verdict in verdicts if verdict.attempt])
        mine = [verdict for verdict in verdicts if verdict.change.message_id in ours]
        await _keep_books(mine)
        await _call_hooks(hooks, mine)
        if job is not None:
            await _end(job)
        for verdict in mine:
            if verdict.again_after is not None:
                view = verdict.work.loaded.view
                await enqueue_again(at, view.id, after=verdict.again_after, priority=view.priority)


async def _end(job: jobs.Job) -> None:
    """Somebody else may have ended the job while this run was paused; what this run did stays true all the same."""
    try:
        await job.acknowledge()
    except jobs.LostJob:
        log.warning("job_run_twice", job=job.id)


async def _keep_books(mine: Sequence[Verdict]) -> None:
    await books.give_back([verdict.give_back for verdict in mine if verdict.give_back])
    await books.void([verdict.void for verdict in mine if verdict.void])


async def _call_hooks(hooks: Hooks, mine: Sequence[Verdict]) -> None:
    sent = [
        SentMessage(verdict.work.loaded.view, verdict.attempt.channel)
        for verdict in mine
        if verdict.change.state is MessageState.SENT and verdict.attempt
    ]
    refused = [refusal for verdict in mine if (refusal := _refusal(verdict)) is not None]
    failed = [
        Failure(
            verdict.work.loaded.view,
            verdict.change.reason,
            REGISTRY[verdict.work.loaded.view.notice].call_if_undelivered,
        )
        for verdict in mine
        if verdict.ended_badly
    ]
    if sent:
        await hooks.sent(sent)
    if refused:
        await hooks.refused(refused)
    if failed:
        await hooks.failed(failed)


def _refusal(verdict: Verdict) -> Refusal | None:
    attempt = verdict.attempt
    if verdict.fact is None or attempt is None or attempt.target_id is None:
        return None
    return Refusal(attempt.channel, attempt.target_id, verdict.fact, attempt.code, verdict.template_id)


async def put_off(
    hooks: Hooks,
    job: jobs.Job,
    at: datetime,
    now: datetime,
    verdicts: Sequence[Verdict],
    ids: Sequence[UUID],
    seconds: float,
) -> None:
    """The accounts' quotas are used up: the rest of the chunk goes on in a job for later."""
    async with database.in_transaction():
        await _record(hooks, job, at, now, verdicts)
        await jobs.enqueue(JOB, payload(at, ids), after=timedelta(seconds=seconds))
    _count(verdicts, now)


def _count(verdicts: Sequence[Verdict], now: datetime) -> None:
    tries: Counter[tuple[str, str, str]] = Counter()
    ends: Counter[tuple[str, str, str]] = Counter()
    for verdict in verdicts:
        view, state, attempt = verdict.work.loaded.view, verdict.change.state, verdict.attempt
        channel = attempt.channel.value if attempt else ""
        if attempt:
            tries[view.notice.value, channel, attempt.outcome.value] += 1
        if state in _ENDS:
            ends[view.notice.value, channel, state.value] += 1
        if state is MessageState.SENT:
            _seconds(channel).observe(max(0.0, (now - view.created_at).total_seconds()))
    for labels, number in tries.items():
        metrics.ATTEMPTS.labels(*labels).inc(number)
    for labels, number in ends.items():
        metrics.MESSAGES.labels(*labels).inc(number)


_ENDS = frozenset({MessageState.SENT, MessageState.FAILED, MessageState.CANCELLED, MessageState.UNKNOWN})


@cache
def _seconds(channel: str) -> Histogram:
    return metrics.SECONDS.labels(channel)
