"""Picking a time in a conversation: by a tap, by a digit, and what to do where a digit may mean two things."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from delivery.contexts import WhichQuestion
from delivery.outbox import Outgoing, enqueue
from kit import clock
from kit.database import atomic
from stewardship.casework.appointments import queries, service
from stewardship.casework.appointments.models import Appointment, AppointmentSlot
from stewardship.casework.appointments.rules import PURPOSES, parse_choice
from stewardship.casework.groups.letterhead import letterhead
from stewardship.casework.groups.models import Member
from stewardship.conversations import texts
from stewardship.conversations.models import AskedBack
from stewardship.conversations.said import Reply
from stewardship.dialogue.answering.record import day, moment
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import InquiryKind
from stewardship.foundation.actors import Actor
from stewardship.foundation.org.models import Unit
from stewardship.opinion.ratings import service as ratings

APPOINTMENT, RATING = "appointment", "rating"
ASKED_BACK_HOLDS = timedelta(days=1)
NONE_SUITS = 0
_CODE = re.compile(r"^\s*([12])([0-3])\s*[。.]?\s*$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """Something of ours that a digit of this person may answer."""

    kind: str
    id: UUID
    label: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Meant:
    """What a short message answers. Several `questions`: it may be any of them, and has to be asked back."""

    questions: tuple[Question, ...]
    number: int


async def meaning_of(person_id: UUID, text: str) -> Meant | None:
    """Which open question a digit answers; None where it is no digit, or nothing that needs telling apart is open.

    A bare digit is taken where one question alone is open. After we asked back, 11 to 13 answer the first that we named
    and 21 to 23 the second.
    """
    open_now = await open_questions(person_id)
    code = _CODE.match(text)
    if code is not None:
        named = await _named_before(person_id, int(code[1]))
        known = [question for question in open_now if named == (question.kind, question.id)]
        return Meant(tuple(known), int(code[2])) if known else None
    number = parse_choice(text)
    if number is None:
        return None
    fitting = [q for q in open_now if q.kind == APPOINTMENT or number != NONE_SUITS]
    return Meant(tuple(fitting), number) if fitting else None


async def open_questions(person_id: UUID) -> list[Question]:
    """Offers of times and unanswered ratings, in the order in which they were asked."""
    offers = [
        Question(APPOINTMENT, a.id, f"{day(clock.local(await _first_time(a)).date())}来所", a.offered_at)
        for a in await queries.open_offers(person_id)
    ]
    asked = [
        Question(RATING, rating.id, "服务评价", rating.sent_at)
        for rating in await ratings.open_for(person_id)
        if rating.score is None
    ]
    return sorted([*offers, *asked], key=lambda question: (question.asked_at, question.id))


async def _first_time(appointment: Appointment) -> datetime:
    slot = await AppointmentSlot.filter(appointment_id=appointment.id).order_by("number").first()
    return slot.starts_at if slot is not None else appointment.offered_at


async def _named_before(person_id: UUID, place: int) -> tuple[str, UUID] | None:
    asked = await AskedBack.get_or_none(person_id=person_id, until__gt=clock.now())
    if asked is None or place > len(asked.questions):
        return None
    named = asked.questions[place - 1]
    return named["kind"], UUID(named["id"])


async def ask_back(person_id: UUID, meant: Meant) -> tuple[Question, Question]:
    """Remember which two questions are named, and as which; answers them. The others wait for their turn."""
    one, other = meant.questions[:2]
    named = [{"kind": question.kind, "id": str(question.id)} for question in (one, other)]
    at = clock.now()
    await AskedBack.update_or_create(
        person_id=person_id, defaults={"questions": named, "asked_at": at, "until": at + ASKED_BACK_HOLDS}
    )
    return one, other


async def notify_which(member: Member, one: Question, other: Question) -> None:
    """The same question back by SMS, where nothing can be said in return at once."""
    heading, address = await letterhead(member.id)
    context = WhichQuestion(**heading, asked_at=clock.now(), one=one.label, other=other.label)
    await enqueue(Outgoing(context=context, **address))


@atomic()
async def answer(actor: Actor, question: Question, number: int, *, channel: str, source_key: str, text: str) -> str:
    """Carry out what a digit means; answers a short code. Raises BusinessError where it comes too late."""
    if question.kind == RATING:
        await ratings.rate(actor, rating_id=question.id, score=number, comment=None, channel=channel)
        return "rated"
    if number == NONE_SUITS:
        await ask_other_times(actor, question.id, text, channel=channel, source_key=source_key)
        return "other_times"
    await service.book(actor, question.id, number, channel=channel)
    return "booked"


@atomic()
async def ask_other_times(
    actor: Actor, appointment_id: UUID, text: str, *, channel: str, source_key: str | None
) -> inquiries.Asked:
    """None of the times suits: they are free again, and a person calls back about others, within the promise."""
    appointment = await service.refuse_times(actor, appointment_id)
    member = await Member.get(id=appointment.member_id)
    words = text.strip() if len(text.strip()) > 1 else texts.WANTS_OTHER_TIMES
    return await inquiries.ask(actor, member, words, channel=channel, source_key=source_key, kind=InquiryKind.CALL_BACK)


async def booked_reply(appointment: Appointment) -> Reply:
    """What the chat says at once to who picked a time there."""
    unit = await Unit.get(id=appointment.unit_id)
    lines = [
        texts.BOOKED.format(
            at=moment(appointment.starts_at or clock.now()), unit=unit.name, purpose=PURPOSES[appointment.purpose]
        ),
        f"地点：{appointment.room}" if appointment.room else "",
        f"请带：{appointment.bring}" if appointment.bring else "",
        f"费用：{appointment.fee}" if appointment.fee else "",
        texts.BOOKED_CHANGE.format(phone=appointment.contact or unit.duty_phone or "派出所值班电话"),
    ]
    return Reply("\n".join(line for line in lines if line), outcome="booked")
