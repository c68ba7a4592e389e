"""The lock that makes one process the owner of a home's servers."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class HomeLock:
    """An exclusive `flock` on a file. It lasts as long as this process; the servers do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Takes the lock if it is free; at once. Raises OSError where the file cannot be made or opened."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        if self.held:
            return True
        self.release()  # The file was deleted meanwhile: a lock on it keeps nobody out.
        return False

    @property
    def held(self) -> bool:
        """False too once the home was deleted or replaced, for then another process may own the new one."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
