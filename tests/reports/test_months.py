"""Months freeze on the third; whatever counts differently since is told with its reason, and both figures stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import database
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.contests import service as contests
from stewardship.dialogue.contests.models import Ground
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks.rules import Target
from stewardship.foundation.errors import NotFound
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.reports import keeping
from stewardship.reports.facts import ANSWERED, CLOSED, MERGED, WAITING, Fact
from stewardship.reports.months import comparing, freezing
from stewardship.reports.months.models import Reason
from stewardship.reports.months.rules import counts_differently, freezes_at, reason_of
from stewardship.reports.rules import Figure, Period
from tests.support.world import World, acting, build_world, case_with

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
MARCH = date(2026, 3, 1)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
ASKED = datetime(2026, 3, 31, 1, 0, 10, tzinfo=UTC)
"""09:00 on the last day of March, a Tuesday."""
THIRD = datetime(2026, 4, 2, 16, 0, 1, tzinfo=UTC)
"""00:00 in Shanghai on the third of April."""


async def ask(world: World) -> UUID:
    joined = await case_with(world, VICTIM)
    actor = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
    asked = await inquiries.ask(actor, joined.members[0], "有结果吗", channel="oa", source_key=str(joined.case.id))
    return UUID(str(asked.inquiry.id))


async def asked_on_the_last_day(world: World, clock_at: ClockAt, count: int, answered: int) -> list[UUID]:
    """So many questions, some of them answered within ten minutes."""
    clock_at(ASKED)
    ids = [await ask(world) for _ in range(count)]
    clock_at(ASKED + timedelta(minutes=10))
    for inquiry_id in ids[:answered]:
        await inquiries.answer(await acting(world.steward), inquiry_id, "预计周五。")
    return ids


async def march(world: World) -> comparing.Month:
    await keeping.run()
    found = await comparing.months(await acting(world.instructor), world.station.id, YEAR)
    return next(month for month in found if month.month == MARCH)


async def reasons(world: World) -> list[Reason]:
    found = await comparing.restatements(await acting(world.instructor), world.station.id, MARCH)
    return [each.reason for each in found]


def test_a_month_freezes_at_the_beginning_of_the_third_in_shanghai() -> None:
    assert freezes_at(MARCH) == datetime(2026, 4, 2, 16, 0, tzinfo=UTC)
    assert freezes_at(date(2026, 12, 1)) == datetime(2027, 1, 2, 16, 0, tzinfo=UTC)


async def test_before_the_third_nothing_is_frozen_and_then_it_is_once(world: World, clock_at: ClockAt) -> None:
    await asked_on_the_last_day(world, clock_at, 6, 5)
    clock_at(THIRD - timedelta(seconds=30))
    assert await freezing.run() == 0
    assert (await march(world)).frozen is None
    clock_at(THIRD)
    assert (await freezing.run(), await freezing.run()) == (1, 0)
    found = await march(world)
    assert found.frozen is not None
    assert (found.frozen.answered_share.good, found.frozen.answered_share.n) == (5, 6)
    assert (found.restated.answered_share.good, found.restated.answered_share.n) == (5, 6)
    assert (found.restatements, found.difference) == (0, 0)


async def test_after_downtime_every_month_that_is_over_is_frozen(world: World, clock_at: ClockAt) -> None:
    await asked_on_the_last_day(world, clock_at, 1, 1)
    clock_at(datetime(2026, 6, 20, tzinfo=UTC))
    assert await freezing.run() == 3
    rows = await database.fetch("select month from figure_month order by month")
    assert [row["month"].month for row in rows] == [3, 4, 5]


async def test_an_answer_that_came_later_restates_and_the_frozen_figure_stays(world: World, clock_at: ClockAt) -> None:
    ids = await asked_on_the_last_day(world, clock_at, 6, 5)
    clock_at(THIRD)
    await freezing.run()
    clock_at(THIRD + timedelta(hours=10))
    await inquiries.answer(await acting(world.steward), ids[5], "抱歉，预计周五。")
    found = await march(world)
    assert found.frozen is not None
    assert found.frozen.states == {"in_time": 5, "overdue": 1}
    assert found.restated.states == {"in_time": 5, "late": 1}
    assert found.reasons == {Reason.ANSWERED_LATER: 1}


async def test_a_call_logged_late_a_contest_and_a_close_each_say_why(world: World, clock_at: ClockAt) -> None:
    ids = await asked_on_the_last_day(world, clock_at, 8, 5)
    clock_at(ASKED + timedelta(hours=1))
    steward = await acting(world.steward)
    await inquiries.answer(steward, ids[5], "预计周五。")
    clock_at(THIRD)
    await freezing.run()
    assert (await march(world)).restatements == 0
    clock_at(THIRD + timedelta(hours=10))
    at = ASKED + timedelta(minutes=20)
    await inquiries.log_talk(steward, ids[6], EntryKind.CALL, seconds=60, gist="已说明", at=at)
    await keeping.run()
    await inquiries.close_without_reply(steward, ids[7], "重复")
    await keeping.run()
    raised = await contests.contest(steward, ids[5], Target.FIRST, Ground.SYSTEM_DOWN, "系统当时打不开。")
    await contests.decide(await acting(world.sub_instructor), raised.id, accepted=True, reason="属实")
    found = await march(world)
    assert found.reasons == {Reason.LATE_CALL: 1, Reason.CLOSED: 1, Reason.CONTEST_ACCEPTED: 1}
    assert await reasons(world) == [Reason.CONTEST_ACCEPTED, Reason.CLOSED, Reason.LATE_CALL]
    assert found.frozen is not None
    assert (found.frozen.answered_share.good, found.frozen.answered_share.n) == (6, 8)
    assert (found.restated.answered_share.good, found.restated.answered_share.n) == (7, 7)
    assert found.difference == pytest.approx(0.25)
    assert (found.restated.first_adjusted, found.frozen.first_adjusted) == (1, 0)


async def test_a_question_of_the_next_month_restates_nothing(world: World, clock_at: ClockAt) -> None:
    await asked_on_the_last_day(world, clock_at, 1, 1)
    clock_at(THIRD)
    await freezing.run()
    clock_at(THIRD + timedelta(hours=10))
    await ask(world)
    assert (await march(world)).restatements == 0


async def test_a_rating_that_comes_later_restates_without_telling_the_score(world: World, clock_at: ClockAt) -> None:
    clock_at(ASKED)
    joined = await case_with(world, VICTIM)
    rating = await Rating.create(
        case_id=joined.case.id,
        party_id=uuid4(),
        person_id=uuid4(),
        officer_id=world.steward.id,
        unit_id=world.station.id,
        milestone="case_closed",
        episode=1,
        state=RatingState.SENT,
        due_at=ASKED,
        sent_at=ASKED,
        expires_at=ASKED + timedelta(days=7),
    )
    clock_at(THIRD)
    await freezing.run()
    await Rating.filter(id=rating.id).update(state=RatingState.ANSWERED, score=3, answered_at=THIRD)
    found = await march(world)
    assert found.reasons == {Reason.OUTCOME_LATER: 1}
    assert found.frozen_tallies is not None
    assert found.frozen_tallies[Figure.SATISFACTION].counted == 0
    assert found.restated_tallies[Figure.SATISFACTION].counted == 1
    [told] = await comparing.restatements(await acting(world.instructor), world.station.id, MARCH)
    assert (told.before, told.after) == ({"state": "sent"}, {"state": "answered"})


async def test_other_units_see_neither_the_month_nor_its_restatements(world: World, clock_at: ClockAt) -> None:
    for officer in (world.steward, world.other_steward, world.inspector):
        with pytest.raises(NotFound):
            await comparing.months(await acting(officer), world.station.id, YEAR)
        with pytest.raises(NotFound):
            await comparing.restatements(await acting(officer), world.station.id, MARCH)


async def test_two_schedulers_freeze_once(real_db: str, clock_at: ClockAt) -> None:
    clock_at(ASKED - timedelta(days=1))
    world = await build_world()
    clock_at(ASKED)
    await ask(world)
    clock_at(THIRD)
    assert sorted(await asyncio.gather(freezing.run(), freezing.run())) == [0, 1]


# --- the reasons ------------------------------------------------------------------------------------------------------

some_id = st.sampled_from([UUID(int=1), UUID(int=2)])
maybe = st.none() | st.booleans()
facts = st.builds(
    Fact,
    id=st.just(UUID(int=9)),
    inquiry_id=st.just(UUID(int=9)),
    episode=st.just(1),
    case_id=st.just(UUID(int=8)),
    opened_at=st.just(ASKED),
    day=st.just(date(2026, 3, 31)),
    hour=st.just(9),
    kind=st.sampled_from(["criminal", "dispute"]),
    channel=st.just("oa"),
    asked_for=st.just("question"),
    state=st.sampled_from([WAITING, ANSWERED, CLOSED, MERGED, "from_record"]),
    unit_id=some_id,
    owner_id=some_id,
    first_unit_id=st.none(),
    first_owner_id=st.none(),
    full_unit_id=st.none(),
    full_owner_id=st.none(),
    first_in_time=maybe,
    full_in_time=maybe,
    first_seconds=st.none() | st.integers(0, 99),
    full_seconds=st.none() | st.integers(0, 99),
    first_bin=st.none(),
    full_bin=st.none(),
    full_due_at=st.none(),
    breached=st.booleans(),
    challenged=st.booleans(),
    first_adjusted=st.booleans(),
    full_adjusted=st.booleans(),
)


@given(facts, facts)
def test_whatever_changed_has_a_reason_and_what_did_not_counts_the_same(before: Fact, after: Fact) -> None:
    assert reason_of(before, after, THIRD) in Reason
    assert reason_of(None, after, THIRD) is Reason.ENTERED_LATER
    assert not counts_differently(before, replace(before))
    if before.state == after.state and not (after.first_adjusted or after.full_adjusted):
        assert reason_of(before, after, THIRD) not in (Reason.MERGED, Reason.CLOSED, Reason.CONTEST_ACCEPTED)
