"""Verifying the whole chain as a job, some seals at a time: with progress, over a log of any size."""

from __future__ import annotations

import time
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from kit.jobs import Job, enqueue, handler
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit.models import AuditVerification, VerificationState
from stewardship.foundation.errors import Conflict, NotFound

JOB = "audit.verify"
AT_ONCE_SECONDS = 2.0
"""A page ends after this time, so that no transaction and no worker is held for long."""


@atomic()
async def start(actor: Actor) -> AuditVerification:
    """Begin to recompute the chain as it is sealed now. Raises Conflict while one runs."""
    await database.advisory_lock("audit", "verification")
    if await AuditVerification.exists(state=VerificationState.RUNNING):
        raise Conflict("verification_running", "已有一次核验正在进行", "请等它结束，或直接查看它的进度。")
    total = await database.fetchval("select count(*) from event_seal")
    found = await AuditVerification.create(
        requested_by_id=actor.id, started_at=clock.now(), seals_total=total, head=audit.GENESIS
    )
    await audit.record("audit.verification_started", actor, ("verification", found.id), seals=total)
    await enqueue(JOB, {"id": found.id}, dedupe_key=f"{found.id}:0")
    return found


@handler(JOB)
async def _next_page(job: Job) -> None:
    found = await verify_page(UUID(job.payload["id"]))
    if found.state is VerificationState.RUNNING:
        await enqueue(JOB, {"id": found.id}, dedupe_key=f"{found.id}:{found.seals_done}")


@atomic()
async def verify_page(verification_id: UUID) -> AuditVerification:
    """Go on where it stopped, for about two seconds; what is sealed meanwhile is left for the next verification."""
    found = await AuditVerification.select_for_update().get(id=verification_id)
    deadline = time.monotonic() + AT_ONCE_SECONDS
    while found.seals_done < found.seals_total:
        await _check_next(found)
        if time.monotonic() >= deadline:
            break
    if found.seals_done >= found.seals_total:
        await _finish(found)
    await found.save()
    return found


async def _check_next(found: AuditVerification) -> None:
    link = await database.fetchrow("select * from event_seal where no = $1", found.seals_done + 1)
    found.seals_done += 1
    if link is None:
        found.broken_at = found.broken_at or found.seals_done
        return
    count, holds = await audit.check_link(link, bytes(found.head))
    found.sealed += count
    if not holds:
        found.broken_at = found.broken_at or found.seals_done
    found.head = bytes(link["hash"])


async def _finish(found: AuditVerification) -> None:
    found.unsealed = await database.fetchval(
        "select count(*) from event e where not exists (select from event_seal s where s.era = e.era"
        " and s.to_xid > e.xid) and (e.era, e.xid) >= (coalesce((select era from event_seal order by no desc limit 1),"
        " 0), coalesce((select to_xid from event_seal order by no desc limit 1), 0))"
    )
    found.state, found.finished_at = VerificationState.DONE, clock.now()


async def verifications(limit: int = 20) -> list[AuditVerification]:
    """The last ones, newest first."""
    return await AuditVerification.all().order_by("-started_at").limit(limit)


async def verification(verification_id: UUID) -> AuditVerification:
    """One of them. Raises NotFound."""
    found = await AuditVerification.get_or_none(id=verification_id)
    if found is None:
        raise NotFound("verification_not_found", "没有找到这次核验")
    return found
