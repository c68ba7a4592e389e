"""An installation whose processes may be killed at any moment and are started again at once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.installation import process_environment, programs
from kit.processes import Program, tie
from kit.servers import process_ids
from settings import Settings

KILLED = ("server", "worker", "scheduler")
RESTARTED = ("postgres", "valkey")


class Installation:
    """Sandbox, server, worker and scheduler on embedded servers, as `steward up` runs them."""

    def __init__(self, settings: Settings, database_url: str, redis_url: str) -> None:
        self._settings = settings
        urls = {"STEWARD_DATABASE_URL": database_url, "STEWARD_REDIS_URL": redis_url}
        environment = process_environment(settings) | urls
        self._programs = {program.name: program for program in programs(settings, environment)}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: Counter[str] = Counter()

    def start(self) -> None:
        """All of them; returns when server and sandbox answer."""
        for name in self._programs:
            self._start(name)
        for port, path in ((self._settings.sandbox_port, "/control/health"), (self._settings.port, "/readyz")):
            self._await(f"http://127.0.0.1:{port}{path}")

    def _start(self, name: str) -> None:
        program: Program = self._programs[name]
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                program.arguments,
                env=program.environment,
                stdout=log,
                stderr=log,
                preexec_fn=tie(signal.SIGKILL),  # noqa: PLW1509 — this process has no threads when it starts them.
            )

    def _await(self, address: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(address, timeout=2):  # noqa: S310 — our own address.
                return
            time.sleep(0.1)
        raise TimeoutError(f"{address}; logs in {self._settings.home / 'logs'}")

    def disaster(self, chance: random.Random) -> str:
        """Kill one of our processes and start it again, or restart a server; answers which."""
        name = chance.choice([*KILLED, *KILLED, *RESTARTED])
        self.kills[name] += 1
        if name in KILLED:
            self._running[name].kill()
            self._running[name].wait()
            self._start(name)
        else:
            pid = process_ids(self._settings.home).get(name)
            if pid is not None and _is(pid, name):
                # PostgreSQL's fast shutdown; Valkey is killed outright. Their owner starts them again.
                os.kill(pid, signal.SIGINT if name == "postgres" else signal.SIGKILL)
        return name

    def still_run(self) -> list[str]:
        """Those of our processes that ended by themselves, which none may."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def stop(self) -> None:
        """Ask all of them to end; kills who takes longer than ten seconds."""
        for process in self._running.values():
            process.terminate()
        end = time.monotonic() + 10
        for process in self._running.values():
            try:
                process.wait(max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _is(pid: int, name: str) -> bool:
    """Whether the process is what was recorded: its id may have been given to another one since."""
    try:
        return name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@contextlib.contextmanager
def running(settings: Settings, database_url: str, redis_url: str) -> Iterator[Installation]:
    """Started, and stopped at the end."""
    installation = Installation(settings, database_url, redis_url)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()


def migrate(settings: Settings, urls: Mapping[str, str]) -> None:
    """Bring the schema up to date, as `steward up` does."""
    command = [*programs(settings, {})[-1].arguments[:-1], "migrate"]
    subprocess.run(command, env=process_environment(settings) | dict(urls), check=True)
