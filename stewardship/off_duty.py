"""Until when an officer is not to be rung: what `duty_time.rings_from` says of their roster and their unit's hours."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from stewardship.foundation.clocks import policies
from stewardship.foundation.duty_time import DutyCalendar, DutyTimeError, Presence, rings_from
from stewardship.foundation.org import rosters
from stewardship.foundation.org.models import Officer


async def off_duty_until(officer_ids: Collection[UUID], at: datetime) -> dict[UUID, datetime]:
    """Of those who are off duty at the instant: when an ordinary message may ring them."""
    officers = await Officer.filter(id__in=list(officer_ids))
    hours = {unit_id: await _hours(unit_id) for unit_id in {officer.unit_id for officer in officers}}
    known = await rosters.presences([officer.id for officer in officers], at)
    until = {o.id: _rings_from(known.get(o.id, Presence()), at, hours[o.unit_id]) for o in officers}
    return {officer: instant for officer, instant in until.items() if instant > at}


async def _hours(unit_id: UUID) -> DutyCalendar:
    return await policies.calendar_version(await policies.calendar_for(unit_id))


def _rings_from(presence: Presence, at: datetime, hours: DutyCalendar) -> datetime:
    """A unit whose calendar has no duty at all keeps nobody from hearing anything."""
    try:
        return rings_from(presence, at, hours)
    except DutyTimeError:
        return at
