"""Editing duty calendars: their hours, and single days whose kind an administrator knows better.

A version never changes: an edit makes a new one, and open clocks take it by the event `calendar.changed`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.policies import STANDARD, first_calendar, overrides
from stewardship.foundation.duty_time import DutyCalendar, Interval, InvalidCalendar, NoDutyTime, PublishedHolidays
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org import administration
from stewardship.foundation.org.models import DutyCalendarVersion, HolidayOverride, Officer, Role, Unit

YEARS_AHEAD = 2
"""A promise made today may run into the year after next."""

OWN = "unit_"
"""So begins the code of a calendar that was made for one unit; the unit's code follows."""

Hours = tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a new version says."""

    weekly: tuple[Hours, ...]
    """Seven days, Monday first."""
    holiday: Hours
    make_up: int
    every_day: bool


@dataclass(frozen=True, slots=True)
class CalendarVersion:
    """A version with what a reader needs to understand it."""

    code: str
    version: int
    calendar: DutyCalendar
    created_by: str | None
    row: DutyCalendarVersion
    units: tuple[Unit, ...]
    made_for: str | None
    """The name of the unit that it was made for; None for a standard one."""

    @property
    def provisional_years(self) -> list[int]:
        """Years ahead whose public holidays are not published yet: the weekday rule counts there, provisionally."""
        return provisional_years(self.calendar)


def provisional_years(calendar: DutyCalendar) -> list[int]:
    """As `CalendarVersion.provisional_years`; none for a desk that is manned on holidays as on other days."""
    this_year = clock.today().year
    return [
        year
        for year in range(this_year, this_year + YEARS_AHEAD + 1)
        if not calendar.every_day and not calendar.published.covers(year)
    ]


async def newest() -> list[CalendarVersion]:
    """The version in force of every calendar that is standard or used, by code."""
    used = await Unit.filter(valid_to=None).order_by("code")
    codes = sorted({unit.calendar_code for unit in used} | set(STANDARD))
    return [await _described(await _latest(code), used) for code in codes]


async def versions(code: str, limit: int = 50) -> list[CalendarVersion]:
    """A calendar's versions, newest first. Raises NotFound."""
    rows = await DutyCalendarVersion.filter(code=code).order_by("-version").limit(limit)
    if not rows:
        raise NotFound("calendar_not_found", "没有找到这个值班日历")
    used = await Unit.filter(valid_to=None, calendar_code=code).order_by("code")
    return [await _described(row, used) for row in rows]


async def _described(row: DutyCalendarVersion, units: Sequence[Unit]) -> CalendarVersion:
    author = await Officer.get_or_none(id=row.created_by_id) if row.created_by_id else None
    owner = await Unit.get_or_none(code=row.code.removeprefix(OWN)) if row.code.startswith(OWN) else None
    return CalendarVersion(
        code=row.code,
        version=row.version,
        calendar=DutyCalendar.from_json(row.definition),
        created_by=author.name if author else None,
        row=row,
        units=tuple(unit for unit in units if unit.calendar_code == row.code),
        made_for=owner.name if owner else None,
    )


async def _latest(code: str) -> DutyCalendarVersion:
    row = await DutyCalendarVersion.filter(code=code).order_by("-version").first()
    return row if row is not None else await first_calendar(code)


@atomic()
async def edit(actor: Actor, code: str, new: Edit, *, expected_version: int) -> CalendarVersion:
    """A new version of a calendar's hours.

    Raises NotFound where a unit that keeps it is none of the actor's, Conflict where somebody else was quicker,
    Invalid for hours that overlap or leave nothing on duty.
    """
    await _check_reach(actor, code)
    await database.advisory_lock("calendar", "versions")
    latest = await _latest(code)
    if latest.version != expected_version:
        raise Conflict("calendar_changed", "值班日历刚被别人修改过", "请刷新后再改。")
    row = await _write(actor, latest, new)
    used = await Unit.filter(valid_to=None, calendar_code=code).order_by("code")
    return await _described(row, used)


