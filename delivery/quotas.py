"""The accounts' quotas, counted in Valkey over all workers, so that a platform does not have to refuse us.

Valkey holds only what may be lost: while it is away nothing is limited, and the platform's own refusal (45009, 45011)
is met by a retry or another channel.
"""

from __future__ import annotations

import time

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from delivery import metrics
from delivery.channels.base import ABILITIES
from delivery.models import Channel
from kit.valkey import Redis, RedisError

log = structlog.get_logger(__name__)

AWAY_SECONDS = 5.0
"""For which a Valkey that did not answer is not asked again."""


class Quotas:
    """Counts sends by channel: smooth in a second's or minute's window, approximate by design of the algorithm."""

    def __init__(self, client: Redis | None, rates: dict[Channel, tuple[str, ...]] | None = None) -> None:
        """`client`: None limits nothing. `rates`: in place of those that the channels declare, such as `10/minute`."""
        declared = {channel: ability.rates for channel, ability in ABILITIES.items()} | (rates or {})
        self._rates = {channel: [parse(rate) for rate in found] for channel, found in declared.items()}
        self._limiter: SlidingWindowCounterRateLimiter | None = None
        if client is not None:
            storage = RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix="delivery",
                connection_pool=client.connection_pool,  # type: ignore[arg-type]  # documented, but left out of the type.
            )
            self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._asked_again = 0.0

    async def take(self, channel: Channel, number: int) -> float:
        """Count `number` sends. Answers 0.0 where they are allowed, else seconds to wait; then none is counted."""
        if self._limiter is None or time.monotonic() < self._asked_again:
            return 0.0
        try:
            return await self._take(self._limiter, channel, number)
        except (RedisError, OSError) as error:
            self._asked_again = time.monotonic() + AWAY_SECONDS
            metrics.UNLIMITED.labels(channel.value).inc(number)
            log.warning("quotas_unchecked", channel=channel.value, error=type(error).__name__)
            return 0.0

    async def _take(self, limiter: SlidingWindowCounterRateLimiter, channel: Channel, number: int) -> float:
        for rate in self._rates[channel]:
            # More at once than a window holds can only ever pass alone.
            if not await limiter.hit(rate, channel.value, cost=min(number, rate.amount)):
                return _wait(rate)
        return 0.0


def _wait(rate: RateLimitItem) -> float:
    """A share of the window: a second's window is asked again soon, a day's not before a while."""
    return min(600.0, max(0.1, rate.get_expiry() / 10))
