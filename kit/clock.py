"""The domain's clock: real time plus an offset that a demonstration or a test sets.

Domain rules and domain SQL take their time from `now()`. Outside production the offset lies in one row of PostgreSQL,
set by `steward clock` and watched by every process, so that a story can let an hour pass. Transport (tokens, leases,
TOTP, the age of a callback) uses `real_now()`: another system's clock does not move with ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has kept one offset without daylight saving since 1991; legal dates and duty hours are reckoned in it."""

_offset = timedelta(0)


def real_now() -> datetime:
    """The real instant, aware, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The domain's instant, aware, in UTC."""
    return real_now() + _offset


def today() -> date:
    """The domain's legal date, in Asia/Shanghai."""
    return now().astimezone(LOCAL).date()


def local(instant: datetime) -> datetime:
    """The same instant on a Chinese wall clock."""
    return instant.astimezone(LOCAL)


def offset() -> timedelta:
    """What `now()` is ahead of real time; zero in production."""
    return _offset


def set_offset(value: timedelta) -> None:
    """Move this process's clock. Only `kit.clock_offset`, which reads the shared row, and tests call it."""
    global _offset  # noqa: PLW0603 — one clock a process is the meaning of this module.
    _offset = value


@contextlib.contextmanager
def travel(to: datetime) -> Iterator[None]:
    """For tests: within the block `now()` starts at `to` and goes on from there."""
    before = _offset
    set_offset(to - real_now())
    try:
        yield
    finally:
        set_offset(before)
