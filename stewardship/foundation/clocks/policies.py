"""The versions of what is promised and of the duty calendars it is reckoned in. A version never changes once used."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from kit import clock, database
from kit.database import in_transaction
from stewardship.foundation.clocks.models import PromisePolicy
from stewardship.foundation.clocks.rules import Policy
from stewardship.foundation.duty_time import DayKind, DutyCalendar, Interval
from stewardship.foundation.org.models import DutyCalendarVersion, HolidayOverride, Unit

OFFICE = "office"
ROUND_THE_CLOCK = "round_the_clock"
_OFFICE_DAY = (Interval(8 * 60 + 30, 12 * 60), Interval(14 * 60 + 30, 17 * 60 + 30))
_ALL_DAY = (Interval(0, 24 * 60),)
STANDARD: dict[str, tuple[tuple[tuple[Interval, ...], ...], bool]] = {
    OFFICE: ((_OFFICE_DAY,) * 5 + ((), ()), False),
    ROUND_THE_CLOCK: ((_ALL_DAY,) * 7, True),
}
"""What an installation starts with: office hours with a lunch break, and a desk that is always manned."""

_policies: dict[UUID, Policy] = {}
_calendars: dict[UUID, DutyCalendar] = {}


async def policy_version(policy_id: UUID) -> Policy:
    """A version by its id; versions are immutable, so they are kept in memory."""
    if policy_id not in _policies:
        row = await PromisePolicy.get(id=policy_id)
        _policies[policy_id] = Policy.from_json(row.definition)
    return _policies[policy_id]


async def calendar_version(calendar_id: UUID) -> DutyCalendar:
    """A calendar version by its id."""
    if calendar_id not in _calendars:
        row = await DutyCalendarVersion.get(id=calendar_id)
        _calendars[calendar_id] = DutyCalendar.from_json(row.definition)
    return _calendars[calendar_id]


async def policy_for(subject: str, unit_id: UUID, case_kind: str | None) -> UUID:
    """The version in force: the unit's own for the kind, the unit's, the city's for the kind, the city's."""
    found = await database.fetchval(
        "select id from promise_policy where subject = $1 and (unit_id = $2 or unit_id is null)"
        " and (case_kind = $3 or case_kind is null) and active_from <= $4"
        " order by unit_id is null, case_kind is null, version desc limit 1",
        subject,
        unit_id,
        case_kind,
        clock.now(),
    )
    if found is not None:
        return UUID(str(found))
    return await first_policy(subject)


async def first_policy(subject: str) -> UUID:
    """The city's first version, written where there is none yet: what counts until somebody decides otherwise."""
    async with in_transaction():
        await database.advisory_lock("policy", subject)
        row = await PromisePolicy.filter(subject=subject, unit_id=None, case_kind=None, version=1).first()
        if row is None:
            row = await PromisePolicy.create(
                subject=subject, version=1, definition=Policy(1).to_json(), applied_at=clock.now()
            )
        return UUID(str(row.id))


async def calendar_for(unit_id: UUID) -> UUID:
    """The newest version of the unit's duty calendar."""
    code = (await Unit.get(id=unit_id)).calendar_code
    row = await DutyCalendarVersion.filter(code=code).order_by("-version").first()
    return UUID(str(row.id if row is not None else (await first_calendar(code)).id))


NEWEST = """
select u.id, v.id as calendar_id from unit u left join lateral (
  select id from duty_calendar_version where code = u.calendar_code order by version desc limit 1
) v on true
where u.id = any($1::uuid[])
"""


async def calendars_of(unit_ids: Collection[UUID]) -> dict[UUID, DutyCalendar]:
    """The duty calendar of each of these units, with one query."""
    rows = await database.fetch(NEWEST, list(unit_ids)) if unit_ids else []
    return {row["id"]: await calendar_version(row["calendar_id"] or await calendar_for(row["id"])) for row in rows}


def seconds_left(due_at: datetime | None, now: datetime, calendar: DutyCalendar | None) -> int | None:
    """Seconds until then, of the calendar's duty or, without one, of all time; negative once it has passed."""
    if due_at is None:
        return None
    if calendar is None:
        return int((due_at - now).total_seconds())
    if due_at >= now:
        return int(calendar.duty_between(now, due_at).total_seconds())
    return -int(calendar.duty_between(due_at, now).total_seconds())


async def next_duty(unit_id: UUID, at: datetime) -> datetime:
    """When the unit is on duty next: the instant itself where it is. Raises DutyTimeError."""
    return (await calendar_version(await calendar_for(unit_id))).next_duty(at)


async def first_calendar(code: str) -> DutyCalendarVersion:
    """The first version of a calendar: the standard one of this code, with the administrators' holidays in it."""
    weekly, every_day = STANDARD.get(code, STANDARD[OFFICE])
    calendar = DutyCalendar(version=1, weekly=weekly, overrides=await overrides(), every_day=every_day)
    definition = calendar.to_json()
    try:
        async with in_transaction():
            return await DutyCalendarVersion.create(code=code, version=1, definition=definition)
    except IntegrityError:
        return await DutyCalendarVersion.get(code=code, version=1)


async def overrides() -> dict[date, DayKind]:
    """The days whose kind an administrator has set."""
    return {row.day: DayKind.WORKDAY if row.workday else DayKind.HOLIDAY for row in await HolidayOverride.all()}
