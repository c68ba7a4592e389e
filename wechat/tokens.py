"""Access tokens: fetched once for all processes, renewed in time, never logged.

Source: 微信开放文档 «获取稳定版接口调用凭据» (getStableAccessToken): a token lives up to 7,200 s; asked again, the
platform answers the same token until 5 minutes before its end; the old one holds 5 minutes more; `force_refresh` works
20 times a day, 30 s apart. Times are real seconds, not the domain's clock.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeGuard, TypeVar

import orjson
import structlog
from redis.asyncio.lock import Lock

from kit.valkey import Redis, RedisError
from settings import PlatformAccount
from wechat.errors import (
    Ambiguous,
    CallError,
    MalformedAnswer,
    Misconfigured,
    NotSent,
    QuotaExceeded,
    TokenRejected,
    platform_error,
)
from wechat.wire import Client, exchange, json_object

EARLY_SECONDS = 300.0
RETRY_SECONDS = 10.0
"""Between two tries to renew a token that still holds, or to replace one that was rejected."""
FORCED_APART_SECONDS = 60
RENEWALS = 2
"""In one call."""
MAX_TOKEN = 4096
"""Characters; the documents ask for room for at least 512."""

_LOCK_SECONDS = 15.0
_VALKEY_AWAY = (RedisError, OSError)

log = structlog.get_logger()

T = TypeVar("T")


class TokenSource(Protocol):
    """Where access tokens come from: our own account's secret, or the service of whoever runs the account."""

    async def token(self) -> str:
        """A token to use now. Raises NotSent or PlatformError."""

    async def renew(self, rejected: str) -> str:
        """Another one after the platform rejected this token; may be the same if there is no other. Raises alike."""


async def with_token(source: TokenSource, call: Callable[[str], Awaitable[T]], rejected: Callable[[T], bool]) -> T:
    """Make a call with a token, again while it was rejected, three times at most; answers the last result.

    The second token may have been renewed by another process and revoked again since; the third was issued just now.
    """
    token = await source.token()
    result = await call(token)
    for _ in range(RENEWALS):
        if not rejected(result):
            break
        token = await source.renew(token)
        result = await call(token)
    return result


class Issuer(Protocol):
    """Issues tokens. Raises CallError."""

    async def issue(self, *, force: bool) -> tuple[str, float]:
        """A token and the seconds for which it holds; `force` asks for a new one although the old still holds."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A token and how long it holds, in real seconds since 1970."""

    value: str = dataclasses.field(repr=False)
    until: float
    renew_at: float

    @classmethod
    def starting(cls, value: str, seconds: float, now: float) -> Lease:
        """Renewed 5 minutes before its end; one that is nearly over already, after half of what is left."""
        early = EARLY_SECONDS if seconds > 2 * EARLY_SECONDS else seconds / 2
        return cls(value, now + seconds, now + seconds - early)


