"""What an instructor does about a question of their units: take it on, pass it on, note something, urge the owner."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.dialogue.inquiries import notices
from stewardship.dialogue.inquiries.common import SUBJECT, add_entry, check_text, lock_waiting, record
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry
from stewardship.dialogue.inquiries.transfers import take_over
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.errors import Conflict, Invalid, NotFound, TooOften
from stewardship.foundation.org.models import Officer, Role

NOTE_LENGTH = 500
NUDGED_AGAIN_AFTER = timedelta(hours=2)
"""Real urging is rare: a second one within two hours says nothing that the first did not."""


@atomic()
async def take_on(actor: Actor, inquiry_id: UUID, reason: str) -> Inquiry:
    """The instructor answers it themselves from now on; the clock goes on.

    Raises NotFound outside the instructor's units, Conflict where it is settled, or theirs already.
    """
    check_text(reason, 120)
    inquiry = await _supervised(actor, inquiry_id)
    if inquiry.owner_id == actor.id:
        raise Conflict("inquiry_yours", "这个问题已经由您负责", "请直接答复。")
    await take_over(actor, inquiry, inquiry.unit_id, actor.id)
    await _keep(actor, inquiry, f"接办原因：{reason}")
    await record("inquiry.taken_on", actor, inquiry)
    return inquiry


@atomic()
async def reassign(actor: Actor, inquiry_id: UUID, to_officer_id: UUID, reason: str) -> Inquiry:
    """An officer of any unit that the instructor supervises has it from now on, and hears so.

    The question goes to that officer's unit, by whose duty hours the promise runs on. Raises NotFound outside the
    instructor's units, Invalid for an officer beyond them, Conflict where it is settled or theirs already.
    """
    check_text(reason, 120)
    inquiry = await _supervised(actor, inquiry_id)
    officer = await Officer.get_or_none(id=to_officer_id, unit_id__in=list(actor.units(Role.INSTRUCTOR)), active=True)
    if officer is None:
        raise Invalid("officer_unit", "接手人不在您管理的单位", "请选择您管理的单位里在职的民警。")
    if officer.id == inquiry.owner_id:
        raise Conflict("inquiry_theirs", "这个问题已经由这位民警负责", "如需催办，请用“催办”。")
    timer = await take_over(actor, inquiry, officer.unit_id, officer.id)
    await _keep(actor, inquiry, f"转办原因：{reason}")
    await record("inquiry.reassigned", actor, inquiry, to=officer.id)
    await notices.notify_reassigned(inquiry, officer.id, _due(timer))
    return inquiry


@atomic()
async def comment(actor: Actor, inquiry_id: UUID, text: str) -> UUID:
    """A note that officers read in the thread and the party never sees; the owner hears of it. Answers its id.

    Notes are written on settled questions too. Raises NotFound outside the instructor's units.
    """
    check_text(text, NOTE_LENGTH)
    inquiry = await _of_units(actor, inquiry_id)
    entry = await _keep(actor, inquiry, text)
    await record("inquiry.commented", actor, inquiry)
    if inquiry.owner_id is not None and inquiry.owner_id != actor.id:
        await notices.notify_commented(inquiry, inquiry.owner_id, entry.id)
    return UUID(str(entry.id))


@atomic()
async def nudge(actor: Actor, inquiry_id: UUID) -> None:
    """Urge the owner with one notice. Raises TooOften within two hours of the last, Conflict where nobody has it."""
    inquiry = await _supervised(actor, inquiry_id)
    if inquiry.owner_id is None or inquiry.owner_id in (actor.id, inquiry.unit_id):
        raise Conflict("inquiry_nobodys", "这个问题没有别的负责人", "请直接答复，或转给其他民警。")
    await _check_not_nudged(inquiry)
    await record("inquiry.nudged", actor, inquiry, to=inquiry.owner_id)
    timer = await Clock.get(subject_kind=SUBJECT, subject_id=inquiry.id)
    await notices.notify_nudged(inquiry, inquiry.owner_id, _due(timer))


async def _check_not_nudged(inquiry: Inquiry) -> None:
    now = clock.now()
    last = await database.fetchval(
        "select max(at) from event where subject_kind = $1 and subject_id = $2 and kind = 'inquiry.nudged'"
        " and at > $3 and details ->> 'to' = $4",
        SUBJECT,
        inquiry.id,
        now - NUDGED_AGAIN_AFTER,
        str(inquiry.owner_id),
    )
    if last is not None:
        wait = ceil((last + NUDGED_AGAIN_AFTER - now).total_seconds())
        raise TooOften("nudged_lately", "刚刚催办过", "同一个问题两小时内只催办一次，也可以直接接办或转办。", wait)


async def _keep(actor: Actor, inquiry: Inquiry, text: str) -> InquiryEntry:
    """In the thread, for officers only."""
    return await add_entry(inquiry, EntryKind.NOTE, "desk", text, officer_id=actor.id)


def _due(timer: Clock) -> datetime | None:
    return timer.first_due_at if timer.first_at is None else timer.full_due_at


async def _of_units(actor: Actor, inquiry_id: UUID) -> Inquiry:
    inquiry = await Inquiry.get_or_none(id=inquiry_id, unit_id__in=list(actor.units(Role.INSTRUCTOR)))
    if inquiry is None:
        raise NotFound("inquiry_not_found", "没有找到这个问题", "可能不在您的权限范围内。")
    return inquiry


async def _supervised(actor: Actor, inquiry_id: UUID) -> Inquiry:
    """The same, waiting and locked. Raises Conflict where it is settled."""
    await _of_units(actor, inquiry_id)
    return await lock_waiting(actor, inquiry_id, None)
