"""Who sees a call that is owed, and what every part of the feature writes down alike."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org.models import Role
from stewardship.opinion.visits import notices
from stewardship.opinion.visits.models import Visit, VisitPurpose

SUBJECT = "visit"
SUPERVISORS = (Role.CENTRE_OFFICER, Role.INSTRUCTOR)
TASKS = (VisitPurpose.UNDELIVERABLE, VisitPurpose.SAFE_NOTICE)


def scope(actor: Actor) -> Q:
    """The visits an officer may see, as a filter for the query itself.

    Those they are to make, those of units they supervise, and the telephone tasks of their own cases; a return visit
    after a complaint never, where they were rated or are on the case.
    """
    if actor.kind is not ActorKind.OFFICER or actor.id is None:
        return Q(id__in=[])
    mine = Q(assigned_to_id=actor.id) | Q(unit_id__in=list(actor.units(*SUPERVISORS)))
    apart = Q(handler_id__not=actor.id) & Q(case__steward_id__not=actor.id) & Q(case__deputy_id__not=actor.id)
    own_case = Q(case__steward_id=actor.id) | Q(case__deputy_id=actor.id)
    tasks = Q(purpose__in=list(TASKS))
    return (tasks & (mine | own_case)) | (Q(purpose=VisitPurpose.DISSATISFIED) & mine & apart)


def relation_of(actor: Actor, visit: Visit) -> str:
    """How an officer stands to a visit: written beside every read."""
    if visit.assigned_to_id == actor.id:
        return "assigned"
    return next((role.value for role in SUPERVISORS if visit.unit_id in actor.units(role)), "on_the_case")


async def on_the_case(case_id: UUID | None, handler_id: UUID | None) -> frozenset[UUID]:
    """Who must not hear a complaint about the case: who was rated, and who is on it now."""
    case = await Case.get_or_none(id=case_id)
    found = {handler_id} | ({case.steward_id, case.deputy_id} if case else set())
    return frozenset(officer for officer in found if officer is not None)


async def record(kind: str, actor: Actor, visit: Visit, *, relation: str | None = None, **details: Any) -> None:
    """Write an event of this visit."""
    await audit.record(
        kind, actor, (SUBJECT, visit.id), case_id=visit.case_id, unit_id=visit.unit_id, relation=relation, **details
    )


async def opened(actor: Actor, visit: Visit) -> Visit:
    """Whoever is to call hears of it, and it is an event."""
    await notices.notify_assigned(visit)
    await record("visit.opened", actor, visit, purpose=visit.purpose.value, to=visit.assigned_to_id)
    return visit
