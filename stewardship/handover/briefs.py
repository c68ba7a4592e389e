"""The one-screen brief of a case for whoever takes it: asked, promised, awaited, and what not to say.

Every sentence comes from a field. A brief never shows a safe telephone number or a code word: it says that there is a
safe way, which is looked up with a reason, like every reveal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from kit import clock, database
from kit.crypto import vault
from stewardship.casework.appointments.models import Appointment, AppointmentState
from stewardship.casework.appointments.rules import PURPOSES
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.disclosure.rules import Topic, topics_for
from stewardship.casework.parties.models import Party
from stewardship.casework.parties.words import roles_of
from stewardship.dialogue.answering.record import day, moment
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryKind, InquiryState
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.people.models import Contact, Person, ProtectionPlan, Trust
from stewardship.foundation.people.rules import masked_name
from stewardship.handover.models import NOTE, HandoverItem
from stewardship.opinion.visits.access import TASKS
from stewardship.opinion.visits.models import Visit, VisitState

RECENT = timedelta(days=14)
EXCERPT = 80
DELICATE = {
    Sensitivity.MINOR: "涉及未成年人：不透露任何能认出其身份的信息。",
    Sensitivity.DOMESTIC_VIOLENCE: "涉及家庭暴力：不向另一方透露对方住处、行踪和联系方式。",
    Sensitivity.SEXUAL: "涉及性侵害：不在电话和消息里提及案情。",
    Sensitivity.SUICIDE: "涉及自杀：说话慎重，不谈细节。",
    Sensitivity.DEATH: "涉及死亡：先慰问，再谈事情。",
    Sensitivity.THREATENED_WITNESS: "证人受到威胁：不透露有哪些证人。",
}
UNUSABLE = {Trust.STOLEN: "手机被抢被盗", Trust.RECYCLED: "号码已换主人", Trust.SHARED: "手机与他人共用"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a party asked, in their own words, cut short."""

    inquiry_id: UUID
    name: str
    text: str
    asked_at: datetime
    waits: bool
    due_at: datetime | None


@dataclass(slots=True)
class Brief:
    """One case on one screen."""

    case_id: UUID
    reference: str
    number: str | None
    kind: CaseKind | None
    stage_name: str
    asked: list[Asked] = field(default_factory=list)
    promised: list[str] = field(default_factory=list)
    awaited: str = ""
    do_not_say: list[str] = field(default_factory=list)
    safe_channels: list[str] = field(default_factory=list)
    note: str = ""
    next_due_at: datetime | None = None


async def briefs(actor: Actor, items: Sequence[HandoverItem]) -> list[Brief]:
    """The briefs of these cases, which the caller has found to be the actor's to see; each is a recorded read."""
    cases = {case.id: case for case in await Case.filter(id__in=[item.case_id for item in items])}
    made = {case.id: _start(case) for case in cases.values()}
    names = await _names(list(cases))
    await _asked(made, names)
    await _appointments(made, names)
    await _calls(made, names)
    await _limits(made, cases, names)
    await audit.record_many(
        [audit.Entry("case.read", actor, ("case", c.id), c.id, c.unit_id, "handover", {}) for c in cases.values()]
    )
    for item in items:
        if item.note is not None and item.case_id in made:
            made[item.case_id].note = vault().ring.open_text(item.note, NOTE)
    return [made[item.case_id] for item in items if item.case_id in made]


def _start(case: Case) -> Brief:
    stage = stage_of(case.kind, case.stage)
    brief = Brief(case.id, case.reference, case.number, case.kind, stage.name if stage else case.stage)
    brief.awaited, brief.next_due_at = case.awaited, case.silent_from
    if case.next_contact_on is not None:
        brief.promised.append(f"下次联系当事人：{day(case.next_contact_on)}前。")
    elif case.silent_from is not None:
        brief.promised.append(f"最晚 {moment(case.silent_from)} 前要向当事人告知进展。")
    if not case.sensitivity_known:
        brief.do_not_say.append("还没有确认是否有敏感情形：先确认，再对外说明。")
    brief.do_not_say += [DELICATE[Sensitivity(each)] for each in case.sensitivities]
    return brief


