"""The return visit that a 'dissatisfied' opens, and the slip of the finger that takes it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.opinion.visits import assignment
from stewardship.opinion.visits.access import on_the_case, opened, record
from stewardship.opinion.visits.models import Call, Visit, VisitPurpose, VisitState
from stewardship.opinion.visits.rules import RETURN_VISIT_WITHIN


@atomic()
async def open_after_rating(
    actor: Actor, *, rating_id: UUID, case_id: UUID, person_id: UUID, unit_id: UUID, handler_id: UUID | None
) -> Visit:
    """Somebody is dissatisfied: a call by someone else than the handler is due within 24 hours, on any day.

    Once a rating. One that was cancelled because the person had changed their mind is open again.
    """
    at = clock.now()
    barred = await on_the_case(case_id, handler_id)
    values: dict[str, Any] = {
        "purpose": VisitPurpose.DISSATISFIED,
        "state": VisitState.OPEN,
        "case_id": case_id,
        "person_id": person_id,
        "unit_id": unit_id,
        "handler_id": handler_id,
        "assigned_to_id": await assignment.return_visitor(unit_id, barred, at),
        "opened_at": at,
        "due_at": at + RETURN_VISIT_WITHIN,
        "closed_at": None,
    }
    known = await Visit.select_for_update().get_or_none(rating_id=rating_id)
    if known is not None and known.state is not VisitState.CANCELLED:
        return known
    if known is not None:
        await known.update_from_dict(values).save()
        return await opened(actor, known)
    return await opened(actor, await Visit.create(rating_id=rating_id, **values))


@atomic()
async def cancel_for_rating(actor: Actor, rating_id: UUID) -> bool:
    """The person corrected a slip of the finger: the call is off, unless somebody has called already."""
    visit = await Visit.select_for_update().get_or_none(rating_id=rating_id, state=VisitState.OPEN)
    if visit is None or await Call.exists(visit_id=visit.id):
        return False
    visit.state, visit.closed_at = VisitState.CANCELLED, clock.now()
    await visit.save(update_fields=["state", "closed_at"])
    await record("visit.cancelled", actor, visit)
    return True
