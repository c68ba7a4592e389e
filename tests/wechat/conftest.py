"""Both accounts on the local platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from settings import Settings
from tests.wechat.local_platform import LocalPlatform, running
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount
from wechat.tokens import own_tokens
from wechat.transport import Transport
from wechat.wire import Client, client


@pytest.fixture(scope="session")
def platform_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[Client]:
    async with client() as session:
        yield session


@pytest.fixture
async def platform(platform_url: str, http: Client) -> LocalPlatform:
    """Empty before each test."""
    local = LocalPlatform(platform_url, http)
    await local.control("POST", "/reset", {"templates": True})
    await local.control("PUT", "/clock", {"offset_seconds": 0})
    return local


@pytest.fixture
def oa_transport(platform: LocalPlatform, http: Client, settings: Settings) -> Transport:
    tokens = own_tokens(settings.oa, http, base_url=platform.url, redis=None)
    return Transport(http, base_url=platform.url, tokens=tokens, seconds=1.0)


@pytest.fixture
def official_account(oa_transport: Transport) -> OfficialAccount:
    return OfficialAccount(oa_transport)


@pytest.fixture
def mini_program(platform: LocalPlatform, http: Client, settings: Settings) -> MiniProgram:
    tokens = own_tokens(settings.mp, http, base_url=platform.url, redis=None)
    transport = Transport(http, base_url=platform.url, tokens=tokens, seconds=1.0)
    return MiniProgram(transport, settings.mp, state="formal")
