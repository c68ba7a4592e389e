"""The local platform over real HTTP, and a small receiver in the product's place that records and answers callbacks."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.app import create_app
from sandbox.config import DEMO_MP, DEMO_OA, SandboxConfig


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(app: ASGIApp, port: int) -> Iterator[str]:
    """The app on a real port, in a thread of its own."""
    config = uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@dataclass(frozen=True)
class Received:
    """One callback as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    content_type: str


Answering = Callable[[Received], tuple[int, str]]


@dataclass
class Receiver:
    """Stands where the product would: `answer` decides status and body; `delay` in seconds comes before it."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answer: Answering = field(default=lambda _: (200, "success"))
    delay: float = 0.0

    def app(self) -> ASGIApp:
        async def take(request: Request) -> Response:
            body = (await request.body()).decode()
            content_type = request.headers.get("content-type", "")
            got = Received(request.method, request.url.path, dict(request.query_params), body, content_type)
            self.received.append(got)
            if self.delay:
                await asyncio.sleep(self.delay)
            status, text = self.answer(got)
            return Response(text, status)

        return Starlette(routes=[Route("/{path:path}", take, methods=["GET", "POST"])])

    def of(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    def wait(self, path: str, count: int = 1) -> list[Received]:
        """The callbacks to a path, as soon as there are `count` of them."""
        deadline = time.monotonic() + 5
        while len(self.of(path)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.of(path)


class Platform:
    """The platform as the tests drive it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.url = url
        self._tokens: dict[str, str] = {}

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A control call that must succeed."""
        response = self.http.request(method, f"/control{path}", json=body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def phone(self, phone_id: str = "victim", name: str = "周晓禾", number: str = "19900000001") -> dict[str, Any]:
        made: dict[str, Any] = self.control("PUT", f"/phones/{phone_id}", {"name": name, "phone_number": number})
        return made

    def act(self, phone_id: str, action: str, body: Any = None, wait: float = 5) -> dict[str, Any]:
        done: dict[str, Any] = self.control("POST", f"/phones/{phone_id}/{action}?wait={wait}", body)
        return done

    def follower(self, phone_id: str = "victim", number: str = "19900000001") -> dict[str, Any]:
        self.phone(phone_id, number=number)
        self.act(phone_id, "follow")
        found: dict[str, Any] = self.control("GET", f"/phones/{phone_id}")
        return found

    def feed(self, phone_id: str = "victim", **wanted: Any) -> list[dict[str, Any]]:
        query = "&".join(f"{key}={value}" for key, value in wanted.items())
        found: list[dict[str, Any]] = self.control("GET", f"/phones/{phone_id}/feed?{query}")["entries"]
        return found

    def token(self, account: str) -> str:
        if account not in self._tokens:
            config = DEMO_OA if account == "oa" else DEMO_MP
            body = {"grant_type": "client_credential", "appid": config.app_id, "secret": config.secret}
            self._tokens[account] = self.http.post("/cgi-bin/stable_token", json=body).json()["access_token"]
        return self._tokens[account]

    def call(self, account: str, path: str, body: Any = None, *, method: str = "POST", **query: Any) -> dict[str, Any]:
        """One API call with the account's token, as the product makes it."""
        parameters = {"access_token": self.token(account)} | query
        response = self.http.request(method, path, params=parameters, json=body)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    def let_pass(self, seconds: float) -> None:
        self.control("PUT", "/clock", {"offset_seconds": self.control("GET", "/clock")["offset_seconds"] + seconds})


SETTINGS = {"mode": "safe", "format": "xml", "timeout": 0.3, "tries": 3, "enabled": True, "pages": []}
SMS_SETTINGS = {"report_delay": 0.01, "unknown_numbers": "fail", "timeout": 0.3, "tries": 3}


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    stand_in = Receiver()
    with served(stand_in.app(), free_port()) as stand_in.url:
        yield stand_in


@pytest.fixture(scope="session")
def platform_process(receiver: Receiver) -> Iterator[Platform]:
    port = free_port()
    with served(create_app(SandboxConfig(port=port, product=receiver.url)), port) as url:
        platform = Platform(url)
        yield platform
        platform.http.close()


@pytest.fixture
def platform(platform_process: Platform, receiver: Receiver) -> Platform:
    """A platform that remembers nobody, at real time, with short time-outs."""
    platform_process.control("POST", "/reset", {"templates": True})
    platform_process.control("PUT", "/clock", {"offset_seconds": 0})
    platform_process.control("PATCH", "/accounts/oa", SETTINGS)
    platform_process.control("PATCH", "/accounts/mp", SETTINGS)
    platform_process.control("PATCH", "/accounts/sms", SMS_SETTINGS)
    receiver.received.clear()
    receiver.delay = 0.0
    receiver.answer = lambda got: (200, '{"result": 0, "errmsg": "OK"}' if got.path.startswith("/sms/") else "success")
    return platform_process
