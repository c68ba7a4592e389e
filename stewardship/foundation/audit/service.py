"""Recording events, and proving that none was changed.

`record` writes an event on the caller's transaction and, in the same one, queues a job for each subscriber: what must
follow a change follows it exactly when the change is committed. Details hold ids, field names and codes only.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kit import clock, database, hints, jobs
from kit.crypto import vault
from kit.ids import new_id
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit.models import REASON, EventReason

SEAL_BATCH = 10_000
GENESIS = bytes(32)

_subscribers: dict[str, list[str]] = defaultdict(list)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be. `subject` is what changed or was read, as (kind, id); `details` are ids, names and codes."""

    kind: str
    actor: Actor
    subject: tuple[str, UUID]
    case_id: UUID | None = None
    unit_id: UUID | None = None
    relation: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def subscribe(kind: str, job: str) -> None:
    """Queue `job` with `{"event_id", "kind", "subject_id", "case_id", "details"}` whenever `kind` is recorded."""
    if job not in _subscribers[kind]:
        _subscribers[kind].append(job)


async def record(
    kind: str,
    actor: Actor,
    subject: tuple[str, UUID],
    *,
    case_id: UUID | None = None,
    unit_id: UUID | None = None,
    relation: str | None = None,
    **details: Any,
) -> UUID:
    """Write one event on the caller's transaction; answers its id."""
    return (await record_many([Entry(kind, actor, subject, case_id, unit_id, relation, details)]))[0]


async def keep_reason(event_id: UUID, reason: str) -> None:
    """Why an officer did what an event says, in their own words: sealed, and beside the log, which holds no words."""
    await EventReason.create(event_id=event_id, reason=vault().ring.seal_text(reason.strip(), REASON), at=clock.now())


INSERT = """
insert into event (id, at, kind, actor_kind, actor_id, subject_kind, subject_id, case_id, unit_id, details, device,
                   address, relation)
select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::uuid[],
                     $8::uuid[], $9::uuid[], $10::jsonb[], $11::text[], $12::text[], $13::text[])
"""


@dataclass(frozen=True, slots=True)
class _Recorded:
    id: UUID
    at: datetime
    entry: Entry


async def record_many(entries: Sequence[Entry]) -> list[UUID]:
    """Write several events with one statement; answers their ids in order."""
    at = clock.now()
    recorded = [_Recorded(new_id(), at, entry) for entry in entries]
    if recorded:
        await database.write(_write, recorded)
        _tell_open_pages(entries)
    return [each.id for each in recorded]


async def _write(recorded: Sequence[_Recorded]) -> None:
    entries = [each.entry for each in recorded]
    await database.execute(
        INSERT,
        [each.id for each in recorded],
        [each.at for each in recorded],
        [e.kind for e in entries],
        [e.actor.kind.value for e in entries],
        [e.actor.id for e in entries],
        [e.subject[0] for e in entries],
        [e.subject[1] for e in entries],
        [e.case_id for e in entries],
        [e.unit_id for e in entries],
        [orjson.dumps(dict(e.details), default=str).decode() for e in entries],
        [e.actor.device[:128] or None for e in entries],
        [e.actor.address[:45] or None for e in entries],
        [e.relation for e in entries],
    )
    await _wake_subscribers(recorded)


NO_CHANGES = (".read", ".revealed", ".viewed")


def _tell_open_pages(entries: Sequence[Entry]) -> None:
    """Once the change is committed, whoever has it on the screen is told to look again."""
    for entry in entries:
        if not entry.kind.endswith(NO_CHANGES) and (entry.case_id or entry.unit_id):
            officers = tuple(value for value in entry.details.values() if isinstance(value, UUID))
            hints.tell(hints.Hint(*entry.subject, case_id=entry.case_id, unit_id=entry.unit_id, others=officers))


async def _wake_subscribers(recorded: Iterable[_Recorded]) -> None:
    payloads: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in recorded:
        entry = each.entry
        for job in _subscribers.get(entry.kind, ()):
            payloads[job].append(
                {
                    "event_id": each.id,
                    "kind": entry.kind,
                    "subject_id": entry.subject[1],
                    "case_id": entry.case_id,
                    "details": dict(entry.details),
                }
            )
    for job, several in payloads.items():
        await jobs.enqueue_many(job, several, dedupe_keys=[str(p["event_id"]) for p in several])


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying found. `broken_at` is the number of the first seal that does not hold, if any."""

    seals: int
    sealed: int
    unsealed: int
    broken_at: int | None
    head: bytes

    @property
    def holds(self) -> bool:
        """Whether every seal is still what its events and the seal before it give."""
        return self.broken_at is None


ROWS = """
select id, at, kind, actor_kind, actor_id, subject_kind, subject_id, case_id, unit_id, details, device, address,
       relation, xid