@atomic()
async def give_own(actor: Actor, unit_id: UUID) -> CalendarVersion:
    """A calendar of the unit's own, which it keeps from now on; its hours are those that it had until they are edited.

    Raises NotFound out of scope, Conflict where the unit keeps its own already.
    """
    unit = await administration.unit_in(actor, unit_id, Role.SYSTEM_ADMINISTRATOR)
    code = OWN + unit.code
    if unit.calendar_code == code:
        raise Conflict("calendar_own", "本单位已有自己的值班时间", "请直接修改它。")
    await database.advisory_lock("calendar", "versions")
    before = await DutyCalendarVersion.filter(code=code).order_by("-version").first()
    hours = (await _latest(unit.calendar_code)).definition
    row = await _write(actor, DutyCalendarVersion(code=code, version=before.version if before else 0, definition=hours))
    await administration.edit_unit(
        actor, unit.id, name=unit.name, duty_phone=unit.duty_phone, address=unit.address, calendar_code=code
    )
    return await _described(row, await Unit.filter(valid_to=None, calendar_code=code))


async def check_known(code: str) -> None:
    """Raises Invalid for a code that no calendar has: whoever keeps it would quietly work office hours."""
    if code not in STANDARD and not await DutyCalendarVersion.exists(code=code):
        raise Invalid("calendar_unknown", "没有这个值班日历", "请从值班日历的列表中选择。")


async def _check_reach(actor: Actor, code: str) -> None:
    """Whoever edits a calendar moves the promises of every unit that keeps it."""
    reach = actor.units(Role.SYSTEM_ADMINISTRATOR)
    keepers = await Unit.filter(calendar_code=code, valid_to=None).values_list("id", flat=True)
    if code not in STANDARD and not keepers:
        raise NotFound("calendar_not_found", "没有找到这个值班日历")
    if not reach or not reach.issuperset(keepers):
        raise NotFound("calendar_not_found", "没有找到这个值班日历", "使用它的单位可能不全在您的管理范围内。")


async def _write(actor: Actor, latest: DutyCalendarVersion, new: Edit | None = None) -> DutyCalendarVersion:
    """The next version: with these hours or the old ones, the administrators' days, and what is published by now."""
    try:
        calendar = dataclasses.replace(
            DutyCalendar.from_json(latest.definition),
            version=latest.version + 1,
            overrides=await overrides(),
            published=_published(latest),
            **(_fields(new) if new else {}),
        )
        calendar.next_duty(clock.now())
    except InvalidCalendar as error:
        raise Invalid(
            "calendar_hours", "值班时间不对", "时间段不能重叠，开始须早于结束；每天从早到晚依次填写。"
        ) from error
    except NoDutyTime as error:
        raise Invalid("calendar_empty", "没有任何值班时间", "至少一天要有值班时间，否则无法承诺答复时间。") from error
    row = await DutyCalendarVersion.create(
        code=latest.code, version=calendar.version, definition=calendar.to_json(), created_by_id=actor.id
    )
    await audit.record("calendar.changed", actor, ("calendar", row.id), code=row.code, version=row.version)
    return row


def _fields(new: Edit) -> dict[str, Any]:
    return {"weekly": new.weekly, "holiday": new.holiday, "make_up": new.make_up, "every_day": new.every_day}


def _published(latest: DutyCalendarVersion) -> PublishedHolidays:
    """What the version knows, or the library once it knows more years."""
    known = PublishedHolidays.from_json(latest.definition["published"])
    library = PublishedHolidays.from_library()
    return library if library.last_year > known.last_year else known


@atomic()
async def set_holiday(actor: Actor, day: date, *, workday: bool, reason: str) -> HolidayOverride:
    """A day is a workday, or free, whatever was published; open clocks follow by the event.

    Raises NotAllowed for anybody but a system administrator.
    """
    _check_may(actor)
    override, _ = await HolidayOverride.update_or_create(
        day=day, defaults={"workday": workday, "reason": reason, "set_by_id": actor.id, "set_at": clock.now()}
    )
    await _renew(actor)
    return override


@atomic()
async def clear_holiday(actor: Actor, day: date) -> None:
    """What was published counts again for this day. Raises NotFound, NotAllowed."""
    _check_may(actor)
    if not await HolidayOverride.filter(day=day).delete():
        raise NotFound("holiday_not_found", "这一天没有调整")
    await _renew(actor)


def _check_may(actor: Actor) -> None:
    if not actor.has(Role.SYSTEM_ADMINISTRATOR):
        raise NotAllowed("holiday_set", "不能修改节假日", "请联系系统管理员。")


async def _renew(actor: Actor) -> None:
    await database.advisory_lock("calendar", "versions")
    for code in await DutyCalendarVersion.all().distinct().values_list("code", flat=True):
        await _write(actor, await _latest(str(code)))
