"""Telling the story: steps in order, one line each on standard output, and a timeline on the platform's page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import structlog
from tortoise.exceptions import BaseORMException

from demo.checks import StoryFailed
from demo.phones import CONTROL
from demo.stage import Stage

log = structlog.get_logger(__name__)

Play = Callable[[Stage], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `play` answers what was seen, for the timeline; it raises where the story does not hold."""

    title: str
    play: Play


def step(title: str) -> Callable[[Play], Step]:
    """Make a step of a function."""
    return lambda play: Step(title, play)


@dataclass(frozen=True, slots=True)
class Told:
    """How it went."""

    steps: int
    passed: int

    @property
    def well(self) -> bool:
        return self.steps == self.passed


async def tell(stage: Stage, steps: Sequence[Step], *, pace: float = 0.0) -> Told:
    """Play the steps, `pace` seconds apart; the first that fails ends the story, since what follows builds on it."""
    await stage.platform.call("DELETE", f"{CONTROL}/story")
    for number, each in enumerate(steps, start=1):
        await _post(stage, number, each, "pending")
    for number, each in enumerate(steps, start=1):
        # Whoever watches first reads what is to happen, then sees it happen.
        await _post(stage, number, each, "running")
        await asyncio.sleep(pace / 2)
        if not await _play(stage, number, each, len(steps)):
            return Told(len(steps), number - 1)
        await asyncio.sleep(pace / 2)
    return Told(len(steps), len(steps))


async def _play(stage: Stage, number: int, each: Step, count: int) -> bool:
    started = time.monotonic()
    try:
        detail = await each.play(stage)
    except (StoryFailed, KeyError, IndexError, OSError, asyncpg.PostgresError, BaseORMException) as error:
        why = str(error) if isinstance(error, StoryFailed) else f"{type(error).__name__}: {error}"
        log.warning("step_failed", step=number, exc_info=not isinstance(error, StoryFailed))
        print(f"[{number:2d}/{count}] ✗ {each.title}\n        {why}", flush=True)
        await _post(stage, number, each, "failed", why)
        return False
    print(f"[{number:2d}/{count}] ✓ {each.title} — {detail} ({time.monotonic() - started:.1f} s)", flush=True)
    await _post(stage, number, each, "passed", detail)
    return True


async def _post(stage: Stage, number: int, each: Step, state: str, detail: str = "") -> None:
    body = {"number": number, "title": each.title, "state": state, "detail": detail[:500]}
    await stage.platform.call("POST", f"{CONTROL}/story", body)
