"""`steward reports`: the figures, recomputed."""

from __future__ import annotations

import sys

import typer

reports_app = typer.Typer(help="The figures.", no_args_is_help=True)


@reports_app.callback()
def reports() -> None:
    """The figures."""


@reports_app.command()
def rebuild() -> None:
    """Counts every figure anew from the raw rows, mends what differs, and lists it: nothing, or a defect."""
    from cli.surroundings import with_database

    sys.exit(1 if with_database(_rebuild()) else 0)


async def _rebuild() -> int:
    from kit import clock_offset
    from settings import get_settings
    from stewardship.reports.rebuilding import rebuild as steps

    if get_settings().environment != "production":
        await clock_offset.refresh()
    checked = different = 0
    async for step in steps():
        checked, different = checked + step.checked, different + step.different
        print(f"{step.what}: {step.checked} checked", file=sys.stderr)
        if step.different:
            print(f"{step.what}: {step.different} differed and were mended")
    print(f"{checked} rows, {different} differences")
    return different
