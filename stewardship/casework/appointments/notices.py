"""Who hears of what about an appointment. Each stops being worth sending in time for somebody to telephone instead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from delivery.contexts import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentChanged,
    AppointmentColleague,
    AppointmentMoved,
    AppointmentOffered,
    AppointmentReminder,
    CitizenContext,
)
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue
from kit import clock
from stewardship.casework.appointments.models import Appointment, AppointmentSlot
from stewardship.casework.appointments.rules import PURPOSES
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.letterhead import Heading, letterhead
from stewardship.foundation.org.models import Unit

SOON = 5
"""Before what can wait: somebody may be about to set out."""
CALL_BEFORE = timedelta(hours=1)
AT_LEAST = timedelta(minutes=10)


class _Matter(TypedDict):
    appointment: str
    purpose: str
    place: str


class _Three(TypedDict):
    first: datetime
    second: datetime
    third: datetime
    bring: str


def _matter(appointment: Appointment) -> _Matter:
    return _Matter(
        appointment=appointment.id.hex, purpose=PURPOSES[appointment.purpose], place=appointment.room.strip()
    )


async def _three(appointment: Appointment) -> _Three:
    first, second, third = [
        slot.starts_at for slot in await AppointmentSlot.filter(appointment_id=appointment.id).order_by("number")
    ]
    return _Three(first=first, second=second, third=third, bring=appointment.bring)


async def notify_offered(appointment: Appointment) -> None:
    """The party may pick one of three times."""
    heading, _ = await letterhead(appointment.member_id)
    context = AppointmentOffered(
        **_with_contact(heading, appointment), **_matter(appointment), **await _three(appointment)
    )
    await _to_party(appointment, context, "offered", appointment.expires_at)


async def notify_moved(appointment: Appointment, was_at: datetime) -> None:
    """The party must not come at the old time, and may pick another."""
    heading, _ = await letterhead(appointment.member_id)
    context = AppointmentMoved(
        **_with_contact(heading, appointment), **_matter(appointment), **await _three(appointment), was_at=was_at
    )
    await _to_party(appointment, context, "moved", _in_time(was_at), priority=SOON)


async def notify_booked(appointment: Appointment, at: datetime) -> None:
    """The party reads what was settled."""
    context = AppointmentBooked(**await _settled(appointment), at=at, bring=appointment.bring, fee=appointment.fee)
    await _to_party(appointment, context, f"booked:{appointment.version}", _in_time(at), priority=SOON)


async def notify_reminder(appointment: Appointment, at: datetime, which: str) -> None:
    """The party is reminded; each reminder once."""
    context = AppointmentReminder(**await _settled(appointment), at=at, bring=appointment.bring, fee=appointment.fee)
    await _to_party(appointment, context, f"reminder:{which}", at)


async def notify_colleague(appointment: Appointment, at: datetime) -> None:
    """The party hears that another officer sees them; nothing else changes."""
    context = AppointmentColleague(**await _settled(appointment), at=at)
    await _to_party(appointment, context, f"colleague:{appointment.version}", _in_time(at), priority=SOON)


async def notify_cancelled(appointment: Appointment, at: datetime) -> None:
    """The party must not come."""
    context = AppointmentCancelled(**await _settled(appointment), at=at)
    await _to_party(appointment, context, "cancelled", _in_time(at), priority=SOON)


class _Settled(Heading, _Matter):
    """Heading and matter of one notice."""


async def _settled(appointment: Appointment) -> _Settled:
    heading, _ = await letterhead(appointment.member_id)
    return _Settled(**_with_contact(heading, appointment), **_matter(appointment))


def _with_contact(heading: Heading, appointment: Appointment) -> Heading:
    return Heading(**{**heading, "desk_phone": appointment.contact or heading["desk_phone"]})


def _in_time(at: datetime) -> datetime:
    """After that a message comes too late to keep anybody from travelling: somebody has to telephone."""
    return max(at - CALL_BEFORE, clock.now() + AT_LEAST)


async def _to_party(
    appointment: Appointment, context: CitizenContext, key: str, expires_at: datetime | None, *, priority: int = 0
) -> None:
    _, address = await letterhead(appointment.member_id)
    await enqueue(
        Outgoing(
            context=context,
            subject_id=appointment.id,
            once_key=f"appointment:{appointment.id}:{key}",
            expires_at=expires_at,
            priority=priority,
            **address,
        )
    )


async def notify_officer(appointment: Appointment, officer_id: UUID, at: datetime, what: str) -> None:
    """An officer hears what became of an appointment; `what` in a few fixed words."""
    case, unit = await Case.get(id=appointment.case_id), await Unit.get(id=appointment.unit_id)
    await enqueue(
        Outgoing(
            context=AppointmentChanged(unit=unit.name, reference=case.reference, at=at, what=what),
            recipient_id=officer_id,
            recipient_kind=RecipientKind.OFFICER,
            case_id=case.id,
            unit_id=unit.id,
            subject_id=appointment.id,
        )
    )
