"""Units, officers, roles, rosters and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from api.deps import ActorDep, ServicesDep
from api.once import OnceRoute
from api.party_schemas import Phone
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from api.sessions import OfficerNumber
from kit import clock
from stewardship import reorganisation
from stewardship.foundation.clocks import calendars
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.org import administration
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import (
    HolidayOverride,
    Level,
    Officer,
    Role,
    RoleGrant,
    Shift,
    ShiftKind,
    Unit,
    UnitKind,
)
from stewardship.foundation.people import officer_login, sessions

router = APIRouter(tags=["organisation"], route_class=OnceRoute)

ROSTER_KEEPERS = (Role.INSTRUCTOR, Role.SYSTEM_ADMINISTRATOR)
ROSTER_READERS = (*ROSTER_KEEPERS, Role.STEWARD, Role.CENTRE_OFFICER)
YEARS = (2000, 2100)


def _plausible(at: datetime) -> datetime:
    if not YEARS[0] <= at.astimezone(UTC).year < YEARS[1]:
        raise ValueError("year")
    return at


Instant = Annotated[AwareDatetime, AfterValidator(_plausible), Field(examples=["2026-03-02T00:30:00Z"])]
Day = Annotated[date, Path(examples=["2027-02-08"])]
UnitCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{2,16}$"), Field(examples=["340102450000"])]
CalendarCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_]{1,32}$"), Field(examples=["office"])]
DeskPhone = Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{0,20}$"), Field(examples=["0551-60000000"])]


class UnitView(View):
    """A unit of the bureau."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    code: str = Field(examples=["340102450000"])
    name: str = Field(examples=["莲花派出所"])
    level: Level = Field(examples=["team"])
    kind: UnitKind = Field(examples=["police_station"])
    parent_id: UUID | None = Field(examples=[EXAMPLE_ID])
    duty_phone: str = Field(examples=["0551-60000000"])
    address: str = Field(examples=["莲花路 1 号"])
    calendar_code: str = Field(examples=["office"])


class Units(View):
    items: list[UnitView]


class UnitIn(Payload):
    code: UnitCode
    name: Annotated[str, words(64)] = Field(examples=["莲花派出所"])
    level: Level = Field(examples=["team"])
    kind: UnitKind = Field(examples=["police_station"])
    parent_id: UUID = Field(examples=[EXAMPLE_ID])
    duty_phone: DeskPhone = ""
    address: Annotated[str, words(128, 0)] = Field(default="", examples=["莲花路 1 号"])
    calendar_code: CalendarCode = "office"


