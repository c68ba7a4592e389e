"""Submitted material: types by content, encryption at rest, quarantine, retention."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit import clock
from kit.crypto import CryptoError
from kit.ids import new_id
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import FileState, StoredFile
from stewardship.foundation.files.rules import KEPT, MAX_BYTES, media_type_of
from stewardship.foundation.files.scanning import EICAR, ClamdScanner, ScanUnavailable, TestFileScanner
from stewardship.foundation.files.store import PIECE, FileStore

PNG = b"\x89PNG\r\n\x1a\n"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def blobs(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


async def stream(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(blobs: FileStore, file_id: UUID) -> bytes:
    return b"".join([piece async for piece in blobs.read(file_id)])


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (PNG, "image/png"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"%PDF-1.7", "application/pdf"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x18ftyp????", None),
        (b"#!AMR\n", "audio/amr"),
        (b"\x02#!SILK_V3", "audio/silk"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xff\xff\xff", None),
        (b"PK\x03\x04....[Content_Types].xml....word/document.xml", DOCX),
        (b"PK\x03\x04...._rels/.rels....xl/workbook.xml", XLSX),
        (b"PK\x03\x04....malware.exe", None),
        (b"MZ\x90\x00", None),
        (b"<svg xmlns=", None),
        (b"<!DOCTYPE html>", None),
        (b"", None),
    ],
)
def test_a_type_is_told_by_content(head: bytes, expected: str | None) -> None:
    assert media_type_of(head) == expected


@given(size=st.integers(0, 3 * PIECE + 1), step=st.integers(1, 2 * PIECE))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again_and_lies_encrypted(tmp_path: Path, size: int, step: int) -> None:
    async def story() -> None:
        blobs, file_id, content = FileStore(tmp_path), new_id(), PNG + os.urandom(size)
        written = await blobs.write(file_id, stream(content, step))
        assert (written.size, written.media_type) == (len(content), "image/png")
        assert await read(blobs, file_id) == content
        assert PNG not in blobs.path(file_id).read_bytes()

    asyncio.run(story())


@pytest.mark.parametrize("harm", ["flip", "cut", "cut a whole piece", "append", "swap"])
async def test_a_changed_or_cut_blob_is_noticed(blobs: FileStore, harm: str) -> None:
    file_id = new_id()
    await blobs.write(file_id, stream(PNG + bytes(3 * PIECE)))
    path = blobs.path(file_id)
    raw = bytearray(path.read_bytes())
    head = len(raw) - 3 * (PIECE + 16) - (len(PNG) + 16)
    if harm == "flip":
        raw[-100] ^= 1
    elif harm == "cut":
        del raw[-5:]
    elif harm == "cut a whole piece":
        del raw[head + 3 * (PIECE + 16) :]
    elif harm == "append":
        raw += bytes(PIECE)
    else:
        one, two = head + PIECE + 16, head + 2 * (PIECE + 16)
        raw[head:one], raw[one:two] = raw[one:two], raw[head:one]
    path.write_bytes(raw)
    with pytest.raises(CryptoError):
        await read(blobs, file_id)


async def test_a_blob_moved_to_another_name_does_not_open(blobs: FileStore) -> None:
    mine, other = new_id(), new_id()
    await blobs.write(mine, stream(PNG))
    blobs.path(other).parent.mkdir(parents=True, exist_ok=True)
    blobs.path(mine).rename(blobs.path(other))
    with pytest.raises(CryptoError):
        await read(blobs, other)


async def test_a_stream_that_breaks_off_leaves_nothing(blobs: FileStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PNG + bytes(PIECE)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.write(new_id(), broken())
    assert list(blobs.present()) == []


async def test_more_than_twenty_megabytes_are_refused_while_they_come(blobs: FileStore) -> None:
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        yield PNG
        while True:
            asked += 1
            yield bytes(1024 * 1024)

    with pytest.raises(Invalid, match="file_too_large"):
        await blobs.write(new_id(), endless())
    assert asked <= MAX_BYTES // (1024 * 1024) + 1


async def test_the_test_virus_is_rejected_even_across_two_pieces(db: None, blobs: FileStore) -> None:
    content = PNG + bytes(PIECE - 40) + EICAR + bytes(PIECE)
    file = await files.store(SYSTEM, blobs, stream(content), origin="mp", person_id=new_id())
    assert await files.scan(blobs, file.id, TestFileScanner()) is FileState.REJECTED
    again = await StoredFile.get(id=file.id)
    with pytest.raises(Conflict, match="file_not_ready"):
        await files.open_file(SYSTEM, blobs, again)


async def test_a_scan_is_done_once(db: None, blobs: FileStore) -> None:
    file = await files.store(SYSTEM, blobs, stream(PNG), origin="mp", person_id=new_id())
    assert await files.scan(blobs, file.id, TestFileScanner()) is FileState.CLEAN

    class Away:
        async def scan(self, content: AsyncIterator[bytes]) -> object:
            raise AssertionError("a clean file is not scanned again")

    assert await files.scan(blobs, file.id, Away()) is FileState.CLEAN  # type: ignore[arg-type] # It must not be asked.


async def test_announced_media_is_fetched_once_and_its_id_forgotten(db: None, blobs: FileStore) -> None:
    person = new_id()
    file = await files.announce(SYSTEM, media_id="MEDIA", person_id=person, case_id=None, origin="oa", key="msg-1")
    same = await files.announce(SYSTEM, media_id="MEDIA", person_id=person, case_id=None, origin="oa", key="msg-1")
    assert same.id == file.id
    assert await files.media_id_of(file) == "MEDIA"
    arrived = await files.fetched(blobs, file.id, stream(PNG))
    assert (arrived.state, arrived.media_id) == (FileState.QUARANTINED, None)
    assert arrived.keep_until is not None
    assert abs(arrived.keep_until - clock.now() - KEPT) < timedelta(minutes=1)
    with pytest.raises(Conflict):
        await files.media_id_of(arrived)


async def test_media_that_cannot_be_had_is_lost_with_its_reason(db: None) -> None:
    file = await files.announce(SYSTEM, media_id="M", person_id=new_id(), case_id=None, origin="oa", key="msg-2")
    await files.lost(file.id, "expired")
    found = await StoredFile.get(id=file.id)
    assert (found.state, found.reason, found.media_id) == (FileState.LOST, "expired", None)


async def test_what_has_been_kept_long_enough_goes_with_its_content(
    db: None, blobs: FileStore, clock_at: Callable[[datetime], None]
) -> None:
    file = await files.store(SYSTEM, blobs, stream(PNG), origin="mp", person_id=new_id())
    assert await files.sweep(blobs) == 0
    clock_at(clock.now() + KEPT + timedelta(days=1))
    assert await files.sweep(blobs) == 1
    assert not await StoredFile.exists(id=file.id)
    assert list(blobs.present()) == []


async def test_a_blob_that_no_row_knows_goes_after_a_day(db: None, blobs: FileStore) -> None:
    orphan = new_id()
    await blobs.write(orphan, stream(PNG))
    assert await files.sweep(blobs) == 0
    yesterday = time.time() - 2 * 86_400
    os.utime(blobs.path(orphan), (yesterday, yesterday))
    assert await files.sweep(blobs) == 1


async def test_clamav_is_asked_by_its_own_protocol(tmp_path: Path) -> None:
    taken = bytearray()

    async def clamd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            taken.extend(await reader.readexactly(size))
        writer.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in taken else b"stream: OK\0")
        await writer.drain()
        writer.close()

    socket = tmp_path / "clamd.sock"
    async with await asyncio.start_unix_server(clamd, socket):
        scanner = ClamdScanner(f"unix:{socket}")
        assert (await scanner.scan(stream(PNG + bytes(100_000)))).clean
        assert bytes(taken) == PNG + bytes(100_000)
        found = await scanner.scan(stream(EICAR))
        assert (found.clean, found.finding) == (False, "Eicar-Test-Signature")


async def test_a_scanner_that_is_away_leaves_the_file_in_quarantine(db: None, blobs: FileStore) -> None:
    file = await files.store(SYSTEM, blobs, stream(PNG), origin="mp", person_id=new_id())
    with pytest.raises(ScanUnavailable):
        await files.scan(blobs, file.id, ClamdScanner("unix:/nonexistent/clamd.sock"))
    assert (await StoredFile.get(id=file.id)).state is FileState.QUARANTINED
