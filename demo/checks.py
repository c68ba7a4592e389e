"""What a step of the story demands. A demand that is not met ends the story."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE = 20.0
"""Seconds of real time in which what was set going must have happened."""
_LOOK_AGAIN = 0.05

T = TypeVar("T")


class StoryFailed(Exception):
    """What was seen is not what the story says. The text is for the person at the console."""


def check(holds: object, what: str) -> None:
    """Raises StoryFailed unless it holds."""
    if not holds:
        raise StoryFailed(what)


def there(found: T | None, what: str) -> T:
    """What was found. Raises StoryFailed for None."""
    if found is None:
        raise StoryFailed(what)
    return found


def same(found: object, expected: object, what: str) -> None:
    """Raises StoryFailed, with both values, unless they are equal."""
    if found != expected:
        raise StoryFailed(f"{what}：应为 {expected!r}，实为 {found!r}")


async def eventually(look: Callable[[], Awaitable[T]], what: str, *, within: float = PATIENCE) -> T:
    """What `look` answers as soon as that is something true. Raises StoryFailed after `within` seconds of real time."""
    deadline = time.monotonic() + within
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise StoryFailed(f"{what}：{within:.0f} 秒内没有发生")
        await asyncio.sleep(_LOOK_AGAIN)
