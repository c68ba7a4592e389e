"""The versions of what is promised and of the duty calendars it is reckoned in. A version never changes once used."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from kit import clock, database
from kit.database import atomic, in_transaction
from kit.ids import new_id
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.models import PromisePolicy
from stewardship.foundation.clocks.rules import Policy
from stewardship.foundation.duty_time import DayKind, DutyCalendar, Interval
from stewardship.foundation.errors import NotAllowed, NotFound
from stewardship.foundation.org.models import DutyCalendarVersion, HolidayOverride, Role, Unit

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
    return await _first_policy(subject)


async def _first_policy(subject: str) -> UUID:
    async with in_transaction():
        await database.advisory_lock("policy", subject)
        row = await PromisePolicy.filter(subject=subject, unit_id=None, case_kind=None).first()
        if row is None:
            row = await PromisePolicy.create(subject=subject, version=1, definition=Policy(1).to_json())
        return UUID(str(row.id))


async def calendar_for(unit_id: UUID) -> UUID:
    """The newest version of the unit's duty calendar."""
    code = (await Unit.get(id=unit_id)).calendar_code
    row = await DutyCalendarVersion.filter(code=code).order_by("-version").first()
    return UUID(str(row.id if row is not None else (await _write_version(code, 1)).id))


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


async def _write_version(code: str, version: int) -> DutyCalendarVersion:
    """A version of the standard calendar of this code, with the administrators' holidays in it."""
    weekly, every_day = STANDARD.get(code, STANDARD[OFFICE])
    calendar = DutyCalendar(version=version, weekly=weekly, overrides=await _overrides(), every_day=every_day)
    definition = calendar.to_json()
    try:
        async with in_transaction():
            return await DutyCalendarVersion.create(code=code, version=version, definition=definition)
    except IntegrityError:
        return await DutyCalendarVersion.get(code=code, version=version)


@atomic()
async def set_holiday(actor: Actor, day: date, *, workday: bool, reason: str) -> HolidayOverride:
    """A day is a workday, or free, whatever was published: new calendar versions hold it, and open clocks follow.

    Raises NotAllowed for anybody but a system administrator.
    """
    await _begin_edit(actor)
    override, _ = await HolidayOverride.update_or_create(
        day=day, defaults={"workday": workday, "reason": reason, "set_by_id": actor.id, "set_at": clock.now()}
    )
    await audit.record("calendar.edited", actor, ("calendar", new_id()), day=day.isoformat(), workday=workday)
    await _renew_calendars(actor)
    return override


@atomic()
async def clear_holiday(actor: Actor, day: date) -> None:
    """What was published counts again. Raises NotAllowed as `set_holiday`, NotFound where nothing was set."""
    await _begin_edit(actor)
    if not await HolidayOverride.filter(day=day).delete():
        raise NotFound("holiday_not_found", "这一天没有调整")
    await audit.record("calendar.edited", actor, ("calendar", new_id()), day=day.isoformat())
    await _renew_calendars(actor)


async def _begin_edit(actor: Actor) -> None:
    if actor.kind is not ActorKind.SYSTEM and not actor.has(Role.SYSTEM_ADMINISTRATOR):
        raise NotAllowed("holiday_set", "不能修改节假日", "请联系系统管理员。")
    await database.advisory_lock("calendar", "versions")


async def _renew_calendars(actor: Actor) -> None:
    codes = await DutyCalendarVersion.all().distinct().values_list("code", flat=True)
    for code in codes:
        latest = await DutyCalendarVersion.filter(code=code).order_by("-version").first()
        if latest is None:
            continue
        row = await _next_version(actor, latest)
        await audit.record("calendar.changed", actor, ("calendar", row.id), code=code, version=row.version)


async def _next_version(actor: Actor, latest: DutyCalendarVersion) -> DutyCalendarVersion:
    changed = dataclasses.replace(
        DutyCalendar.from_json(latest.definition), version=latest.version + 1, overrides=await _overrides()
    )
    return await DutyCalendarVersion.create(
        code=latest.code, version=changed.version, definition=changed.to_json(), created_by_id=actor.id
    )


async def _overrides() -> dict[date, DayKind]:
    return {row.day: DayKind.WORKDAY if row.workday else DayKind.HOLIDAY for row in await HolidayOverride.all()}
