"""Small servers that misbehave, for what the local platform does not: half-closed connections, endless bodies."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from wechat.wire import Client, client


@dataclass
class Served:
    """A server, a client for it, and the requests it has read."""

    url: str
    http: Client
    requests: list[bytes] = field(default_factory=list)


@contextlib.asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Served]:
    """A well-behaved HTTP server with one answer for every request."""

    async def recorded(request: web.Request) -> web.StreamResponse:
        served.requests.append(f"{request.method} {request.path_qs}".encode())
        return await handler(request)

    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", recorded)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with client() as http:
        served = Served(f"http://127.0.0.1:{port}", http)
        try:
            yield served
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def raw_serving(answer: Callable[[asyncio.StreamWriter, int], Awaitable[None]]) -> AsyncIterator[Served]:
    """A server that reads whole requests and then writes what `answer` writes; closes when `answer` does.

    `answer` is given the number of requests read so far on all connections.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    head = await reader.readuntil(b"\r\n\r\n")
                    served.requests.append(head + await reader.readexactly(_length(head)))
                    await answer(writer, len(served.requests))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client() as http:
        served = Served(f"http://127.0.0.1:{port}", http)
        try:
            yield served
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: *(\d+)", head.lower())
    return int(found[1]) if found else 0
