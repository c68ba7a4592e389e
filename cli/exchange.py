"""`steward import batch` and `steward export batch`: signed batches between zones."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from stewardship.exchange.zones import Zone

import_app = typer.Typer(help="Takes in what another zone has sent.", no_args_is_help=True)
export_app = typer.Typer(help="Writes what another zone is to know.", no_args_is_help=True)

SECRET_FILE = 0o600


@import_app.command("batch")
def import_batch(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Verifies a signed batch and applies it once; says what was refused and why. Exit code 1 where anything was."""
    sys.exit(1 if _run(_import(file.read_bytes())) else 0)


@export_app.command("batch")
def export_batch(
    client: Annotated[UUID, typer.Option(help="As whom the receiving side has registered this one.")],
    unit: Annotated[str, typer.Option(help="Code of the unit: it and all below is sent.")],
    out: Annotated[Path, typer.Option(help="The file to write.", dir_okay=False)],
    zone: Annotated[str, typer.Option(help="Where it goes: internet or intranet.")] = "internet",
) -> None:
    """Writes what has changed since the last batch, stripped to what the zone may hold, signed."""
    if out.exists():
        raise typer.BadParameter(f"{out} exists; a batch is never overwritten")
    _run(_export(client, unit, out, zone))


@export_app.command("public-key")
def public_key() -> None:
    """Prints the key under which the receiving side registers this one."""
    from cli.surroundings import load_settings
    from stewardship.exchange.envelope import public_key_of

    print(
        base64.b64encode(public_key_of(_signing_key(load_settings().exchange_signing_key.get_secret_value()))).decode()
    )


async def _import(data: bytes) -> int:
    from settings import get_settings
    from stewardship.exchange import batches
    from stewardship.exchange.zones import Zone

    taken = await batches.take(data, Zone(get_settings().zone), progress=_progress)
    if taken.repeated:
        print(f"batch {taken.sequence} was taken before; nothing to do")
        return 0
    for each in taken.refused:
        print(f"refused: {each.kind} {each.source_id}: {each.title}。{each.detail} ({each.code})")
    print(f"batch {taken.sequence}: " + ", ".join(f"{count} {name}" for name, count in taken.counts.items()))
    return len(taken.refused)


def _progress(done: int, of: int) -> None:
    print(f"{done} of {of} records", file=sys.stderr)


async def _export(client_id: UUID, code: str, out: Path, zone: str) -> None:
    from settings import get_settings
    from stewardship.exchange import sending
    from stewardship.foundation.org.models import Unit

    root = await Unit.get_or_none(code=code)
    if root is None:
        raise typer.BadParameter(f"no unit has the code {code}")
    written = await _write(sending.write_batch, client_id, root, _zone(zone), out, get_settings())
    print(f"batch {written.sequence}: {written.records} records in {out}" if written else "nothing has changed")


def _zone(name: str) -> Zone:
    from stewardship.exchange.zones import Zone

    try:
        return Zone(name)
    except ValueError:
        raise typer.BadParameter(f"{name} is no zone: internet or intranet") from None


async def _write(write_batch: Any, client_id: UUID, root: Any, zone: Any, out: Path, settings: Any) -> Any:
    """The file is complete on disk before its number is committed: a number never stands for a lost file."""
    from kit.database import in_transaction

    async with in_transaction():
        key = _signing_key(settings.exchange_signing_key.get_secret_value())
        written = await write_batch(client_id, root, zone, key)
        if written is not None:
            _save(out, written.data)
    return written


def _save(out: Path, data: bytes) -> None:
    """It holds names and phone numbers: for its owner only."""
    part = out.with_name(f"{out.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_FILE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)


def _signing_key(encoded: str) -> bytes:
    key = base64.b64decode(encoded) if encoded else b""
    if len(key) != 32:
        raise typer.BadParameter("STEWARD_EXCHANGE_SIGNING_KEY must be 32 bytes in base64")
    return key


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """With database, keys and clock; a business error is a sentence and exit code 1."""
    import asyncio

    from cli.surroundings import load_settings, served
    from kit import clock_offset, crypto, database
    from stewardship import reactions
    from stewardship.foundation.errors import BusinessError

    settings = load_settings()
    crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
    reactions.register()

    async def run(url: str) -> Any:
        async with database.connected(url, pool=4):
            if settings.environment != "production":
                await clock_offset.refresh()
            return await work

    try:
        with served(settings) as found:
            return asyncio.run(run(found.database_url))
    except BusinessError as error:
        typer.echo(f"{error.title}。{error.detail} ({error.code})", err=True)
        sys.exit(1)
    finally:
        work.close()
