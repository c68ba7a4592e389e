"""The HTTP server: API, callbacks, health and metrics in one ASGI app. A composition root.

`uvicorn server:create_app --factory` runs it; `steward server` does so with the right options.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

import api.app
from api.desk_site import DeskSite
from api.invitation_page import InvitationPage
from api.services import build_services
from bot.routes import Bot
from kit import clock_offset, collector, crypto, database, hints, valkey
from settings import Settings, get_settings
from stewardship import reactions
from wechat.clients import clients

POOL = 10
DESK = Path(__file__).parent / "desk" / "dist"
CALLBACKS = ("/wechat/", "/sms/")


class NoServers(RuntimeError):
    """Neither the two URLs nor embedded servers: `steward up` starts them."""


class App(FastAPI):
    """FastAPI, with the callbacks in front of it: they have their own errors and bounds, and are the busiest path."""

    def __init__(self, bot: Bot, **options: Any) -> None:
        super().__init__(**options)
        self._callbacks = Router(bot.routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(CALLBACKS):
            scope["app"] = self
            await self._callbacks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app of one process. The database and Valkey are connected when it starts."""
    settings = settings or get_settings()
    bot = Bot(settings)
    app = App(bot, lifespan=_lifespan(settings, bot), **api.app.APP_OPTIONS)
    api.app.install(app)
    app.router.routes[:0] = [
        Route("/healthz", _alive),
        Route("/readyz", _ready),
        Route("/metrics", _metrics),
        Route("/p/i/{token}", _invitation),
    ]
    app.router.routes.append(DeskSite(DESK))
    return app


def _lifespan(settings: Settings, bot: Bot) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None or settings.redis_url is None:
            raise NoServers("set STEWARD_DATABASE_URL and STEWARD_REDIS_URL, or run `steward up`")
        crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
        reactions.register()
        redis = valkey.connect(settings.redis_url)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(redis.aclose)
            await stack.enter_async_context(database.connected(settings.database_url, pool=POOL))
            await stack.enter_async_context(clock_offset.followed(production=settings.environment == "production"))
            await stack.enter_async_context(hints.published(redis))
            platforms = await stack.enter_async_context(clients(settings, redis))
            services = build_services(
                settings, redis, platforms.mini_program, official_account=platforms.official_account
            )
            api.app.provide(app, services)
            await stack.enter_async_context(services.live.following())
            app.state.invitations = InvitationPage(services, platforms.mini_program, platforms.official_account)
            app.state.redis = redis
            stack.push_async_callback(bot.inbox.close)
            collector.tune()
            yield

    return lifespan


async def _invitation(request: Request) -> Response:
    """Where the SMS and the receipt of an invitation lead."""
    page: InvitationPage = request.app.state.invitations
    return await page.show(request)


async def _alive(_: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    """The process can do its work: the database answers. Valkey may be away; that only costs speed."""
    checks = {"database": "ok", "valkey": "ok"}
    try:
        await database.fetchval("select 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        checks["database"] = type(error).__name__
    try:
        await request.app.state.redis.ping()
    except (OSError, RedisError) as error:
        checks["valkey"] = type(error).__name__
    return JSONResponse(checks, status_code=200 if checks["database"] == "ok" else 503)


async def _metrics(_: Request) -> Response:
    """For Prometheus: counts and durations, never a person."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
