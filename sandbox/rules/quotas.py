"""How often an API may be called: by day (Beijing's calendar) and by minute.

Source: 接口调用频次限制. The numbers that tests change go through the control API.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sandbox.clock import Clock, day, month
from sandbox.errors import PlatformError

DAY_LIMIT = 45009
MINUTE_LIMIT = 45011
CLEAR_LIMIT = 48006
CLEARS_PER_MONTH = 10


@dataclass(frozen=True)
class Quota:
    """None: no limit."""

    day: int | None = None
    minute: int | None = None
    minute_error: int = MINUTE_LIMIT


DEFAULTS: dict[str, Quota] = {
    "/cgi-bin/token": Quota(day=2000),
    "/cgi-bin/stable_token": Quota(minute=10_000),
    "/cgi-bin/message/custom/send": Quota(day=500_000),
    "/cgi-bin/message/template/send": Quota(day=100_000),
    "/cgi-bin/message/subscribe/bizsend": Quota(day=100_000),
    "/cgi-bin/message/subscribe/send": Quota(day=10_000_000),
    "/cgi-bin/qrcode/create": Quota(day=100_000),
    "/cgi-bin/user/info": Quota(day=5_000_000),
    "/cgi-bin/user/get": Quota(day=500),
    "/cgi-bin/menu/create": Quota(day=1000),
    "/cgi-bin/menu/get": Quota(day=10_000),
    "/cgi-bin/menu/delete": Quota(day=1000),
    "/cgi-bin/media/upload": Quota(day=100_000),
    "/cgi-bin/media/get": Quota(day=200_000),
    # The document of getUnlimitedQRCode gives 45009 also for its limit by the minute.
    "/wxa/getwxacodeunlimit": Quota(minute=5000, minute_error=DAY_LIMIT),
    "/wxa/generate_urllink": Quota(day=500_000),
    "/wxa/generatescheme": Quota(day=500_000),
    "/wxa/msg_sec_check": Quota(day=2_000_000, minute=4000),
}


class Quotas:
    """Counts calls by account and path."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set: dict[tuple[str, str], Quota] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def set(self, account: str, path: str, quota: Quota) -> None:
        self._set[account, path] = quota

    def limits(self, account: str) -> dict[str, Quota]:
        return DEFAULTS | {path: quota for (key, path), quota in self._set.items() if key == account}

    def spend(self, account: str, path: str) -> None:
        """Count one call. Raises PlatformError 45009 (day) or 45011 (minute)."""
        quota = self._set.get((account, path)) or DEFAULTS.get(path)
        if quota is None:
            return
        now = self._clock.now()
        by_day, by_minute = (account, path, day(now)), (account, path, f"m{int(now // 60)}")
        if quota.minute is not None and self._counts[by_minute] >= quota.minute:
            raise PlatformError(quota.minute_error)
        if quota.day is not None and self._counts[by_day] >= quota.day:
            raise PlatformError(DAY_LIMIT)
        self._counts[by_day] += 1
        if quota.minute is not None:
            self._counts[by_minute] += 1

    def clear(self, account: str) -> None:
        """clear_quota: at most 10 a month. Raises PlatformError 48006."""
        key = (account, "clear_quota", month(self._clock.now()))
        if self._counts[key] >= CLEARS_PER_MONTH:
            raise PlatformError(CLEAR_LIMIT)
        for counted in [each for each in self._counts if each[0] == account and each[1] != "clear_quota"]:
            del self._counts[counted]
        self._counts[key] += 1

    def reset(self) -> None:
        self._counts.clear()
        self._set.clear()
