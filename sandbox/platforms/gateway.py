"""The common way of every WeChat API call: faults, access token, quota, body, handler, error, log.

A module of this package lists its `Endpoint`s; `WechatGateway` serves them. The body is read raw: SDKs post JSON
without a Content-Type.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox import ids
from sandbox.callbacks.sender import Callbacks
from sandbox.clock import iso
from sandbox.errors import PlatformError
from sandbox.faults import Fault
from sandbox.model import AccountKey
from sandbox.world import Sandbox

MAX_BODY = 20 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """One call of the product, as a handler sees it. `data` is the parsed JSON body, empty for GET and uploads."""

    sandbox: Sandbox
    callbacks: Callbacks
    account: AccountKey
    query: dict[str, str]
    data: dict[str, Any]
    request: Request

    def need(self, name: str, errcode: int = 47001) -> Any:
        """A field of the body. Raises PlatformError `errcode` where it is missing or empty."""
        value = self.data.get(name)
        if value in (None, ""):
            raise PlatformError(errcode, f"{name} is missing" if errcode == 47001 else "")
        return value


@dataclass(frozen=True)
class Binary:
    """An answer that is not JSON."""

    content: bytes
    content_type: str
    filename: str = ""


Answer = dict[str, Any] | Binary
Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Endpoint:
    """One API. `accounts` may call it; `token` False: no access_token; `upload`: the body is multipart."""

    path: str
    handler: Handler
    method: str = "POST"
    accounts: tuple[AccountKey, ...] = ("oa", "mp")
    token: bool = True
    upload: bool = False


class BrokenConnection(Response):
    """Announces a body and never sends it, so that the server closes the connection: nobody knows what was done."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


class WechatGateway:
    def __init__(self, sandbox: Sandbox, callbacks: Callbacks, endpoints: list[Endpoint]) -> None:
        self._sandbox = sandbox
        self._callbacks = callbacks
        self._endpoints = endpoints

    def routes(self) -> list[Route]:
        """Any method is routed: a wrong one gets WeChat's error, not HTTP 405."""
        methods = ["GET", "POST"]
        return [Route(each.path, self._serve(each), methods=methods) for each in self._endpoints]

    def _serve(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            return await self._handle(endpoint, request)

        return serve

    async def _handle(self, endpoint: Endpoint, request: Request) -> Response:
        started = time.monotonic()
        query = dict(request.query_params)
        account = self._who(query, endpoint)
        body = b"" if endpoint.upload else await request.body()
        take = self._sandbox.faults.take
        before = take("timeout_before", "http_error", path=endpoint.path, account=account)
        if before:
            answer, response = await self._withhold(before)
        else:
            answer = await self._answer(endpoint, request, query, body)
            self._sandbox.store.flush()
            response = _response(answer)
        if not before and (after := take("timeout_after", path=endpoint.path, account=account)):
            await asyncio.sleep(after.seconds)
            response = BrokenConnection()
        self._log(endpoint, request, account, query, body, answer, started)
        return response

    def _who(self, query: dict[str, str], endpoint: Endpoint) -> str:
        """The account of a call for faults and the log, without judging it."""
        try:
            return self._sandbox.tokens.account(query.get("access_token", ""))
        except PlatformError:
            return endpoint.accounts[0] if len(endpoint.accounts) == 1 else ""

    async def _withhold(self, fault: Fault) -> tuple[Answer, Response]:
        if fault.kind == "http_error":
            return {"errcode": fault.status}, Response("Bad Gateway", fault.status)
        await asyncio.sleep(fault.seconds)
        return {"errcode": -1}, BrokenConnection()

    async def _answer(self, endpoint: Endpoint, request: Request, query: dict[str, str], body: bytes) -> Answer:
        try:
            if request.method != endpoint.method:
                raise PlatformError(43001 if endpoint.method == "GET" else 43002)
            account = self._authorised(endpoint, query)
            if fault := self._sandbox.faults.take("error", path=endpoint.path, account=account):
                raise PlatformError(fault.errcode, fault.errmsg)
            if endpoint.token:
                self._sandbox.quotas.spend(account, endpoint.path)
            data = _json(body) if endpoint.method == "POST" and not endpoint.upload else {}
            return await endpoint.handler(Call(self._sandbox, self._callbacks, account, query, data, request))
        except PlatformError as error:
            return {"errcode": error.errcode, "errmsg": f"{error.errmsg} rid: {ids.rid()}"}

    def _authorised(self, endpoint: Endpoint, query: dict[str, str]) -> AccountKey:
        """Whose access token it is. Raises PlatformError 41001, 40001, 42001 or 48001."""
        if not endpoint.token:
            return endpoint.accounts[0]
        account = self._sandbox.tokens.account(query.get("access_token", ""))
        if account not in endpoint.accounts:
            raise PlatformError(48001)
        if self._sandbox.faults.take("stale_token", path=endpoint.path, account=account):
            raise PlatformError(40001)
        return account

    def _log(
        self,
        endpoint: Endpoint,
        request: Request,
        account: str,
        query: dict[str, str],
        body: bytes,
        answer: Answer,
        started: float,
    ) -> None:
        self._sandbox.traffic.record(
            at=iso(self._sandbox.clock.now()),
            account=account,
            method=request.method,
            path=endpoint.path,
            query=query,
            body=b"" if endpoint.path in SECRET_PATHS else body,
            errcode=answer.get("errcode", 0) if isinstance(answer, dict) else 0,
            answer=b"" if endpoint.path in SECRET_PATHS else _content(answer),
            seconds=time.monotonic() - started,
        )


SECRET_PATHS = ("/cgi-bin/token", "/cgi-bin/stable_token", "/sns/jscode2session", "/sns/oauth2/access_token")
"""Their bodies hold secrets and tokens and are not logged."""


def _json(body: bytes) -> dict[str, Any]:
    if not body:
        raise PlatformError(44002)
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PlatformError(47001) from None
    if not isinstance(data, dict):
        raise PlatformError(47001)
    return data


def _content(answer: Answer) -> bytes:
    return answer.content if isinstance(answer, Binary) else orjson.dumps(answer)


def _response(answer: Answer) -> Response:
    if isinstance(answer, dict):
        return Response(orjson.dumps(answer), media_type="application/json; encoding=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="{answer.filename}"'} if answer.filename else None
    return Response(answer.content, media_type=answer.content_type, headers=headers)


def ok(**fields: Any) -> dict[str, Any]:
    """`{"errcode": 0, "errmsg": "ok", …}`"""
    return {"errcode": 0, "errmsg": "ok"} | fields
