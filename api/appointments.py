"""Appointments for officers: offering three times, settling by telephone, the day's list and what came of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field, StringConstraints

from api.deps import ActorDep, ReadableCase, WritableCase
from api.once import OnceRoute
from api.organisation import YEARS, Instant
from api.schemas import EXAMPLE_ID, Payload, Reason, View
from kit import clock
from stewardship.casework.appointments import queries, service
from stewardship.casework.appointments.free import Visit, free_times
from stewardship.casework.appointments.models import AppointmentState, Purpose
from stewardship.casework.appointments.queries import Shown
from stewardship.casework.appointments.rules import FREE_OF_CHARGE, PURPOSES, three
from stewardship.casework.appointments.service import LONGEST, SHORTEST, Terms
from stewardship.casework.groups.models import Member, MemberState
from stewardship.dialogue.answering.record import moment
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import Invalid, NotFound
from stewardship.foundation.people.rules import masked_name

router = APIRouter(tags=["appointments"], route_class=OnceRoute)

DESK = "desk"
Minutes = Annotated[int, Field(ge=SHORTEST, le=LONGEST, examples=[30])]
OneLine = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"
Room = Annotated[str, StringConstraints(max_length=20, pattern=OneLine, strip_whitespace=True)]
Contact = Annotated[str, StringConstraints(max_length=17, pattern=r"^[0-9+() -]*$", strip_whitespace=True)]
SENTENCES = {
    AppointmentState.OFFERED: "等对方选时间",
    AppointmentState.BOOKED: "已约好",
    AppointmentState.MOVED: "已改期",
    AppointmentState.CANCELLED: "已取消",
    AppointmentState.KEPT: "来过了",
    AppointmentState.MISSED: "没有来",
}


class SlotView(View):
    """A time that can be picked by its number."""

    number: int = Field(examples=[1])
    starts_at: datetime = Field(examples=["2026-03-17T00:30:00Z"])
    ends_at: datetime = Field(examples=["2026-03-17T01:00:00Z"])
    label: str = Field(examples=["明天 08:30"])


class AppointmentView(View):
    """An appointment as officers see it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    member_id: UUID = Field(examples=[EXAMPLE_ID])
    masked_name: str = Field(examples=["张*"])
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_name: str = Field(examples=["王敏"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["莲花派出所"])
    state: AppointmentState = Field(examples=["booked"])
    state_name: str = Field(examples=["已约好"])
    purpose: Purpose = Field(examples=["procedure"])
    purpose_name: str = Field(examples=["办理手续"])
    minutes: int = Field(examples=[30])
    starts_at: datetime | None = Field(examples=["2026-03-17T00:30:00Z"])
    ends_at: datetime | None = Field(examples=["2026-03-17T01:00:00Z"])
    slots: list[SlotView]
    expires_at: datetime | None = Field(examples=[None])
    room: str = Field(examples=["一楼接待室"])
    bring: str = Field(examples=["身份证"])
    fee: str = Field(examples=["免费"])
    contact: str = Field(examples=["0551-60000000"])
    channel: str = Field(examples=["sms"], description="By which the time was picked; empty while it is open.")
    reason: str = Field(examples=[""])
    replaced_by_id: UUID | None = Field(examples=[None])
    version: int = Field(examples=[2])


class Appointments(View):
    items: list[AppointmentView]


class PurposeView(View):
    key: Purpose = Field(examples=["procedure"])
    name: str = Field(examples=["办理手续"])


class FreeTimes(View):
    """Starts that are free within two weeks, and the three that would be offered."""

    starts: list[datetime] = Field(examples=[["2026-03-17T00:30:00Z"]])
    proposed: list[datetime] = Field(examples=[["2026-03-17T00:30:00Z"]])
    purposes: list[PurposeView]
    sentence: str = Field(examples=["两周内有 42 个空闲时间。"])


class OfferIn(Payload):
    member_id: UUID = Field(examples=[EXAMPLE_ID])
    purpose: Purpose = Field(examples=["procedure"])
    minutes: Minutes = 30
    room: Room = Field(default="", examples=["一楼接待室"])
    bring: Annotated[str, StringConstraints(max_length=120, pattern=OneLine, strip_whitespace=True)] = Field(
        default="", examples=["身份证"]
    )
    fee: Room = Field(default=FREE_OF_CHARGE, examples=["免费"])
    contact: Contact = Field(default="", examples=["0551-60000000"], description="Absent: the unit's desk.")
    officer_id: UUID | None = Field(default=None, examples=[None], description="Absent: the case's steward.")
    starts: Annotated[list[Instant], Field(min_length=3, max_length=3)] | None = Field(
        default=None, examples=[None], description="Absent: the first three good ones."
    )


class Pick(Payload):
    number: int = Field(ge=1, le=3, examples=[1])


class Move(Payload):
    starts_at: Instant


class Again(Payload):
    reason: Reason
    officer_id: UUID | None = Field(default=None, examples=[None])


class Cancel(Payload):
    reason: Reason


class Outcome(Payload):
    kept: bool = Field(examples=[True])


def slots_of(shown: Shown) -> list[SlotView]:
    return [
        SlotView(number=s.number, starts_at=s.starts_at, ends_at=s.ends_at, label=moment(s.starts_at))
        for s in shown.slots
    ]


def _view(shown: Shown) -> AppointmentView:
    row = shown.appointment
    return AppointmentView(
        id=row.id,
        case_id=row.case_id,
        reference=shown.reference,
        member_id=row.member_id,
        masked_name=masked_name(shown.person_name),
        officer_id=row.officer_id,
        officer_name=shown.officer_name,
        unit_id=row.unit_id,
        unit_name=shown.unit_name,
        state=row.state,
        state_name=SENTENCES[row.state],
        purpose=row.purpose,
        purpose_name=shown.purpose,
        minutes=row.minutes,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        slots=slots_of(shown),
        expires_at=row.expires_at if row.state is AppointmentState.OFFERED else None,
        room=row.room,
        bring=row.bring,
        fee=row.fee,
        contact=shown.desk_phone,
        channel=row.channel,
        reason=row.reason,
        replaced_by_id=row.replaced_by_id,
        version=row.version,
    )


async def _one(actor: Actor, appointment_id: UUID) -> AppointmentView:
    return _view(await queries.one(actor, appointment_id))


@router.get("/cases/{case_id}/appointments")
async def list_appointments(case: ReadableCase) -> Appointments:
    """What was agreed with anybody in the case, newest first."""
    return Appointments(items=[_view(each) for each in await queries.of_case(case.id)])


@router.get("/cases/{case_id}/appointments/free")
async def list_free_times(
    case: WritableCase,
    member_id: Annotated[UUID, Query(examples=[EXAMPLE_ID])],
    minutes: Annotated[int, Query(ge=SHORTEST, le=LONGEST, examples=[30])] = 30,
    officer_id: Annotated[UUID | None, Query(description="Absent: the case's steward.")] = None,
    room: Annotated[str, Query(max_length=20, pattern=OneLine)] = "",
    after: Annotated[AwareDatetime | None, Query(description="Not before this instant.")] = None,
) -> FreeTimes:
    """Times in the officer's roster at which this member meets nobody of another side."""
    member = await Member.get_or_none(id=member_id, case_id=case.id)
    if member is None or member.state is MemberState.REMOVED:
        raise NotFound("member_not_found", "没有找到这位当事人", "请从当事人列表中选择。")
    if after is not None and not YEARS[0] <= after.astimezone(UTC).year < YEARS[1]:
        raise Invalid("appointment_after", "日期不对", "请选择近期的日期。")
    officer = officer_id or case.steward_id or EXAMPLE_ID
    visit = Visit(case, member, officer, minutes, room.strip())
    starts = await free_times(visit, after=after)
    return FreeTimes(
        starts=starts,
        proposed=three(starts, visit.length),
        purposes=[PurposeView(key=key, name=name) for key, name in PURPOSES.items()],
        sentence=f"两周内有 {len(starts)} 个空闲时间。" if starts else "两周内没有空闲时间，请换一位民警或缩短时长。",
    )


@router.post("/cases/{case_id}/appointments", status_code=201)
async def offer_appointment(payload: OfferIn, case: WritableCase, actor: ActorDep) -> AppointmentView:
    """Offer a party three times; they pick by a tap, in the chat or by SMS."""
    terms = Terms(payload.purpose, payload.minutes, payload.room, payload.bring, payload.fee, payload.contact)
    offered = await service.offer(
        actor, case.id, payload.member_id, terms, officer_id=payload.officer_id, starts=payload.starts
    )
    return await _one(actor, offered.id)


@router.get("/appointments")
async def list_day(
    actor: ActorDep,
    on: Annotated[date | None, Query(description="Legal date; absent: today.", examples=["2026-03-17"])] = None,
    days: Annotated[int, Query(ge=1, le=31, examples=[7])] = 1,
    unit_id: Annotated[UUID | None, Query(description="An instructor's unit; absent: one's own.")] = None,
) -> Appointments:
    """Who comes, in the order of the day."""
    day = on or clock.today()
    if not YEARS[0] <= day.year < YEARS[1]:
        raise Invalid("appointment_day", "日期不对", "请选择近期的日期。")
    start = datetime(day.year, day.month, day.day, tzinfo=clock.LOCAL).astimezone(UTC)
    rows = await queries.day_of(actor, start, start + timedelta(days=days), unit_id=unit_id)
    return Appointments(items=[_view(each) for each in rows])


@router.get("/appointments/{appointment_id}")
async def read_appointment(appointment_id: UUID, actor: ActorDep) -> AppointmentView:
    """One appointment; the read is recorded."""
    return await _one(_officer(actor), appointment_id)


@router.post("/appointments/{appointment_id}/book")
async def book_for_party(appointment_id: UUID, payload: Pick, actor: ActorDep) -> AppointmentView:
    """The party said on the telephone or at the counter which time they take."""
    booked = await service.book(_officer(actor), appointment_id, payload.number, channel=DESK)
    return await _one(actor, booked.id)


@router.post("/appointments/{appointment_id}/move")
async def move_for_party(appointment_id: UUID, payload: Move, actor: ActorDep) -> AppointmentView:
    """Another time, agreed with the party by telephone."""
    moved = await service.move(_officer(actor), appointment_id, payload.starts_at, channel=DESK)
    return await _one(actor, moved.id)


@router.post("/appointments/{appointment_id}/offer-again")
async def offer_again(appointment_id: UUID, payload: Again, actor: ActorDep) -> AppointmentView:
    """Three other times; the party is told at once not to come at the old one."""
    again = await service.offer_again(_officer(actor), appointment_id, payload.reason, officer_id=payload.officer_id)
    return await _one(actor, again.id)


@router.post("/appointments/{appointment_id}/cancel")
async def cancel_appointment(appointment_id: UUID, payload: Cancel, actor: ActorDep) -> AppointmentView:
    """It does not take place; the party is told at once."""
    return await _one(actor, (await service.cancel(_officer(actor), appointment_id, payload.reason)).id)


@router.post("/appointments/{appointment_id}/outcome")
async def record_outcome(appointment_id: UUID, payload: Outcome, actor: ActorDep) -> AppointmentView:
    """Whether they came."""
    done = await service.record_outcome(_officer(actor), appointment_id, kept=payload.kept)
    return await _one(actor, done.id)


def _officer(actor: Actor) -> Actor:
    """Officers' routes are closed to citizens by the table; this keeps a mistake there from opening them."""
    if actor.kind is not ActorKind.OFFICER:
        raise NotFound("appointment_not_found", "没有找到这个预约")
    return actor
