"""What delivery is told at the moment of sending: who may still be reached, and how; and what follows from failing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from delivery.hooks import Fact, Failure, Refusal
from delivery.models import Channel, Message, RecipientKind
from delivery.notice import Notice
from delivery.planner import plan
from delivery.recipients import Dropped, MessageView, Recipient
from delivery.registry import REGISTRY
from kit import clock
from kit.ids import new_id
from stewardship import reach
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import ShiftKind
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Platform, Trust, WechatIdentity
from stewardship.opinion.visits.models import Visit, VisitPurpose
from tests.support.world import OA, Joined, World, acting, case_with, on_leave, post


def view(notice: Notice, member: Member, subject_id: UUID | None = None) -> MessageView:
    return MessageView(
        new_id(),
        notice,
        RecipientKind.PERSON,
        member.person_id,
        member.id,
        member.case_id,
        None,
        subject_id,
        0,
        clock.now(),
    )


async def one(message: MessageView) -> Recipient | Dropped:
    found: Mapping[UUID, Recipient | Dropped] = await reach.resolve([message])
    return found[message.id]


async def victim(world: World) -> Joined:
    return await case_with(world, (PartyRole.VICTIM, Side.A))


async def test_a_member_is_reached_in_the_chat_and_by_phone(world: World) -> None:
    joined = await victim(world)
    found = await one(view(Notice.UPDATE_POSTED, joined.members[0]))
    assert isinstance(found, Recipient)
    assert found.oa is not None
    assert found.oa.identity_id == joined.identities[0].id
    assert [phone.number for phone in found.phones] == [f"+86{joined.numbers[0]}"]


async def test_whoever_left_or_was_removed_hears_no_more_of_the_case(world: World) -> None:
    joined = await victim(world)
    await groups.leave(SYSTEM, joined.members[0].id)
    assert await one(view(Notice.UPDATE_POSTED, joined.members[0])) == Dropped("not_a_member")
    await groups.remove(await acting(world.steward), joined.case, joined.members[0].id, "登记有误")
    assert await one(view(Notice.UPDATE_POSTED, joined.members[0])) == Dropped("removed")


async def test_an_invitation_overtaken_by_joining_does_not_go(world: World) -> None:
    joined = await victim(world)
    assert await one(view(Notice.INVITATION_REMINDER, joined.members[0])) == Dropped("joined_meanwhile")


async def test_nothing_goes_to_a_stolen_phone_or_its_wechat(world: World) -> None:
    joined = await victim(world)
    contact = await Contact.get(person_id=joined.members[0].person_id)
    await people.mark_contact(await acting(world.steward), contact.id, Trust.STOLEN, "手机被抢")
    found = await one(view(Notice.UPDATE_POSTED, joined.members[0]))
    assert found == Recipient()


async def test_a_protected_person_is_reached_by_the_safe_way_only(world: World) -> None:
    joined = await victim(world)
    await people.protect(
        await acting(world.steward),
        joined.members[0].person_id,
        code_word="蓝雨伞",
        safe_phone="19900007777",
        pretext="快递",
    )
    found = await one(view(Notice.UPDATE_POSTED, joined.members[0]))
    assert isinstance(found, Recipient)
    assert (found.oa, found.mp, found.phones) == (None, None, ())
    assert found.protected is not None
    assert found.protected.phone is not None
    assert found.protected.phone.number == "+8619900007777"


async def test_a_warning_that_an_answer_made_pointless_does_not_go(world: World) -> None:
    joined = await victim(world)
    person = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
    asked = await inquiries.ask(person, joined.members[0], "什么时候有结果？", channel="oa", source_key=None)
    warning = MessageView(
        new_id(),
        Notice.INQUIRY_WARNING,
        RecipientKind.OFFICER,
        world.steward.id,
        None,
        joined.case.id,
        None,
        asked.inquiry.id,
        5,
        clock.now(),
    )
    assert isinstance(await one(warning), Recipient)
    await inquiries.answer(await acting(world.steward), asked.inquiry.id, "下周三出结果。")
    assert await one(warning) == Dropped("answered_meanwhile")


async def test_what_a_platform_says_of_an_identity_is_remembered(world: World) -> None:
    joined = await victim(world)
    identity = joined.identities[0]
    await WechatIdentity.filter(id=identity.id).update(following=True)
    refusal = Refusal(Channel.OA_CUSTOMER_SERVICE, identity.id, Fact.NOT_FOLLOWING, "43004")
    await reach.HOOKS.refused([refusal])
    assert not (await WechatIdentity.get(id=identity.id)).following


async def test_a_message_that_reached_nobody_becomes_one_telephone_task(world: World) -> None:
    joined = await victim(world)
    await post(world, joined.case, "已委托鉴定")
    message = await Message.get(notice="update_posted")
    failed = MessageView(
        message.id,
        Notice.UPDATE_POSTED,
        RecipientKind.PERSON,
        message.recipient_id,
        message.member_id,
        message.case_id,
        message.unit_id,
        message.subject_id,
        0,
        message.created_at,
    )
    for _ in range(2):
        await reach.HOOKS.failed([Failure(failed, "exhausted", call_needed=True)])
    task = await Visit.get(message_id=message.id)
    assert task.purpose is VisitPurpose.UNDELIVERABLE
    assert task.assigned_to_id == world.steward.id


async def test_an_invited_party_may_be_written_to_about_their_own_question(world: World) -> None:
    joined = await victim(world)
    await Member.filter(id=joined.members[0].id).update(state=MemberState.INVITED)
    assert isinstance(await one(view(Notice.INQUIRY_ANSWERED, joined.members[0])), Recipient)
    assert await one(view(Notice.UPDATE_POSTED, joined.members[0])) == Dropped("not_a_member")


@pytest.mark.parametrize("bound_first", [True, False])
async def test_an_officer_who_bound_the_mini_program_is_reached_in_the_official_account(
    world: World, bound_first: bool
) -> None:
    """Template messages go to the official account; officers bind themselves in the mini-program."""
    officer, unionid = world.steward.id, f"union-{new_id()}"
    in_mp = await people.identity_of(Platform.MINI_PROGRAM, "wxmp", f"mp-{unionid}"[:40], unionid)
    following = await people.identity_of(Platform.OFFICIAL_ACCOUNT, OA, f"oa-{unionid}"[:40])
    for step in ("bind", "learn") if bound_first else ("learn", "bind"):
        if step == "bind":
            await people.bind_officer(SYSTEM, in_mp.id, officer)
        else:
            await people.identity_of(Platform.OFFICIAL_ACCOUNT, OA, following.openid, unionid)
    message = MessageView(
        new_id(), Notice.INQUIRY_WARNING, RecipientKind.OFFICER, officer, None, None, None, None, 0, clock.now()
    )
    found = await one(message)
    assert isinstance(found, Recipient)
    assert (found.oa is not None, found.mp is not None) == (True, True)
    assert found.oa is not None
    assert found.oa.identity_id == following.id


def to_officer(notice: Notice, officer_id: UUID) -> MessageView:
    return MessageView(new_id(), notice, RecipientKind.OFFICER, officer_id, None, None, None, None, 5, clock.now())


async def test_an_officer_off_duty_hears_when_duty_starts_and_of_a_threat_at_once(world: World) -> None:
    clock.set_offset(clock.offset() + timedelta(hours=13))
    found = await one(to_officer(Notice.VISIT_ASSIGNED, world.steward.id))
    assert isinstance(found, Recipient)
    morning = datetime(2026, 3, 17, 0, 30, tzinfo=UTC)
    assert found.off_duty_until == morning, "22:00 is not duty time; 08:30 is"
    waits = plan(REGISTRY[Notice.VISIT_ASSIGNED], found, {}, clock.now())
    assert (waits.options, waits.later) == ((), morning)
    assert plan(REGISTRY[Notice.THREAT_REPORTED], found, {}, clock.now()).later is None


async def test_whoever_is_on_duty_at_night_is_rung_at_night(world: World) -> None:
    clock.set_offset(clock.offset() + timedelta(hours=13))
    await org.roster(
        SYSTEM,
        unit_id=world.station.id,
        officer_id=world.steward.id,
        kind=ShiftKind.DUTY,
        starts_at=clock.now() - timedelta(hours=5),
        ends_at=clock.now() + timedelta(hours=7),
    )
    found = await one(to_officer(Notice.VISIT_ASSIGNED, world.steward.id))
    assert isinstance(found, Recipient)
    assert found.off_duty_until is None


async def test_an_outcry_reaches_the_steward_and_whoever_is_there_once_in_ten_minutes(world: World) -> None:
    joined = await victim(world)
    await on_leave(world, world.steward)
    person = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
    for text in ("救命，他来撞门了", "快来人！"):
        await inquiries.ask(person, joined.members[0], text, channel="oa", source_key=None, threat=True)
    told = await Message.filter(notice=Notice.THREAT_REPORTED.value).values_list("recipient_id", flat=True)
    assert len(told) == 2
    assert world.steward.id in told
