"""Blobs on disk, encrypted as they stream in; the plain bytes never touch the disk.

A blob is `CSF1`, the length of the sealed data key (2 bytes), that key sealed by the vault's key ring, and the content
in pieces of 64 KiB, each AES-256-GCM under the data key. A piece's nonce is its number and whether it is the last one
(the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár), so that pieces can be neither swapped nor cut off.
Each file has its own data key: a rotation of the vault's keys re-seals 60 bytes, not the content.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.crypto import CryptoError, vault
from stewardship.foundation.files.rules import HEAD_BYTES, check_size, check_type

MAGIC = b"CSF1"
PIECE = 64 * 1024
TAG = 16


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a stream: its type by content, its size and the hash of its plain bytes."""

    media_type: str
    size: int
    sha256: bytes


def _purpose(file_id: UUID) -> str:
    return f"file.key:{file_id}"


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


class _Writer:
    """Encrypts what it is fed; the last piece is known only at the end, so one is always held back."""

    def __init__(self, file: BinaryIO, file_id: UUID) -> None:
        key = AESGCM.generate_key(256)
        sealed = vault().ring.seal(key, _purpose(file_id))
        file.write(MAGIC + len(sealed).to_bytes(2, "big") + sealed)
        self._file, self._cipher = file, AESGCM(key)
        self._held, self._number = bytearray(), 0

    def feed(self, data: bytes) -> None:
        self._held += data
        while len(self._held) > PIECE:
            self._emit(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]

    def finish(self) -> None:
        self._emit(bytes(self._held), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _emit(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), piece, None))
        self._number += 1


class FileStore:
    """The directory of `STEWARD_FILES_URL`. Blobs lie in 256 folders, named by their file's id."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, file_id: UUID) -> Path:
        """Where a blob lies; the last two digits of a UUIDv7 are random and spread evenly."""
        return self._root / file_id.hex[-2:] / f"{file_id.hex}.blob"

    async def write(self, file_id: UUID, content: AsyncIterator[bytes]) -> Written:
        """Take a stream in. Raises Invalid for a type or size that is not taken; then nothing stays behind.

        A blob of that id that is there already is replaced in one step.
        """
        place = self.path(file_id)
        part = place.with_suffix(f".{os.urandom(6).hex()}.part")
        await asyncio.to_thread(place.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        try:
            written = await self._encrypt(part, file_id, content)
            await asyncio.to_thread(_settle, part, place)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return written

    async def _encrypt(self, part: Path, file_id: UUID, content: AsyncIterator[bytes]) -> Written:
        digest, size, head = hashlib.sha256(), 0, b""
        with await asyncio.to_thread(_create, part) as file:
            writer = _Writer(file, file_id)
            async for chunk in content:
                size += len(chunk)
                check_size(max(1, size))
                head = head + chunk[: HEAD_BYTES - len(head)] if len(head) < HEAD_BYTES else head
                digest.update(chunk)
                await asyncio.to_thread(writer.feed, chunk)
            check_size(size)
            media_type = check_type(head)
            await asyncio.to_thread(writer.finish)
        return Written(media_type, size, digest.digest())

    async def read(self, file_id: UUID) -> AsyncIterator[bytes]:
        """The plain content in pieces. Raises FileNotFoundError, or CryptoError for a changed or cut blob."""
        pieces = _decrypt(self.path(file_id), file_id)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            pieces.close()

    async def reseal(self, file_id: UUID) -> bool:
        """Seal the blob's data key anew, with the newest key of the ring; False where it is, or there is no blob.

        The blob is written anew beside the old one and put in its place in one step. Raises CryptoError.
        """
        return await asyncio.to_thread(_reseal, self.path(file_id), file_id)

    async def delete(self, file_id: UUID) -> None:
        """Remove a blob, or nothing."""
        await asyncio.to_thread(self.path(file_id).unlink, missing_ok=True)

    def present(self) -> Iterator[tuple[UUID, float]]:
        """Every blob there is with its time of change, for the sweep of what no row knows. Slow: walks the disk."""
        for path in self._root.glob("*/*.blob"):
            with contextlib.suppress(ValueError, FileNotFoundError):
                yield UUID(hex=path.stem), path.stat().st_mtime


def _create(part: Path) -> BinaryIO:
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _settle(part: Path, place: Path) -> None:
    """Rename into place, durably."""
    part.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _reseal(path: Path, file_id: UUID) -> bool:
    try:
        with path.open("rb") as old:
            sealed = _sealed_key(old)
            ring = vault().ring
            if sealed[0] == ring.newest:
                return False
            renewed = ring.seal(ring.open(sealed, _purpose(file_id)), _purpose(file_id))
            part = path.with_suffix(f".{os.urandom(6).hex()}.part")
            with _create(part) as new:
                new.write(MAGIC + len(renewed).to_bytes(2, "big") + renewed)
                shutil.copyfileobj(old, new, PIECE)
                new.flush()
                os.fsync(new.fileno())
    except FileNotFoundError:
        return False
    _settle(part, path)
    return True


def _decrypt(path: Path, file_id: UUID) -> Generator[bytes, None, None]:
    with path.open("rb") as file:
        cipher = AESGCM(_data_key(file, file_id))
        number, piece = 0, file.read(PIECE + TAG)
        while True:
            following = file.read(PIECE + TAG)
            try:
                yield cipher.decrypt(_nonce(number, last=not following), piece, None)
            except InvalidTag as error:
                raise CryptoError("the file was changed or cut off") from error
            if not following:
                return
            number, piece = number + 1, following


def _data_key(file: BinaryIO, file_id: UUID) -> bytes:
    return vault().ring.open(_sealed_key(file), _purpose(file_id))


def _sealed_key(file: BinaryIO) -> bytes:
    if file.read(len(MAGIC)) != MAGIC:
        raise CryptoError("this is no blob of ours")
    return file.read(int.from_bytes(file.read(2), "big"))
