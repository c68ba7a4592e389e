"""The event log: complete, sealed without a lock, and no change to it goes unnoticed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from kit import database
from kit.servers import Endpoints
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit import anchor
from stewardship.foundation.audit import service as audit

OFFICER = Actor(ActorKind.OFFICER, uuid4(), device="desk", address="10.1.2.3")


async def write(count: int) -> list[UUID]:
    return [
        await audit.record("case.read", OFFICER, ("case", uuid4()), case_id=uuid4(), relation="steward")
        for _ in range(count)
    ]


async def sealed(count: int) -> None:
    """Seal so many events, at once: other databases' open transactions hold nothing back."""
    assert await audit.seal() == count


async def test_sealed_events_verify(real_db: str) -> None:
    await write(5)
    await sealed(5)
    await write(3)
    found = await audit.verify()
    assert (found.holds, found.sealed, found.unsealed) == (True, 5, 3)
    await sealed(3)
    assert (await audit.verify()).unsealed == 0


@pytest.mark.parametrize(
    "tampering",
    [
        "update event set kind = 'case.closed' where id = (select id from event order by xid, id limit 1)",
        "update event set details = '{\"to\": 1}' where id = (select id from event order by xid desc, id limit 1)",
        "delete from event where id = (select id from event order by xid, id limit 1)",
        "update event_seal set hash = decode(repeat('00', 32), 'hex') where no = 1",
        "delete from event_seal where no = 1",
    ],
)
async def test_tampering_shows(real_db: str, tampering: str) -> None:
    await write(4)
    await sealed(4)
    await write(4)
    await sealed(4)
    assert (await audit.verify()).holds
    await database.execute(tampering)
    assert not (await audit.verify()).holds


async def test_an_open_transaction_is_sealed_only_after_it_ends(real_db: str) -> None:
    """A transaction that began first and commits last must not fall out of the chain."""
    slow = await asyncpg.connect(real_db)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(
        "insert into event (id, at, kind, actor_kind, subject_kind, subject_id, details)"
        " values ($1, now(), 'case.read', 'officer', 'case', $1, '{}')",
        uuid4(),
    )
    await write(3)
    assert await audit.seal() == 0
    await transaction.commit()
    await slow.close()
    await write(1)
    await sealed(5)
    assert (await audit.verify()).holds


async def test_an_open_transaction_of_another_database_holds_nothing_back(real_db: str, endpoints: Endpoints) -> None:
    """On a shared cluster somebody else's long import must not stop the sealing."""
    other = await asyncpg.connect(endpoints.database_url)
    transaction = other.transaction()
    await transaction.start()
    assert await other.fetchval("select pg_current_xact_id() is not null")
    try:
        await write(3)
        await sealed(3)
    finally:
        await transaction.rollback()
        await other.close()
    assert (await audit.verify()).holds


async def test_two_sealers_do_not_fork_the_chain(real_db: str) -> None:
    await write(20)
    counts = await asyncio.gather(audit.seal(), audit.seal(), audit.seal())
    await sealed(20 - sum(counts))
    found = await audit.verify()
    assert (found.holds, found.sealed, found.unsealed) == (True, 20, 0)


async def test_the_head_is_anchored_once_a_day_and_a_rewritten_chain_shows(real_db: str, tmp_path: Path) -> None:
    await write(2)
    await sealed(2)
    assert await anchor.write(tmp_path)
    assert not await anchor.write(tmp_path)
    assert await anchor.mismatches(tmp_path) == []
    await database.execute("update event_seal set hash = decode(repeat('11', 32), 'hex')")
    assert await anchor.mismatches(tmp_path) == [1]


async def test_an_event_and_the_jobs_that_follow_it_commit_together(real_db: str) -> None:
    audit.subscribe("test.happened", "test.follow")

    async def fails() -> None:
        async with database.in_transaction():
            await audit.record("test.happened", SYSTEM, ("case", uuid4()))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert await database.fetchval("select count(*) from pgqueuer") == 0
    await audit.record("test.happened", SYSTEM, ("case", uuid4()))
    assert await database.fetchval("select count(*) from pgqueuer where entrypoint = 'test.follow'") == 1
