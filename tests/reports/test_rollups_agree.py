"""Whatever happens to questions, the roll-ups say what counting the raw rows says, on any filter, to a bin's width."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.transactions import in_transaction

from kit import clock, database
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.conversations import service as conversations
from stewardship.dialogue.inquiries import promises
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryState
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind, Grant
from stewardship.foundation.clocks import calendars, comparison, due, policies
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import PromisePolicy
from stewardship.foundation.clocks.rules import Allowance, AllowanceUnit, Policy
from stewardship.foundation.errors import BusinessError
from stewardship.foundation.org.models import Role
from stewardship.reports import figures, keeping, rebuilding
from stewardship.reports import service as reports
from stewardship.reports.bins import EDGES, bin_of, merged, quantile, width
from stewardship.reports.figures import Filter
from stewardship.reports.rules import Figure
from tests.reports.counting import PERIOD, Question, check_same, counted_directly, questions
from tests.support.world import (
    MONDAY_MORNING,
    Joined,
    World,
    acting,
    case_with,
    on_leave,
    says,
)

CARRIED_OUT_BY = promises
"""What falls due is carried out by it, once it is imported."""


# --- bins -------------------------------------------------------------------------------------------------------------

durations = st.lists(st.integers(0, 9000 * 60), max_size=60)


def histogram(seconds: list[int]) -> list[int]:
    found = [0] * len(EDGES)
    for each in seconds:
        found[bin_of(each)] += 1
    return found


@given(durations, durations)
def test_histograms_of_two_parts_merge_to_that_of_the_whole(one: list[int], other: list[int]) -> None:
    assert merged([histogram(one), histogram(other)]) == histogram(one + other)


@given(durations.filter(bool), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_a_quantile_lies_in_the_bin_of_the_true_one(seconds: list[int], share: float) -> None:
    exact = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    shown = quantile(histogram(seconds), share)
    assert shown is not None
    assert bin_of(round(shown * 60)) == bin_of(exact)


def test_a_bin_is_narrow_where_it_matters() -> None:
    assert 30 in EDGES
    for index, edge in enumerate(EDGES[:-1]):
        assert width(index) <= (1 if edge < 10 else 2 if edge < 30 else max(5, edge / 3))


# --- what happens -----------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("ask", "ask", "ask", "sms", "record", "record", "answer", "answer", "ask_back", "old_talk", "close"),
                *("reopen", "challenge", "merge", "hand_over", "move_case", "kind", "leave", "holiday", "policy"),
                *("minutes", "minutes", "hours", "days", "run", "run", "keep"),
            ]
        ),
        st.integers(0, 5),
    ),
    min_size=6,
    max_size=24,
)
VICTIM = (PartyRole.VICTIM, Side.A)


class Story:
    """Two cases of two stations, two parties each on one side, and whatever happens to their questions."""

    def __init__(self, world: World, joined: tuple[Joined, Joined]) -> None:
        self.world, self.joined = world, joined
        self.members = [member for each in joined for member in each.members]
        self.identities = [identity for each in joined for identity in each.identities]

    async def one(self, pick: int, *states: InquiryState) -> Inquiry | None:
        query = Inquiry.filter(state__in=list(states)) if states else Inquiry.all()
        found = await query.order_by("opened_at", "id")
        return found[pick % len(found)] if found else None

    async def chief(self) -> Actor:
        return await acting(self.world.sub_instructor)

    async def step(self, name: str, pick: int) -> None:
        """One thing happens. Raises BusinessError where it may not."""
        match name:
            case "ask" | "sms":
                member = self.members[pick % 4]
                actor = Actor(ActorKind.CITIZEN, member.person_id)
                channel = "sms" if name == "sms" else ("oa", "mini")[pick % 2]
                await inquiries.ask(actor, member, "什么时候有结果", channel=channel, source_key=str(uuid4()))
            case "record":
                await conversations.receive(*says(self.identities[pick % 4], "询问进展"))
            case "minutes" | "hours" | "days":
                clock.set_offset(clock.offset() + timedelta(**{name: pick * 9 + 2 if name == "minutes" else pick + 1}))
            case "run":
                await due.run_due()
                await inquiries.pass_on_absent()
            case "keep":
                await keeping.run()
            case "leave":
                await on_leave(self.world, (self.world.steward, self.world.colleague)[pick % 2])
            case "holiday" | "policy":
                await self.rules_change(name, pick)
            case "kind" | "move_case":
                await self.case_changes(name, pick)
            case _:
                await self.question(name, pick)

    async def rules_change(self, name: str, pick: int) -> None:
        if name == "holiday":
            administrator = Actor(ActorKind.OFFICER, uuid4(), grants=(Grant(Role.SYSTEM_ADMINISTRATOR, frozenset()),))
            day = clock.today() + timedelta(days=pick % 3)
            await calendars.set_holiday(administrator, day, workday=pick > 3, reason="放假")
            await clocks.calendar_changed(policies.OFFICE)
            return
        promise = Policy(2 + pick, Allowance(10 + 10 * pick, AllowanceUnit.DUTY_MINUTES))
        await PromisePolicy.create(
            subject="inquiry",
            version=await PromisePolicy.all().count() + 1,
            definition=promise.to_json(),
            active_from=clock.now(),
        )

    async def case_changes(self, name: str, pick: int) -> None:
        case = await Case.get(id=self.joined[pick % 2].case.id)
        if name == "kind":
            await cases.set_kind(await self.chief(), case.id, list(CaseKind)[pick % 4], frozenset())
            return
        to = self.world.other_steward if case.unit_id == self.world.station.id else self.world.steward
        await cases.hand_over(
            await self.chief(), case.id, unit_id=to.unit_id, steward_id=to.id, deputy_id=None, reason="管辖"
        )
        await inquiries.follow_case(SYSTEM, case.id)

    async def question(self, name: str, pick: int) -> None:
        if name == "challenge":
            if (answered := await self.one(pick, InquiryState.ANSWERED_FROM_RECORD)) is not None:
                actor = Actor(ActorKind.CITIZEN, answered.person_id)
                await inquiries.challenge(actor, answered.id, "没有解决", channel="oa", source_key=str(uuid4()))
        elif name == "reopen":
            if (settled_one := await self.one(pick)) is not None:
                await inquiries.reopen(await self.chief(), settled_one.id, "答非所问")
        elif (waiting := await self.one(pick, InquiryState.WAITING)) is not None:
            await self.officer(name, pick, waiting)

    async def officer(self, name: str, pick: int, waiting: Inquiry) -> None:
        chief = await self.chief()
        match name:
            case "answer":
                await inquiries.answer(chief, waiting.id, "周五出具。")
            case "ask_back":
                await inquiries.ask_back(chief, waiting.id, "哪一份？")
            case "old_talk":
                at = clock.now() - timedelta(minutes=15)
                await inquiries.log_talk(chief, waiting.id, EntryKind.CALL, seconds=60, gist="已说明", at=at)
            case "close":
                await inquiries.close_without_reply(chief, waiting.id, "致谢")
            case "hand_over":
                to = (self.world.steward, self.world.colleague, self.world.other_steward)[pick % 3]
                await inquiries.hand_over(chief, waiting.id, to.id, "出差")
            case "merge":
                others = await Inquiry.filter(case_id=waiting.case_id, state=InquiryState.WAITING)
                for other in [each for each in others if each.id != waiting.id]:
                    await inquiries.merge(chief, other.id, waiting.id)


async def begin(world: World) -> Story:
    here = await case_with(world, VICTIM, VICTIM)
    there = await case_with(world, VICTIM, VICTIM)
    await cases.hand_over(
        await acting(world.sub_instructor),
        there.case.id,
        unit_id=world.other_station.id,
        steward_id=world.other_steward.id,
        deputy_id=None,
        reason="管辖",
    )
    return Story(world, (here, there))


# --- agrees -----------------------------------------------------------------------------------------------------------


def filters(all_: list[Question]) -> list[Filter]:
    """None, each dimension's every value, and pairs of two dimensions."""
    kinds = sorted({q.kind for q in all_})
    channels = sorted({q.channel for q in all_})
    hours = sorted({q.hour for q in all_})
    officers = {who[1] for q in all_ for who in (q.last, q.first_holder, q.full_holder) if who and who[1]}
    found = [Filter(), *(Filter(kind=k) for k in kinds), *(Filter(channel=c) for c in channels)]
    found += [Filter(hour=h) for h in hours] + [Filter(officer_id=o) for o in officers]
    found += [Filter(kind=k, channel=c) for k, c in product(kinds, channels)]
    found += [Filter(officer_id=o, channel=c) for o, c in product(officers, channels)]
    return found


