"""Access tokens: one for everybody, in time, and whatever Valkey or the platform do."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import structlog
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from kit import valkey
from settings import PlatformAccount
from tests.wechat.faulty_server import serving
from wechat.errors import Busy, CallError, Misconfigured, NotSent, QuotaExceeded
from wechat.tokens import CachedTokens, StableTokenIssuer, TokenServiceIssuer, with_token
from wechat.wire import Client

START = 1_764_000_000.0
APP_ID = "wxtesttokens000001"
SECRET = "a-very-secret-secret"


@dataclasses.dataclass
class Platform:
    """stable_token as documented, with a clock that is set."""

    now: float = START
    lifetime: float = 7200.0
    reachable: bool = True
    issued: list[str] = dataclasses.field(default_factory=list)
    asked: int = 0
    forced: int = 0
    forced_quota: int = 20
    accepted: dict[str, float] = dataclasses.field(default_factory=dict)

    async def issue(self, *, force: bool) -> tuple[str, float]:
        await asyncio.sleep(0)
        self.asked += 1
        if not self.reachable:
            raise NotSent("unreachable")
        current = self.issued[-1] if self.issued else ""
        left = self.accepted.get(current, 0.0) - self.now
        if force:
            if self.forced >= self.forced_quota:
                raise QuotaExceeded(45009)
            self.forced += 1
        if not force and left > 300:
            return current, left
        if current:
            self.accepted[current] = min(self.accepted[current], self.now + 300)
        value = f"token-{len(self.issued)}-" + "x" * 600
        self.issued.append(value)
        self.accepted[value] = self.now + self.lifetime
        return value, self.lifetime

    def accepts(self, value: str) -> bool:
        return self.accepted.get(value, 0.0) > self.now

    def process(self, redis: Redis | None) -> CachedTokens:
        """What one process of the product has."""
        return CachedTokens(APP_ID, self, redis=redis, clock=lambda: self.now)


@pytest.fixture
async def shared(redis: Redis) -> AsyncIterator[Redis]:
    await forget(redis)
    yield redis
    await forget(redis)


async def forget(redis: Redis) -> None:
    for key in [key async for key in redis.scan_iter(f"wechat:token:{APP_ID}*")]:
        await redis.delete(key)


@pytest.fixture
async def away() -> AsyncIterator[Redis]:
    """A Valkey that is not there."""
    client = valkey.connect("redis://127.0.0.1:9")
    yield client
    await client.aclose()


async def test_fifty_tasks_ask_once(shared: Redis) -> None:
    platform = Platform()
    tokens = platform.process(shared)
    assert len(set(await asyncio.gather(*(tokens.token() for _ in range(50))))) == 1
    assert platform.asked == 1


async def test_several_processes_ask_once(shared: Redis) -> None:
    platform = Platform()
    processes = [platform.process(shared) for _ in range(4)]
    found = await asyncio.gather(*(process.token() for process in processes for _ in range(5)))
    assert (len(set(found)), platform.asked) == (1, 1)


async def test_a_process_that_starts_later_asks_nobody(shared: Redis) -> None:
    platform = Platform()
    first = await platform.process(shared).token()
    platform.reachable = False
    assert await platform.process(shared).token() == first


async def test_without_valkey_each_process_asks_for_itself(away: Redis) -> None:
    platform = Platform()
    for redis in (None, away):
        tokens = platform.process(redis)
        assert len(set(await asyncio.gather(*(tokens.token() for _ in range(20))))) == 1
    assert platform.asked == 2


async def test_renewed_five_minutes_early_and_not_before(shared: Redis) -> None:
    platform = Platform()
    tokens = platform.process(shared)
    first = await tokens.token()
    platform.now = START + 7200 - 301
    assert await tokens.token() == first
    platform.now = START + 7200 - 300
    assert await tokens.token() != first
    assert platform.asked == 2


async def test_a_platform_that_is_away_does_not_matter_while_the_token_holds(shared: Redis) -> None:
    platform = Platform()
    tokens = platform.process(shared)
    first = await tokens.token()
    platform.reachable = False
    platform.now = START + 7200 - 200
    asked = platform.asked
    for _ in range(20):
        assert await tokens.token() == first
    assert platform.asked == asked + 1, "a failed renewal is not repeated at every call"
    platform.now = START + 7200
    with pytest.raises(NotSent):
        await tokens.token()
    platform.reachable = True
    assert platform.accepts(await tokens.token())


async def test_a_rejected_token_is_not_given_out_again_because_the_platform_is_away(shared: Redis) -> None:
    platform = Platform()
    tokens = platform.process(shared)
    old = await tokens.token()
    platform.reachable = False
    with pytest.raises(NotSent):
        await tokens.renew(old)


async def test_a_rejected_token_that_another_process_has_replaced_is_taken_from_it(shared: Redis) -> None:
    platform = Platform()
    one, two = platform.process(shared), platform.process(shared)
    old = await one.token()
    assert await two.token() == old
    platform.accepted[old] = 0
    new = await one.renew(old)
    asked = platform.asked
    assert await two.renew(old) == new != old
    assert platform.asked == asked


async def test_fifty_tasks_rejected_at_once_renew_once(shared: Redis) -> None:
    platform = Platform()
    tokens = platform.process(shared)
    old = await tokens.token()
    platform.accepted[old] = 0
    assert set(await asyncio.gather(*(tokens.renew(old) for _ in range(50)))) == {platform.issued[-1]}
    assert platform.asked == 2


async def test_a_good_token_rejected_without_reason_is_forced_once_a_minute(shared: Redis) -> None:
    platform = Platform()
    one, two = platform.process(shared), platform.process(shared)
    old = await one.token()
    new = await one.renew(old)
    assert (new != old, platform.forced) == (True, 1)
    again = await asyncio.gather(*(process.renew(new) for process in (one, two) for _ in range(20)))
    assert set(again) == {new}
    assert platform.forced == 1
    assert platform.asked < 8, "a platform that rejects what it issues is not stormed"
    platform.now += 61
    await shared.delete(f"wechat:token:{APP_ID}:forced")
    assert await one.renew(new) != new


async def test_the_forced_quota_being_used_up_leaves_the_token(shared: Redis) -> None:
    platform = Platform()
    tokens = platform.process(shared)
    old = await tokens.token()
    platform.forced_quota = 0
    assert await tokens.renew(old) == old


async def test_a_short_lived_token_is_not_asked_for_at_every_call() -> None:
    platform = Platform(lifetime=100)
    tokens = platform.process(None)
    for _ in range(10):
        await tokens.token()
    assert platform.asked == 1


async def test_junk_in_valkey_is_ignored(shared: Redis) -> None:
    platform = Platform()
    for junk in (b"", b"{", b"[]", b'{"value": 1}', b'{"value": "x", "until": "soon", "renew_at": 0}'):
        await shared.set(f"wechat:token:{APP_ID}", junk)
        assert platform.accepts(await platform.process(shared).token())


async def test_no_key_and_no_log_line_holds_a_secret_or_a_token(shared: Redis) -> None:
    async with serving(answering({"access_token": "t" * 512, "expires_in": 7200})) as served:
        issuer = StableTokenIssuer(served.http, served.url, account())
        # The module's logger may have been bound before; a fresh one writes where the test looks.
        structlog.reset_defaults()
        with capture_logs() as logged:
            tokens = CachedTokens(APP_ID, issuer, redis=shared)
            value = await tokens.token()
            assert value == "t" * 512
    keys = [key.decode() async for key in shared.scan_iter("*")]
    for text in (*keys, str(logged), repr(issuer), repr(tokens)):
        assert SECRET not in text
        assert value not in text
    assert logged


def account() -> PlatformAccount:
    return PlatformAccount.model_validate({"app_id": APP_ID, "secret": SECRET})


def answering(answer: object) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer_it(_: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    return answer_it


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errcode": 40001, "errmsg": "invalid credential"}, Misconfigured),
        ({"errcode": 40125, "errmsg": "invalid appsecret"}, Misconfigured),
        ({"errcode": -1, "errmsg": "system error"}, Busy),
        ({"errcode": 45009, "errmsg": "quota"}, QuotaExceeded),
        ({}, NotSent),
        ({"access_token": "", "expires_in": 7200}, NotSent),
        ({"access_token": "t" * 4097, "expires_in": 7200}, NotSent),
        ({"access_token": "t", "expires_in": 0}, NotSent),
        ({"access_token": "t", "expires_in": "soon"}, NotSent),
        ([], NotSent),
    ],
)
async def test_what_is_no_token_is_never_ambiguous(answer: object, error: type[CallError]) -> None:
    async with serving(answering(answer)) as served:
        with pytest.raises(error):
            await StableTokenIssuer(served.http, served.url, account()).issue(force=False)


async def test_the_service_of_another_vendor() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer key"
        assert dict(request.query) == {"appid": APP_ID, "force_refresh": "false"}
        return web.json_response({"access_token": "theirs", "expires_in": 600})

    async with serving(answer) as served:
        issuer = TokenServiceIssuer(served.http, f"{served.url}/token", APP_ID, "key")
        assert await CachedTokens(APP_ID, issuer, redis=None).token() == "theirs"
        assert "key" not in repr(issuer).replace("TokenServiceIssuer", "")


async def test_an_unreachable_platform_is_not_sent(http: Client) -> None:
    with pytest.raises(NotSent):
        await StableTokenIssuer(http, "http://127.0.0.1:9", account()).issue(force=False)


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1.0, 59.0, 61.0, 600.0, 6899.0, 6901.0, 7201.0])),
    st.tuples(st.sampled_from(["ask", "reject"]), st.sampled_from([0, 1])),
    st.tuples(st.sampled_from(["revoke", "flush", "unreachable", "reachable"]), st.just(0)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(steps=[("ask", 0), ("ask", 1), ("revoke", 0), ("ask", 0), ("revoke", 0), ("ask", 1)])
@given(steps=st.lists(STEPS, max_size=25))
async def test_whatever_happens_the_platform_accepts_what_is_given(
    redis: Redis, steps: list[tuple[str, float]]
) -> None:
    """Two processes; time passes, the platform revokes or is away, Valkey forgets."""
    await forget(redis)
    platform = Platform()
    processes = [platform.process(redis), platform.process(redis)]
    for name, argument in steps:
        if name == "wait":
            platform.now += argument
        elif name == "revoke":
            platform.accepted = dict.fromkeys(platform.accepted, 0.0)
        elif name == "flush":
            await forget(redis)
        elif name in {"unreachable", "reachable"}:
            platform.reachable = name == "reachable"
        else:
            await use(platform, processes[int(argument)])
    await forget(redis)


async def use(platform: Platform, tokens: CachedTokens) -> None:
    """A call as the transport makes it: accepted at the latest after it was rejected twice."""

    async def call(token: str) -> str:
        return token

    try:
        value = await with_token(tokens, call, lambda token: not platform.accepts(token))
    except NotSent:
        assert not platform.reachable
        return
    assert platform.accepts(value)
