"""Several at once, and every order of what may happen: no message lost, no promise without a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit import clock, database
from kit.database import in_transaction
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks import comparison, due
from stewardship.foundation.clocks.models import Clock, ClockMark
from stewardship.foundation.errors import BusinessError, Conflict
from tests.support.world import MONDAY_MORNING, World, acting, build_world, case_with

VICTIM = (PartyRole.VICTIM, Side.A)


async def asks(member: Member, key: str) -> inquiries.Asked:
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    return await inquiries.ask(actor, member, f"问题 {key}", channel="oa", source_key=key)


async def every_waiting_inquiry_has_a_running_clock() -> None:
    rows = await database.fetch(
        "select i.id, i.state, k.running from inquiry i left join clock k on k.subject_id = i.id"
        " where (i.state = 'waiting') is distinct from coalesce(k.running, false)"
    )
    assert rows == []


async def every_message_stands_once(keys: list[str]) -> None:
    found = await InquiryEntry.filter(kind=EntryKind.ASKED).values_list("source_key", flat=True)
    assert sorted(str(key) for key in found) == sorted(keys)


async def test_a_message_that_crosses_the_answer_is_never_left_unanswered(
    real_db: str, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    steward = await acting(world.steward)
    member = (await case_with(world, VICTIM)).members[0]
    keys = []
    for round_ in range(8):
        inquiry = (await asks(member, f"first:{round_}")).inquiry
        outcomes = await asyncio.gather(
            inquiries.answer(steward, inquiry.id, "周五出具。"),
            asks(member, f"second:{round_}"),
            inquiries.answer(steward, inquiry.id, "下周出具。"),
            asks(member, f"third:{round_}"),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1, outcomes
        keys += [f"{name}:{round_}" for name in ("first", "second", "third")]
        await every_waiting_inquiry_has_a_running_clock()
        for waiting in await Inquiry.filter(state=InquiryState.WAITING):
            await inquiries.answer(steward, waiting.id, "一并答复。")
    await every_message_stands_once(keys)
    assert (await comparison.compare()).differences == ()


async def test_schedulers_officers_and_parties_at_once_never_wait_for_each_other_for_good(
    real_db: str, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    steward = await acting(world.steward)
    members = (await case_with(world, *[VICTIM] * 4, deputy=world.colleague)).members
    asked = [(await asks(member, f"one:{member.id}")).inquiry for member in members]
    clock_at(MONDAY_MORNING + timedelta(minutes=31))
    outcomes = await asyncio.gather(
        due.run_due(),
        due.run_due(),
        inquiries.answer(steward, asked[0].id, "周五出具。"),
        asks(members[1], f"two:{members[1].id}"),
        inquiries.merge(steward, asked[2].id, asked[3].id),
        inquiries.merge(steward, asked[3].id, asked[2].id),
        inquiries.hand_over(steward, asked[1].id, world.colleague.id, "出差"),
        return_exceptions=True,
    )
    unexpected = [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, BusinessError)]
    assert unexpected == []
    await due.run_due()
    await every_waiting_inquiry_has_a_running_clock()
    breaches = await ClockMark.filter(mark="breach", target="first").values_list("clock_id", flat=True)
    assert len(breaches) == len(set(breaches))
    told = await database.fetch("select count(*) from message where notice = 'inquiry_breached' group by subject_id")
    assert all(row["count"] == 1 for row in told)
    assert (await comparison.compare()).differences == ()


STEPS = st.lists(
    st.sampled_from(
        [
            *("ask", "ask", "ask", "answer", "ask_back", "talk", "old_talk", "close", "reopen", "merge", "hand_over"),
            *("minutes", "hours", "days", "run", "run"),
        ]
    ),
    min_size=4,
    max_size=16,
)


class Story:
    """One case, two parties on one side, and whatever happens in it."""

    def __init__(self, world: World, steward: Actor, members: tuple[Member, ...]) -> None:
        self.world, self.steward, self.members = world, steward, members
        self.keys: list[str] = []
        self.turn = 0

    async def inquiry(self, state: InquiryState | None = None) -> Inquiry | None:
        query = Inquiry.filter(case_id=self.members[0].case_id)
        return await (query.filter(state=state) if state else query).order_by("-opened_at", "-id").first()

    async def step(self, name: str) -> None:
        self.turn += 1
        waiting = await self.inquiry(InquiryState.WAITING)
        match name:
            case "ask":
                member = self.members[self.turn % 2]
                self.keys.append(f"{member.case_id}:{self.turn}")
                await asks(member, self.keys[-1])
            case "minutes" | "hours" | "days":
                clock.set_offset(clock.offset() + timedelta(**{name: 20 if name == "minutes" else 2}))
            case "run":
                await due.run_due()
            case "reopen":
                if (settled := await self.inquiry()) is not None:
                    await inquiries.reopen(self.steward, settled.id, "答非所问")
            case _ if waiting is not None:
                await self.officer(name, waiting)

    async def officer(self, name: str, waiting: Inquiry) -> None:
        match name:
            case "answer":
                await inquiries.answer(self.steward, waiting.id, "周五出具。")
            case "ask_back":
                await inquiries.ask_back(self.steward, waiting.id, "哪一份？")
            case "talk" | "old_talk":
                at = clock.now() - timedelta(minutes=15) if name == "old_talk" else None
                await inquiries.log_talk(self.steward, waiting.id, EntryKind.CALL, seconds=60, gist="已说明", at=at)
            case "close":
                await inquiries.close_without_reply(self.steward, waiting.id, "致谢")
            case "hand_over":
                await inquiries.hand_over(self.steward, waiting.id, self.world.colleague.id, "出差")
            case "merge":
                for other in await Inquiry.filter(case_id=waiting.case_id, state=InquiryState.WAITING):
                    if other.id != waiting.id:
                        await inquiries.merge(self.steward, other.id, waiting.id)

    async def holds(self) -> None:
        await every_waiting_inquiry_has_a_running_clock()
        await every_message_stands_once(self.keys)
        assert (await comparison.compare()).differences == ()
        for timer in await Clock.filter(running=True):
            paused = timer.first_at is not None and timer.full_due_at is None
            assert paused or timer.next_trigger_at is not None or timer.breached


class _Undo(Exception):
    """Ends one example's savepoint."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_happens_in_whatever_order(world: World, steps: list[str]) -> None:
    clock.set_offset(MONDAY_MORNING + timedelta(minutes=5) - clock.real_now())
    try:
        async with in_transaction():
            story = Story(world, await acting(world.steward), (await case_with(world, VICTIM, VICTIM)).members)
            for name in steps:
                try:
                    await story.step(name)
                except BusinessError:
                    continue
            await story.holds()
            raise _Undo
    except _Undo:
        pass
