"""What is to be said in a call that is owed."""

from __future__ import annotations

from delivery.reading import words_of
from kit.crypto import vault
from stewardship.casework.updates.models import TEXT, Update, UpdateAddressee
from stewardship.opinion.visits.models import Visit, VisitPurpose


async def to_say(visit: Visit) -> str | None:
    """The words of the message that reached nobody, or of the updates that wait until the person has been told.

    For a visit that the caller has fetched with `access_visit`. None where there are no words to pass on.
    """
    waiting = await _waiting(visit) if visit.purpose is VisitPurpose.SAFE_NOTICE else None
    return waiting or (await words_of(visit.message_id) if visit.message_id is not None else None)


async def _waiting(visit: Visit) -> str | None:
    held = await UpdateAddressee.filter(case_id=visit.case_id, released_at=None).values_list("update_id", flat=True)
    rows = await Update.filter(id__in=list(held), withdrawn_at=None).order_by("posted_at")
    return "\n".join(vault().ring.open_text(row.text, TEXT) for row in rows) or None
