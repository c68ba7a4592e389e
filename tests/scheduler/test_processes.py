"""Scheduler and worker as processes: one leads, another takes over, and all end within seconds of being asked."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from kit import database, jobs
from kit.servers import Endpoints
from tests.scheduler.processes import Running, steward

LEADS = "scheduler_leads"


class Start(Protocol):
    def __call__(self, command: str, name: str) -> Running: ...


@pytest.fixture
def start(real_db: str, endpoints: Endpoints, tmp_path: Path) -> Iterator[Start]:
    """Starts `steward COMMAND` on the test's database, with a log of that name."""
    with ExitStack() as stack:

        def started(command: str, name: str) -> Running:
            running: AbstractContextManager[Running] = steward(
                command,
                tmp_path / f"{name}.log",
                STEWARD_DATABASE_URL=real_db,
                STEWARD_REDIS_URL=endpoints.redis_url,
                STEWARD_HOME=str(tmp_path),
            )
            return stack.enter_context(running)

        yield started


async def leaders() -> int:
    return int(
        await database.fetchval(
            "select count(*) from pg_locks l join pg_stat_activity a on a.pid = l.pid"
            " where l.locktype = 'advisory' and l.granted and a.application_name = 'case-steward-leader'"
            " and a.datname = current_database()"
        )
    )


async def test_one_scheduler_leads_and_another_takes_over_when_it_is_killed(start: Start) -> None:
    first = start("scheduler", "first")
    first.until(LEADS)
    second = start("scheduler", "second")
    second.until("scheduler_stands_by")
    assert await leaders() == 1
    assert not second.says(LEADS)
    first.ends(signal.SIGKILL)
    second.until(LEADS, 6)
    assert await leaders() == 1


async def test_a_leader_that_lost_the_database_leads_again_and_never_twice(start: Start) -> None:
    first = start("scheduler", "first")
    first.until(LEADS)
    second = start("scheduler", "second")
    second.until("scheduler_stands_by")
    await database.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'case-steward-leader'"
        " and datname = current_database()"
    )
    first.until("scheduler_leads_no_more", 10)
    for running in (first, second):
        assert running.process.poll() is None
    for _ in range(100):
        if await leaders():
            break
        await asyncio.sleep(0.1)
    assert await leaders() == 1


@pytest.mark.parametrize(("command", "sign"), [("scheduler", LEADS), ("worker", "worker_ready")])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_ends_within_seconds_and_without_a_complaint(
    start: Start, command: str, sign: str, end: signal.Signals
) -> None:
    running = start(command, command)
    running.until(sign)
    await asyncio.sleep(0.7)  # In the middle of its work.
    assert running.ends(end) == 0
    words = running.log.read_text()
    assert "Traceback" not in words, words
    assert "never awaited" not in words, words
    assert "was destroyed" not in words, words


async def test_the_worker_runs_what_is_queued_while_it_lives(start: Start) -> None:
    worker = start("worker", "worker")
    worker.until("worker_ready")
    await jobs.enqueue("clocks.calendar", {"code": "office", "after": "00000000-0000-0000-0000-000000000000"})
    for _ in range(100):
        if not await database.fetchval("select count(*) from pgqueuer"):
            break
        await asyncio.sleep(0.1)
    assert await database.fetchval("select status::text from pgqueuer_log order by id desc limit 1") == "picked"
    assert worker.ends(signal.SIGTERM) == 0
