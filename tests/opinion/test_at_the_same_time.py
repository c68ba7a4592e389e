"""Two processes at once: each rating is asked once, each message has one call, one of two answers comes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from delivery.contexts import JoinedWelcome
from delivery.models import Message
from delivery.outbox import Outgoing, enqueue
from kit import clock
from kit.database import in_transaction
from stewardship.casework.cases import service as cases
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.opinion.ratings import asking
from stewardship.opinion.ratings import service as ratings
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.ratings.rules import Milestone
from stewardship.opinion.visits import service as visits
from stewardship.opinion.visits import upkeep
from stewardship.opinion.visits.models import Visit
from tests.support.world import MONDAY_MORNING, Joined, World, acting, build_world, case_with

VICTIM = (PartyRole.VICTIM, Side.A)
ClockAt = Callable[[datetime], None]


@pytest.fixture
async def committed(real_db: str, clock_at: ClockAt) -> World:
    """A world that other connections see."""
    clock_at(MONDAY_MORNING)
    return await build_world()


async def closed_case(world: World, clock_at: ClockAt) -> Joined:
    joined = await case_with(world, VICTIM)
    await cases.close(await acting(world.steward), joined.case.id)
    await asyncio.gather(*(asking.plan(joined.case.id, Milestone.CASE_CLOSED, 1) for _ in range(3)))
    clock_at(MONDAY_MORNING + timedelta(minutes=31))
    return joined


async def test_two_schedulers_ask_once(committed: World, clock_at: ClockAt) -> None:
    await closed_case(committed, clock_at)
    sent = await asyncio.gather(*(asking.send_due(clock.now()) for _ in range(3)))
    assert sum(sent, Counter()) == {RatingState.SENT: 1}
    assert await Message.filter(notice="rating_request").count() == 1
    assert await Event.filter(kind="rating.planned").count() == 1


async def test_of_two_answers_at_once_both_are_kept_in_order_and_one_visit_follows(
    committed: World, clock_at: ClockAt
) -> None:
    await closed_case(committed, clock_at)
    await asking.send_due(clock.now())
    rating = await Rating.get()
    party = Actor(ActorKind.CITIZEN, rating.person_id)
    await asyncio.gather(*(ratings.rate(party, rating_id=rating.id, score=3, channel="oa") for _ in range(4)))
    assert await Event.filter(kind="rating.answered").count() == 1
    assert await Visit.all().count() == 1


async def test_a_message_reported_undeliverable_by_two_workers_is_one_call(committed: World) -> None:
    joined = await case_with(committed, VICTIM)
    context = JoinedWelcome(unit="柳堤派出所", reference=joined.case.reference, check_word="")
    async with in_transaction():
        message = await enqueue(
            Outgoing(context=context, recipient_id=joined.parties[0].person_id, case_id=joined.case.id)
        )
    assert message is not None
    opened = await asyncio.gather(*(visits.open_for_message(message) for _ in range(4)))
    assert len({visit.id for visit in opened if visit is not None}) == 1
    assert await Visit.all().count() == 1
    assert await Event.filter(kind="visit.opened").count() == 1


async def test_an_overdue_visit_is_marked_by_one_of_two_schedulers(committed: World, clock_at: ClockAt) -> None:
    await closed_case(committed, clock_at)
    await asking.send_due(clock.now())
    rating = await Rating.get()
    await ratings.rate(Actor(ActorKind.CITIZEN, rating.person_id), rating_id=rating.id, score=3, channel="oa")
    clock_at(clock.now() + timedelta(hours=25))
    assert sum(await asyncio.gather(*(upkeep.mark_overdue(clock.now()) for _ in range(3)))) == 1
