"""Who hears of a hand-over: colleagues how many cases, each party once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from delivery.contexts import HandlerChanged, HandoverOffered, HandoverRefused, HandoverReturned, OfficerContext
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue, enqueue_many
from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.casework.disclosure.rules import Topic, may_be_told
from stewardship.casework.groups.letterhead import letterheads
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import Party
from stewardship.foundation.org.models import Unit
from stewardship.handover.models import Handover, HandoverItem


async def notify_receivers(handover: Handover, items: Sequence[HandoverItem], key: str) -> None:
    """Each colleague who is asked hears once how many cases are to be theirs."""
    counts = Counter(item.to_officer_id for item in items if item.to_officer_id is not None)
    for officer_id, count in counts.items():
        context = HandoverOffered(**await _facts(handover), count=count, back_at=handover.ends_at)
        await _to_officer(handover, officer_id, context, f"{key}:{officer_id}")


async def notify_unplaced(handover: Handover, keeper_id: UUID, count: int, key: str) -> None:
    """The instructor hears that cases are theirs until somebody takes them."""
    context = HandoverRefused(**await _facts(handover), count=count, back_at=handover.ends_at)
    await _to_officer(handover, keeper_id, context, key)


async def notify_returned(handover: Handover, count: int) -> None:
    """Whoever comes back hears that their cases are theirs again, and where to read what happened."""
    context = HandoverReturned(**await _facts(handover), count=count)
    await _to_officer(handover, handover.officer_id, context, "returned")


async def _facts(handover: Handover) -> dict[str, str]:
    return {"unit": (await Unit.get(id=handover.unit_id)).name, "reference": handover.reference}


async def _to_officer(handover: Handover, officer_id: UUID, context: OfficerContext, key: str) -> None:
    await enqueue(
        Outgoing(
            context=context,
            recipient_id=officer_id,
            recipient_kind=RecipientKind.OFFICER,
            unit_id=handover.unit_id,
            subject_id=handover.id,
            once_key=f"handover:{handover.id}:{key}",
        )
    )


async def notify_parties(handover: Handover, case_ids: Sequence[UUID]) -> None:
    """Everybody in these cases hears that somebody else looks after them: once, in however many of them they are.

    Protected persons are reached by their safe way alone: that is decided at sending, as for every message.
    """
    cases = {case.id: case for case in await Case.filter(id__in=list(case_ids)).order_by("registered_at")}
    parties = {party.id: party for party in await Party.filter(case_id__in=list(cases), removed_at=None)}
    members = await Member.filter(case_id__in=list(cases), state=MemberState.JOINED).order_by("joined_at", "id")
    first: dict[UUID, Member] = {}
    for member in members:
        party = parties.get(member.party_id)
        if party and may_be_told(party.roles, cases[member.case_id].kind, Topic.HANDLER):
            first.setdefault(member.person_id, member)
    headings = await letterheads([member.id for member in first.values()])
    await enqueue_many(
        [
            Outgoing(
                context=HandlerChanged(**heading, since=handover.effective_at or clock.now()),
                subject_id=handover.id,
                once_key=f"handover:{handover.id}:party:{address['recipient_id']}",
                **address,
            )
            for heading, address in headings.values()
        ]
    )
