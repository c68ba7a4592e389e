"""The worker knows every job that anybody may queue."""

from __future__ import annotations

import subprocess
import sys

KNOWN = "import {}; from kit import jobs; print(*sorted(jobs.names()))"


def test_no_job_that_the_server_or_the_scheduler_queues_is_unknown_to_the_worker() -> None:
    """Each in a process of its own, as they run: here everything is imported by somebody."""
    worker = jobs_known_to("scheduler.worker")
    assert "react.case_closed" in worker
    for queues in ("server", "scheduler.clock"):
        assert jobs_known_to(queues) - worker == set()


def jobs_known_to(program: str) -> set[str]:
    found = subprocess.run(
        [sys.executable, "-c", KNOWN.format(program)], capture_output=True, text=True, check=True, timeout=120
    )
    return set(found.stdout.split())
