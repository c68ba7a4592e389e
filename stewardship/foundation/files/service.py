"""Submitted material (材料): taken in once, kept apart until a scan has passed, opened by whom it concerns.

The content is on disk before its row is committed, and is removed when the row cannot be: a crash in between leaves a
blob without a row, which `sweep` removes. Media that WeChat holds for us is first announced; a job fetches it within
the platform's three days.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from tortoise.exceptions import IntegrityError

from kit import clock, jobs
from kit.crypto import vault
from kit.database import atomic, in_transaction
from kit.ids import new_id
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, NotFound
from stewardship.foundation.files.models import MEDIA_ID, FileState, StoredFile
from stewardship.foundation.files.rules import KEPT, REJECTED_KEPT
from stewardship.foundation.files.scanning import Scanner, Verdict
from stewardship.foundation.files.store import FileStore, Written

__all__ = [
    "FileStore",
    "access_file",
    "announce",
    "ask_for_sweep",
    "fetched",
    "lost",
    "open_file",
    "scan",
    "store",
    "sweep",
]

log = structlog.get_logger(__name__)

SCAN = "scan_file"
FETCH = "fetch_media"
SWEEP = "sweep_files"
SWEEP_AFTER = timedelta(days=1)
SWEPT_AT_ONCE = 500


async def ask_for_sweep() -> None:
    """Queue a sweep, for a worker: it needs the store's disk."""
    await jobs.enqueue(SWEEP, {}, dedupe_key=SWEEP)


def file_id_for(owner: UUID, key: str) -> UUID:
    """The id of what this owner submits under this key: repeating it finds the same row. The digest spreads evenly."""
    return UUID(bytes=hashlib.sha256(owner.bytes + key.encode()).digest()[:16], version=5)


async def store(
    actor: Actor,
    blobs: FileStore,
    content: AsyncIterator[bytes],
    *,
    origin: str,
    person_id: UUID | None = None,
    officer_id: UUID | None = None,
    case_id: UUID | None = None,
    inquiry_id: UUID | None = None,
    key: str | None = None,
) -> StoredFile:
    """Take a stream in, into quarantine, and queue its scan. `origin` is `mp`, `oa` or `desk`.

    With a `key` repeating it answers the file that is there, and reads nothing. Call it outside a transaction: the
    content comes over the network. Raises Invalid for a type or size that is not taken.
    """
    owner = person_id or officer_id
    file_id = file_id_for(owner, key) if key and owner else new_id()
    known = await StoredFile.get_or_none(id=file_id)
    if known is not None:
        return known
    written = await blobs.write(file_id, content)
    values: dict[str, Any] = {
        "person_id": person_id,
        "officer_id": officer_id,
        "case_id": case_id,
        "inquiry_id": inquiry_id,
        "origin": origin,
    }
    try:
        return await _create(actor, file_id, written, values)
    except IntegrityError:
        # The same tap arrived twice and the other one was quicker; its content is the same, so the blob stays.
        return await StoredFile.get(id=file_id)
    except BaseException:
        await blobs.delete(file_id)
        raise


@atomic()
async def _create(actor: Actor, file_id: UUID, written: Written, values: Mapping[str, Any]) -> StoredFile:
    at = clock.now()
    async with in_transaction():
        file = await StoredFile.create(
            id=file_id,
            state=FileState.QUARANTINED,
            media_type=written.media_type,
            size=written.size,
            sha256=written.sha256,
            stored_at=at,
            keep_until=at + KEPT,
            **values,
        )
    await jobs.enqueue(SCAN, {"file_id": file.id}, dedupe_key=str(file.id))
    await audit.record("file.stored", actor, ("file", file.id), case_id=file.case_id, size=file.size)
    return file


@atomic()
async def announce(
    actor: Actor,
    *,
    media_id: str,
    person_id: UUID,
    case_id: UUID | None,
    origin: str,
    key: str,
    inquiry_id: UUID | None = None,
) -> StoredFile:
    """Remember media that WeChat holds, and queue its fetching. Repeating it with the same `key` changes nothing."""
    file_id = file_id_for(person_id, key)
    known = await StoredFile.get_or_none(id=file_id)
    if known is not None:
        return known
    file = await StoredFile.create(
        id=file_id,
        person_id=person_id,
        case_id=case_id,
        inquiry_id=inquiry_id,
        origin=origin,
        media_id=vault().ring.seal_text(media_id, MEDIA_ID),
        state=FileState.ANNOUNCED,
    )
    await jobs.enqueue(FETCH, {"file_id": file.id}, dedupe_key=str(file.id))
    await audit.record("file.announced", actor, ("file", file.id), case_id=case_id)
    return file


async def media_id_of(file: StoredFile) -> str:
    """The platform's id of announced media, for the job that fetches it. Raises Conflict where there is none left."""
    if file.state is not FileState.ANNOUNCED or file.media_id is None:
        raise Conflict("file_not_announced", "文件已经取回", "不需要再次取回。")
    return vault().ring.open_text(file.media_id, MEDIA_ID)


