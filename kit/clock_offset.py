"""The shared row behind `kit.clock`, and the task with which each process follows it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import structlog

from kit import clock, database

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
PATIENCE_SECONDS = 10.0
AWAY = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""What a database that stops, restarts or is not up yet answers with."""


class ClockIsReal(RuntimeError):
    """In production the clock cannot be moved."""


async def move(by: timedelta) -> timedelta:
    """Let `by` pass for every process; answers the new offset. Raises nothing in demo and test."""
    seconds = await database.fetchval(
        "insert into clock_offset (id, seconds) values (1, $1)"
        " on conflict (id) do update set seconds = clock_offset.seconds + excluded.seconds returning seconds",
        by.total_seconds(),
    )
    clock.set_offset(timedelta(seconds=seconds))
    return clock.offset()


async def refresh() -> None:
    """Take over the shared offset now."""
    seconds = await database.fetchval("select seconds from clock_offset where id = 1")
    clock.set_offset(timedelta(seconds=seconds or 0))


@contextlib.asynccontextmanager
async def followed(*, production: bool) -> AsyncIterator[None]:
    """Within the block this process follows the shared offset; in production it does not even ask."""
    if production:
        yield
        return
    await _first()
    task = asyncio.create_task(_follow(), name="clock-offset")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _first() -> None:
    """A process may start in the moment in which the database restarts; without the offset it must not begin."""
    for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
        try:
            return await refresh()
        except AWAY as error:
            log.warning("clock_offset_unreadable", error=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)
    await refresh()


async def _follow() -> None:
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await refresh()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # The database restarts now and then; the last known offset holds until it is back.
            log.warning("clock_offset_unreadable", error=type(error).__name__)
