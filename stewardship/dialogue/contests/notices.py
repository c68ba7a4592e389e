"""Who hears of a contest: whoever decides it, and whoever it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from delivery.contexts import ContestDecided, ContestToDecide, OfficerContext
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue_many
from stewardship.casework.cases.models import Case
from stewardship.dialogue.contests.models import Contest, ContestState
from stewardship.foundation.org.models import Unit


async def notify_to_decide(contest: Contest, officers: Iterable[UUID], *, late: bool = False) -> None:
    """They decide; `late`: because the unit below them did not in time."""
    unit, reference = await _named(contest)
    context = ContestToDecide(unit=unit, reference=reference, due_at=contest.due_at, late=late)
    await _send(contest, officers, context, f"decide:{contest.id}:{late}")


async def notify_decided(contest: Contest) -> None:
    """Whoever raised it, and whose breach it was, hear how it was judged."""
    unit, reference = await _named(contest)
    context = ContestDecided(unit=unit, reference=reference, accepted=contest.state is ContestState.ACCEPTED)
    concerned = {contest.raised_by_id} | ({contest.owner_id} if contest.owner_id else set())
    await _send(contest, sorted(concerned), context, f"decided:{contest.id}")


async def _named(contest: Contest) -> tuple[str, str]:
    unit, case = await Unit.get(id=contest.unit_id), await Case.get(id=contest.case_id)
    return unit.name, case.reference


async def _send(contest: Contest, officers: Iterable[UUID], context: OfficerContext, key: str) -> None:
    await enqueue_many(
        [
            Outgoing(
                context=context,
                recipient_id=officer_id,
                recipient_kind=RecipientKind.OFFICER,
                case_id=contest.case_id,
                unit_id=contest.unit_id,
                subject_id=contest.id,
                once_key=f"{key}:{officer_id}",
            )
            for officer_id in officers
        ]
    )
