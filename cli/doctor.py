"""`steward doctor`: what the system needs on this machine, checked for real, with what to do about what is missing."""

from __future__ import annotations

import asyncio
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import redis

from cli.installation import has_sandbox
from cli.ports import why_not
from kit.servers import EmbeddedServersError, embedded, endpoints
from settings import Settings

_PATIENCE = 10.0


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    subject: str
    text: str
    remedy: str = ""
    """What to do; empty if all is well."""

    @property
    def well(self) -> bool:
        return not self.remedy

    def __str__(self) -> str:
        mark = "ok     " if self.well else "PROBLEM"
        return f"{mark}  {self.subject}: {self.text}" + (f"\n         → {self.remedy}" if self.remedy else "")


def examine(settings: Settings | list[str]) -> bool:
    """Prints a line for each check; True if there is no problem. A list says what is wrong with the settings."""
    well = True
    for finding in findings(settings) if isinstance(settings, Settings) else _without_settings(settings):
        print(finding, flush=True)
        well = well and finding.well
    return well


def _without_settings(problems: list[str]) -> Iterator[Finding]:
    yield check_python()
    yield check_node()
    for problem in problems:
        yield Finding("settings", problem, "set that, or STEWARD_ENVIRONMENT=demo to look around, and ask again")


def findings(settings: Settings) -> Iterator[Finding]:
    """One after the other, as each is found out."""
    yield check_system(settings)
    yield check_python()
    yield check_node()
    yield check_secrets(settings)
    yield check_home(settings)
    yield from check_ports(settings)
    yield from check_servers(settings)


def check_system(settings: Settings) -> Finding:
    """Linux, or two servers of one's own."""
    name = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if platform.system() == "Linux" or (settings.database_url and settings.redis_url):
        return Finding("system", name)
    return Finding("system", name, "embedded servers need Linux: set STEWARD_DATABASE_URL and STEWARD_REDIS_URL")


def check_python() -> Finding:
    """3.11 or newer runs at all, or this would not be running."""
    return Finding("Python", f"{platform.python_version()} ({sys.executable})")


def check_node() -> Finding:
    """For building the front ends only."""
    node = shutil.which("node")
    if node is None:
        return Finding("Node.js", "none; not needed to run")
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 — ours.
    version = asked.stdout.strip().removeprefix("v")
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) >= 20:
        return Finding("Node.js", version)
    return Finding("Node.js", f"{version or 'does not run'}; older than 20, not needed to run")


def check_secrets(settings: Settings) -> Finding:
    """Production does not even load with a demo secret; elsewhere they are meant."""
    if settings.environment == "production":
        return Finding("secrets", "all set, none of them a demo one")
    return Finding("secrets", f"demo secrets may be in use (environment {settings.environment}): no real data here")


def check_home(settings: Settings) -> Finding:
    """A file can be made in it."""
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.home) as file:
            file.write(b"steward")
    except OSError as error:
        return Finding("home", f"{settings.home}: {error.strerror}", "choose another directory: STEWARD_HOME")
    return Finding("home", f"{settings.home} can be written")


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Free, unless this very installation runs."""
    wanted = {"STEWARD_PORT": settings.port}
    if has_sandbox(settings):
        wanted["STEWARD_SANDBOX_PORT"] = settings.sandbox_port
    for variable, port in wanted.items():
        reason = why_not(settings.host, port)
        if reason is None:
            yield Finding(f"port {port}", "free")
        elif platform.system() == "Linux" and endpoints(settings.home) is not None:
            yield Finding(f"port {port}", f"{reason}: this installation seems to be running")
        else:
            yield Finding(f"port {port}", reason, f"stop that program, or choose another port: {variable}={port + 1}")


def check_servers(settings: Settings) -> Iterator[Finding]:
    """The database and Valkey that the settings name; embedded ones are started for the check."""
    if settings.database_url and settings.redis_url:
        yield from _check_reached(settings.database_url, settings.redis_url)
        return
    try:
        with embedded(settings.home) as own:
            yield from _check_reached(settings.database_url or own.database_url, settings.redis_url or own.redis_url)
    except EmbeddedServersError as error:
        yield Finding("embedded servers", str(error), "set STEWARD_DATABASE_URL and STEWARD_REDIS_URL instead")


def _check_reached(database_url: str, redis_url: str) -> Iterator[Finding]:
    yield from asyncio.run(check_database(database_url))
    yield check_redis(redis_url)


async def check_database(url: str) -> list[Finding]:
    """Reachable, UTF-8, and able to find Chinese words by trigrams, which a database of locale `C` is not."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
        return [Finding("database", f"not reachable ({_words(error)})", "check STEWARD_DATABASE_URL and the server")]
    try:
        version = await connection.fetchval("show server_version")
        return [
            Finding("database", f"PostgreSQL {version}"),
            await _check_locale(connection),
            await _check_jobs(connection),
        ]
    finally:
        await connection.close()


async def _check_jobs(connection: asyncpg.Connection) -> Finding:
    """Jobs that failed for good are held for a person: a number here is somebody who was not told something."""
    if not await connection.fetchval("select to_regclass('pgqueuer')"):
        return Finding("held jobs", "no queue yet: steward migrate makes it")
    rows = await connection.fetch(
        "select entrypoint, count(*) as held from pgqueuer where status = 'failed' group by 1 order by 2 desc, 1"
    )
    if not rows:
        return Finding("held jobs", "none")
    found = ", ".join(f"{row['entrypoint']}: {row['held']}" for row in rows)
    return Finding("held jobs", found, "see the worker's log for job_failed, mend the cause, then release them")


async def _check_locale(connection: asyncpg.Connection) -> Finding:
    row = await connection.fetchrow(
        "select pg_encoding_to_char(encoding) as encoding, datctype from pg_database where datname = current_database()"
    )
    locale = "unknown" if row is None else f"{row['encoding']}, {row['datctype']}"
    remedy = (
        "make the database anew: create database steward template template0 encoding 'UTF8' locale 'C.UTF-8'; "
        "under locale C no Chinese text is found"
    )
    if row is None or row["encoding"] != "UTF8" or row["datctype"] in ("C", "POSIX"):
        return Finding("database locale", locale, remedy)
    try:
        trigrams = await _trigrams(connection)
    except asyncpg.PostgresError as error:
        return Finding("database locale", f"pg_trgm: {_words(error)}", "as a superuser: create extension pg_trgm")
    return Finding(
        "database locale", locale if trigrams else f"{locale}: no Chinese trigrams", "" if trigrams else remedy
    )


async def _trigrams(connection: asyncpg.Connection) -> list[str]:
    """Of a Chinese word; the extension is made for it and rolled back where it is missing."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("create extension if not exists pg_trgm")
        return list(await connection.fetchval("select show_trgm('盗窃')"))
    finally:
        await transaction.rollback()


def check_redis(url: str) -> Finding:
    """It answers a PING."""
    try:
        with redis.Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE) as client:
            client.ping()
            facts = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        return Finding("redis", f"not reachable ({_words(error)})", "check STEWARD_REDIS_URL and the server")
    name = "valkey" if "valkey_version" in facts else "redis"
    return Finding("redis", f"{name.capitalize()} {facts[f'{name}_version']}")


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
