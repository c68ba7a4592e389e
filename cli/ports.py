"""Whether a TCP port is free, asked before anything is started on it."""

from __future__ import annotations

import errno
import socket


def why_not(host: str, port: int) -> str | None:
    """None if a server can listen on `host`:`port` now; else the reason, as the end of a sentence."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return f"has no address on this machine for the host {host} ({error.strerror})"
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as server:
            # As the server itself does: a port whose last connections are just closing is free.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind(address)
                server.listen(1)
            except OSError as error:
                return _reason(error)
    return None


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use by another program"
    if error.errno == errno.EACCES:
        return "may not be used by this user"
    return f"cannot be used ({error.strerror})"
