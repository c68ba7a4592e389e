"""Child processes that live and die with the process that started them.

A `Supervisor` runs named programs, starts again what ended, and stops them in order. The kernel ends them if the
supervisor itself is killed (`PR_SET_PDEATHSIG`, Linux only; elsewhere an ordinary stop still works). That tie belongs
to the *thread* that starts a child, so a supervisor works in the main thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

LOG_LIMIT = 20 * 1024 * 1024
"""Bytes after which a log starts afresh; the previous one is kept beside it as `.1`."""
QUICK_FAILURES = 3
"""So many failures in a row, each soon after a start, are a crash loop."""

_HEALTHY_AFTER = 30.0
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 10.0
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec must not import or allocate more than it has to.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class CannotStart(RuntimeError):
    """A program's preparation found a reason not to start it; the text is for the person at the console."""


@dataclass(frozen=True)
class Account:
    """The operating system's user and group that a program runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program to keep running."""

    name: str
    arguments: Sequence[str]
    log: Path
    """Gets what the program writes to standard output and error, unchanged."""
    directory: Path | None = None
    environment: Mapping[str, str] | None = None
    """The whole environment; None: the supervisor's own."""
    account: Account | None = None
    """Switch to this user, which takes root; None: the supervisor's own."""
    stop_signal: signal.Signals = signal.SIGTERM
    last_signal: signal.Signals = signal.SIGKILL
    """For one that did not end in time."""
    death_signal: signal.Signals = signal.SIGKILL
    """Sent by the kernel when the supervisor is gone."""
    prepare: Callable[[], None] | None = None
    """Called before each start. An OSError or CannotStart from it counts as a failed start and is tried again."""


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    """In a row, since it last ran for long enough to be called healthy."""
    started: float = 0.0
    due: float = math.inf
    """When the next start is to be tried, monotonic seconds; never before the first `start`."""

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def tie(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that has the kernel send `death_signal` to the new process when the calling thread's process ends.

    Popen runs it after it switched the user; a later switch would clear the tie.
    """
    if _LIBC is None:
        return None
    parent, libc = os.getpid(), _LIBC

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # The parent ended before the tie was made.
            os._exit(1)

    return in_child


def restart_delay(failures: int) -> float:
    """Seconds to wait before start number `failures` + 1: doubling from 0.2, at most 10."""
    doublings = min(max(failures - 1, 0), 16)  # Enough to reach the longest; more would overflow after some hours.
    return min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**doublings)


def last_lines(log: Path, count: int = 15) -> list[str]:
    """The end of a log, for a person to read; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 16384))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def bound_log(log: Path, limit: int = LOG_LIMIT) -> None:
    """Moves a log longer than `limit` bytes aside by copying, so that a program that has it open writes on."""
    try:
        if log.stat().st_size <= limit:
            return
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)
    except FileNotFoundError:
        return


