"""Reading appointments: a party's own, a case's, an officer's day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import clock
from stewardship.casework.appointments.free import free_times
from stewardship.casework.appointments.models import Appointment, AppointmentSlot, AppointmentState
from stewardship.casework.appointments.rules import LATEST_CHANGE, PURPOSES
from stewardship.casework.appointments.steps import in_scope, visit_of
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org.models import Officer, Role, Unit
from stewardship.foundation.people.models import Person

UNIT_READERS = (Role.INSTRUCTOR,)


@dataclass(frozen=True, slots=True)
class Shown:
    """An appointment with the names that a screen shows beside it."""

    appointment: Appointment
    slots: tuple[AppointmentSlot, ...]
    """Times that can still be picked, in order; none once it is settled."""
    reference: str
    unit_name: str
    address: str
    desk_phone: str
    officer_name: str
    person_name: str

    @property
    def purpose(self) -> str:
        """In neutral words."""
        return PURPOSES[self.appointment.purpose]


async def own(person_id: UUID, *, limit: int = 100) -> list[Shown]:
    """Somebody's own appointments, what is ahead first, then the latest; the filter is in the query."""
    rows = await Appointment.filter(person_id=person_id).order_by("-offered_at").limit(limit)
    ahead = (AppointmentState.OFFERED, AppointmentState.BOOKED)
    return await shown(sorted(rows, key=lambda row: row.state not in ahead))


async def open_offers(person_id: UUID) -> list[Appointment]:
    """What a bare digit of this person may pick a time of, oldest first."""
    return await Appointment.filter(
        person_id=person_id, state=AppointmentState.OFFERED, expires_at__gt=clock.now()
    ).order_by("offered_at", "id")


async def of_case(case_id: UUID, *, limit: int = 100) -> list[Shown]:
    """Everything that was agreed with anybody in a case, newest first; for its officers."""
    return await shown(await Appointment.filter(case_id=case_id).order_by("-offered_at").limit(limit))


async def day_of(
    actor: Actor, start: datetime, end: datetime, *, unit_id: UUID | None = None, limit: int = 500
) -> list[Shown]:
    """What an officer has agreed for a stretch of time, in its order; with a unit, an instructor's whole unit.

    The read of each case is recorded. A unit that the actor does not supervise has nothing to show.
    """
    query = Appointment.filter(starts_at__gte=start, starts_at__lt=end).exclude(state=AppointmentState.MOVED)
    if unit_id is None:
        query = query.filter(officer_id=actor.id)
    else:
        query = query.filter(unit_id__in=[unit_id] if unit_id in actor.units(*UNIT_READERS) else [])
    rows = await query.order_by("starts_at", "id").limit(limit)
    relation = "appointment" if unit_id is None else Role.INSTRUCTOR.value
    cases = {row.case_id: row.unit_id for row in rows}
    await audit.record_many(
        [
            audit.Entry("case.read", actor, ("case", case_id), case_id, unit, relation, {"by": "appointments"})
            for case_id, unit in cases.items()
        ]
    )
    return await shown(rows)


async def one(actor: Actor, appointment_id: UUID) -> Shown:
    """The appointment, if it is theirs; an officer's read is recorded. Raises NotFound."""
    found = await in_scope(actor, appointment_id)
    if actor.kind is ActorKind.OFFICER:
        await audit.record(
            "case.read",
            actor,
            ("case", found.case_id),
            case_id=found.case_id,
            unit_id=found.unit_id,
            relation="appointment",
            by="appointments",
        )
    return (await shown([found]))[0]


async def other_times(actor: Actor, appointment_id: UUID, limit: int = 12) -> list[datetime]:
    """Where it could be moved to. Raises NotFound."""
    found = await in_scope(actor, appointment_id)
    visit = await visit_of(found, await Case.get(id=found.case_id))
    return (await free_times(visit, lead=LATEST_CHANGE))[:limit]


async def shown(rows: Sequence[Appointment]) -> list[Shown]:
    """The appointments with names beside them: a handful of statements for any number."""
    ids = [row.id for row in rows if row.state is AppointmentState.OFFERED]
    slots = await AppointmentSlot.filter(appointment_id__in=ids, holds=True, starts_at__gt=clock.now()).order_by(
        "number"
    )
    cases = {c.id: c for c in await Case.filter(id__in=[row.case_id for row in rows])}
    units = {u.id: u for u in await Unit.filter(id__in=[row.unit_id for row in rows])}
    officers = {o.id: o.name for o in await Officer.filter(id__in=[row.officer_id for row in rows])}
    persons = {p.id: p.name for p in await Person.filter(id__in=[row.person_id for row in rows])}
    return [
        Shown(
            row,
            tuple(slot for slot in slots if slot.appointment_id == row.id),
            cases[row.case_id].reference,
            units[row.unit_id].name,
            units[row.unit_id].address,
            row.contact or units[row.unit_id].duty_phone,
            officers[row.officer_id],
            persons[row.person_id],
        )
        for row in rows
    ]
