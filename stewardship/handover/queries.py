"""Reading hand-overs: one's own, those one is asked to take, a unit's; briefs and the digest of what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from kit import clock, database
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor
from stewardship.foundation.org.models import Officer
from stewardship.handover import loads
from stewardship.handover.briefs import Brief, briefs
from stewardship.handover.models import Handover, HandoverItem, HandoverState, ItemState
from stewardship.handover.steps import LEADERS, in_scope, scope

_DIGEST = """
select c.id, c.reference, c.closed_at, c.awaited,
  (select count(*) from case_update u where u.case_id = c.id and u.posted_at >= $2 and u.posted_at < $3) as updates,
  (select count(*) from inquiry i where i.case_id = c.id and i.opened_at >= $2 and i.opened_at < $3) as asked,
  (select count(*) from inquiry i where i.case_id = c.id and i.answered_at >= $2 and i.answered_at < $3) as answered,
  (select count(*) from inquiry i where i.case_id = c.id and i.state = 'waiting') as waiting,
  (select count(*) from case_stage s where s.case_id = c.id and s.at >= $2 and s.at < $3) as stages,
  (select count(*) from appointment a where a.case_id = c.id and a.state = 'booked' and a.starts_at >= $3) as booked,
  (select count(*) from appointment a where a.case_id = c.id and a.state = 'kept' and a.starts_at >= $2
    and a.starts_at < $3) as kept
from case_file c where c.id = any($1::uuid[]) order by c.registered_at, c.id
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A case of a hand-over, with the names that a screen shows beside it."""

    item: HandoverItem
    reference: str
    to_officer_name: str | None
    holder_name: str | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A hand-over as somebody may see it: arranged by them, all of it; asked to take cases, those."""

    handover: Handover
    officer_name: str
    lines: tuple[Line, ...]
    manages: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many cases stand where."""
        return dict(Counter(line.item.state.value for line in self.lines))


def manages(actor: Actor, handover: Handover) -> bool:
    """Whether somebody arranges it: whoever goes, and who leads the unit."""
    return handover.officer_id == actor.id or handover.unit_id in actor.units(*LEADERS)


async def one(actor: Actor, handover_id: UUID) -> Shown:
    """Raises NotFound."""
    return (await _shown(actor, [await in_scope(actor, handover_id)]))[0]


async def listed(actor: Actor, *, limit: int = 50, before: datetime | None = None) -> list[Shown]:
    """Everything of the actor's, newest first: own leaves, what they are asked to take, their unit's."""
    earlier = Q(created_at__lt=before) if before is not None else Q()
    rows = await Handover.filter(scope(actor) & earlier).order_by("-created_at", "-id").limit(limit)
    return await _shown(actor, rows)


async def _shown(actor: Actor, rows: Sequence[Handover]) -> list[Shown]:
    items = await HandoverItem.filter(handover_id__in=[row.id for row in rows]).order_by("-points", "case_id")
    cases = {c.id: c.reference for c in await Case.filter(id__in=[item.case_id for item in items])}
    officers = {row.officer_id for row in rows} | {i.to_officer_id for i in items} | {i.holder_id for i in items}
    names = {o.id: o.name for o in await Officer.filter(id__in=[each for each in officers if each is not None])}
    waiting = await _waiting([item.case_id for item in items])
    return [
        Shown(
            row,
            names[row.officer_id],
            tuple(
                Line(
                    item,
                    cases[item.case_id],
                    names.get(item.to_officer_id) if item.to_officer_id else None,
                    names.get(item.holder_id) if item.holder_id else None,
                    waiting.get(item.case_id, 0),
                )
                for item in items
                if item.handover_id == row.id and (manages(actor, row) or item.to_officer_id == actor.id)
            ),
            manages(actor, row),
        )
        for row in rows
    ]


async def _waiting(case_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = await database.fetch(
        "select case_id, count(*) as waiting from inquiry where case_id = any($1::uuid[]) and state = 'waiting'"
        " group by case_id",
        list(case_ids),
    )
    return {row["case_id"]: row["waiting"] for row in rows}


@dataclass(frozen=True, slots=True)
class Share:
    """A colleague's load before, and with what the hand-over gives them."""

    officer_id: UUID
    name: str
    away: bool
    open_cases: int
    waiting: int
    points: int
    given_cases: int
    given_points: int


async def shares(shown: Shown) -> list[Share]:
    """The colleagues beside what they are asked to take, so that one sees whether it is fair."""
    handover = shown.handover
    there = await loads.candidates(handover.unit_id, handover.officer_id, handover.starts_at, handover.ends_at)
    asked = [line.item for line in shown.lines if line.item.state in {ItemState.PROPOSED, ItemState.OFFERED}]
    return [
        Share(
            each.officer_id,
            each.name,
            each.away,
            each.open_cases,
            each.waiting,
            each.colleague.points,
            sum(item.to_officer_id == each.officer_id for item in asked),
            sum(item.points for item in asked if item.to_officer_id == each.officer_id),
        )
        for each in there
    ]


async def briefs_of(actor: Actor, handover_id: UUID, case_ids: Sequence[UUID] | None = None) -> list[Brief]:
    """The briefs of the cases that the actor may see of it, most urgent first. Raises NotFound."""
    shown = await one(actor, handover_id)
    wanted = [line.item for line in shown.lines if case_ids is None or line.item.case_id in case_ids]
    made = await briefs(actor, wanted)
    return sorted(made, key=lambda brief: (brief.next_due_at is None, brief.next_due_at, brief.case_id))


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened in one case while its steward was away."""

    case_id: UUID
    reference: str
    state: ItemState
    sentences: tuple[str, ...]
    waiting: int


async def digest(actor: Actor, handover_id: UUID) -> list[Happened]:
    """What happened meanwhile, case by case; up to now where the leave still goes on. Raises NotFound.

    Of a case that went elsewhere it says so and no more.
    """
    shown = await one(actor, handover_id)
    handover = shown.handover
    start = handover.effective_at or handover.starts_at
    end = handover.ended_at if handover.state is HandoverState.RETURNED and handover.ended_at else clock.now()
    states = {line.item.case_id: line.item.state for line in shown.lines}
    rows = await database.fetch(_DIGEST, list(states), start, end)
    return [_happened(dict(row), states[row["id"]]) for row in rows]


_COUNTED = (
    ("updates", "发布进展 {} 次"),
    ("stages", "阶段变化 {} 次"),
    ("asked", "当事人提问 {} 个"),
    ("answered", "已答复 {} 个"),
    ("waiting", "还有 {} 个提问在等答复"),
    ("kept", "来所 {} 次"),
    ("booked", "还约了 {} 次来所"),
)


def _happened(row: dict[str, int], state: ItemState) -> Happened:
    case_id, reference = UUID(str(row["id"])), str(row["reference"])
    if state is ItemState.TRANSFERRED:
        return Happened(case_id, reference, state, ("期间已转给其他民警或单位办理。",), 0)
    sentences = [words.format(row[name]) + "。" for name, words in _COUNTED if row[name]]
    if row["closed_at"] is not None:
        sentences.insert(0, "已经办结。")
    return Happened(case_id, reference, state, tuple(sentences) or ("期间没有变化。",), row["waiting"])
