"""The town, started once for all of the desk's stories, and browsers to look at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, StorageState, ViewportSize, async_playwright

from cli.installation import process_environment
from settings import get_settings
from tests.desk.browser import Desk, Faults

ROOT = Path(__file__).parents[2]
NORMAL: ViewportSize = {"width": 1366, "height": 768}


@dataclass
class TownThere:
    """Where the running town is, and who is in it."""

    desk: str
    platform: str
    officers: dict[str, str]
    cases: list[str]
    phones: list[list[str]]
    machine: list[str]
    """The case system's id and secret."""
    station: str
    proof_key: str
    """The public one, with which the inspector's proofs are checked."""

    async def write(self, phone: int, text: str) -> None:
        """A citizen writes to the official account from one of the telephones."""
        async with httpx.AsyncClient(base_url=self.platform) as client:
            path = f"/control/phones/{self.phones[phone][1]}/messages"
            sent = await client.post(path, json={"type": "text", "content": text}, params={"wait": "10"}, timeout=20)
            sent.raise_for_status()

    async def text_back(self, phone: int, text: str) -> None:
        """A citizen answers by SMS."""
        async with httpx.AsyncClient(base_url=self.platform) as client:
            sent = await client.post(f"/control/phones/{self.phones[phone][1]}/sms", json={"text": text}, timeout=20)
            assert sent.json()["taken"]

    async def latest(self, phone: int) -> int:
        """The place of the last that a telephone shows by now."""
        async with httpx.AsyncClient(base_url=self.platform) as client:
            shown = await client.get(f"/control/phones/{self.phones[phone][1]}/feed", timeout=20)
            return int(shown.json()["last"])

    async def reads(self, phone: int, words: str, after: int = 0) -> dict[str, Any]:
        """What one of the telephones shows with these words, once it does; `seq` is its place among all it shows."""
        wanted = {"contains": words, "direction": "to_phone", "after": str(after), "wait": "20"}
        async with httpx.AsyncClient(base_url=self.platform) as client:
            path = f"/control/phones/{self.phones[phone][1]}/feed"
            shown = (await client.get(path, params=wanted, timeout=30)).json()["entries"]
            if not shown:
                found = (await client.get(path, timeout=30)).json()["entries"]
                raise AssertionError(f"{words} is not among {[each['text'] for each in found][-6:]}")
            first: dict[str, Any] = shown[0]
            return first


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownThere]:
    """Up for as long as the run lasts."""
    assert (ROOT / "desk" / "dist" / "index.html").exists(), "run `make desk` first"
    home = tmp_path_factory.mktemp("town")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.desk.town", str(home)],
        cwd=ROOT,
        env=process_environment(get_settings()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the town did not start; logs in {home}/logs"
        yield TownThere(**json.loads(line))
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for the run; each officer has a context of their own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("STEWARD_CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def logins() -> dict[str, StorageState]:
    """Sessions that officers have opened before: a code of the second factor holds once."""
    return {}


Officers = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def officer(town: TownThere, chromium: Browser, logins: dict[str, StorageState]) -> AsyncIterator[Officers]:
    """`await officer("steward")`: at the desk, logged in. At the end nothing may have gone wrong on any page."""
    opened: list[Desk] = []

    async def come(name: str, path: str = "/", *, again: bool = False, **options: Any) -> Desk:
        state = None if again else logins.get(name)
        options = {"viewport": NORMAL, "storage_state": state, "locale": "zh-CN", **options}
        context = await chromium.new_context(**options)
        context.set_default_timeout(15_000)
        desk = Desk(town.desk, town.officers[name], context, await context.new_page(), Faults())
        desk.faults.watch(desk.page)
        opened.append(desk)
        await desk.open(path)
        if state is None:
            await desk.log_in()
        if not again:
            logins[name] = await context.storage_state()
        return desk

    yield come
    for desk in opened:
        await desk.context.close()
    assert [fault for desk in opened for fault in desk.faults.seen] == []
