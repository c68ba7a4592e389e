"""What worker and scheduler need to run, opened in order and closed in reverse."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kit import clock_offset, crypto, database, hints, valkey
from settings import Settings
from stewardship import reactions
from wechat.clients import Clients, clients

POOL = 12


@dataclass(frozen=True, slots=True)
class Parts:
    """One process's parts."""

    settings: Settings
    database_url: str
    redis: valkey.Redis
    clients: Clients


class NoServers(RuntimeError):
    """Neither the two URLs nor embedded servers: `steward up` starts them."""


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Open the keys, the ORM, Valkey, the clients and the clock, and subscribe the reactions."""
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
        yield Parts(settings, settings.database_url, redis, platforms)
