"""For the inspector: who looked at a case, what an officer looked at, and reads without any relation to the case.

Inspecting is an event of its own, `inspection.read`. It carries neither case nor unit, so that no list by case or unit
contains it: the unit does not see that it is looked into. It is found by who inspected and by its subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import database
from kit.database import atomic
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org.models import Officer, Role
from stewardship.reports.rules import Period

PAGE = 200
KIND = "inspection.read"

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Look:
    """One read or reveal by an officer. `relation` is how they stood to the case then; `none`: not at all."""

    id: UUID
    at: datetime
    kind: str
    officer_id: UUID
    officer_name: str | None
    officer_unit_id: UUID | None
    subject_kind: str
    subject_id: UUID
    case_id: UUID | None
    reference: str | None
    relation: str | None
    device: str | None
    address: str | None

    @property
    def cursor(self) -> Cursor:
        return self.at, self.id


_LOOKS = """
select e.id, e.at, e.kind, e.actor_id as officer_id, o.name as officer_name, o.unit_id as officer_unit_id,
  e.subject_kind, e.subject_id, e.case_id, c.reference, e.relation, e.device, e.address
from event e left join officer o on o.id = e.actor_id left join case_file c on c.id = e.case_id
where e.actor_kind = 'officer' and (e.kind like '%.read' or e.kind like '%.revealed') and e.kind <> 'inspection.read'
  and ($1::timestamptz is null or (e.at, e.id) < ($1, $2::uuid))
"""
_NEWEST_FIRST = " order by e.at desc, e.id desc limit $3"
_OF_CASE = f"{_LOOKS} and e.case_id = $4{_NEWEST_FIRST}"
_OF_OFFICER = f"{_LOOKS} and e.actor_id = $4 and e.at >= $5 and e.at < $6{_NEWEST_FIRST}"
_UNRELATED = f"{_LOOKS} and e.relation = 'none' and e.unit_id = any($4) and e.at >= $5 and e.at < $6{_NEWEST_FIRST}"


@atomic()
async def who_looked_at(actor: Actor, case_id: UUID, *, after: Cursor | None = None, limit: int = 50) -> list[Look]:
    """Who read or revealed anything of a case, newest first. Raises NotFound for a case out of scope."""
    case = await Case.get_or_none(id=case_id, unit_id__in=list(actor.units(Role.INSPECTOR)))
    if case is None:
        raise NotFound("case_not_found", "没有找到这个案件", "可能不在您的权限范围内,请核对编号。")
    await _record(actor, "case", case_id, "who_looked_at")
    return await _looks(_OF_CASE, after, limit, case_id)


@atomic()
async def looked_at_by(
    actor: Actor, officer_id: UUID, period: Period, *, after: Cursor | None = None, limit: int = 50
) -> list[Look]:
    """What an officer read or revealed, newest first. Raises NotFound for an officer of a unit out of scope."""
    officer = await Officer.get_or_none(id=officer_id, unit_id__in=list(actor.units(Role.INSPECTOR)))
    if officer is None:
        raise NotFound("officer_not_found", "没有找到这位民警", "可能不在您的权限范围内,请核对警号。")
    await _record(actor, "officer", officer_id, "looked_at_by")
    return await _looks(_OF_OFFICER, after, limit, officer_id, period.start, period.end)


@atomic()
async def without_relation(
    actor: Actor, unit_id: UUID, period: Period, *, after: Cursor | None = None, limit: int = 50
) -> list[Look]:
    """Reads of a unit's cases by officers who had nothing to do with them. Raises NotFound for a unit out of scope."""
    if unit_id not in actor.units(Role.INSPECTOR):
        raise NotFound("unit_not_found", "没有找到这个单位", "可能不在您的权限范围内。")
    await _record(actor, "unit", unit_id, "without_relation")
    return await _looks(_UNRELATED, after, limit, [unit_id], period.start, period.end)


async def _record(actor: Actor, subject_kind: str, subject_id: UUID, question: str) -> None:
    await audit.record(KIND, actor, (subject_kind, subject_id), relation=Role.INSPECTOR.value, question=question)


async def _looks(sql: str, after: Cursor | None, limit: int, *values: object) -> list[Look]:
    at, id_ = after or (None, None)
    rows = await database.fetch(sql, at, id_, min(max(limit, 1), PAGE), *values)
    return [Look(**row) for row in rows]
