"""A party picks a time of an appointment in the chat or by SMS; a digit that may mean two things is asked back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from delivery.contexts import CONTEXTS
from delivery.hooks import Failure
from delivery.models import CONTEXT, Message, RecipientKind
from delivery.notice import Notice
from delivery.recipients import Dropped, MessageView
from kit import clock
from kit.crypto import vault
from kit.ids import new_token, token_hash
from stewardship import reach
from stewardship.casework.appointments import service
from stewardship.casework.appointments.models import Appointment, AppointmentSlot, AppointmentState, Purpose
from stewardship.casework.appointments.service import Terms
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.conversations import service as conversations
from stewardship.conversations import texts
from stewardship.conversations.said import Reply
from stewardship.dialogue.inquiries.models import Inquiry, InquiryKind
from stewardship.foundation.people.models import WechatIdentity
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.visits.models import Visit
from tests.support.world import Joined, World, acting, case_with, says


async def tell(identity: WechatIdentity, text: str, **details: str) -> Reply:
    return await conversations.receive(*says(identity, text, **details))


async def by_sms(joined: Joined, text: str, key: str) -> str:
    return await conversations.receive_sms(joined.numbers[0], text, key)


async def offered(world: World, joined: Joined) -> Appointment:
    terms = Terms(Purpose.PROCEDURE, room="一楼接待室", bring="身份证")
    return await service.offer(await acting(world.steward), joined.case.id, joined.members[0].id, terms)


async def rating_sent(joined: Joined) -> Rating:
    """A rating that this party was asked for just now."""
    member, at = joined.members[0], clock.now()
    return await Rating.create(
        case_id=joined.case.id,
        party_id=member.party_id,
        member_id=member.id,
        person_id=member.person_id,
        unit_id=joined.case.unit_id,
        milestone="closed",
        episode=1,
        state=RatingState.SENT,
        token_hash=token_hash(new_token()),
        due_at=at,
        sent_at=at,
        expires_at=at + timedelta(days=7),
    )


async def picked(appointment: Appointment) -> tuple[AppointmentState, datetime | None]:
    found = await Appointment.get(id=appointment.id)
    return found.state, found.starts_at


async def time_of(appointment: Appointment, number: int) -> datetime:
    return (await AppointmentSlot.get(appointment_id=appointment.id, number=number)).starts_at


@pytest.fixture
async def joined(world: World) -> Joined:
    return await case_with(world, (PartyRole.VICTIM, Side.A))


async def test_a_tap_books_and_the_chat_says_so_at_once(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    reply = await tell(joined.identities[0], "3月17日 08:30", item_id=f"book:{appointment.id.hex}:2")
    for piece in ("约好了", "明天 08:30", "办理手续", "一楼接待室", "身份证", "免费"):
        assert piece in reply.text
    assert await picked(appointment) == (AppointmentState.BOOKED, await time_of(appointment, 2))
    assert not await Message.exists(notice="appointment_booked"), "it was said already"


async def test_a_bare_digit_books_where_nothing_else_is_open(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    assert await by_sms(joined, " 3。", "sms:1") == "booked"
    assert await picked(appointment) == (AppointmentState.BOOKED, await time_of(appointment, 3))
    assert await Message.filter(notice="appointment_booked").count() == 1
    assert await Inquiry.all().count() == 0


async def test_none_of_the_times_becomes_a_call_back_within_the_promise(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    assert await by_sms(joined, "0", "sms:1") == "other_times"
    assert (await picked(appointment))[0] is AppointmentState.CANCELLED
    inquiry = await Inquiry.get(member_id=joined.members[0].id)
    assert inquiry.kind is InquiryKind.CALL_BACK
    again = await offered(world, joined)
    reply = await tell(joined.identities[0], "都不合适", item_id=f"book:{again.id.hex}:0")
    assert "另约时间" in reply.text


async def test_a_digit_that_may_be_a_rating_as_well_is_asked_back(world: World, joined: Joined) -> None:
    rating = await rating_sent(joined)
    appointment = await offered(world, joined)
    assert await by_sms(joined, "2", "sms:1") == "which_question"
    message = await Message.get(notice="which_question")
    context = CONTEXTS[Notice.WHICH_QUESTION].model_validate_json(vault().ring.open(message.context, CONTEXT))
    assert (context.one, context.other) == ("服务评价", "3月16日来所")  # type: ignore[attr-defined]  # of this notice.
    assert (await Rating.get(id=rating.id)).score is None
    assert await by_sms(joined, "22", "sms:2") == "booked"
    assert await picked(appointment) == (AppointmentState.BOOKED, await time_of(appointment, 2))
    assert await by_sms(joined, "1", "sms:3") == "rated", "nothing else is open any more"
    assert (await Rating.get(id=rating.id)).score == 1


async def test_the_first_of_the_two_is_answered_by_a_code_too(world: World, joined: Joined) -> None:
    rating = await rating_sent(joined)
    await offered(world, joined)
    await by_sms(joined, "3", "sms:1")
    assert await by_sms(joined, "11", "sms:2") == "rated"
    assert (await Rating.get(id=rating.id)).score == 1
    assert await by_sms(joined, "满意", "sms:3") != "which_question"


async def test_a_word_of_satisfaction_needs_no_asking_back(world: World, joined: Joined) -> None:
    rating = await rating_sent(joined)
    await offered(world, joined)
    assert await by_sms(joined, "满意", "sms:1") == "rated"
    assert (await Rating.get(id=rating.id)).score == 1


async def test_in_the_chat_it_is_asked_back_in_the_chat(world: World, joined: Joined) -> None:
    await rating_sent(joined)
    appointment = await offered(world, joined)
    reply = await tell(joined.identities[0], "1")
    assert reply.outcome == "which_question"
    assert "21" in reply.text
    assert (await tell(joined.identities[0], "21")).outcome == "booked"
    assert (await picked(appointment))[0] is AppointmentState.BOOKED


async def test_two_digits_without_a_question_of_ours_go_to_a_person(world: World, joined: Joined) -> None:
    await offered(world, joined)
    assert await by_sms(joined, "11", "sms:1") == "asked"


async def test_a_time_that_is_over_goes_to_a_person(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    clock.set_offset(clock.offset() + timedelta(hours=9))
    assert await by_sms(joined, "1", "sms:1") == "asked"
    assert (await picked(appointment))[0] is AppointmentState.OFFERED
    assert await by_sms(joined, "2", "sms:2") == "booked"


async def test_a_party_without_wechat_is_asked_by_sms(world: World, joined: Joined) -> None:
    await Member.filter(id=joined.members[0].id).update(state=MemberState.INVITED)
    appointment = await offered(world, joined)
    message = await Message.get(notice="appointment_offered")
    found = (await reach.resolve([view(message)]))[message.id]
    assert not isinstance(found, Dropped)
    assert await by_sms(joined, "1", "sms:1") == "booked"
    assert (await picked(appointment))[0] is AppointmentState.BOOKED


async def test_a_reminder_that_a_change_has_overtaken_does_not_go(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    await by_sms(joined, "2", "sms:1")
    message = await Message.get(notice="appointment_booked")
    await service.cancel(await acting(world.steward), appointment.id, "改天再来")
    assert (await reach.resolve([view(message)]))[message.id] == Dropped("appointment_changed")


async def test_a_change_that_reached_nobody_is_a_call_before_they_set_out(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    await by_sms(joined, "1", "sms:1")
    await service.cancel(await acting(world.steward), appointment.id, "改天再来")
    message = await Message.get(notice="appointment_cancelled")
    await reach.HOOKS.failed([Failure(view(message), "exhausted", call_needed=True)])
    task = await Visit.get(message_id=message.id)
    assert task.due_at == await time_of(appointment, 1) - timedelta(hours=1)


async def test_a_stranger_to_an_offer_cannot_take_it_by_its_number(world: World, joined: Joined) -> None:
    other = await case_with(world, (PartyRole.VICTIM, Side.A))
    appointment = await offered(world, joined)
    reply = await tell(other.identities[0], "x", item_id=f"book:{appointment.id.hex}:1")
    assert reply.outcome == "appointment_not_found"
    assert (await tell(other.identities[0], "x", item_id="book:nonsense:1")).text == texts.NO_SUCH_CHOICE


def view(message: Message) -> MessageView:
    return MessageView(
        message.id,
        Notice(message.notice),
        RecipientKind(message.recipient_kind),
        message.recipient_id,
        message.member_id,
        message.case_id,
        message.unit_id,
        message.subject_id,
        0,
        message.created_at,
    )
