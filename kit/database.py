"""PostgreSQL: connecting, transactions, plain SQL, migrations.

Features use Tortoise models; hot paths use `fetch` and `execute`, which run on the caller's transaction where there is
one. Time is never taken from the database in domain SQL: it comes in as a parameter from `kit.clock`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext, get_current_context, set_global_context
from tortoise.expressions import Q
from tortoise.migrations.api.migrate import migrate as tortoise_migrate
from tortoise.transactions import in_transaction as orm_transaction

__all__ = [
    "after_commit",
    "atomic",
    "config",
    "connected",
    "execute",
    "fetch",
    "fetchrow",
    "fetchval",
    "in_transaction",
    "migrate",
    "together",
    "write",
]

APP = "steward"
APP_NAME = "case-steward"
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000
IDLE_TIMEOUT_MS = 60_000
"""Of a transaction in which nothing happens: a process that hangs must not hold an inquiry's lock for ever."""


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Write = Callable[[Any], Awaitable[object]]

WRITTEN_AT_ONCE = 1_000
"""Rows that `write` holds back before it writes them."""

_afterwards: ContextVar[list[Callable[[], None]] | None] = ContextVar("afterwards", default=None)
"""What waits for the current transaction's commit; None where no transaction of `in_transaction` is open."""
_held_back: ContextVar[dict[Write, list[Any]] | None] = ContextVar("held_back", default=None)
"""What `write` holds back; None outside of `together`."""


