"""Chapter 8: the same news by whatever way is left: a template message, an SMS, and in the end a telephone call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from delivery.models import Channel, Message, MessageState
from demo.chapters.joining import NEWS, member_of
from demo.chapters.stolen import THEFT
from demo.checks import check, eventually, same
from demo.stage import Stage
from demo.telling import step
from kit import clock
from stewardship.opinion.visits.models import Visit, VisitPurpose, VisitState

TEXT = "已提取现场痕迹送检，并调取周边监控。"


@step("三天后再通报：对话窗口已关，改用公众号模板消息")
async def template(stage: Stage) -> str:
    stage.notes["last_day"] = clock.local(await stage.clock.to_working_morning(not_before=timedelta(days=3))).date()
    for key in ("shen-new", "lin", "gu"):
        await stage.phones[key].news()
    await stage.phones["gu"].change(sms_state="empty")
    body: dict[str, Any] = {"text": TEXT, "awaited": "等待检验结果", "audience": {"kind": "everyone"}}
    body["next_contact_on"] = (clock.today() + timedelta(days=7)).isoformat()
    posted = await stage.steward.post(f"/cases/{stage.matters[THEFT].case_id}/updates", body)
    stage.notes["last update"] = posted["id"]
    await stage.phones["shen-new"].shows(NEWS, channel="oa", kind="template_message")
    message = await _message(stage, "shen")
    same(message.channel, Channel.OA_TEMPLATE, "渠道")
    await stage.phones["shen"].shows_nothing()
    return "被抢的旧手机什么也没有"


async def _message(stage: Stage, key: str) -> Message:
    member = await member_of(stage, THEFT, key)
    return await Message.get(subject_id=stage.notes["last update"], member_id=member.id)


@step("没关注公众号、没有通知次数的，收到短信")
async def sms(stage: Stage) -> str:
    entry = await stage.phones["lin"].shows(NEWS, channel="sms")
    check(stage.matters[THEFT].receipts["lin"].check_word in entry["text"], "短信里应有验证词")
    await eventually(lambda: _delivered(stage, "lin"), "短信回执")
    same((await _message(stage, "lin")).channel, Channel.SMS, "渠道")
    return "以短信验证词辨真假"


async def _delivered(stage: Stage, key: str) -> bool:
    return (await _message(stage, key)).state is MessageState.DELIVERED


@step("号码成了空号的，转为电话任务")
async def telephone(stage: Stage) -> str:
    await eventually(lambda: _failed(stage, "gu"), "短信未送达")
    message = await _message(stage, "gu")
    (task,) = await eventually(lambda: Visit.filter(message_id=message.id), "电话任务")
    same((task.purpose, task.state), (VisitPurpose.UNDELIVERABLE, VisitState.OPEN), "任务")
    same(task.assigned_to_id, stage.steward.id, "由案管家打")
    await stage.phones["gu"].shows_nothing()
    stage.notes["task"] = task.id
    return "消息不会无声消失"


async def _failed(stage: Stage, key: str) -> bool:
    return (await _message(stage, key)).state is MessageState.FAILED


@step("案管家找到人，当面告知，任务办结")
async def settle(stage: Stage) -> str:
    listed = {each["id"] for each in (await stage.steward.get("/visits", purpose="undeliverable"))["items"]}
    check(str(stage.notes["task"]) in listed, "案管家的电话任务列表里应有")
    settled = await stage.steward.post(
        f"/visits/{stage.notes['task']}/settle", {"informed": True, "note": "本人来所，已当面告知并登记新号码。"}
    )
    same((settled["state"], settled["outcome"]), ("done", "informed"), "任务结果")
    same((await Visit.get(id=stage.notes["task"])).state, VisitState.DONE, "数据库里的任务")
    return "每一步都有记录"


STEPS = (template, sms, telephone, settle)
