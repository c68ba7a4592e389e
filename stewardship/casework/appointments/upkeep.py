"""What time and rosters bring: reminders, offers that nobody answered, and officers who will not be there.

An officer's absence is found by looking, not by being told: whatever changes a roster (an import, leave, a call-out,
somebody who leaves the force), the next look finds the appointments that cannot be kept, before anybody travels.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kit import clock, database
from kit.database import in_transaction
from stewardship.casework.appointments import notices
from stewardship.casework.appointments.free import PRESENT, is_there
from stewardship.casework.appointments.models import Appointment, AppointmentSlot, AppointmentState
from stewardship.casework.appointments.service import NO_ANSWER, replace_by_offer
from stewardship.casework.appointments.steps import end, length_of, lock, record
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.errors import Conflict
from stewardship.foundation.org import rosters
from stewardship.foundation.org.models import Officer, Shift

ABSENT = "officer_absent"
_OPEN_AHEAD = """
select distinct a.id, a.offered_at from appointment a join appointment_slot s on s.appointment_id = a.id and s.holds
join officer o on o.id = a.officer_id join case_file c on c.id = a.case_id
where a.state in ('offered', 'booked') and s.starts_at > $1 and (
  not o.active or o.unit_id <> a.unit_id or c.unit_id <> a.unit_id
  or exists (select from shift h where h.officer_id = a.officer_id and h.starts_at < s.ends_at
    and h.ends_at > s.starts_at and h.kind in ('rest', 'leave', 'absent', 'call_out'))
  or (exists (select from shift h where h.officer_id = a.officer_id and h.kind in ('duty', 'deputy')
      and h.starts_at < s.ends_at + $3::interval and h.ends_at > s.starts_at - $3::interval)
    and not exists (select from shift h where h.officer_id = a.officer_id and h.kind in ('duty', 'deputy')
      and h.starts_at <= s.starts_at and h.ends_at >= s.ends_at)))
order by a.offered_at limit $2
"""
_DUE = """
select id from appointment
where state = 'booked' and starts_at > $1 and (remind_day_at <= $1 or remind_soon_at <= $1)
order by starts_at limit $2
"""


async def move_absent(limit: int = 200) -> int:
    """Take over or offer anew what an absent officer cannot keep, and tell the party; answers how many."""
    rows = await database.fetch(_OPEN_AHEAD, clock.now(), limit, rosters.ROSTER_HORIZON)
    return sum([await _move_one(row["id"]) for row in rows])


async def _move_one(appointment_id: UUID) -> bool:
    async with in_transaction():
        case, appointment = await lock(SYSTEM, appointment_id)
        if case.unit_id == appointment.unit_id and await _can_be_kept(appointment):
            return False
        if await _taken_over(case, appointment) or await _offered_anew(case, appointment):
            return True
        await _called_off(case, appointment)
        return True


async def _can_be_kept(appointment: Appointment) -> bool:
    """Whether the officer is still of the unit, and there for every time that is held."""
    if not await Officer.exists(id=appointment.officer_id, unit_id=appointment.unit_id):
        return False
    slots = await AppointmentSlot.filter(appointment_id=appointment.id, holds=True, starts_at__gt=clock.now())
    there = [await is_there(s.officer_id, s.unit_id, s.starts_at, s.ends_at) for s in slots]
    return all(there)


async def _taken_over(case: Case, appointment: Appointment) -> bool:
    """Time and place stay, a colleague who is there then receives the party."""
    at = appointment.starts_at
    if appointment.state is not AppointmentState.BOOKED or at is None or case.unit_id != appointment.unit_id:
        return False
    until = at + length_of(appointment)
    for officer_id in await _colleagues(case, at):
        if officer_id != appointment.officer_id and await is_there(officer_id, case.unit_id, at, until):
            if not await _free_then(officer_id, at, until):
                continue
            await AppointmentSlot.filter(appointment_id=appointment.id, holds=True).update(officer_id=officer_id)
            before, appointment.officer_id = appointment.officer_id, officer_id
            appointment.version += 1
            await appointment.save(update_fields=["officer_id", "version"])
            await record("appointment.taken_over", SYSTEM, appointment, before=before, to=officer_id)
            await notices.notify_colleague(appointment, at)
            await notices.notify_officer(appointment, officer_id, at, "改由您接待")
            return True
    return False


async def _colleagues(case: Case, at: datetime) -> list[UUID]:
    """Who might receive the party instead: the case's own officers, then who is on duty then."""
    on_duty = await Shift.filter(
        unit_id=case.unit_id, kind__in=list(PRESENT), starts_at__lte=at, ends_at__gt=at
    ).order_by("kind", "starts_at")
    line = [case.steward_id, case.deputy_id, *(shift.officer_id for shift in on_duty)]
    return list(dict.fromkeys(officer for officer in line if officer is not None))


