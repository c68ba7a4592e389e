"""Reading contests: what waits for a decision, what became of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from stewardship.dialogue.contests.models import TEXT, ContestState, Ground
from stewardship.dialogue.contests.service import DECIDERS
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.rules import Target
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org.models import Role

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Contested:
    """A contest with everybody's name. `may_decide`: whether this reader decides about it."""

    id: UUID
    inquiry_id: UUID
    case_id: UUID
    reference: str
    episode: int
    target: Target
    missed_at: datetime
    unit_id: UUID
    unit_name: str
    owner_id: UUID | None
    owner_name: str | None
    raised_by_id: UUID
    raised_by_name: str
    raised_at: datetime
    ground: Ground
    evidence: str
    state: ContestState
    decider_unit_id: UUID
    decider_unit_name: str
    due_at: datetime
    overdue: bool
    decided_by_id: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None
    decision: str | None
    may_decide: bool


_SELECT = """
select t.*, c.reference, u.name as unit_name, o.name as owner_name, r.name as raised_by_name,
  a.name as decider_unit_name, d.name as decided_by_name,
  t.state = 'open' and t.decider_unit_id = any($2::uuid[]) and t.raised_by_id <> $1
    and t.owner_id is distinct from $1 as may_decide
from contest t join case_file c on c.id = t.case_id join unit u on u.id = t.unit_id
join unit a on a.id = t.decider_unit_id left join officer o on o.id = t.owner_id
join officer r on r.id = t.raised_by_id left join officer d on d.id = t.decided_by_id
"""
_MINE = (
    f"{_SELECT} where (t.raised_by_id = $1 or t.owner_id = $1 or t.unit_id = any($2::uuid[]))"
    " and ($3::timestamptz is null or (t.raised_at, t.id) < ($3, $4::uuid))"
    " order by t.raised_at desc, t.id desc limit $5"
)
# A unit's own leaders first of all; whoever is above them where they let the time pass.
_TO_DECIDE = (
    f"{_SELECT} where t.state = 'open' and t.decider_unit_id = any($2::uuid[]) and t.raised_by_id <> $1"
    " and t.owner_id is distinct from $1 and (t.overdue or t.due_at <= $6 or exists (select from role_grant g"
    " where g.officer_id = $1 and g.role = $7 and g.unit_id = t.decider_unit_id and g.valid_from <= $6"
    " and (g.valid_to is null or g.valid_to > $6)))"
    " and ($3::timestamptz is null or (t.due_at, t.id) > ($3, $4::uuid)) order by t.due_at, t.id limit $5"
)
_ONE = (
    f"{_SELECT} where t.id = $3 and (t.raised_by_id = $1 or t.owner_id = $1 or t.unit_id = any($2::uuid[])"
    " or t.decider_unit_id = any($2::uuid[]))"
)


@atomic()
async def own(actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> list[Contested]:
    """What the officer raised or is concerned by, and an instructor's units'; newest first, decided ones included."""
    return await _read(actor, await database.fetch(_MINE, *_who(actor), *(after or (None, None)), limit))


@atomic()
async def to_decide(actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> list[Contested]:
    """What waits for the officer's decision, the most urgent first. What a unit below let pass is among it."""
    rows = await database.fetch(
        _TO_DECIDE, *_who(actor), *(after or (None, None)), limit, clock.now(), Role.INSTRUCTOR.value
    )
    return await _read(actor, rows)


@atomic()
async def access_contest(actor: Actor, contest_id: UUID) -> Contested:
    """One of them. Raises NotFound for whoever it does not concern and who does not decide it."""
    found = await _read(actor, await database.fetch(_ONE, *_who(actor), contest_id))
    if not found:
        raise NotFound("contest_not_found", "没有找到这件异议", "可能不在您的权限范围内。")
    return found[0]


def _who(actor: Actor) -> tuple[UUID | None, list[UUID]]:
    return actor.id, list(actor.units(*DECIDERS))


async def _read(actor: Actor, rows: list[asyncpg.Record]) -> list[Contested]:
    """In the clear; each is a recorded read of its case."""
    await audit.record_many(
        [
            audit.Entry("contest.read", actor, ("contest", r["id"]), r["case_id"], r["unit_id"], _relation(actor, r))
            for r in rows
        ]
    )
    return [_contested(row) for row in rows]


def _relation(actor: Actor, row: asyncpg.Record) -> str:
    return "owner" if actor.id in (row["owner_id"], row["raised_by_id"]) else Role.INSTRUCTOR.value


def _contested(row: asyncpg.Record) -> Contested:
    open_text = vault().ring.open_text
    values = {name: row[name] for name in Contested.__slots__}
    values |= {
        "target": Target(row["target"]),
        "ground": Ground(row["ground"]),
        "state": ContestState(row["state"]),
        "evidence": open_text(row["evidence"], TEXT),
        "decision": open_text(row["decision"], TEXT) if row["decision"] is not None else None,
    }
    return Contested(**values)
