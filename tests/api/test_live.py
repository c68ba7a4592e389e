"""The stream of hints over HTTP, on the real server: its greeting, its end with the session, its share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from starlette.types import Message

from api.hub import CONNECTIONS, Live
from api.live import LiveResponse
from kit import hints
from kit.hints import Hint
from kit.ids import new_id
from kit.valkey import Redis
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import NotLoggedIn, TooOften

OFFICER = new_id()


class Page:
    """An open page: takes what the server sends, and stays until it goes."""

    def __init__(self, hub: Live) -> None:
        self.said: list[str] = []
        self.ended = False
        self.logged_in = True
        self._gone = asyncio.Event()
        self._task = asyncio.create_task(LiveResponse(hub, new_id(), self._caller)({}, self._receive, self._send))

    async def _caller(self) -> Actor:
        if not self.logged_in:
            raise NotLoggedIn
        return Actor(ActorKind.OFFICER, OFFICER)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.said.append(message["body"].decode())
            self.ended = not message["more_body"]

    async def hears(self, word: str) -> None:
        async with asyncio.timeout(5):
            while not any(word in said for said in self.said):  # noqa: ASYNC110 — said by another task.
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        self._gone.set()
        await self.over()

    async def over(self) -> None:
        async with asyncio.timeout(5):
            await self._task


@pytest.fixture
async def hub(redis: Redis, real_db: str) -> AsyncIterator[Live]:
    """One server process's."""
    live = Live(redis)
    async with live.following():
        yield live


async def tell(redis: Redis) -> UUID:
    """A change that concerns the officer."""
    subject = new_id()
    await redis.publish(hints.CHANNEL, hints.dump([Hint("visit", subject, others=(OFFICER,))]))
    return subject


async def test_a_page_is_greeted_and_told(hub: Live, redis: Redis) -> None:
    page = Page(hub)
    await page.hears("event: hello")
    subject = await tell(redis)
    await page.hears(f"visit:{subject}")
    await page.leave()
    assert not page.ended


async def test_a_quiet_line_is_still_followed(hub: Live, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.hub.BEAT_SECONDS", 0.05)
    page = Page(hub)
    await page.hears("event: beat")
    await asyncio.sleep(0.3)
    await page.hears(f"visit:{await tell(redis)}")
    await page.leave()


async def test_a_session_that_ended_hears_nothing_more(hub: Live, redis: Redis) -> None:
    page = Page(hub)
    await page.hears("event: hello")
    page.logged_in = False
    subject = await tell(redis)
    await page.over()
    assert page.ended
    assert not any(str(subject) in said for said in page.said)


async def test_a_server_that_stops_ends_its_lines(hub: Live) -> None:
    page = Page(hub)
    await page.hears("event: hello")
    hub.end()
    await page.over()
    assert page.ended


async def test_a_line_does_not_last_for_ever(redis: Redis, real_db: str) -> None:
    page = Page(Live(redis, longest=timedelta(0)))
    await page.over()
    assert page.ended


async def test_a_session_has_its_share_of_lines(hub: Live) -> None:
    session = new_id()
    open_lines = [hub.joined(session) for _ in range(CONNECTIONS)]
    for line in open_lines:
        line.__enter__()
    with pytest.raises(TooOften):
        hub.check_share(session)
    open_lines[0].__exit__(None, None, None)
    hub.check_share(session)
