"""Servers of ours that outlived their owner.

They are found by what the kernel says of their command lines, never by a pid file: the number in a stale one may belong
to any other process by now.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from kit.servers.place import EmbeddedServersError

_PATIENCE = 10.0
_PROC = Path("/proc")


def stop_leftovers(program: str, mark: str, stop_signal: signal.Signals, last_signal: signal.Signals) -> None:
    """Stops every process that runs `program` with the argument `mark`, and waits until it is gone.

    Raises EmbeddedServersError if one stays. Only for the holder of the home's lock: nobody else may own such a server.
    """
    for number in (stop_signal, last_signal):
        asked: set[int] = set()
        deadline = time.monotonic() + _PATIENCE
        while found := set(_running(program, mark)):
            for pid in found - asked:
                _signal(pid, number)
            asked |= found
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return
    raise EmbeddedServersError(f"{program} (process {min(found)}) of an earlier run does not end; end it by hand")


def _running(program: str, mark: str) -> Iterator[int]:
    wanted = os.fsencode(mark)
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:  # It ended meanwhile, or is hidden from us and so not ours.
            continue
        if os.path.basename(arguments[0]) == program.encode() and wanted in arguments:
            yield int(entry.name)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
