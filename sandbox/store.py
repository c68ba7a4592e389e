"""What must survive a restart: JSON documents in one SQLite file, written before an answer leaves the process.

The running process works on objects in memory. `put` marks a document as changed; `flush` writes all changed ones in
one transaction. With the write-ahead log a killed process loses nothing that was flushed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

_SCHEMA = "CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, body BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"


class Store:
    """`directory` None: nothing is written, and a restart forgets everything."""

    def __init__(self, directory: Path | None) -> None:
        self._dirty: dict[tuple[str, str], bytes | None] = {}
        self._database = self._open(directory) if directory else None

    @staticmethod
    def _open(directory: Path) -> sqlite3.Connection:
        directory.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(directory / "sandbox.sqlite3", isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        # A process that is killed loses nothing at NORMAL; only a crash of the whole machine may.
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(_SCHEMA)
        return database

    def put(self, kind: str, key: str, document: Any) -> None:
        """`document`: a dataclass or JSON value. It is serialised now, so later changes need another `put`."""
        if self._database:
            self._dirty[kind, key] = orjson.dumps(document)

    def put_bytes(self, kind: str, key: str, content: bytes) -> None:
        if self._database:
            self._dirty[kind, key] = content

    def remove(self, kind: str, key: str) -> None:
        if self._database:
            self._dirty[kind, key] = None

    def clear(self, kind: str) -> None:
        """Removes all documents of a kind at once."""
        self.flush()
        if self._database:
            self._database.execute("DELETE FROM documents WHERE kind = ?", (kind,))

    def flush(self) -> None:
        """Everything put or removed so far is durable when this returns."""
        if not self._database or not self._dirty:
            return
        changed, self._dirty = self._dirty, {}
        puts = [(kind, key, body) for (kind, key), body in changed.items() if body is not None]
        removed = [pair for pair, body in changed.items() if body is None]
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", puts)
        self._database.executemany("DELETE FROM documents WHERE kind = ? AND key = ?", removed)
        self._database.execute("COMMIT")

    def load(self, kind: str) -> Iterator[Any]:
        """The documents of a kind, parsed, in the order of their keys."""
        if self._database:
            for (body,) in self._database.execute("SELECT body FROM documents WHERE kind = ? ORDER BY key", (kind,)):
                yield orjson.loads(body)

    def load_bytes(self, kind: str, key: str) -> bytes | None:
        if not self._database:
            return None
        self.flush()
        row = self._database.execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return bytes(row[0]) if row else None

    def close(self) -> None:
        self.flush()
        if self._database:
            self._database.close()
