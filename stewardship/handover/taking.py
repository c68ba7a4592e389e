"""What the colleagues answer, and how the instructor places what nobody took."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import NotFound
from stewardship.handover import notices
from stewardship.handover.models import Handover, HandoverItem, HandoverState, ItemState
from stewardship.handover.steps import (
    RUNNING,
    check_reason,
    check_state,
    check_taker,
    give,
    items_of,
    keeper_of,
    lock,
    record,
    settle,
    still_theirs,
)


@atomic()
async def accept(actor: Actor, handover_id: UUID, case_ids: Collection[UUID] | None = None) -> int:
    """Take what one was asked to take, these cases or all; answers how many are new. Twice changes nothing.

    Once the leave has begun each is the receiver's at once, and its parties are told. A case that was closed or given
    to somebody else meanwhile is left alone. Raises NotFound for a hand-over in which one is not asked.
    """
    handover = await lock(actor, handover_id, manage=False)
    check_state(handover, *RUNNING)
    items = await items_of(handover, ItemState.OFFERED, case_ids=case_ids)
    taken = [item for item in items if item.to_officer_id == actor.id and await _take(actor, handover, item)]
    if taken:
        await record("handover.accepted", actor, handover, cases=len(taken))
        await _tell_parties(handover, taken)
    return len(taken)


async def _take(actor: Actor, handover: Handover, item: HandoverItem) -> bool:
    if handover.state is HandoverState.IN_EFFECT:
        case = await still_theirs(item, item.holder_id or handover.officer_id, handover.unit_id)
        if case is None or item.to_officer_id is None:
            return False
        await give(actor, handover, case, item.to_officer_id, "leave")
        item.holder_id = item.to_officer_id
    await settle(item, ItemState.ACCEPTED, by=actor)
    return True


async def _tell_parties(handover: Handover, items: Collection[HandoverItem]) -> None:
    if handover.state is HandoverState.IN_EFFECT:
        await notices.notify_parties(handover, [item.case_id for item in items])


@atomic()
async def refuse(actor: Actor, handover_id: UUID, reason: str, case_ids: Collection[UUID] | None = None) -> int:
    """Not take these cases, or any, with a reason: they are on the instructor's list. Answers how many are new."""
    check_reason(reason)
    handover = await lock(actor, handover_id, manage=False)
    check_state(handover, *RUNNING)
    items = await items_of(handover, ItemState.OFFERED, case_ids=case_ids)
    refused = [item for item in items if item.to_officer_id == actor.id]
    for item in refused:
        await settle(item, ItemState.REFUSED, by=actor, reason=reason.strip())
    if refused:
        await record("handover.refused", actor, handover, cases=len(refused), reason_length=len(reason))
        owner = await keeper_of(handover, clock.now())
        await notices.notify_unplaced(handover, owner, len(refused), f"refused:{actor.id}:{refused[0].id}")
    return len(refused)


@atomic()
async def place(actor: Actor, handover_id: UUID, case_ids: Collection[UUID], officer_id: UUID) -> int:
    """An instructor asks somebody else, or keeps the cases (naming themselves): then they are accepted at once.

    Answers how many were placed. Raises Invalid for somebody who cannot take them, NotFound for whoever does not lead.
    """
    handover = await lock(actor, handover_id)
    check_state(handover, *RUNNING)
    if actor.id == handover.officer_id:
        raise NotFound("handover_not_found", "没有找到这次交接", "未被接手的案件由教导员安排。")
    keeps = officer_id == actor.id
    if not keeps:
        await check_taker(handover, officer_id)
    items = await items_of(handover, ItemState.OFFERED, ItemState.REFUSED, case_ids=case_ids)
    for item in items:
        item.to_officer_id = officer_id
        await settle(item, ItemState.OFFERED, by=actor)
    placed = [item for item in items if not keeps or await _take(actor, handover, item)]
    if not placed:
        return 0
    await record("handover.placed", actor, handover, cases=len(placed), to=officer_id)
    if keeps:
        await _tell_parties(handover, placed)
    else:
        await notices.notify_receivers(handover, placed, f"placed:{placed[0].id}:{clock.now().isoformat()}")
    return len(placed)
