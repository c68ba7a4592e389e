"""The inspector finds who looked at what, and the unit does not find the inspector."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import NotFound
from stewardship.reports import inspection
from stewardship.reports.rules import Period
from tests.support.world import MONDAY_MORNING, World, acting, case_with

VICTIM = (PartyRole.VICTIM, Side.A)
WEEK = Period(date(2026, 3, 16), date(2026, 3, 22))


async def test_who_looked_at_a_case_when_and_in_which_relation(
    world: World, clock_at: Callable[[datetime], None]
) -> None:
    joined = await case_with(world, VICTIM)
    for minute, officer in enumerate((world.steward, world.instructor, world.centre_officer)):
        clock_at(MONDAY_MORNING + timedelta(minutes=minute + 1))
        await cases.access_case(await acting(officer), joined.case.id)
    looks = await inspection.who_looked_at(await acting(world.inspector), joined.case.id)
    assert [(look.officer_name, look.relation) for look in looks] == [
        (world.centre_officer.name, "centre_officer"),
        (world.instructor.name, "instructor"),
        (world.steward.name, "steward"),
    ]
    assert {look.reference for look in looks} == {joined.case.reference}
    first = await inspection.who_looked_at(await acting(world.inspector), joined.case.id, limit=2)
    rest = await inspection.who_looked_at(await acting(world.inspector), joined.case.id, after=first[-1].cursor)
    assert [look.id for look in first + rest] == [look.id for look in looks]


async def test_what_an_officer_looked_at(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await cases.access_case(await acting(world.steward), joined.case.id)
    inspector = await acting(world.inspector)
    looks = await inspection.looked_at_by(inspector, world.steward.id, WEEK)
    assert [(look.kind, look.case_id) for look in looks] == [("case.read", joined.case.id)]
    assert await inspection.looked_at_by(inspector, world.colleague.id, WEEK) == []
    assert (
        await inspection.looked_at_by(inspector, world.steward.id, Period(date(2026, 3, 17), date(2026, 3, 18))) == []
    )


async def test_reads_without_any_relation_stand_out(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await cases.access_case(await acting(world.steward), joined.case.id)
    stranger = await acting(world.other_steward)
    await audit.record(
        "case.read",
        stranger,
        ("case", joined.case.id),
        case_id=joined.case.id,
        unit_id=world.station.id,
        relation=cases.relation_of(stranger, joined.case),
    )
    for unit in (world.station, world.sub_bureau):
        [look] = await inspection.without_relation(await acting(world.inspector), unit.id, WEEK)
        assert (look.officer_id, look.officer_unit_id) == (world.other_steward.id, world.other_station.id)
    assert await inspection.without_relation(await acting(world.inspector), world.other_station.id, WEEK) == []


async def test_inspecting_leaves_a_trace_that_no_list_of_the_unit_or_the_case_contains(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inspector = await acting(world.inspector)
    await inspection.who_looked_at(inspector, joined.case.id)
    await inspection.looked_at_by(inspector, world.steward.id, WEEK)
    await inspection.without_relation(inspector, world.station.id, WEEK)
    traces = await Event.filter(kind="inspection.read").order_by("at", "id")
    assert [(t.actor_id, t.case_id, t.unit_id, t.details["question"]) for t in traces] == [
        (world.inspector.id, None, None, question) for question in ("who_looked_at", "looked_at_by", "without_relation")
    ]
    assert await audit.reads_of_case(joined.case.id) == []
    assert await inspection.who_looked_at(inspector, joined.case.id) == []
    assert await inspection.looked_at_by(inspector, world.inspector.id, WEEK) == []
    assert not await Event.filter(unit_id=world.station.id, actor_id=world.inspector.id).exists()


async def test_only_an_inspector_asks_and_only_within_their_units(world: World) -> None:
    joined = await case_with(world, VICTIM)
    for officer in (world.steward, world.instructor, world.centre_officer, world.other_steward):
        actor = await acting(officer)
        for question in (
            inspection.who_looked_at(actor, joined.case.id),
            inspection.looked_at_by(actor, world.steward.id, WEEK),
            inspection.without_relation(actor, world.station.id, WEEK),
        ):
            with pytest.raises(NotFound):
                await question
    assert clock.now() > MONDAY_MORNING
