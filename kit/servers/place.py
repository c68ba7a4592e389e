"""Where one home's servers keep data, sockets and logs, and which user owns them."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kit.processes import Account, CannotStart

ELSEWHERE = "set STEWARD_DATABASE_URL and STEWARD_REDIS_URL to servers of your own"
DATABASE = USER = "steward"


class EmbeddedServersError(CannotStart):
    """The embedded servers cannot run here. The text says why and what to do, for the person at the console."""


@dataclass(frozen=True)
class Endpoints:
    """Where the two servers are reached: Unix sockets, open to the home's owner only."""

    database_url: str
    """As asyncpg.connect takes it."""
    redis_url: str
    """As redis.asyncio.from_url takes it."""


@dataclass(frozen=True)
class Place:
    """One home, with symbolic links resolved."""

    home: Path

    @property
    def postgres_data(self) -> Path:
        return self.home / "postgres"

    @property
    def valkey_data(self) -> Path:
        return self.home / "valkey"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def lock(self) -> Path:
        return self.home / "servers.lock"

    @property
    def state(self) -> Path:
        return self.home / "servers.json"

    @property
    def run(self) -> Path:
        """Short, because the path of a Unix socket has at most 107 bytes and a home's path may have more."""
        return run_root() / hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]

    @property
    def postgres_sockets(self) -> Path:
        return self.run / "postgres"

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey" / "socket"

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(
            f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.postgres_sockets))}",
            f"unix://{quote(str(self.valkey_socket))}",
        )


def run_root() -> Path:
    """The parent of every home's sockets.

    Not under /run/user: the system empties that at log-out, below servers that are meant to stay up.
    """
    if os.geteuid() == 0 and os.access("/run", os.W_OK):
        return Path("/run/case-steward")
    return Path(f"/tmp/case-steward-{os.geteuid()}")  # noqa: S108 — `_own_directory` refuses one that another user made.


def locate(home: Path) -> Place:
    """The place of `home`. Raises EmbeddedServersError on another system than Linux."""
    if sys.platform != "linux":
        raise EmbeddedServersError(f"the embedded servers run on Linux only; on this system {ELSEWHERE}")
    return Place(home.expanduser().resolve())


def postgres_account() -> Account | None:
    """Whom PostgreSQL runs as; None: the calling user. PostgreSQL refuses root, so root's runs as `nobody`.

    `nobody` is on every machine, in a bare container too, where no account can be created.
    """
    name: str | int = "nobody" if os.geteuid() == 0 else os.geteuid()
    try:
        entry = pwd.getpwnam(name) if isinstance(name, str) else pwd.getpwuid(name)
    except KeyError:
        raise EmbeddedServersError(
            f"user {name} has no entry in /etc/passwd, which PostgreSQL needs; add one, or {ELSEWHERE}"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid) if os.geteuid() == 0 else None


def prepare(place: Place, account: Account | None) -> None:
    """Makes the directories. Raises EmbeddedServersError where one belongs to somebody else."""
    _own_directory(place.home, os.geteuid(), parents=True)
    _own_directory(place.logs, os.geteuid())
    _own_directory(place.valkey_data, os.geteuid())
    for directory in (place.run.parent, place.run):
        _own_directory(directory, os.geteuid())
        os.chmod(directory, 0o711 if account else 0o700)
        if stat.S_IMODE(os.lstat(directory).st_mode) & 0o022:
            raise EmbeddedServersError(f"{directory} can be written by other users; remove it and start again")
    _own_directory(place.valkey_socket.parent, os.geteuid())
    _own_directory(place.postgres_sockets, account.uid if account else os.geteuid(), account)


def own_postgres_data(place: Place, account: Account | None) -> None:
    """Raises EmbeddedServersError where the data directory, if there is one, belongs to somebody else."""
    try:
        _check_owner(place.postgres_data, account.uid if account else os.geteuid())
    except FileNotFoundError:
        return


def make_for(directory: Path, account: Account | None) -> None:
    """A new directory, open to `account` alone."""
    directory.mkdir(mode=0o700)
    if account:
        os.chown(directory, account.uid, account.gid)


def _own_directory(directory: Path, owner: int, account: Account | None = None, *, parents: bool = False) -> None:
    try:
        if parents:
            directory.parent.mkdir(parents=True, exist_ok=True)
        make_for(directory, account)
    except FileExistsError:
        _check_owner(directory, owner)
    except PermissionError as error:
        raise EmbeddedServersError(
            f"{error.filename} cannot be made ({error.strerror}); choose another STEWARD_HOME"
        ) from error


def _check_owner(directory: Path, owner: int) -> None:
    """Without following a symbolic link, which anyone could have put there."""
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedServersError(f"{directory} is not a directory; move it away, or choose another STEWARD_HOME")
    if found.st_uid != owner:
        raise EmbeddedServersError(
            f"{directory} belongs to {_name(found.st_uid)}; start as that user, or choose another STEWARD_HOME"
        )


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user id {uid}"
