"""Who hears of an update, and of there being none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from delivery.contexts import SilenceReminder, UpdatePosted, UpdateWithdrawn
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue, enqueue_many
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.letterhead import letterheads
from stewardship.casework.updates.models import Update, UpdateAddressee
from stewardship.foundation.org.models import Unit


async def notify_posted(update: Update, member_ids: Sequence[UUID]) -> None:
    """Every addressee hears that there is news; what it says stays behind the login."""
    headings = await letterheads(member_ids)
    outgoing = [
        Outgoing(
            context=UpdatePosted(**heading, posted_at=update.posted_at, next_contact_on=update.next_contact_on),
            subject_id=update.id,
            once_key=f"update:{update.id}:{member_id}",
            **address,
        )
        for member_id, (heading, address) in headings.items()
    ]
    ids = await enqueue_many(outgoing)
    for out, message_id in zip(outgoing, ids, strict=True):
        if message_id is not None:
            await UpdateAddressee.filter(update_id=update.id, member_id=out.member_id).update(message_id=message_id)


async def notify_withdrawn(update: Update, member_ids: Sequence[UUID]) -> None:
    """Who has read an update hears that it does not hold."""
    headings = await letterheads(member_ids)
    await enqueue_many(
        [
            Outgoing(
                context=UpdateWithdrawn(**heading, posted_at=update.posted_at),
                subject_id=update.id,
                once_key=f"update-withdrawn:{update.id}:{member_id}",
                **address,
            )
            for member_id, (heading, address) in headings.items()
        ]
    )


async def notify_silent(case: Case, officer_id: UUID, at: datetime) -> None:
    """An officer is told that the parties of a case have heard nothing."""
    unit = await Unit.get(id=case.unit_id)
    since = case.last_update_at or case.registered_at
    await enqueue(
        Outgoing(
            context=SilenceReminder(unit=unit.name, reference=case.reference, days=min(999, max(1, (at - since).days))),
            recipient_id=officer_id,
            recipient_kind=RecipientKind.OFFICER,
            case_id=case.id,
            unit_id=case.unit_id,
            subject_id=case.id,
        )
    )
