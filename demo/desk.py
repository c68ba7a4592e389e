"""An officer at the desk: logs in by HTTP with number, password and authenticator code, and works through the API."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pyotp

from demo.checks import StoryFailed, check, same
from demo.city import CityOfficer
from demo.load import PASSWORD, TOTP_SECRET
from demo.phones import API
from demo.web import Answer, Web
from kit import clock

STEP = 30
TOO_OFTEN = 429
LOGIN = f"{API}/sessions/officer"


class Desk:
    """One officer's browser."""

    def __init__(self, product: Web, officer: CityOfficer, officer_id: UUID) -> None:
        self._product = product
        self.officer, self.id = officer, officer_id
        self._headers: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self.officer.name

    async def log_in(self) -> None:
        """Log in. A code counts once: after a login within the same half minute, the next step's code is used."""
        for ahead in (0, 1, 1):
            answer = await self._try(_code(ahead))
            if answer.status == 201:
                self._keep(answer)
                return
            check(answer.status != TOO_OFTEN, "15 分钟内登录太多次（限 10 次），请稍后再演")
            same((answer.status, answer.code), (401, "login_failed"), f"{self.name} 登录")
            if ahead:
                await asyncio.sleep(STEP)
        raise StoryFailed(f"{self.name}（{self.officer.number}）登录不上")

    async def is_refused_with_wrong_code(self) -> bool:
        """Whether a code that is not the authenticator's opens nothing."""
        wrong = f"{(int(_code(0)) + 500_000) % 1_000_000:06d}"
        answer = await self._try(wrong)
        return (answer.status, answer.code) == (401, "login_failed") and not answer.cookies

    async def _try(self, code: str) -> Answer:
        body = {"number": self.officer.number, "password": PASSWORD, "code": code}
        return await self._product.send("POST", LOGIN, body)

    def _keep(self, answer: Answer) -> None:
        check(answer.cookies.get("steward_session"), f"{self.name} 登录后没有得到会话")
        pairs = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        self._headers = {"Cookie": pairs, "X-CSRF-Token": answer.body["csrf_token"]}

    async def get(self, path: str, **query: str) -> Any:
        """A page that must open."""
        return await self._product.call("GET", API + path, query=query, headers=self._headers)

    async def all_of(self, path: str, **query: str) -> list[Any]:
        """Every item of a list, page after page."""
        items: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, **query, **cursor)
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = {"cursor": page["next"]}

    async def post(self, path: str, body: Any = None) -> Any:
        """An action that must succeed."""
        return await self._product.call("POST", API + path, body, headers=self._headers)

    async def attempt(self, method: str, path: str, body: Any = None) -> Answer:
        """Something that may be refused."""
        return await self._product.send(method, API + path, body, headers=self._headers)


def current_code() -> str:
    """What the authenticator of every officer of the demonstration city shows now."""
    return _code(0)


def _code(ahead: int) -> str:
    """The authenticator's code of the step now, or of a later one, in real time."""
    return pyotp.TOTP(TOTP_SECRET).at(clock.real_now(), counter_offset=ahead)
