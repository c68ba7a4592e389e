"""The instructor steps in: takes a question on, passes it on, leaves a note, urges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from delivery.models import Message
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.errors import Conflict, Invalid, NotFound, TooOften
from tests.support.world import MONDAY_MORNING, World, acting, case_with

ClockAt = Callable[[datetime], None]


async def asked(world: World) -> tuple[Inquiry, Member]:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    member = joined.members[0]
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    found = await inquiries.ask(actor, member, "鉴定出来了吗", channel="oa", source_key=str(member.id))
    return found.inquiry, member


async def told(notice: str) -> list[object]:
    return [message.recipient_id for message in await Message.filter(notice=notice)]


async def test_an_instructor_takes_a_question_on_and_answers_it(world: World) -> None:
    inquiry, _ = await asked(world)
    instructor = await acting(world.instructor)
    await inquiries.take_on(instructor, inquiry.id, "案管家在外办案")
    assert (await Clock.get(subject_id=inquiry.id)).owner_id == world.instructor.id
    with pytest.raises(Conflict, match="inquiry_yours"):
        await inquiries.take_on(instructor, inquiry.id, "再接一次")
    await inquiries.answer(instructor, inquiry.id, "预计周五。")
    with pytest.raises(Conflict):
        await inquiries.take_on(await acting(world.sub_instructor), inquiry.id, "已经答复")


async def test_a_question_goes_to_another_of_the_instructors_units_and_no_further(world: World) -> None:
    inquiry, _ = await asked(world)
    with pytest.raises(Invalid, match="officer_unit"):
        await inquiries.reassign(await acting(world.instructor), inquiry.id, world.other_steward.id, "对方更熟悉")
    moved = await inquiries.reassign(
        await acting(world.sub_instructor), inquiry.id, world.other_steward.id, "对方更熟悉"
    )
    assert (moved.unit_id, moved.owner_id) == (world.other_station.id, world.other_steward.id)
    assert await told("inquiry_escalated") == [world.other_steward.id]
    await inquiries.answer(await acting(world.other_steward), inquiry.id, "预计周五。")


async def test_a_note_is_read_by_officers_and_never_by_the_party(world: World) -> None:
    inquiry, member = await asked(world)
    await inquiries.comment(await acting(world.instructor), inquiry.id, "先打电话说明。")
    assert await told("inquiry_commented") == [world.steward.id]
    [note] = [line for line in await inquiries.thread([inquiry.id]) if line.kind is EntryKind.NOTE]
    assert (note.text, note.officer_id) == ("先打电话说明。", world.instructor.id)
    assert not any("电话" in line.text for line in await inquiries.thread_for(member))


async def test_a_note_or_a_new_owner_is_no_answer(world: World) -> None:
    inquiry, _ = await asked(world)
    await inquiries.comment(await acting(world.instructor), inquiry.id, "先打电话说明。")
    await inquiries.take_on(await acting(world.instructor), inquiry.id, "案管家在外办案")
    timer = await Clock.get(subject_id=inquiry.id)
    assert (timer.running, timer.first_at) == (True, None)


async def test_the_owner_is_urged_once_in_two_hours(world: World, clock_at: ClockAt) -> None:
    inquiry, _ = await asked(world)
    instructor = await acting(world.instructor)
    await inquiries.nudge(instructor, inquiry.id)
    clock_at(MONDAY_MORNING + timedelta(hours=1))
    with pytest.raises(TooOften) as refused:
        await inquiries.nudge(instructor, inquiry.id)
    assert refused.value.retry_after == pytest.approx(3600, abs=10)
    clock_at(MONDAY_MORNING + timedelta(hours=2, minutes=1))
    await inquiries.nudge(instructor, inquiry.id)
    assert await told("inquiry_nudged") == [world.steward.id] * 2


async def test_nobody_else_steps_in(world: World) -> None:
    inquiry, _ = await asked(world)
    for officer in (world.steward, world.colleague, world.centre_officer, world.inspector):
        actor = await acting(officer)
        with pytest.raises(NotFound):
            await inquiries.take_on(actor, inquiry.id, "试试")
        with pytest.raises(NotFound):
            await inquiries.comment(actor, inquiry.id, "试试")
        with pytest.raises(NotFound):
            await inquiries.nudge(actor, inquiry.id)
