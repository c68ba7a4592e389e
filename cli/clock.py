"""`steward clock`: the domain's clock, which a demonstration moves; `steward clocks`: the promise clocks, checked."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from cli.surroundings import with_database

clock_app = typer.Typer(help="The domain's clock: shown, or moved on outside production.", no_args_is_help=True)
clocks_app = typer.Typer(help="The promise clocks.", no_args_is_help=True)

DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")
LONGEST = timedelta(days=400)


def duration(words: str) -> timedelta:
    """`1d2h30m10s`, in this order, each part optional. Raises BadParameter."""
    found = DURATION.fullmatch(words.strip())
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < length <= LONGEST:
        raise typer.BadParameter(f"give a duration such as 30m, 2h or 1d12h, up to {LONGEST.days}d")
    return length


@clock_app.command()
def advance(by: Annotated[str, typer.Argument(help="How long is to pass: 30m, 2h, 1d12h …")]) -> None:
    """Lets time pass for server, worker and scheduler; they follow within a second. Refused in production."""
    from kit.clock_offset import ClockIsReal

    try:
        with_database(_advance(duration(by)))
    except ClockIsReal as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


@clock_app.command()
def show() -> None:
    """The domain's time, and what it is ahead of real time."""
    with_database(_show())


@clocks_app.command()
def replay() -> None:
    """Recomputes every clock from its log and lists what differs from what is stored: nothing, or a defect."""
    sys.exit(1 if with_database(_replay()) else 0)


async def _advance(length: timedelta) -> None:
    from kit import clock_offset
    from settings import get_settings

    if get_settings().environment == "production":
        raise clock_offset.ClockIsReal("the clock is real in production")
    await clock_offset.move(length)
    await _show()


async def _show() -> None:
    from kit import clock, clock_offset

    await clock_offset.refresh()
    local = clock.local(clock.now())
    print(f"{local:%Y-%m-%d %H:%M:%S} Asia/Shanghai, {clock.offset()} ahead of real time")


async def _replay() -> int:
    from kit import clock_offset
    from settings import get_settings
    from stewardship.foundation.clocks import comparison

    if get_settings().environment != "production":
        await clock_offset.refresh()
    checked, different, last = 0, 0, None
    while True:
        page = await comparison.compare(last)
        checked, different, last = checked + page.checked, different + len(page.differences), page.last
        for each in page.differences:
            kind, id_ = each.subject
            print(f"{kind} {id_} {each.column}: stored {each.stored}, by its log {each.replayed}")
        print(_progress(checked, last), file=sys.stderr)
        if last is None:
            print(f"{checked} clocks, {different} differences")
            return different


def _progress(checked: int, last: UUID | None) -> str:
    return f"{checked} clocks checked" + (" ..." if last is not None else "")
