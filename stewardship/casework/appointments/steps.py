"""What the commands on appointments share. Locks: the case's, then the appointment's; its times are the case's too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q, Subquery

from kit import clock
from kit.database import in_transaction
from stewardship.casework.appointments.free import Visit, camp_of
from stewardship.casework.appointments.models import Appointment, AppointmentSlot, AppointmentState
from stewardship.casework.appointments.rules import APART, may_become
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Gone, NotFound

SUBJECT = "appointment"
OPEN = (AppointmentState.OFFERED, AppointmentState.BOOKED)


def scope(actor: Actor) -> Q:
    """The appointments somebody may see: a party their own and nobody else's, an officer their own and their cases'."""
    if actor.kind is ActorKind.SYSTEM:
        return Q()
    if actor.id is None:
        return Q(id__in=[])
    if actor.kind is ActorKind.CITIZEN:
        return Q(person_id=actor.id)
    return Q(officer_id=actor.id) | Q(case_id__in=Subquery(Case.filter(cases.scope(actor)).values("id")))


async def in_scope(actor: Actor, appointment_id: UUID) -> Appointment:
    """The appointment, unlocked. Raises NotFound for whatever is not the actor's."""
    found = await Appointment.get_or_none(Q(id=appointment_id) & scope(actor))
    if found is None:
        raise NotFound("appointment_not_found", "没有找到这个预约", "可能已经改期，请刷新后查看。")
    return found


async def lock(actor: Actor, appointment_id: UUID) -> tuple[Case, Appointment]:
    """Case and appointment, locked to the end of the transaction. Raises NotFound."""
    seen = await in_scope(actor, appointment_id)
    case = await cases.lock_case(seen.case_id)
    return case, await Appointment.select_for_update().get(id=seen.id)


def check_step(appointment: Appointment, to: AppointmentState) -> None:
    """Raises Gone for an appointment that is over, Conflict for a step that its state does not allow."""
    if appointment.state not in OPEN:
        raise Gone("appointment_over", "这个预约已经改期或取消", "请以最新的通知为准，或拨打值班电话询问。")
    if not may_become(appointment.state, to):
        raise Conflict("appointment_state", "现在还不能这样操作", "请刷新后再试。")


async def hold(visit: Visit, appointment: Appointment, starts: Sequence[datetime]) -> None:
    """Hold these times for the appointment. Raises Conflict where somebody was quicker: the database decides."""
    slots = [_slot(visit, appointment, number, at) for number, at in enumerate(sorted(starts), start=1)]
    try:
        async with in_transaction():
            await AppointmentSlot.bulk_create(slots)
    except IntegrityError as error:
        raise Conflict("slot_taken", "这个时间刚刚被占用", "请重新选择时间。") from error


def _slot(visit: Visit, appointment: Appointment, number: int, at: datetime) -> AppointmentSlot:
    end, half = at + visit.length, APART / 2
    return AppointmentSlot(
        appointment_id=appointment.id,
        number=number,
        starts_at=at,
        ends_at=end,
        clear_from=at - half,
        clear_to=end + half,
        officer_id=visit.officer_id,
        person_id=visit.member.person_id,
        unit_id=visit.case.unit_id,
        case_id=visit.case.id,
        room=visit.room,
        camp=camp_of(visit.member),
    )


async def let_go(appointment: Appointment, *, but: int | None = None) -> None:
    """Its times are free for others again, but for the one that was picked."""
    slots = AppointmentSlot.filter(appointment_id=appointment.id, holds=True)
    await (slots.exclude(number=but) if but is not None else slots).update(holds=False)


async def end(
    actor: Actor, appointment: Appointment, state: AppointmentState, reason: str = "", **details: Any
) -> None:
    """The appointment is over: moved, cancelled, kept or missed."""
    check_step(appointment, state)
    await let_go(appointment)
    appointment.state, appointment.reason, appointment.closed_at = state, reason, clock.now()
    appointment.remind_day_at = appointment.remind_soon_at = None
    appointment.version += 1
    await appointment.save()
    await record(f"appointment.{state.value}", actor, appointment, **details)


async def visit_of(appointment: Appointment, case: Case, officer_id: UUID | None = None) -> Visit:
    """The same visit once more, with another officer where one is named. It is where the case is now."""
    member = await Member.get(id=appointment.member_id)
    return Visit(case, member, officer_id or appointment.officer_id, appointment.minutes, appointment.room)


async def successor(actor: Actor, old: Appointment, visit: Visit, reason: str) -> Appointment:
    """End an appointment as moved, and begin the one that comes in its place: still without a time."""
    new = Appointment(
        case_id=old.case_id,
        member_id=old.member_id,
        person_id=old.person_id,
        unit_id=visit.case.unit_id,
        officer_id=visit.officer_id,
        purpose=old.purpose,
        minutes=old.minutes,
        room=old.room,
        bring=old.bring,
        fee=old.fee,
        contact=old.contact,
        state=AppointmentState.OFFERED,
        moves=old.moves,
        replaces_id=old.id,
        expires_at=None,
    )
    old.replaced_by_id = new.id
    await end(actor, old, AppointmentState.MOVED, reason, to=new.id)
    await new.save(force_create=True)
    return new


async def record(kind: str, actor: Actor, appointment: Appointment, **details: Any) -> None:
    """An event about an appointment: ids and codes only."""
    await audit.record(
        kind, actor, (SUBJECT, appointment.id), case_id=appointment.case_id, unit_id=appointment.unit_id, **details
    )


def length_of(appointment: Appointment) -> timedelta:
    """How long the visit is planned to take."""
    return timedelta(minutes=appointment.minutes)
