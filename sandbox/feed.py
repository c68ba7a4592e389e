"""What the phones show, in one sequence, and those who wait for it: long polls and open pages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.clock import Clock, iso
from sandbox.model import Channel, Direction, Entry
from sandbox.store import Store

PAGE = 500
"""Entries in one answer."""


@dataclass(frozen=True)
class Wanted:
    """Which entries a caller asks for; empty fields want all."""

    after: int = 0
    phone: str = ""
    channel: str = ""
    direction: str = ""
    kind: str = ""
    contains: str = ""

    def matches(self, entry: Entry) -> bool:
        return (
            entry.seq > self.after
            and (not self.phone or entry.phone == self.phone)
            and (not self.channel or entry.channel == self.channel)
            and (not self.direction or entry.direction == self.direction)
            and (not self.kind or entry.kind == self.kind)
            and self.contains in entry.text
        )


class Hub:
    """Tells open pages (server-sent events) and long polls that something has changed."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[tuple[str, str]]] = set()
        self._changed = asyncio.Event()

    def publish(self, event: str, data: Any) -> None:
        """`event` names the kind (entry, phone, clock …); `data` is a JSON value or a dataclass."""
        text = orjson.dumps(data).decode() if self._queues else ""
        for queue in self._queues:
            # A page that stopped reading would otherwise keep everything; it reloads when it comes back.
            if queue.qsize() < 10_000:
                queue.put_nowait((event, text))
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, seconds: float) -> bool:
        """Waits until anything is published; False when `seconds` passed first."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[tuple[str, str]]]:
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)


class Feed:
    """All entries of all phones, oldest first."""

    def __init__(self, store: Store, clock: Clock, hub: Hub) -> None:
        self._store = store
        self._clock = clock
        self._hub = hub
        self._entries: list[Entry] = [Entry(**document) for document in store.load("entry")]
        self._by_seq = {entry.seq: entry for entry in self._entries}
        self.last = self._entries[-1].seq if self._entries else 0

    def show(
        self,
        phone: str,
        channel: Channel,
        kind: str,
        text: str,
        content: dict[str, Any] | None = None,
        *,
        direction: Direction = "to_phone",
    ) -> Entry:
        """The phone shows something new."""
        self.last += 1
        at = iso(self._clock.now())
        entry = Entry(self.last, phone, at, channel, direction, kind, text, content or {})
        self._entries.append(entry)
        self._by_seq[entry.seq] = entry
        self._save(entry)
        return entry

    def change_state(self, entry: Entry, state: str) -> None:
        """`sent`, `failed` … of something the person did."""
        entry.state = state
        self._save(entry)

    def _save(self, entry: Entry) -> None:
        self._store.put("entry", f"{entry.seq:012d}", entry)
        self._hub.publish("entry", entry)

    def get(self, seq: int) -> Entry | None:
        return self._by_seq.get(seq)

    def find(self, wanted: Wanted, limit: int = PAGE) -> list[Entry]:
        """The oldest `limit` entries that match."""
        found: list[Entry] = []
        for entry in self._since(wanted.after):
            if wanted.matches(entry):
                found.append(entry)
                if len(found) == limit:
                    break
        return found

    def _since(self, after: int) -> Iterator[Entry]:
        """Sequence numbers have no gaps except after a phone was deleted, so the start is found by stepping back."""
        start = len(self._entries)
        while start > 0 and self._entries[start - 1].seq > after:
            start -= 1
        return iter(self._entries[start:])

    async def wait(self, wanted: Wanted, seconds: float) -> list[Entry]:
        """As `find`, but waits up to `seconds` for the first match."""
        deadline = self._clock.real() + seconds
        while not (found := self.find(wanted)):
            if not await self._hub.change(deadline - self._clock.real()):
                break
        return found

    def forget(self, phone: str | None = None) -> None:
        """Removes one phone's entries, or all. Sequence numbers are not used again."""
        gone = [entry for entry in self._entries if phone in (None, entry.phone)]
        self._entries = [entry for entry in self._entries if phone not in (None, entry.phone)]
        for entry in gone:
            del self._by_seq[entry.seq]
            self._store.remove("entry", f"{entry.seq:012d}")


async def server_sent_events(hub: Hub, first: Any) -> AsyncIterator[str]:
    """The stream for an open page: `first` as event `hello`, then every change; a comment every 15 s keeps it open."""
    with hub.subscribe() as queue:
        yield f"event: hello\ndata: {orjson.dumps(first).decode()}\n\n"
        while True:
            try:
                async with asyncio.timeout(15):
                    event, data = await queue.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            yield f"event: {event}\ndata: {data}\n\n"
