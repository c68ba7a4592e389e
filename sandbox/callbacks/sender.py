"""Sends callbacks to the product: 5 seconds, 3 tries, then the phone shows that the service is unavailable.

Source: 接入指南 and 被动回复消息. An unreachable server, a status other than 200 and silence are tried again;
a malformed answer is an answer, so it is not, but the person sees the same line.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.callbacks.envelope import BadEnvelope, encrypt, render, sign
from sandbox.callbacks.passive import Reply, read_reply
from sandbox.clock import iso
from sandbox.model import AccountKey, Entry, Phone
from sandbox.texts import MP_UNAVAILABLE, UNAVAILABLE
from sandbox.world import Sandbox

KEPT = 5000
REORDER_PATIENCE = 2.0
AFTER_THE_ANSWER = 0.01
"""Seconds that an event about a call waits, so that the call's answer is there first, as in production."""
RETRIED = ("timeout", "unreachable", "http_error", "lost")


@dataclass
class Try:
    """One POST to the product. `outcome`: empty, reply, malformed, http_error, timeout, unreachable, lost."""

    outcome: str
    status: int | None
    seconds: float
    body: str = ""
    copy: bool = False


@dataclass
class Delivery:
    """One callback. `state`: pending, answered, failed."""

    id: str
    number: int
    account: AccountKey
    phone: str
    name: str
    at: str
    body: dict[str, Any]
    state: str = "pending"
    tries: list[Try] = field(default_factory=list)


