"""Answers from the record, written down for many speakers with a handful of statements.

Each question stands in exactly one inquiry: the one that waits for a person, the one answered provisionally a moment
ago, or a new one, answered provisionally at once. Whether a person has to look is decided later, by a challenge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit import database
from kit.crypto import vault
from kit.ids import new_id
from stewardship.conversations.context import Context
from stewardship.conversations.said import Said, Speaker
from stewardship.dialogue.answering.record import status_answer, who_answer
from stewardship.dialogue.inquiries.models import TEXT, EntryKind, InquiryKind, InquiryState
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit.service import Entry, record_many

CHALLENGE_WINDOW = timedelta(hours=48)
"""Within it a party may say that the record did not answer, and the original clock counts (design.md section 4)."""


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """A question that the record answers."""

    context: Context
    source_key: str
    channel: str
    kind: InquiryKind
    question: str
    answer: str


def compose(context: Context, speaker: Speaker, said: Said, kind: InquiryKind) -> RecordAnswer | None:
    """The record's answer to a question of this kind, or None where it is not clear which case is meant."""
    if context.facts is None:
        return None
    words = status_answer(context.facts) if kind is InquiryKind.STATUS else who_answer(context.facts)
    return RecordAnswer(context, said.source_key, speaker.channel, kind, said.text or said.menu_key, words)


NEW_INQUIRIES = """
insert into inquiry (id, case_id, member_id, person_id, unit_id, owner_id, kind, state, opened_at, answered_at,
                     provisional_until, close_reason, messages, version)
select id, case_id, member_id, person_id, unit_id, owner_id, kind, $8, $9, $9, $10, '', 1, 1
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[])
  as t(id, case_id, member_id, person_id, unit_id, owner_id, kind)
"""
ENTRIES = """
insert into inquiry_entry (id, inquiry_id, at, kind, channel, text, source_key)
select id, inquiry_id, $7, kind, channel, text, source_key
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])
  as t(id, inquiry_id, kind, channel, text, source_key)
"""
# How many messages wait is kept for whoever has to answer them; what the record answered is counted from the thread.
COUNT = """
update inquiry set messages = messages + t.more
from (select id, count(*) as more from unnest($1::uuid[]) as x(id) group by id) t where inquiry.id = t.id
"""


async def write_down(answers: Sequence[RecordAnswer], at: datetime) -> list[UUID]:
    """Record questions and answers on the caller's transaction; answers the inquiries they stand in, in order."""
    fresh: dict[UUID, tuple[UUID, RecordAnswer]] = {}
    places: list[UUID] = []
    for answer in answers:
        place = answer.context.inquiry_id
        if place is None:
            # Two questions of one party in the same batch share the new inquiry.
            place = fresh.setdefault(_member(answer), (new_id(), answer))[0]
        places.append(place)
    await _insert_inquiries(list(fresh.values()), at)
    waiting = [p for p, a in zip(places, answers, strict=True) if a.context.inquiry_waits]
    if waiting:
        await database.execute(COUNT, waiting)
    await _insert_entries(answers, places, at)
    # A question that joins an inquiry changes no state: it stands in the thread, and its inquiry's event stands.
    await record_many([_event(answer, place) for place, answer in fresh.values()])
    return places


def _member(answer: RecordAnswer) -> UUID:
    if answer.context.member_id is None:
        raise ValueError("a record answer needs a clear case")
    return answer.context.member_id


async def _insert_inquiries(fresh: Sequence[tuple[UUID, RecordAnswer]], at: datetime) -> None:
    if not fresh:
        return
    contexts = [answer.context for _, answer in fresh]
    await database.execute(
        NEW_INQUIRIES,
        [place for place, _ in fresh],
        [c.case_id for c in contexts],
        [c.member_id for c in contexts],
        [c.person_id for c in contexts],
        [c.unit_id for c in contexts],
        [c.steward_id for c in contexts],
        [answer.kind.value for _, answer in fresh],
        InquiryState.ANSWERED_FROM_RECORD.value,
        at,
        at + CHALLENGE_WINDOW,
    )


async def _insert_entries(answers: Sequence[RecordAnswer], places: Sequence[UUID], at: datetime) -> None:
    seal = vault().ring.seal_text
    count = len(answers)
    await database.execute(
        ENTRIES,
        [new_id() for _ in range(2 * count)],
        [*places, *places],
        [EntryKind.ASKED.value] * count + [EntryKind.RECORD_ANSWER.value] * count,
        [a.channel for a in answers] * 2,
        [seal(a.question, TEXT) for a in answers] + [seal(a.answer, TEXT) for a in answers],
        [a.source_key for a in answers] + [None] * count,
        at,
    )


def _event(answer: RecordAnswer, place: UUID) -> Entry:
    context = answer.context
    actor = Actor(ActorKind.CITIZEN, context.person_id, identity_id=context.identity_id)
    return Entry(
        "inquiry.answered_from_record",
        actor,
        ("inquiry", place),
        context.case_id,
        context.unit_id,
        None,
        {"intent": answer.kind.value, "channel": answer.channel},
    )
