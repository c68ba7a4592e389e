"""Calls that are owed: instead of a message that reached nobody, before others hear, after a 'dissatisfied'.

Telephone tasks are opened here, return visits in `after_rating`; both are read, dialled, written down and closed here.
`upkeep` has what time, rosters and hand-overs bring.

A complaint stays hidden from its target: whoever handled the case neither makes the return visit nor sees that there is
one. They are kept out in the query, so that a visit they may not see looks like one that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from delivery.models import Message, RecipientKind
from kit import clock
from kit.crypto import vault
from kit.database import atomic, in_transaction
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import Party
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org.models import Role
from stewardship.foundation.people.models import Contact, Person, ProtectionPlan
from stewardship.foundation.people.rules import usable
from stewardship.opinion.visits import assignment, notices
from stewardship.opinion.visits.access import SUBJECT, TASKS, opened, record, relation_of, scope
from stewardship.opinion.visits.models import NOTE, Call, CallOutcome, Finding, Visit, VisitPurpose, VisitState
from stewardship.opinion.visits.rules import (
    HOURS_FROM,
    HOURS_TO,
    LONGEST_CALL,
    NOTE_LENGTH,
    Step,
    may_call,
    needs_finding,
    possible,
    step_after,
    unreached,
)

# --- telephone tasks --------------------------------------------------------------------------------------------------


@atomic()
async def open_for_message(message_id: UUID, *, safe: bool = False, due_at: datetime | None = None) -> Visit | None:
    """A message reached nobody, or must not be written at all (`safe`): whoever is on the case telephones.

    `due_at`: where a call after one working day would be too late. Once a message.
    None for a message to an officer, of no case, or that no longer exists.
    """
    known = await Visit.get_or_none(message_id=message_id)
    if known is not None:
        return known
    message = await Message.get_or_none(id=message_id)
    if message is None or message.case_id is None or message.recipient_kind is not RecipientKind.PERSON:
        return None
    purpose = VisitPurpose.SAFE_NOTICE if safe else VisitPurpose.UNDELIVERABLE
    try:
        async with in_transaction():
            return await _open_task(message.case_id, message.recipient_id, purpose, message_id, due_at)
    except IntegrityError:
        # Another worker heard of the same message a moment earlier.
        return await Visit.get(message_id=message_id)


@atomic()
async def open_safe_notices(case_id: UUID) -> list[Visit]:
    """An update waits until the protected parties have been told safely: a call to each of them, one at a time.

    A call that is owed already covers what was posted since; nothing is opened beside it. Answers the new ones.
    """
    case = await Case.select_for_update().get(id=case_id)
    parties = await Party.filter(case_id=case.id, removed_at=None, person__protected=True).order_by("added_at")
    owed = await _safe_notices(case.id).values_list("person_id", flat=True)
    return [
        await _open_task(case.id, party.person_id, VisitPurpose.SAFE_NOTICE, None)
        for party in parties
        if party.person_id not in owed
    ]


def _safe_notices(case_id: UUID) -> QuerySet[Visit]:
    """The calls by which protected persons of a case are still to be told."""
    return Visit.filter(case_id=case_id, purpose=VisitPurpose.SAFE_NOTICE, state=VisitState.OPEN)


async def _open_task(
    case_id: UUID, person_id: UUID, purpose: VisitPurpose, message_id: UUID | None, by: datetime | None = None
) -> Visit:
    at, case = clock.now(), await Case.get(id=case_id)
    in_a_day = await assignment.next_working_day(case.unit_id, at)
    visit = await Visit.create(
        purpose=purpose,
        case_id=case.id,
        person_id=person_id,
        unit_id=case.unit_id,
        handler_id=case.steward_id,
        assigned_to_id=await assignment.task_owner(case, at),
        message_id=message_id,
        opened_at=at,
        due_at=max(at, min(by, in_a_day)) if by is not None else in_a_day,
    )
    return await opened(SYSTEM, visit)


# --- reading ----------------------------------------------------------------------------------------------------------


async def _visible(actor: Actor, visit_id: UUID) -> Visit:
    visit = await Visit.get_or_none(Q(id=visit_id) & scope(actor))
    if visit is None:
        raise NotFound("visit_not_found", "没有找到这个回访任务", "可能不在您的权限范围内。")
    return visit


async def access_visit(actor: Actor, visit_id: UUID) -> Visit:
    """The visit, if the officer may see it, and the read recorded. Raises NotFound otherwise."""
    visit = await _visible(actor, visit_id)
    await record("visit.read", actor, visit, relation=relation_of(actor, visit))
    return visit


async def open_visit(actor: Actor, visit_id: UUID) -> Visit:
    """The visit, locked, if the officer may see it. Raises NotFound, or Conflict where it is over."""
    await _visible(actor, visit_id)
    visit = await Visit.select_for_update().get(id=visit_id)
    if visit.state is not VisitState.OPEN:
        raise Conflict("visit_closed", "这个回访任务已经结束", "请刷新查看结果；您填写的内容没有保存。")
    return visit


async def calls_owed(
    actor: Actor,
    *,
    own_only: bool = False,
    purpose: VisitPurpose | None = None,
    limit: int = 50,
    after: tuple[datetime, UUID] | None = None,
) -> list[Visit]:
    """Open visits in the officer's scope, the most urgent first, `case` fetched with each; every row a recorded read.

    `after` is the (`due_at`, `id`) of the last row of the page before.
    """
    query = Visit.filter(scope(actor), state=VisitState.OPEN)
    if own_only:
        query = query.filter(assigned_to_id=actor.id)
    if purpose is not None:
        query = query.filter(purpose=purpose)
    if after is not None:
        query = query.filter(Q(due_at__gt=after[0]) | Q(due_at=after[0], id__gt=after[1]))
    found = await query.order_by("due_at", "id").limit(limit).select_related("case")
    await audit.record_many(
        [audit.Entry("visit.read", actor, (SUBJECT, v.id), v.case_id, v.unit_id, relation_of(actor, v)) for v in found]
    )
    return found


@dataclass(frozen=True, slots=True)
class CallMade:
    """One attempt, its note in the clear."""

    at: datetime
    officer_id: UUID
    outcome: CallOutcome
    seconds: int
    note: str | None


async def calls_of(visit: Visit) -> list[CallMade]:
    """The attempts of a visit the caller has fetched with `access_visit`, oldest first."""
    open_text = vault().ring.open_text
    return [
        CallMade(c.at, c.officer_id, c.outcome, c.seconds, open_text(c.note, NOTE) if c.note else None)
        for c in await Call.filter(visit_id=visit.id).order_by("at", "id")
    ]


# --- calling ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dial:
    """Whom to ask for and at which number; `pretext` is what to say first to whoever picks up, where one was agreed."""

    name: str = field(repr=False)
    number: str = field(repr=False)
    pretext: str
    protected: bool


@atomic()
async def dial(actor: Actor, visit_id: UUID) -> Dial:
    """The number to call now, shown for this visit and recorded as a reveal.

    A protected person's is their safe number, within its hours only. Raises Conflict outside the hours in which the
    person may be called, or where no number is left that may be trusted.
    """
    visit = await open_visit(actor, visit_id)
    person = await Person.get(id=visit.person_id)
    plan = await ProtectionPlan.get_or_none(person_id=person.id)
    hours = (plan.hours_from, plan.hours_to) if plan else (HOURS_FROM, HOURS_TO)
    if not may_call(clock.now(), hours):
        raise Conflict("visit_hours", "现在不宜拨打", f"请在 {_of_day(hours[0])} 到 {_of_day(hours[1])} 之间拨打。")
    contact = await _number_of(person, plan)
    if contact is None:
        raise Conflict("visit_no_number", "没有可以信任的号码", "请设法当面联系，或请本人到所里重新登记号码。")
    await record("visit.revealed", actor, visit, relation=relation_of(actor, visit), contact=contact.id)
    return Dial(person.name, contact.value, plan.pretext if plan else "", person.protected)


async def _number_of(person: Person, plan: ProtectionPlan | None) -> Contact | None:
    """For a protected person the safe contact or none: any other telephone may be in the wrong hands."""
    if person.protected:
        found = await Contact.filter(id=plan.safe_contact_id) if plan and plan.safe_contact_id else []
    else:
        found = await Contact.filter(person_id=person.id).order_by("-preferred", "created_at")
    return next((contact for contact in found if usable(contact.trust)), None)


def _of_day(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


@atomic()
async def record_call(
    actor: Actor,
    visit_id: UUID,
    outcome: CallOutcome,
    *,
    seconds: int = 0,
    note: str | None = None,
    finding: Finding | None = None,
) -> Visit:
    """Write down one call: it ends the visit, or another attempt is owed.

    Three calls that reach nobody, two hours apart, end it; a protected person who cannot be told is handed up instead.
    Somebody still dissatisfied is heard, and the visit closes with a finding, given here or later by `close`. Raises
    Invalid for an outcome that the purpose does not know, Conflict where the visit is over.
    """
    _check_call(outcome, seconds, note)
    visit = await open_visit(actor, visit_id)
    if not possible(visit.purpose, outcome):
        raise Invalid("call_outcome", "通话结果不适用", "请从列表中选择这类任务的结果。")
    await _write_call(actor, visit, outcome, seconds, note)
    if unreached(outcome) and visit.outcome is not None:
        # The person was heard before: missing them now takes nothing back.
        await visit.save(update_fields=["assigned_to_id"])
        return visit
    step = step_after(visit.purpose, outcome, await _missed(actor, visit))
    if step is Step.HAND_UP:
        return await _hand_up(actor, visit, outcome)
    if step is not Step.GOES_ON:
        visit.outcome = outcome
    await visit.save(update_fields=["assigned_to_id", "outcome"])
    if step is Step.FINDING and finding is not None:
        return await _close(actor, visit, finding)
    return await _done(actor, visit, told_at=clock.now() - timedelta(seconds=seconds)) if step is Step.DONE else visit


def _check_call(outcome: CallOutcome, seconds: int, note: str | None) -> None:
    if not 0 <= seconds <= LONGEST_CALL or (seconds and outcome is CallOutcome.NOT_REACHED):
        raise Invalid("call_seconds", "通话时长不对", "未接通的时长为 0，最长 4 小时。")
    if note is not None and (len(note) > NOTE_LENGTH or "\0" in note):
        raise Invalid("call_note", "通话记录太长", f"最多 {NOTE_LENGTH} 个字。")


async def _write_call(actor: Actor, visit: Visit, outcome: CallOutcome, seconds: int, note: str | None) -> None:
    """The attempt as it was, wherever on the clock; whoever calls for the pool has the visit from now on."""
    visit.assigned_to_id = visit.assigned_to_id or actor.id
    await Call.create(
        visit_id=visit.id,
        officer_id=actor.id,
        at=clock.now(),
        seconds=seconds,
        outcome=outcome,
        note=vault().ring.seal_text(note, NOTE) if note and note.strip() else None,
    )
    await record("visit.called", actor, visit, outcome=outcome.value, seconds=seconds, purpose=visit.purpose.value)


async def _missed(actor: Actor, visit: Visit) -> list[datetime]:
    """The calls that reached nobody; of a safe notice the officer's own, since handing up starts a new series."""
    calls = Call.filter(visit_id=visit.id)
    if visit.purpose is VisitPurpose.SAFE_NOTICE:
        calls = calls.filter(officer_id=actor.id)
    return [call.at for call in await calls if unreached(call.outcome)]


