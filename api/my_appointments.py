"""A party's own appointments: picking a time, moving, declining; nobody else's, and not that there are any."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api import limits
from api.appointments import SENTENCES, Move, Pick, SlotView, slots_of
from api.deps import ActorDep, ServicesDep
from api.my_inquiries import Taken, taken
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, ClientKey, Payload, View, words
from kit import clock
from stewardship.casework.appointments import queries, service
from stewardship.casework.appointments.models import AppointmentState
from stewardship.casework.appointments.queries import Shown
from stewardship.casework.appointments.rules import LATEST_CHANGE, MOVES
from stewardship.conversations import appointments as conversation
from stewardship.dialogue.answering.record import moment, officer_title
from stewardship.foundation.actors import Actor

router = APIRouter(tags=["my appointments"], route_class=OnceRoute)

MP = "mp"


class MyAppointment(View):
    """One's own appointment: when, where, what for in neutral words, what to bring."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    state: AppointmentState = Field(examples=["offered"])
    purpose: str = Field(examples=["办理手续"])
    starts_at: datetime | None = Field(examples=[None])
    ends_at: datetime | None = Field(examples=[None])
    slots: list[SlotView] = Field(description="While times can still be picked.")
    pick_until: datetime | None = Field(examples=["2026-03-19T01:00:00Z"])
    unit_name: str = Field(examples=["莲花派出所"])
    address: str = Field(examples=["莲花路 1 号"])
    room: str = Field(examples=["一楼接待室"])
    bring: str = Field(examples=["身份证"])
    fee: str = Field(examples=["免费"])
    contact: str = Field(examples=["0551-60000000"])
    officer: str = Field(examples=["王警官"])
    may_change: bool = Field(examples=[True], description="False: telephone instead.")
    replaced_by_id: UUID | None = Field(examples=[None])
    sentence: str = Field(examples=["明天 08:30，到莲花派出所办理手续。"])


class MyAppointments(View):
    """What is ahead first."""

    items: list[MyAppointment]


class OtherTimes(View):
    """Where one's appointment could be moved to."""

    items: list[datetime] = Field(examples=[["2026-03-18T00:30:00Z"]])


class OtherTimesIn(Payload):
    client_key: ClientKey
    text: Annotated[str, words(200, 0)] = Field(default="", examples=["下周末方便"])


def _mine(shown: Shown) -> MyAppointment:
    row = shown.appointment
    offered = row.state is AppointmentState.OFFERED
    open_ = offered or row.state is AppointmentState.BOOKED
    late = row.starts_at is not None and clock.now() > row.starts_at - LATEST_CHANGE
    return MyAppointment(
        id=row.id,
        case_id=row.case_id,
        reference=shown.reference,
        state=row.state,
        purpose=shown.purpose,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        slots=slots_of(shown),
        pick_until=row.expires_at if offered else None,
        unit_name=shown.unit_name,
        address=shown.address,
        room=row.room,
        bring=row.bring,
        fee=row.fee,
        contact=shown.desk_phone,
        officer=officer_title(shown.officer_name),
        may_change=open_ and not late and row.moves < MOVES,
        replaced_by_id=row.replaced_by_id,
        sentence=_my_sentence(shown),
    )


def _my_sentence(shown: Shown) -> str:
    row = shown.appointment
    if row.state is AppointmentState.OFFERED:
        return f"请选一个时间，到{shown.unit_name}{shown.purpose}。"
    if row.state is AppointmentState.BOOKED and row.starts_at is not None:
        return f"{moment(row.starts_at)}，到{shown.unit_name}{shown.purpose}。"
    return SENTENCES[row.state] + "。"


async def _my_one(actor: Actor, appointment_id: UUID) -> MyAppointment:
    return _mine(await queries.one(actor, appointment_id))


@router.get("/my/appointments")
async def list_my_appointments(actor: ActorDep) -> MyAppointments:
    """One's own appointments; nobody else's, and not that there are any."""
    return MyAppointments(items=[_mine(each) for each in await queries.own(actor.id)] if actor.id else [])


@router.get("/my/appointments/{appointment_id}")
async def my_appointment(appointment_id: UUID, actor: ActorDep) -> MyAppointment:
    """One of them."""
    return await _my_one(actor, appointment_id)


@router.get("/my/appointments/{appointment_id}/free")
async def my_other_times(appointment_id: UUID, actor: ActorDep) -> OtherTimes:
    """Times to which it could be moved."""
    return OtherTimes(items=await queries.other_times(actor, appointment_id))


@router.post("/my/appointments/{appointment_id}/book")
async def book_my_appointment(appointment_id: UUID, payload: Pick, actor: ActorDep) -> MyAppointment:
    """Pick one of the three times; the same again changes nothing."""
    booked = await service.book(actor, appointment_id, payload.number, channel=MP)
    return await _my_one(actor, booked.id)


@router.post("/my/appointments/{appointment_id}/move")
async def move_my_appointment(appointment_id: UUID, payload: Move, actor: ActorDep) -> MyAppointment:
    """Another free time; answers the appointment that takes its place."""
    moved = await service.move(actor, appointment_id, payload.starts_at, channel=MP)
    return await _my_one(actor, moved.id)


@router.post("/my/appointments/{appointment_id}/cancel")
async def cancel_my_appointment(appointment_id: UUID, actor: ActorDep) -> MyAppointment:
    """Not come after all."""
    return await _my_one(actor, (await service.cancel(actor, appointment_id, "当事人取消")).id)


@router.post("/my/appointments/{appointment_id}/other-times")
async def ask_other_times(appointment_id: UUID, payload: OtherTimesIn, actor: ActorDep, services: ServicesDep) -> Taken:
    """None of the times suits: somebody calls back about others, within the promise."""
    await services.limiter.check(limits.ASK, str(actor.identity_id))
    key = f"{MP}:{appointment_id}:{payload.client_key}"
    return taken(await conversation.ask_other_times(actor, appointment_id, payload.text, channel=MP, source_key=key))
