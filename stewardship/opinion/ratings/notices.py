"""What people are sent about ratings: the question, and that somebody will call."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from delivery import outbox
from delivery.contexts import RatingRequest, VisitAnnounced
from kit import clock, database
from stewardship.casework.groups.letterhead import Heading
from stewardship.opinion.ratings.models import Rating
from stewardship.opinion.visits.models import Visit

_NAMES = """
select u.name, u.duty_phone, c.reference,
  (select i.check_word from invitation i where i.member_id = $3 order by i.created_at desc limit 1) as check_word
from unit u, case_file c where u.id = $1 and c.id = $2
"""


async def _heading(rating: Rating) -> Heading:
    """What every message about a rating knows: the unit that is rated, and by what the person tells it is genuine."""
    row = await database.fetchrow(_NAMES, rating.unit_id, rating.case_id, rating.member_id)
    if row is None:
        raise LookupError("a rating's unit and case are never deleted")
    return Heading(
        unit=row["name"],
        reference=row["reference"],
        check_word=row["check_word"] or "",
        desk_phone=row["duty_phone"],
    )


async def notify_asked(rating: Rating, token: str) -> UUID | None:
    """How did it go? The token stands for this one rating, so that an answer needs no login."""
    if rating.expires_at is None:
        raise ValueError("a rating is asked for with the time at which it expires")
    context = RatingRequest(**await _heading(rating), token=token, until=clock.local(rating.expires_at).date())
    return await _send(rating, context, f"rating:{rating.id}", rating.expires_at)


async def notify_visit(rating: Rating, visit: Visit) -> UUID | None:
    """Somebody else calls you by then: so that a genuine call is expected, and a false one is not believed."""
    context = VisitAnnounced(**await _heading(rating), due_at=visit.due_at)
    return await _send(rating, context, f"visit-announced:{visit.id}", visit.due_at)


async def _send(
    rating: Rating, context: RatingRequest | VisitAnnounced, once_key: str, expires_at: datetime
) -> UUID | None:
    return await outbox.enqueue(
        outbox.Outgoing(
            context=context,
            recipient_id=rating.person_id,
            member_id=rating.member_id,
            case_id=rating.case_id,
            unit_id=rating.unit_id,
            subject_id=rating.id,
            once_key=once_key,
            expires_at=expires_at,
        )
    )
