"""What falls due is carried out, each mark once, however late and by however many schedulers.

A feature registers what is to be done about its subjects. Locks are taken in the order of the commands: the feature's
own row first, then the clock; who finds one held leaves it for the next run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from kit import clock as time
from kit import database
from kit.database import in_transaction
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import service
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import Mark, MarkKind, due_marks

log = structlog.get_logger(__name__)

PAGE = 200
UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""The database is away, or going; Tortoise's own connection error is an OSError too."""

CarryOut = Callable[[Clock, Mark], Awaitable[None]]
LockSubject = Callable[[UUID], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class _Carrier:
    carry_out: CarryOut
    lock: LockSubject


_carriers: dict[str, _Carrier] = {}


def carries_out(subject_kind: str, *, lock: LockSubject) -> Callable[[CarryOut], CarryOut]:
    """Register what a feature does when a mark of its subjects falls due.

    `lock` takes the subject's row lock for the transaction without waiting; False where somebody else holds it.
    """

    def register(function: CarryOut) -> CarryOut:
        _carriers[subject_kind] = _Carrier(function, lock)
        return function

    return register


@dataclass(frozen=True, slots=True)
class _Due:
    clock_id: UUID
    subject: tuple[str, UUID]
    at: datetime


async def _due_page(now: datetime, after: _Due | None) -> list[_Due]:
    """Clocks for which something falls due by then, the longest due first."""
    rows = await database.fetch(
        "select id, subject_kind, subject_id, next_trigger_at from clock where next_trigger_at <= $1"
        " and ($2::timestamptz is null or (next_trigger_at, id) > ($2, $3::uuid))"
        " order by next_trigger_at, id limit $4",
        now,
        after.at if after else None,
        after.clock_id if after else None,
        PAGE,
    )
    return [_Due(r["id"], (r["subject_kind"], r["subject_id"]), r["next_trigger_at"]) for r in rows]


async def run_due() -> int:
    """Carry out all that fell due, each clock in a transaction of its own; answers how many marks were carried out.

    A clock whose carrying out fails is left for the next run and keeps none of the others from theirs. Raises what
    the database raises while it is away.
    """
    now, count = time.now(), 0
    page = await _due_page(now, None)
    while page:
        for due in page:
            try:
                count += await _run(due)
            except UNREACHABLE:
                raise
            except Exception:
                log.exception("clock_failed", clock=str(due.clock_id))
        page = await _due_page(now, page[-1]) if len(page) == PAGE else []
    return count


async def _run(due: _Due) -> int:
    """Carry out what is due for one clock. Breaches first: the party hears of one before any superior."""
    async with in_transaction():
        if not await _carriers[due.subject[0]].lock(due.subject[1]):
            return 0
        clock = await Clock.select_for_update(skip_locked=True).get_or_none(id=due.clock_id)
        if clock is None:
            return 0
        count = 0
        for mark in due_marks(await service.state_of(clock), await service.marks_of(clock), time.now()):
            if await service.mark_done(clock, mark.key, mark.due_at):
                await _carry_out(clock, mark)
                count += 1
        # Carrying out may hand the clock over, which wrote it anew.
        await clock.refresh_from_db()
        await service.store(clock, await service.entries_of(clock))
        return count


async def _carry_out(clock: Clock, mark: Mark) -> None:
    if mark.kind is MarkKind.BREACH:
        await audit.record(
            "promise.breached",
            SYSTEM,
            (clock.subject_kind, clock.subject_id),
            unit_id=mark.unit,
            target=mark.key.target.value,
            owner=mark.owner,
            due_at=mark.due_at.isoformat(),
        )
    if mark.actions:
        await _carriers[clock.subject_kind].carry_out(clock, mark)
