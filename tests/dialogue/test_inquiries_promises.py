"""The promise: warned, escalated along the people's rosters, breached once, and the party told first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from delivery.models import Message
from kit import clock, database
from stewardship.casework.cases import service as cases
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import notices, promises
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.clocks import comparison, due
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock, ClockMark
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, ShiftKind
from tests.support.world import MONDAY_MORNING, World, acting, case_with, on_leave

VICTIM = (PartyRole.VICTIM, Side.A)
assert promises.OFFICES, "importing it registers what is done about a mark"


@pytest.fixture(autouse=True)
def standing_clock() -> Iterator[None]:
    """Time stands still between two settings of the clock, however long a test takes."""
    with time_machine.travel(MONDAY_MORNING, tick=False):
        yield


async def asked_by(member: Member, text: str = "鉴定什么时候出结果？") -> Inquiry:
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    key = f"test:{member.id}:{text}"
    return (await inquiries.ask(actor, member, text, channel="oa", source_key=key)).inquiry


def at(hours: int, minutes: int = 0) -> None:
    """The clock shows this long after Monday at 09:00."""
    clock.set_offset(MONDAY_MORNING + timedelta(hours=hours, minutes=minutes) - clock.real_now())


async def told() -> list[tuple[str, object]]:
    """Notices with who gets them, in the order in which they were put into the outbox."""
    rows = await database.fetch(
        "select m.notice, m.recipient_id from pgqueuer q"
        " cross join jsonb_array_elements_text(convert_from(q.payload, 'UTF8')::jsonb -> 'ids') as sent(id)"
        " join message m on m.id = sent.id::uuid"
        " where q.entrypoint = 'deliver' order by q.priority desc, q.id"
    )
    return [(row["notice"], row["recipient_id"]) for row in rows]


async def forget() -> None:
    await Message.all().delete()


async def timer_of(inquiry: Inquiry) -> Clock:
    return await Clock.get(subject_kind="inquiry", subject_id=inquiry.id)


async def rostered(world: World, officer: Officer, kind: ShiftKind, hours: tuple[int, int]) -> None:
    await org.roster(
        SYSTEM,
        unit_id=world.station.id,
        officer_id=officer.id,
        kind=kind,
        starts_at=MONDAY_MORNING + timedelta(hours=hours[0]),
        ends_at=MONDAY_MORNING + timedelta(hours=hours[1]),
    )


async def test_the_whole_way_of_a_question_that_nobody_answers(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    member = joined.members[0]
    inquiry = await asked_by(member)
    await forget()
    assert await due.run_due() == 0
    at(0, 15)
    await due.run_due()
    assert await told() == [("inquiry_warning", world.steward.id)]
    at(0, 24)
    await due.run_due()
    assert (await told())[1:] == [
        ("inquiry_escalated", world.colleague.id),
        ("inquiry_warning", world.steward.id),
    ]
    await forget()
    at(0, 30)
    await due.run_due()
    breach = await told()
    assert breach[0] == ("inquiry_breached", member.person_id), "the citizen is told first"
    assert breach[1:] == [("inquiry_overdue", world.steward.id), ("inquiry_escalated", world.instructor.id)]
    assert await due.run_due() == 0
    assert await Event.filter(kind="promise.breached", subject_id=inquiry.id).count() == 1
    notice = await InquiryEntry.get(inquiry_id=inquiry.id, kind=EntryKind.BREACH_NOTICE)
    words = (await inquiries.thread([inquiry.id], kinds=[EntryKind.BREACH_NOTICE]))[0].text
    assert notice.message_id is not None
    assert "没有在约定时间内答复" in words
    assert world.station.name in words
    await forget()
    at(1, 1)
    await due.run_due()
    assert ("inquiry_escalated", world.sub_instructor.id) in await told(), "the second allowance is gone too"
    assert (await timer_of(inquiry)).breached


async def test_an_officer_on_leave_is_skipped_from_the_first_moment(world: World) -> None:
    await on_leave(world, world.steward)
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    inquiry = await asked_by(joined.members[0])
    assert inquiry.owner_id == world.colleague.id
    await forget()
    at(0, 15)
    await due.run_due()
    assert await told() == [("inquiry_warning", world.colleague.id)]


@pytest.mark.parametrize("kind", [ShiftKind.REST, ShiftKind.LEAVE, ShiftKind.ABSENT, ShiftKind.CALL_OUT])
async def test_what_waits_passes_on_at_once_when_its_owner_goes_away(world: World, kind: ShiftKind) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    inquiry = await asked_by(joined.members[0])
    await rostered(world, world.steward, kind, (0, 8))
    await forget()
    assert await inquiries.pass_on_absent() == 1
    assert await inquiries.pass_on_absent() == 0
    assert (await Inquiry.get(id=inquiry.id)).owner_id == world.colleague.id
    assert await told() == [("inquiry_escalated", world.colleague.id)]
    segments = (await clocks.state_of(await timer_of(inquiry))).episodes[0].segments
    assert [segment.owner for segment in segments][-1] == world.colleague.id


async def test_when_the_next_one_goes_away_too_it_passes_on_again(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    inquiry = await asked_by(joined.members[0])
    await rostered(world, world.steward, ShiftKind.LEAVE, (0, 8))
    await inquiries.pass_on_absent()
    await rostered(world, world.colleague, ShiftKind.CALL_OUT, (0, 2))
    await inquiries.pass_on_absent()
    assert (await Inquiry.get(id=inquiry.id)).owner_id == world.instructor.id


async def test_who_left_the_force_owns_nothing(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    inquiry = await asked_by(joined.members[0])
    await Officer.filter(id=world.steward.id).update(active=False)
    assert await inquiries.pass_on_absent() == 1
    assert (await Inquiry.get(id=inquiry.id)).owner_id == world.colleague.id


async def test_everybody_away_leaves_it_with_the_last_in_line(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inquiry = await asked_by(joined.members[0])
    for officer in (world.steward, world.instructor, world.sub_instructor):
        await on_leave(world, officer)
    assert await inquiries.pass_on_absent() == 1
    assert await inquiries.pass_on_absent() == 0, "it does not go round"
    assert (await Inquiry.get(id=inquiry.id)).owner_id == world.sub_instructor.id


async def test_at_night_a_question_is_for_who_comes_in_the_morning_and_nobody_is_rung(world: World) -> None:
    # The steward keeps a roster: Monday and Tuesday by day. The instructor keeps none.
    for day in (0, 24):
        await rostered(world, world.steward, ShiftKind.DUTY, (day - 1, day + 8))
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    at(11, 0)
    inquiry = await asked_by(joined.members[0])
    assert inquiry.owner_id == world.steward.id
    await forget()
    at(20, 0)
    await due.run_due()
    assert await inquiries.pass_on_absent() == 0
    assert await told() == []
    timer = await timer_of(inquiry)
    assert timer.first_due_at == datetime(2026, 3, 17, 1, 0, tzinfo=UTC), "half an hour after duty starts at 8:30"


async def test_the_duty_officer_to_whom_it_escalates_can_answer(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inquiry = await asked_by(joined.members[0])
    colleague = await acting(world.colleague)
    with pytest.raises(NotFound):
        await inquiries.access_inquiry(colleague, inquiry.id)
    await rostered(world, world.colleague, ShiftKind.DUTY, (0, 8))
    at(0, 24)
    await forget()
    await due.run_due()
    assert ("inquiry_escalated", world.colleague.id) in await told()
    assert [row.id for row in await inquiries.queue(colleague)] == [inquiry.id]
    assert await inquiries.queue(colleague, own_only=True) == []
    await inquiries.access_inquiry(colleague, inquiry.id)
    await inquiries.answer(colleague, inquiry.id, "周五出具。")
    assert (await Inquiry.get(id=inquiry.id)).state is InquiryState.ANSWERED


async def test_two_days_without_a_scheduler_tell_the_latest_only_and_breach_once(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inquiry = await asked_by(joined.members[0])
    await forget()
    at(48)
    await due.run_due()
    await due.run_due()
    notices = [notice for notice, _ in await told()]
    assert notices[0] == "inquiry_breached"
    assert notices.count("inquiry_breached") == 1, "reply and answer are both missed: one message says so"
    assert notices.count("inquiry_overdue") == 1
    assert notices.count("inquiry_warning") == 0
    marks = await ClockMark.filter(clock_id=(await timer_of(inquiry)).id, mark="breach").order_by("due_at")
    assert [mark.due_at - inquiry.opened_at for mark in marks] == [timedelta(minutes=30), timedelta(days=1)]
    words = (await inquiries.thread([inquiry.id], kinds=[EntryKind.BREACH_NOTICE]))[-1].text
    assert "明天 09:00" in words, "a time that is ahead"


async def test_what_was_answered_during_the_downtime_is_recorded_and_told_to_nobody(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inquiry = await asked_by(joined.members[0])
    at(2)
    await inquiries.answer(await acting(world.steward), inquiry.id, "周五出具。")
    await forget()
    await due.run_due()
    assert await told() == []
    assert await Event.filter(kind="promise.breached", subject_id=inquiry.id).count() == 1


async def test_the_case_moves_to_another_unit_and_what_waits_goes_along(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inquiry = await asked_by(joined.members[0])
    at(0, 10)
    await cases.hand_over(
        await acting(world.instructor),
        joined.case.id,
        unit_id=world.other_station.id,
        steward_id=world.other_steward.id,
        deputy_id=None,
        reason="管辖",
    )
    assert await inquiries.follow_case(SYSTEM, joined.case.id) == 1
    assert await inquiries.follow_case(SYSTEM, joined.case.id) == 0
    moved = await Inquiry.get(id=inquiry.id)
    assert (moved.unit_id, moved.owner_id) == (world.other_station.id, world.other_steward.id)
    at(0, 20)
    await inquiries.answer(await acting(world.other_steward), inquiry.id, "已接手，周五答复鉴定结果。")
    segments = (await clocks.state_of(await timer_of(inquiry))).episodes[0].segments
    assert [(s.unit, round(s.duty.total_seconds() / 60)) for s in segments] == [
        (world.station.id, 10),
        (world.other_station.id, 10),
    ]


async def test_handing_over_to_a_colleague_keeps_each_ones_segment(world: World) -> None:
    joined = await case_with(world, VICTIM)
    inquiry = await asked_by(joined.members[0])
    at(0, 12)
    await inquiries.hand_over(await acting(world.steward), inquiry.id, world.colleague.id, "出差")
    timer = await timer_of(inquiry)
    assert timer.owner_id == world.colleague.id
    assert timer.first_due_at == inquiry.opened_at + timedelta(minutes=30), "the party's promise stays"


async def test_a_clock_whose_carrying_out_fails_keeps_none_of_the_others_from_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases_ = [await case_with(world, VICTIM) for _ in range(2)]
    broken, sound = [await asked_by(joined.members[0]) for joined in cases_]
    await forget()
    real = notices.notify_officer

    async def fails_for_one(inquiry: Inquiry, *rest: Any) -> None:
        if inquiry.id == broken.id:
            raise ValueError("a defect")
        await real(inquiry, *rest)

    monkeypatch.setattr(notices, "notify_officer", fails_for_one)
    at(0, 15)
    assert await due.run_due() == 1
    assert await Message.filter(subject_id=sound.id).count() == 1
    monkeypatch.setattr(notices, "notify_officer", real)
    assert await due.run_due() == 1, "nothing of the failed one was kept, so it is done now"


async def test_more_clocks_than_a_page_holds_are_all_carried_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "PAGE", 2)
    joined = await case_with(world, *[VICTIM] * 5)
    for member in joined.members:
        await asked_by(member)
    at(0, 15)
    assert await due.run_due() == 5


async def test_every_clock_is_what_its_log_says(world: World) -> None:
    joined = await case_with(world, *[VICTIM] * 3)
    first, second, third = [await asked_by(member) for member in joined.members]
    at(0, 20)
    await due.run_due()
    actor = await acting(world.steward)
    await inquiries.answer(actor, first.id, "周五。")
    await inquiries.merge(actor, second.id, third.id)
    at(3, 0)
    await due.run_due()
    at(30, 0)
    found = await comparison.compare()
    assert (found.checked, found.differences, found.last) == (3, (), None)
    await Clock.filter(subject_id=first.id).update(first_at=MONDAY_MORNING, breached=True)
    found = await comparison.compare()
    assert [difference.column for difference in found.differences] == ["first_at", "breached"]
