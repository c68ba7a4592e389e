"""`steward demo`: the whole installation with a fictional city in it, and the story played before one's eyes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from cli.installation import Installation, Problem, installation
from cli.surroundings import load_settings
from kit.processes import say, tie

MODULE = [sys.executable, "-P", "-m", "demo"]
"""A process of its own: the supervising one stays small, and the city's code is not imported to stop it."""


def show_code() -> int:
    """Print the code of the demonstration's authenticators; answers the exit code."""
    return subprocess.run([*MODULE, "code"], env=_environment(), check=False).returncode  # noqa: S603 — our own module.


def play(*, once: bool) -> int:
    """Start everything, play the story, and stay up unless `once`; answers the exit code. Raises Problem."""
    os.environ.setdefault("STEWARD_ENVIRONMENT", "demo")
    settings = load_settings()
    if settings.environment == "production":
        raise Problem("The demonstration's passwords are published: set STEWARD_ENVIRONMENT=demo and another home.")
    with installation(settings) as running:
        code = _play_story(running, [] if once else ["show"])
        if not once and running.tend(0):
            say("The story is over; everything stays up. Ctrl+C stops it.")
            running.stay()
    return code


def _play_story(running: Installation, arguments: list[str]) -> int:
    """The story's exit code; where a signal came first, the story is ended too."""
    # Standard output is the story's own: this process says what it has to say on standard error.
    with subprocess.Popen(  # noqa: S603 — our own module.
        [*MODULE, *arguments],
        env=running.environment,
        start_new_session=True,  # A terminal's Ctrl+C reaches this process alone, which then stops in order.
        preexec_fn=tie(signal.SIGKILL),  # noqa: PLW1509 — main thread only, and it allocates nothing.
    ) as story:
        while story.poll() is None:
            if not running.tend(0.2):
                story.terminate()
                return story.wait()
        return story.returncode


def _environment() -> dict[str, str]:
    from cli.installation import process_environment

    os.environ.setdefault("STEWARD_ENVIRONMENT", "demo")
    return process_environment(load_settings())