class Callbacks:
    """The platform's outgoing side for both WeChat accounts."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._numbers = itertools.count(1)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._held: list[asyncio.Event] = []
        self._session: aiohttp.ClientSession | None = None
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200))
        return self._session

    async def forget(self) -> None:
        """Stop what is under way and forget what was sent."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.deliveries.clear()

    async def close(self) -> None:
        await self.forget()
        if self._session:
            await self._session.close()

    def send(
        self,
        account: AccountKey,
        phone: Phone,
        body: dict[str, Any],
        *,
        entry: Entry | None = None,
        quiet: bool = False,
        after: float = 0.0,
    ) -> Delivery | None:
        """Start sending, `after` seconds from now. `entry` is what the person did; `quiet` events never show a failure
        on the phone. None where the account sends no callbacks."""
        if not self._sandbox.settings[account].enabled:
            return None
        number = next(self._numbers)
        name = str(body.get("Event") or body["MsgType"])
        at = iso(self._sandbox.clock.now())
        delivery = Delivery(f"d{number}", number, account, phone.id, name, at, body)
        self.deliveries.append(delivery)
        task = asyncio.create_task(self._deliver(delivery, phone, entry, quiet=quiet, after=after))
        self._tasks[delivery.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(delivery.id, None))
        return delivery

    async def finished(self, delivery: Delivery, seconds: float) -> None:
        """Wait until a callback is answered or given up, at most `seconds`."""
        if task := self._tasks.get(delivery.id):
            await asyncio.wait({task}, timeout=seconds)

    async def verify(self, account: AccountKey) -> tuple[bool, int | None]:
        """The GET with echostr that the console makes: (verified, HTTP status)."""
        settings = self._sandbox.settings[account]
        echo = secrets.token_hex(8)
        query = self._query(account) | {"echostr": echo}
        timeout = aiohttp.ClientTimeout(total=settings.timeout)
        try:
            async with self.session.get(settings.url, params=query, timeout=timeout) as response:
                return response.status == 200 and await response.text() == echo, response.status
        except (aiohttp.ClientError, TimeoutError):
            return False, None

    async def _deliver(
        self, delivery: Delivery, phone: Phone, entry: Entry | None, *, quiet: bool, after: float
    ) -> None:
        await asyncio.sleep(after)
        await self._disturb(delivery)
        reply, outcome = await self._try_all(delivery, phone)
        delivery.state = "answered" if outcome in ("reply", "empty") else "failed"
        self._sandbox.traffic.callbacks[f"{delivery.account} {delivery.state}"] += 1
        if entry:
            self._sandbox.feed.change_state(entry, "sent" if delivery.state == "answered" else "failed")
        if delivery.state == "failed" and not quiet:
            tip = UNAVAILABLE if delivery.account == "oa" else MP_UNAVAILABLE
            self._sandbox.feed.show(phone.id, delivery.account, "tip", tip)
        if reply and reply.kind != "transfer":
            self._sandbox.feed.show(phone.id, "oa", reply.kind, reply.text, reply.content | {"passive": True})
        self._sandbox.store.flush()

    async def _try_all(self, delivery: Delivery, phone: Phone) -> tuple[Reply | None, str]:
        settings = self._sandbox.settings[delivery.account]
        outcome = "unreachable"
        for number in range(1, settings.tries + 1):
            next_try = time.monotonic() + settings.timeout
            copies = self._copies(delivery, phone)
            reply, outcome = await self._try(delivery, phone)
            await asyncio.gather(*copies)
            if outcome not in RETRIED:
                return reply, outcome
            # A refused connection is known at once, but the next try keeps its place, so a restarting server is met.
            if number < settings.tries:
                await asyncio.sleep(max(next_try - time.monotonic(), 0))
        return None, outcome

    def _copies(self, delivery: Delivery, phone: Phone) -> list[asyncio.Task[tuple[Reply | None, str]]]:
        fault = self._sandbox.faults.take("duplicate_callback", account=delivery.account)
        extra = fault.copies - 1 if fault else 0
        return [asyncio.create_task(self._try(delivery, phone, copy=True)) for _ in range(extra)]

    async def _try(self, delivery: Delivery, phone: Phone, *, copy: bool = False) -> tuple[Reply | None, str]:
        started = time.monotonic()
        status, body, outcome = await self._post(delivery)
        reply = None
        if outcome == "answered":
            reply, outcome = self._read(delivery, phone, body)
            if not copy and self._sandbox.faults.take("lose_answer", account=delivery.account):
                reply, outcome = None, "lost"
        delivery.tries.append(Try(outcome, status, round(time.monotonic() - started, 4), body[:2000], copy))
        return reply, outcome

    def _read(self, delivery: Delivery, phone: Phone, body: str) -> tuple[Reply | None, str]:
        settings, config = self._sandbox.settings[delivery.account], self._sandbox.account_config(delivery.account)
        if delivery.account == "mp":
            # The mini-program takes no passive reply: `success` or nothing.
            return None, "empty" if body.strip() in ("", "success") else "malformed"
        try:
            reply = read_reply(body, phone.openid("oa"), settings, config)
        except BadEnvelope:
            return None, "malformed"
        return reply, "reply" if reply else "empty"

    async def _post(self, delivery: Delivery) -> tuple[int | None, str, str]:
        """(HTTP status, body, answered | http_error | timeout | unreachable)."""
        settings = self._sandbox.settings[delivery.account]
        query, body = self._signed(delivery)
        kind = "text/xml" if settings.format == "xml" else "application/json"
        timeout = aiohttp.ClientTimeout(total=settings.timeout)
        try:
            async with self.session.post(
                settings.url, params=query, data=body.encode(), headers={"Content-Type": kind}, timeout=timeout
            ) as response:
                text = (await response.read()).decode("utf-8", "replace")
                return response.status, text, "answered" if response.status == 200 else "http_error"
        except TimeoutError:
            return None, "", "timeout"
        except aiohttp.ClientError:
            return None, "", "unreachable"

    def _query(self, account: AccountKey) -> dict[str, str]:
        timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
        signature = sign(self._sandbox.settings[account].token, timestamp, nonce)
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce}

    def _signed(self, delivery: Delivery) -> tuple[dict[str, str], str]:
        """Query and body of one try, in the account's mode and format."""
        account, body = delivery.account, delivery.body
        settings, config = self._sandbox.settings[account], self._sandbox.account_config(account)
        query = self._query(account) | {"openid": str(body["FromUserName"])}
        if settings.mode == "plain":
            return query, render(body, settings.format)
        encrypted = encrypt(settings.aes_key, config.app_id, render(body, settings.format))
        query["encrypt_type"] = "aes"
        query["msg_signature"] = sign(settings.token, query["timestamp"], query["nonce"], encrypted)
        outer = body if settings.mode == "compatible" else {"ToUserName": body["ToUserName"]}
        return query, render(outer | {"Encrypt": encrypted}, settings.format)

    async def _disturb(self, delivery: Delivery) -> None:
        """Faults that change when a callback leaves."""
        if fault := self._sandbox.faults.take("delay_callback", account=delivery.account):
            await asyncio.sleep(fault.seconds)
        if fault := self._sandbox.faults.take("reorder_callbacks", account=delivery.account):
            await self._hold(fault.copies)

    async def _hold(self, count: int) -> None:
        """Hold this callback until `count` are held or patience ends; then the last one leaves first."""
        mine = asyncio.Event()
        self._held.append(mine)
        if len(self._held) >= count:
            held, self._held = self._held, []
            loop = asyncio.get_running_loop()
            for position, waiting in enumerate(reversed(held)):
                loop.call_later(0.02 * position, waiting.set)
        try:
            async with asyncio.timeout(REORDER_PATIENCE):
                await mine.wait()
        except TimeoutError:
            self._held = [waiting for waiting in self._held if waiting is not mine]
