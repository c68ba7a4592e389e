"""Everything of one installation on one machine, started in order and stopped in the reverse one."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cli.ports import why_not
from cli.surroundings import DATABASE_URL, REDIS_URL, served
from kit.processes import Program, Supervisor, last_lines, say, tie
from settings import PlatformAccount, Settings

_ROOT = Path(__file__).resolve().parents[1]
_READY_WITHIN = 90.0


class Problem(RuntimeError):
    """Why the installation cannot run; the text says what to do."""


class Installation:
    """What `installation` started."""

    def __init__(self, settings: Settings, supervisor: Supervisor, environment: dict[str, str]) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self.environment = environment
        """With which a further process joins: the two URLs, home and public URL are set in it."""

    def await_ready(self) -> None:
        """Returns when server and sandbox answer. Raises Problem if they do not in 90 seconds, or a signal came."""
        waiting = {"server": (self._settings.port, "/readyz")}
        if has_sandbox(self._settings):
            waiting["sandbox"] = (self._settings.sandbox_port, "/")
        deadline = time.monotonic() + _READY_WITHIN
        while waiting:
            waiting = {name: where for name, where in waiting.items() if not _answers(self._settings, *where)}
            if not self.tend(0.1 if waiting else 0.0):
                raise Problem("stopped")
            if waiting and time.monotonic() > deadline:
                raise Problem(self._not_ready(next(iter(waiting))))

    def tend(self, timeout: float | None = None) -> bool:
        """As Supervisor.tend: restarts what died; False once it is time to stop."""
        return self._supervisor.tend(timeout)

    def stay(self) -> None:
        """Until SIGTERM or SIGINT."""
        while self.tend():
            pass

    def _not_ready(self, name: str) -> str:
        log = log_of(self._settings, name)
        return "\n".join([f"{name} does not answer; the end of its log, {log}:", *last_lines(log)])


@contextlib.contextmanager
def installation(settings: Settings) -> Iterator[Installation]:
    """Servers, schema and processes, ready to be used, for as long as the block runs.

    Prints each step and the addresses. SIGTERM and SIGINT make `tend` return False; a second one kills. Raises Problem.
    """
    check_ports(settings)
    say(f"案管家 Case Steward, environment: {settings.environment}")
    if not (settings.database_url and settings.redis_url):
        say(f"Starting PostgreSQL and Valkey; their data is in {settings.home} ...")
    with served(settings) as found:
        environment = process_environment(settings) | {DATABASE_URL: found.database_url, REDIS_URL: found.redis_url}
        say("Bringing the database's schema up to date ...")
        _migrate(environment)
        wanted = programs(settings, environment)
        with Supervisor(wanted) as supervisor:
            say(f"Starting {', '.join(program.name for program in wanted)}; logs: {settings.home / 'logs'} ...")
            supervisor.start()
            running = Installation(settings, supervisor, environment)
            running.await_ready()
            _tell_addresses(settings)
            yield running
            say("Stopping ...")


def check_ports(settings: Settings) -> None:
    """Raises Problem, with a sentence for each port that is taken."""
    wanted = {"STEWARD_PORT": ("the server", settings.port)}
    if has_sandbox(settings):
        wanted["STEWARD_SANDBOX_PORT"] = ("the local WeChat", settings.sandbox_port)
    problems = [
        f"Port {port}, meant for {what}, {reason}. Choose another: {variable}={port + 1}"
        for variable, (what, port) in wanted.items()
        if (reason := why_not(settings.host, port))
    ]
    if problems:
        raise Problem("\n".join(problems))


def has_sandbox(settings: Settings) -> bool:
    """Only a demonstration brings its own platforms."""
    return settings.environment == "demo"


def log_of(settings: Settings, name: str) -> Path:
    """Where the process of that name writes its log."""
    return settings.home / "logs" / f"{name}.log"


def programs(settings: Settings, environment: dict[str, str]) -> list[Program]:
    """In the order of starting: the server, which takes in work, is started last and stopped first."""
    found = []
    if has_sandbox(settings):
        found.append(
            Program(
                name="sandbox",
                arguments=sandbox_command(settings),
                log=log_of(settings, "sandbox"),
                environment=environment | sandbox_environment(settings),
            )
        )
    for name in ("worker", "scheduler", "server"):
        command = [sys.executable, "-P", "-m", "cli", name]
        found.append(Program(name=name, arguments=command, log=log_of(settings, name), environment=environment))
    return found


def process_environment(settings: Settings) -> dict[str, str]:
    """For our own processes, whatever directory they are started in.

    Not the current directory but the program's own is searched for modules (`-P`, PYTHONPATH): a stranger's
    `settings.py` must not be taken for ours.
    """
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "STEWARD_HOME": str(settings.home),
        "STEWARD_PUBLIC_URL": _public_url(settings),
    }


def sandbox_command(settings: Settings) -> list[str]:
    """See `sandbox/README.md`."""
    return [
        *(sys.executable, "-P", "-m", "sandbox"),
        *("--host", settings.host, "--port", str(settings.sandbox_port)),
        *("--state", str(settings.home / "sandbox"), "--product", _local_url(settings, settings.port)),
    ]


def sandbox_environment(settings: Settings) -> dict[str, str]:
    """The sandbox takes its accounts from the product's settings, so that a changed one fits both."""
    found = process_environment(settings)
    accounts: dict[str, PlatformAccount] = {"OA": settings.oa, "MP": settings.mp}
    for name, account in accounts.items():
        found |= {
            f"SANDBOX_{name}_APP_ID": account.app_id,
            f"SANDBOX_{name}_SECRET": account.secret.get_secret_value(),
            f"SANDBOX_{name}_TOKEN": account.token.get_secret_value(),
            f"SANDBOX_{name}_AES_KEY": account.aes_key.get_secret_value(),
        }
    return found | {
        "SANDBOX_SMS_SECRET_ID": settings.sms.secret_id,
        "SANDBOX_SMS_SECRET_KEY": settings.sms.secret_key.get_secret_value(),
        "SANDBOX_SMS_APP_ID": settings.sms.app_id,
        "SANDBOX_SMS_SIGN_NAME": settings.sms.sign_name,
        "SANDBOX_SMS_CALLBACK_SECRET": settings.sms.callback_secret.get_secret_value(),
    }


def _public_url(settings: Settings) -> str:
    """Where nobody set it, it follows the port."""
    if "public_url" in settings.model_fields_set:
        return str(settings.public_url)
    return _local_url(settings, settings.port)


def _local_url(settings: Settings, port: int) -> str:
    return f"http://{_reachable(settings.host)}:{port}"


def _reachable(host: str) -> str:
    """An address for a client on this machine; a server that listens on all of them is on this one too."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 — read, not bound.


def _migrate(environment: dict[str, str]) -> None:
    """In a process of its own, so that the supervising one stays small and single-threaded."""
    command = [sys.executable, "-P", "-m", "cli", "migrate"]
    done = subprocess.run(command, env=environment, check=False, preexec_fn=tie(signal.SIGKILL))  # noqa: S603 — our own module.
    if done.returncode:
        raise Problem(f"The schema could not be brought up to date (exit code {done.returncode}); see above.")


def _answers(settings: Settings, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(_reachable(settings.host).strip("[]"), port, timeout=2.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tell_addresses(settings: Settings) -> None:
    server = _public_url(settings).rstrip("/")
    say(f"Ready.\n  desk and API    {server}/\n  API reference   {server}/api/openapi.json")
    if has_sandbox(settings):
        say(f"  local WeChat    {_local_url(settings, settings.sandbox_port)}/")
    say("Ctrl+C stops everything.")