async def agrees(world: World) -> None:
    now = clock.now()
    all_ = await questions()
    below = {
        world.bureau.id: {world.station.id, world.other_station.id, world.sub_bureau.id, world.bureau.id},
        world.sub_bureau.id: {world.station.id, world.other_station.id, world.sub_bureau.id},
        world.station.id: {world.station.id},
        world.other_station.id: {world.other_station.id},
    }
    for unit_id, units in below.items():
        for filter_ in filters(all_):
            found = await figures.counted(unit_id, PERIOD, now, filter_)
            check_same(found, counted_directly(all_, units, filter_, now))
    parts = [await figures.counted(u.id, PERIOD, now) for u in (world.station, world.other_station)]
    whole = await figures.counted(world.sub_bureau.id, PERIOD, now)
    assert figures.total(parts) == whole == await figures.counted(world.bureau.id, PERIOD, now)
    days = [part for _, part in await figures.by_day(world.bureau.id, PERIOD)]
    assert replace(whole, overdue=0) == figures.total(days)


async def lists_what_is_late(world: World) -> None:
    """How many, the first of them, and all of them come from three statements."""
    now, actor = clock.now(), await acting(world.instructor)
    units = await reports.units_in_scope(actor, world.station.id)
    for figure in (Figure.OVERDUE, Figure.DUE_SOON, Figure.SILENCE):
        rows = await reports.rows_behind(actor, figure, world.station.id, PERIOD, limit=200)
        assert len(rows) == await reports.count_late(figure, units, now)
        first = (await reports.late_rows(actor, [figure], units, now, 2))[figure]
        assert [row.id for row in first] == [row.id for row in rows[:2]]


