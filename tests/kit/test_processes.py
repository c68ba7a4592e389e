"""The supervisor runs, restarts and stops real programs, and none outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.processes import CannotStart, Program, Supervisor, bound_log, last_lines, restart_delay

ROOT = Path(__file__).resolve().parents[2]
ENDS_WELL = 'trap "echo $0 >> {order}; exit 0" TERM; echo up; while :; do sleep 0.02; done'
STUBBORN = 'trap "" TERM; echo up; while :; do sleep 0.02; done'


def shell(name: str, script: str, directory: Path) -> Program:
    return Program(name=name, arguments=["/bin/sh", "-c", script, name], log=directory / f"{name}.log")


def tend_until(supervisor: Supervisor, happened: Callable[[], object], within: float = 15.0) -> None:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        supervisor.tend(0.02)


def up(*programs: Program) -> Callable[[], bool]:
    return lambda: all("up" in last_lines(program.log) for program in programs)


def alive(pid: int) -> bool:
    """A zombie has ended too."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_programs_in_reverse_order(tmp_path: Path, number: signal.Signals) -> None:
    order = tmp_path / "order"
    programs = [shell(name, ENDS_WELL.format(order=order), tmp_path) for name in ("first", "second", "third")]
    with Supervisor(programs) as supervisor:
        supervisor.start()
        tend_until(supervisor, up(*programs))
        pids = supervisor.process_ids
        os.kill(os.getpid(), number)
        assert not supervisor.tend()
    assert order.read_text().split() == ["third", "second", "first"]
    assert not [pid for pid in pids.values() if alive(pid)]


def test_handlers_of_the_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Supervisor([]):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_program_that_died_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    program = shell("worker", "echo up; exec sleep 60", tmp_path)
    with Supervisor([program], say=said.append) as supervisor:
        supervisor.start()
        tend_until(supervisor, up(program))
        first = supervisor.process_ids["worker"]
        os.kill(first, signal.SIGKILL)
        tend_until(supervisor, lambda: supervisor.process_ids.get("worker", first) != first)
    assert said == ["worker was ended by SIGKILL; it is started again in 0.2 s."]


def test_program_that_keeps_dying_is_explained_with_its_own_last_words(tmp_path: Path) -> None:
    said: list[str] = []
    programs = [
        shell("broken", "echo the reason; exit 3", tmp_path),
        Program(name="missing", arguments=[str(tmp_path / "nothing")], log=tmp_path / "missing.log"),
    ]
    with Supervisor(programs, say=said.append) as supervisor:
        supervisor.start()
        tend_until(supervisor, lambda: min(supervisor.failures("broken"), supervisor.failures("missing")) >= 3)
    text = "\n".join(said)
    assert "broken ended with exit code 3" in text
    assert f"broken ended 3 times in a row. The last lines of its log, {tmp_path / 'broken.log'}:" in text
    assert "    the reason" in said
    assert "missing could not be started" in text


def test_failed_preparation_is_a_failed_start(tmp_path: Path) -> None:
    said: list[str] = []
    tries: list[int] = []

    def prepare() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise CannotStart("the disk is away")

    program = Program(name="p", arguments=["/bin/sh", "-c", "echo up"], log=tmp_path / "log", prepare=prepare)
    with Supervisor([program], say=said.append) as supervisor:
        supervisor.start()
        tend_until(supervisor, up(program))
    assert said[0] == "p could not be started (the disk is away); it is started again in 0.2 s."


def test_stubborn_program_is_ended_when_the_time_is_up(tmp_path: Path) -> None:
    said: list[str] = []
    order = tmp_path / "order"
    programs = [shell("good", ENDS_WELL.format(order=order), tmp_path), shell("stubborn", STUBBORN, tmp_path)]
    with Supervisor(programs, say=said.append, stop_within=1.0) as supervisor:
        supervisor.start()
        tend_until(supervisor, up(*programs))
        pids = supervisor.process_ids
        started = time.monotonic()
    assert time.monotonic() - started < 3.0
    assert order.read_text().split() == ["good"]  # It had its turn, though the one before it took all of its own.
    assert said == ["stubborn did not stop in time and is ended now."]
    assert not [pid for pid in pids.values() if alive(pid)]


def test_second_signal_ends_everything_at_once(tmp_path: Path) -> None:
    program = shell("stubborn", STUBBORN, tmp_path)
    with Supervisor([program], say=lambda text: None, stop_within=60.0) as supervisor:
        supervisor.start()
        tend_until(supervisor, up(program))
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        started = time.monotonic()
    assert time.monotonic() - started < 3.0


def test_end_of_the_lifeline_is_a_request_to_stop(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with Supervisor([shell("p", "exec sleep 60", tmp_path)], lifeline=reading) as supervisor:
        supervisor.start()
        assert supervisor.tend(0.0)
        os.close(writing)
        assert not supervisor.tend()
    os.close(reading)


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is Linux's")
def test_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from kit.processes import Program, Supervisor
programs = [Program(name=n, arguments=["/bin/sh", "-c", {STUBBORN!r}], log=Path({str(tmp_path)!r}, n)) for n in "ab"]
with Supervisor(programs) as supervisor:
    supervisor.start()
    print(*supervisor.process_ids.values(), flush=True)
    while supervisor.tend():
        pass
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        supervisor.kill()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_long_log_is_set_aside_while_the_program_writes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 10)
        bound_log(log, limit=100)
        assert log.read_bytes() == b"old\n" * 10
        bound_log(log, limit=10)
        writer.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "log.1").read_bytes() == b"old\n" * 10
    bound_log(tmp_path / "none")


def test_last_lines_of_a_huge_or_missing_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xff" * 100_000 + "\n第一行\n第二行\n".encode())
    assert last_lines(tmp_path / "log", 2) == ["第一行", "第二行"]
    assert last_lines(tmp_path / "none") == []


@given(st.integers(min_value=0))
def test_delays_grow_and_stay_bounded(failures: int) -> None:
    assert 0.2 <= restart_delay(failures) <= restart_delay(failures + 1) <= 10.0
