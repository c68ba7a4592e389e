"""Proposing a change, and deciding on one.

A feature registers a kind of change: which role may make it, how its payload is checked, what carries it out. Nothing
else carries it out: the handler runs only in the transaction in which a second person with that role approves, after
the payload was checked anew. Whoever proposed may withdraw and never decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.approvals.models import Approval, ApprovalState
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.administration import holds
from stewardship.foundation.org.models import Officer, Role

LIFE = timedelta(days=7)
SUBJECT = "approval"

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of change that needs two persons."""

    kind: str
    role: Role
    """Who may propose and decide, over the proposal's unit or the whole city."""
    check: Callable[[UUID | None, Payload], Awaitable[None]]
    """Raises a BusinessError where the payload cannot be carried out as things stand."""
    carry_out: Callable[[Approval, Actor], Awaitable[Payload]]
    """Makes the change on the approval's transaction; answers ids and numbers that tell what came of it."""
    describe: Callable[[Payload], Sequence[str]]
    """The change in plain Chinese, line by line, for whoever decides."""


_changes: dict[str, Change] = {}


def register(change: Change) -> None:
    """Make a kind known. Once for each kind."""
    if _changes.setdefault(change.kind, change) is not change:
        raise ValueError(f"the change {change.kind} is registered already")


def describe(approval: Approval) -> list[str]:
    """What the proposal would change, line by line."""
    return list(_changes[approval.kind].describe(approval.payload))


async def _check_right(actor: Actor, change: Change, unit_id: UUID | None) -> None:
    """Raises NotFound for who does not hold the change's role over the unit, or over the whole city."""
    if actor.kind is not ActorKind.OFFICER or not await holds(actor, change.role, unit_id):
        raise NotFound("change_not_found", "没有找到这项变更", "可能不在您的管理范围内。")


@atomic()
async def propose(
    actor: Actor, kind: str, *, topic: str, unit_id: UUID | None, payload: Mapping[str, Any], reason: str
) -> Approval:
    """Propose a change; it holds for seven days. `payload` must be plain JSON.

    Raises NotFound without the right, Conflict where one about the same topic waits, and what the kind's check raises.
    """
    change = _changes[kind]
    await _check_right(actor, change, unit_id)
    await database.advisory_lock(SUBJECT, topic)
    await _expire(Q(topic=topic))
    if await Approval.exists(topic=topic, state=ApprovalState.PENDING):
        raise Conflict("change_pending", "已有一项同样的变更等待审批", "请先处理那一项，或由提出人撤回。")
    await change.check(unit_id, dict(payload))
    at = clock.now()
    approval = await Approval.create(
        kind=kind,
        topic=topic,
        unit_id=unit_id,
        payload=dict(payload),
        reason=reason,
        proposed_by_id=actor.id,
        proposed_at=at,
        expires_at=at + LIFE,
    )
    await _record("change.proposed", actor, approval)
    return approval


@atomic()
async def approve(actor: Actor, approval_id: UUID, reason: str = "") -> Approval:
    """Carry the change out. Raises NotFound, NotAllowed for the proposer, Conflict where it cannot be any more."""
    approval, change = await _locked(actor, approval_id)
    _check_other(actor, approval)
    await _check_proposer(change, approval)
    await change.check(approval.unit_id, approval.payload)
    await _settle(actor, approval, ApprovalState.APPROVED, reason)
    approval.outcome = await change.carry_out(approval, actor)
    await approval.save(update_fields=["outcome"])
    return approval


@atomic()
async def refuse(actor: Actor, approval_id: UUID, reason: str) -> Approval:
    """Nothing changes. Raises NotFound, NotAllowed for the proposer, Conflict where it was decided before."""
    approval, _ = await _locked(actor, approval_id)
    _check_other(actor, approval)
    return await _settle(actor, approval, ApprovalState.REFUSED, reason)


