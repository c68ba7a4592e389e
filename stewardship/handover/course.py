"""How a leave begins and ends: the cases go to whoever accepted, or to the instructor, and come back.

Whatever happens to a case meanwhile stands: one that was closed, or given to another officer or unit, is not touched.
"""

from __future__ import annotations

from uuid import UUID

from tortoise.expressions import Q

from kit import clock
from kit.database import atomic, in_transaction
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.org.models import Officer, Shift
from stewardship.handover import loads, notices
from stewardship.handover.models import Handover, HandoverItem, HandoverState, ItemState
from stewardship.handover.steps import (
    LEFT,
    OPEN_ITEMS,
    check_state,
    give,
    items_of,
    keeper_of,
    lock,
    record,
    settle,
    still_theirs,
)


async def begin(actor: Actor, handover: Handover) -> None:
    """The leave has begun, on the transaction of a caller that holds the lock: every case has its holder."""
    handover.state, handover.effective_at = HandoverState.IN_EFFECT, clock.now()
    await handover.save()
    keeper_id = await keeper_of(handover, clock.now())
    accepted: list[UUID] = []
    unplaced = 0
    for item in await items_of(handover, *OPEN_ITEMS):
        case = await still_theirs(item, handover.officer_id, handover.unit_id)
        if case is None:
            continue
        taker = await _taker(handover, item, keeper_id)
        await give(actor, handover, case, taker or keeper_id, "leave")
        item.holder_id = taker or keeper_id
        if taker is None and item.state is ItemState.ACCEPTED:
            item.state, item.reason = ItemState.REFUSED, LEFT
        await item.save()
        accepted += [item.case_id] if taker is not None else []
        unplaced += item.state is ItemState.REFUSED
    await record("handover.begun", actor, handover, officer=handover.officer_id, accepted=len(accepted))
    await notices.notify_parties(handover, accepted)
    if unplaced and keeper_id != handover.officer_id:
        await notices.notify_unplaced(handover, keeper_id, unplaced, "begun")


async def _taker(handover: Handover, item: HandoverItem, keeper_id: UUID) -> UUID | None:
    """Who accepted, if they can still take it: of the unit, or the leader who keeps it."""
    if item.state is not ItemState.ACCEPTED or item.to_officer_id is None:
        return None
    able = item.to_officer_id == keeper_id or await loads.can_take(item.to_officer_id, handover.unit_id)
    return item.to_officer_id if able else None


@atomic()
async def come_back(actor: Actor, handover_id: UUID) -> Handover:
    """The officer is back, at the end of the leave or before: their cases are theirs again. Twice changes nothing.

    Raises Conflict before the leave has begun: then it is cancelled.
    """
    handover = await lock(actor, handover_id)
    if handover.state is HandoverState.RETURNED:
        return handover
    check_state(handover, HandoverState.IN_EFFECT)
    back = await loads.can_take(handover.officer_id, handover.unit_id)
    returned = [await _return(actor, handover, item, back) for item in await items_of(handover, *OPEN_ITEMS)]
    await end_leave(handover)
    handover.state, handover.ended_at = HandoverState.RETURNED, clock.now()
    await handover.save()
    await record("handover.returned", actor, handover, officer=handover.officer_id, cases=sum(returned))
    if back:
        await notices.notify_returned(handover, sum(returned))
    return handover


async def _return(actor: Actor, handover: Handover, item: HandoverItem, back: bool) -> bool:
    case = await still_theirs(item, item.holder_id or handover.officer_id, handover.unit_id)
    if case is None:
        return False
    if not back:
        await settle(item, ItemState.STAYED)
        return False
    await give(actor, handover, case, handover.officer_id, "back")
    await settle(item, ItemState.RETURNED)
    return True


async def end_leave(handover: Handover) -> None:
    """The roster shows no more absence than there was."""
    shift = await Shift.get_or_none(id=handover.shift_id) if handover.shift_id else None
    if shift is None:
        return
    if shift.starts_at >= clock.now():
        await shift.delete()
    elif shift.ends_at > clock.now():
        shift.ends_at = clock.now()
        await shift.save(update_fields=["ends_at"])


async def run_due(limit: int = 50) -> int:
    """Begin the leaves that have begun and end those that are over; answers how many."""
    at = clock.now()
    ending = await Handover.filter(state=HandoverState.IN_EFFECT, ends_at__lte=at).order_by("ends_at").limit(limit)
    for handover in ending:
        await come_back(SYSTEM, handover.id)
    starting = await Handover.filter(state=HandoverState.OFFERED, starts_at__lte=at).order_by("starts_at").limit(limit)
    return len(ending) + sum([await _begin_due(handover.id) for handover in starting])


async def _begin_due(handover_id: UUID) -> bool:
    async with in_transaction():
        handover = await lock(SYSTEM, handover_id)
        if handover.state is not HandoverState.OFFERED or handover.starts_at > clock.now():
            return False
        await begin(SYSTEM, handover)
        return True


@atomic()
async def officer_left(officer_id: UUID) -> int:
    """Somebody left the force: what they were asked to take is on the instructor's list, and what they had is the
    instructor's. Answers how many cases changed hands. Twice changes nothing.
    """
    officer = await Officer.get(id=officer_id)
    if officer.active:
        return 0
    moved = 0
    theirs = Q(to_officer_id=officer_id) | Q(holder_id=officer_id)
    held = await HandoverItem.filter(theirs, state__in=[ItemState.PROPOSED, *OPEN_ITEMS])
    for handover_id in sorted({item.handover_id for item in held}):
        moved += await _take_from(await lock(SYSTEM, handover_id), officer_id)
    keeper_id = await loads.keeper(officer.unit_id, officer_id, clock.now())
    for case in await Case.filter(steward_id=officer_id, closed_at=None).order_by("id") if keeper_id else []:
        moved += await _to_keeper(case.id, officer_id, keeper_id)
    return moved


async def _take_from(handover: Handover, officer_id: UUID) -> int:
    moved = 0
    keeper_id = await keeper_of(handover, clock.now())
    for item in await items_of(handover, ItemState.PROPOSED, *OPEN_ITEMS):
        if item.holder_id == officer_id:
            moved += await _give_back_to(handover, item, keeper_id)
        if item.to_officer_id == officer_id and item.state is ItemState.PROPOSED:
            item.to_officer_id = None
            await item.save(update_fields=["to_officer_id"])
        elif item.to_officer_id == officer_id and item.state in (ItemState.OFFERED, ItemState.ACCEPTED):
            await settle(item, ItemState.REFUSED, reason=LEFT)
    if moved and keeper_id != handover.officer_id:
        await notices.notify_unplaced(handover, keeper_id, moved, f"left:{officer_id}")
    return moved


async def _give_back_to(handover: Handover, item: HandoverItem, keeper_id: UUID) -> bool:
    """What the officer had under the hand-over is the instructor's now, and still comes back at its end."""
    case = await still_theirs(item, item.holder_id or handover.officer_id, handover.unit_id)
    if case is None:
        return False
    await give(SYSTEM, handover, case, keeper_id, LEFT)
    item.holder_id = keeper_id
    await item.save(update_fields=["holder_id"])
    return True


async def _to_keeper(case_id: UUID, officer_id: UUID, keeper_id: UUID | None) -> bool:
    case = await cases.lock_case(case_id)
    if case.steward_id != officer_id or keeper_id is None:
        return False
    await cases.give(
        SYSTEM,
        case,
        unit_id=case.unit_id,
        steward_id=keeper_id,
        deputy_id=case.deputy_id if case.deputy_id != officer_id else None,
        reason=LEFT,
        why=LEFT,
    )
    return True