def say(text: str) -> None:
    """To standard error; whoever read it may be gone, which is no reason to stop."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class Supervisor:
    """Keeps programs running until SIGTERM, SIGINT or SIGHUP, or until `lifeline` reaches its end.

    Use as a context manager: inside it handles those signals; leaving it stops what still runs. A second signal while
    stopping kills at once. `say` gets each sentence meant for a person.

        with Supervisor(programs) as supervisor:
            supervisor.start()
            while supervisor.tend():
                ...
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        say: Callable[[str], None] = say,
        lifeline: int | None = None,
        stop_within: float = 10.0,
    ) -> None:
        """`lifeline` is a file descriptor whose end of file is a request to stop; `stop_within` is in seconds."""
        self._children = [_Child(program) for program in programs]
        self._say = say
        self._lifeline = lifeline
        self._stop_within = stop_within
        self._requests = 0
        self._next_log_check = 0.0

    def __enter__(self) -> Self:
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._waker, False)
        self._previous = {
            number: signal.signal(number, self._on_stop) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _nothing)
        self._previous_waker = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            signal.set_wakeup_fd(self._previous_waker)
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            os.close(self._wake)
            os.close(self._waker)

    @property
    def stopping(self) -> bool:
        return self._requests > 0

    @property
    def process_ids(self) -> dict[str, int]:
        """Of the programs that run now, by name."""
        return {c.program.name: c.process.pid for c in self._children if c.process is not None and c.running}

    def failures(self, name: str) -> int:
        """How often the program failed in a row, each time soon after its start."""
        return next(c.failures for c in self._children if c.program.name == name)

    def start(self) -> None:
        """Starts every program, in the order given. A failed start is tried again by `tend`."""
        for child in self._children:
            self._start(child)

    def request_stop(self) -> None:
        """As if SIGTERM had come."""
        self._requests += 1

    def tend(self, timeout: float | None = None) -> bool:
        """Waits for the next event, at most `timeout` seconds; restarts what is due. False once it is time to stop."""
        self._sleep(self._until_due(timeout))
        for child in self._children:
            if self.stopping:
                break
            self._look_after(child)
        self._bound_logs()
        return not self.stopping

    def stop(self) -> None:
        """Stops the programs in reverse order, each after the one before has ended or had its share of the time."""
        self._requests = max(self._requests, 1)
        deadline = time.monotonic() + self._stop_within
        left = [child for child in reversed(self._children) if child.running]
        for position, child in enumerate(left):
            share = (deadline - time.monotonic()) / (len(left) - position)
            _send(child, child.program.stop_signal)
            self._await_end([child], time.monotonic() + share)
        self._await_end(left, deadline)
        for child in left:
            if child.running:
                self._say(f"{child.program.name} did not stop in time and is ended now.")
                _send(child, child.program.last_signal)
        self._reap(left)

    def _reap(self, children: list[_Child]) -> None:
        for child in children:
            if child.process is None:
                continue
            try:
                child.process.wait(3.0)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._requests += 1

    def _await_end(self, children: list[_Child], deadline: float) -> None:
        """Until all have ended, the deadline has passed, or a person has asked a second time."""
        while self._requests < 2 and any(c.running for c in children) and (rest := deadline - time.monotonic()) > 0:
            select.select([self._wake], [], [], min(rest, 0.5))
            self._drain()

    def _sleep(self, timeout: float | None) -> None:
        watched = [self._wake] + ([] if self._lifeline is None else [self._lifeline])
        if self.stopping:
            return
        ready, _, _ = select.select(watched, [], [], timeout)
        if self._lifeline is not None and self._lifeline in ready and not os.read(self._lifeline, 4096):
            self._requests = max(self._requests, 1)
        self._drain()

    def _drain(self) -> None:
        try:
            while os.read(self._wake, 4096):
                pass
        except BlockingIOError:
            return

    def _until_due(self, timeout: float | None) -> float | None:
        """Bounded by the next start that is due and, while logs are written, by the next look at their size."""
        waits = [] if timeout is None else [timeout]
        waits += [max(0.0, c.due - time.monotonic()) for c in self._children if not c.running]
        waits += [60.0] if self._children else []
        return min(waits, default=None)

    def _look_after(self, child: _Child) -> None:
        if child.running:
            return
        if child.process is not None:
            self._note_end(child, _ending(child.process.returncode))
        if time.monotonic() >= child.due:
            self._start(child)

    def _note_end(self, child: _Child, how: str) -> None:
        lived = time.monotonic() - child.started
        child.process = None
        child.failures = 1 if lived > _HEALTHY_AFTER else child.failures + 1
        delay = restart_delay(child.failures)
        child.due = time.monotonic() + delay
        name, log = child.program.name, child.program.log
        self._say(f"{name} {how}; it is started again in {delay:.1f} s.")
        if child.failures % QUICK_FAILURES == 0:
            self._say(f"{name} ended {child.failures} times in a row. The last lines of its log, {log}:")
            for line in last_lines(log):
                self._say(f"    {line}")

    def _start(self, child: _Child) -> None:
        child.started = time.monotonic()
        try:
            child.process = _spawn(child.program)
        except (OSError, CannotStart) as error:
            self._note_end(child, f"could not be started ({error})")

    def _bound_logs(self) -> None:
        if time.monotonic() < self._next_log_check:
            return
        self._next_log_check = time.monotonic() + 60.0
        for child in self._children:
            bound_log(child.program.log)


def _nothing(number: int, frame: FrameType | None) -> None:
    """SIGCHLD needs a handler for its number to be written to the wake-up descriptor."""


def _send(child: _Child, number: signal.Signals) -> None:
    if child.process is not None:
        child.process.send_signal(number)


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    if program.prepare is not None:
        program.prepare()
    program.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    bound_log(program.log)
    account = program.account
    with program.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 — a list of arguments that our own code wrote, and no shell.
            list(program.arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.directory,
            env=None if program.environment is None else dict(program.environment),
            start_new_session=True,  # A terminal's Ctrl+C reaches the supervisor alone, which then stops in order.
            preexec_fn=tie(program.death_signal),  # noqa: PLW1509 — main thread only, and it allocates nothing.
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
