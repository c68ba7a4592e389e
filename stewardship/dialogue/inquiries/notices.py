"""Who hears of what about an inquiry."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from delivery.contexts import (
    InquiryAnswered,
    InquiryBreached,
    InquiryClarification,
    InquiryCommented,
    InquiryEscalated,
    InquiryNudged,
    InquiryOverdue,
    InquiryReceived,
    InquiryWarning,
    MaterialRejected,
    OfficerContext,
    ThreatReported,
)
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue
from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.letterhead import letterhead
from stewardship.dialogue.inquiries.models import Inquiry, InquiryEntry
from stewardship.foundation.clocks.rules import Mark, MarkKind
from stewardship.foundation.duty_time import Receiver, SkipReason
from stewardship.foundation.files.rules import receipt_of
from stewardship.foundation.org.models import Unit

URGENT = 5
THREAT = 9
OUTCRY_SECONDS = 600
PARTY_FIRST = 6
"""A party hears of a missed promise before any officer does."""
AWAY = {
    SkipReason.OFF_SHIFT: "前一责任人不在班",
    SkipReason.REST: "前一责任人轮休",
    SkipReason.LEAVE: "前一责任人休假",
    SkipReason.ABSENT: "前一责任人外出",
    SkipReason.CALL_OUT: "前一责任人出警",
}


def why(receiver: Receiver) -> str:
    """Why it comes to this officer: whoever stands before them is away."""
    return AWAY[receiver.skipped[-1].reason] if receiver.skipped else ""


async def answered(inquiry: Inquiry, text: str) -> InquiryAnswered:
    """The answer as the party is told it."""
    heading, _ = await letterhead(inquiry.member_id)
    return InquiryAnswered(**heading, asked_at=inquiry.opened_at, answer=text)


async def clarification(inquiry: Inquiry, text: str) -> InquiryClarification:
    """The question in return as the party is asked it."""
    heading, _ = await letterhead(inquiry.member_id)
    return InquiryClarification(**heading, asked_at=inquiry.opened_at, question=text)


async def notify_answered(inquiry: Inquiry, entry: InquiryEntry, text: str) -> None:
    """The party hears the answer, or that there is one."""
    await _reply(inquiry, entry, await answered(inquiry, text))


async def notify_asked_back(inquiry: Inquiry, entry: InquiryEntry, text: str) -> None:
    """The party is asked something first."""
    await _reply(inquiry, entry, await clarification(inquiry, text))


async def _reply(inquiry: Inquiry, entry: InquiryEntry, context: InquiryAnswered | InquiryClarification) -> None:
    _, address = await letterhead(inquiry.member_id)
    await _send(Outgoing(context=context, subject_id=inquiry.id, priority=URGENT, **address), entry)


async def notify_received(inquiry: Inquiry, due_at: datetime) -> None:
    """The question arrived; said by a message where it could not be said at once."""
    heading, address = await letterhead(inquiry.member_id)
    await enqueue(
        Outgoing(
            context=InquiryReceived(**heading, due_at=due_at),
            subject_id=inquiry.id,
            once_key=f"received:{inquiry.id}",
            **address,
        )
    )


async def notify_not_kept(inquiry: Inquiry, file_id: UUID, why: str) -> None:
    """A file of the party's could not be had or kept: they are asked to send it again. Once for a file."""
    heading, address = await letterhead(inquiry.member_id)
    await enqueue(
        Outgoing(
            context=MaterialRejected(**heading, receipt=receipt_of(file_id), why=why),
            subject_id=inquiry.id,
            once_key=f"not_kept:{file_id}",
            **address,
        )
    )


async def notify_breached(inquiry: Inquiry, entry: InquiryEntry, now_with: str, due_at: datetime, mark: Mark) -> None:
    """The party hears first: the promise was missed, who has the question now, and the new time. Once for a breach."""
    heading, address = await letterhead(inquiry.member_id)
    key = f"breach:{inquiry.id}:{mark.key.episode}:{mark.key.target.value}"
    await _send(
        Outgoing(
            context=InquiryBreached(**heading, asked_at=inquiry.opened_at, now_with=now_with, due_at=due_at),
            subject_id=inquiry.id,
            once_key=key,
            priority=PARTY_FIRST,
            **address,
        ),
        entry,
    )


