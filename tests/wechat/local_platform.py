"""The local WeChat and SMS platform as a process of its own, for tests that talk to it over HTTP."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from wechat.wire import Client

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"
"""Where callbacks go in these tests: refused at once."""


@dataclass(frozen=True)
class LocalPlatform:
    """Its address, and its control interface for playing the people and the faults."""

    url: str
    http: Client

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API. See `sandbox/README.md`."""
        request = self.http.request(method, f"{self.url}/control{path}").body_json(body)
        response = await request.build().send()
        content = bytes(await response.bytes())
        assert response.status < 400, content
        return orjson.loads(content) if content else None

    async def fault(self, kind: str, path: str = "", **more: Any) -> None:
        """The next call meets this fault."""
        await self.control("POST", "/faults", {"kind": kind} | ({"path": path} if path else {}) | more)

    async def calls(self, path: str) -> list[Any]:
        """What the product has called so far."""
        found: list[Any] = (await self.control("GET", f"/requests?path={path}"))["requests"]
        return found


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start it on a free port; its address. Stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--product", NOBODY]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/control/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, "the local platform ended at once"
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address):  # noqa: S310 — our own address.
            return
        time.sleep(0.05)
    raise TimeoutError(address)
