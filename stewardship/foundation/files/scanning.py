"""The hook that every file must pass before an officer sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

CHUNK = 64 * 1024
TIMEOUT_SECONDS = 60.0
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The test file of the European Institute for Computer Antivirus Research, which every scanner reports."""


class ScanUnavailable(Exception):
    """The scanner did not answer: the file stays in quarantine, and the job is tried again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a file may be shown; `finding` is the scanner's name of what it found."""

    clean: bool
    finding: str = ""


class Scanner(Protocol):
    """Looks at one file."""

    async def scan(self, content: AsyncIterator[bytes]) -> Verdict:
        """Raises ScanUnavailable."""


class TestFileScanner:
    """For demonstrations and tests: passes everything but the EICAR test file. Production uses ClamAV."""

    __test__ = False

    async def scan(self, content: AsyncIterator[bytes]) -> Verdict:
        kept = b""
        async for piece in content:
            kept = kept[-len(EICAR) :] + piece
            if EICAR in kept:
                return Verdict(False, "Eicar-Test-Signature")
        return Verdict(True)


class ClamdScanner:
    """ClamAV's daemon over its socket, by `INSTREAM` (clamd(8)): the content in length-prefixed chunks.

    `address` is `unix:/run/clamav/clamd.ctl` or `tcp:host:port`. clamd's `StreamMaxLength` must be at least 20 MiB.
    """

    def __init__(self, address: str, *, seconds: float = TIMEOUT_SECONDS) -> None:
        kind, _, rest = address.partition(":")
        if kind not in {"unix", "tcp"} or not rest:
            raise ValueError("a scanner's address reads unix:/path or tcp:host:port")
        self._kind, self._rest, self._seconds = kind, rest, seconds

    async def scan(self, content: AsyncIterator[bytes]) -> Verdict:
        try:
            async with asyncio.timeout(self._seconds):
                return _verdict(await self._ask(content))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise ScanUnavailable(type(error).__name__) from error

    async def _ask(self, content: AsyncIterator[bytes]) -> bytes:
        reader, writer = await self._connect()
        try:
            writer.write(b"zINSTREAM\0")
            async for piece in content:
                writer.write(len(piece).to_bytes(4, "big") + piece)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            return await reader.readuntil(b"\0")
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._kind == "unix":
            return await asyncio.open_unix_connection(self._rest)
        host, _, port = self._rest.rpartition(":")
        return await asyncio.open_connection(host, int(port))


def _verdict(answer: bytes) -> Verdict:
    """`stream: OK` or `stream: NAME FOUND`. Raises ScanUnavailable for an error such as a size limit."""
    said = answer.rstrip(b"\0\n").decode(errors="replace")
    if said.endswith(": OK"):
        return Verdict(True)
    found = re.fullmatch(r"[^:]*: (.{1,200}) FOUND", said)
    if found is None:
        raise ScanUnavailable("unexpected answer")
    return Verdict(False, found[1][:48])
