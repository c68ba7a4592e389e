"""The `steward` command: one subcommand for each process and each task of an administrator.

A command imports what it runs only when it runs, so that `steward --help` is quick and a worker carries no web server.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from cli.administration import admin_app
from cli.audit import audit_app
from cli.clock import clock_app, clocks_app
from cli.exchange import export_app, import_app
from cli.keys import keys_app
from cli.reports import reports_app
from cli.wechat import wechat_app

app = typer.Typer(
    name="steward",
    help="案管家 Case Steward: everyone in a case hears of each step and gets an answer.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of local variables would print secrets.
    pretty_exceptions_enable=False,
)
app.add_typer(clock_app, name="clock")
app.add_typer(clocks_app, name="clocks")
app.add_typer(admin_app, name="admin")
app.add_typer(reports_app, name="reports")
app.add_typer(audit_app, name="audit")
app.add_typer(keys_app, name="keys")
app.add_typer(wechat_app, name="wechat")
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")


@app.command()
def up() -> None:
    """Everything on this machine: database, server, worker, scheduler, and the local WeChat in a demonstration."""
    from cli.installation import Problem, installation
    from cli.surroundings import load_settings

    settings = load_settings()
    try:
        with installation(settings) as running:
            running.stay()
    except Problem as problem:
        _give_up(str(problem))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the story, check it, and end.")] = False,
    code: Annotated[bool, typer.Option("--code", help="Print the code of the demonstration's authenticators.")] = False,
) -> None:
    """A fictional city, and the story of two cases in it, on a local WeChat; then stays up to be looked at."""
    from cli import demo as demonstration
    from cli.installation import Problem

    try:
        sys.exit(demonstration.show_code() if code else demonstration.play(once=once))
    except Problem as problem:
        _give_up(str(problem))


@app.command()
def server() -> None:
    """The HTTP server: API, desk and the platforms' callbacks."""
    from cli.surroundings import load_settings, served
    from kit import logs

    settings = load_settings()
    with served(settings):
        from cli.serving import serve

        logs.configure("server")
        serve(settings)


@app.command()
def worker() -> None:
    """Runs queued jobs: deliveries, retries, reactions. Any number may run, on any machine."""
    from scheduler import worker as process

    _run("worker", process.main)


@app.command()
def scheduler() -> None:
    """Triggers what time brings. One leads; a second one stands by."""
    from bot import inbox
    from scheduler import clock as process

    _run("scheduler", lambda: process.main([process.Trigger("prune_inbox", 600, inbox.prune)]))


@app.command()
def sandbox() -> None:
    """The local WeChat and SMS platform, with its page on which a person plays citizens."""
    import subprocess

    from cli.installation import sandbox_command, sandbox_environment
    from cli.surroundings import load_settings

    settings = load_settings()
    command = sandbox_command(settings)
    with subprocess.Popen(command, env=sandbox_environment(settings)) as process:  # noqa: S603 — our own module.
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:  # The terminal sent it to the sandbox too.
            sys.exit(process.wait())


@app.command()
def migrate() -> None:
    """Brings the database's schema up to date. Safe to run twice, and at once from two machines."""
    from cli.surroundings import load_settings, served
    from kit import database

    with served(load_settings()) as found:
        asyncio.run(database.migrate(found.database_url))


@app.command()
def openapi() -> None:
    """Prints the API's OpenAPI document: the front ends' types are generated from it."""
    from cli.openapi import document

    typer.echo(document())


@app.command()
def doctor() -> None:
    """Checks what the system needs here, and says what to do about what is missing."""
    from cli.doctor import examine
    from cli.surroundings import examined_settings

    sys.exit(0 if examine(examined_settings()) else 1)


def _run(name: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    import uvloop

    from cli.surroundings import load_settings, served
    from kit import logs

    with served(load_settings()):
        logs.configure(name)
        try:
            uvloop.run(main())
        except KeyboardInterrupt:
            sys.exit(130)


def _give_up(text: str) -> None:
    typer.echo(text, err=True)
    sys.exit(1)