from event where era = $1 and xid >= $2 and xid < $3 order by xid, id
"""


def _digest(previous: bytes, rows: Iterable[asyncpg.Record]) -> bytes:
    digest = hashlib.sha256(previous)
    for row in rows:
        values = dict(row) | {"details": orjson.loads(row["details"])}
        digest.update(orjson.dumps(values, option=orjson.OPT_SORT_KEYS, default=str))
        digest.update(b"\n")
    return digest.digest()


async def seal() -> int:
    """Chain what no open transaction can add to any more; answers how many events were sealed.

    Transactions write events without a lock, so they commit out of order. Everything below the oldest transaction of
    this database still open is complete; that is sealed, ordered by transaction. One sealer runs at a time.
    """
    async with database.in_transaction():
        await database.advisory_lock("audit", "seal")
        era, horizon = await _horizon()
        last = await database.fetchrow("select no, era, to_xid, hash from event_seal order by no desc limit 1")
        start = last["to_xid"] if last and last["era"] == era else 0
        rows = await database.fetch(f"{ROWS} limit {SEAL_BATCH + 1}", era, start, horizon)
        rows, end = await _whole_transactions(rows, era, horizon)
        if not rows:
            return 0
        previous = last["hash"] if last else GENESIS
        await database.execute(
            "insert into event_seal (id, no, era, from_xid, to_xid, count, previous_hash, hash, sealed_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            new_id(),
            (last["no"] if last else 0) + 1,
            era,
            start,
            end,
            len(rows),
            previous,
            _digest(previous, rows),
            clock.now(),
        )
        return len(rows)


async def _whole_transactions(rows: list[asyncpg.Record], era: int, horizon: int) -> tuple[list[asyncpg.Record], int]:
    """Cut a full batch before its last transaction, which may go on beyond it; and say up to where it is complete.

    A transaction that alone fills a batch (a long table that is taken over as a whole) is read to its end.
    """
    if len(rows) <= SEAL_BATCH:
        return rows, horizon
    last = rows[-1]["xid"]
    whole = [row for row in rows if row["xid"] < last]
    if not whole:
        return await database.fetch(ROWS, era, last, last + 1), last + 1
    return whole, last


HORIZON = """
with seen as materialized (select pg_current_snapshot() as snapshot)
select coalesce(nullif(current_setting('steward.era', true), ''), '1')::int as era,
  least(pg_snapshot_xmax(snapshot)::text::bigint, pg_current_xact_id_if_assigned()::text::bigint, (
    select min(open::text::bigint) from pg_snapshot_xip(snapshot) open
    where not exists (select from pg_stat_activity a where a.datname <> current_database()
                      and a.backend_xid::text::bigint = open::text::bigint & 4294967295))) as horizon
from seen
"""
"""Below the horizon every transaction that can have written an event has ended.

A snapshot counts the open transactions of the whole cluster. Those that are seen to belong to another database write no
events of ours; whatever is not seen (a prepared one, or one of a role whose activity is hidden) holds the horizon back.
"""


async def _horizon() -> tuple[int, int]:
    row = await database.fetchrow(HORIZON)
    assert row is not None, "a select of one row answers one row"  # noqa: S101 — narrows the type.
    return row["era"], row["horizon"]


async def verify() -> Verification:
    """Recompute the whole chain. Reports the first seal that does not hold, and how many events wait to be sealed."""
    previous, sealed, count, broken = GENESIS, 0, 0, None
    for link in await database.fetch("select * from event_seal order by no"):
        found, holds = await check_link(link, previous)
        count += 1
        sealed += found
        if not holds and broken is None:
            broken = link["no"]
        previous = link["hash"]
    total = await database.fetchval("select count(*) from event")
    return Verification(count, sealed, total - sealed, broken, previous)


async def check_link(link: asyncpg.Record, previous: bytes) -> tuple[int, bool]:
    """How many events stand under a seal now, and whether it holds after the link before it."""
    rows = await database.fetch(ROWS, link["era"], link["from_xid"], link["to_xid"])
    holds = link["previous_hash"] == previous and len(rows) == link["count"] and _digest(previous, rows) == link["hash"]
    return len(rows), holds


async def head() -> tuple[int, bytes]:
    """The number and hash of the chain's last link, to be anchored outside the database; (0, zeros) if none."""
    row = await database.fetchrow("select no, hash from event_seal order by no desc limit 1")
    return (row["no"], row["hash"]) if row else (0, GENESIS)


@dataclass(frozen=True, slots=True)
class CaseRead:
    """Who looked at a case: for the inspector."""

    at: datetime
    officer_id: UUID
    kind: str
    relation: str | None
    device: str | None
    address: str | None


async def reads_of_case(case_id: UUID, *, limit: int = 200) -> list[CaseRead]:
    """Reads and reveals of a case by officers, newest first."""
    rows = await database.fetch(
        "select at, actor_id, kind, relation, device, address from event where case_id = $1 and actor_kind = $2"
        " and (kind like '%.read' or kind like '%.revealed') order by at desc, id desc limit $3",
        case_id,
        ActorKind.OFFICER.value,
        limit,
    )
    return [CaseRead(r["at"], r["actor_id"], r["kind"], r["relation"], r["device"], r["address"]) for r in rows]