def credentials(url: str) -> dict[str, Any]:
    """A `postgresql://` URL, `?host=` of a socket directory included, as Tortoise's asyncpg credentials."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "host": query.get("host") or parts.hostname or "127.0.0.1",
        "port": int(query.get("port") or parts.port or 5432),
        "user": unquote(parts.username or "steward"),
        "password": unquote(parts.password or ""),
        "database": parts.path.lstrip("/") or "steward",
    }


def config(url: str, *, pool: int = 10) -> dict[str, Any]:
    """Tortoise's configuration for one database with every model of the house."""
    options = {
        "minsize": 1,
        "maxsize": pool,
        "application_name": APP_NAME,
        "reset": _leave_as_is,
        "server_settings": {
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
            "jit": "off",
            "timezone": "UTC",
        },
    }
    return {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials(url) | options}},
        "apps": {
            APP: {"models": model_modules(), "default_connection": "default", "migrations": "migrations"},
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def _leave_as_is(connection: asyncpg.Connection) -> None:
    """What asyncpg does when a connection goes back to the pool: nothing, and so no round trip.

    Our code sets nothing on a session that outlives its transaction (`set local`, `pg_advisory_xact_lock`).
    """


def model_modules() -> list[str]:
    """Every module named `models` in the house, found by walking: a new feature cannot be forgotten."""
    found = ["kit.models"]
    for package in ("delivery", "stewardship", "bot"):
        root = importlib.import_module(package)
        found += [m.name for m in pkgutil.walk_packages(root.__path__, f"{package}.") if m.name.endswith(".models")]
    return found


@contextlib.asynccontextmanager
async def connected(url: str, *, pool: int = 10) -> AsyncIterator[None]:
    """Open the ORM for a process, or do nothing where a test has opened it already."""
    if get_current_context() is not None:
        yield
        return
    async with TortoiseContext() as context:
        await context.init(config=config(url, pool=pool))
        set_global_context(context)
        try:
            yield
        finally:
            _forget_global_context()


def _forget_global_context() -> None:
    import tortoise.context

    # Tortoise offers no public way to unset it; a leftover would refuse the next context in the same process.
    tortoise.context._global_context = None


def client() -> BaseDBAsyncClient:
    """The current transaction's client, or the pool's."""
    return get_connection("default")


@contextlib.asynccontextmanager
async def raw() -> AsyncIterator[asyncpg.Connection]:
    """The asyncpg connection of the current transaction, or one of the pool's for the length of the block."""
    async with cast("AbstractAsyncContextManager[asyncpg.Connection]", client().acquire_connection()) as connection:
        yield connection


@contextlib.asynccontextmanager
async def in_transaction() -> AsyncIterator[BaseDBAsyncClient]:
    """A transaction, or a savepoint within the caller's. What `after_commit` was given runs once all of it holds."""
    outermost, outer = not in_a_transaction(), _afterwards.get()
    mine: list[Callable[[], None]] = []
    token = _afterwards.set(mine)
    # What a savepoint takes back must not have been held back for later.
    at_once = _held_back.set(None)
    try:
        async with orm_transaction() as connection:
            yield connection
    finally:
        _held_back.reset(at_once)
        _afterwards.reset(token)
    if outermost:
        for each in mine:
            each()
    elif outer is not None:
        outer += mine


@contextlib.asynccontextmanager
async def together() -> AsyncIterator[None]:
    """Many commands that hold or fail as a whole, with few round trips: for a table that is taken over.

    No command has a savepoint of its own, so whatever one raises must leave the block; and what `write` was given is
    written by the thousand and at the block's end, so nothing within may look for it.
    """
    async with in_transaction():
        held: dict[Write, list[Any]] = {}
        token = _held_back.set(held)
        try:
            yield
            for write_rows, rows in held.items():
                await write_rows(rows)
        finally:
            _held_back.reset(token)


async def write(write_rows: Callable[[list[T]], Awaitable[object]], rows: list[T]) -> None:
    """Have rows written by the function given: now, or with those of other commands within `together`."""
    held = _held_back.get()
    if held is None:
        await write_rows(rows)
        return
    waiting = held.setdefault(write_rows, [])
    waiting += rows
    if len(waiting) >= WRITTEN_AT_ONCE:
        held[write_rows] = []
        await write_rows(waiting)


def atomic() -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Makes a command one transaction; see `in_transaction`, and `together` for several."""

    def decorate(command: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(command)
        async def whole(*args: P.args, **kwargs: P.kwargs) -> R:
            if _held_back.get() is not None:
                return await command(*args, **kwargs)
            async with in_transaction():
                return await command(*args, **kwargs)

        return whole

    return decorate


def after_commit(callback: Callable[[], None]) -> None:
    """Call back once the current transaction is committed, never if it is rolled back; at once where none is open.

    For hints that may be lost: what must happen is a job, written in the same transaction. The callback must not raise.
    """
    waiting = _afterwards.get()
    if not in_a_transaction():
        callback()
    elif waiting is not None:
        waiting.append(callback)


def in_a_transaction() -> bool:
    """Whether the caller has a transaction open."""
    return isinstance(client(), TransactionalDBClient)


async def fetch(sql: str, *values: Any) -> list[asyncpg.Record]:
    """Rows of a query with $1 parameters, on the current transaction."""
    async with raw() as connection:
        return await connection.fetch(sql, *values)


async def fetchrow(sql: str, *values: Any) -> asyncpg.Record | None:
    """The first row, or None."""
    async with raw() as connection:
        return await connection.fetchrow(sql, *values)


async def fetchval(sql: str, *values: Any) -> Any:
    """The first column of the first row, or None."""
    async with raw() as connection:
        return await connection.fetchval(sql, *values)


async def execute(sql: str, *values: Any) -> str:
    """Run a statement; answers PostgreSQL's command tag."""
    async with raw() as connection:
        return await connection.execute(sql, *values)


def earlier_than(column: str, place: tuple[datetime, UUID]) -> Q:
    """What comes after a row in a list that is ordered by this instant, then the id, both descending.

    Several rows may have the same instant: the instant alone would lose those beyond the page's end.
    """
    at, id_ = place
    same: dict[str, Any] = {column: at, "id__lt": id_}
    earlier: dict[str, Any] = {f"{column}__lt": at}
    return Q(**earlier) | Q(**same)


async def advisory_lock(space: str, key: str) -> None:
    """Serialise the current transaction with others of the same space and key, until it ends."""
    await fetchval("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{space}:{key}")


async def migrate(url: str) -> None:
    """Bring the schema up to date. Two processes may call it at once: the second waits for the first."""
    from kit import jobs, partitions

    guard = await asyncpg.connect(url)
    try:
        await guard.execute("select pg_advisory_lock(hashtextextended('steward:migrate', 0))")
        await guard.execute(f"set lock_timeout = {LOCK_TIMEOUT_MS}")
        await tortoise_migrate(config=config(url, pool=2))
        await Tortoise.close_connections()
        await jobs.install(guard)
        await partitions.ensure(guard)
    finally:
        await guard.close()
