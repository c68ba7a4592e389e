"""What a party sees when they write to the bot, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from delivery.models import CONTEXT, Message
from kit import clock
from kit.crypto import vault
from kit.jobs import Job
from stewardship import reactions
from stewardship.casework.cases import service as cases
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.conversations import service as conversations
from stewardship.conversations import texts
from stewardship.conversations.said import Reply, Said, SaidKind, Speaker
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.files.models import StoredFile
from stewardship.foundation.files.rules import receipt_of
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Trust, WechatIdentity
from stewardship.opinion.ratings import asking
from stewardship.opinion.ratings.rules import Milestone
from tests.support.world import World, acting, case_with, draft, follower, phone, post, register, says


async def tell(identity: WechatIdentity, text: str, **details: str) -> Reply:
    return await conversations.receive(*says(identity, text, **details))


def touches(identity: WechatIdentity, kind: SaidKind, **details: str) -> tuple[Speaker, Said]:
    key = f"{kind}:{identity.id}:{details}"
    return Speaker(identity.app_id, identity.openid, "oa"), Said(kind, key, **details)


async def test_a_stranger_is_told_how_to_join(world: World) -> None:
    reply = await tell(await follower(), "我的案子怎么样了")
    assert reply.text == texts.HOW_TO_JOIN


async def test_scanning_the_receipt_and_sending_the_number_waits_for_the_steward(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    identity = await follower()
    asked = await conversations.receive(*touches(identity, SaidKind.FOLLOWED, scene=registered.issued[0].token))
    assert asked.text == texts.PROVE_PHONE
    assert (await tell(identity, phone())).text == texts.WRONG_PHONE.format(left=2)
    assert (await tell(identity, f"我的号码是{number}")).text == texts.PENDING
    assert (await Member.get(id=registered.issued[0].member.id)).state is MemberState.PENDING_APPROVAL


async def test_the_status_is_answered_from_the_record(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await post(world, joined.case, "已调取监控，正在核实。", stage="accepted")
    reply = await tell(joined.identities[0], "案子怎么样了？")
    for piece in (joined.case.reference, "已经受理", "等待鉴定意见", "已调取监控", "柳堤派出所", "王警官"):
        assert piece in reply.text
    inquiry = await Inquiry.get(member_id=joined.members[0].id)
    assert inquiry.state is InquiryState.ANSWERED_FROM_RECORD
    assert await Clock.filter(subject_id=inquiry.id).count() == 0


async def test_a_suspect_hears_who_is_in_charge_and_not_where_the_case_stands(world: World) -> None:
    joined = await case_with(world, (PartyRole.SUSPECT, Side.B))
    await post(world, joined.case, "不给嫌疑人看的进展", stage="accepted")
    reply = await tell(joined.identities[0], "进展")
    assert "已经受理" not in reply.text
    assert "王警官" in reply.text


async def test_four_angry_messages_are_one_inquiry_acknowledged_once(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    angry = ["都三天了！", "你们到底管不管？", "我的手机什么时候能还给我！!", "说话啊"]
    replies = [await tell(joined.identities[0], text) for text in angry]
    assert "09:30" in replies[0].text, "half an hour of duty time from 09:00"
    assert [r.text for r in replies[1:]] == ["", "", ""]
    inquiry = await Inquiry.get(member_id=joined.members[0].id)
    assert inquiry.messages == 4
    assert await InquiryEntry.filter(inquiry_id=inquiry.id, kind=EntryKind.ASKED).count() == 4


async def test_thanks_opens_no_inquiry(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    assert (await tell(joined.identities[0], "好的，谢谢！")).text == texts.THANKS
    assert await Inquiry.all().count() == 0


async def test_not_solved_hands_the_question_to_a_person_with_its_original_clock(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await tell(joined.identities[0], "进展")
    asked_at = (await Inquiry.get(member_id=joined.members[0].id)).opened_at
    clock.set_offset(clock.offset() + timedelta(minutes=10))
    reply = await tell(joined.identities[0], "没有解决")
    assert "王警官" in reply.text
    inquiry = await Inquiry.get(member_id=joined.members[0].id)
    timer = await Clock.get(subject_id=inquiry.id)
    assert inquiry.state is InquiryState.WAITING
    assert timer.started_at == asked_at


async def test_a_call_back_is_promised_with_a_time(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    reply = await conversations.receive(*touches(joined.identities[0], SaidKind.CLICKED, menu_key="call_back"))
    assert "回电" in reply.text
    assert "09:30" in reply.text


async def test_an_emergency_is_told_to_dial_110_and_still_reaches_a_person(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    reply = await tell(joined.identities[0], "救命，他又来撞门了")
    assert "110" in reply.text
    assert await Inquiry.filter(member_id=joined.members[0].id, state=InquiryState.WAITING).count() == 1
    stranger = await tell(await follower(), "救命")
    assert stranger.text == texts.EMERGENCY


@pytest.mark.parametrize("text", ["进展", "谁负责", "没有解决", "我的案件", "3", "请给我回电", "帮助", "谢谢"])
async def test_the_holder_of_a_stolen_phone_hears_what_any_stranger_hears(world: World, text: str) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    contact = await Contact.get(person_id=joined.members[0].person_id)
    await people.mark_contact(await acting(world.steward), contact.id, Trust.STOLEN, "手机被抢")
    thief = await WechatIdentity.get(id=joined.identities[0].id)
    assert (await tell(thief, text)).text == (await tell(await follower(), text)).text


async def test_a_protected_person_is_a_stranger_without_the_code_word(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await people.protect(
        await acting(world.steward), joined.members[0].person_id, code_word="蓝雨伞", safe_phone=None, pretext="快递"
    )
    identity = joined.identities[0]
    assert (await tell(identity, "进展")).text == texts.HOW_TO_JOIN
    await tell(identity, "蓝雨伞")
    assert joined.case.reference in (await tell(identity, "进展")).text
    clock.set_offset(clock.offset() + timedelta(minutes=11))
    assert (await tell(identity, "进展")).text == texts.HOW_TO_JOIN


async def test_with_two_cases_the_question_waits_until_one_is_chosen(world: World) -> None:
    first = await case_with(world, (PartyRole.VICTIM, Side.A))
    identity = first.identities[0]
    second = await register(world, [draft(PartyRole.VICTIM, number=first.numbers[0])])
    member = second.issued[0].member
    await Member.filter(id=member.id).update(person_id=identity.person_id, state=MemberState.JOINED)
    offered = await tell(identity, "我的手机什么时候还我？")
    assert len(offered.options) == 2
    assert await Inquiry.all().count() == 0
    number = next(n for n, label in enumerate(offered.options, 1) if label.startswith(second.case.reference))
    chosen = await tell(identity, str(number))
    assert "答复" in chosen.text
    inquiry = await Inquiry.get()
    assert inquiry.case_id == second.case.id
    assert second.case.reference in (await tell(identity, "进展")).text, "the chosen case is the one meant now"


async def test_a_question_whose_case_nobody_chose_is_not_lost(world: World) -> None:
    first = await case_with(world, (PartyRole.VICTIM, Side.A))
    identity = first.identities[0]
    second = await register(world, [draft(PartyRole.VICTIM, number=first.numbers[0])])
    await Member.filter(id=second.issued[0].member.id).update(
        person_id=identity.person_id, state=MemberState.JOINED, joined_at=clock.now()
    )
    await tell(identity, "第一句")
    await tell(identity, "第二句")
    assert await conversations.settle_unchosen() == 0
    clock.set_offset(clock.offset() + timedelta(minutes=11))
    assert await conversations.settle_unchosen() == 1
    inquiry = await Inquiry.get()
    assert (inquiry.case_id, inquiry.messages) == (second.case.id, 2)
    assert await Message.filter(notice="inquiry_received", subject_id=inquiry.id).count() == 1


async def test_a_picture_is_kept_as_submitted_material_with_a_receipt(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    reply = await conversations.receive(*touches(joined.identities[0], SaidKind.PICTURE, media_id="MEDIA-1"))
    file = await StoredFile.get()
    assert file.id.hex[-8:].upper() in reply.text
    entry = await InquiryEntry.get()
    assert entry.file_id == file.id


async def test_a_voice_is_read_by_its_recognition(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    speaker, _ = says(joined.identities[0], "")
    reply = await conversations.receive(speaker, Said(SaidKind.VOICE, "voice:1", text="案子到哪一步了。", media_id="M"))
    assert joined.case.reference in reply.text


async def test_one_message_delivered_twice_stands_in_one_inquiry(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    message = says(joined.identities[0], "什么时候有结果呢，我很着急")
    await conversations.receive(*message)
    await conversations.receive(*message)
    assert await InquiryEntry.filter(kind=EntryKind.ASKED).count() == 1


async def test_whoever_left_the_group_is_a_stranger(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await Member.filter(id=joined.members[0].id).update(state=MemberState.LEFT)
    assert (await tell(joined.identities[0], "进展")).text == texts.HOW_TO_JOIN


async def two_cases(world: World) -> tuple[WechatIdentity, str]:
    """Somebody who is in two groups, and the second case's reference."""
    first = await case_with(world, (PartyRole.VICTIM, Side.A))
    identity = first.identities[0]
    second = await register(world, [draft(PartyRole.VICTIM, number=first.numbers[0])])
    await Member.filter(id=second.issued[0].member.id).update(
        person_id=identity.person_id, state=MemberState.JOINED, joined_at=clock.now()
    )
    return identity, second.case.reference


