"""One HTTP client and the accounts' clients on it, for the length of a process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kit.valkey import Redis
from settings import PlatformAccount, Settings
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount
from wechat.tokens import own_tokens
from wechat.transport import Transport
from wechat.wire import Client, client


@dataclass(frozen=True, slots=True)
class Clients:
    """What a process calls platforms with. The official account is optional."""

    http: Client
    mini_program: MiniProgram
    official_account: OfficialAccount | None


@contextlib.asynccontextmanager
async def clients(settings: Settings, redis: Redis) -> AsyncIterator[Clients]:
    """Open the HTTP client; it is closed with the block. Nothing is sent yet."""
    async with client() as http:

        def transport(account: PlatformAccount) -> Transport:
            tokens = own_tokens(account, http, base_url=settings.wechat_base_url, redis=redis)
            return Transport(http, base_url=settings.wechat_base_url, tokens=tokens)

        official = OfficialAccount(transport(settings.oa)) if settings.oa.configured else None
        yield Clients(http, MiniProgram(transport(settings.mp), settings.mp, state=settings.mp_state), official)