async def _hand_up(actor: Actor, visit: Visit, outcome: CallOutcome) -> Visit:
    """Nothing is released: the leader decides how the protected person is told."""
    barred = (visit.assigned_to_id,) if visit.assigned_to_id else ()
    above = await assignment.leader(visit.unit_id, barred, clock.now())
    visit.assigned_to_id = above or visit.assigned_to_id
    await visit.save(update_fields=["assigned_to_id"])
    await notices.notify_assigned(visit)
    await record("visit.handed_up", actor, visit, outcome=outcome.value, to=visit.assigned_to_id)
    return visit


@atomic()
async def close(actor: Actor, visit_id: UUID, finding: Finding) -> Visit:
    """Say what the dissatisfaction came to. Raises Conflict where the person has not been heard yet."""
    visit = await open_visit(actor, visit_id)
    if visit.purpose is not VisitPurpose.DISSATISFIED:
        raise Invalid("visit_finding", "这类任务不需要结论", "请登记通话结果。")
    return await _close(actor, visit, finding)


async def _close(actor: Actor, visit: Visit, finding: Finding) -> Visit:
    if not needs_finding(visit.purpose, visit.outcome):
        raise Conflict("visit_not_heard", "还没有听取本人意见", "请先回访本人并登记结果，再填写结论。")
    visit.finding = finding.value
    await visit.save(update_fields=["finding"])
    return await _done(actor, visit)


