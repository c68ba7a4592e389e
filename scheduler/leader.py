"""Exactly one scheduler leads: whoever holds an advisory lock on a connection of its own.

The lock goes with the connection, so a leader that dies or loses the database is replaced within a second or two, one
whose machine vanishes within about ten, and nothing has to be cleaned up. Triggers are idempotent all the same: for the
moment in which an old leader has not noticed yet, two may run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import structlog

log = structlog.get_logger(__name__)

LOCK = "select pg_try_advisory_lock(hashtextextended('steward:scheduler', 0))"
RETRY_SECONDS = 1.0
CHECK_SECONDS = 1.0
SESSION = {
    "application_name": "case-steward-leader",
    # Without these PostgreSQL keeps the lock of a machine that vanished for two hours.
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


@contextlib.asynccontextmanager
async def leadership(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Waits until this process leads; yields the connection that holds the lock."""
    connection = await _try_to_lead(url)
    if connection is None:
        log.info("scheduler_stands_by")
    while connection is None:
        await asyncio.sleep(RETRY_SECONDS)
        connection = await _try_to_lead(url)
    log.info("scheduler_leads")
    try:
        yield connection
    finally:
        connection.terminate()


async def _try_to_lead(url: str) -> asyncpg.Connection | None:
    try:
        connection = await asyncpg.connect(url, timeout=5, command_timeout=5, server_settings=SESSION)
    except UNREACHABLE as error:
        log.warning("leader_database_unreachable", error=type(error).__name__)
        return None
    try:
        if await connection.fetchval(LOCK):
            return connection
    except UNREACHABLE as error:
        log.warning("leader_database_unreachable", error=type(error).__name__)
    connection.terminate()
    return None


async def lost(connection: asyncpg.Connection) -> None:
    """Returns when the connection, and with it the leadership, is gone."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            await connection.fetchval("select 1")
        except UNREACHABLE:
            log.warning("scheduler_leads_no_more")
            return