async def fetched(blobs: FileStore, file_id: UUID, content: AsyncIterator[bytes]) -> StoredFile:
    """Announced media has arrived: into quarantine. Call it outside a transaction. Raises Invalid as `store` does."""
    written = await blobs.write(file_id, content)
    return await _arrived(file_id, written)


@atomic()
async def _arrived(file_id: UUID, written: Written) -> StoredFile:
    file = await StoredFile.select_for_update().get(id=file_id)
    if file.state is not FileState.ANNOUNCED:
        return file
    at = clock.now()
    file.state, file.media_id = FileState.QUARANTINED, None
    file.media_type, file.size, file.sha256 = written.media_type, written.size, written.sha256
    file.stored_at, file.keep_until = at, at + KEPT
    await file.save()
    await jobs.enqueue(SCAN, {"file_id": file.id}, dedupe_key=str(file.id))
    await audit.record("file.stored", SYSTEM, ("file", file.id), case_id=file.case_id, size=file.size)
    return file


@atomic()
async def lost(file_id: UUID, reason: str) -> None:
    """Announced media cannot be had: expired on the platform, or of a kind that is not taken in."""
    changed = await StoredFile.filter(id=file_id, state=FileState.ANNOUNCED).update(
        state=FileState.LOST, reason=reason[:64], media_id=None
    )
    if changed:
        file = await StoredFile.get(id=file_id)
        await audit.record("file.lost", SYSTEM, ("file", file_id), case_id=file.case_id, reason=reason[:64])


async def scan(blobs: FileStore, file_id: UUID, scanner: Scanner) -> FileState:
    """Let the scanner look; answers where the file stands. Idempotent. Raises ScanUnavailable: try again later."""
    file = await StoredFile.get(id=file_id)
    if file.state is not FileState.QUARANTINED:
        return file.state
    verdict = await scanner.scan(blobs.read(file_id))
    return await _judge(file_id, verdict)


@atomic()
async def _judge(file_id: UUID, verdict: Verdict) -> FileState:
    file = await StoredFile.select_for_update().get(id=file_id)
    if file.state is not FileState.QUARANTINED:
        return file.state
    file.state = FileState.CLEAN if verdict.clean else FileState.REJECTED
    file.reason = "" if verdict.clean else f"scan: {verdict.finding}"[:64]
    if not verdict.clean:
        file.keep_until = clock.now() + REJECTED_KEPT
    await file.save(update_fields=["state", "reason", "keep_until"])
    await audit.record(f"file.{file.state.value}", SYSTEM, ("file", file.id), case_id=file.case_id)
    return file.state


async def access_file(actor: Actor, file: StoredFile | None, *, relation: str | None = None) -> StoredFile:
    """The file, for whom the caller has found to be allowed its case, and the read recorded.

    Raises NotFound, or Conflict before its scan has passed or where it failed.

    Files know no scopes of their own: an officer's comes from `cases.access_case`, a citizen's from their membership.
    """
    if file is None:
        raise NotFound("file_not_found", "没有找到这个文件")
    if file.state is not FileState.CLEAN:
        raise Conflict("file_not_ready", "文件还不能查看", "文件正在安全检查，或未通过检查。")
    await audit.record("file.read", actor, ("file", file.id), case_id=file.case_id, relation=relation)
    return file


async def open_file(
    actor: Actor, blobs: FileStore, file: StoredFile | None, *, relation: str | None = None
) -> AsyncIterator[bytes]:
    """A clean file's content, the read recorded. Raises as `access_file` does."""
    found = await access_file(actor, file, relation=relation)
    return blobs.read(found.id)


async def sweep(blobs: FileStore) -> int:
    """Remove expired files' content and rows, and blobs that no row knows; answers how many blobs went.

    Walks the whole store, in a thread: for once in a while.
    """
    removed = 0
    for file in await StoredFile.filter(keep_until__lte=clock.now()).limit(SWEPT_AT_ONCE):
        await _expire(file)
        await blobs.delete(file.id)
        removed += 1
    present = blobs.present()
    while some := await asyncio.to_thread(lambda: dict(itertools.islice(present, SWEPT_AT_ONCE))):
        removed += await _remove_unknown(blobs, some)
    return removed


async def _remove_unknown(blobs: FileStore, present: Mapping[UUID, float]) -> int:
    before = (clock.real_now() - SWEEP_AFTER).timestamp()
    old = {file_id for file_id, changed in present.items() if changed < before}
    unknown = old - set(await StoredFile.filter(id__in=list(old)).values_list("id", flat=True))
    for file_id in unknown:
        await blobs.delete(file_id)
    return len(unknown)


@atomic()
async def _expire(file: StoredFile) -> None:
    await file.delete()
    await audit.record("file.expired", SYSTEM, ("file", file.id), case_id=file.case_id)
