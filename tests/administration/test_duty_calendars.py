"""A unit that is on duty at other hours than the rest keeps a calendar of its own."""

from __future__ import annotations

import pytest

from stewardship.foundation.clocks import calendars
from stewardship.foundation.clocks.calendars import Edit
from stewardship.foundation.duty_time import Interval
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org import administration
from stewardship.foundation.org.models import Role, Unit
from tests.administration.conftest import Pair, officer_as
from tests.support.world import World, acting

NIGHT = (Interval(20 * 60, 30 * 60),)
AT_NIGHT = Edit(weekly=(NIGHT,) * 7, holiday=NIGHT, make_up=0, every_day=True)


async def test_a_units_own_calendar_begins_with_its_hours_and_is_edited_for_it_alone(
    world: World, system: Pair
) -> None:
    own = await calendars.give_own(system.one, world.station.id)
    office = (await calendars.versions("office"))[0]
    assert own.calendar.weekly == office.calendar.weekly
    assert (own.made_for, [unit.id for unit in own.units]) == (world.station.name, [world.station.id])
    assert (await Unit.get(id=world.station.id)).calendar_code == own.code
    with pytest.raises(Conflict, match="calendar_own"):
        await calendars.give_own(system.one, world.station.id)
    edited = await calendars.edit(system.one, own.code, AT_NIGHT, expected_version=own.version)
    assert edited.calendar.weekly[0] == NIGHT
    assert (await calendars.versions("office"))[0].version == office.version


async def test_a_unit_that_returns_to_its_own_calendar_begins_with_the_hours_it_has_then(
    world: World, system: Pair
) -> None:
    own = await calendars.give_own(system.one, world.station.id)
    await calendars.edit(system.one, own.code, AT_NIGHT, expected_version=own.version)
    station = world.station
    await administration.edit_unit(
        system.one, station.id, name=station.name, duty_phone="", address="", calendar_code="office"
    )
    again = await calendars.give_own(system.one, station.id)
    assert (again.code, again.version) == (own.code, own.version + 2)
    assert again.calendar.weekly == own.calendar.weekly


async def test_a_unit_keeps_no_calendar_that_nobody_made(world: World, system: Pair) -> None:
    with pytest.raises(Invalid, match="calendar_unknown"):
        await calendars.check_known("unit_34010299")
    for known in ("office", "round_the_clock", (await calendars.give_own(system.one, world.station.id)).code):
        await calendars.check_known(known)


async def test_nobody_gives_a_calendar_to_a_unit_that_is_not_theirs(world: World, system: Pair) -> None:
    elsewhere = await acting(await officer_as(Role.SYSTEM_ADMINISTRATOR, world.other_station))
    with pytest.raises(NotFound, match="unit_not_found"):
        await calendars.give_own(elsewhere, world.station.id)
