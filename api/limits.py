"""How often one address or account may knock.

Counted in Valkey over moving windows (library `limits`). With Valkey away ordinary routes stay open: an outage of what
may be lost must not stop an inquiry. Logins fall back to counting in this process, so that an outage opens no door to
guessing.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from kit.valkey import Redis, RedisError
from stewardship.foundation.errors import TooOften

log = structlog.get_logger(__name__)

TITLE = "操作太频繁"
DETAIL = "请稍后再试；情况紧急请拨打 110。"


@dataclass(frozen=True, slots=True)
class Limit:
    """A named limit; `guarded` ones are kept up in this process while Valkey is away."""

    name: str
    item: RateLimitItem
    guarded: bool = False


def _limit(name: str, rule: str, *, guarded: bool = False) -> Limit:
    return Limit(name, parse(rule), guarded)


LOGIN_ADDRESS = _limit("login_address", "120/minute", guarded=True)
"""Generous: a whole bureau may come from one address."""
LOGIN_ACCOUNT = _limit("login_account", "10/15minutes", guarded=True)
CITIZEN_LOGIN_ADDRESS = _limit("citizen_login_address", "300/minute", guarded=True)
"""Mobile networks share addresses among thousands; the js_code itself cannot be guessed."""
CODE_WORD = _limit("code_word", "8/hour", guarded=True)
"""A code word is short; whoever holds the phone must not be able to try them all."""
BINDING = _limit("binding", "10/15minutes", guarded=True)
INVITATION_ADDRESS = _limit("invitation_address", "120/minute", guarded=True)
INVITATION_ACCOUNT = _limit("invitation_account", "20/hour", guarded=True)
ASK = _limit("ask", "30/10minutes")
UPLOAD = _limit("upload", "60/hour")
REVEAL = _limit("reveal", "120/hour")
MACHINE = _limit("machine", "1200/minute")
MACHINE_ADDRESS = _limit("machine_address", "3000/minute", guarded=True)
VERIFY = _limit("verify", "6/hour")
PROOF = _limit("proof", "60/hour")


class Limiter:
    """Counts in Valkey."""

    def __init__(self, redis: Redis) -> None:
        # The address names only the kind of storage: the connections are those of the process's own client.
        options: dict[str, Any] = {"connection_pool": redis.connection_pool}
        shared = RedisStorage("async+redis://shared:6379", implementation="redispy", key_prefix="limit", **options)
        self._shared = MovingWindowRateLimiter(shared)
        self._local = MovingWindowRateLimiter(MemoryStorage())

    async def check(self, limit: Limit, who: str) -> None:
        """Count one try. Raises TooOften with the seconds until the next one is let through."""
        limiter = self._shared
        try:
            allowed = await limiter.hit(limit.item, limit.name, who)
        except RedisError as error:
            log.warning("limits_away", limit=limit.name, error=type(error).__name__)
            if not limit.guarded:
                return
            limiter = self._local
            allowed = await limiter.hit(limit.item, limit.name, who)
        if not allowed:
            raise TooOften("too_often", TITLE, DETAIL, await _wait(limiter, limit, who))


async def _wait(limiter: MovingWindowRateLimiter, limit: Limit, who: str) -> int:
    """Whole seconds until the oldest counted try leaves the window, at least one."""
    try:
        stats = await limiter.get_window_stats(limit.item, limit.name, who)
    except RedisError:
        return int(limit.item.get_expiry())
    return max(1, math.ceil(stats.reset_time - time.time()))
