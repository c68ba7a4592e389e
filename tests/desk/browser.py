"""An officer's browser: logs in with the second factor, and lets nothing go wrong unseen."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import pyotp
from playwright.async_api import BrowserContext, ConsoleMessage, Page, Response, expect

from demo.load import PASSWORD, TOTP_SECRET
from kit import clock

REFUSED = re.compile(r"status of 4\d\d")
OFFLINE = re.compile(r"ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_FAILED")
"""What Chromium writes for a request that was refused or could not be made; the page says it to the officer."""


@dataclass
class Faults:
    """What no page may have: errors on the console, unhandled rejections, answers that say the server failed."""

    seen: list[str] = field(default_factory=list)
    may_be_offline: bool = False

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"unhandled: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error" or REFUSED.search(message.text):
            return
        if not (self.may_be_offline and OFFLINE.search(message.text)):
            self.seen.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.seen.append(f"{response.status} {response.url}")


@dataclass
class Desk:
    """One officer at one computer."""

    address: str
    number: str
    context: BrowserContext
    page: Page
    faults: Faults

    async def log_in(self) -> None:
        """By the login page, where it is shown. A code counts once: used up, the next step's is taken or waited for."""
        inside = self.page.get_by_role("navigation", name="主导航")
        refused = self.page.get_by_role("alert")
        for ahead in (0, 1, 1):
            await self.enter(code_now(ahead))
            await expect(inside.or_(refused).first).to_be_visible()
            if await inside.is_visible():
                return
            if ahead:
                await asyncio.sleep(30)
        raise AssertionError(f"{self.number} could not log in")

    async def enter(self, code: str) -> None:
        """Fill in the login page and send it."""
        await self.page.get_by_label("警号").fill(self.number)
        await self.page.get_by_label("密码").fill(PASSWORD)
        await self.page.get_by_label("动态验证码").fill(code)
        async with self.page.expect_response("**/api/v1/sessions/officer"):
            await self.page.get_by_role("button", name="登录").click()

    async def open(self, path: str) -> None:
        await self.page.goto(self.address + path)


def code_now(ahead: int = 0, secret: str = TOTP_SECRET) -> str:
    """What the authenticator shows, in real time."""
    return pyotp.TOTP(secret).at(clock.real_now(), counter_offset=ahead)
