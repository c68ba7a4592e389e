"""Our own processes, started as an installation starts them, against the tests' servers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Running:
    """A process and what it has written."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, words: str) -> bool:
        return words in self.log.read_text()

    def until(self, words: str, seconds: float = 30) -> None:
        """Wait for words in its log; fails with the log where they do not come or the process ends."""
        end = time.monotonic() + seconds
        while not self.says(words):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"no {words!r} in:\n{self.log.read_text()}"
            time.sleep(0.05)

    def ends(self, signal: int, seconds: float = 5) -> int:
        """Send a signal; its exit code. Fails where it takes longer."""
        self.process.send_signal(signal)
        return self.process.wait(seconds)


@contextlib.contextmanager
def steward(command: str, log: Path, **environment: str) -> Iterator[Running]:
    """`steward COMMAND` in the test environment, killed at the end."""
    wanted = os.environ | {"STEWARD_ENVIRONMENT": "test", "PYTHONUNBUFFERED": "1"} | environment
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli", command],
            env=wanted | {"PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=output,
        )
    try:
        yield Running(process, log)
    finally:
        process.kill()
        process.wait()
