"""Every message stands in exactly one inquiry, and every inquiry ends with an answer that a person gave."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from delivery.models import Message
from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.conversations import service as conversations
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryKind, InquiryState
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import ClockState
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.people import service as people
from tests.support.world import MONDAY_MORNING, World, acting, case_with, register, says
from tests.support.world import draft as party

VICTIM = (PartyRole.VICTIM, Side.A)


def citizen(member: Member) -> Actor:
    return Actor(ActorKind.CITIZEN, member.person_id)


async def asks(member: Member, text: str = "鉴定什么时候出结果？", **more: str) -> inquiries.Asked:
    key = more.pop("source_key", f"test:{member.id}:{text}:{clock.now().isoformat()}")
    return await inquiries.ask(citizen(member), member, text, channel="oa", source_key=key)


async def timer_of(inquiry: Inquiry) -> Clock:
    return await Clock.get(subject_kind="inquiry", subject_id=inquiry.id)


async def state_of(inquiry: Inquiry) -> ClockState:
    return await clocks.state_of(await timer_of(inquiry))


async def again(inquiry: Inquiry) -> Inquiry:
    return await Inquiry.get(id=inquiry.id)


def pass_time(**more: int) -> None:
    clock.set_offset(clock.offset() + timedelta(**more))


def about(moment: datetime | None, hours: int, minutes: int = 0, days: int = 0) -> bool:
    """Whether it is this long after Monday at 09:00, to the second."""
    assert moment is not None
    return abs(moment - MONDAY_MORNING - timedelta(days=days, hours=hours, minutes=minutes)) < timedelta(seconds=5)


async def test_four_angry_messages_open_one_inquiry_and_one_answer_settles_it(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    first = await asks(member, "怎么还没结果")
    rest = [await asks(member, text) for text in ("都三天了", "到底有没有人管", "回话！")]
    assert first.is_new
    assert not any(asked.is_new for asked in rest)
    assert {asked.inquiry.id for asked in rest} == {first.inquiry.id}
    assert about(first.due_at, 0, 30)
    inquiry = await again(first.inquiry)
    assert inquiry.messages == 4
    await inquiries.answer(
        await acting(world.steward), inquiry.id, "鉴定预计周五出具。", expected_version=inquiry.version
    )
    assert (await again(inquiry)).state is InquiryState.ANSWERED
    assert await Message.filter(notice="inquiry_answered", member_id=member.id).count() == 1
    assert (await state_of(inquiry)).counters.acknowledged == 1


async def test_the_same_message_delivered_again_stands_there_once(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    first = await asks(member, source_key="message:1")
    second = await asks(member, source_key="message:1")
    assert second.inquiry.id == first.inquiry.id
    assert not second.is_new
    assert second.due_at == first.due_at
    assert await InquiryEntry.filter(inquiry_id=first.inquiry.id).count() == 1


async def test_a_message_after_the_answer_is_a_new_question_with_a_clock_of_its_own(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    first = (await asks(member)).inquiry
    await inquiries.answer(await acting(world.steward), first.id, "周五出具。")
    pass_time(hours=1)
    later = await asks(member, "还是没收到")
    assert later.is_new
    assert later.inquiry.id != first.id
    assert about(later.due_at, 1, 30)
    assert (await state_of(first)).episode == 1


async def test_of_two_officers_who_answer_one_wins_and_the_other_sends_nothing(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    inquiry = (await asks(joined.members[0])).inquiry
    await inquiries.answer(await acting(world.steward), inquiry.id, "周五出具。", expected_version=1)
    with pytest.raises(Conflict, match="inquiry_not_waiting"):
        await inquiries.answer(await acting(world.colleague), inquiry.id, "不清楚。", expected_version=1)
    assert await Message.filter(notice="inquiry_answered").count() == 1


async def test_an_answer_written_before_the_last_message_is_not_sent(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    await asks(member, "不用了，我改问赔偿")
    with pytest.raises(Conflict, match="inquiry_changed"):
        await inquiries.answer(await acting(world.steward), inquiry.id, "周五出具。", expected_version=1)
    assert (await again(inquiry)).state is InquiryState.WAITING


async def test_nobody_outside_answers_or_reads(world: World) -> None:
    joined = await case_with(world, VICTIM, (PartyRole.SUSPECT, Side.B))
    inquiry = (await asks(joined.members[0])).inquiry
    stranger = await acting(world.other_steward)
    with pytest.raises(NotFound):
        await inquiries.access_inquiry(stranger, inquiry.id)
    with pytest.raises(NotFound):
        await inquiries.answer(stranger, inquiry.id, "我来答")
    with pytest.raises(NotFound):
        await inquiries.challenge(citizen(joined.members[1]), inquiry.id, "", channel="mp", source_key=None)
    assert await inquiries.thread_for(joined.members[1]) == []


async def test_a_call_is_an_answer_even_if_it_is_logged_the_day_after(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    called_at = clock.now() + timedelta(minutes=20)
    pass_time(days=1)
    actor = await acting(world.steward)
    await inquiries.log_talk(actor, inquiry.id, EntryKind.CALL, seconds=180, gist="已说明进度", at=called_at)
    state = await state_of(inquiry)
    assert state.current is not None
    assert state.current.first.kept
    assert (await again(inquiry)).answered_at == called_at
    assert await Event.filter(kind="clock.backdated", actor_id=world.steward.id).count() == 1
    assert await Message.filter(notice="inquiry_answered").count() == 0, "they have talked"


async def test_what_the_party_wrote_after_the_call_still_waits(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    called_at = clock.now() + timedelta(minutes=5)
    pass_time(minutes=10)
    await asks(member, "刚才忘了问赔偿")
    pass_time(minutes=1)
    actor = await acting(world.steward)
    await inquiries.log_talk(actor, inquiry.id, EntryKind.CALL, seconds=60, gist="已说明", at=called_at)
    assert (await again(inquiry)).state is InquiryState.WAITING
    timer = await timer_of(inquiry)
    assert timer.running
    assert about(timer.first_due_at, 0, 40)


@pytest.mark.parametrize("shift", [timedelta(minutes=5), -timedelta(hours=1), -timedelta(days=11)])
async def test_a_talk_cannot_be_logged_in_the_future_before_the_question_or_long_ago(
    world: World, shift: timedelta
) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    if shift < -timedelta(days=10):
        pass_time(days=12)
    with pytest.raises(Invalid, match="time_of_reply"):
        await inquiries.log_talk(
            await acting(world.steward), inquiry.id, EntryKind.CALL, seconds=9, gist="通话", at=clock.now() + shift
        )


async def test_a_question_back_pauses_and_the_reply_goes_on(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    await inquiries.ask_back(await acting(world.steward), inquiry.id, "请问是哪一份材料？")
    assert (await state_of(inquiry)).is_paused
    assert await Message.filter(notice="inquiry_clarification", member_id=member.id).count() == 1
    joined = await asks(member, "伤情鉴定")
    assert joined.inquiry.id == inquiry.id
    assert not (await state_of(inquiry)).is_paused


async def test_thanks_are_closed_without_a_reply_and_with_a_reason(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member, "辛苦了")).inquiry
    await inquiries.close_without_reply(await acting(world.steward), inquiry.id, "致谢")
    assert ((await again(inquiry)).state, (await again(inquiry)).close_reason) == (InquiryState.CLOSED, "致谢")
    assert not (await timer_of(inquiry)).running


async def test_a_wish_to_be_called_is_seen_even_when_it_joins_a_question(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    await inquiries.ask(
        citizen(member), member, "请给我回电", channel="oa", source_key="call", kind=InquiryKind.CALL_BACK
    )
    assert (await again(inquiry)).kind is InquiryKind.CALL_BACK


async def test_who_asks_by_sms_is_told_by_sms_when_to_expect_an_answer(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await conversations.receive_sms(joined.numbers[0], "请问什么时候能拿到鉴定书", "sms:1")
    assert await Message.filter(notice="inquiry_received", member_id=joined.members[0].id).count() == 1
    await conversations.receive_sms(joined.numbers[0], "还有赔偿怎么办", "sms:2")
    assert await Message.filter(notice="inquiry_received").count() == 1, "acknowledged once"


# --- answered from the record -------------------------------------------------------------------------------------


async def status_answered(world: World) -> tuple[Case, Member, Inquiry]:
    joined = await case_with(world, VICTIM)
    question = conversations.question_for_record(*says(joined.identities[0], "询问进展"))
    assert question is not None
    [reply] = await conversations.answer_from_record([question])
    assert reply is not None
    inquiry = await Inquiry.get(member_id=joined.members[0].id)
    assert inquiry.state is InquiryState.ANSWERED_FROM_RECORD
    return joined.case, joined.members[0], inquiry


async def test_a_challenge_goes_on_with_the_original_clock(world: World) -> None:
    _, member, inquiry = await status_answered(world)
    pass_time(hours=30)
    asked = await inquiries.challenge(citizen(member), inquiry.id, "", channel="mp", source_key=None)
    assert asked.inquiry.id == inquiry.id
    state = await state_of(inquiry)
    assert state.episode == 1
    assert state.current is not None
    assert state.current.started_at == inquiry.opened_at
    assert state.first_response_at is None, "the record is no person"
    # 30 duty minutes from Tuesday 15:00: nobody could know before that the party still waited.
    assert about(asked.due_at, 30, 30)
    assert state.counters.answered_from_record == 1


async def test_the_same_challenge_sent_twice_is_one(world: World) -> None:
    _, member, inquiry = await status_answered(world)
    for _ in range(2):
        asked = await inquiries.challenge(citizen(member), inquiry.id, "没说清楚", channel="mp", source_key="mp:1")
        assert asked.inquiry.id == inquiry.id
    assert await InquiryEntry.filter(inquiry_id=inquiry.id, kind=EntryKind.ASKED).count() == 2


async def test_after_48_hours_an_answer_from_the_record_stands(world: World) -> None:
    _, member, inquiry = await status_answered(world)
    pass_time(hours=48, seconds=1)
    with pytest.raises(Conflict, match="inquiry_not_challengeable"):
        await inquiries.challenge(citizen(member), inquiry.id, "", channel="mp", source_key=None)


async def test_a_challenge_beside_a_waiting_question_goes_with_it(world: World) -> None:
    _, member, inquiry = await status_answered(world)
    waiting = (await asks(member)).inquiry
    asked = await inquiries.challenge(citizen(member), inquiry.id, "没说清楚", channel="mp", source_key="c:1")
    assert asked.inquiry.id == waiting.id
    assert (await again(inquiry)).merged_into_id == waiting.id
    assert (await again(waiting)).version == 2, "an officer must read it before answering"
    await inquiries.answer(await acting(world.steward), waiting.id, "一并答复")
    assert await Message.filter(notice="inquiry_answered").count() == 1


async def test_an_officer_reopens_what_was_no_answer(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    inquiry = (await asks(member)).inquiry
    actor = await acting(world.steward)
    await inquiries.answer(actor, inquiry.id, "已处理")
    pass_time(hours=1)
    await inquiries.reopen(actor, inquiry.id, "答非所问")
    state = await state_of(inquiry)
    assert (await again(inquiry)).state is InquiryState.WAITING
    assert [episode.first.kept for episode in state.episodes] == [True, None]
    assert about(state.first_due_at, 1, 30)
    with pytest.raises(Conflict):
        await inquiries.reopen(actor, inquiry.id, "再来一次")


async def test_what_is_reopened_while_the_party_asks_something_else_would_be_two(world: World) -> None:
    member = (await case_with(world, VICTIM)).members[0]
    actor = await acting(world.steward)
    first = (await asks(member)).inquiry
    await inquiries.answer(actor, first.id, "已处理")
    await asks(member, "另一个问题")
    with pytest.raises(Conflict, match="inquiry_other_waits"):
        await inquiries.reopen(actor, first.id, "答非所问")


# --- merging ------------------------------------------------------------------------------------------------------


async def test_a_couple_asks_twice_and_one_answer_reaches_both_each_in_their_own_thread(world: World) -> None:
    joined = await case_with(world, VICTIM, VICTIM)
    wife, husband = joined.members
    actor = await acting(world.steward)
    first = (await asks(wife, "我的车什么时候能取？")).inquiry
    pass_time(minutes=10)
    second = (await asks(husband, "车在哪里？")).inquiry
    await inquiries.merge(actor, first.id, second.id)
    assert about((await timer_of(second)).first_due_at, 0, 30), "the earliest of both counts"
    assert not (await timer_of(first)).running
    later = await asks(wife, "急用")
    assert later.inquiry.id == first.id, "her further words stay in her own thread"
    assert not later.is_new
    assert (await again(second)).messages == 3
    await inquiries.answer(actor, second.id, "周四上午可取车。")
    threads = [[line.text for line in await inquiries.thread_for(member)] for member in (wife, husband)]
    assert threads == [["我的车什么时候能取？", "急用", "周四上午可取车。"], ["车在哪里？", "周四上午可取车。"]]
    told = await Message.filter(notice="inquiry_answered").values_list("member_id", flat=True)
    assert set(told) == {wife.id, husband.id}
    assert set(await inquiries.with_merged(second.id)) == {first.id, second.id}
    assert (await asks(wife, "谢谢，还有一个问题")).is_new, "the merged one has its answer"


async def test_opponents_and_protected_persons_are_never_merged(world: World) -> None:
    joined = await case_with(world, VICTIM, VICTIM, (PartyRole.SUSPECT, Side.B))
    actor = await acting(world.steward)
    ours, protected, theirs = [(await asks(member)).inquiry for member in joined.members]
    await people.protect(actor, joined.members[1].person_id, code_word="蓝雨伞", safe_phone=None, pretext="快递")
    for source in (protected, theirs):
        with pytest.raises(Conflict, match="inquiries_apart"):
            await inquiries.merge(actor, source.id, ours.id)
    with pytest.raises(Conflict, match="inquiries_apart"):
        await inquiries.merge(actor, ours.id, ours.id)


async def test_inquiries_of_two_cases_stay_apart(world: World) -> None:
    actor = await acting(world.steward)
    one, other = [(await asks((await case_with(world, VICTIM)).members[0])).inquiry for _ in range(2)]
    with pytest.raises(Conflict, match="inquiries_apart"):
        await inquiries.merge(actor, one.id, other.id)


async def test_a_talk_with_one_of_several_is_no_answer_to_the_others(world: World) -> None:
    joined = await case_with(world, VICTIM, VICTIM)
    actor = await acting(world.steward)
    one, other = [(await asks(member)).inquiry for member in joined.members]
    await inquiries.merge(actor, one.id, other.id)
    with pytest.raises(Conflict, match="talk_with_one_of_several"):
        await inquiries.log_talk(actor, other.id, EntryKind.CALL, seconds=60, gist="已说明")


# --- every message in exactly one ---------------------------------------------------------------------------------


async def test_messages_by_way_of_the_conversation_stand_in_exactly_one_inquiry_each(world: World) -> None:
    joined = await case_with(world, VICTIM)
    keys = []
    for text in ("询问进展", "鉴定费谁出？", "询问进展", "谁负责", "请给我回电", "没有解决", "1"):
        speaker, said = says(joined.identities[0], text)
        keys.append(said.source_key)
        await conversations.receive(speaker, said)
    places = await InquiryEntry.filter(source_key__in=keys).values_list("source_key", "inquiry_id")
    assert sorted(key for key, _ in places) == sorted(keys)
    assert await Inquiry.filter(member_id=joined.members[0].id, state=InquiryState.WAITING).count() == 1


async def test_an_invited_party_who_is_not_in_the_group_yet_may_ask_by_sms(world: World) -> None:
    registered = await register(world, [party(PartyRole.VICTIM, Side.A, number="19912345678")])
    await conversations.receive_sms("19912345678", "怎么加入", "sms:9")
    inquiry = await Inquiry.get(case_id=registered.case.id)
    assert inquiry.state is InquiryState.WAITING