async def _send(out: Outgoing, entry: InquiryEntry) -> None:
    message_id = await enqueue(out)
    if message_id is not None:
        entry.message_id = message_id
        await entry.save(update_fields=["message_id"])


async def notify_officer(inquiry: Inquiry, officer_id: UUID, mark: Mark, reason: str = "") -> None:
    """An officer hears that a reply falls due, was missed, or is theirs to see to. Once for a mark."""
    unit, reference = await _named(inquiry)
    key = f"mark:{inquiry.id}:{mark.key.episode}:{mark.key.target.value}:{mark.key.mark}:{officer_id}"
    await _to_officer(inquiry, officer_id, _for_officer(inquiry, mark, unit, reference, reason), key)


async def notify_passed_on(inquiry: Inquiry, receiver: Receiver, due_at: datetime | None) -> None:
    """An officer hears that an inquiry is theirs now, because whoever had it is away."""
    unit, reference = await _named(inquiry)
    context = InquiryEscalated(unit=unit, reference=reference, due_at=due_at or inquiry.opened_at, why=why(receiver))
    key = f"passed:{inquiry.id}:{inquiry.version}"
    await _to_officer(inquiry, receiver.candidate.id, context, key)


async def notify_threat(inquiry: Inquiry, officer_id: UUID, at: datetime) -> None:
    """An officer hears that somebody is in danger; the messages of one outcry ring once in ten minutes."""
    unit, reference = await _named(inquiry)
    context = ThreatReported(unit=unit, reference=reference, reported_at=at)
    key = f"threat:{inquiry.id}:{officer_id}:{int(at.timestamp()) // OUTCRY_SECONDS}"
    await _to_officer(inquiry, officer_id, context, key, priority=THREAT)


async def notify_reassigned(inquiry: Inquiry, officer_id: UUID, due_at: datetime | None) -> None:
    """An officer hears that an inquiry is theirs now, because the instructor says so."""
    unit, reference = await _named(inquiry)
    context = InquiryEscalated(unit=unit, reference=reference, due_at=due_at or inquiry.opened_at, why="教导员转办")
    await _to_officer(inquiry, officer_id, context, f"reassigned:{inquiry.id}:{inquiry.version}")


async def notify_nudged(inquiry: Inquiry, officer_id: UUID, due_at: datetime | None) -> None:
    """The owner is urged."""
    unit, reference = await _named(inquiry)
    context = InquiryNudged(unit=unit, reference=reference, due_at=due_at or inquiry.opened_at)
    await _to_officer(inquiry, officer_id, context, f"nudged:{inquiry.id}:{officer_id}:{clock.now():%Y%m%d%H%M}")


async def notify_commented(inquiry: Inquiry, officer_id: UUID, entry_id: UUID) -> None:
    """The owner hears that there is a note."""
    unit, reference = await _named(inquiry)
    context = InquiryCommented(unit=unit, reference=reference)
    await _to_officer(inquiry, officer_id, context, f"commented:{entry_id}")


async def _named(inquiry: Inquiry) -> tuple[str, str]:
    """The unit's name and the case's reference."""
    case, unit = await Case.get(id=inquiry.case_id), await Unit.get(id=inquiry.unit_id)
    return unit.name, case.reference


async def _to_officer(
    inquiry: Inquiry, officer_id: UUID, context: OfficerContext, key: str, *, priority: int = URGENT
) -> None:
    await enqueue(
        Outgoing(
            context=context,
            recipient_id=officer_id,
            recipient_kind=RecipientKind.OFFICER,
            case_id=inquiry.case_id,
            unit_id=inquiry.unit_id,
            subject_id=inquiry.id,
            once_key=key,
            priority=priority,
        )
    )


def _for_officer(inquiry: Inquiry, mark: Mark, unit: str, reference: str, why: str) -> OfficerContext:
    match mark.kind:
        case MarkKind.WARNING:
            return InquiryWarning(unit=unit, reference=reference, due_at=mark.due_at, percent=mark.percent)
        case MarkKind.ESCALATION:
            return InquiryEscalated(unit=unit, reference=reference, due_at=mark.due_at, why=why)
        case MarkKind.BREACH:
            return InquiryOverdue(unit=unit, reference=reference, asked_at=inquiry.opened_at)
