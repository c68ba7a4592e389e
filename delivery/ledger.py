"""The messages' states and the ledger of tries, a chunk at a time.

A message's `tries` is also its fence: whoever marked it SENDING as try number n may record what came of try n, once,
and nobody else; a worker that was paused and wakes up late changes nothing that went on without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from uuid import UUID

import asyncpg

from delivery.models import Channel, MessageState, Outcome, RecipientKind
from delivery.notice import Notice
from delivery.recipients import MessageView
from kit import database
from kit.ids import new_id

BITS = {
    Channel.OA_CUSTOMER_SERVICE: 1,
    Channel.OA_TEMPLATE: 2,
    Channel.MP_SUBSCRIBE: 4,
    Channel.SMS: 8,
}
"""Of the column `refused_channels`: these refused this message."""

VIEW = "id, created_at, notice, recipient_kind, recipient_id, member_id, case_id, unit_id, subject_id, priority"
STATE = "context, state, channel, tries, refused_channels, expires_at, sent_at, platform_id, reason"
# Column lists of this module, no values.
_LOAD = f"""
select {VIEW}, {STATE} from message
where created_at = $1 and id = any($2::uuid[]) and state in ('queued', 'sending')"""  # noqa: S608 — see above.

# Most of a chunk shares its channel and its outcome. What is shared is a parameter of its own: each array costs the
# driver and PostgreSQL some work for every one of its elements, and this is where a fan-out spends its time.
_MARK_SENDING = """
update message set state = 'sending', channel = $4, tries = tries + 1, reason = '', sent_at = coalesce(sent_at, $2)
where created_at = $1 and id = any($3::uuid[]) and tries = $5 and state = $6 returning id"""

_RECORD = """
update message m set state = $5, reason = $6, refused_channels = m.refused_channels | $7::smallint,
  platform_id = coalesce(t.platform_id, m.platform_id), sent_at = case when $8 then coalesce(m.sent_at, $2) end
from unnest($3::uuid[], $9::text[]) as t (id, platform_id)
where m.created_at = $1 and m.id = t.id and m.tries = $4 and m.state in ('queued', 'sending', 'unknown')
returning m.id"""

_ATTEMPTS = """
insert into delivery_attempt (id, at, message_id, channel, target_id, outcome, code, platform_id, segments)
select t.id, $1, t.message_id, $6, t.target_id, $7, $8, t.platform_id, $9
from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) as t (id, message_id, target_id, platform_id)
on conflict do nothing"""
_HANDED_OVER = frozenset({MessageState.SENDING, MessageState.SENT, MessageState.UNKNOWN})
"""States that keep `sent_at`, when the message was first handed to a platform."""


@dataclass(slots=True)
class Loaded:
    """A message that is under way, as it stood when it was read."""

    view: MessageView
    sealed_context: bytes = field(repr=False)
    state: MessageState
    channel: Channel | None
    tries: int
    refused: frozenset[Channel]
    expires_at: datetime | None
    sent_at: datetime | None


@dataclass(slots=True)
class Attempt:
    """One try, for the ledger."""

    message_id: UUID
    channel: Channel
    target_id: UUID | None
    outcome: Outcome
    code: str = ""
    platform_id: str | None = None
    segments: int = 0
    id: UUID = field(default_factory=new_id)
    """Fixed beforehand, so that recording again after a lost connection adds no second line."""


@dataclass(slots=True)
class Change:
    """A message's new state after try number `tries`."""

    message_id: UUID
    tries: int
    state: MessageState
    reason: str = ""
    refused: Channel | None = None
    platform_id: str | None = None


# Looking a value up is several times quicker than asking its enumeration.
_NOTICES = {each.value: each for each in Notice}
_KINDS = {each.value: each for each in RecipientKind}
_STATES = {each.value: each for each in MessageState}
_CHANNELS = {each.value: each for each in Channel}


@cache
def _refused(bits: int) -> frozenset[Channel]:
    return frozenset(channel for channel, bit in BITS.items() if bits & bit)


def view_of(row: asyncpg.Record) -> MessageView:
    """A message's row without its state."""
    return MessageView(
        row["id"],
        _NOTICES[row["notice"]],
        _KINDS[row["recipient_kind"]],
        row["recipient_id"],
        row["member_id"],
        row["case_id"],
        row["unit_id"],
        row["subject_id"],
        row["priority"],
        row["created_at"],
    )


def _loaded(row: asyncpg.Record) -> Loaded:
    return Loaded(
        view_of(row),
        row["context"],
        _STATES[row["state"]],
        _CHANNELS.get(row["channel"]),
        row["tries"],
        _refused(row["refused_channels"]),
        row["expires_at"],
        row["sent_at"],
    )


async def load(at: datetime, ids: Sequence[UUID]) -> list[Loaded]:
    """Those of a chunk that are still to be sent, in the chunk's order, and those that a crash left SENDING."""
    rows = {row["id"]: row for row in await database.fetch(_LOAD, at, ids)}
    return [_loaded(rows[id_]) for id_ in ids if id_ in rows]


async def mark_sending(
    at: datetime, now: datetime, rows: Iterable[tuple[UUID, Channel, int, MessageState]]
) -> set[UUID]:
    """From here on a message may have gone. Rows: id, channel, tries and state as loaded; answers those that are ours.

    The others were taken by another worker in the meantime.
    """
    groups: dict[tuple[Channel, int, MessageState], list[UUID]] = {}
    for id_, channel, tries, state in rows:
        groups.setdefault((channel, tries, state), []).append(id_)
    ours: set[UUID] = set()
    for (channel, tries, state), ids in groups.items():
        ours.update(row[0] for row in await database.fetch(_MARK_SENDING, at, now, ids, channel, tries, state))
    return ours


async def record(at: datetime, now: datetime, changes: Sequence[Change]) -> set[UUID]:
    """Write the new states; answers the ids whose state was still ours to change."""
    groups: dict[tuple[int, MessageState, str, Channel | None], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.tries, change.state, change.reason[:64], change.refused), []).append(change)
    ours: set[UUID] = set()
    for (tries, state, reason, refused), same in groups.items():
        rows = await database.fetch(
            _RECORD,
            at,
            now,
            [each.message_id for each in same],
            tries,
            state,
            reason,
            BITS[refused] if refused else 0,
            state in _HANDED_OVER,
            [each.platform_id for each in same],
        )
        ours.update(row[0] for row in rows)
    return ours


async def write_attempts(now: datetime, attempts: Sequence[Attempt]) -> None:
    """Append to the ledger."""
    groups: dict[tuple[Channel, Outcome, str, int], list[Attempt]] = {}
    for attempt in attempts:
        groups.setdefault((attempt.channel, attempt.outcome, attempt.code[:64], attempt.segments), []).append(attempt)
    for (channel, outcome, code, segments), same in groups.items():
        await database.execute(
            _ATTEMPTS,
            now,
            [each.id for each in same],
            [each.message_id for each in same],
            [each.target_id for each in same],
            [each.platform_id for each in same],
            channel,
            outcome,
            code,
            segments,
        )
