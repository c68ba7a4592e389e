"""Verifying a long chain: page by page, with progress, and with the same result as at once."""

from __future__ import annotations

import pytest

from kit import database, jobs
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit import verification
from stewardship.foundation.audit.models import AuditVerification, VerificationState
from stewardship.foundation.errors import Conflict, NotFound
from tests.foundation.test_event_log import sealed, write


async def run_to_the_end(found: AuditVerification) -> list[int]:
    """Run the queued jobs; the progress after each."""
    progress = []
    while row := await database.fetchrow(
        "delete from pgqueuer where id = (select id from pgqueuer where entrypoint = $1 limit 1) returning payload",
        verification.JOB,
    ):
        await jobs.run_now(verification.JOB, jobs.payload_of(row["payload"]))
        progress.append((await verification.verification(found.id)).seals_done)
    return progress


async def chain_of(seals: int) -> None:
    for _ in range(seals):
        await write(3)
        await sealed(3)


async def test_it_goes_seal_by_seal_and_finds_the_chain_whole(real_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await chain_of(3)
    monkeypatch.setattr(verification, "AT_ONCE_SECONDS", 1e-9)
    started = await verification.start(SYSTEM)
    with pytest.raises(Conflict, match="verification_running"):
        await verification.start(SYSTEM)
    progress = await run_to_the_end(started)
    assert progress == sorted(progress)
    assert progress[-1] == 3
    done = await verification.verification(started.id)
    number, head = await audit.head()
    assert (done.state, done.seals_done, done.sealed, done.broken_at) == (VerificationState.DONE, number, 9, None)
    assert bytes(done.head) == head
    assert done.unsealed == 1, "the start of the verification itself"
    assert [row.id for row in await verification.verifications()] == [done.id]


@pytest.mark.parametrize("damage", ["update event set kind = 'x' where id = $1", "delete from event where id = $1"])
async def test_the_first_seal_that_does_not_hold_is_named(real_db: str, damage: str) -> None:
    await chain_of(3)
    victim = await database.fetchval(
        "select e.id from event e join event_seal s on s.no = 2 and e.xid >= s.from_xid and e.xid < s.to_xid limit 1"
    )
    await database.execute(damage, victim)
    started = await verification.start(SYSTEM)
    await run_to_the_end(started)
    done = await verification.verification(started.id)
    assert (done.broken_at, done.seals_done) == (2, 3)
    assert (await audit.verify()).broken_at == 2


async def test_a_seal_that_was_taken_away_breaks_the_chain(real_db: str) -> None:
    await chain_of(2)
    started = await verification.start(SYSTEM)
    await database.execute("delete from event_seal where no = 1")
    await run_to_the_end(started)
    assert (await verification.verification(started.id)).broken_at == 1


async def test_what_nobody_started_is_not_found(db: None) -> None:
    from kit.ids import new_id

    with pytest.raises(NotFound):
        await verification.verification(new_id())
