"""The open pages of one server process, and what each is to be told: fed by one subscription to the hints."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from kit import hints
from kit.hints import Hint
from kit.valkey import Redis, RedisError
from stewardship import live
from stewardship.foundation.errors import TooOften

log = structlog.get_logger(__name__)

BEAT_SECONDS = 10.0
LONGEST = timedelta(minutes=15)
"""Then a page looks for a server anew: after a restart they would all stay with one."""
CONNECTIONS = 8
"""Open pages of one session; a browser keeps six lines to one host anyway."""
GATHER_SECONDS = 0.05
TOGETHER_SECONDS = 0.1
AT_ONCE = 500
AGAIN_SECONDS = 1.0
EVERYTHING = frozenset({"queue", "cases", "figures", "case", "inquiry"})
"""What to look at again where hints may have been missed: the first words of all topics."""


class Line:
    """One open page: what its officer follows, and the topics it has not been told of yet."""

    def __init__(self) -> None:
        self.interests = live.Interests(None, frozenset())
        self._topics: set[str] = set()
        self._woken = asyncio.Event()

    def tell(self, topics: frozenset[str]) -> None:
        self._topics |= topics
        self._woken.set()

    async def topics(self) -> list[str]:
        """What came since the last time, several changes at once together; nothing after a beat's silence."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                await self._woken.wait()
                await asyncio.sleep(TOGETHER_SECONDS)
        self._woken.clear()
        topics, self._topics = sorted(self._topics), set()
        return topics


class Live:
    """The open pages of one server process, fed by one subscription."""

    def __init__(self, redis: Redis, longest: timedelta = LONGEST) -> None:
        self.longest = longest.total_seconds()
        self.ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._redis = redis
        self._lines: dict[UUID, list[Line]] = {}

    def check_share(self, session_id: UUID) -> None:
        """Raises TooOften where the session has as many lines as one may have."""
        if len(self._lines.get(session_id, ())) >= CONNECTIONS:
            raise TooOften("live_lines", "打开的页面太多", "请关闭不用的页面。", retry_after=int(BEAT_SECONDS))

    @contextlib.contextmanager
    def joined(self, session_id: UUID) -> Iterator[Line]:
        """A line for the length of the block."""
        lines, line = self._lines.setdefault(session_id, []), Line()
        lines.append(line)
        try:
            yield line
        finally:
            lines.remove(line)
            if not lines:
                self._lines.pop(session_id, None)

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """For the length of the block, hints are passed on."""
        self._loop = asyncio.get_running_loop()
        _running.add(self)
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            # The client may take a cancellation for a broken connection, and go on: ask until it ends.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=AGAIN_SECONDS)

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                log.warning("live_away", error=type(error).__name__)
            except Exception:
                log.exception("live_failed")
            await asyncio.sleep(AGAIN_SECONDS)
            self._tell_everybody(EVERYTHING)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(hints.CHANNEL)
            while True:
                message = await channel.get_message(timeout=BEAT_SECONDS)
                if message is None:
                    await channel.ping()
                found = _hints_in(message)
                await asyncio.sleep(GATHER_SECONDS if found else 0)
                while found and len(found) < AT_ONCE and (more := await channel.get_message(timeout=0)):
                    found += _hints_in(more)
                await self.pass_on(found)

    async def pass_on(self, found: list[Hint]) -> None:
        """To every line whose officer they concern."""
        lines = [line for several in self._lines.values() for line in several]
        if not lines:
            return
        for concern in await live.concerns_of(found):
            for line in lines:
                if line.interests.include(concern):
                    line.tell(concern.topics)

    def end(self) -> None:
        """Every line ends now, and every later one at once. Callable from a signal handler."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.ending.set)

    def _tell_everybody(self, topics: frozenset[str]) -> None:
        for several in self._lines.values():
            for line in several:
                line.tell(topics)


def _hints_in(message: dict[str, Any] | None) -> list[Hint]:
    """None in the answer to a ping."""
    return hints.load(message["data"]) if message and message["type"] == "message" else []


_running: weakref.WeakSet[Live] = weakref.WeakSet()


def end_all() -> None:
    """The process is told to stop: open lines end, or it would wait for them. Safe in a signal handler."""
    for each in _running:
        each.end()
