"""The demonstration as a newcomer starts it: a process of its own, an empty home, the story to its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.story import STEPS

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
"""Seconds; on two idle cores it takes half a minute, beside other tests more."""


def free_ports(count: int) -> list[int]:
    """All different: each stays taken until the last is found."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def environment(home: Path) -> dict[str, str]:
    """Nothing of the test's own settings or servers."""
    server, sandbox = free_ports(2)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
    return kept | {
        "STEWARD_ENVIRONMENT": "demo",
        "STEWARD_HOME": str(home),
        "STEWARD_PORT": str(server),
        "STEWARD_SANDBOX_PORT": str(sandbox),
    }


@pytest.mark.timeout(PATIENCE + 30)
def test_the_whole_story_holds(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "cli", "demo", "--once"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(tmp_path / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        try:
            told, _ = demo.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            demo.send_signal(signal.SIGTERM)  # It stops its servers.
            pytest.fail(f"not over after {PATIENCE} seconds:\n{demo.communicate()[0]}")
    assert demo.returncode == 0, told
    assert f"story: {len(STEPS)} steps, {len(STEPS)} passed" in told.splitlines()
    assert len(re.findall(r"^\[ ?\d+/\d+\] ✓ ", told, re.MULTILINE)) == len(STEPS)
