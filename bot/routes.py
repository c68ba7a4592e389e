"""The addresses to which the platforms deliver: verify, decrypt, parse, take in once, answer in time.

Bad input is answered with 400 and a word of reason, never with a traceback. A good message that cannot be taken in now
(the database restarts) is answered 503, so that the platform delivers it again.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import asyncpg
import orjson
import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from tortoise.exceptions import DBConnectionError, OperationalError

from bot import events
from bot.envelope import (
    ACKNOWLEDGED,
    MAX_BODY,
    Account,
    Opened,
    RejectedEnvelope,
    Rejection,
    answer_verification,
    open_envelope,
    seal_reply,
)
from bot.inbox import Arrival, Inbox
from bot.replies import takes_passive_reply, text_reply
from bot.sms_messages import ANSWER, RejectedSms, read_reply, read_reports
from bot.wechat_messages import Incoming, Platform, read_message
from kit import clock
from settings import PlatformAccount, Settings

log = structlog.get_logger(__name__)

BUDGET_SECONDS = 4.5
"""The platform waits 5 s for an answer, then shows an error to the user and delivers again."""
RETRY_SECONDS = 0.2
UNAVAILABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    DBConnectionError,
    OperationalError,
    TimeoutError,
)

REJECTED = Counter("bot_rejected_total", "Callbacks refused", ["source", "reason"])
TAKEN = Counter("bot_taken_total", "Callbacks taken in", ["source", "kind"])
SECONDS = Histogram("bot_callback_seconds", "From request to answer", ["source"])


class Bot:
    """The callbacks of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.inbox = Inbox()
        configured: dict[Platform, PlatformAccount] = {"mp": settings.mp, "oa": settings.oa}
        self.accounts = {
            platform: Account.of(
                account, max_age=settings.callback_max_age, accept_plain=settings.takes_plain_callbacks
            )
            for platform, account in configured.items()
            if account.configured
        }
        self.sms_secret = settings.sms.callback_secret.get_secret_value()

    def routes(self) -> list[BaseRoute]:
        """The callbacks' addresses (design.md section 5)."""
        wechat: list[BaseRoute] = [
            Route(f"/wechat/{platform}", self._wechat(platform), methods=["GET", "POST"]) for platform in self.accounts
        ]
        return [*wechat, Route("/sms/{secret}/{what}", self.sms, methods=["POST"])]

    def _wechat(self, platform: Platform) -> Callable[[Request], Awaitable[Response]]:
        account = self.accounts[platform]

        async def callback(request: Request) -> Response:
            started = time.perf_counter()
            try:
                query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
                if request.method == "GET":
                    return PlainTextResponse(answer_verification(account, query, time.time()))
                body = await _bounded_body(request)
                opened = open_envelope(account, query, body, time.time())
            except RejectedEnvelope as error:
                REJECTED.labels(platform, str(error)).inc()
                return PlainTextResponse(str(error), status_code=400)
            response = await self._answer(platform, account, opened)
            SECONDS.labels(platform).observe(time.perf_counter() - started)
            return response

        return callback

    async def _answer(self, platform: Platform, account: Account, opened: Opened) -> Response:
        incoming = read_message(platform, opened.message)
        TAKEN.labels(platform, incoming.kind.value).inc()
        if not incoming.openid:
            return Response(ACKNOWLEDGED, media_type="text/plain")
        arrival = events.arrival(incoming, account.app_id, orjson.dumps(opened.message))
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                text = await self._take(incoming, account.app_id, arrival)
        except UNAVAILABLE as error:
            log.warning("callback_not_taken", source=platform, error=type(error).__name__)
            return PlainTextResponse("busy", status_code=503)
        except Exception:
            # A defect of ours: nothing was taken in, so the platform is to deliver again, and nobody sees a traceback.
            log.exception("callback_failed", source=platform, kind=incoming.kind.value)
            return PlainTextResponse("busy", status_code=503)
        if not text or not takes_passive_reply(platform):
            return Response(ACKNOWLEDGED, media_type="text/plain")
        sealed = seal_reply(account, opened, text_reply(incoming, text, clock.real_now()))
        return Response(sealed, media_type="application/json" if opened.body_format == "json" else "application/xml")

    async def _take(self, incoming: Incoming, app_id: str, arrival: Arrival | None) -> str:
        """Take it in, trying again within the budget while the database is away."""
        while True:
            try:
                if arrival is None:
                    await events.take_report(incoming, app_id)
                    return ""
                return await self.inbox.take(arrival)
            except UNAVAILABLE as error:
                if isinstance(error, TimeoutError):
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def sms(self, request: Request) -> Response:
        """Delivery reports and people's replies. The secret in the path is all that tells the gateway from others."""
        if not hmac.compare_digest(request.path_params["secret"].encode(), self.sms_secret.encode()):
            REJECTED.labels("sms", "secret").inc()
            return PlainTextResponse("not found", status_code=404)
        try:
            body = await _bounded_body(request)
            await self._sms_body(request.path_params["what"], body)
        except (RejectedSms, RejectedEnvelope) as error:
            REJECTED.labels("sms", str(error)).inc()
            return PlainTextResponse(str(error), status_code=400)
        except UNAVAILABLE as error:
            log.warning("callback_not_taken", source="sms", error=type(error).__name__)
            return PlainTextResponse("busy", status_code=503)
        return Response(ANSWER, media_type="application/json")

    async def _sms_body(self, what: str, body: bytes) -> None:
        if what == "report":
            await events.take_sms_reports(read_reports(body))
        elif what == "reply":
            await events.take_sms_reply(read_reply(body), body)
        else:
            raise RejectedSms("address")


async def _bounded_body(request: Request) -> bytes:
    """The body, read no further than the bound, whatever its length claims. Raises RejectedEnvelope beyond it."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise RejectedEnvelope(Rejection.TOO_LARGE)
        chunks.append(chunk)
    return b"".join(chunks)
