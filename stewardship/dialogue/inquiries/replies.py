"""What officers reply: in writing, by a question back, or spoken; or that no reply is needed.

Of two who answer at once one wins, and the other is told before anything is sent. Where inquiries of several parties
were merged, one answer reaches each of them in their own thread.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.dialogue.inquiries import notices
from stewardship.dialogue.inquiries.common import (
    SUBJECT,
    add_entry,
    check_text,
    lock_waiting,
    one_for_each_party,
    record,
)
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryState
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.log import Channel, Kind
from stewardship.foundation.errors import Conflict, Invalid

GIST_LENGTH = 500
LONGEST_TALK_SECONDS = 4 * 3600
TALKS = {EntryKind.CALL: Channel.CALL, EntryKind.COUNTER_TALK: Channel.COUNTER}


@atomic()
async def answer(actor: Actor, inquiry_id: UUID, text: str, *, expected_version: int | None = None) -> Inquiry:
    """Answer in writing: the inquiry is settled, and the party is told on a channel they can use.

    `expected_version`: as the officer read it. Raises NotFound outside the officer's scope, Conflict where it is
    settled already or the party wrote again, Invalid for an empty or overlong text.
    """
    check_text(text)
    inquiry = await lock_waiting(actor, inquiry_id, expected_version)
    await clocks.append((SUBJECT, inquiry.id), Kind.ANSWERED, person=actor.id, channel=Channel.MESSAGE)
    await _settle(inquiry, InquiryState.ANSWERED, clock.now())
    for each in await one_for_each_party(inquiry):
        entry = await add_entry(each, EntryKind.ANSWER, "desk", text, officer_id=actor.id)
        await notices.notify_answered(each, entry, text)
    await record("inquiry.answered", actor, inquiry)
    return inquiry


@atomic()
async def ask_back(actor: Actor, inquiry_id: UUID, text: str, *, expected_version: int | None = None) -> Inquiry:
    """Ask the party something first: a person's reply, but no answer. Raises as `answer`."""
    check_text(text)
    inquiry = await lock_waiting(actor, inquiry_id, expected_version)
    entry = await add_entry(inquiry, EntryKind.CLARIFICATION, "desk", text, officer_id=actor.id)
    await clocks.append((SUBJECT, inquiry.id), Kind.CLARIFICATION_ASKED, person=actor.id, channel=Channel.MESSAGE)
    await _changed(inquiry)
    await notices.notify_asked_back(inquiry, entry, text)
    await record("inquiry.asked_back", actor, inquiry)
    return inquiry


@atomic()
async def log_talk(
    actor: Actor, inquiry_id: UUID, kind: EntryKind, *, seconds: int, gist: str, at: datetime | None = None
) -> Inquiry:
    """A call or a talk at the counter was the answer: when it ended, how long it was, and what was said in short.

    `at`: aware, up to ten days ago; now by default. What the party wrote after the talk still waits. Raises Invalid
    for a time or length that cannot be, Conflict where other parties' inquiries were merged into this one: a talk with
    one of them tells the others nothing.
    """
    if kind not in TALKS or not 0 <= seconds <= LONGEST_TALK_SECONDS:
        raise Invalid("talk", "请核对通话记录", "请选择电话或当面，时长不超过 4 小时。")
    check_text(gist, GIST_LENGTH)
    inquiry = await lock_waiting(actor, inquiry_id, None)
    if len(await one_for_each_party(inquiry)) > 1:
        raise Conflict("talk_with_one_of_several", "这里合并了几位当事人的问题", "请书面答复，每位当事人都会收到。")
    timer = await clocks.append((SUBJECT, inquiry.id), Kind.ANSWERED, at=at, person=actor.id, channel=TALKS[kind])
    ended = at or clock.now()
    await add_entry(inquiry, kind, "desk", gist, at=ended, officer_id=actor.id, call_seconds=seconds)
    if timer.running:
        await _changed(inquiry)
    else:
        await _settle(inquiry, InquiryState.ANSWERED, ended)
    await record("inquiry.answered", actor, inquiry, by=TALKS[kind].value, still_waits=timer.running)
    return inquiry


@atomic()
async def close_without_reply(actor: Actor, inquiry_id: UUID, reason: str) -> Inquiry:
    """Needs no reply (thanks, withdrawn, a duplicate), for a reason that is kept."""
    check_text(reason, 120)
    inquiry = await lock_waiting(actor, inquiry_id, None)
    await clocks.append((SUBJECT, inquiry.id), Kind.CLOSED, person=actor.id, reason="no_reply_needed")
    inquiry.close_reason = reason
    await _settle(inquiry, InquiryState.CLOSED, clock.now())
    await record("inquiry.closed", actor, inquiry)
    return inquiry


async def _changed(inquiry: Inquiry) -> None:
    inquiry.version += 1
    await inquiry.save(update_fields=["version"])


async def _settle(inquiry: Inquiry, state: InquiryState, at: datetime) -> None:
    inquiry.state, inquiry.version, inquiry.closed_at = state, inquiry.version + 1, at
    inquiry.answered_at = at if state is InquiryState.ANSWERED else inquiry.answered_at
    await inquiry.save(update_fields=["state", "version", "answered_at", "closed_at", "close_reason"])