async def _free_then(officer_id: UUID, start: datetime, end: datetime) -> bool:
    return not await AppointmentSlot.exists(officer_id=officer_id, holds=True, starts_at__lt=end, ends_at__gt=start)


async def _offered_anew(case: Case, appointment: Appointment) -> bool:
    """Three other times, of the officer if they are back soon, else of the case's own or whoever is on duty."""
    candidates = [appointment.officer_id, *await _colleagues(case, clock.now())]
    for officer_id in dict.fromkeys(candidates):
        try:
            async with in_transaction():
                await replace_by_offer(SYSTEM, case, await _fresh(appointment), officer_id, ABSENT)
            return True
        except Conflict:
            # This one has not three free times; the next may.
            continue
    return False


async def _fresh(appointment: Appointment) -> Appointment:
    """As the database has it: a try that was taken back must leave no trace in the object."""
    return await Appointment.get(id=appointment.id)


async def _called_off(case: Case, appointment: Appointment) -> None:
    """Nobody has time: the party is told not to come, and whoever has the case is asked to telephone."""
    at, agreed = appointment.starts_at or clock.now(), appointment.starts_at is not None
    await end(SYSTEM, appointment, AppointmentState.CANCELLED, ABSENT)
    if agreed:
        await notices.notify_cancelled(appointment, at)
    found = await rosters.receiver(case.unit_id, case.steward_id, case.deputy_id, clock.now())
    await notices.notify_officer(appointment, found.candidate.id, at, "请电话另约时间")


async def remind_due(limit: int = 200) -> int:
    """Send the reminders that are due; answers how many."""
    rows = await database.fetch(_DUE, clock.now(), limit)
    return sum([await _remind(row["id"]) for row in rows])


async def _remind(appointment_id: UUID) -> bool:
    """Both due at once (after downtime) are said once."""
    async with in_transaction():
        appointment = await Appointment.select_for_update(skip_locked=True).get_or_none(
            id=appointment_id, state=AppointmentState.BOOKED
        )
        now = clock.now()
        if appointment is None or appointment.starts_at is None:
            return False
        day_due = appointment.remind_day_at is not None and appointment.remind_day_at <= now
        soon_due = appointment.remind_soon_at is not None and appointment.remind_soon_at <= now
        if not day_due and not soon_due:
            return False
        appointment.remind_day_at = None if day_due or soon_due else appointment.remind_day_at
        appointment.remind_soon_at = None if soon_due else appointment.remind_soon_at
        await appointment.save(update_fields=["remind_day_at", "remind_soon_at"])
        await notices.notify_reminder(appointment, appointment.starts_at, "soon" if soon_due else "day")
        return True


async def expire_due(limit: int = 200) -> int:
    """Offers that nobody answered: their times are free again, and the officer hears of it. Answers how many."""
    due = await Appointment.filter(state=AppointmentState.OFFERED, expires_at__lte=clock.now()).limit(limit)
    return sum([await _expire(appointment.id) for appointment in due])


async def _expire(appointment_id: UUID) -> bool:
    async with in_transaction():
        _, appointment = await lock(SYSTEM, appointment_id)
        lapsed = appointment.expires_at is not None and appointment.expires_at <= clock.now()
        if appointment.state is not AppointmentState.OFFERED or not lapsed:
            return False
        at = appointment.expires_at or clock.now()
        await end(SYSTEM, appointment, AppointmentState.CANCELLED, NO_ANSWER)
        await notices.notify_officer(appointment, appointment.officer_id, at, "没有选时间")
        return True
