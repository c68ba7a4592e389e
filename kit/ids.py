"""Keys and random tokens."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

import uuid_utils.compat

CHECK_WORD_LETTERS = "云山江河花鸟松竹梅兰春夏秋冬日月星光金石泉林风雨雪晴"


def new_id() -> UUID:
    """A UUIDv7: unique without a sequence, and close in the index to its neighbours in time."""
    return uuid_utils.compat.uuid7()


def new_token(length: int = 24) -> str:
    """A single-use secret for a link or a scene: URL-safe, at most 32 characters for the default."""
    return secrets.token_urlsafe(length)


def token_hash(token: str) -> bytes:
    """What is stored of a token: it has its own entropy, so a plain hash keeps it unguessable from the database."""
    return hashlib.sha256(token.encode()).digest()


def new_check_word() -> str:
    """Two characters that a receipt shows and every genuine SMS repeats; easy to read aloud and to compare."""
    return "".join(secrets.choice(CHECK_WORD_LETTERS) for _ in range(2))
