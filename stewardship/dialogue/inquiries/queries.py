"""Reading inquiries: an officer's queue, a thread, and what a party may see of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import clock, database
from kit.crypto import vault
from kit.database import earlier_than
from stewardship.casework.groups.models import Member
from stewardship.dialogue.inquiries.common import ON_DUTY, QUEUE_READERS, SUBJECT, in_scope
from stewardship.dialogue.inquiries.models import TEXT, EntryKind, Inquiry, InquiryEntry, InquiryKind
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit


async def access_inquiry(actor: Actor, inquiry_id: UUID) -> Inquiry:
    """The inquiry, if the officer may see it, and the read recorded. Raises NotFound otherwise."""
    inquiry = await in_scope(actor, inquiry_id)
    if inquiry.owner_id == actor.id:
        relation = "owner"
    else:
        relation = "supervisor" if inquiry.unit_id in actor.units(*QUEUE_READERS) else "colleague"
    await audit.record(
        "inquiry.read",
        actor,
        (SUBJECT, inquiry.id),
        case_id=inquiry.case_id,
        unit_id=inquiry.unit_id,
        relation=relation,
    )
    return inquiry


@dataclass(frozen=True, slots=True)
class Queued:
    """An inquiry that waits for an officer, with when a reply is due."""

    id: UUID
    case_id: UUID
    reference: str
    steward_id: UUID | None
    deputy_id: UUID | None
    unit_id: UUID
    owner_id: UUID | None
    member_id: UUID
    person_id: UUID
    kind: InquiryKind
    opened_at: datetime
    due_at: datetime | None
    answered_first: bool
    breached: bool
    messages: int
    version: int


async def queue(
    actor: Actor, *, limit: int = 50, after: tuple[datetime, UUID] | None = None, own_only: bool = False
) -> list[Queued]:
    """What waits, the most urgent first: the officer's own, on duty the desk's, and an instructor's units'."""
    units = [] if own_only else [*actor.units(*QUEUE_READERS), *await desks_kept(actor)]
    rows = await database.fetch(
        "select i.id, i.case_id, c.reference, c.steward_id, c.deputy_id, i.unit_id, i.owner_id, i.member_id,"
        " i.person_id, i.kind, i.opened_at, i.messages, i.version, coalesce(k.breached, false) as breached,"
        " k.first_at is not null as answered_first,"
        " coalesce(case when k.first_at is null then k.first_due_at end, k.full_due_at) as due_at"
        " from inquiry i join case_file c on c.id = i.case_id"
        " left join clock k on k.subject_kind = 'inquiry' and k.subject_id = i.id"
        " where i.state = 'waiting' and (i.owner_id = $1 or i.unit_id = any($2::uuid[]))"
        " and ($4::timestamptz is null or (coalesce(case when k.first_at is null then k.first_due_at end,"
        " k.full_due_at, 'infinity'), i.id) > ($4, $5::uuid))"
        " order by coalesce(case when k.first_at is null then k.first_due_at end, k.full_due_at, 'infinity'), i.id"
        " limit $3",
        actor.id,
        units,
        limit,
        after[0] if after else None,
        after[1] if after else None,
    )
    return [Queued(**dict(row) | {"kind": InquiryKind(row["kind"])}) for row in rows]


LAST_SAID = """
select distinct on (inquiry_id) inquiry_id, text, channel from inquiry_entry
where inquiry_id = any($1::uuid[]) and kind = any($2::text[]) order by inquiry_id, at desc, id desc
"""
ANSWERS = (EntryKind.ANSWER, EntryKind.CALL, EntryKind.COUNTER_TALK, EntryKind.RECORD_ANSWER)


async def last_asked(inquiry_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """What was asked last in each of these, in the clear, and on which channel."""
    return await _last_said(inquiry_ids, (EntryKind.ASKED,))


async def last_answers(inquiry_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """What each of these was answered last, in the clear, and on which channel."""
    return await _last_said(inquiry_ids, ANSWERS)


async def _last_said(inquiry_ids: Sequence[UUID], kinds: Sequence[EntryKind]) -> dict[UUID, tuple[str, str]]:
    wanted = [kind.value for kind in kinds]
    rows = await database.fetch(LAST_SAID, list(inquiry_ids), wanted) if inquiry_ids else []
    open_text = vault().ring.open_text
    return {row["inquiry_id"]: (open_text(row["text"], TEXT), row["channel"]) for row in rows}


async def desks_kept(actor: Actor) -> list[UUID]:
    """The units whose desk the officer keeps now, by their roster."""
    rows = await database.fetch(
        "select unit_id from shift where officer_id = $1 and kind = any($2::text[])"
        " and starts_at <= $3 and ends_at > $3",
        actor.id,
        [kind.value for kind in ON_DUTY],
        clock.now(),
    )
    return [row["unit_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a thread in the clear."""

    id: UUID
    inquiry_id: UUID
    at: datetime
    kind: EntryKind
    text: str
    file_id: UUID | None
    officer_id: UUID | None
    channel: str
    call_seconds: int | None


SEEN_BY_PARTY = (
    EntryKind.ASKED,
    EntryKind.ANSWER,
    EntryKind.CLARIFICATION,
    EntryKind.RECORD_ANSWER,
    EntryKind.CALL,
    EntryKind.COUNTER_TALK,
    EntryKind.BREACH_NOTICE,
)


async def thread(inquiry_ids: Sequence[UUID], *, kinds: Sequence[EntryKind] | None = None) -> list[Line]:
    """The lines of these inquiries, oldest first; for a party, ask only for the kinds of `SEEN_BY_PARTY`."""
    query = InquiryEntry.filter(inquiry_id__in=list(inquiry_ids))
    if kinds is not None:
        query = query.filter(kind__in=list(kinds))
    open_text = vault().ring.open_text
    return [
        Line(
            e.id,
            e.inquiry_id,
            e.at,
            EntryKind(e.kind),
            open_text(e.text, TEXT),
            e.file_id,
            e.officer_id,
            e.channel,
            e.call_seconds,
        )
        for e in await query.order_by("at", "id")
    ]


async def inquiries_of(
    member: Member, *, limit: int = 50, before: tuple[datetime, UUID] | None = None
) -> list[Inquiry]:
    """A member's own inquiries, newest first. `before`: instant and id of the last one of the page before."""
    query = Inquiry.filter(member_id=member.id)
    if before is not None:
        query = query.filter(earlier_than("opened_at", before))
    return await query.order_by("-opened_at", "-id").limit(limit)


async def thread_for(member: Member, *, limit: int = 50) -> list[Line]:
    """A member's own questions with what they were answered; nothing of anybody else."""
    return await thread([i.id for i in await inquiries_of(member, limit=limit)], kinds=SEEN_BY_PARTY)