async def _names(case_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The masked names of everybody in these cases, proxies included."""
    rows = await database.fetch("select distinct person_id from member where case_id = any($1)", list(case_ids))
    parties = await database.fetch("select distinct person_id from party where case_id = any($1)", list(case_ids))
    persons = await Person.filter(id__in=[row["person_id"] for row in (*rows, *parties)])
    return {person.id: masked_name(person.name) for person in persons}


async def _asked(made: Mapping[UUID, Brief], names: Mapping[UUID, str]) -> None:
    """Open and recent questions; what waits is a promise with its time."""
    since = clock.now() - RECENT
    found = await Inquiry.filter(case_id__in=list(made)).order_by("-opened_at")
    shown = [i for i in found if i.state is InquiryState.WAITING or i.opened_at >= since]
    due = await _due([inquiry.id for inquiry in shown if inquiry.state is InquiryState.WAITING])
    words: dict[UUID, str] = {}
    for line in await inquiries.thread([inquiry.id for inquiry in shown], kinds=[EntryKind.ASKED]):
        words[line.inquiry_id] = line.text
    for inquiry in shown:
        brief, name = made[inquiry.case_id], names.get(inquiry.person_id, "当事人")
        waits, due_at = inquiry.state is InquiryState.WAITING, due.get(inquiry.id)
        text = words.get(inquiry.id, "")[:EXCERPT]
        brief.asked.append(Asked(inquiry.id, name, text, inquiry.opened_at, waits, due_at))
        if waits:
            what = "要求回电" if inquiry.kind is InquiryKind.CALL_BACK else "在等答复"
            brief.promised.append(f"{name}{what}" + (f"，最晚 {moment(due_at)}。" if due_at else "。"))
            brief.next_due_at = min(filter(None, (brief.next_due_at, due_at)), default=None)


async def _due(inquiry_ids: Sequence[UUID]) -> dict[UUID, datetime | None]:
    clocks = await Clock.filter(subject_kind=inquiries.SUBJECT, subject_id__in=list(inquiry_ids))
    return {c.subject_id: c.first_due_at if c.first_at is None else c.full_due_at for c in clocks}


async def _appointments(made: Mapping[UUID, Brief], names: Mapping[UUID, str]) -> None:
    open_ones = await Appointment.filter(
        case_id__in=list(made), state__in=[AppointmentState.OFFERED, AppointmentState.BOOKED]
    ).order_by("starts_at")
    for each in open_ones:
        name, purpose = names.get(each.person_id, "当事人"), PURPOSES[each.purpose]
        when = f"{moment(each.starts_at)} 约" if each.starts_at else "正在等对方选时间："
        made[each.case_id].promised.append(f"{when}{name}来所{purpose}。")


async def _calls(made: Mapping[UUID, Brief], names: Mapping[UUID, str]) -> None:
    """Telephone tasks; a return visit after a complaint is nobody's business here."""
    tasks = await Visit.filter(case_id__in=list(made), state=VisitState.OPEN, purpose__in=list(TASKS))
    for task in tasks:
        if task.case_id is not None:
            name = names.get(task.person_id, "当事人")
            made[task.case_id].promised.append(f"要给{name}打电话告知，最晚 {moment(task.due_at)}。")


async def _limits(made: Mapping[UUID, Brief], cases: Mapping[UUID, Case], names: Mapping[UUID, str]) -> None:
    """What each party is not to be told, who is protected, and which telephone must not be used."""
    parties = await Party.filter(case_id__in=list(made), removed_at=None).order_by("added_at")
    ids = [party.person_id for party in parties]
    plans = {plan.person_id: plan for plan in await ProtectionPlan.filter(person_id__in=ids)}
    protected = set(await Person.filter(id__in=ids, protected=True).values_list("id", flat=True))
    bad: dict[UUID, set[Trust]] = defaultdict(set)
    for contact in await Contact.filter(person_id__in=ids, trust__in=list(UNUSABLE)):
        bad[contact.person_id].add(Trust(contact.trust))
    for party in parties:
        brief, name = made[party.case_id], names[party.person_id]
        brief.do_not_say += _of_party(party, cases[party.case_id].kind, name)
        if party.person_id in protected:
            brief.do_not_say.append(f"{name}受保护：不向任何人透露其情况、位置和联系方式，也不提有这个人。")
            brief.safe_channels.append(_safe_way(name, plans.get(party.person_id)))
        unusable = sorted(bad[party.person_id])
        brief.safe_channels += [f"{name}：{UNUSABLE[trust]}，核实前不要使用。" for trust in unusable]


def _of_party(party: Party, kind: CaseKind | None, name: str) -> Iterator[str]:
    topics = topics_for(party.roles, kind)
    roles = roles_of(party.roles)
    withheld = [words for topic, words in ((Topic.STAGE, "办案阶段"), (Topic.UPDATES, "进展")) if topic not in topics]
    if withheld:
        yield f"{name}（{roles}）：不告知{'和'.join(withheld)}。"


def _safe_way(name: str, plan: ProtectionPlan | None) -> str:
    if plan is None or plan.safe_contact_id is None:
        return f"{name}：没有安全电话，只能当面联系；微信、短信一律不用。"
    start, end = (f"{at // 60:02}:{at % 60:02}" for at in (plan.hours_from, plan.hours_to))
    return f"{name}：只在 {start}–{end} 拨安全电话，先对暗语；其他方式一律不用。"
