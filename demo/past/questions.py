"""Questions of the past and their answers. The clock of each is what the product's own rules make of its log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.alive import ANSWERS, QUESTIONS
from demo.past.ledger import Ledger
from demo.past.scene import Scene, Station
from kit.crypto import vault
from kit.ids import new_id
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.dialogue.inquiries.models import TEXT, EntryKind, Inquiry, InquiryEntry, InquiryKind, InquiryState
from stewardship.dialogue.inquiries.service import SUBJECT
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock, ClockEntry, ClockMark
from stewardship.foundation.clocks.rules import (
    Binding,
    Channel,
    ClockState,
    Entry,
    Kind,
    MarkKind,
    Target,
    due_from,
    replay,
)

CHANNELS = ("oa", "oa", "mp", "mp", "mp", "sms")
FROM_RECORD, ASKED_BACK, BY_CALL = 0.2, 0.25, 0.15
WANTED = (InquiryKind.QUESTION, InquiryKind.QUESTION, InquiryKind.QUESTION, InquiryKind.CALL_BACK, InquiryKind.MATERIAL)
STATUS_ASKED, STATUS_TOLD = "我的案件办到哪一步了", "您的案件正在办理"
ASKED_WHAT = "请问您方便什么时间接电话"
CHALLENGE_WINDOW = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Replies:
    """When the first reply came, and the full answer; the same where one was enough."""

    first: datetime
    full: datetime
    by_call: bool


def ask(scene: Scene, station: Station, ledger: Ledger, case: Case, member: Member, at: datetime) -> datetime | None:
    """One question of a member, and what came of it; answers when it was settled, None where there was no time left."""
    if scene.draw.random() < FROM_RECORD:
        return _from_record(scene, ledger, case, member, at)
    replies = _replies(scene, station, at)
    if replies.full >= scene.until:
        return None
    steward = next(actor for actor in station.stewards if actor.id == case.steward_id)
    inquiry = _inquiry(case, member, scene.draw.choice(WANTED), at)
    inquiry.state, inquiry.answered_at, inquiry.closed_at = InquiryState.ANSWERED, replies.full, replies.full
    inquiry.version = 2 if replies.first == replies.full else 3
    channel = scene.draw.choice(CHANNELS)
    ledger.add(inquiry, *_thread(scene, inquiry, replies, channel, steward))
    _run_clock(station, ledger, case, inquiry, replies, steward)
    citizen = Actor(ActorKind.CITIZEN, member.person_id)
    subject = (SUBJECT, inquiry.id)
    ledger.tell(at, "inquiry.opened", citizen, subject, case, kind_of_inquiry=inquiry.kind.value, channel=channel)
    ledger.tell(replies.full, "inquiry.answered", steward, subject, case)
    return replies.full


def _inquiry(case: Case, member: Member, kind: InquiryKind, at: datetime) -> Inquiry:
    return Inquiry(
        case_id=case.id,
        member_id=member.id,
        person_id=member.person_id,
        unit_id=case.unit_id,
        owner_id=case.steward_id,
        kind=kind,
        opened_at=at,
    )


def _from_record(scene: Scene, ledger: Ledger, case: Case, member: Member, at: datetime) -> datetime:
    """The machine answered at once, and nobody challenged it."""
    inquiry = _inquiry(case, member, InquiryKind.STATUS, at)
    inquiry.state, inquiry.answered_at = InquiryState.ANSWERED_FROM_RECORD, at
    inquiry.provisional_until = at + CHALLENGE_WINDOW
    channel = scene.draw.choice(CHANNELS)
    ledger.add(inquiry, _entry(inquiry, at, EntryKind.ASKED, channel, STATUS_ASKED))
    ledger.add(_entry(inquiry, at, EntryKind.RECORD_ANSWER, channel, STATUS_TOLD))
    citizen = Actor(ActorKind.CITIZEN, member.person_id)
    subject = (SUBJECT, inquiry.id)
    ledger.tell(at, "inquiry.opened", citizen, subject, case, kind_of_inquiry="status", channel=channel)
    return at


def _replies(scene: Scene, station: Station, at: datetime) -> Replies:
    """They learn as time goes on; some answers come late all the same."""
    draw, slow = scene.draw, 1.3 - 0.6 * scene.over(at)
    minutes = 0.5 + draw.expovariate(1 / (station.reply_minutes * slow))
    first = full = station.calendar.add_duty(at, timedelta(minutes=minutes))
    due = due_from(station.policy, station.calendar, Target.FULL, at)
    if due is not None and draw.random() < station.late_share * slow:
        full = max(first, due) + timedelta(minutes=draw.uniform(20, 900))
        first = first if draw.random() < ASKED_BACK else full
    elif draw.random() < ASKED_BACK:
        full = station.calendar.add_duty(first, timedelta(minutes=draw.expovariate(1 / 90)))
    return Replies(first, full, draw.random() < BY_CALL)


def _thread(scene: Scene, inquiry: Inquiry, replies: Replies, channel: str, steward: Actor) -> list[InquiryEntry]:
    found = [_entry(inquiry, inquiry.opened_at, EntryKind.ASKED, channel, scene.draw.choice(QUESTIONS))]
    if replies.first < replies.full:
        found.append(_entry(inquiry, replies.first, EntryKind.CLARIFICATION, "desk", ASKED_WHAT, steward))
    kind = EntryKind.CALL if replies.by_call else EntryKind.ANSWER
    said = _entry(inquiry, replies.full, kind, "desk", scene.draw.choice(ANSWERS), steward)
    said.call_seconds = scene.draw.randint(40, 400) if replies.by_call else None
    return [*found, said]


def _entry(
    inquiry: Inquiry, at: datetime, kind: EntryKind, channel: str, text: str, officer: Actor | None = None
) -> InquiryEntry:
    return InquiryEntry(
        inquiry_id=inquiry.id,
        at=at,
        kind=kind,
        channel=channel,
        text=vault().ring.seal_text(text, TEXT),
        officer_id=officer.id if officer else None,
    )


def _run_clock(
    station: Station, ledger: Ledger, case: Case, inquiry: Inquiry, replies: Replies, steward: Actor
) -> None:
    """The log, the clock that it comes to, and a mark for all that fell due meanwhile."""
    log = _log(station, inquiry, replies, steward)
    state = replay(log, {station.policy_id: station.policy}, {station.calendar_id: station.calendar})
    timer = Clock(
        subject_kind=SUBJECT,
        subject_id=inquiry.id,
        unit_id=state.unit,
        owner_id=state.owner,
        **clocks.stored_values(state, replies.full),
    )
    ledger.add(timer)
    ledger.add(
        *(ClockEntry(id=e.id, clock_id=timer.id, seq=e.seq, at=e.at, kind=e.kind.value, data=e.data()) for e in log)
    )
    _mark(ledger, case, inquiry, timer, state)


def _log(station: Station, inquiry: Inquiry, replies: Replies, steward: Actor) -> list[Entry]:
    at, owner = inquiry.opened_at, inquiry.owner_id or inquiry.unit_id
    binding = Binding(owner, inquiry.unit_id, station.policy_id, station.calendar_id)
    log = [
        Entry(new_id(), 1, at, Kind.HANDED_OVER, binding=binding),
        Entry(new_id(), 2, at, Kind.ASKED),
        Entry(new_id(), 3, at, Kind.ACKNOWLEDGED),
    ]
    if replies.first < replies.full:
        log.append(
            Entry(new_id(), 4, replies.first, Kind.CLARIFICATION_ASKED, person=steward.id, channel=Channel.MESSAGE)
        )
    channel = Channel.CALL if replies.by_call else Channel.MESSAGE
    return [*log, Entry(new_id(), len(log) + 1, replies.full, Kind.ANSWERED, person=steward.id, channel=channel)]


def _mark(ledger: Ledger, case: Case, inquiry: Inquiry, timer: Clock, state: ClockState) -> None:
    for episode, crossing in state.crossings():
        ledger.add(
            ClockMark(
                clock_id=timer.id,
                episode=episode.number,
                target=crossing.target.value,
                mark=crossing.mark,
                due_at=crossing.due_at,
                done_at=crossing.due_at,
            )
        )
        if crossing.kind is MarkKind.BREACH:
            details = {"target": crossing.target.value, "owner": crossing.owner, "due_at": crossing.due_at.isoformat()}
            ledger.tell(crossing.due_at, "promise.breached", SYSTEM, (SUBJECT, inquiry.id), case, **details)
