"""One HTTP exchange with a platform: bounded in time and size, and honest about whether anything was sent.

The only place that knows the HTTP client's errors. aiohttp repeats a request by itself only for GET (on a kept-alive
connection that the server has just closed), so that a message is never sent twice underneath us.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache

import aiohttp
import orjson
from yarl import URL

from wechat.errors import Ambiguous, Busy, MalformedAnswer, Misconfigured, NotSent

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes; the largest genuine answer is the picture of a mini-program code."""
CONNECT_SECONDS = 5.0


@dataclass(slots=True)
class Answer:
    """What came back, of HTTP status 200."""

    content_type: str
    body: bytes


@cache
def timeouts(total: float) -> aiohttp.ClientTimeout:
    """Connecting may take 5 s of `total`, waiting for a free connection included."""
    return aiohttp.ClientTimeout(total=total, connect=min(CONNECT_SECONDS, total / 2), ceil_threshold=60)


def _translation(error: Exception) -> NotSent | Ambiguous:
    """An error of the HTTP client as ours. Its text may hold an address with a token: only its class is kept."""
    before = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
    return NotSent(type(error).__name__) if isinstance(error, before) else Ambiguous(type(error).__name__)


@contextmanager
def _translated() -> Iterator[None]:
    """The HTTP client's errors as ours."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _translation(error) from None


@asynccontextmanager
async def opened(
    http: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 10.0,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A response whose status is 200, to be read within the block by `parts` or `read`.

    Raises NotSent, Ambiguous, Busy (429) or Misconfigured (3xx, another 4xx). Redirects are not followed: they would
    carry the access token elsewhere. `seconds` includes the reading.
    """
    with _translated():
        response = await http.request(
            method, url, params=params, data=body, headers=headers, timeout=timeouts(seconds), allow_redirects=False
        )
    async with response:
        _check_status(response.status)
        yield response


async def exchange(
    http: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 10.0,
) -> Answer:
    """Send one request and read its answer whole. Raises as `opened`, and MalformedAnswer beyond 4 MiB."""
    # As `opened`, spelt out: its context manager would be a tenth of what a send costs.
    try:
        response = await http.request(
            method, url, params=params, data=body, headers=headers, timeout=timeouts(seconds), allow_redirects=False
        )
        async with response:
            _check_status(response.status)
            return Answer(response.content_type, await read(response, MAX_ANSWER))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _translation(error) from None


async def parts(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises MalformedAnswer once it is longer than `limit` bytes, and Ambiguous."""
    incoming = aiter(response.content.iter_any())
    size = 0
    while True:
        with _translated():
            part = await anext(incoming, b"")
        if not part:
            return
        size += len(part)
        if size > limit:
            raise MalformedAnswer("the answer is too long")
        yield part


async def read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body. Raises as `parts`."""
    declared = response.content_length
    if declared is not None and declared <= limit and "Content-Encoding" not in response.headers:
        # The connection delivers no more than was declared; an unpacked body could be longer, so that is counted.
        try:
            return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _translation(error) from None
    return b"".join([part async for part in parts(response, limit)])


def json_object(body: bytes) -> dict[str, object]:
    """The answer as a JSON object. Raises MalformedAnswer."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedAnswer("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise MalformedAnswer("the answer is no JSON object")
    return found


def _check_status(status: int) -> None:
    """200 passes. After a 5xx nobody knows what happened behind the proxy; a 3xx or 4xx refuses beforehand."""
    if status == 200:
        return
    if status == 429:
        raise Busy("http 429")
    if 300 <= status < 500:
        raise Misconfigured(f"http {status}")
    raise Ambiguous(f"http {status}")
