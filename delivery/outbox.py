"""The outbox: messages and the jobs that send them, written in the caller's transaction.

await enqueue(Outgoing(context=UpdatePosted(unit=…, reference=…, …), recipient_id=person_id, member_id=member.id,
                       case_id=case.id, unit_id=case.unit_id, subject_id=update.id,
                       once_key=f"update:{update.id}:{member.id}"))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from delivery.contexts import Context
from delivery.models import CONTEXT, RecipientKind
from delivery.notice import Notice
from delivery.registry import REGISTRY
from kit import clock, database, jobs
from kit.crypto import vault
from kit.ids import new_id

T = TypeVar("T")

JOB = "deliver"
CHUNK = 100
"""Messages of one job: loaded, checked, planned and recorded together, each with a state of its own."""
MAX_ONCE_KEY = 200
MAX_PRIORITY = 9
"""0: in chunks, in its turn. 1 to 9: a job of its own, before those with less."""

_ROWS = 2_000
"""Of one statement."""

_KEYS = """
insert into outbox_key (once_key, message_id, created_at)
select t.once_key, t.message_id, $3 from unnest($1::text[], $2::uuid[]) with ordinality as t (once_key, message_id, n)
order by t.once_key, t.n on conflict (once_key) do nothing returning message_id"""

_MESSAGES = """
insert into message (id, created_at, notice, recipient_kind, recipient_id, member_id, case_id, unit_id, subject_id,
  context, priority, expires_at, state, tries, refused_channels, reason)
select t.id, $1, t.notice, t.kind, t.recipient, t.member, t.case_id, t.unit, t.subject,
  t.context, t.priority, t.expires, 'queued', 0, 0, ''
from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[],
  $10::bytea[], $11::smallint[], $12::timestamptz[])
  as t (id, notice, kind, recipient, member, case_id, unit, subject, context, priority, expires)"""


class NoTransaction(RuntimeError):
    """The caller has no transaction open: the message would not commit together with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to one recipient. The notice follows from the kind of context.

    `once_key` (up to 200 characters): enqueued once only, for the half year that keys are kept. `expires_at` (UTC,
    domain clock): not sent after; default: the registry's lifetime of the notice. `priority` 0 to 9: higher goes before
    the others.
    """

    context: Context
    recipient_id: UUID
    recipient_kind: RecipientKind = RecipientKind.PERSON
    member_id: UUID | None = None
    case_id: UUID | None = None
    unit_id: UUID | None = None
    subject_id: UUID | None = None
    once_key: str | None = None
    expires_at: datetime | None = None
    priority: int = 0

    def __post_init__(self) -> None:
        if self.once_key is not None and not 0 < len(self.once_key) <= MAX_ONCE_KEY:
            raise ValueError(f"a once key has 1 to {MAX_ONCE_KEY} characters")
        if not 0 <= self.priority <= MAX_PRIORITY:
            raise ValueError(f"a priority is 0 to {MAX_PRIORITY}")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("expires_at is aware")

    @property
    def notice(self) -> Notice:
        """What the message is about."""
        return self.context.notice


async def enqueue(out: Outgoing) -> UUID | None:
    """Put one message into the outbox; answers its id, or None where its once key was used before.

    Raises NoTransaction.
    """
    return (await enqueue_many([out]))[0]


async def enqueue_many(outgoing: Sequence[Outgoing]) -> list[UUID | None]:
    """Put many into the outbox with a few statements; ids in their order, None where a once key was used before.

    Raises NoTransaction. They are sent after the commit.
    """
    if not database.in_a_transaction():
        raise NoTransaction("a message is enqueued in the transaction of its reason")
    at = clock.now()
    ids = [new_id() for _ in outgoing]
    twice = await _seen_before(outgoing, ids, at)
    fresh = [(id_, out) for id_, out in zip(ids, outgoing, strict=True) if id_ not in twice]
    await database.write(_write, fresh)
    return [None if id_ in twice else id_ for id_ in ids]


async def _write(fresh: Sequence[tuple[UUID, Outgoing]]) -> None:
    at = clock.now()
    for rows in _slices(fresh, _ROWS):
        await database.execute(_MESSAGES, at, *_columns(rows, at))
    await _enqueue_jobs(fresh, at)


async def _seen_before(outgoing: Sequence[Outgoing], ids: Sequence[UUID], at: datetime) -> set[UUID]:
    """The ids that are not to be used, because their once key is taken."""
    keyed = {id_: out.once_key for id_, out in zip(ids, outgoing, strict=True) if out.once_key is not None}
    if not keyed:
        return set()
    rows = await database.fetch(_KEYS, list(keyed.values()), list(keyed), at)
    return keyed.keys() - {row["message_id"] for row in rows}


def _columns(rows: Sequence[tuple[UUID, Outgoing]], at: datetime) -> Iterator[list[Any]]:
    ring = vault().ring
    table = [
        (
            id_,
            out.notice.value,
            out.recipient_kind.value,
            out.recipient_id,
            out.member_id,
            out.case_id,
            out.unit_id,
            out.subject_id,
            ring.seal(out.context.model_dump_json().encode(), CONTEXT),
            out.priority,
            out.expires_at or at + REGISTRY[out.notice].lifetime,
        )
        for id_, out in rows
    ]
    return (list(column) for column in zip(*table, strict=True))


async def _enqueue_jobs(fresh: Sequence[tuple[UUID, Outgoing]], at: datetime) -> None:
    by_priority = sorted(fresh, key=lambda row: -row[1].priority)
    for priority, rows in groupby(by_priority, key=lambda row: row[1].priority):
        chunks = _slices([id_ for id_, _ in rows], 1 if priority else CHUNK)
        await jobs.enqueue_many(JOB, [payload(at, chunk) for chunk in chunks], priority=priority)


def _slices(rows: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    return (rows[start : start + length] for start in range(0, len(rows), length))


def payload(at: datetime, ids: Sequence[UUID]) -> dict[str, Any]:
    """Of a job: `at`, when all of its messages were created, tells PostgreSQL their partition."""
    return {"at": at.isoformat(), "ids": [str(id_) for id_ in ids]}


async def enqueue_again(
    at: datetime, id_: UUID, *, after: timedelta | None = None, priority: int = 0, key: str = "retry"
) -> None:
    """A job of its own for a message that is to be tried again, `after` from now in real time; one at a time."""
    await jobs.enqueue(JOB, payload(at, [id_]), after=after, dedupe_key=f"{key}:{id_}", priority=priority)
