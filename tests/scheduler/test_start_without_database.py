"""A process that is started while PostgreSQL is away waits for it; the real server is stopped and started."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from kit.servers import Endpoints, embedded
from tests.scheduler.processes import steward
from tests.scheduler.test_clock_commands import steward as command_line

WAITS = "clock_offset_unreadable"


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Endpoints]:
    """The home of servers that ran, were migrated and are stopped; and where they are whenever they run."""
    home = tmp_path_factory.mktemp("away") / "home"
    with embedded(home) as found:
        # In a process of its own: migrating closes the ORM of its process, which the other tests go on with.
        migrated = command_line(found.database_url, found, "migrate")
        assert migrated.returncode == 0, migrated.stderr
    return home, found


@pytest.mark.parametrize(("command", "ready"), [("scheduler", "scheduler_leads"), ("worker", "worker_ready")])
async def test_a_process_waits_for_a_database_that_is_just_restarting(
    away: tuple[Path, Endpoints], endpoints: Endpoints, tmp_path: Path, command: str, ready: str
) -> None:
    home, found = away
    urls = {"STEWARD_DATABASE_URL": found.database_url, "STEWARD_REDIS_URL": endpoints.redis_url}
    with steward(command, tmp_path / "process.log", STEWARD_HOME=str(tmp_path), **urls) as process:
        process.until(WAITS)
        assert not process.says(ready)
        with embedded(home) as again:
            assert again.database_url == found.database_url
            process.until(ready)
            assert process.ends(signal.SIGTERM) == 0
