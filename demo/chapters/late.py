"""Chapter 6: a question is left: warnings, an escalation past an officer on leave, one breach, an apology."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from delivery.models import Message
from demo.chapters.asking import clock_of
from demo.chapters.joining import DISPUTE, member_of
from demo.checks import check, eventually, same, there
from demo.city import Post
from demo.stage import Stage, local_time
from demo.telling import step
from kit import clock
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.audit.models import Event
from stewardship.foundation.clocks.models import Clock, ClockMark
from stewardship.foundation.org.models import Shift, ShiftKind

QUESTION = "调解定在哪一天，我要不要带房产证"
ANSWER = "何老伯您好，调解定在本周五上午九点，请带身份证和车位协议，房产证不用带。"


@step("教导员排班：副职休假，值班民警在岗")
async def roster(stage: Stage) -> str:
    at = clock.now()
    for post, kind, days in ((Post.DEPUTY, ShiftKind.LEAVE, 3), (Post.DUTY_OFFICER, ShiftKind.DUTY, 1)):
        entry = {
            "officer_id": str(stage.desks[post].id),
            "kind": kind.value,
            "starts_at": (at - timedelta(hours=1)).isoformat(),
            "ends_at": (at + timedelta(days=days)).isoformat(),
        }
        await stage.instructor.post(f"/units/{stage.unit.id}/roster", entry)
    shown = (await stage.instructor.get(f"/units/{stage.unit.id}/roster", on=clock.today().isoformat()))["items"]
    deputy = str(stage.desks[Post.DEPUTY].id)
    check(("leave", deputy) in {(each["kind"], each["officer_id"]) for each in shown}, "排班表上没有休假")
    check(
        await Shift.exists(officer_id=stage.desks[Post.DUTY_OFFICER].id, kind=ShiftKind.DUTY, ends_at__gt=at),
        "没有值班",
    )
    return f"{stage.desks[Post.DEPUTY].name} 休假"


@step("老人发来语音提问，承诺 30 分钟内有人回应")
async def ask(stage: Stage) -> str:
    reply = await stage.phones["he"].speak(QUESTION)
    member = await member_of(stage, DISPUTE, "he")
    inquiry = await Inquiry.get(member_id=member.id, state=InquiryState.WAITING)
    timer = await clock_of(inquiry)
    due = there(timer.first_due_at, "没有答复时限")
    check(local_time(due) in reply, f"回执应说明时限，实为“{reply}”")
    same((inquiry.owner_id, timer.breached), (stage.steward.id, False), "由案管家负责")
    stage.notes["late"], stage.notes["late:started"] = inquiry.id, there(timer.started_at, "没有开始计时")
    return f"按语音识别的文字交给民警，最晚 {local_time(due)}"


async def _timer(stage: Stage) -> Clock:
    return await clock_of(await Inquiry.get(id=stage.notes["late"]))


async def _marks(stage: Stage) -> set[str]:
    timer = await _timer(stage)
    marks = await ClockMark.filter(clock_id=timer.id, target="first").values_list("mark", flat=True)
    return {str(mark) for mark in marks}


async def _events(stage: Stage, kind: str) -> list[Event]:
    return await Event.filter(kind=kind, subject_id=stage.notes["late"]).order_by("id")


@step("时间过半没有答复，提醒案管家")
async def half(stage: Stage) -> str:
    await stage.clock.to(stage.notes["late:started"] + timedelta(minutes=15))
    entry = await stage.phones[Post.STEWARD].shows("提问待答复", channel="sms")
    same(await eventually(lambda: _marks(stage), "提醒入库"), {"warning:50"}, "做过的标记")
    check(stage.phones["he"].name[0] not in entry["text"], "提醒里不该有姓名")
    await stage.phones[Post.DUTY_OFFICER].shows_nothing()
    return "还没有惊动别人"


@step("到八成，越过休假的副职，转给值班民警")
async def escalate(stage: Stage) -> str:
    await stage.clock.to(stage.notes["late:started"] + timedelta(minutes=24))
    await stage.phones[Post.DUTY_OFFICER].shows("转由您答复", channel="sms")
    await stage.phones[Post.STEWARD].shows("提问待答复", channel="sms")
    (event,) = await eventually(lambda: _events(stage, "inquiry.escalation"), "升级入库")
    duty, deputy = stage.desks[Post.DUTY_OFFICER].id, stage.desks[Post.DEPUTY].id
    same((event.details["to"], event.details["level"]), (str(duty), "duty_officer"), "转给谁")
    check(f"{deputy}:leave" in event.details["skipped"], f"应越过休假的副职，实为 {event.details['skipped']}")
    await stage.phones[Post.DEPUTY].shows_nothing()
    return f"{stage.desks[Post.DUTY_OFFICER].name} 收到"


@step("超时：先向群众道歉并告知新时限，再报教导员")
async def breach(stage: Stage) -> str:
    await stage.clock.to(stage.notes["late:started"] + timedelta(minutes=30))
    entry = await stage.phones["he"].shows("很抱歉", channel="oa")
    check("最晚" in entry["text"] and stage.unit.name in entry["text"], f"应说明谁负责、何时答复：{entry['text']}")
    await stage.phones[Post.STEWARD].shows("超时未答", channel="sms")
    await stage.phones[Post.INSTRUCTOR].shows("转由您答复", channel="sms")
    check((await _timer(stage)).breached, "没有记为超时")
    same(len(await _breaches(stage)), 1, "超时事件")
    told = await Message.filter(subject_id=stage.notes["late"], notice__startswith="inquiry_").order_by("id")
    notices = [message.notice for message in told]
    first_overdue = notices.index("inquiry_overdue")
    check(notices.index("inquiry_breached") < first_overdue, f"应先告诉群众，实为 {notices}")
    return "道歉在前，内部通报在后"


async def _breaches(stage: Stage) -> list[Event]:
    return [event for event in await _events(stage, "promise.breached") if event.details["target"] == "first"]


@step("再过 20 分钟，仍只记一次超时，不再重复打扰")
async def once(stage: Stage) -> str:
    await stage.phones["he"].news()
    await stage.clock.advance(timedelta(minutes=20))
    await eventually(lambda: _looked_again(stage), "调度器又看过一遍")
    same(len(await _breaches(stage)), 1, "超时事件")
    notices = await InquiryEntry.filter(inquiry_id=stage.notes["late"], kind=EntryKind.BREACH_NOTICE).count()
    same(notices, 1, "对话里的道歉")
    await stage.phones["he"].shows_nothing()
    return "一次超时，一条事件，一次道歉"


async def _looked_again(stage: Stage) -> bool:
    """Whether nothing of this clock lies in the past any more: the scheduler has been there since."""
    timer = await _timer(stage)
    return timer.next_trigger_at is None or timer.next_trigger_at > clock.now()


@step("教导员接手答复，老人收到")
async def instructor_answers(stage: Stage) -> str:
    queued = (await stage.instructor.get("/queue"))["items"]
    mine = next(each for each in queued if each["id"] == str(stage.notes["late"]))
    check(mine["breached"], "教导员的列表应标明超时")
    await stage.instructor.post(
        f"/inquiries/{mine['id']}/answer", {"text": ANSWER, "expected_version": mine["version"]}
    )
    await stage.phones["he"].shows(ANSWER, channel="oa")
    timer = await _timer(stage)
    check(timer.first_at and timer.first_due_at and timer.first_at > timer.first_due_at, "迟到的回应仍是迟到")
    same((timer.breached, timer.running), (True, False), "超时记录不因答复消失")
    inquiry = await Inquiry.get(id=UUID(mine["id"]))
    same(inquiry.state, InquiryState.ANSWERED, "问题状态")
    return "超时记录照实保留"


STEPS = (roster, ask, half, escalate, breach, once, instructor_answers)
