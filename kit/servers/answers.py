"""Whether a home's servers answer, asked of them directly."""

from __future__ import annotations

import socket

from kit.servers.place import Place

_STATUS_LINE = 7
"""Of postmaster.pid (0-based): `starting`, `stopping`, `ready` or `standby`, see PostgreSQL's utils/pidfile.h."""


def answering(place: Place) -> bool:
    """True if both servers take requests now."""
    return postgres_answers(place) and valkey_answers(place)


def postgres_answers(place: Place) -> bool:
    """True if PostgreSQL calls itself ready and its socket accepts; a stale file alone does not count."""
    try:
        lines = (place.postgres_data / "postmaster.pid").read_text().splitlines()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(place.postgres_sockets / ".s.PGSQL.5432"))
    except OSError:
        return False
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def valkey_answers(place: Place) -> bool:
    """True if Valkey answers PING; while it loads its data it does not."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(place.valkey_socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False
