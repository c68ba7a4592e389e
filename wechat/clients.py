"""One HTTP session and the accounts' clients on it, for the length of a process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import orjson

from kit.valkey import Redis
from settings import PlatformAccount, Settings
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount
from wechat.tokens import own_tokens
from wechat.transport import Transport

CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class Clients:
    """What a process calls platforms with. The official account is optional."""

    http: aiohttp.ClientSession
    mini_program: MiniProgram
    official_account: OfficialAccount | None


@contextlib.asynccontextmanager
async def clients(settings: Settings, redis: Redis) -> AsyncIterator[Clients]:
    """Open the session; it is closed with the block. Nothing is sent yet."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        # The platforms know us by token; keeping cookies would only cost time.
        cookie_jar=aiohttp.DummyCookieJar(),
        json_serialize=lambda value: orjson.dumps(value).decode(),
        # Neither proxies nor netrc of the machine: where we send is the settings' business alone.
        trust_env=False,
    ) as http:

        def transport(account: PlatformAccount) -> Transport:
            tokens = own_tokens(account, http, base_url=settings.wechat_base_url, redis=redis)
            return Transport(http, base_url=settings.wechat_base_url, tokens=tokens)

        official = OfficialAccount(transport(settings.oa)) if settings.oa.configured else None
        yield Clients(http, MiniProgram(transport(settings.mp), settings.mp, state=settings.mp_state), official)
