"""What is done when a reply falls due: warning the owner, escalating along the people's rosters, telling the party.

At a breach the party is told first: that the promise was missed, who has the question now, and the new time.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.dialogue.answering.record import moment
from stewardship.dialogue.inquiries import notices
from stewardship.dialogue.inquiries.common import SUBJECT, add_entry, one_for_each_party
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryState
from stewardship.dialogue.inquiries.transfers import take_over
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.due import carries_out
from stewardship.foundation.clocks.marks import Action
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import Mark, MarkKind, Target
from stewardship.foundation.duty_time import EscalationLevel, Receiver
from stewardship.foundation.org import rosters
from stewardship.foundation.org.models import Unit

BREACH = "很抱歉，没有在约定时间内答复您。您的问题现由{unit}{office}负责，最晚 {due} 答复您。着急可拨打 {phone}。"
OFFICES = {
    EscalationLevel.STEWARD: "案管家",
    EscalationLevel.DUTY_OFFICER: "值班民警",
    EscalationLevel.INSTRUCTOR: "教导员",
    EscalationLevel.SUB_BUREAU: "上级单位",
}
A_DAY = timedelta(days=1)
"""What is said where a policy promises no time that could be named."""


async def lock(inquiry_id: UUID) -> bool:
    """Take the inquiry's lock, unless a command on it has it."""
    return await Inquiry.select_for_update(skip_locked=True).get_or_none(id=inquiry_id) is not None


@carries_out(SUBJECT, lock=lock)
async def carry_out(timer: Clock, mark: Mark) -> None:
    """Carry out one mark of an inquiry's clock, on the transaction that notes it as done."""
    inquiry = await Inquiry.select_for_update().get(id=timer.subject_id)
    if inquiry.state is not InquiryState.WAITING or _said_by_the_next(timer, mark):
        return
    for action in mark.actions:
        match action:
            case Action.TELL_PARTY:
                await _tell_party(timer, inquiry, mark)
            case Action.TELL_OWNER:
                await _tell(inquiry, mark, EscalationLevel.STEWARD)
            case Action.TELL_LEVEL:
                await _tell(inquiry, mark, mark.level or EscalationLevel.DUTY_OFFICER)


def _said_by_the_next(timer: Clock, mark: Mark) -> bool:
    """After downtime both promises may be missed: the full answer's breach, next in line, says it once for both."""
    due = timer.full_due_at
    return mark.kind is MarkKind.BREACH and mark.key.target is Target.FIRST and due is not None and due <= clock.now()


async def _receiver(inquiry: Inquiry, level: EscalationLevel) -> Receiver:
    case = await Case.get(id=inquiry.case_id)
    return await rosters.receiver(inquiry.unit_id, inquiry.owner_id, case.deputy_id, clock.now(), from_level=level)


async def _tell_party(timer: Clock, inquiry: Inquiry, mark: Mark) -> None:
    """Whoever is there has it from now on; the party reads so in the thread and by a message."""
    receiver = await _receiver(inquiry, EscalationLevel.STEWARD)
    if receiver.candidate.id != inquiry.owner_id:
        await take_over(SYSTEM, inquiry, inquiry.unit_id, receiver.candidate.id)
    unit = await Unit.get(id=inquiry.unit_id)
    due = mark.new_due_at or await clocks.new_time(timer) or clock.now() + A_DAY
    office = OFFICES[receiver.candidate.level]
    text = BREACH.format(unit=unit.name, office=office, due=moment(due), phone=unit.duty_phone or "派出所值班电话")
    for each in await one_for_each_party(inquiry):
        entry = await add_entry(each, EntryKind.BREACH_NOTICE, "system", text)
        await notices.notify_breached(each, entry, office, due, mark)


async def _tell(inquiry: Inquiry, mark: Mark, level: EscalationLevel) -> None:
    receiver = await _receiver(inquiry, level)
    await notices.notify_officer(inquiry, receiver.candidate.id, mark, notices.why(receiver))
    await audit.record(
        f"inquiry.{mark.kind.value}",
        SYSTEM,
        (SUBJECT, inquiry.id),
        case_id=inquiry.case_id,
        unit_id=inquiry.unit_id,
        mark=mark.key.mark,
        target=mark.key.target.value,
        to=receiver.candidate.id,
        level=receiver.candidate.level.name.lower(),
        skipped=[f"{one.candidate.id}:{one.reason.value}" for one in receiver.skipped],
    )
