"""One HTTP exchange with a platform: bounded in time and size, and honest about whether anything was sent.

The only place that knows the HTTP client and its errors. The client repeats a request by itself only where nothing of
it was written (the server had closed the kept-alive connection), so that a message is never sent twice underneath us.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    DetailedPyreqwestError,
    PoolTimeoutError,
    PyreqwestError,
)
from pyreqwest.http import Url
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from wechat.errors import Ambiguous, Busy, MalformedAnswer, Misconfigured, NotSent

__all__ = [
    "Answer",
    "Client",
    "Response",
    "Url",
    "address",
    "client",
    "content_type",
    "exchange",
    "json_object",
    "opened",
]

CONNECTIONS = 100
"""Calls under way at once in one process."""
CONNECT_SECONDS = 5.0
"""For connecting, and before that for a free connection."""
MAX_ANSWER = 4 * 1024 * 1024
"""Bytes; the largest genuine answer is the picture of a mini-program code."""


@dataclass(slots=True)
class Answer:
    """What came back, of HTTP status 200."""

    content_type: str
    body: bytes


def client(*, connections: int = CONNECTIONS, connect_seconds: float = CONNECT_SECONDS) -> Client:
    """A client with its own connections, for the length of a process; `async with` closes it. Nothing is sent yet.

    Neither proxies of the environment nor cookies: where we send is the settings' business alone, and the platforms
    know us by token. Redirects are not followed: they would carry the access token elsewhere.
    """
    waiting = timedelta(seconds=connect_seconds)
    builder = ClientBuilder().http1_only().no_proxy().follow_redirects(False).referer(False)
    return builder.max_connections(connections).pool_timeout(waiting).connect_timeout(waiting).build()


def address(text: str) -> Url:
    """Where to send, taken apart. Raises NotSent where it is no address."""
    try:
        return Url(text)
    except ValueError:
        # Without the text, which may hold a token.
        raise NotSent("no address") from None


@cache
def _within(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


_CONNECTING = "client error (Connect)"
"""Among the causes of an error that came before anything was written. The client's own classes do not tell: its
ConnectError is also what a server that hangs up after reading the request ends in."""


def _translation(error: Exception) -> NotSent | Ambiguous:
    """An error of the HTTP client as ours. Its text may hold an address with a token: only its class is kept."""
    name = type(error).__name__
    if isinstance(error, PoolTimeoutError | BuilderError):
        return NotSent(name)
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    connecting = any(cause["message"] == _CONNECTING for cause in causes or ())
    return NotSent(name) if connecting else Ambiguous(name)


@contextmanager
def _translated() -> Iterator[None]:
    """The HTTP client's errors as ours."""
    try:
        yield
    except (PyreqwestError, TimeoutError, OSError) as error:
        raise _translation(error) from None


@asynccontextmanager
async def opened(
    http: Client,
    method: str,
    url: str | Url,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 10.0,
) -> AsyncIterator[Response]:
    """A response whose status is 200, to be read within the block by `parts` or `read`.

    Raises NotSent, Ambiguous, Busy (429) or Misconfigured (3xx, another 4xx). `seconds` includes the reading, but not
    the wait for a free connection.
    """
    async with AsyncExitStack() as stack:
        with _translated():
            request = _request(http, method, url, params, body, headers, seconds)
            response = await stack.enter_async_context(request)
        _check_status(response.status)
        yield response


async def exchange(
    http: Client,
    method: str,
    url: str | Url,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 10.0,
) -> Answer:
    """Send one request and read its answer whole. Raises as `opened`, and MalformedAnswer beyond 4 MiB."""
    # As `opened`, spelt out: its context manager would be a tenth of what a send costs.
    try:
        async with _request(http, method, url, params, body, headers, seconds) as response:
            _check_status(response.status)
            return Answer(content_type(response), await read(response, MAX_ANSWER))
    except (PyreqwestError, TimeoutError, OSError) as error:
        raise _translation(error) from None


def _request(
    http: Client,
    method: str,
    url: str | Url,
    params: Mapping[str, str] | None,
    body: bytes | None,
    headers: Mapping[str, str] | None,
    seconds: float,
) -> StreamRequest:
    """Sent once it is entered."""
    request = http.request(method, address(url) if isinstance(url, str) else url).timeout(_within(seconds))
    if params:
        request = request.query(params)
    if headers:
        request = request.headers(headers)
    if body is not None:
        request = request.body_bytes(body)
    return request.build_streamed()


def content_type(response: Response) -> str:
    """The type that the platform claims, without its parameters, in lower case; empty where it claims none."""
    return (response.get_header("content-type") or "").partition(";")[0].strip().lower()


async def parts(response: Response, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises MalformedAnswer once it is longer than `limit` bytes, and Ambiguous."""
    size = 0
    while True:
        with _translated():
            part = await response.body_reader.read_chunk()
        if part is None:
            return
        size += len(part)
        if size > limit:
            raise MalformedAnswer("the answer is too long")
        yield bytes(part)


async def read(response: Response, limit: int) -> bytes:
    """The whole body. Raises as `parts`."""
    declared = response.get_header("content-length")
    if declared is not None and declared.isdecimal() and int(declared) <= limit:
        # The connection delivers no more than was declared; an unpacked body declares nothing, so that it is counted.
        with _translated():
            return bytes(await response.bytes())
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
