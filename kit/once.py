"""A request that may be repeated: done once, and answered alike each time.

Whoever loses the answer on the way (a mobile network, a page that was closed) sends the request again under the same
key. Key, effects and answer commit together, so that there is no moment in which one stands without the others; a
repetition that comes too early waits for the first one to end, and where that failed it is the first itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from kit import clock, database
from kit.crypto import vault
from kit.models import ANSWER

KEPT = timedelta(days=7)
"""Longer than a mini-program's queue holds what it could not send."""


class KeyReused(Exception):
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request was answered."""

    status: int
    body: bytes


def digest_of(*parts: object) -> str:
    """What identifies a request's key: whoever chose it is part of it."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


async def claim(digest: str, fingerprint: bytes) -> Answer | None:
    """Claim a key on the caller's transaction; the earlier answer where it is a repetition. Raises KeyReused."""
    claimed = await database.fetchval(
        "insert into request_key (digest, fingerprint, received_at) values ($1, $2, $3)"
        " on conflict do nothing returning digest",
        digest,
        fingerprint,
        clock.now(),
    )
    if claimed is not None:
        return None
    row = await database.fetchrow("select fingerprint, status, body from request_key where digest = $1", digest)
    if row is None or row["fingerprint"] != fingerprint:
        raise KeyReused
    return Answer(row["status"], vault().ring.open(row["body"], ANSWER))


async def keep(digest: str, answer: Answer) -> None:
    """Keep the answer with its key, sealed, on the transaction that claimed it."""
    await database.execute(
        "update request_key set status = $2, body = $3 where digest = $1",
        digest,
        answer.status,
        vault().ring.seal(answer.body, ANSWER),
    )


async def prune(limit: int = 50_000) -> int:
    """Drop keys older than a week; answers how many."""
    tag = await database.execute(
        "delete from request_key where digest in (select digest from request_key where received_at < $1 limit $2)",
        clock.now() - KEPT,
        limit,
    )
    return int(tag.split()[-1])
