"""Where measurements run: our process on one core; client, PostgreSQL and Valkey on the other."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from tortoise.context import TortoiseContext

from kit import database
from kit.servers import Endpoints, embedded
from settings import get_settings

ROOT = Path(__file__).resolve().parents[1]
SERVER_CORE, OTHER_CORE = 0, 1
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers of a run, and the home under which generated data is kept."""

    endpoints: Endpoints
    home: Path

    def url_of(self, name: str) -> str:
        """A database of this name on the same server."""
        base, _, query = self.endpoints.database_url.partition("?")
        return base.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")

    async def database(self, kind: str) -> tuple[str, bool]:
        """The URL of a migrated database for this kind of data, and whether it was created now.

        Data generated for another schema is of no use, and is removed.
        """
        name = f"{kind}_{schema_fingerprint()}"
        admin = await asyncpg.connect(self.endpoints.database_url)
        try:
            exists = await admin.fetchval("select 1 from pg_database where datname = $1", name)
            if not exists:
                stale = "select datname from pg_database where datname ~ ('^' || $1 || '_[0-9a-f]{8}$')"
                for row in await admin.fetch(stale, kind):
                    await admin.execute(f'drop database "{row["datname"]}" with (force)')
                await admin.execute(f'create database "{name}"')
        finally:
            await admin.close()
        await database.migrate(self.url_of(name))
        return self.url_of(name), not exists

    async def drop(self, name: str) -> None:
        """Remove a database, if it is there."""
        admin = await asyncpg.connect(self.endpoints.database_url)
        try:
            await admin.execute(f'drop database if exists "{name}" with (force)')
        finally:
            await admin.close()


@contextlib.asynccontextmanager
async def orm(url: str) -> AsyncIterator[None]:
    """The ORM on this database, whatever migrating another one left behind."""
    async with TortoiseContext() as context:
        await context.init(config=database.config(url, pool=2))
        yield


def schema_fingerprint() -> str:
    """Eight digits that change with the migrations."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Pin this process, and so the servers it starts, to the second core; the first is for what is measured."""
    pin(os.getpid(), OTHER_CORE)
    home = get_settings().home / "bench"
    with embedded(home) as endpoints:
        yield Stage(endpoints, home)


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where the machine has more than one."""
    cores = sorted(os.sched_getaffinity(0)) if pid == os.getpid() else list(range(os.cpu_count() or 1))
    if len(cores) > core:
        os.sched_setaffinity(pid, {cores[core]})


@contextlib.contextmanager
def process(arguments: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of our processes on the first core, stopped at the end."""
    started = subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "STEWARD_ENVIRONMENT": "test"} | environment,
        stdout=subprocess.DEVNULL,
    )
    pin(started.pid, SERVER_CORE)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def await_port(port: int, path: str = "/") -> None:
    """Returns when something answers there. Raises TimeoutError."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise TimeoutError(f"nothing answers on port {port}")


def peak_megabytes(pid: int) -> float:
    """The most memory a process held resident so far (VmHWM of proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError("the kernel tells no VmHWM")


def uvicorn(app: str, port: int, *, factory: bool = False) -> list[str]:
    """The same server with the same flags, for ours and for the baseline."""
    options = [
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "error",
    ]
    return ["-m", "uvicorn", app, *options, "--no-server-header", *(["--factory"] if factory else [])]
