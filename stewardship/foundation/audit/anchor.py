"""The chain's head, kept outside the database: whoever rewrites the whole chain cannot rewrite this file elsewhere."""

from __future__ import annotations

import asyncio
import os
from datetime import date
from pathlib import Path

from kit import clock, database
from stewardship.foundation.audit import service as audit


async def write(directory: Path) -> bool:
    """Once a day append the head to `directory`/heads.txt; False where today's stands already or nothing is sealed."""
    number, head = await audit.head()
    if number == 0 or not await asyncio.to_thread(_append, directory, clock.today(), number, head):
        return False
    await database.execute("update event_seal set anchored_at = $1 where no = $2", clock.now(), number)
    return True


def _append(directory: Path, today: date, number: int, head: bytes) -> bool:
    path = directory / "heads.txt"
    if _last_day(path) == today:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{today} {number} {head.hex()}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def _last_day(path: Path) -> date | None:
    lines = _lines(path)
    return date.fromisoformat(lines[-1].split()[0]) if lines else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


async def mismatches(directory: Path) -> list[int]:
    """The numbers of seals whose hash is no longer what was anchored."""
    wrong = []
    for line in await asyncio.to_thread(_lines, directory / "heads.txt"):
        _, number, digest = line.split()
        found = await database.fetchval("select hash from event_seal where no = $1", int(number))
        if found is None or bytes(found).hex() != digest:
            wrong.append(int(number))
    return wrong
