"""Chapter 4: a party asks for the status and is answered from the record; four angry messages are one inquiry."""

from __future__ import annotations

from datetime import timedelta

from demo.chapters.joining import DISPUTE, member_of
from demo.chapters.news import AWAITED, TEXT
from demo.checks import check, same, there
from demo.stage import Stage, local_time
from demo.telling import step
from stewardship.conversations import texts
from stewardship.conversations.said import MenuKey
from stewardship.dialogue.answering.record import PERSON_OFFERED
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.clocks.models import Clock

ANGRY = ("都三天了，到底有没有人管？", "我每天下班都没地方停车！", "你们是不是偏向对方？", "今天必须给我一个说法。")
ANSWER = "周女士您好，物业书面说明今天下午到所，我收到后当天组织双方调解，时间定了马上告诉您。"


async def clock_of(inquiry: Inquiry) -> Clock:
    """The promise's clock."""
    return await Clock.get(subject_kind="inquiry", subject_id=inquiry.id)


@step("甲方点菜单“询问进展”，按案卷当场答复")
async def status(stage: Stage) -> str:
    reply = await stage.phones["zhou"].tap_menu(MenuKey.STATUS.value)
    for part in (stage.matters[DISPUTE].reference, "民警正在处理。", AWAITED, TEXT, PERSON_OFFERED):
        check(part in reply, f"答复里应有“{part}”，实为“{reply}”")
    member = await member_of(stage, DISPUTE, "zhou")
    inquiry = await Inquiry.get(member_id=member.id)
    same(inquiry.state, InquiryState.ANSWERED_FROM_RECORD, "问题状态")
    check(inquiry.provisional_until is not None, "按案卷答复是暂时的，48 小时内可以转人工")
    check(not await Clock.exists(subject_kind="inquiry", subject_id=inquiry.id), "按案卷答复不算民警首次回应")
    return "单独计数，不算民警回应"


@step("甲方又连发四条，只开一个问题，只回执一次")
async def four_messages(stage: Stage) -> str:
    phone = stage.phones["zhou"]
    replies = [await phone.write(text) for text in ANGRY]
    same(replies[1:], ["", "", ""], "后三条不再重复回执")
    member = await member_of(stage, DISPUTE, "zhou")
    waiting = await Inquiry.filter(member_id=member.id, state=InquiryState.WAITING)
    same([(each.messages, each.owner_id) for each in waiting], [(4, stage.steward.id)], "等待答复的问题")
    entries = await InquiryEntry.filter(inquiry_id=waiting[0].id, kind=EntryKind.ASKED).count()
    same(entries, 4, "记下的消息")
    timer = await clock_of(waiting[0])
    due = there(timer.first_due_at, "没有答复时限")
    same(due - there(timer.started_at, "没有开始计时"), timedelta(minutes=30), "承诺：30 分钟值班时间内")
    check(f"今天 {local_time(due)}" in replies[0], f"回执应说明答复时限，实为“{replies[0]}”")
    stage.notes["inquiry"] = waiting[0].id
    return f"最晚 {local_time(due)} 答复"


@step("12 分钟后案管家答复，在承诺之内")
async def answer(stage: Stage) -> str:
    await stage.clock.advance(timedelta(minutes=12))
    queued = (await stage.steward.get("/queue"))["items"]
    mine = next(each for each in queued if each["id"] == str(stage.notes["inquiry"]))
    thread = await stage.steward.get(f"/inquiries/{mine['id']}")
    same([line["text"] for line in thread["lines"]], list(ANGRY), "案管家看到的四条")
    early = await stage.steward.attempt(
        "POST", f"/inquiries/{mine['id']}/answer", {"text": ANSWER, "expected_version": mine["version"] - 1}
    )
    same((early.status, early.code), (409, "inquiry_changed"), "没看完最新内容就答复")
    await stage.steward.post(f"/inquiries/{mine['id']}/answer", {"text": ANSWER, "expected_version": mine["version"]})
    await stage.phones["zhou"].shows(ANSWER, channel="oa")
    inquiry = await Inquiry.get(id=mine["id"])
    timer = await clock_of(inquiry)
    same(inquiry.state, InquiryState.ANSWERED, "问题状态")
    check(timer.first_at and timer.first_due_at and timer.first_at <= timer.first_due_at, "没有在承诺内首次回应")
    same((timer.breached, timer.running), (False, False), "没有超时，不再计时")
    await stage.phones["zheng"].shows_nothing()
    return f"首次回应 {(timer.first_duty_seconds or 0) / 60:.0f} 分钟"


@step("甲方说谢谢，不再开新问题")
async def thanks(stage: Stage) -> str:
    member = await member_of(stage, DISPUTE, "zhou")
    before = await Inquiry.filter(member_id=member.id).count()
    same(await stage.phones["zhou"].write("好的，谢谢！"), texts.THANKS, "回复")
    same(await Inquiry.filter(member_id=member.id).count(), before, "问题数")
    return "每条消息要么属于一个问题，要么是道谢"


STEPS = (status, four_messages, answer, thanks)
