"""The owner: holds one home's lock and runs its servers until its standard input is closed.

    python -m kit.servers HOME

Writes one line of JSON when the servers are ready (`{}`), or when they cannot run (`{"error": …}`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kit.processes import QUICK_FAILURES, Account, Program, Supervisor, last_lines, say
from kit.servers import postgres, valkey
from kit.servers.answers import answering
from kit.servers.lock import HomeLock
from kit.servers.place import EmbeddedServersError, Place, locate, postgres_account, prepare

_LIFELINE = 0
_STOP_WITHIN = 10.0


def main(home: Path) -> int:
    """Exit code 0 after an orderly stop, 1 after an error that was reported."""
    report = _Report()
    try:
        _run(locate(home), report)
    except EmbeddedServersError as error:
        report(error=str(error))
        return 1
    except OSError as error:
        report(error=f"the embedded servers could not be started: {error}")
        return 1
    return 0


class _Report:
    """The one line to whoever asked, who may be gone already."""

    def __init__(self) -> None:
        self.made = False

    def __call__(self, **facts: str) -> None:
        if self.made:
            return
        self.made = True
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), json.dumps(facts).encode() + b"\n")


def _run(place: Place, report: _Report) -> None:
    account = postgres_account()
    prepare(place, account)
    lock = HomeLock(place.lock)
    programs = [_guarded(p, lock, place, account) for p in (valkey.program(place), postgres.program(place, account))]
    with Supervisor(programs, lifeline=_LIFELINE, stop_within=_STOP_WITHIN, say=_log) as servers:
        if _acquire(lock, place, servers, report):
            _serve(place, programs, servers, report)
    if lock.held:
        shutil.rmtree(place.run, ignore_errors=True)


def _serve(place: Place, programs: list[Program], servers: Supervisor, report: _Report) -> None:
    place.state.unlink(missing_ok=True)
    for program in programs:  # Here an error reaches the person; during a restart it is one more failed try.
        if program.prepare is not None:
            program.prepare()
    servers.start()
    if not _await_ready(place, servers):
        return
    postgres.ensure_database(place)
    recorded = _record(place, servers)
    report()
    while servers.tend():
        if servers.process_ids != recorded:
            recorded = _record(place, servers)


def _guarded(program: Program, lock: HomeLock, place: Place, account: Account | None) -> Program:
    """Prepares only while the home is ours: preparing removes what a living server of another owner would need.

    The directories are looked after each time, for the run directory may have been cleaned away.
    """
    inner: Callable[[], None] | None = program.prepare

    def prepare_if_held() -> None:
        if not lock.held:
            raise EmbeddedServersError(f"{place.home} was removed or replaced while its servers ran; start again")
        prepare(place, account)
        if inner is not None:
            inner()

    return dataclasses.replace(program, prepare=prepare_if_held)


def _acquire(lock: HomeLock, place: Place, servers: Supervisor, report: _Report) -> bool:
    """Waits for the home's lock; False once asked to stop. While another owner has it and all is well, so is this."""
    while not lock.acquire():
        if not report.made and place.state.exists() and answering(place):
            report()
        if not servers.tend(0.2 if report.made else 0.05):
            return False
    return True


def _await_ready(place: Place, servers: Supervisor) -> bool:
    """True when both answer, False once asked to stop. However long a recovery takes, it is waited for.

    Raises EmbeddedServersError with the end of the log of a server that cannot start.
    """
    while not answering(place):
        if not servers.tend(0.02):
            return False
        for name in ("postgres", "valkey"):
            if servers.failures(name) >= QUICK_FAILURES:
                log = place.logs / f"{name}.log"
                raise EmbeddedServersError("\n".join([f"{name} does not start; the end of {log}:", *last_lines(log)]))
    return True


def _record(place: Place, servers: Supervisor) -> dict[str, int]:
    """For people and tests to see; nothing is ever signalled by these numbers."""
    found = servers.process_ids
    new = place.state.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):  # The home was removed below us.
        new.write_text(json.dumps({"owner": os.getpid(), "started_at": int(time.time()), **found}))
        new.replace(place.state)
    return found


def _log(text: str) -> None:
    say(f"embedded servers: {text}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