async def protect(world: World, identity: WechatIdentity, code_word: str) -> None:
    assert identity.person_id is not None
    await people.protect(
        await acting(world.steward), identity.person_id, code_word=code_word, safe_phone=None, pretext="快递"
    )


async def test_a_protected_person_with_two_cases_chooses_and_nothing_they_wrote_is_lost(world: World) -> None:
    identity, reference = await two_cases(world)
    await protect(world, identity, "蓝雨伞")
    await tell(identity, "蓝雨伞")
    offered = await tell(identity, "我害怕他再来，怎么办？")
    assert len(offered.options) == 2
    await tell(identity, "蓝雨伞")
    number = next(n for n, label in enumerate(offered.options, 1) if label.startswith(reference))
    await tell(identity, str(number))
    inquiry = await Inquiry.get()
    assert (inquiry.messages, inquiry.state) == (1, InquiryState.WAITING)


async def test_a_code_word_is_no_question(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await protect(world, joined.identities[0], "蓝雨伞")
    assert (await tell(joined.identities[0], "蓝雨伞")).text == texts.HELP
    assert await Inquiry.all().count() == 0


@pytest.mark.parametrize("kind", [SaidKind.TEXT, SaidKind.VOICE, SaidKind.PICTURE, SaidKind.FILE, SaidKind.OTHER])
async def test_what_says_nothing_gets_a_helpful_answer(world: World, kind: SaidKind) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    assert (await conversations.receive(*touches(joined.identities[0], kind))).text == texts.HELP
    assert await Inquiry.all().count() == 0
    assert (await conversations.receive(*touches(await follower(), kind))).text == texts.HOW_TO_JOIN


async def test_tapping_the_case_in_the_list_chooses_it(world: World) -> None:
    identity, reference = await two_cases(world)
    offered = await tell(identity, "我的手机什么时候还我？")
    number = next(n for n, label in enumerate(offered.options, 1) if label.startswith(reference))
    chosen = await tell(identity, offered.options[number - 1], item_id=f"choose:{number}")
    assert "答复" in chosen.text
    late = await tell(identity, offered.options[0], item_id="choose:1")
    assert len(late.options) == 2, "the list is offered again: what it chose from is over"


@pytest.mark.parametrize(("kind", "why"), [("file.lost", "文件打不开"), ("file.rejected", "没有通过安全检查")])
async def test_whoever_sent_a_file_that_could_not_be_kept_is_asked_for_it_again(
    world: World, kind: str, why: str
) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await conversations.receive(*touches(joined.identities[0], SaidKind.PICTURE, media_id="MEDIA-1"))
    file = await StoredFile.get()
    await reactions.file_not_kept(
        Job(1, "react.file_not_kept", {"kind": kind, "subject_id": str(file.id), "details": {}}, 0)
    )
    message = await Message.get(notice="material_rejected")
    context = vault().ring.open_text(message.context, CONTEXT)
    assert receipt_of(file.id) in context
    assert why in context


@pytest.mark.parametrize("tapped", [True, False])
async def test_whoever_left_the_group_can_still_rate_what_they_were_asked_to(world: World, tapped: bool) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    case, member = joined.case, joined.members[0]
    await cases.close(await acting(world.steward), case.id)
    await asking.plan(case.id, Milestone.CASE_CLOSED, case.episode)
    clock.set_offset(clock.offset() + timedelta(days=3))
    await asking.send_due(clock.now())
    message = await Message.get(notice="rating_request")
    token = orjson.loads(vault().ring.open(message.context, CONTEXT))["token"]
    await Member.filter(id=member.id).update(state=MemberState.LEFT)
    item = {"item_id": f"rate:{token}:3"} if tapped else {}
    reply = await tell(joined.identities[0], "不满意" if tapped else "3", **item)
    assert reply.text == texts.RATED_DISSATISFIED
    assert (await tell(joined.identities[0], "进展")).text == texts.HOW_TO_JOIN
