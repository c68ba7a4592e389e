"""The platform's clock: real time plus an offset set through the control API.

Windows, credits, quotas, QR codes, links and temporary media follow `now()`. Access tokens, js_codes, phone codes and
signatures' ages are transport and follow `real()`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock:
    """Seconds since 1970, as floats. `offset` is what `now()` is ahead of real time."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def real(self) -> float:
        return time.time()

    def now(self) -> float:
        return self.real() + self.offset


def local(instant: float) -> datetime:
    """The instant on a Chinese wall clock."""
    return datetime.fromtimestamp(instant, UTC).astimezone(BEIJING)


def iso(instant: float) -> str:
    """`2026-01-31T09:00:00.123+08:00`."""
    return local(instant).isoformat(timespec="milliseconds")


def day(instant: float) -> str:
    """The calendar day in Beijing on which daily quotas are counted."""
    return local(instant).strftime("%Y-%m-%d")


def month(instant: float) -> str:
    return local(instant).strftime("%Y-%m")
