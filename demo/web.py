"""HTTP as the story speaks it: JSON in and out, and an answer that was not expected ends the story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from demo.checks import StoryFailed

TIMEOUT = aiohttp.ClientTimeout(total=70)
"""Longer than the longest long poll."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its body as JSON."""

    status: int
    body: Any
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def code(self) -> str:
        """The problem's stable code, or empty."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Web:
    """One base address. Cookies are kept by whoever logs in, not here: one client speaks for many people."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, whatever it is. Raises StoryFailed where none comes."""
        try:
            async with self._session.request(
                method, self._base_url + path, json=body, params=query, headers=headers, timeout=TIMEOUT
            ) as response:
                content = await response.read()
                cookies = {name: morsel.value for name, morsel in response.cookies.items()}
                return Answer(response.status, _json(content), cookies)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoryFailed(f"{method} {path} 没有回应：{type(error).__name__}") from error

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The body of an answer that must be a success. Raises StoryFailed."""
        answer = await self.send(method, path, body, query=query, headers=headers)
        if not 200 <= answer.status < 300:
            raise StoryFailed(f"{method} {path} 回应 {answer.status} {_short(answer.body)}")
        return answer.body


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")


def _short(body: Any) -> str:
    return orjson.dumps(body).decode()[:400] if body is not None else ""
