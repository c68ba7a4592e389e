"""`steward admin`: the first administrators, before anybody can log in."""

from __future__ import annotations

import getpass
import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli.surroundings import with_database

admin_app = typer.Typer(help="Administrators, before there is anybody to log in as.", no_args_is_help=True)


class Duty(StrEnum):
    """The three administrators, who are never one person."""

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


@admin_app.callback()
def _admin() -> None:
    """Administrators, before there is anybody to log in as."""


@admin_app.command()
def create(
    number: Annotated[str, typer.Argument(help="The officer's number （警号）; new ones are added to the bureau.")],
    duty: Annotated[Duty, typer.Option(help="Which of the three administrators.")],
    name: Annotated[str, typer.Option(help="The officer's name.")],
    bureau: Annotated[str, typer.Option(help="The bureau's name, on a machine where there is none yet.")] = "市公安局",
) -> None:
    """Creates an administrator over the whole bureau. Asks for a first password, or reads it from standard input.

    The first login sets up the second factor, so hand the password over in person.
    """
    from stewardship.foundation.errors import BusinessError

    password = _password()
    try:
        with_database(_create(number, name, duty, bureau, password))
    except BusinessError as error:
        typer.echo(f"{error.title}。{error.detail}", err=True)
        sys.exit(1)
    typer.echo(f"{number} {name}: {duty.value} administrator. Log in at the desk to set up the second factor.")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("First password: ")
    if getpass.getpass("Once more: ") != first:
        typer.echo("The two differ.", err=True)
        sys.exit(1)
    return first


async def _create(number: str, name: str, duty: Duty, bureau: str, password: str) -> None:
    from kit import clock
    from kit.database import in_transaction
    from stewardship.foundation.actors import SYSTEM
    from stewardship.foundation.errors import Conflict
    from stewardship.foundation.org import service as org
    from stewardship.foundation.org.models import Level, Officer, Role, Unit, UnitKind
    from stewardship.foundation.people.officer_login import check_password

    check_password(password)
    async with in_transaction():
        top = await Unit.filter(parent_id=None).order_by("valid_from").first() or await org.create_unit(
            SYSTEM,
            code="bureau",
            name=bureau,
            level=Level.BUREAU,
            kind=UnitKind.BUREAU,
            parent=None,
            valid_from=clock.today(),
        )
        if await Officer.exists(number=number):
            raise Conflict("officer_number_taken", "警号已存在", "请核对警号。")
        officer = await org.create_officer(SYSTEM, number=number, name=name, unit_id=top.id, password=password)
        await org.grant_role(SYSTEM, officer.id, Role(f"{duty.value}_administrator"), top.id)
