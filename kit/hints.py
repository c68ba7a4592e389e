"""Hints that something has changed, for whoever has it on the screen: published after the commit, and may be lost.

A hint holds ids only, and says not what changed but where to look again. Every process publishes on one Valkey channel;
every server process listens on it (`api.live`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog

from kit import database
from kit.valkey import Redis, RedisError

log = structlog.get_logger(__name__)

CHANNEL = "hints"
WAITING = 5_000
"""Hints of this process that may wait for Valkey; further ones are dropped."""
TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Hint:
    """What changed, in which case and unit; `others` are ids of further officers it may concern."""

    kind: str
    subject_id: UUID
    case_id: UUID | None = None
    unit_id: UUID | None = None
    others: tuple[UUID, ...] = ()


def dump(hints: Iterable[Hint]) -> bytes:
    """Several hints as one message."""
    return orjson.dumps([[h.kind, h.subject_id, h.case_id, h.unit_id, h.others] for h in hints], default=str)


def load(data: bytes) -> list[Hint]:
    """The inverse of `dump`."""
    return [
        Hint(kind, UUID(subject), _uuid(case), _uuid(unit), tuple(UUID(each) for each in others))
        for kind, subject, case, unit, others in orjson.loads(data)
    ]


def _uuid(value: Any) -> UUID | None:
    return UUID(value) if value else None


class _Publisher:
    """Sends without making a command wait for it: what gathers while one message is under way goes with the next."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: dict[Hint, None] = {}
        self._sending: asyncio.Task[None] | None = None

    def send(self, hint: Hint) -> None:
        if len(self._waiting) < WAITING:
            self._waiting[hint] = None
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            together = list(self._waiting)[:TOGETHER]
            for hint in together:
                del self._waiting[hint]
            try:
                await self._redis.publish(CHANNEL, dump(together))
            except (RedisError, OSError) as error:
                self._waiting.clear()
                log.warning("hints_not_published", error=type(error).__name__)

    async def finish(self) -> None:
        if self._sending is not None:
            await self._sending


_publisher: _Publisher | None = None


def tell(hint: Hint) -> None:
    """Publish once the current transaction is committed; nothing where it is rolled back, or in a process without."""
    if _publisher is not None:
        database.after_commit(lambda: _send(hint))


def _send(hint: Hint) -> None:
    if _publisher is not None:
        _publisher.send(hint)


@contextlib.asynccontextmanager
async def published(redis: Redis) -> AsyncIterator[None]:
    """For the length of the block, this process publishes its hints; those under way at the end are sent."""
    global _publisher  # noqa: PLW0603 — one for each process, as the database's pool is.
    _publisher = mine = _Publisher(redis)
    try:
        yield
    finally:
        _publisher = None
        await mine.finish()
