"""What parties ask: each message in exactly one inquiry, joined to the one that waits, or the first of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.expressions import F

from kit import clock, database, hints
from kit.database import atomic
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.dialogue.inquiries import notices
from stewardship.dialogue.inquiries.common import (
    SUBJECT,
    add_entry,
    check_text,
    in_scope,
    owner_now,
    record,
)
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryKind, InquiryState
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.log import Kind
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.errors import Conflict, NotFound
from stewardship.foundation.org import rosters

NOT_SOLVED = "没有解决"
ACKNOWLEDGED_BY_MESSAGE = frozenset({"sms"})
"""Channels on which nothing can be said in return at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a message went, and when a person is due to reply to it; None where that waits for the party."""

    inquiry: Inquiry
    is_new: bool
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Words:
    """What a party said."""

    text: str
    channel: str
    source_key: str | None
    kind: InquiryKind = InquiryKind.QUESTION
    file_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a member's next message belongs: `thread` is their own, `waits` what is answered.

    They differ where the member's inquiry was merged into another party's, whose thread is not theirs to read.
    """

    thread: Inquiry
    waits: Inquiry


@atomic()
async def ask(
    actor: Actor,
    member: Member,
    text: str,
    *,
    channel: str,
    source_key: str | None,
    kind: InquiryKind = InquiryKind.QUESTION,
    file_id: UUID | None = None,
    threat: bool = False,
) -> Asked:
    """A party's message: it joins their waiting inquiry, or opens one. The same `source_key` is taken once.

    `threat`: they say that they are in danger, and whoever is there for the case hears of it at once.
    A message after the answer opens a new one, whose clock is its own. Raises Invalid for an empty or overlong text.
    """
    check_text(text)
    words = _Words(text, channel, source_key, kind, file_id)
    await database.advisory_lock(SUBJECT, str(member.id))
    taken = await _taken_before(source_key)
    if taken is not None:
        return taken
    place = await _place_of(member.id)
    asked = await _join(place, words) if place is not None else await _open(actor, member, words)
    if threat:
        await _report_threat(asked.inquiry)
    return asked


async def _report_threat(inquiry: Inquiry) -> None:
    """The steward hears of it wherever they are, and so does whoever is on duty."""
    case, at = await Case.get(id=inquiry.case_id), clock.now()
    there = (await rosters.receiver(case.unit_id, case.steward_id, case.deputy_id, at)).candidate.id
    for officer_id in {there, case.steward_id or there}:
        await notices.notify_threat(inquiry, officer_id, at)


async def _taken_before(source_key: str | None) -> Asked | None:
    known = await InquiryEntry.get_or_none(source_key=source_key) if source_key else None
    if known is None:
        return None
    inquiry = await Inquiry.get(id=known.inquiry_id)
    timer = await Clock.get_or_none(subject_kind=SUBJECT, subject_id=inquiry.merged_into_id or inquiry.id)
    return Asked(inquiry, False, _due(timer) if timer is not None else None)


async def _place_of(member_id: UUID) -> _Place | None:
    """Locked, because an officer may be answering it in this moment."""
    waits = await Inquiry.select_for_update().get_or_none(member_id=member_id, state=InquiryState.WAITING)
    if waits is not None:
        return _Place(waits, waits)
    merged = await Inquiry.filter(member_id=member_id, state=InquiryState.MERGED).order_by("-opened_at", "-id").first()
    if merged is None:
        return None
    waits = await Inquiry.select_for_update().get_or_none(id=merged.merged_into_id, state=InquiryState.WAITING)
    return _Place(merged, waits) if waits is not None else None


async def _join(place: _Place, words: _Words) -> Asked:
    await add_entry(
        place.thread,
        EntryKind.ASKED,
        words.channel,
        words.text,
        source_key=words.source_key,
        file_id=words.file_id,
    )
    wants = {"kind": words.kind} if words.kind is InquiryKind.CALL_BACK else {}
    await Inquiry.filter(id=place.waits.id).update(messages=F("messages") + 1, version=F("version") + 1, **wants)
    hints.tell(hints.Hint(SUBJECT, place.waits.id, case_id=place.waits.case_id, unit_id=place.waits.unit_id))
    return Asked(place.thread, False, _due(await clocks.append((SUBJECT, place.waits.id), Kind.ASKED)))


async def _open(actor: Actor, member: Member, words: _Words) -> Asked:
    case = await Case.get(id=member.case_id)
    owner_id = await owner_now(case)
    inquiry = await Inquiry.create(
        case=case,
        member_id=member.id,
        person_id=member.person_id,
        unit_id=case.unit_id,
        owner_id=owner_id,
        kind=words.kind,
        state=InquiryState.WAITING,
    )
    await add_entry(
        inquiry,
        EntryKind.ASKED,
        words.channel,
        words.text,
        at=inquiry.opened_at,
        source_key=words.source_key,
        file_id=words.file_id,
    )
    timer = await clocks.open_clock(
        (SUBJECT, inquiry.id),
        unit_id=case.unit_id,
        owner_id=owner_id,
        case_kind=case.kind,
        asked_at=inquiry.opened_at,
        then=(Kind.ACKNOWLEDGED,),
    )
    if words.channel in ACKNOWLEDGED_BY_MESSAGE and timer.first_due_at is not None:
        await notices.notify_received(inquiry, timer.first_due_at)
    await record("inquiry.opened", actor, inquiry, kind_of_inquiry=words.kind.value, channel=words.channel)
    return Asked(inquiry, True, _due(timer))


