"""A case's history in plain words: what explains its figures, to whom, and what its handler is not told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role
from stewardship.opinion.ratings import asking
from stewardship.opinion.ratings import service as ratings
from stewardship.opinion.ratings.models import Rating
from stewardship.opinion.ratings.rules import Milestone
from stewardship.reports import case_history
from stewardship.reports.case_history import WITHHELD, History, history_of
from tests.support.world import Joined, World, acting, case_with, post

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)


async def read_by(officer: Officer, joined: Joined) -> History:
    return await history_of(await acting(officer), joined.case.id)


async def words_to(officer: Officer, joined: Joined) -> list[str]:
    return [line.words for line in (await read_by(officer, joined)).lines]


async def rated_badly(world: World, clock_at: ClockAt) -> Joined:
    """A closed case whose party is dissatisfied, and will be called back."""
    joined = await case_with(world, VICTIM)
    await cases.close(await acting(world.steward), joined.case.id)
    await asking.plan(joined.case.id, Milestone.CASE_CLOSED, joined.case.episode)
    clock_at(clock.now() + timedelta(minutes=31))
    await asking.send_due(clock.now())
    rating = await Rating.get(case_id=joined.case.id)
    await ratings.rate(Actor(ActorKind.CITIZEN, rating.person_id), rating_id=rating.id, score=3, channel="oa")
    return joined


async def test_from_registering_to_joining_in_the_order_it_happened(world: World) -> None:
    joined = await case_with(world, VICTIM)
    found = await read_by(world.steward, joined)
    words = [line.words for line in found.lines]
    assert (found.reference, found.whole) == (joined.case.reference, True)
    expected = ["登记案件", "登记受害人", "邀请受害人", "受害人加入"]
    assert [each for each in words if each in expected] == expected
    assert [line.at for line in found.lines] == sorted(line.at for line in found.lines)


async def test_who_posted_and_who_took_over_is_named(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await post(world, joined.case, "手机已送检。")
    station, to = world.station.id, world.colleague.id
    await cases.hand_over(
        await acting(world.instructor), joined.case.id, unit_id=station, steward_id=to, deputy_id=None, reason="出差"
    )
    words = await words_to(world.colleague, joined)
    assert f"{world.steward.name}发布进展" in words
    assert words[-1] == f"案件交由{world.colleague.name}负责"


async def test_what_was_said_of_the_police_is_not_told_to_who_handles_the_case(world: World, clock_at: ClockAt) -> None:
    joined = await rated_badly(world, clock_at)
    told = await words_to(world.instructor, joined)
    assert {"请当事人评价", "当事人作出评价", "安排回访"} <= set(told)
    withheld = [line.kind for line in (await read_by(world.steward, joined)).lines if line.kind in WITHHELD]
    assert withheld == []


async def test_nor_to_who_handled_it_then_and_instructs_now(world: World, clock_at: ClockAt) -> None:
    joined = await rated_badly(world, clock_at)
    station, to = world.station.id, world.colleague.id
    await cases.hand_over(
        await acting(world.instructor), joined.case.id, unit_id=station, steward_id=to, deputy_id=None, reason="轮岗"
    )
    await org.grant_role(SYSTEM, world.steward.id, Role.INSTRUCTOR, station)
    found = await read_by(world.steward, joined)
    assert found.lines
    assert [line.kind for line in found.lines if line.kind in WITHHELD] == []
    assert "当事人作出评价" in await words_to(world.instructor, joined)


async def test_every_kind_that_is_told_has_a_sentence_and_reads_are_none_of_them(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await read_by(world.instructor, joined)
    assert await Event.filter(kind="case.read", case_id=joined.case.id, actor_id=world.instructor.id).exists()
    assert not [line for line in (await read_by(world.instructor, joined)).lines if line.kind.endswith("read")]


async def test_of_a_very_long_history_the_newest_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    joined = await case_with(world, VICTIM)
    monkeypatch.setattr(case_history, "NEWEST", 2)
    found = await read_by(world.steward, joined)
    assert (found.whole, [line.words for line in found.lines][-1]) == (False, "受害人加入")


async def test_another_station_is_told_nothing(world: World) -> None:
    joined = await case_with(world, VICTIM)
    with pytest.raises(NotFound, match="case_not_found"):
        await read_by(world.other_steward, joined)