@atomic()
async def withdraw(actor: Actor, approval_id: UUID) -> Approval:
    """The proposer thinks better of it. Raises NotFound, NotAllowed for others, Conflict where it was decided."""
    approval, _ = await _locked(actor, approval_id)
    if approval.proposed_by_id != actor.id:
        raise NotAllowed("not_proposer", "只有提出人可以撤回", "如不同意这项变更，请选择“不同意”。")
    return await _settle(actor, approval, ApprovalState.WITHDRAWN, "")


async def _locked(actor: Actor, approval_id: UUID) -> tuple[Approval, Change]:
    approval = await Approval.select_for_update().get_or_none(id=approval_id)
    if approval is None:
        raise NotFound("change_not_found", "没有找到这项变更", "可能不在您的管理范围内。")
    change = _changes[approval.kind]
    await _check_right(actor, change, approval.unit_id)
    if approval.state is not ApprovalState.PENDING or approval.expires_at <= clock.now():
        raise Conflict("change_settled", "这项变更已经处理或过期", "请刷新后查看；仍需变更的，请重新提出。")
    return approval, change


def _check_other(actor: Actor, approval: Approval) -> None:
    if actor.id == approval.proposed_by_id:
        raise NotAllowed("not_oneself", "不能审批自己提出的变更", "请由另一位管理员审批；不再需要的，可以撤回。")


async def _check_proposer(change: Change, approval: Approval) -> None:
    """Raises Conflict where the proposer has left, or could not propose it any more: then it is one person's change."""
    officer = await Officer.get_or_none(id=approval.proposed_by_id, active=True)
    grants = await org.grants_of(officer.id) if officer else ()
    proposer = Actor(ActorKind.OFFICER, approval.proposed_by_id, grants=grants)
    if not await holds(proposer, change.role, approval.unit_id):
        raise Conflict("proposer_gone", "提出人已没有这项权限", "请由现任管理员重新提出。")


async def _settle(actor: Actor, approval: Approval, state: ApprovalState, reason: str) -> Approval:
    approval.state, approval.decided_by_id, approval.decided_at = state, actor.id, clock.now()
    approval.decision_reason = reason
    await approval.save(update_fields=["state", "decided_by_id", "decided_at", "decision_reason"])
    await _record(f"change.{state.value}", actor, approval)
    return approval


async def _record(kind: str, actor: Actor, approval: Approval) -> None:
    await audit.record(
        kind, actor, (SUBJECT, approval.id), unit_id=approval.unit_id, change=approval.kind, topic=approval.topic
    )


async def access_change(actor: Actor, approval_id: UUID) -> Approval:
    """A proposal that the caller may propose or decide. Raises NotFound for every other one."""
    approval = await Approval.get_or_none(id=approval_id)
    if approval is None:
        raise NotFound("change_not_found", "没有找到这项变更", "可能不在您的管理范围内。")
    await _check_right(actor, _changes[approval.kind], approval.unit_id)
    return approval


async def changes_for(actor: Actor, *, pending_only: bool = False, limit: int = 100) -> list[Approval]:
    """The proposals that the caller may see, newest first: those of their roles, over their units or the city."""
    where = Q(id__in=[])
    for change in _changes.values():
        if not actor.has(change.role):
            continue
        reach = Q(unit_id__in=list(actor.units(change.role)))
        if await holds(actor, change.role, None):
            reach |= Q(unit_id=None)
        where |= Q(kind=change.kind) & reach
    query = Approval.filter(where)
    if pending_only:
        query = query.filter(state=ApprovalState.PENDING, expires_at__gt=clock.now())
    return await query.order_by("-proposed_at", "-id").limit(limit)


async def expire_due() -> int:
    """End what nobody decided within its seven days; answers how many."""
    return await _expire(Q())


@atomic()
async def _expire(which: Q) -> int:
    rows = await Approval.filter(which, state=ApprovalState.PENDING, expires_at__lte=clock.now()).select_for_update()
    for approval in rows:
        await _settle(SYSTEM, approval, ApprovalState.EXPIRED, "")
    return len(rows)
