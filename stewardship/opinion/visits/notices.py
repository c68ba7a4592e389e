"""What officers hear of calls they owe. None names the person: the telephone number stands behind the visit itself."""

from __future__ import annotations

from uuid import UUID

from delivery import outbox
from delivery.contexts import SafeNoticeDue, VisitAssigned
from delivery.models import RecipientKind
from kit import database
from stewardship.opinion.visits.models import Visit, VisitPurpose


async def notify_assigned(visit: Visit) -> None:
    """The call is theirs now. Nothing goes out for a visit that waits in the pool, or has no case to name."""
    if visit.assigned_to_id is None or visit.case_id is None:
        return
    unit, reference = await _names(visit.unit_id, visit.case_id)
    safe = visit.purpose is VisitPurpose.SAFE_NOTICE
    context = (SafeNoticeDue if safe else VisitAssigned)(unit=unit, reference=reference, due_at=visit.due_at)
    await outbox.enqueue(
        outbox.Outgoing(
            context=context,
            recipient_id=visit.assigned_to_id,
            recipient_kind=RecipientKind.OFFICER,
            case_id=visit.case_id,
            unit_id=visit.unit_id,
            subject_id=visit.id,
        )
    )


async def _names(unit_id: UUID, case_id: UUID) -> tuple[str, str]:
    row = await database.fetchrow(
        "select u.name, c.reference from unit u, case_file c where u.id = $1 and c.id = $2", unit_id, case_id
    )
    if row is None:
        raise LookupError("a visit's unit and case are never deleted")
    return row["name"], row["reference"]
