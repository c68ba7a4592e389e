"""Once only: everything a platform sends is taken in exactly once, and its answer is the same however often it asks.

The unique key of `inbox_key` decides, in the transaction that also holds the effects: a repetition waits for the first
delivery to commit and gets the same answer; if that one failed, the repetition is the first. What the record answers is
gathered for the few milliseconds in which other work runs anyway and written down together. See
docs/decisions/inbox.md.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from bot.models import BODY
from bot.replies import rendered
from kit import clock, database, jobs
from kit.crypto import vault
from kit.ids import new_id
from stewardship.conversations import service as conversations
from stewardship.conversations.said import CHAT_REPLY, REPLY_SEAL, Reply, Said, Speaker

log = structlog.get_logger(__name__)

BATCH = 64
FLUSHES = 2
"""Transactions under way at once: while one waits for the database, the next is composed."""
GATHER = 8
"""A further transaction is begun only for so many: a few wait for the one under way and share the next."""
TRIES = 3
KEYS_KEPT = timedelta(days=7)
WINDOW_KNOWN = timedelta(minutes=1)
"""A window that was opened so recently, and not used since, is not opened again: it costs a row version each time."""

CLAIM = """
insert into inbox_key (once_key, received_at, inbox_id)
select key, $3, id from unnest($1::text[], $2::uuid[]) as t(key, id) on conflict do nothing returning once_key
"""
REPLIES = """
select k.once_key, i.reply from inbox_key k join inbox i on i.id = k.inbox_id and i.received_at = k.received_at
where k.once_key = any($1::text[])
"""
STORE = """
with stored as (
  insert into inbox (id, received_at, source, kind, identity_id, outcome, body, reply)
  select id, $8, source, kind, identity_id, outcome, body, reply
  from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::bytea[], $7::bytea[])
    as t(id, source, kind, identity_id, outcome, body, reply)
), wrote as (
  update wechat_identity i set message_window_at = $8, message_window_used = 0
  where i.id = any($9::uuid[])
    and (i.message_window_used > 0 or i.message_window_at is null or i.message_window_at < $11)
)
update wechat_identity i set touch_window_at = $8, touch_window_used = 0
where i.id = any($10::uuid[]) and not i.id = any($9::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came, ready to be taken in."""

    source: str
    """`oa`, `mp` or `sms`."""
    kind: str
    once_key: str
    speaker: Speaker
    said: Said
    body: bytes = field(repr=False)
    """As it came, opened; kept sealed."""
    writes: bool = True
    """Whether the person wrote (a window of 48 hours) or only touched something (one of a minute)."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Keys that came for the first time, with the ids of their rows to be, and when they were claimed."""

    ids: Mapping[str, UUID]
    at: datetime

    def __contains__(self, key: str) -> bool:
        return key in self.ids

    def __bool__(self) -> bool:
        return bool(self.ids)


@dataclass(slots=True)
class _Waiting:
    question: conversations.Question
    arrival: Arrival
    future: asyncio.Future[str | None]
    """The answer, or None for whoever goes the longer way."""


class Inbox:
    """Takes arrivals in. One for a process; `close` lets what is under way finish."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._flushes: set[asyncio.Task[None]] = set()
        self._under_way = 0
        """Flushes that will still look for what waits; counted apart, because a task is done a moment after that."""

    async def take(self, arrival: Arrival) -> str:
        """Take one arrival in, once; answers what to say (empty: nothing). Raises what the database raises."""
        question = conversations.question_for_record(arrival.speaker, arrival.said)
        if question is not None:
            answered = await self._together(question, arrival)
            if answered is not None:
                return answered
        return await self._alone(arrival)

    async def _alone(self, arrival: Arrival) -> str:
        for attempt in range(1, TRIES + 1):
            try:
                return await _take_alone(arrival)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == TRIES:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _together(self, question: conversations.Question, arrival: Arrival) -> str | None:
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(question, arrival, future))
        if not self._under_way or (self._under_way < FLUSHES and len(self._waiting) >= GATHER):
            self._under_way += 1
            task = asyncio.create_task(self._flush(), name="inbox-flush")
            self._flushes.add(task)
            task.add_done_callback(self._flushes.discard)
        return await future

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                answers = await _answer_together(batch)
            except Exception as error:  # One bad message must not cost the others: each then goes alone.
                log.warning("batch_fell_apart", size=len(batch), error=type(error).__name__)
                answers = [None] * len(batch)
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(answer)
        self._under_way -= 1

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._flushes)


async def _take_alone(arrival: Arrival) -> str:
    async with database.in_transaction():
        claimed = await claim([arrival.once_key])
        if not claimed:
            return (await _replies([arrival.once_key])).get(arrival.once_key, "")
        reply = await conversations.receive(arrival.speaker, arrival.said)
        reply = dataclasses.replace(reply, text=rendered(arrival.source, reply), options=())
        await store([(arrival, reply)], claimed)
        return reply.text


async def _answer_together(batch: Sequence[_Waiting]) -> list[str | None]:
    """One transaction for all: claim the keys, answer, store. None for whoever goes the longer way."""
    async with database.in_transaction():
        claimed = await claim([w.arrival.once_key for w in batch])
        first: dict[str, _Waiting] = {}
        for waiting in batch:
            if waiting.arrival.once_key in claimed:
                first.setdefault(waiting.arrival.once_key, waiting)
        replies = await conversations.answer_from_record([w.question for w in first.values()])
        texts: dict[str, str] = {}
        done: list[tuple[Arrival, Reply]] = []
        longer: list[str] = []
        for (key, waiting), reply in zip(first.items(), replies, strict=True):
            if reply is None:
                longer.append(key)
            else:
                done.append((waiting.arrival, reply))
                texts[key] = reply.text
        if longer:
            await database.execute("delete from inbox_key where once_key = any($1::text[])", longer)
        await store(done, claimed)
        repeated = [w.arrival.once_key for w in batch if w.arrival.once_key not in claimed]
        texts |= await _replies(repeated) if repeated else {}
    return [texts.get(w.arrival.once_key) for w in batch]


async def claim(keys: Sequence[str]) -> Claims:
    """Those of the keys that come for the first time, claimed on the caller's transaction."""
    # Sorted, so that two batches with keys in common wait for each other and do not deadlock.
    ids, at = {key: new_id() for key in sorted(set(keys))}, clock.now()
    rows = await database.fetch(CLAIM, list(ids), list(ids.values()), at)
    return Claims({row["once_key"]: ids[row["once_key"]] for row in rows}, at)


async def _replies(keys: Sequence[str]) -> dict[str, str]:
    rows = await database.fetch(REPLIES, list(keys))
    return {r["once_key"]: vault().ring.open_text(r["reply"], REPLY_SEAL) if r["reply"] else "" for r in rows}


async def store(taken: Sequence[tuple[Arrival, Reply]], claims: Claims) -> None:
    """The raw rows, sealed, with what was answered; and the windows in which we may write back."""
    if not taken:
        return
    ring = vault().ring
    known = [(a, r) for a, r in taken if r.identity_id is not None and a.source in {"oa", "mp"}]
    await database.execute(
        STORE,
        [claims.ids[a.once_key] for a, _ in taken],
        [a.source for a, _ in taken],
        [a.kind[:48] for a, _ in taken],
        [r.identity_id for _, r in taken],
        [r.outcome[:24] for _, r in taken],
        [ring.seal(a.body, BODY) for a, _ in taken],
        [ring.seal_text(r.text, REPLY_SEAL) if r.text else None for _, r in taken],
        claims.at,  # The key names the row's partition by this instant too.
        [r.identity_id for a, r in known if a.writes],
        [r.identity_id for a, r in known if not a.writes],
        claims.at - WINDOW_KNOWN,
    )
    # A mini-program shows nothing of what a callback is answered: its replies go out as customer-service messages.
    replies = [
        {"identity_id": r.identity_id, "inbox_id": claims.ids[a.once_key], "at": claims.at.isoformat()}
        for a, r in known
        if a.source == "mp" and r.text
    ]
    await jobs.enqueue_many(CHAT_REPLY, replies, priority=9)


async def prune(limit: int = 50_000) -> int:
    """Drop once-only keys older than a week: no platform repeats for longer than seconds."""
    tag = await database.execute(
        "delete from inbox_key where once_key in (select once_key from inbox_key where received_at < $1 limit $2)",
        clock.now() - KEYS_KEPT,
        limit,
    )
    return int(tag.split()[-1])
