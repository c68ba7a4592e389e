"""The keeper of the figures: killed, doubled, late, or spoilt by hand, they come right; and say what was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from uuid import uuid4

import pytest
from tortoise.transactions import in_transaction

from kit import clock, database
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.reports import keeping, rebuilding
from stewardship.reports.figures import counted
from stewardship.reports.rules import Period
from tests.support.world import MONDAY_MORNING, World, acting, build_world, case_with

VICTIM = (PartyRole.VICTIM, Side.A)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))


async def asks(member: Member) -> None:
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    await inquiries.ask(actor, member, "何时有结果", channel="oa", source_key=str(uuid4()))


async def asked(world: World) -> int:
    return (await counted(world.bureau.id, MARCH, clock.now())).asked


async def wrong() -> dict[str, int]:
    """What a rebuild finds."""
    return {step.what: step.different async for step in rebuilding.rebuild() if step.different}


async def notes() -> int:
    return int(await database.fetchval("select count(*) from figure_change where subject = 'inquiry'"))


class _Killed(Exception):
    """Ends the keeper's transaction before it commits."""


async def dies_half_way(world: World) -> None:
    async with in_transaction():
        await keeping.keep_page()
        assert await asked(world) == 1
        raise _Killed


async def test_a_keeper_that_dies_leaves_its_work_to_the_next(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await keeping.run()
    await asks(joined.members[0])
    waiting = await notes()
    with pytest.raises(_Killed):
        await dies_half_way(world)
    assert (await asked(world), await notes()) == (0, waiting)
    await keeping.run()
    assert (await asked(world), await notes(), await wrong()) == (1, 0, {})


async def test_several_keepers_while_people_ask_count_each_question_once(
    real_db: str, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    members = [member for _ in range(3) for member in (await case_with(world, VICTIM, VICTIM)).members]
    await asyncio.gather(*(asks(member) for member in members), *(keeping.run() for _ in range(4)))
    waiting = await inquiries.queue(await acting(world.instructor))
    steward = await acting(world.steward)
    answers = [inquiries.answer(steward, each.id, "周五。") for each in waiting]
    await asyncio.gather(*answers, *(keeping.run() for _ in range(4)))
    await keeping.run()
    found = await counted(world.bureau.id, MARCH, clock.now())
    assert (found.asked, found.first_count, await wrong()) == (6, 6, {})


async def test_a_rebuild_mends_what_was_spoilt_and_says_so(world: World) -> None:
    await asks((await case_with(world, VICTIM)).members[0])
    await keeping.run()
    await database.execute("update figure_rollup set asked = asked + 7 where dimension = 'all' and grain = 'day'")
    await database.execute("update inquiry_fact set state = 'answered'")
    await database.execute("delete from figure_tally")
    assert set(await wrong()) == {"facts of inquiry", "roll-ups of 2026-03", "tallies"}
    assert (await asked(world), await wrong()) == (1, {})
