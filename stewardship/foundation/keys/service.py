"""Rotating the keys: everything sealed is rewritten with the newest key, every blind index made anew.

The keys themselves come from the environment. To rotate: put a new version first in STEWARD_ENCRYPTION_KEYS or
STEWARD_INDEX_KEYS and keep the old ones, restart every process, start the rotation, and take the old version away once
`steward keys status` counts nothing under it. A rotation goes page by page and resumes where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.crypto import Vault, vault
from kit.database import atomic
from kit.jobs import enqueue
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.approvals.models import Approval
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict
from stewardship.foundation.files.store import FileStore
from stewardship.foundation.keys.columns import SealedTable, sealed_tables
from stewardship.foundation.keys.models import KeyRotation, KeyRotationStep, RotationState
from stewardship.foundation.org.models import Role

CHANGE = "key_rotation"
JOB = "keys.rotate"
FILES = "files"
"""The step in which the blobs on the disk get their data keys sealed anew."""
PAGE = 500
FILES_PAGE = 20
COUNTED = 100_000
"""Up to this size a table's rows are counted, beyond it the database's own estimate does for the progress."""


# --- starting ---------------------------------------------------------------------------------------------------------


async def propose(actor: Actor, reason: str) -> Approval:
    """Propose to rewrite everything to the newest keys; another security administrator approves it."""
    payload = {"encryption_version": vault().ring.newest, "index_version": vault().index.newest}
    return await approvals.propose(actor, CHANGE, topic=CHANGE, unit_id=None, payload=payload, reason=reason)


async def _check(_unit_id: object, payload: dict[str, Any]) -> None:
    if (payload["encryption_version"], payload["index_version"]) != (vault().ring.newest, vault().index.newest):
        raise Conflict("keys_changed", "密钥版本已经变化", "请重新提出轮换。")
    if await running() is not None:
        raise Conflict("rotation_running", "已有一次密钥轮换正在进行", "请等它完成。")


async def _carry_out(approval: Approval, actor: Actor) -> dict[str, Any]:
    rotation = await start(actor, proposed_by_id=approval.proposed_by_id)
    return {"rotation_id": str(rotation.id)}


def _describe(payload: dict[str, Any]) -> list[str]:
    return [
        f"把全部加密数据改用第 {payload['encryption_version']} 版密钥重新加密",
        f"把全部检索索引改用第 {payload['index_version']} 版密钥重建",
        "在后台分批进行，期间系统照常使用",
    ]


approvals.register(approvals.Change(CHANGE, Role.SECURITY_ADMINISTRATOR, _check, _carry_out, _describe))


async def running() -> KeyRotation | None:
    """The rotation that is under way."""
    return await KeyRotation.filter(state=RotationState.RUNNING).first()


@atomic()
async def start(actor: Actor = SYSTEM, *, proposed_by_id: UUID | None = None) -> KeyRotation:
    """Begin, or go on with the one under way. Only an approval and the command line, at the server itself, call it."""
    await database.advisory_lock("keys", "rotation")
    rotation = await running()
    if rotation is None:
        rotation = await KeyRotation.create(
            encryption_version=vault().ring.newest,
            index_version=vault().index.newest,
            started_at=clock.now(),
            proposed_by_id=proposed_by_id,
            approved_by_id=actor.id,
        )
        names = [table.name for table in sealed_tables()]
        for place, name in enumerate([*names, FILES]):
            await KeyRotationStep.create(rotation_id=rotation.id, place=place, table_name=name, total=await _size(name))
        await audit.record(
            "keys.rotation_started",
            actor,
            ("key_rotation", rotation.id),
            encryption_version=rotation.encryption_version,
            index_version=rotation.index_version,
        )
    await enqueue(JOB, {"rotation_id": rotation.id}, dedupe_key=str(rotation.id))
    return rotation


async def _size(name: str) -> int:
    table = "stored_file" if name == FILES else name
    estimate = await database.fetchval(
        "select coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint from pg_class c"
        " where c.oid = $1::regclass or c.oid in (select inhrelid from pg_inherits where inhparent = $1::regclass)",
        table,
    )
    if estimate > COUNTED:
        return int(estimate)
    return int(await database.fetchval(f'select count(*) from "{table}"'))  # noqa: S608 — a name from our own models.


# --- going on ---------------------------------------------------------------------------------------------------------


@atomic()
async def rotate_page(rotation_id: UUID, files: FileStore) -> KeyRotation:
    """Rewrite the next page; the rotation is done when nothing is left. One process at a time works on it.

    Raises Conflict in a process that has other keys than the rotation is for: it would seal with the old ones again.
    """
    rotation = await KeyRotation.select_for_update().get(id=rotation_id)
    if (rotation.encryption_version, rotation.index_version) != (vault().ring.newest, vault().index.newest):
        raise Conflict("keys_changed", "本进程的密钥版本与轮换不一致", "请用新的密钥配置重启全部进程，轮换会自动继续。")
    step = await KeyRotationStep.filter(rotation_id=rotation.id, done=False).order_by("place").first()
    if step is None:
        return await _finish(rotation)
    if step.table_name == FILES:
        await _rotate_files(step, files)
    else:
        table = next(table for table in sealed_tables() if table.name == step.table_name)
        await _rotate_rows(step, table)
    await step.save()
    return rotation


async def _finish(rotation: KeyRotation) -> KeyRotation:
    if rotation.state is RotationState.RUNNING:
        rotation.state, rotation.finished_at = RotationState.DONE, clock.now()
        await rotation.save(update_fields=["state", "finished_at"])
        await audit.record("keys.rotated", SYSTEM, ("key_rotation", rotation.id))
    return rotation


async def _rotate_rows(step: KeyRotationStep, table: SealedTable) -> None:
    columns = ", ".join(f'"{column}"' for column in table.columns)
    rows = await database.fetch(
        f"select {columns} from \"{table.name}\" where $1 = '' or \"{table.key}\" > nullif($1, '')::{table.key_type}"  # noqa: S608 — as above.
        f' order by "{table.key}" limit {PAGE}',
        step.after_key,
    )
    changes = [change for row in rows if (change := renewed(table, row, vault())) is not None]
    await _write(table, changes)
    step.looked_at += len(rows)
    step.rewritten += len(changes)
    step.after_key = str(rows[-1][table.key]) if rows else step.after_key
    step.done = len(rows) < PAGE


def renewed(table: SealedTable, row: asyncpg.Record, keys: Vault) -> list[Any] | None:
    """The row's key, new values and old values, in the order of the table's columns; None where all is newest."""
    new: dict[str, bytes | None] = {}
    plain: dict[str, str] = {}
    for name, purpose in table.sealed:
        old = row[name]
        new[name] = old
        if old is not None and old[0] != keys.ring.newest:
            new[name] = keys.ring.seal(keys.ring.open(old, purpose), purpose)
    purposes = dict(table.sealed)
    for index in table.indexes:
        old = row[index.name]
        new[index.name] = old
        if old is None or index.of is None or old[0] == keys.index.newest or row[index.of] is None:
            continue
        value = plain.setdefault(index.of, keys.ring.open_text(row[index.of], purposes[index.of]))
        new[index.name] = keys.index.of(value, purposes[index.of])
    names = table.columns[1:]
    if all(new[name] == row[name] for name in names):
        return None
    return [row[table.key], *(new[name] for name in names), *(row[name] for name in names)]


async def _write(table: SealedTable, changes: Sequence[list[Any]]) -> None:
    """Only where nobody has changed the row since it was read: what is written now is sealed with the newest anyway."""
    if not changes:
        return
    names = table.columns[1:]
    count = len(names)
    sets = ", ".join(f'"{name}" = ${number + 2}' for number, name in enumerate(names))
    same = " and ".join(f'"{name}" is not distinct from ${number + 2 + count}' for number, name in enumerate(names))
    async with database.raw() as connection:
        await connection.executemany(
            f'update "{table.name}" set {sets} where "{table.key}" = $1 and {same}',  # noqa: S608 — as above.
            changes,
        )


async def _rotate_files(step: KeyRotationStep, files: FileStore) -> None:
    rows = await database.fetch(
        "select id from stored_file where ($1 = '' or id > nullif($1, '')::uuid) and stored_at is not null"
        " order by id limit $2",
        step.after_key,
        FILES_PAGE,
    )
    for row in rows:
        step.rewritten += await files.reseal(row["id"])
    step.looked_at += len(rows)
    step.after_key = str(rows[-1]["id"]) if rows else step.after_key
    step.done = len(rows) < FILES_PAGE


# --- looking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """A rotation and how far each table has come."""

    rotation: KeyRotation
    steps: tuple[KeyRotationStep, ...]


async def rotations(limit: int = 10) -> list[Progress]:
    """The last rotations, newest first."""
    rows = await KeyRotation.all().order_by("-started_at").limit(limit)
    return [Progress(row, tuple(await KeyRotationStep.filter(rotation_id=row.id).order_by("place"))) for row in rows]


@dataclass(frozen=True, slots=True)
class Usage:
    """How many values of a column lie under a key version. `renewable`: whether a rotation can rewrite them."""

    table: str
    column: str
    kind: str
    """`encryption` or `index`."""
    version: int
    count: int
    renewable: bool


async def usage(table: SealedTable) -> list[Usage]:
    """What lies under which key version in one table. Reads all of it."""
    found: list[Usage] = []
    for name, _ in table.sealed:
        found += await _count(table, name, "encryption", renewable=True)
    for index in table.indexes:
        found += await _count(table, index.name, "index", renewable=index.of is not None)
    return found


async def _count(table: SealedTable, column: str, kind: str, *, renewable: bool) -> list[Usage]:
    async with database.in_transaction():
        await database.execute("set local statement_timeout = 0")
        rows = await database.fetch(
            f'select get_byte("{column}", 0) as version, count(*) as count from "{table.name}"'  # noqa: S608 — as above.
            f' where "{column}" is not null and length("{column}") > 0 group by 1 order by 1'
        )
    return [Usage(table.name, column, kind, row["version"], row["count"], renewable) for row in rows]
