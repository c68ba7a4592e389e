"""What time brings, brought by one scheduler: a failing trigger costs the others nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from kit import clock as real
from kit import database
from scheduler import clock, leader
from settings import Settings


@asynccontextmanager
async def led(url: str, settings: Settings, *triggers: clock.Trigger) -> AsyncIterator[asyncio.Event]:
    """A scheduler of these triggers alone, in this process."""
    stop = asyncio.Event()
    task = asyncio.create_task(clock.lead(settings, url, stop, triggers))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


@pytest.fixture
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "triggers", lambda _: [])


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def counted(runs: list[str], name: str, error: Exception | None = None) -> clock.Trigger:
    async def command() -> None:
        runs.append(name)
        if error is not None:
            raise error

    return clock.Trigger(name, 0.05, command)


async def test_a_trigger_that_fails_is_run_again_and_stops_no_other(
    real_db: str, settings: Settings, no_others: None
) -> None:
    runs: list[str] = []
    triggers = [
        counted(runs, "broken", ValueError("a defect")),
        counted(runs, "away", asyncpg.CannotConnectNowError("starting up")),
        counted(runs, "sound"),
    ]
    async with led(real_db, settings, *triggers):
        await until(lambda: all(runs.count(name) >= 3 for name in ("broken", "away", "sound")))


async def test_a_slow_trigger_is_not_started_twice_and_holds_up_no_other(
    real_db: str, settings: Settings, no_others: None
) -> None:
    runs: list[str] = []
    at_once: list[int] = []

    async def slow() -> None:
        at_once.append(len(at_once))
        await asyncio.sleep(60)

    async with led(real_db, settings, clock.Trigger("slow", 0.05, slow), counted(runs, "sound")):
        await until(lambda: len(runs) >= 5)
    assert len(at_once) == 1


async def test_a_second_scheduler_runs_nothing_until_the_first_is_gone(
    real_db: str, settings: Settings, no_others: None
) -> None:
    runs: list[str] = []
    async with led(real_db, settings, counted(runs, "first")):
        await until(lambda: "first" in runs)
        async with led(real_db, settings, counted(runs, "second")):
            await asyncio.sleep(1.5)
            assert "second" not in runs
            await database.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'case-steward-leader'"
                " and datname = current_database()"
            )
            # Whoever of the two is quicker leads now, and the other one runs nothing.
            await asyncio.sleep(leader.CHECK_SECONDS + leader.RETRY_SECONDS + 1)
            runs.clear()
            await until(lambda: bool(runs))
            await asyncio.sleep(0.3)
            assert len(set(runs)) == 1


async def test_every_command_of_the_installation_runs_on_an_empty_database(
    real_db: str, settings: Settings, clock_at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []
    monkeypatch.setattr(clock.log, "exception", lambda event, **more: failed.append(more["trigger"]))
    monkeypatch.setattr(clock.log, "warning", lambda event, **more: failed.append(more["trigger"]))
    for trigger in clock.triggers(settings):
        await clock.run(trigger)
    assert failed == []


def test_every_trigger_runs_soon_after_the_start(settings: Settings) -> None:
    latest = real.real_now() + timedelta(seconds=clock.FIRST_RUN_WITHIN)
    scheduler: Any = clock.schedule(settings, [])
    for trigger in clock.triggers(settings):
        planned = scheduler.get_job(trigger.name)
        assert planned is not None
        assert planned.next_run_time <= latest + timedelta(seconds=1), trigger.name
