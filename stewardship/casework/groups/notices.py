"""Who hears of what in a group's enrolment."""

from __future__ import annotations

from delivery.contexts import EnrolmentToApprove, InvitationReminder, JoinedWelcome
from delivery.contexts import Invitation as InvitationContext
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue
from kit import clock
from kit.crypto import vault
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.letterhead import letterhead
from stewardship.casework.groups.models import TOKEN, Invitation, Member
from stewardship.foundation.org.models import Unit


async def notify_invited(member: Member, invitation: Invitation) -> None:
    """The member is invited into the group of their case, by SMS."""
    heading, address = await letterhead(member.id)
    context = InvitationContext(**heading, token=_token(invitation), until=clock.local(invitation.expires_at).date())
    await enqueue(
        Outgoing(context=context, subject_id=invitation.id, once_key=f"invitation:{invitation.id}", **address)
    )


async def notify_reminder(member: Member, invitation: Invitation) -> None:
    """The same once more; each reminder once."""
    heading, address = await letterhead(member.id)
    context = InvitationReminder(**heading, token=_token(invitation), until=clock.local(invitation.expires_at).date())
    key = f"reminder:{invitation.id}:{member.reminders}"
    await enqueue(Outgoing(context=context, subject_id=invitation.id, once_key=key, **address))


def _token(invitation: Invitation) -> str:
    return vault().ring.open_text(invitation.token_sealed, TOKEN)


async def notify_joined(member: Member) -> None:
    """Welcome: how to ask."""
    heading, address = await letterhead(member.id)
    await enqueue(Outgoing(context=JoinedWelcome(**heading), subject_id=member.id, **address))


async def notify_pending(case: Case, member: Member) -> None:
    """The steward is asked to make sure who wants to be let in."""
    if case.steward_id is None:
        return
    unit = await Unit.get(id=case.unit_id)
    await enqueue(
        Outgoing(
            context=EnrolmentToApprove(unit=unit.name, reference=case.reference),
            recipient_id=case.steward_id,
            recipient_kind=RecipientKind.OFFICER,
            case_id=case.id,
            unit_id=case.unit_id,
            subject_id=member.id,
        )
    )
