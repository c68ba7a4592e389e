"""The story that `make demo` plays: a whole installation in its own processes, checked on telephones and in figures."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES = 8
"""Forty seconds on a quiet machine; other tests run beside it."""


def free_ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [str(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


@pytest.mark.timeout((MINUTES + 1) * 60)
def test_the_story_is_played_from_the_first_step_to_the_last(tmp_path: Path) -> None:
    port, sandbox_port = free_ports(2)
    # Nothing of the tests' own installation: servers, data and ports are the demonstration's.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "demo", "--once"],
        env=inherited
        | {
            "STEWARD_ENVIRONMENT": "demo",
            "STEWARD_HOME": str(tmp_path / "home"),
            "STEWARD_PORT": port,
            "STEWARD_SANDBOX_PORT": sandbox_port,
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    told = re.search(r"^story: (\d+) steps, (\d+) passed$", done.stdout, re.MULTILINE)
    assert told is not None, done.stdout
    assert told[1] == told[2]
    assert int(told[1]) >= 40