async def acknowledge_by_message(member_id: UUID) -> None:
    """Tell a member when their waiting question is answered, where it could not be said at once. Once a question."""
    inquiry = await Inquiry.get_or_none(member_id=member_id, state=InquiryState.WAITING)
    timer = inquiry and await Clock.get_or_none(subject_kind=SUBJECT, subject_id=inquiry.id)
    if inquiry and timer and (due := _due(timer)) is not None:
        await notices.notify_received(inquiry, due)


async def tell_not_kept(file_id: UUID, why: str) -> None:
    """Tell whoever sent a file with a question that it could not be kept; nobody where it came with none."""
    entry = await InquiryEntry.filter(file_id=file_id).order_by("at").first()
    if entry is not None:
        await notices.notify_not_kept(await Inquiry.get(id=entry.inquiry_id), file_id, why)


def _due(timer: Clock) -> datetime | None:
    if not timer.running:
        return None
    return timer.first_due_at if timer.first_at is None else timer.full_due_at


@atomic()
async def challenge(actor: Actor, inquiry_id: UUID, text: str, *, channel: str, source_key: str | None) -> Asked:
    """The record did not answer: a person has to, and the original clock counts from the first question.

    Where another question of the party waits already, this one goes with it. Raises NotFound for somebody else's
    inquiry, Conflict where it was not answered from the record, or the 48 hours are over.
    """
    words = _Words(text if text.strip() else NOT_SOLVED, channel, source_key)
    check_text(words.text)
    seen = await Inquiry.get_or_none(id=inquiry_id, person_id=actor.id)
    if seen is None:
        raise NotFound("inquiry_not_found", "没有找到这个问题")
    await database.advisory_lock(SUBJECT, str(seen.member_id))
    taken = await _taken_before(source_key)
    if taken is not None:
        return taken
    inquiry = await Inquiry.select_for_update().get(id=inquiry_id)
    if not _challengeable(inquiry):
        raise Conflict("inquiry_not_challengeable", "这个问题不能再转人工", "请直接再问一次，民警会答复您。")
    place = await _place_of(inquiry.member_id)
    if place is not None:
        await _goes_with(inquiry, place.waits)
        return await _join(place, words)
    timer = await _wait_again(inquiry, Kind.CHALLENGED)
    await add_entry(inquiry, EntryKind.ASKED, channel, words.text, source_key=source_key)
    await record("inquiry.challenged", actor, inquiry, channel=channel)
    return Asked(inquiry, False, _due(timer))


def _challengeable(inquiry: Inquiry) -> bool:
    until = inquiry.provisional_until
    return inquiry.state is InquiryState.ANSWERED_FROM_RECORD and (until is None or until > clock.now())


async def _goes_with(inquiry: Inquiry, waits: Inquiry) -> None:
    inquiry.state, inquiry.merged_into_id, inquiry.provisional_until = InquiryState.MERGED, waits.id, None
    inquiry.version += 1
    await inquiry.save(update_fields=["state", "merged_into_id", "provisional_until", "version"])


async def _wait_again(inquiry: Inquiry, kind: Kind, reason: str | None = None) -> Clock:
    """A settled inquiry waits for a person again, whoever has the case now; answers its clock."""
    case = await Case.get(id=inquiry.case_id)
    subject, owner_id = (SUBJECT, inquiry.id), await owner_now(case)
    if not await Clock.exists(subject_kind=SUBJECT, subject_id=inquiry.id):
        # The clock of an answer from the record is written only when it is needed: most never are challenged.
        await clocks.open_clock(
            subject,
            unit_id=case.unit_id,
            owner_id=owner_id,
            case_kind=case.kind,
            asked_at=inquiry.opened_at,
            then=(Kind.ANSWERED_FROM_RECORD,),
        )
    elif (inquiry.unit_id, inquiry.owner_id) != (case.unit_id, owner_id):
        await clocks.hand_over(subject, unit_id=case.unit_id, owner_id=owner_id, case_kind=case.kind)
    timer = await clocks.append(subject, kind, reason=reason)
    inquiry.state, inquiry.unit_id, inquiry.owner_id = InquiryState.WAITING, case.unit_id, owner_id
    inquiry.provisional_until = inquiry.answered_at = inquiry.closed_at = None
    inquiry.version += 1
    await inquiry.save(
        update_fields=["state", "unit_id", "owner_id", "provisional_until", "answered_at", "closed_at", "version"]
    )
    return timer


@atomic()
async def reopen(actor: Actor, inquiry_id: UUID, reason: str) -> Inquiry:
    """An officer finds that an answer was none: a new episode of its clock begins, and the old one stays as it was.

    Raises NotFound outside the officer's scope, Conflict where it waits already or was merged, or where the party asks
    something else by now.
    """
    check_text(reason, 120)
    seen = await in_scope(actor, inquiry_id)
    await database.advisory_lock(SUBJECT, str(seen.member_id))
    inquiry = await Inquiry.select_for_update().get(id=inquiry_id)
    if inquiry.state in {InquiryState.WAITING, InquiryState.MERGED}:
        raise Conflict("inquiry_open", "这个问题还没有处理完", "请直接答复。")
    if await _place_of(inquiry.member_id) is not None:
        raise Conflict("inquiry_other_waits", "对方有新的问题在等答复", "请在新的问题里一并答复。")
    await _wait_again(inquiry, Kind.REOPENED, reason="officer")
    await add_entry(inquiry, EntryKind.NOTE, "desk", reason, officer_id=actor.id)
    await record("inquiry.reopened", actor, inquiry)
    return inquiry
