"""What time, rosters and hand-overs bring: overdue visits, the pool, and visits that change hands."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Invalid, NotAllowed
from stewardship.foundation.org.models import Officer
from stewardship.opinion.visits import assignment, notices
from stewardship.opinion.visits.access import SUBJECT, SUPERVISORS, TASKS, on_the_case, record
from stewardship.opinion.visits.models import Visit, VisitPurpose, VisitState
from stewardship.opinion.visits.service import open_visit

REASON_LENGTH = 120

_OVERDUE = """
update visit set overdue_marked = true where id in (
  select id from visit where state = 'open' and due_at <= $1 and not overdue_marked and outcome is null
  order by due_at limit $2 for update skip locked)
returning id, case_id, unit_id, purpose, assigned_to_id
"""


@atomic()
async def mark_overdue(now: datetime, *, limit: int = 500) -> int:
    """Record, once each, the visits whose person should have been called by now; answers how many.

    Whoever owes the call is reminded. A visit whose person was heard and that waits for its finding is not overdue.
    """
    rows = await database.fetch(_OVERDUE, now, limit)
    await audit.record_many(
        [
            audit.Entry(
                "visit.overdue",
                SYSTEM,
                (SUBJECT, r["id"]),
                r["case_id"],
                r["unit_id"],
                None,
                {"purpose": r["purpose"], "assigned_to": r["assigned_to_id"]},
            )
            for r in rows
        ]
    )
    for visit in await Visit.filter(id__in=[r["id"] for r in rows]):
        await notices.notify_assigned(visit)
    return len(rows)


async def assign_pooled(now: datetime, *, limit: int = 100) -> int:
    """Give what waits in the pool to whoever is there by now; answers how many found somebody."""
    waiting = await Visit.filter(state=VisitState.OPEN, assigned_to_id=None).order_by("due_at").limit(limit)
    return sum([await _assign(visit.id, now) for visit in waiting])


@atomic()
async def _assign(visit_id: UUID, now: datetime) -> bool:
    visit = await Visit.select_for_update().get(id=visit_id)
    if visit.state is not VisitState.OPEN or visit.assigned_to_id is not None:
        return False
    return await _give(SYSTEM, visit, await _who(visit, now), "pool")


async def _who(visit: Visit, at: datetime) -> UUID | None:
    if visit.purpose is VisitPurpose.DISSATISFIED:
        return await assignment.return_visitor(visit.unit_id, await on_the_case(visit.case_id, visit.handler_id), at)
    case = await Case.get_or_none(id=visit.case_id)
    return await assignment.task_owner(case, at) if case else None


async def _give(actor: Actor, visit: Visit, officer_id: UUID | None, why: str) -> bool:
    if officer_id == visit.assigned_to_id:
        return False
    before, visit.assigned_to_id = visit.assigned_to_id, officer_id
    await visit.save(update_fields=["assigned_to_id"])
    await notices.notify_assigned(visit)
    await record("visit.reassigned", actor, visit, to=officer_id, before=before, why=why)
    return True


@atomic()
async def reassign(actor: Actor, visit_id: UUID, officer_id: UUID, reason: str) -> Visit:
    """Give the visit to another officer. Raises NotAllowed where the actor does not supervise it, Invalid for somebody
    who must not make it: not active, without a role for the unit, or, of a return visit, on the case.
    """
    if not reason.strip() or len(reason) > REASON_LENGTH:
        raise Invalid("reassign_reason", "请写明改派原因", f"原因会留存备查，最多 {REASON_LENGTH} 个字。")
    visit = await open_visit(actor, visit_id)
    if visit.unit_id not in actor.units(*SUPERVISORS):
        raise NotAllowed("visit_reassign", "您不能改派任务", "请联系民意中心或教导员改派。")
    await _check_may_take(visit, officer_id)
    await _give(actor, visit, officer_id, "reassigned")
    return visit


async def _check_may_take(visit: Visit, officer_id: UUID) -> None:
    officer = await Officer.get_or_none(id=officer_id, active=True)
    fits = officer is not None and (
        (visit.purpose in TASKS and officer.unit_id == visit.unit_id)
        or await assignment.may_make_calls(officer_id, visit.unit_id, clock.now())
    )
    if not fits:
        raise Invalid("visit_assignee", "不能改派给此人", "请选择有权限的在职人员。")
    barred = await on_the_case(visit.case_id, visit.handler_id)
    if visit.purpose is VisitPurpose.DISSATISFIED and officer_id in barred:
        raise Invalid("visit_assignee", "不能改派给此人", "回访不能由案件的承办人员进行，请另选一人。")


@atomic()
async def follow_case(actor: Actor, case_id: UUID) -> int:
    """The case was handed over: its telephone tasks go with it, and a return visit leaves whoever came onto the case.

    The rated officer and unit of a return visit stay as they were. Answers how many changed hands.
    """
    case, at, moved = await Case.get(id=case_id), clock.now(), 0
    for visit in await Visit.select_for_update().filter(case_id=case_id, state=VisitState.OPEN):
        if visit.purpose in TASKS:
            visit.unit_id, visit.handler_id = case.unit_id, case.steward_id
            await visit.save(update_fields=["unit_id", "handler_id"])
            moved += await _give(actor, visit, await assignment.task_owner(case, at), "case_handed_over")
        elif visit.assigned_to_id in (case.steward_id, case.deputy_id):
            moved += await _give(actor, visit, await _who(visit, at), "came_onto_the_case")
    return moved
