"""Who has an inquiry: handed over, following its case, merged, or taken from somebody who is away."""

from __future__ import annotations

from uuid import UUID

from kit import clock, database
from kit.database import atomic, in_transaction
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.dialogue.inquiries import notices
from stewardship.dialogue.inquiries.common import SUBJECT, check_text, in_scope, lock_waiting, owner_now, record
from stewardship.dialogue.inquiries.models import Inquiry, InquiryState
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.org import rosters
from stewardship.foundation.org.models import Officer
from stewardship.foundation.people.models import Person

OWNER_AWAY = """
select i.id from inquiry i
where i.state = 'waiting' and (
  exists (select 1 from shift s where s.officer_id = i.owner_id and s.starts_at <= $1 and s.ends_at > $1
    and s.kind in ('rest', 'leave', 'absent', 'call_out'))
  or exists (select 1 from officer o where o.id = i.owner_id and not o.active))
order by i.id limit $2
"""


@atomic()
async def hand_over(actor: Actor, inquiry_id: UUID, to_officer_id: UUID, reason: str) -> Inquiry:
    """Somebody else of the unit answers; the clock goes on, and each keeps their own segment."""
    check_text(reason, 120)
    inquiry = await lock_waiting(actor, inquiry_id, None)
    if not await Officer.exists(id=to_officer_id, unit_id=inquiry.unit_id, active=True):
        raise Invalid("officer_unit", "接手人不在本单位", "请选择本单位在职的民警。")
    await take_over(actor, inquiry, inquiry.unit_id, to_officer_id)
    return inquiry


async def take_over(actor: Actor, inquiry: Inquiry, unit_id: UUID, owner_id: UUID | None) -> Clock:
    """Another owner or unit has a waiting inquiry, locked by the caller, from now on; for commands of this feature."""
    case = await Case.get(id=inquiry.case_id)
    timer = await clocks.hand_over((SUBJECT, inquiry.id), unit_id=unit_id, owner_id=owner_id, case_kind=case.kind)
    was, inquiry.unit_id, inquiry.owner_id = inquiry.owner_id, unit_id, owner_id
    inquiry.version += 1
    await inquiry.save(update_fields=["unit_id", "owner_id", "version"])
    await record("inquiry.handed_over", actor, inquiry, to=owner_id, was=was)
    return timer


@atomic()
async def follow_case(actor: Actor, case_id: UUID) -> int:
    """The case was handed over: what waits goes with it to whoever is there for it now. Answers how many."""
    case = await Case.get(id=case_id)
    owner_id = await owner_now(case)
    waiting = await Inquiry.select_for_update().filter(case_id=case_id, state=InquiryState.WAITING).order_by("id")
    moved = [i for i in waiting if (i.unit_id, i.owner_id) != (case.unit_id, owner_id)]
    await clocks.lock([(SUBJECT, inquiry.id) for inquiry in moved])
    for inquiry in moved:
        await take_over(actor, inquiry, case.unit_id, owner_id)
    return len(moved)


async def pass_on_absent(limit: int = 200) -> int:
    """Whoever rests, is away, on a call-out or has left is skipped at once; answers how many inquiries passed on.

    Only in the unit's duty time: at night nobody is rung, and the promise does not run.
    """
    rows = await database.fetch(OWNER_AWAY, clock.now(), limit)
    return sum([await _pass_on(row["id"]) for row in rows])


async def _pass_on(inquiry_id: UUID) -> bool:
    async with in_transaction():
        inquiry = await Inquiry.select_for_update(skip_locked=True).get_or_none(
            id=inquiry_id, state=InquiryState.WAITING
        )
        now = clock.now()
        if inquiry is None or await policies.next_duty(inquiry.unit_id, now) > now:
            return False
        case = await Case.get(id=inquiry.case_id)
        found = await rosters.receiver(inquiry.unit_id, inquiry.owner_id, case.deputy_id, now)
        if found.candidate.id == inquiry.owner_id:
            return False
        timer = await take_over(SYSTEM, inquiry, inquiry.unit_id, found.candidate.id)
        due = timer.first_due_at if timer.first_at is None else timer.full_due_at
        await notices.notify_passed_on(inquiry, found, due)
        return True


@atomic()
async def merge(actor: Actor, source_id: UUID, into_id: UUID) -> Inquiry:
    """Two inquiries of one case become one: the source's clock stops, the other keeps the earliest time.

    Each party keeps the sight of their own thread and of nobody else's; the answer reaches both. Raises Conflict for
    two cases, for parties of different sides, and where one of them is protected: one text could not suit both.
    """
    for id_ in sorted((source_id, into_id)):
        await in_scope(actor, id_)
        await Inquiry.select_for_update().get(id=id_)
    source, into = await lock_waiting(actor, source_id, None), await lock_waiting(actor, into_id, None)
    same_party = source.member_id == into.member_id
    if source.id == into.id or source.case_id != into.case_id or not (same_party or await _may_share(source, into)):
        raise Conflict("inquiries_apart", "这两个问题不能合并", "只能合并同一案件中同一方当事人的问题。")
    await clocks.merge((SUBJECT, source.id), (SUBJECT, into.id), same_party=same_party)
    await Inquiry.filter(merged_into_id=source.id).update(merged_into_id=into.id)
    source.state, source.merged_into_id, source.closed_at = InquiryState.MERGED, into.id, clock.now()
    source.version += 1
    into.messages, into.version = into.messages + source.messages, into.version + 1
    await source.save(update_fields=["state", "merged_into_id", "closed_at", "version"])
    await into.save(update_fields=["messages", "version"])
    await record("inquiry.merged", actor, source, into=into.id)
    return into


async def _may_share(one: Inquiry, other: Inquiry) -> bool:
    """Whether one answer may go to both: the same side, and nobody protected among them."""
    sides = set(await Member.filter(id__in=[one.member_id, other.member_id]).values_list("side", flat=True))
    protected = await Person.exists(id__in=[one.person_id, other.person_id], protected=True)
    return len(sides) == 1 and not protected
