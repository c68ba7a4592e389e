"""The client for Valkey. It holds only what may be lost; every caller says what happens when it is away."""

from __future__ import annotations

import redis.asyncio
from redis.asyncio import Redis
from redis.exceptions import RedisError

__all__ = ["Redis", "RedisError", "connect"]

TIMEOUT_SECONDS = 2.0


def connect(url: str) -> Redis:
    """A pooled client; nothing is sent yet. Calls time out after 2 s and raise RedisError."""
    return redis.asyncio.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        health_check_interval=30,
        max_connections=50,
    )
