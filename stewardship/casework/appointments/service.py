"""Offering three times, picking one, moving, cancelling, and what came of it.

Nothing here shows or tells one party anything of another's appointment. What keeps times from overlapping, and people
of different sides from meeting, is computed under the case's lock and guarded by constraints of the database.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.casework.appointments import notices
from stewardship.casework.appointments.free import Visit, free_times
from stewardship.casework.appointments.models import Appointment, AppointmentSlot, AppointmentState, Purpose
from stewardship.casework.appointments.rules import (
    FREE_OF_CHARGE,
    LATEST_CHANGE,
    LEAD,
    MOVES,
    OFFER_HOLDS,
    OFFERS,
    reminders,
    three,
)
from stewardship.casework.appointments.steps import (
    check_step,
    end,
    hold,
    length_of,
    let_go,
    lock,
    record,
    successor,
    visit_of,
)
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.disclosure.rules import Topic, may_be_told
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import Party
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks import policies
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound

CHAT = "oa"
DESK = "desk"
OTHER_TIMES = "other_times"
NO_ANSWER = "no_answer"
SHORTEST, LONGEST = 15, 180
REASON_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Terms:
    """What a party is asked to come for."""

    purpose: Purpose
    minutes: int = 30
    room: str = ""
    bring: str = ""
    fee: str = FREE_OF_CHARGE
    contact: str = ""


@atomic()
async def offer(
    actor: Actor,
    case_id: UUID,
    member_id: UUID,
    terms: Terms,
    *,
    officer_id: UUID | None = None,
    starts: Sequence[datetime] | None = None,
) -> Appointment:
    """Offer a party three times: those given, or the first good ones of the officer's roster.

    The times are held until one is picked, for three days at most. Raises NotFound for somebody who is not of the case,
    Conflict where an offer or appointment of theirs is open, where a time is not free, or where there are not three.
    """
    _check_terms(terms)
    case = await cases.lock_case(case_id)
    visit = await _visit(case, member_id, terms, officer_id or case.steward_id)
    if await Appointment.exists(case_id=case.id, member_id=member_id, state=AppointmentState.OFFERED):
        raise Conflict("appointment_open", "已经有一次约时间在等对方选择", "请等对方选好，或先取消上一次。")
    appointment = await Appointment.create(
        case_id=case.id,
        member_id=member_id,
        person_id=visit.member.person_id,
        unit_id=case.unit_id,
        officer_id=visit.officer_id,
        purpose=terms.purpose,
        minutes=terms.minutes,
        room=terms.room.strip(),
        bring=terms.bring.strip(),
        fee=terms.fee.strip() or FREE_OF_CHARGE,
        contact=terms.contact.strip(),
        state=AppointmentState.OFFERED,
    )
    await hold_three(appointment, visit, starts)
    await notices.notify_offered(appointment)
    await record("appointment.offered", actor, appointment, member=member_id, officer=visit.officer_id)
    return appointment


def _check_terms(terms: Terms) -> None:
    if not SHORTEST <= terms.minutes <= LONGEST:
        raise Invalid("appointment_minutes", "时长不对", f"请填写 {SHORTEST} 到 {LONGEST} 分钟。")


async def _visit(case: Case, member_id: UUID, terms: Terms, officer_id: UUID | None) -> Visit:
    """Raises NotFound for a stranger to the case, Conflict where nobody is named to see them."""
    member = await Member.get_or_none(id=member_id, case_id=case.id)
    party = await Party.get_or_none(id=member.party_id, removed_at=None) if member else None
    if member is None or party is None or member.state is MemberState.REMOVED:
        raise NotFound("member_not_found", "没有找到这位当事人", "请从当事人列表中选择。")
    if not may_be_told(party.roles, case.kind, Topic.APPOINTMENT):
        raise NotFound("member_not_found", "没有找到这位当事人", "请从当事人列表中选择。")
    if officer_id is None:
        raise Conflict("appointment_officer", "还没有接待的民警", "请先选择接待民警。")
    return Visit(case, member, officer_id, terms.minutes, terms.room.strip())


async def hold_three(appointment: Appointment, visit: Visit, starts: Sequence[datetime] | None = None) -> None:
    """Hold three free times for an offer, and let it lapse when the last of them has begun. Raises Conflict, Invalid.

    The caller holds the case's lock.
    """
    free = await free_times(visit, lead=timedelta(0) if starts else LEAD)
    chosen = sorted(starts) if starts else three(free, visit.length)
    if starts and (len(set(chosen)) != OFFERS or any(b - a < visit.length for a, b in itertools.pairwise(chosen))):
        raise Invalid("appointment_times", "请选三个不同的时间", "三个时间不能重叠。")
    if len(chosen) < OFFERS:
        raise Conflict("not_enough_times", "两周内找不到三个空闲时间", "请换一位民警、换个房间，或缩短时长。")
    if not set(chosen) <= set(free):
        raise Conflict("slot_taken", "有的时间已经不空", "请刷新空闲时间后重新选择。")
    await hold(visit, appointment, chosen)
    appointment.expires_at = min(chosen[-1], clock.now() + OFFER_HOLDS)
    await appointment.save(update_fields=["expires_at"])


@atomic()
async def book(actor: Actor, appointment_id: UUID, number: int, *, channel: str) -> Appointment:
    """Pick one of the offered times; the same again changes nothing.

    Raises NotFound for somebody else's, Gone for one that is over or a time that has begun, Conflict where another time
    was picked before, Invalid for a number that was not offered.
    """
    case, appointment = await lock(actor, appointment_id)
    slot = await AppointmentSlot.get_or_none(appointment_id=appointment.id, number=number)
    if appointment.state is AppointmentState.BOOKED and slot and slot.starts_at == appointment.starts_at:
        return appointment
    check_step(appointment, AppointmentState.BOOKED)
    if slot is None:
        raise Invalid("appointment_number", "没有这个选项", "请回复 1、2 或 3；都不合适请回复 0。")
    if slot.starts_at <= clock.now():
        raise Gone("appointment_time_over", "这个时间已经过了", "请选另一个，或拨打值班电话另约。")
    await let_go(appointment, but=number)
    await _settle(actor, case, appointment, slot.starts_at, channel)
    return appointment


async def _settle(actor: Actor, case: Case, appointment: Appointment, at: datetime, channel: str) -> None:
    """It takes place then; party and officer hear of it, and both reminders are set."""
    calendar = await policies.calendar_version(await policies.calendar_for(case.unit_id))
    appointment.state, appointment.channel, appointment.booked_at = AppointmentState.BOOKED, channel, clock.now()
    appointment.starts_at, appointment.ends_at = at, at + length_of(appointment)
    appointment.remind_day_at, appointment.remind_soon_at = reminders(at, calendar, clock.now())
    appointment.version += 1
    await appointment.save()
    await record("appointment.booked", actor, appointment, channel=channel, at=at.isoformat())
    if channel != CHAT:
        # The chat says it in its answer.
        await notices.notify_booked(appointment, at)
    if actor.id != appointment.officer_id:
        await notices.notify_officer(appointment, appointment.officer_id, at, "已选定时间")


@atomic()
async def move(actor: Actor, appointment_id: UUID, starts_at: datetime, *, channel: str) -> Appointment:
    """Another free time instead of the one agreed; answers the appointment that takes its place.

    Raises Conflict for a time that is not free, and for a party that moves it later than two hours before, or for the
    fourth time: then they telephone.
    """
    case, old = await lock(actor, appointment_id)
    if old.state is AppointmentState.BOOKED and old.starts_at == starts_at:
        return old
    check_step(old, AppointmentState.MOVED)
    _check_party_may_change(actor, old)
    was_at, visit = old.starts_at, await visit_of(old, case)
    new = await successor(actor, old, visit, "")
    if starts_at not in await free_times(visit, lead=LATEST_CHANGE):
        raise Conflict("slot_taken", "这个时间已经不空", "请刷新后另选一个时间。")
    await hold(visit, new, [starts_at])
    new.moves = old.moves + (actor.kind is ActorKind.CITIZEN and was_at is not None)
    await _settle(actor, case, new, starts_at, channel)
    return new


def _check_party_may_change(actor: Actor, appointment: Appointment) -> None:
    if actor.kind is not ActorKind.CITIZEN:
        return
    late = appointment.starts_at is not None and clock.now() > appointment.starts_at - LATEST_CHANGE
    if late or appointment.moves >= MOVES:
        raise Conflict("appointment_by_phone", "现在不能自助改约", "请拨打值班电话，民警帮您改。")


@atomic()
async def offer_again(
    actor: Actor, appointment_id: UUID, reason: str, *, officer_id: UUID | None = None
) -> Appointment:
    """The officer cannot: three other times, and the party is told not to come at the old one.

    Raises Conflict where there are not three.
    """
    case, old = await lock(actor, appointment_id)
    return await replace_by_offer(actor, case, old, officer_id or old.officer_id, reason)


async def replace_by_offer(actor: Actor, case: Case, old: Appointment, officer_id: UUID, reason: str) -> Appointment:
    """The same for commands that hold the locks already."""
    check_step(old, AppointmentState.MOVED)
    was_at, visit = old.starts_at, await visit_of(old, case, officer_id)
    new = await successor(actor, old, visit, reason)
    await hold_three(new, visit)
    await record("appointment.offered", actor, new, member=new.member_id, officer=officer_id)
    if was_at is None:
        await notices.notify_offered(new)
    else:
        await notices.notify_moved(new, was_at)
    return new


@atomic()
async def cancel(actor: Actor, appointment_id: UUID, reason: str) -> Appointment:
    """It does not take place. Whoever did not cancel it is told; cancelling twice changes nothing."""
    if len(reason) > REASON_LENGTH:
        raise Invalid("appointment_reason", "原因太长", f"最多 {REASON_LENGTH} 个字。")
    _, appointment = await lock(actor, appointment_id)
    if appointment.state is AppointmentState.CANCELLED:
        return appointment
    at = appointment.starts_at or appointment.expires_at or clock.now()
    await end(actor, appointment, AppointmentState.CANCELLED, reason)
    if actor.kind is ActorKind.CITIZEN:
        await notices.notify_officer(appointment, appointment.officer_id, at, "当事人取消")
    elif appointment.starts_at is not None:
        await notices.notify_cancelled(appointment, at)
    return appointment


@atomic()
async def refuse_times(actor: Actor, appointment_id: UUID) -> Appointment:
    """None of the times suits: they are free again, and the officer hears that other ones are wanted.

    The caller puts the wish to a person as an inquiry. Doing it twice changes nothing.
    """
    _, appointment = await lock(actor, appointment_id)
    if appointment.state is AppointmentState.CANCELLED and appointment.reason == OTHER_TIMES:
        return appointment
    _check_party_may_change(actor, appointment)
    at = appointment.starts_at or clock.now()
    await end(actor, appointment, AppointmentState.CANCELLED, OTHER_TIMES)
    await notices.notify_officer(appointment, appointment.officer_id, at, "希望另约时间")
    return appointment


@atomic()
async def record_outcome(actor: Actor, appointment_id: UUID, *, kept: bool) -> Appointment:
    """Whether they came. Raises Conflict before the time, and for one that was settled otherwise."""
    _, appointment = await lock(actor, appointment_id)
    state = AppointmentState.KEPT if kept else AppointmentState.MISSED
    if appointment.state is state:
        return appointment
    check_step(appointment, state)
    if appointment.starts_at is None or appointment.starts_at > clock.now():
        raise Conflict("appointment_ahead", "还没到约定的时间", "请在约定时间之后登记。")
    await end(actor, appointment, state)
    return appointment