@atomic()
async def settle_without_call(actor: Actor, visit_id: UUID, *, informed: bool, note: str) -> Visit:
    """End a telephone task in another way: told at the counter (`informed`), or given up, with a note that is kept.

    Raises NotAllowed where anybody but a leader gives up telling a protected person; even then nothing is released.
    """
    if not note.strip():
        raise Invalid("call_note", "请写明如何处理", "例如“本人来所，已当面告知”。")
    _check_call(CallOutcome.INFORMED, 0, note)
    visit = await open_visit(actor, visit_id)
    if visit.purpose not in TASKS:
        raise Invalid("visit_settle", "回访必须联系本人", "请回访本人并登记结果。")
    leads = visit.unit_id in actor.units(Role.INSTRUCTOR)
    if visit.purpose is VisitPurpose.SAFE_NOTICE and not informed and not leads:
        raise NotAllowed("safe_notice_leader", "只有教导员可以终止安全告知", "请改派给教导员决定。")
    outcome = CallOutcome.INFORMED if informed else CallOutcome.NOT_REACHED
    await _write_call(actor, visit, outcome, 0, note)
    visit.outcome = outcome
    await visit.save(update_fields=["assigned_to_id", "outcome"])
    return await _done(actor, visit, told_at=clock.now())


async def _done(actor: Actor, visit: Visit, *, told_at: datetime | None = None) -> Visit:
    """The visit is over. `releases` in the event: every protected person of the case knows what was posted by then."""
    visit.state, visit.closed_at = VisitState.DONE, clock.now()
    await visit.save(update_fields=["state", "closed_at"])
    releases = False
    if visit.purpose is VisitPurpose.SAFE_NOTICE and visit.outcome is CallOutcome.INFORMED and visit.case_id:
        await _one_call_tells_all(actor, visit)
        releases = not await _safe_notices(visit.case_id).exists()
    await record(
        "visit.done",
        actor,
        visit,
        purpose=visit.purpose.value,
        outcome=visit.outcome.value if visit.outcome else None,
        finding=visit.finding or None,
        releases=releases,
        told_at=told_at.isoformat() if told_at else None,
    )
    return visit


async def _one_call_tells_all(actor: Actor, visit: Visit) -> None:
    """What else the same person was to be told in this case has been said in the same call."""
    assert visit.case_id is not None, "a safe notice belongs to a case"  # noqa: S101 — narrows the type.
    for other in await _safe_notices(visit.case_id).filter(person_id=visit.person_id):
        other.state, other.closed_at, other.outcome = VisitState.DONE, visit.closed_at, visit.outcome
        await other.save(update_fields=["state", "closed_at", "outcome"])
        await record("visit.done", actor, other, purpose=other.purpose.value, outcome="informed", releases=False)
