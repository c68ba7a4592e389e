"""What the commands on hand-overs share. Locks: the hand-over's, then its cases' in the order of their ids."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q, Subquery

from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org.models import Role
from stewardship.handover.loads import can_take, keeper
from stewardship.handover.models import Handover, HandoverItem, HandoverState, ItemState
from stewardship.handover.rules import REASON_LENGTH

SUBJECT = "handover"
LEADERS = (Role.INSTRUCTOR,)
OPEN_ITEMS = (ItemState.OFFERED, ItemState.ACCEPTED, ItemState.REFUSED)
RUNNING = (HandoverState.OFFERED, HandoverState.IN_EFFECT)
LEFT = "officer_left"


def new_reference() -> str:
    """By which officers name it: the day, and random digits."""
    return f"J{clock.local(clock.now()):%y%m%d}{secrets.randbelow(10**6):06d}"


def managed(actor: Actor) -> Q:
    """Whose hand-overs somebody arranges: their own, and those of units they lead."""
    if actor.kind is ActorKind.SYSTEM:
        return Q()
    if actor.kind is not ActorKind.OFFICER or actor.id is None:
        return Q(id__in=[])
    led = actor.units(*LEADERS)
    return Q(officer_id=actor.id) | Q(unit_id__in=list(led)) if led else Q(officer_id=actor.id)


def scope(actor: Actor) -> Q:
    """The hand-overs somebody may see: also those in which a case is, or was, to be theirs."""
    if actor.kind is not ActorKind.OFFICER or actor.id is None:
        return managed(actor)
    asked = HandoverItem.filter(to_officer_id=actor.id).exclude(state=ItemState.PROPOSED)
    return managed(actor) | Q(id__in=Subquery(asked.values("handover_id")))


def _not_found() -> NotFound:
    return NotFound("handover_not_found", "没有找到这次交接", "可能不在您的权限范围内。")


async def in_scope(actor: Actor, handover_id: UUID) -> Handover:
    """The hand-over, unlocked. Raises NotFound."""
    found = await Handover.get_or_none(Q(id=handover_id) & scope(actor))
    if found is None:
        raise _not_found()
    return found


async def lock(actor: Actor, handover_id: UUID, *, manage: bool = True) -> Handover:
    """The hand-over, locked to the end of the transaction. Raises NotFound for whoever does not arrange it."""
    if not await Handover.filter(Q(id=handover_id) & (managed(actor) if manage else scope(actor))).exists():
        raise _not_found()
    return await Handover.select_for_update().get(id=handover_id)


def check_state(handover: Handover, *allowed: HandoverState) -> None:
    """Raises Conflict where the hand-over has gone on, or has not got there."""
    if handover.state not in allowed:
        raise Conflict("handover_state", "这次交接现在不能这样操作", "请刷新后再试。")


def check_reason(reason: str) -> None:
    """Raises Invalid for none, or for one that is too long."""
    if not reason.strip() or len(reason) > REASON_LENGTH:
        raise Invalid("handover_reason", "请写明原因", f"原因会留存备查，最多 {REASON_LENGTH} 个字。")


async def check_taker(handover: Handover, officer_id: UUID) -> None:
    """Raises Invalid for somebody who cannot take a case of the unit, or is the one who goes."""
    if officer_id == handover.officer_id or not await can_take(officer_id, handover.unit_id):
        raise Invalid("handover_officer", "接手人不合适", "请选择本单位在职、且不是休假者本人的民警。")


async def items_of(
    handover: Handover, *states: ItemState, case_ids: Collection[UUID] | None = None
) -> list[HandoverItem]:
    """Its cases in the order in which they are locked."""
    query = HandoverItem.filter(handover_id=handover.id)
    if states:
        query = query.filter(state__in=list(states))
    if case_ids is not None:
        query = query.filter(case_id__in=list(case_ids))
    return await query.order_by("case_id")


async def still_theirs(item: HandoverItem, owner_id: UUID, unit_id: UUID) -> Case | None:
    """The case, locked, if it is still open and with whom this hand-over left it; else the item ends here.

    Whatever was done to the case otherwise (closed, given to another officer or unit) stands.
    """
    case = await cases.lock_case(item.case_id)
    if case.closed_at is None and case.steward_id == owner_id and case.unit_id == unit_id:
        return case
    await settle(item, ItemState.CLOSED if case.closed_at is not None else ItemState.TRANSFERRED)
    return None


async def settle(
    item: HandoverItem,
    state: ItemState,
    *,
    by: Actor | None = None,
    reason: str = "",
    to: UUID | None = None,
    holder: UUID | None = None,
) -> None:
    """The item's next state; the officers are left as they are where none is named."""
    item.state, item.reason = state, reason
    item.to_officer_id, item.holder_id = to or item.to_officer_id, holder or item.holder_id
    item.decided_at, item.decided_by_id = clock.now(), by.id if by else None
    await item.save()


async def give(actor: Actor, handover: Handover, case: Case, officer_id: UUID, why: str) -> None:
    """The case is this officer's from now on; what waits follows by the event."""
    if case.steward_id == officer_id:
        return
    await cases.give(
        actor,
        case,
        unit_id=case.unit_id,
        steward_id=officer_id,
        deputy_id=case.deputy_id,
        reason=why,
        handover=handover.id,
        why=why,
    )


async def keeper_of(handover: Handover, at: datetime) -> UUID:
    """Who owns what nobody has accepted; without any leader the officer themselves, so that it is never nobody."""
    return await keeper(handover.unit_id, handover.officer_id, at) or handover.officer_id


async def record(kind: str, actor: Actor, handover: Handover, **details: Any) -> None:
    """An event about a hand-over: ids and counts only."""
    await audit.record(kind, actor, (SUBJECT, handover.id), unit_id=handover.unit_id, **details)