async def rollups() -> list[Any]:
    """Everything kept, but for groups that became empty."""
    return await database.fetch(
        "select * from figure_rollup where asked + closed + merged + first_count + full_count > 0"
        " order by unit_id, dimension, grain, start, value"
    )


async def note_everything_again() -> None:
    await database.execute("insert into figure_change (subject, subject_id) select 'inquiry', id from inquiry")


class _Undo(Exception):
    """Ends one example's savepoint."""


# Hypothesis itself ends its search for a shorter story after five minutes; the forty examples come before.
@pytest.mark.timeout(600)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_rollups_agree_with_the_raw_rows_whatever_happens(world: World, steps: list[tuple[str, int]]) -> None:
    clock.set_offset(MONDAY_MORNING + timedelta(minutes=5) - clock.real_now())
    try:
        async with in_transaction():
            story = await begin(world)
            for name, pick in steps:
                try:
                    async with in_transaction():
                        await story.step(name, pick)
                except BusinessError:
                    continue
            await keeping.run()
            await agrees(world)
            await lists_what_is_late(world)
            kept = await rollups()
            for _ in range(2):
                await note_everything_again()
                await keeping.run()
                assert await rollups() == kept
            assert [step.different async for step in rebuilding.rebuild() if step.different] == []
            assert (await comparison.compare()).differences == ()
            raise _Undo
    except _Undo:
        pass
