"""The caller's side of the owner process: starts it, hears that all is ready, lets it go."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

from kit.processes import restart_delay, say
from kit.servers.place import EmbeddedServersError, Place

_START_WITHIN = 300.0
_STOP_WITHIN = 20.0
_IMPORT_ROOT = Path(__file__).resolve().parents[2]


class Owner:
    """Runs `python -m kit.servers` while the block runs, and starts it again should somebody kill it.

    The owner stops when the pipe to its standard input is closed. The kernel closes it when this process ends, from
    whichever cause, and whichever thread has opened it.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._released = threading.Event()
        self._swap = threading.Lock()
        self._process = self._spawn()
        self._guard = threading.Thread(target=self._keep, name="embedded-servers", daemon=True)

    def __enter__(self) -> None:
        try:
            _await_report(self._process)
        except BaseException:
            self._release()
            _pipe(self._process.stdout).close()
            raise
        self._guard.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()
        self._guard.join()
        _pipe(self._process.stdout).close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 — our own module, and no shell.
            [sys.executable, "-m", "kit.servers", str(self._place.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_IMPORT_ROOT,
            start_new_session=True,
        )

    def _release(self) -> None:
        """Asks the owner to stop, and waits for it."""
        with self._swap:
            self._released.set()
            process = self._process
            _pipe(process.stdin).close()
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()  # The kernel then stops the servers.
            process.wait()

    def _keep(self) -> None:
        failures = 0
        while True:
            self._process.wait()
            if self._released.is_set():
                return
            failures += 1
            say(f"the embedded servers' owner ended with exit code {self._process.returncode}; it is started again.")
            if self._released.wait(restart_delay(failures)):
                return
            if self._again():
                failures = 0

    def _again(self) -> bool:
        with self._swap:
            if self._released.is_set():
                return False
            old, self._process = self._process, self._spawn()
        for pipe in (old.stdin, old.stdout):
            _pipe(pipe).close()
        try:
            _await_report(self._process)
        except EmbeddedServersError as error:
            if not self._released.is_set():
                say(str(error))
            return False
        return True


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the owner is started with pipes")
    return stream


def _await_report(process: subprocess.Popen[bytes]) -> None:
    """The owner writes one line of JSON: `{}` when the servers are ready, or the error."""
    output = _pipe(process.stdout)
    ready, _, _ = select.select([output], [], [], _START_WITHIN)
    if not ready:
        raise EmbeddedServersError(f"the embedded servers did not answer within {_START_WITHIN:.0f} seconds")
    line = output.readline()
    if not line:
        raise EmbeddedServersError(f"the embedded servers' owner ended with exit code {process.wait()}")
    error = json.loads(line).get("error")
    if error:
        raise EmbeddedServersError(error)
