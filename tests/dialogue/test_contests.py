"""A breach is contested by whose it was, judged one level above, and stands beside the raw figure ever after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from delivery.models import Message
from kit import database
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.contests import queries
from stewardship.dialogue.contests import service as contests
from stewardship.dialogue.contests.models import Contest, ContestState, Ground
from stewardship.dialogue.inquiries import promises
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.clocks import due
from stewardship.foundation.clocks.rules import Target
from stewardship.foundation.errors import Conflict, Gone, NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role
from stewardship.reports import breaches, figures, keeping
from stewardship.reports import service as reports
from stewardship.reports.explaining import explain
from stewardship.reports.rules import Figure, Period
from tests.support.world import MONDAY_MORNING, World, acting, case_with

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
WEEK = Period(date(2026, 3, 16), date(2026, 3, 22))
assert promises.OFFICES, "importing it registers what is done about a mark"
EVIDENCE = "9:20 已电话说明，通话 3 分钟。"


async def missed(world: World, clock_at: ClockAt, *, answered: bool = True) -> UUID:
    """A question asked on Monday at 9:00 and answered at 10:00, half an hour late."""
    clock_at(MONDAY_MORNING + timedelta(seconds=10))
    joined = await case_with(world, VICTIM)
    actor = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
    asked = await inquiries.ask(actor, joined.members[0], "鉴定出来了吗", channel="oa", source_key=str(joined.case.id))
    clock_at(MONDAY_MORNING + timedelta(hours=1))
    if answered:
        await inquiries.answer(await acting(world.steward), asked.inquiry.id, "预计周五。")
    return UUID(str(asked.inquiry.id))


async def contested(world: World, inquiry_id: UUID, by: Officer | None = None) -> Contest:
    who = await acting(by or world.steward)
    return await contests.contest(who, inquiry_id, Target.FIRST, Ground.ANSWERED_OTHERWISE, EVIDENCE)


async def told(notice: str) -> set[UUID]:
    return {message.recipient_id for message in await Message.filter(notice=notice)}


async def instructor_of(world: World, unit_id: UUID, name: str) -> Officer:
    officer = await org.create_officer(SYSTEM, number=f"8{unit_id.hex[-8:]}", name=name, unit_id=unit_id)
    await org.grant_role(SYSTEM, officer.id, Role.INSTRUCTOR, unit_id)
    return officer


async def test_the_level_above_decides_and_raw_and_adjusted_stand_side_by_side(world: World, clock_at: ClockAt) -> None:
    late = [await missed(world, clock_at) for _ in range(5)]
    raised = await contested(world, late[0])
    assert await told("contest_to_decide") == {world.sub_instructor.id}
    above = await acting(world.sub_instructor)
    [waiting] = await queries.to_decide(above)
    assert (waiting.evidence, waiting.owner_name, waiting.unit_name) == (EVIDENCE, "王青", "柳堤派出所")
    await contests.decide(above, raised.id, accepted=True, reason="通话记录属实。")
    await keeping.run()
    found = await figures.counted(world.station.id, WEEK, MONDAY_MORNING + timedelta(hours=2))
    assert (found.first_share.good, found.first_share.n) == (0, 5)
    assert (found.first_adjusted_share.good, found.first_adjusted_share.n) == (1, 5)
    rows = await reports.rows_behind(
        await acting(world.instructor), Figure.FIRST_RESPONSE, world.station.id, WEEK, limit=50
    )
    assert [(row.detail, row.good) for row in rows if row.id == late[0]] == [("adjusted", False)]
    [own] = await queries.own(await acting(world.steward))
    assert (own.state, own.decision, own.decided_by_name) == (ContestState.ACCEPTED, "通话记录属实。", "钱江")
    assert await told("contest_decided") == {world.steward.id}
    assert await queries.to_decide(above) == []


async def test_a_rejected_contest_changes_no_figure_and_says_why(world: World, clock_at: ClockAt) -> None:
    raised = await contested(world, await missed(world, clock_at), world.instructor)
    await contests.decide(await acting(world.sub_instructor), raised.id, accepted=False, reason="没有通话记录。")
    await keeping.run()
    assert (await figures.counted(world.station.id, WEEK, MONDAY_MORNING)).first_adjusted == 0
    assert await told("contest_decided") == {world.steward.id, world.instructor.id}
    with pytest.raises(Conflict, match="contest_decided"):
        await contests.decide(await acting(world.sub_instructor), raised.id, accepted=True, reason="改判")


async def test_nobody_decides_their_own_nor_below_the_level_above(world: World, clock_at: ClockAt) -> None:
    inquiry_id = await missed(world, clock_at)
    raised = await contested(world, inquiry_id, world.sub_instructor)
    with pytest.raises(NotAllowed, match="contest_own"):
        await contests.decide(await acting(world.sub_instructor), raised.id, accepted=True, reason="属实")
    for officer in (world.instructor, world.steward, world.centre_officer):
        with pytest.raises(NotFound):
            await contests.decide(await acting(officer), raised.id, accepted=True, reason="属实")
    city = await instructor_of(world, world.bureau.id, "市局领导")
    await contests.decide(await acting(city), raised.id, accepted=True, reason="属实")


async def test_only_whose_breach_it_was_and_their_instructor_may_contest_it(world: World, clock_at: ClockAt) -> None:
    inquiry_id = await missed(world, clock_at)
    for officer in (world.colleague, world.other_steward, world.centre_officer, world.inspector):
        with pytest.raises(NotFound):
            await contested(world, inquiry_id, officer)
    with pytest.raises(Conflict, match="not_missed"):
        await contests.contest(await acting(world.steward), inquiry_id, Target.FULL, Ground.OTHER, "完整答复没有超时")
    await contested(world, inquiry_id)
    with pytest.raises(Conflict, match="contested_already"):
        await contested(world, inquiry_id, world.instructor)


async def test_a_breach_may_be_contested_for_five_working_days(world: World, clock_at: ClockAt) -> None:
    """From Monday at 9:30 to the Monday after at 9:30."""
    first, second = await missed(world, clock_at), await missed(world, clock_at)
    clock_at(MONDAY_MORNING + timedelta(days=7, minutes=29))
    await contested(world, first)
    clock_at(MONDAY_MORNING + timedelta(days=7, hours=1, minutes=1))
    with pytest.raises(Gone, match="contest_window"):
        await contested(world, second)


async def test_what_is_not_decided_within_three_working_days_goes_up_once(world: World, clock_at: ClockAt) -> None:
    """Raised on Thursday at 15:00: due on Tuesday at 15:00."""
    city = await instructor_of(world, world.bureau.id, "市局领导")
    inquiry_id = await missed(world, clock_at)
    clock_at(datetime(2026, 3, 19, 7, 0, tzinfo=UTC))
    raised = await contested(world, inquiry_id)
    assert abs(raised.due_at - datetime(2026, 3, 24, 7, 0, tzinfo=UTC)) < timedelta(seconds=5)
    assert await queries.to_decide(await acting(city)) == []
    clock_at(datetime(2026, 3, 24, 6, 59, tzinfo=UTC))
    assert await contests.escalate_overdue() == 0
    clock_at(datetime(2026, 3, 24, 7, 1, tzinfo=UTC))
    assert (await contests.escalate_overdue(), await contests.escalate_overdue()) == (1, 0)
    assert await told("contest_to_decide") == {world.sub_instructor.id, city.id}
    [late] = await queries.to_decide(await acting(city))
    assert late.overdue
    await contests.decide(await acting(city), raised.id, accepted=True, reason="属实")


async def test_an_unanswered_question_found_to_be_no_breach_counts_as_kept_until_it_is(
    world: World, clock_at: ClockAt
) -> None:
    inquiry_id = await missed(world, clock_at, answered=False)
    clock_at(MONDAY_MORNING + timedelta(days=2))
    steward = await acting(world.steward)
    raised = await contests.contest(steward, inquiry_id, Target.FULL, Ground.ANSWERED_OTHERWISE, EVIDENCE)
    await contests.decide(await acting(world.sub_instructor), raised.id, accepted=True, reason="属实")
    await keeping.run()
    found = await figures.counted(world.station.id, WEEK, MONDAY_MORNING + timedelta(days=2))
    assert (found.full_count, found.overdue, found.full_adjusted) == (0, 1, 1)
    await inquiries.log_talk(
        steward,
        inquiry_id,
        EntryKind.CALL,
        seconds=180,
        gist="已说明",
        at=MONDAY_MORNING + timedelta(minutes=20),
    )
    await keeping.run()
    found = await figures.counted(world.station.id, WEEK, MONDAY_MORNING + timedelta(days=2))
    assert (found.full_count, found.full_in_time, found.overdue, found.full_adjusted) == (1, 1, 0, 0)


async def test_what_may_be_contested_is_listed_with_its_last_moment(world: World, clock_at: ClockAt) -> None:
    first = await missed(world, clock_at, answered=False)
    await due.run_due()
    await inquiries.answer(await acting(world.steward), first, "预计周五。")
    await keeping.run()
    [listed] = await breaches.breaches(await acting(world.steward))
    assert (listed.inquiry_id, listed.target, listed.contestable) == (first, Target.FIRST, True)
    assert listed.contestable_until - listed.missed_at == timedelta(days=7)
    raised = await contested(world, first)
    for officer in (world.steward, world.instructor, world.sub_instructor):
        [listed] = await breaches.breaches(await acting(officer))
        assert (listed.contest_id, listed.contestable) == (raised.id, False)
    assert await breaches.breaches(await acting(world.colleague)) == []


async def test_the_question_itself_tells_whether_and_until_when_it_may_be_contested(
    world: World, clock_at: ClockAt
) -> None:
    asked = await missed(world, clock_at)
    [first, full] = (await explain(await acting(world.steward), asked)).promises
    assert (first.contestable, full.contestable) == (True, False)
    assert first.missed_at is not None
    assert first.contestable_until == first.missed_at + timedelta(days=7)
    [first, _] = (await explain(await acting(world.centre_officer), asked)).promises
    assert (first.kept, first.contestable, first.contestable_until) == (False, False, None)
    await contested(world, asked, world.instructor)
    found = await explain(await acting(world.steward), asked)
    assert (found.promises[0].contestable, found.promises[0].contest_state) == (False, ContestState.OPEN)
    assert f"{world.instructor.name}对超时提出异议" in [line.words for line in found.lines]


async def test_each_step_stands_in_the_event_log_and_no_text_does(world: World, clock_at: ClockAt) -> None:
    raised = await contested(world, await missed(world, clock_at))
    await contests.decide(await acting(world.sub_instructor), raised.id, accepted=True, reason="通话记录属实。")
    rows = await database.fetch(
        "select kind, actor_id, details::text from event where subject_id = $1 and kind like 'inquiry.%' order by at",
        raised.inquiry_id,
    )
    by = {row["kind"]: row["actor_id"] for row in rows}
    assert by["inquiry.contested"] == world.steward.id
    assert by["inquiry.adjusted"] == world.sub_instructor.id
    assert not any("通话" in row["details"] for row in rows)
