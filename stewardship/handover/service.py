"""Arranging a hand-over: a proposal, its corrections, asking the colleagues; taking it back.

`taking` has what the colleagues answer, `course` how it begins and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Shift, ShiftKind
from stewardship.handover import course, loads, notices
from stewardship.handover.models import NOTE, Handover, HandoverItem, HandoverState, ItemState, LeaveKind
from stewardship.handover.rules import LONGEST_LEAVE, NOTE_LENGTH
from stewardship.handover.steps import (
    LEADERS,
    SUBJECT,
    check_state,
    check_taker,
    items_of,
    lock,
    new_reference,
    record,
    settle,
)

NOBODY = "nobody_there"
_SHIFTS = {LeaveKind.ANNUAL: ShiftKind.LEAVE, LeaveKind.SICK: ShiftKind.LEAVE}


@dataclass(frozen=True, slots=True)
class Change:
    """A correction of the proposal: who takes a case (None: whoever the instructor finds), and a word on it.

    A `note` of None leaves the word that is there; an empty one takes it away.
    """

    case_id: UUID
    to_officer_id: UUID | None
    note: str | None = None


@atomic()
async def propose(
    actor: Actor, officer_id: UUID, *, kind: LeaveKind, starts_at: datetime, ends_at: datetime
) -> Handover:
    """Draft a hand-over of all open cases of an officer who goes on leave, split over the colleagues who are there.

    Proposing again begins the draft anew. Raises NotFound for an officer whom the actor neither is nor leads, Invalid
    for times that make no sense, Conflict while a hand-over of theirs is under way.
    """
    officer = await _officer_for(actor, officer_id)
    _check_times(starts_at, ends_at)
    await database.advisory_lock(SUBJECT, str(officer_id))
    open_one = await Handover.get_or_none(officer_id=officer_id, state__in=["draft", "offered", "in_effect"])
    if open_one is not None and open_one.state is not HandoverState.DRAFT:
        raise Conflict("handover_open", "已有一次交接在进行中", "请先结束或取消上一次交接。")
    handover = open_one or Handover(reference=new_reference(), officer_id=officer_id, created_by_id=actor.id)
    handover.unit_id, handover.kind = officer.unit_id, kind
    handover.starts_at, handover.ends_at = starts_at, ends_at
    await handover.save()
    await HandoverItem.filter(handover_id=handover.id).delete()
    count = await _fill_up(handover)
    await record("handover.proposed", actor, handover, officer=officer_id, cases=count)
    return handover


async def _officer_for(actor: Actor, officer_id: UUID) -> Officer:
    officer = await Officer.get_or_none(id=officer_id, active=True)
    if officer is None or (officer.id != actor.id and officer.unit_id not in actor.units(*LEADERS)):
        raise NotFound("officer_not_found", "没有找到这位民警", "只能为本人或本单位的民警办理交接。")
    return officer


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at or ends_at <= clock.now() or ends_at - starts_at > LONGEST_LEAVE:
        raise Invalid("handover_times", "时间不对", "结束时间要晚于开始时间和现在，一次最长一年。")


async def _fill_up(handover: Handover) -> int:
    """Add the open cases that are not in it yet, each with a proposal; answers how many."""
    known = {item.case_id for item in await HandoverItem.filter(handover_id=handover.id)}
    works = [w for w in await loads.works_of(handover.officer_id, handover.unit_id) if w.case_id not in known]
    start, end = handover.starts_at, handover.ends_at
    shares = await loads.proposal(works, handover.unit_id, handover.officer_id, start, end)
    await HandoverItem.bulk_create(
        [
            HandoverItem(
                handover_id=handover.id,
                case_id=work.case_id,
                to_officer_id=shares.get(work.case_id),
                state=ItemState.PROPOSED,
                points=work.points(end),
            )
            for work in works
        ]
    )
    return len(works)


@atomic()
async def change(actor: Actor, handover_id: UUID, changes: Sequence[Change]) -> Handover:
    """Correct the proposal. Raises Conflict once the colleagues have been asked, Invalid for who cannot take a case."""
    handover = await lock(actor, handover_id)
    check_state(handover, HandoverState.DRAFT)
    for officer_id in {each.to_officer_id for each in changes if each.to_officer_id is not None}:
        await check_taker(handover, officer_id)
    items = {item.case_id: item for item in await items_of(handover, ItemState.PROPOSED)}
    for each in changes:
        item = items.get(each.case_id)
        if item is None:
            raise NotFound("case_not_found", "这个案件不在交接清单里", "请刷新后再试。")
        item.to_officer_id = each.to_officer_id
        if each.note is not None:
            item.note = _sealed(each.note.strip())
        await item.save(update_fields=["to_officer_id", "note"])
    await record("handover.changed", actor, handover, cases=len(changes))
    return handover


def _sealed(note: str) -> bytes | None:
    if len(note) > NOTE_LENGTH:
        raise Invalid("handover_note", "交代太长", f"最多 {NOTE_LENGTH} 个字。")
    return vault().ring.seal_text(note, NOTE) if note else None


@atomic()
async def offer(actor: Actor, handover_id: UUID) -> Handover:
    """Ask the colleagues, and enter the leave into the roster. Where it has begun already it takes effect at once.

    Cases registered since the proposal are added, those that are no longer the officer's left out. Doing it twice
    changes nothing.
    """
    handover = await lock(actor, handover_id)
    if handover.state in {HandoverState.OFFERED, HandoverState.IN_EFFECT}:
        return handover
    check_state(handover, HandoverState.DRAFT)
    await _leave_out(handover)
    await _fill_up(handover)
    items = await items_of(handover, ItemState.PROPOSED)
    for item in items:
        able = item.to_officer_id is not None and await loads.can_take(item.to_officer_id, handover.unit_id)
        await settle(item, ItemState.OFFERED if able else ItemState.REFUSED, reason="" if able else NOBODY)
    handover.shift_id = (await _enter_leave(actor, handover)).id
    handover.state, handover.offered_at = HandoverState.OFFERED, clock.now()
    await handover.save()
    await record("handover.offered", actor, handover, officer=handover.officer_id, cases=len(items))
    asked = [item for item in items if item.state is ItemState.OFFERED]
    await notices.notify_receivers(handover, asked, "offered")
    if handover.starts_at <= clock.now():
        await course.begin(actor, handover)
    return handover


async def _leave_out(handover: Handover) -> None:
    """Cases that were closed or given away since the proposal are no part of it."""
    mine = await Case.filter(steward_id=handover.officer_id, unit_id=handover.unit_id, closed_at=None).only("id")
    gone = HandoverItem.filter(handover_id=handover.id).exclude(case_id__in=[case.id for case in mine])
    await gone.delete()


async def _enter_leave(actor: Actor, handover: Handover) -> Shift:
    return await org.roster(
        actor,
        unit_id=handover.unit_id,
        officer_id=handover.officer_id,
        kind=_SHIFTS.get(handover.kind, ShiftKind.ABSENT),
        starts_at=handover.starts_at,
        ends_at=handover.ends_at,
    )


@atomic()
async def cancel(actor: Actor, handover_id: UUID) -> Handover:
    """The leave does not take place: nothing has moved yet, and nothing will. Twice changes nothing.

    Raises Conflict once it is in effect: then the officer comes back (`course.come_back`).
    """
    handover = await lock(actor, handover_id)
    if handover.state is HandoverState.CANCELLED:
        return handover
    check_state(handover, HandoverState.DRAFT, HandoverState.OFFERED)
    for item in await items_of(handover):
        await settle(item, ItemState.CANCELLED, by=actor)
    await course.end_leave(handover)
    handover.state, handover.ended_at = HandoverState.CANCELLED, clock.now()
    await handover.save()
    await record("handover.cancelled", actor, handover)
    return handover
