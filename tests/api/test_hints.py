"""Whoever has something on the screen is told to look again: after the commit, and within their scope only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest

from api.hub import Live
from kit import database, hints
from kit.hints import Hint
from kit.ids import new_id
from kit.valkey import Redis
from stewardship import live
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import ShiftKind
from tests.support.world import MONDAY_MORNING, World, acting, build_world, case_with

SUSPECT_AND_VICTIM = ((PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))


@pytest.fixture
async def told(redis: Redis) -> AsyncIterator[Callable[[], list[Hint]]]:
    """What was published since the test began."""
    found: list[Hint] = []
    ready = asyncio.Event()

    async def listen() -> None:
        async with redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(hints.CHANNEL)
            ready.set()
            while True:
                message = await channel.get_message(timeout=1)
                found.extend(hints.load(message["data"]) if message else [])

    listener = asyncio.create_task(listen())
    await ready.wait()
    async with hints.published(redis):
        yield lambda: found
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 — what is waited for comes from another connection.
            await asyncio.sleep(0.01)


async def test_a_hint_follows_the_commit_and_never_a_rollback(real_db: str, told: Callable[[], list[Hint]]) -> None:
    first, second, third = (Hint("case", new_id()) for _ in range(3))

    async def fail() -> None:
        async with database.in_transaction():
            hints.tell(first)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.in_transaction():
        hints.tell(second)
        with pytest.raises(RuntimeError):
            await fail()
        async with database.in_transaction():
            hints.tell(third)
        await asyncio.sleep(0.05)
        assert told() == []
    await until(lambda: len(told()) == 2)
    assert told() == [second, third]


async def test_a_question_concerns_who_is_to_answer_it_and_who_watches_over_them(
    real_db: str, told: Callable[[], list[Hint]], clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    joined = await case_with(world, *SUSPECT_AND_VICTIM)
    told().clear()
    member = joined.members[0]
    asked = await inquiries.ask(
        Actor(ActorKind.CITIZEN, member.person_id), member, "多久有结果？", channel="oa", source_key=None
    )
    await until(lambda: any(hint.subject_id == asked.inquiry.id for hint in told()))
    concerns = await live.concerns_of(told())
    assert {f"case:{joined.case.id}", f"inquiry:{asked.inquiry.id}", "queue"} <= concerns[-1].topics

    async def concerned(actor: Actor) -> bool:
        interests = await live.interests_of(actor)
        return any(interests.include(concern) for concern in concerns)

    assert await concerned(await acting(world.steward))
    assert await concerned(await acting(world.instructor))
    assert await concerned(await acting(world.sub_instructor))
    assert not await concerned(await acting(world.other_steward))
    assert not await concerned(await acting(world.colleague))
    await _on_duty(world)
    assert await concerned(await acting(world.colleague)), "who keeps the desk sees the desk's queue"


async def test_a_further_message_is_told_although_it_is_no_event(
    real_db: str, told: Callable[[], list[Hint]], clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    joined = await case_with(await build_world(), *SUSPECT_AND_VICTIM)
    member = joined.members[0]
    speaker = Actor(ActorKind.CITIZEN, member.person_id)
    asked = await inquiries.ask(speaker, member, "在吗", channel="oa", source_key=None)
    await until(lambda: any(hint.subject_id == asked.inquiry.id for hint in told()))
    told().clear()
    await inquiries.ask(speaker, member, "几天了", channel="oa", source_key=None)
    await until(lambda: any(hint.subject_id == asked.inquiry.id for hint in told()))


async def test_a_line_hears_what_concerns_its_officer_once(real_db: str, redis: Redis) -> None:
    hub, officer, stranger = Live(redis), new_id(), new_id()
    with hub.joined(new_id()) as mine, hub.joined(new_id()) as other:
        mine.interests = live.Interests(officer, frozenset())
        other.interests = live.Interests(stranger, frozenset())
        await hub.pass_on([Hint("visit", new_id(), others=(officer,)), Hint("visit", new_id(), others=(officer,))])
        assert "queue" in await mine.topics()
        waiting = asyncio.create_task(other.topics())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        waiting.cancel()


async def _on_duty(world: World) -> None:
    at = MONDAY_MORNING - timedelta(hours=1)
    await org.roster(
        await acting(world.instructor),
        unit_id=world.station.id,
        officer_id=world.colleague.id,
        kind=ShiftKind.DUTY,
        starts_at=at,
        ends_at=at + timedelta(days=1),
    )
