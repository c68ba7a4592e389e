"""What every command needs before it starts: settings that make sense, and the two servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from kit.servers import EmbeddedServersError, Endpoints, embedded
from settings import Settings, get_settings

T = TypeVar("T")

DATABASE_URL, REDIS_URL = "STEWARD_DATABASE_URL", "STEWARD_REDIS_URL"


def load_settings() -> Settings:
    """The settings, or the end of the program with a sentence for each that is wrong, and exit code 2."""
    found = examined_settings()
    if isinstance(found, Settings):
        return found
    if os.environ.get("STEWARD_ENVIRONMENT", "production") == "production":
        found.append("To look around without any of it, set STEWARD_ENVIRONMENT=demo.")
    sys.stderr.write("\n".join(found) + "\n")
    sys.exit(2)


def examined_settings() -> Settings | list[str]:
    """The settings, or what is wrong with them: a sentence each, with the variable's name and never its value."""
    try:
        return get_settings()
    except ValidationError as error:
        return [_sentence(detail["loc"], detail["msg"]) for detail in error.errors()]


def _sentence(location: tuple[int | str, ...], text: str) -> str:
    text = text.removeprefix("Value error, ")
    variable = "_".join(["STEWARD", *(str(part).upper() for part in location)])
    return f"{variable}: {text}" if location else text


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[Endpoints]:
    """Both URLs, in this process's environment and settings too; embedded servers for what is not set.

    Where `steward up` runs on the same home, its servers are used. Ends the program with exit code 1, and a sentence,
    where they cannot run.
    """
    if settings.database_url and settings.redis_url:
        yield Endpoints(settings.database_url, settings.redis_url)
        return
    with contextlib.ExitStack() as stack:
        try:
            own = stack.enter_context(embedded(settings.home))
        except EmbeddedServersError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(1)
        found = Endpoints(settings.database_url or own.database_url, settings.redis_url or own.redis_url)
        os.environ[DATABASE_URL], os.environ[REDIS_URL] = found.database_url, found.redis_url
        get_settings.cache_clear()
        yield found


def with_database(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work with keys and ORM open, embedded servers included; answers what it answers."""
    from kit import crypto, database

    settings = load_settings()
    crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())

    async def run(url: str) -> T:
        async with database.connected(url, pool=2):
            return await work

    try:
        with served(settings) as found:
            return asyncio.run(run(found.database_url))
    finally:
        work.close()
