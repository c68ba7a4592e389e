"""`steward keys`: which versions of the keys are in use, and rewriting everything to the newest."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import typer

from cli.surroundings import with_database

keys_app = typer.Typer(help="The keys of personal data.", no_args_is_help=True)


@keys_app.command()
def status() -> None:
    """Counts what lies under which key version, and says which version may be taken away. Reads every table."""
    sys.exit(0 if with_database(_status()) else 1)


@keys_app.command()
def rotate() -> None:
    """Rewrites everything to the newest keys; goes on where it stopped. At the desk it takes two persons."""
    with_database(_rotate())


async def _status() -> bool:
    """Whether every value that is there can be opened."""
    from kit.crypto import vault
    from stewardship.foundation.keys import service as keys
    from stewardship.foundation.keys.columns import sealed_tables

    ring, index = vault().ring, vault().index
    present = {"encryption": ring.versions, "index": index.versions}
    newest = {"encryption": ring.newest, "index": index.newest}
    used: dict[str, set[int]] = {"encryption": set(), "index": set()}
    for table in sealed_tables():
        print(f"{table.name} ...", file=sys.stderr)
        for found in await keys.usage(table):
            used[found.kind].add(found.version)
            note = "" if found.version == newest[found.kind] else "  old" + ("" if found.renewable else ", stays")
            print(f"{found.kind:10} v{found.version}  {found.count:>10}  {found.table}.{found.column}{note}")
    for kind, versions in present.items():
        spare = [version for version in versions if version != newest[kind] and version not in used[kind]]
        print(f"{kind}: newest v{newest[kind]}, keys of {_named(versions)}; not in use: {_named(spare)}")
    missing = {kind: used[kind] - set(present[kind]) for kind in used}
    for kind, absent in missing.items():
        if absent:
            print(f"MISSING {kind} keys: {_named(sorted(absent))}; what lies under them cannot be read")
    print("Submitted files have their own data keys: take an encryption key away only after `steward keys rotate`.")
    return not any(missing.values())


def _named(versions: list[int]) -> str:
    return ", ".join(f"v{version}" for version in versions) or "none"


async def _rotate() -> None:
    from settings import get_settings
    from stewardship.foundation.files.store import FileStore
    from stewardship.foundation.keys import service as keys
    from stewardship.foundation.keys.models import RotationState

    files = FileStore(Path(get_settings().files_directory))
    rotation = await keys.start()
    print(f"to encryption key v{rotation.encryption_version} and index key v{rotation.index_version}")
    while rotation.state is RotationState.RUNNING:
        rotation = await keys.rotate_page(rotation.id, files)
        [progress] = await keys.rotations(limit=1)
        step = next((step for step in progress.steps if not step.done), None)
        if step is not None:
            print(f"{step.table_name}: {step.looked_at} of {step.total}", file=sys.stderr)
        await asyncio.sleep(0)
    [progress] = await keys.rotations(limit=1)
    for step in progress.steps:
        print(f"{step.table_name:24} {step.looked_at:>10} looked at {step.rewritten:>10} rewritten")
