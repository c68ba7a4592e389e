"""Customer-service windows: how many messages an account may send after what the person did.

Source: 客服消息 (official account and mini-program), the quotas in force: official account 5 within 48 hours after a
message, 3 within one minute after a menu click, a follow or a scan, each; mini-program 5 within 48 hours after a
message, 2 within one minute after entering a session. A trigger opens its window anew.
"""

from __future__ import annotations

from sandbox.errors import PlatformError
from sandbox.model import AccountKey, Phone, Window

OUTSIDE_WINDOW = 45015
COUNT_EXCEEDED = 45047
_HOURS = 3600.0
_ALLOWANCES: dict[str, tuple[float, int]] = {
    "oa:message": (48 * _HOURS, 5),
    "oa:menu": (60.0, 3),
    "oa:follow": (60.0, 3),
    "oa:scan": (60.0, 3),
    "mp:message": (48 * _HOURS, 5),
    "mp:session": (60.0, 2),
}


def open_window(phone: Phone, account: AccountKey, trigger: str, now: float) -> None:
    """The person did something (`message`, `menu`, `follow`, `scan`, `session`) that lets the account write."""
    key = f"{account}:{trigger}"
    seconds, count = _ALLOWANCES[key]
    phone.windows[key] = Window(until=now + seconds, left=count)


def close_windows(phone: Phone, account: AccountKey) -> None:
    """The person unfollowed."""
    phone.windows = {key: window for key, window in phone.windows.items() if not key.startswith(f"{account}:")}


def spend(phone: Phone, account: AccountKey, now: float) -> None:
    """Use one message of the window that ends first. Raises PlatformError 45015 or 45047."""
    mine = [window for key, window in phone.windows.items() if key.startswith(f"{account}:")]
    running = [window for window in mine if window.until > now]
    if not running:
        raise PlatformError(OUTSIDE_WINDOW)
    usable = [window for window in running if window.left > 0]
    if not usable:
        raise PlatformError(COUNT_EXCEEDED)
    min(usable, key=lambda window: window.until).left -= 1
