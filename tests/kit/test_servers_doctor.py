"""`steward doctor` and the check of ports say what is wrong, seen on real servers that really are."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from cli.doctor import check_database, check_home, check_redis
from cli.installation import Problem, check_ports
from cli.ports import why_not
from kit.servers import Endpoints
from settings import Settings


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        yield server.getsockname()[1]


@pytest.fixture
async def ascii_database(endpoints: Endpoints) -> AsyncIterator[str]:
    """A database of locale C, as an old server's default may be."""
    admin = await asyncpg.connect(endpoints.database_url)
    try:
        await admin.execute("drop database if exists of_locale_c")
        await admin.execute("create database of_locale_c template template0 locale_provider libc locale 'C'")
        yield endpoints.database_url.replace("/steward?", "/of_locale_c?")
        await admin.execute("drop database of_locale_c")
    finally:
        await admin.close()


def test_taken_port_is_named_with_the_way_out(taken: int) -> None:
    settings = Settings(environment="demo", port=taken, sandbox_port=free_port())
    with pytest.raises(Problem) as told:
        check_ports(settings)
    assert str(told.value) == (
        f"Port {taken}, meant for the server, is in use by another program. Choose another: STEWARD_PORT={taken + 1}"
    )


def test_free_ports_are_no_problem() -> None:
    check_ports(Settings(environment="demo", port=free_port(), sandbox_port=free_port()))


def test_only_a_demonstration_needs_the_sandboxs_port(taken: int) -> None:
    check_ports(Settings(environment="test", port=free_port(), sandbox_port=taken))
    with pytest.raises(Problem, match="STEWARD_SANDBOX_PORT"):
        check_ports(Settings(environment="demo", port=free_port(), sandbox_port=taken))


def test_host_without_an_address_here_is_explained() -> None:
    assert why_not("192.0.2.1", 8000) is not None  # Reserved for documentation, RFC 5737: nobody has it.


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


async def test_our_own_servers_are_well(endpoints: Endpoints) -> None:
    found = [*await check_database(endpoints.database_url), check_redis(endpoints.redis_url)]
    assert [finding.subject for finding in found] == ["database", "database locale", "held jobs", "redis"]
    assert [finding.remedy for finding in found] == [""] * 4


async def test_database_of_locale_c_is_refused(ascii_database: str) -> None:
    reached, locale, _ = await check_database(ascii_database)
    assert reached.well
    assert not locale.well
    assert "C.UTF-8" in locale.remedy


async def test_unreachable_servers_are_problems_not_tracebacks() -> None:
    (database,) = await check_database(f"postgresql://steward@127.0.0.1:{free_port()}/steward")
    redis = check_redis(f"redis://127.0.0.1:{free_port()}")
    assert "STEWARD_DATABASE_URL" in database.remedy
    assert "STEWARD_REDIS_URL" in redis.remedy


def test_home_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check_home(Settings(environment="test", home=tmp_path / "home")).well
    assert "STEWARD_HOME" in check_home(Settings(environment="test", home=tmp_path / "file")).remedy