class CachedTokens:
    """One token for all tasks (by a lock) and all processes (by Valkey while it is there) of an account.

    Without Valkey each process asks for itself, which the stable interface answers with the same token.
    """

    def __init__(
        self, app_id: str, issuer: Issuer, *, redis: Redis | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._log = log.bind(app_id=app_id)
        self._shelf = _Shelf(app_id, redis)
        self._lock = asyncio.Lock()
        self._lease: Lease | None = None
        self._futile = ""
        self._futile_until = 0.0

    async def token(self) -> str:
        """See TokenSource."""
        lease = self._lease
        if lease is not None and self._clock() < lease.renew_at:
            return lease.value
        return await self._replace("")

    async def renew(self, rejected: str) -> str:
        """See TokenSource."""
        return await self._replace(rejected)

    async def _replace(self, rejected: str) -> str:
        async with self._lock:
            if self._good(self._lease, rejected):
                return self._lease.value
            if rejected and rejected == self._futile and self._clock() < self._futile_until:
                # Asked just now, the platform issued what it rejects: asking on does not help.
                return rejected
            async with self._shelf.locked():
                stored = await self._shelf.load()
                if self._good(stored, rejected):
                    self._lease = stored
                    return stored.value
                return await self._ask(rejected)

    def _good(self, lease: Lease | None, rejected: str) -> TypeGuard[Lease]:
        return lease is not None and lease.value != rejected and self._clock() < lease.renew_at

    async def _ask(self, rejected: str) -> str:
        now = self._clock()
        try:
            value, seconds = await self._issue(rejected)
        except CallError as error:
            held = self._lease
            if held is None or held.value == rejected or now >= held.until:
                raise
            self._log.warning("access_token_not_renewed", reason=type(error).__name__)
            self._lease = dataclasses.replace(held, renew_at=now + RETRY_SECONDS)
            return held.value
        if value == rejected:
            self._futile, self._futile_until = value, now + RETRY_SECONDS
        self._lease = Lease.starting(value, seconds, now)
        self._log.info("access_token_renewed", seconds=int(seconds))
        await self._shelf.store(self._lease, seconds)
        return value

    async def _issue(self, rejected: str) -> tuple[str, float]:
        value, seconds = await self._issuer.issue(force=False)
        if value != rejected or not await self._shelf.may_force(self._clock()):
            return value, seconds
        try:
            return await self._issuer.issue(force=True)
        except QuotaExceeded:
            return value, seconds


class _Shelf:
    """The account's place in Valkey. Whatever fails there only costs the sharing."""

    def __init__(self, app_id: str, redis: Redis | None) -> None:
        self._key = f"wechat:token:{app_id}"
        self._redis = redis
        self._forced_at = float("-inf")

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        lock = await self._acquire()
        try:
            yield
        finally:
            if lock is not None:
                # A lock that ran out in between is somebody else's now; its release fails, rightly.
                with suppress(*_VALKEY_AWAY):
                    await lock.release()

    async def _acquire(self) -> Lock | None:
        if self._redis is None:
            return None
        with suppress(*_VALKEY_AWAY):
            lock = self._redis.lock(f"{self._key}:lock", timeout=_LOCK_SECONDS, thread_local=False)
            # Whoever waits in vain goes on without: the stable interface gives both the same token.
            return lock if await lock.acquire(blocking_timeout=_LOCK_SECONDS / 3) else None
        return None

    async def load(self) -> Lease | None:
        if self._redis is None:
            return None
        with suppress(*_VALKEY_AWAY, ValueError, KeyError, TypeError):
            found = orjson.loads(await self._redis.get(self._key) or b"{}")
            return Lease(str(found["value"]), float(found["until"]), float(found["renew_at"]))
        return None

    async def store(self, lease: Lease, seconds: float) -> None:
        if self._redis is not None:
            with suppress(*_VALKEY_AWAY):
                document = orjson.dumps(dataclasses.asdict(lease))
                await self._redis.set(self._key, document, px=max(1, int(seconds * 1000)))

    async def may_force(self, now: float) -> bool:
        """Once a minute for all processes; without Valkey, for this one."""
        if now < self._forced_at + FORCED_APART_SECONDS:
            return False
        self._forced_at = now
        if self._redis is not None:
            with suppress(*_VALKEY_AWAY):
                return bool(await self._redis.set(f"{self._key}:forced", b"1", nx=True, ex=FORCED_APART_SECONDS))
        return True


@dataclass(frozen=True, slots=True)
class StableTokenIssuer:
    """The platform itself, for an account whose secret we hold."""

    http: Client
    base_url: str
    account: PlatformAccount

    async def issue(self, *, force: bool) -> tuple[str, float]:
        """See Issuer."""
        body = {
            "grant_type": "client_credential",
            "appid": self.account.app_id,
            "secret": self.account.secret.get_secret_value(),
            "force_refresh": force,
        }
        url = f"{self.base_url.rstrip('/')}/cgi-bin/stable_token"
        return await _issued(self.http, "POST", url, body=orjson.dumps(body))


@dataclass(frozen=True, slots=True)
class TokenServiceIssuer:
    """The token service of whoever runs the account, for an account whose secret we do not hold.

    Contract: `GET {url}?appid=…&force_refresh=true|false` with `Authorization: Bearer {key}` answers as stable_token.
    """

    http: Client
    url: str
    app_id: str
    key: str = dataclasses.field(repr=False)

    async def issue(self, *, force: bool) -> tuple[str, float]:
        """See Issuer."""
        params = {"appid": self.app_id, "force_refresh": str(force).lower()}
        headers = {"Authorization": f"Bearer {self.key}"}
        return await _issued(self.http, "GET", self.url, params=params, headers=headers)


async def _issued(
    http: Client,
    method: str,
    url: str,
    *,
    params: dict[str, str] | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[str, float]:
    """Raises NotSent for whatever is unclear: no message has gone out yet. Raises PlatformError for a refusal."""
    headers = {"Content-Type": "application/json"} | (headers or {})
    try:
        answer = await exchange(http, method, url, params=params, body=body, headers=headers)
        return _read_token(json_object(answer.body))
    except Ambiguous as error:
        raise NotSent(f"no access token: {error}") from None
    except TokenRejected as error:
        # Here 40001 means a wrong secret («AppSecret 错误»).
        raise Misconfigured(error.errcode, error.message) from None


def _read_token(found: dict[str, object]) -> tuple[str, float]:
    errcode = found.get("errcode", 0)
    if isinstance(errcode, int) and errcode:
        raise platform_error(errcode, str(found.get("errmsg", "")))
    value, seconds = found.get("access_token"), found.get("expires_in")
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN or not value.isascii():
        raise MalformedAnswer("access_token")
    if not isinstance(seconds, int) or not 0 < seconds <= 86_400:
        raise MalformedAnswer("expires_in")
    return value, float(seconds)


def own_tokens(account: PlatformAccount, http: Client, *, base_url: str, redis: Redis | None) -> CachedTokens:
    """Tokens of an account whose secret is in the settings."""
    return CachedTokens(account.app_id, StableTokenIssuer(http, base_url, account), redis=redis)
