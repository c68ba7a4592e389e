"""What is learnt after a send: the platforms' reports, and what nobody reported.

Callbacks and triggers only enqueue here; the worker, which has the hooks, does the work. A report may come before its
send is recorded, twice, or never.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from delivery import ledger, metrics
from delivery.hooks import Failure, installed_hooks
from delivery.ledger import BITS, VIEW, Attempt, view_of
from delivery.models import Channel, MessageState, Outcome
from delivery.notice import Notice
from delivery.outbox import enqueue_again
from delivery.planner import quiet_until
from delivery.registry import REGISTRY
from delivery.verdicts import WAITS_FOR_MORNING, WAITS_FOR_SAFE_HOURS
from kit import clock, database, jobs

log = structlog.get_logger(__name__)

REPORT, RECONCILE = "delivery_report", "delivery_reconcile"
REPORT_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 60, 600))
"""Between looks for the send that a report is about; then it belongs to none that we know."""
INTERRUPTED_AFTER = timedelta(minutes=15)
"""A message SENDING for so long has no worker any more."""
REPORTED_AFTER = timedelta(hours=24)
"""An UNKNOWN one is reported as failed after this, and stays UNKNOWN."""
STUCK_AFTER = timedelta(hours=1)
KEYS_KEPT = timedelta(days=180)
AT_ONCE = 500
MAX_ID = 64

# Column lists of the ledger, no values.
_ONE = f"select {VIEW}, {ledger.STATE} from message where id = $1 for update"  # noqa: S608 — see above.
_INTERRUPTED = """
update message set state = 'unknown', reason = 'interrupted' where (id, created_at) in (
  select id, created_at from message where state = 'sending' and sent_at < $1
  order by created_at limit $2 for update skip locked) returning id, channel"""
_UNCONFIRMED = """
update message set state = 'unknown', reason = 'unconfirmed' where (id, created_at) in (
  select id, created_at from message where state = 'sent' and channel = 'sms' and sent_at < $1
  order by sent_at limit $2 for update skip locked) returning 1"""
_UNREPORTED = f"""
update message set reason = 'unknown_outcome' where (id, created_at) in (
  select id, created_at from message where state = 'unknown' and sent_at < $1 and reason <> 'unknown_outcome'
  order by created_at limit $2 for update skip locked) returning {VIEW}"""  # noqa: S608 — see above.
_EXPIRED = f"""
update message set state = 'failed', reason = 'expired' where (id, created_at) in (
  select id, created_at from message where state = 'queued' and expires_at <= $1
  order by created_at limit $2 for update skip locked) returning {VIEW}"""  # noqa: S608 — see above.
_UNDELIVERED = """
update message set state = 'queued', reason = 'undelivered', platform_id = null, sent_at = null,
  refused_channels = refused_channels | $3::smallint where created_at = $1 and id = $2"""


async def apply_report(platform_id: str, *, delivered: bool, code: str = "", target_ids: Sequence[UUID] = ()) -> None:
    """A platform reports how a send ended (SMS report, TEMPLATESENDJOBFINISH, subscribe_msg_sent_event).

    `target_ids`: the identities or contacts that the report names, if the caller knows them; with them a report can be
    matched to a send whose id we never learnt. Idempotent; may come before the send is recorded. Enqueues only.
    """
    if not 0 < len(platform_id) <= MAX_ID:
        return
    payload = {
        "platform_id": platform_id,
        "delivered": delivered,
        "code": code[:64],
        "targets": [str(id_) for id_ in target_ids],
        "looks": 0,
    }
    await jobs.enqueue(REPORT, payload, dedupe_key=f"{platform_id}:{delivered}:0")


@jobs.handler(REPORT)
async def take_report(job: jobs.Job) -> None:
    """Find the send, or look again later."""
    report = job.payload
    found = await _send_of(report["platform_id"])
    if found is not None:
        await _apply(found["message_id"], Channel(found["channel"]), report)
        return
    looks = report["looks"]
    if looks < len(REPORT_PAUSES):
        key = f"{report['platform_id']}:{report['delivered']}:{looks + 1}"
        await jobs.enqueue(REPORT, report | {"looks": looks + 1}, after=REPORT_PAUSES[looks], dedupe_key=key)
        return
    await _apply_by_target(report)


async def _send_of(platform_id: str) -> asyncpg.Record | None:
    return await database.fetchrow(
        "select message_id, channel from delivery_attempt where platform_id = $1 and outcome = 'sent'"
        " order by at desc limit 1",
        platform_id,
    )


async def _apply_by_target(report: dict[str, Any]) -> None:
    """A report on a send whose id we never learnt, because its answer was lost: matched if only one can be meant."""
    rows = await database.fetch(
        "select distinct a.message_id, a.channel from delivery_attempt a join message m on m.id = a.message_id"
        " where a.target_id = any($1::uuid[]) and a.outcome = 'unknown' and a.at > $2 and m.state = 'unknown'",
        report["targets"],
        clock.now() - timedelta(days=3),
    )
    if len(rows) == 1:
        await _apply(rows[0]["message_id"], Channel(rows[0]["channel"]), report, learnt=True)
        return
    log.warning("report_without_send", platform_id=report["platform_id"], candidates=len(rows))


async def _apply(message_id: UUID, channel: Channel, report: dict[str, Any], *, learnt: bool = False) -> None:
    now, platform_id = clock.now(), report["platform_id"]
    message = await database.fetchrow(
        _ONE,
        message_id,
    )
    known = await database.fetchval(
        "select exists (select from delivery_attempt"
        " where platform_id = $1 and outcome in ('delivered', 'undelivered'))",
        platform_id,
    )
    if message is None or known:
        return
    outcome = Outcome.DELIVERED if report["delivered"] else Outcome.UNDELIVERED
    await ledger.write_attempts(now, [Attempt(message_id, channel, None, outcome, report["code"], platform_id)])
    metrics.ATTEMPTS.labels(message["notice"], channel.value, outcome.value).inc()
    # A message that went on over another channel since is not judged by the one before.
    if not learnt and message["platform_id"] != platform_id:
        return
    if report["delivered"]:
        await _delivered(message, now)
    elif message["state"] in {MessageState.SENT, MessageState.UNKNOWN}:
        await _try_another_channel(message, channel)


async def _delivered(message: asyncpg.Record, now: datetime) -> None:
    await database.execute(
        "update message set state = 'delivered', delivered_at = $3, reason = ''"
        " where created_at = $1 and id = $2 and state in ('sent', 'unknown')",
        message["created_at"],
        message["id"],
        now,
    )


async def _try_another_channel(message: asyncpg.Record, channel: Channel) -> None:
    """It certainly did not arrive: queued again without this channel; the dispatcher finds the next, or fails it."""
    await database.execute(
        _UNDELIVERED,
        message["created_at"],
        message["id"],
        BITS[channel],
    )
    await enqueue_again(message["created_at"], message["id"], priority=message["priority"], key="undelivered")


async def reconcile_unknown() -> None:
    """For a trigger: look after what was interrupted, forgotten, waits, or nobody reported. Enqueues only."""
    await jobs.enqueue(RECONCILE, {}, dedupe_key="all")


@jobs.handler(RECONCILE)
async def _reconcile(job: jobs.Job) -> None:
    await reconcile(clock.now())


async def reconcile(now: datetime) -> dict[str, int]:
    """Look after up to 500 messages of each kind, in the current transaction; answers how many of each there were."""
    done = {
        "interrupted": await _interrupted(now),
        "unconfirmed": await _unconfirmed(now),
        "unreported": await _unreported(now),
        "expired": await _expired(now),
        "woken": await _wake(now),
    }
    if any(done.values()):
        log.info("deliveries_reconciled", **done)
    return done


async def _interrupted(now: datetime) -> int:
    """SENDING without a worker, as after a job that is held: nobody knows whether they went."""
    rows = await database.fetch(
        _INTERRUPTED,
        now - INTERRUPTED_AFTER,
        AT_ONCE,
    )
    attempts = [Attempt(row["id"], Channel(row["channel"]), None, Outcome.UNKNOWN, "interrupted") for row in rows]
    await ledger.write_attempts(now, attempts)
    return len(rows)


async def _unconfirmed(now: datetime) -> int:
    """An SMS that the gateway took and never reported on: it may have reached nobody, so it does not count as sent."""
    return len(await database.fetch(_UNCONFIRMED, now - REPORTED_AFTER, AT_ONCE))


async def _unreported(now: datetime) -> int:
    rows = await database.fetch(
        _UNREPORTED,
        now - REPORTED_AFTER,
        AT_ONCE,
    )
    await _fail(rows, "unknown_outcome")
    return len(rows)


async def _expired(now: datetime) -> int:
    """Those whose job was lost or waits: their time is over all the same."""
    rows = await database.fetch(
        _EXPIRED,
        now,
        AT_ONCE,
    )
    await _fail(rows, "expired")
    return len(rows)


async def _fail(rows: Sequence[asyncpg.Record], reason: str) -> None:
    failures = [Failure(view_of(row), reason, REGISTRY[Notice(row["notice"])].call_if_undelivered) for row in rows]
    if failures:
        await installed_hooks().failed(failures)


async def _wake(now: datetime) -> int:
    """Those that waited for the morning or for safe hours (their job follows real time, the hours the domain's clock),
    and those that wait for an hour without a job: each gets a job, at most one of this kind at a time."""
    waiting = [WAITS_FOR_SAFE_HOURS] if quiet_until(now) else [WAITS_FOR_SAFE_HOURS, WAITS_FOR_MORNING]
    rows = await database.fetch(
        "select id, created_at, priority from message m where state = 'queued' and (reason = any($1::text[])"
        " or created_at < $2 and reason <> all($3::text[]) and not exists (select from pgqueuer q"
        " where q.dedupe_key = 'deliver:retry:' || m.id::text)) order by created_at limit $4",
        waiting,
        now - STUCK_AFTER,
        [WAITS_FOR_SAFE_HOURS, WAITS_FOR_MORNING],
        AT_ONCE,
    )
    for row in rows:
        await enqueue_again(row["created_at"], row["id"], priority=row["priority"], key="woken")
    return len(rows)


async def prune() -> int:
    """Forget once keys of more than half a year ago; answers how many."""
    tag = await database.execute(
        "delete from outbox_key where once_key in (select once_key from outbox_key where created_at < $1 limit 20000)",
        clock.now() - KEYS_KEPT,
    )
    return int(tag.split()[-1])
