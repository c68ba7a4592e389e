"""Real servers for every test: one PostgreSQL and one Valkey a run, a database cloned from a migrated template.

`db` runs a test in a transaction that is rolled back. `real_db` is for tests with several connections or processes: it
commits, and empties the tables afterwards.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import structlog
from tortoise.context import TortoiseContext
from tortoise.transactions import in_transaction

os.environ.setdefault("STEWARD_ENVIRONMENT", "test")

from kit import clock, crypto, database, valkey
from kit.servers import Endpoints, embedded
from settings import Settings, get_settings

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:8]
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


_servers = contextlib.ExitStack()
# structlog's own default draws each exception with all local variables, which takes so long that the database ends the
# transaction in which the test waits.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_sessionstart(session: pytest.Session) -> None:
    """With several processes the one above them holds the servers: a worker that is done first would stop them."""
    several = session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput")
    if several and _servers_given() is None:
        _servers.enter_context(embedded(_home()))


def pytest_unconfigure() -> None:
    _servers.close()


def _servers_given() -> Endpoints | None:
    settings = get_settings()
    urls = (settings.database_url, settings.redis_url)
    return Endpoints(urls[0], urls[1]) if urls[0] and urls[1] else None


def _home() -> Path:
    return Path(os.environ.get("STEWARD_TEST_HOME", get_settings().home / "test"))


@pytest.fixture(scope="session")
def endpoints() -> Iterator[Endpoints]:
    """The embedded servers, shared by the workers of a run, or those that the two URLs name."""
    given = _servers_given()
    if given is not None:
        yield given
        return
    with embedded(_home()) as running:
        yield running


@pytest.fixture(scope="session")
async def database_url(endpoints: Endpoints) -> AsyncIterator[str]:
    """A database of this worker's own, cloned from a template that the first worker migrates."""
    template, name = f"template_{RUN}", f"test_{RUN}_{WORKER}"
    admin = await asyncpg.connect(endpoints.database_url)
    try:
        # Held until the connection ends: as long as a process of this run lives, its databases are in use.
        await admin.execute("select pg_advisory_lock_shared(78, hashtext($1))", RUN)
        await admin.execute("select pg_advisory_lock(77)")
        if not await admin.fetchval("select 1 from pg_database where datname = $1", template):
            await _drop_old(admin)
            await admin.execute(f'create database "{template}"')
            await database.migrate(with_database(endpoints.database_url, template))
        await admin.execute(f'create database "{name}" template "{template}"')
        await admin.execute("select pg_advisory_unlock(77)")
        yield with_database(endpoints.database_url, name)
        await admin.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await admin.close()


async def _drop_old(admin: asyncpg.Connection) -> None:
    """Databases that an aborted run left behind; those of a run beside this one stay."""
    rows = await admin.fetch("select datname from pg_database where datname ~ '^(test|template)_[0-9a-f]{8}'")
    for name in [row["datname"] for row in rows]:
        run = name.split("_")[1]
        if run != RUN and await admin.fetchval("select pg_try_advisory_lock(78, hashtext($1))", run):
            await admin.execute(f'drop database if exists "{name}" with (force)')
            await admin.execute("select pg_advisory_unlock(78, hashtext($1))", run)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    base, _, query = url.partition("?")
    return base.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")


@pytest.fixture(scope="session", autouse=True)
def vault() -> crypto.Vault:
    """The demo keys."""
    settings = get_settings()
    return crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The test environment's settings."""
    return get_settings()


@pytest.fixture(scope="session")
async def orm(database_url: str) -> AsyncIterator[TortoiseContext]:
    """The ORM on this worker's database, for the whole run."""
    async with TortoiseContext() as context:
        await context.init(config=database.config(database_url, pool=10))
        yield context


class _Rollback(Exception):
    """Ends the transaction of a test."""


@pytest.fixture
async def db(orm: TortoiseContext) -> AsyncIterator[None]:
    """A transaction that is rolled back at the test's end."""
    try:
        async with in_transaction("default"):
            yield
            raise _Rollback
    except _Rollback:
        pass


@pytest.fixture
async def real_db(orm: TortoiseContext, database_url: str) -> AsyncIterator[str]:
    """Commits for real; answers the URL for further connections; every table is emptied afterwards."""
    yield database_url
    names = await database.fetch(
        "select format('%I', relname) as name from pg_class where relkind in ('r', 'p') and not relispartition"
        " and relnamespace = 'public'::regnamespace and relname <> 'tortoise_migrations'"
    )
    await database.execute(f"truncate {', '.join(row['name'] for row in names)} restart identity cascade")


@pytest.fixture(scope="session")
async def redis(endpoints: Endpoints) -> AsyncIterator[valkey.Redis]:
    """A client on the run's Valkey."""
    client = valkey.connect(endpoints.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def clock_at() -> Iterator[Callable[[datetime], None]]:
    """Sets the domain's clock; it goes on from there, and is real again after the test."""

    def at(instant: datetime) -> None:
        clock.set_offset(instant - clock.real_now())

    yield at
    clock.set_offset(timedelta(0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that a test has recorded (`record_property("figures", text)`) are shown, whichever process ran it."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "figures":
                terminalreporter.section(report.nodeid.rpartition("::")[2], sep="-")
                terminalreporter.write_line(str(text))
