"""One queue of everything that waits for an officer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from stewardship.casework.groups import service as groups
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks.policy import Target
from stewardship.worklist import service as worklist
from stewardship.worklist.service import Relation, Task
from stewardship.worklist.sources import TaskKind
from tests.support.world import MONDAY_MORNING, Joined, World, acting, build_world, case_with, draft, follower, register

MINUTES = 60


async def ask(joined: Joined, text: str) -> None:
    member = joined.members[0]
    await inquiries.ask(Actor(ActorKind.CITIZEN, member.person_id), member, text, channel="oa", source_key=None)


async def queue_of(world: World, name: str, *, own_only: bool = False) -> list[Task]:
    return await worklist.queue(await acting(getattr(world, name)), limit=20, own_only=own_only)


async def test_every_kind_in_one_order_with_the_time_left_in_duty_time(
    db: None, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING - timedelta(days=8))
    world = await build_world()
    silent = await case_with(world, (PartyRole.VICTIM, Side.A))
    clock_at(MONDAY_MORNING)
    asked = await case_with(world, (PartyRole.VICTIM, Side.A))
    await ask(asked, "还要多久？")
    waiting = await register(world, [draft(PartyRole.WITNESS, number="19900000077")])
    identity = await follower()
    await groups.prove_phone(
        Actor(ActorKind.CITIZEN),
        waiting.issued[0].invitation.id,
        identity.id,
        "19900000077",
        verified_by_platform=False,
    )
    clock_at(MONDAY_MORNING + timedelta(minutes=18))
    tasks = await queue_of(world, "steward")
    assert [task.found.kind for task in tasks] == [TaskKind.SILENCE, TaskKind.INQUIRY, TaskKind.APPROVAL]
    late, question, approval = tasks
    assert late.found.case_id == silent.case.id
    assert late.left is not None
    assert late.left < 0
    assert question.left == 12 * MINUTES - 1 or question.left == 12 * MINUTES
    assert (question.found.target, question.running, question.found.words) == (Target.FIRST, True, "还要多久？")
    assert question.party_name == "张**"
    assert approval.left is None


async def test_off_duty_the_time_left_stands_still(db: None, clock_at: Callable[[datetime], None]) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    evening = MONDAY_MORNING + timedelta(hours=8, minutes=15)
    clock_at(evening)
    await ask(await case_with(world, (PartyRole.VICTIM, Side.A)), "明天能取车吗？")
    lefts = []
    for later in (timedelta(hours=1), timedelta(hours=5)):
        clock_at(evening + later)
        [task] = await queue_of(world, "steward")
        lefts.append((task.left, task.running))
    assert lefts[0] == lefts[1]
    assert lefts[0][1] is False


async def test_whose_it_is_and_who_sees_it(db: None, clock_at: Callable[[datetime], None]) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await ask(joined, "在吗？")
    [mine] = await queue_of(world, "steward")
    assert (mine.relation, mine.owner_name) == (Relation.MINE, "王青")
    [units] = await queue_of(world, "instructor")
    assert units.relation is Relation.UNIT
    assert await queue_of(world, "instructor", own_only=True) == []
    assert await queue_of(world, "other_steward") == []
    await inquiries.hand_over(await acting(world.steward), mine.found.id, world.colleague.id, "同事更了解情况")
    [passed] = await queue_of(world, "colleague")
    assert passed.relation is Relation.PASSED_ON


async def test_pages_follow_each_other_without_a_gap(db: None, clock_at: Callable[[datetime], None]) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    for number in range(5):
        clock_at(MONDAY_MORNING + timedelta(minutes=number + 1))
        await ask(await case_with(world, (PartyRole.VICTIM, Side.A)), f"第 {number} 问")
    whole = [task.found.id for task in await queue_of(world, "steward")]
    steward = await acting(world.steward)
    paged, after = [], None
    while rows := await worklist.queue(steward, limit=2, after=after):
        paged += [row.found.id for row in rows]
        after = rows[-1].place
    assert paged == whole
    assert len(set(paged)) == 5