class OfficerView(View):
    """An officer, as colleagues see them."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    number: str = Field(examples=["031582"])
    name: str = Field(examples=["王敏"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    active: bool = Field(examples=[True])


class Officers(View):
    items: list[OfficerView]


class OfficerIn(Payload):
    number: OfficerNumber
    name: Annotated[str, words(32)] = Field(examples=["王敏"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    mobile: Phone | None = None
    password: Annotated[str, StringConstraints(min_length=10, max_length=128)] = Field(examples=["Initial-Word-7"])


class Active(Payload):
    active: bool = Field(examples=[False])
    hand_over_to: UUID | None = Field(
        default=None,
        examples=[EXAMPLE_ID],
        description="Who takes the open cases of an officer who leaves. Absent: refused while cases are open.",
    )


class RoleIn(Payload):
    role: Role = Field(examples=["steward"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])


class GrantView(View):
    """A role over a unit and everything below it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    role: Role = Field(examples=["steward"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    valid_from: datetime = Field(examples=["2026-03-02T00:00:00Z"])
    valid_to: datetime | None = Field(examples=[None])


class Grants(View):
    items: list[GrantView]


class ShiftView(View):
    """An entry of a roster."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    kind: ShiftKind = Field(examples=["duty"])
    starts_at: datetime = Field(examples=["2026-03-02T00:30:00Z"])
    ends_at: datetime = Field(examples=["2026-03-03T00:30:00Z"])


class Shifts(View):
    items: list[ShiftView]


class ShiftIn(Payload):
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    kind: ShiftKind = Field(examples=["duty"])
    starts_at: Instant
    ends_at: Instant


class HolidayView(View):
    """A day whose kind was set by hand."""

    day: date = Field(examples=["2027-02-08"])
    workday: bool = Field(examples=[False])
    reason: str = Field(examples=["国务院办公厅通知"])


class Holidays(View):
    items: list[HolidayView]


class HolidayIn(Payload):
    workday: bool = Field(examples=[False])
    reason: Annotated[str, words(64)] = Field(examples=["国务院办公厅通知"])


@router.get("/units")
async def list_units(actor: ActorDep) -> Units:
    """The units that hold today, by code: a city has some hundreds, so the list is whole."""
    today = clock.today()
    now = Q(valid_from__lte=today) & (Q(valid_to__isnull=True) | Q(valid_to__gte=today))
    rows = await Unit.filter(now).order_by("code").limit(2000)
    return Units(items=[UnitView.model_validate(row) for row in rows])


@router.post("/units", status_code=201)
async def create_unit(payload: UnitIn, actor: ActorDep) -> UnitView:
    """Add a unit below one of one's own."""
    parent = await administration.unit_in(actor, payload.parent_id, Role.SYSTEM_ADMINISTRATOR)
    values = payload.model_dump(exclude={"parent_id"})
    await calendars.check_known(payload.calendar_code)
    try:
        unit = await org.create_unit(actor, parent=parent, valid_from=clock.today(), **values)
    except IntegrityError as error:
        raise Conflict("unit_code_taken", "单位代码已存在", "请核对单位代码。") from error
    return UnitView.model_validate(unit)


@router.get("/officers")
async def list_officers(
    actor: ActorDep, unit_id: Annotated[UUID, Query(examples=[EXAMPLE_ID])], active: Annotated[bool, Query()] = True
) -> Officers:
    """A unit's officers by number, to hand over to or to put on the roster."""
    rows = await Officer.filter(unit_id=unit_id, active=active).order_by("number").limit(500)
    return Officers(items=[OfficerView.model_validate(row) for row in rows])


@router.post("/officers", status_code=201)
async def create_officer(payload: OfficerIn, actor: ActorDep) -> OfficerView:
    """Add an officer with a first password; the first login sets up the second factor."""
    officer_login.check_password(payload.password)
    await administration.unit_in(actor, payload.unit_id, Role.SYSTEM_ADMINISTRATOR)
    try:
        officer = await org.create_officer(actor, **payload.model_dump())
    except IntegrityError as error:
        raise Conflict("officer_number_taken", "警号已存在", "请核对警号。") from error
    return OfficerView.model_validate(officer)


@router.post("/officers/{officer_id}/active")
async def set_active(officer_id: UUID, payload: Active, actor: ActorDep, services: ServicesDep) -> Done:
    """An officer leaves (every session ends) or comes back; 409 with the open cases where nobody takes them."""
    if payload.active:
        await administration.set_active(actor, officer_id, True)
    else:
        await reorganisation.deactivate_officer(actor, officer_id, hand_over_to=payload.hand_over_to)
        await sessions.revoke_sessions(actor, reason="deactivated", officer_id=officer_id)
    await services.sessions.forget_officer(officer_id)
    return Done()


@router.post("/officers/{officer_id}/second-factor/reset")
async def reset_second_factor(officer_id: UUID, actor: ActorDep, services: ServicesDep) -> Done:
    """A lost authenticator: every session ends, the next login sets up a new one."""
    await administration.officer_in(actor, officer_id, Role.SECURITY_ADMINISTRATOR)
    administration.check_other(actor, officer_id)
    await officer_login.reset_totp(actor, officer_id)
    await services.sessions.forget_officer(officer_id)
    return Done()


@router.get("/officers/{officer_id}/roles")
async def list_roles(officer_id: UUID, actor: ActorDep) -> Grants:
    """An officer's roles, those that ended included."""
    await administration.officer_in(actor, officer_id, Role.SECURITY_ADMINISTRATOR)
    rows = await RoleGrant.filter(officer_id=officer_id).order_by("-valid_from").limit(200)
    return Grants(items=[GrantView.model_validate(row) for row in rows])


@router.post("/officers/{officer_id}/roles", status_code=201)
async def grant_role(officer_id: UUID, payload: RoleIn, actor: ActorDep, services: ServicesDep) -> GrantView:
    """Give a role over a unit and everything below it. Nobody gives themselves one; no one is two administrators."""
    grant = await administration.grant(actor, officer_id, payload.role, payload.unit_id)
    await services.sessions.forget_officer(officer_id)
    return GrantView.model_validate(grant)


@router.post("/roles/{grant_id}/end")
async def end_role(grant_id: UUID, actor: ActorDep, services: ServicesDep) -> Done:
    """End a role now."""
    officer_id = await administration.end_grant(actor, grant_id)
    await services.sessions.forget_officer(officer_id)
    return Done()


@router.get("/units/{unit_id}/roster")
async def list_roster(
    unit_id: UUID,
    actor: ActorDep,
    on: Annotated[date | None, Query(description="Legal date; absent: today.", examples=["2026-03-02"])] = None,
) -> Shifts:
    """Who is on duty or away in the 31 days from a day on."""
    await administration.unit_in(actor, unit_id, *ROSTER_READERS)
    day = on or clock.today()
    if not YEARS[0] <= day.year < YEARS[1]:
        raise Invalid("roster_day", "日期不对", "请选择近期的日期。")
    start = datetime(day.year, day.month, day.day, tzinfo=clock.LOCAL).astimezone(UTC)
    rows = (
        await Shift.filter(unit_id=unit_id, ends_at__gt=start, starts_at__lt=start + timedelta(days=31))
        .order_by("starts_at", "id")
        .limit(1000)
    )
    return Shifts(items=[ShiftView.model_validate(row) for row in rows])


@router.post("/units/{unit_id}/roster", status_code=201)
async def enter_shift(unit_id: UUID, payload: ShiftIn, actor: ActorDep) -> ShiftView:
    """Enter an officer of the unit into its roster."""
    await administration.unit_in(actor, unit_id, *ROSTER_KEEPERS)
    if not await Officer.exists(id=payload.officer_id, unit_id=unit_id):
        raise Invalid("officer_unit", "此人不在本单位", "请选择本单位的民警。")
    shift = await org.roster(actor, unit_id=unit_id, **payload.model_dump())
    return ShiftView.model_validate(shift)


@router.delete("/units/{unit_id}/roster/{shift_id}")
async def remove_shift(unit_id: UUID, shift_id: UUID, actor: ActorDep) -> Done:
    """Take an entry off the roster."""
    await administration.unit_in(actor, unit_id, *ROSTER_KEEPERS)
    await administration.take_off_roster(actor, unit_id, shift_id)
    return Done()


@router.get("/holidays")
async def list_holidays(actor: ActorDep, year: Annotated[int, Query(ge=2000, le=2099, examples=[2027])]) -> Holidays:
    """The days of a year whose kind was set by hand."""
    rows = await HolidayOverride.filter(day__gte=date(year, 1, 1), day__lte=date(year, 12, 31)).order_by("day")
    return Holidays(items=[HolidayView.model_validate(row) for row in rows])


@router.put("/holidays/{day}")
async def set_holiday(day: Day, payload: HolidayIn, actor: ActorDep) -> HolidayView:
    """Say what a day is; open clocks follow."""
    _check_day(day)
    return HolidayView.model_validate(
        await calendars.set_holiday(actor, day, workday=payload.workday, reason=payload.reason)
    )


@router.delete("/holidays/{day}")
async def clear_holiday(day: Day, actor: ActorDep) -> Done:
    """The published calendar counts again."""
    _check_day(day)
    await calendars.clear_holiday(actor, day)
    return Done()


def _check_day(day: date) -> None:
    if not YEARS[0] <= day.year < YEARS[1]:
        raise Invalid("holiday_day", "日期不对", "请选择近期的日期。")
