"""Chapter 7: the case closes, ratings are asked; one is dissatisfied, and somebody else makes the return visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from delivery.models import Channel, Message
from demo.chapters.joining import DISPUTE, NEWS, credits_of, member_of
from demo.checks import check, eventually, same, there
from demo.city import Post
from demo.stage import Stage
from demo.telling import step
from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.conversations import texts
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.visits.models import Call, CallOutcome, Visit, VisitState

TEXT = "双方已在所里签订车位使用协议，按月轮换，即日起执行。"


@step("达成协议，向双方通报，案件办结")
async def close(stage: Stage) -> str:
    case_id = stage.matters[DISPUTE].case_id
    for key in ("zhou", "he", "zheng"):
        await stage.phones[key].news()
    body: dict[str, Any] = {"text": TEXT, "awaited": "双方按协议履行", "stage": "agreement"}
    body |= {"next_contact_on": (clock.today() + timedelta(days=7)).isoformat(), "audience": {"kind": "everyone"}}
    posted = await stage.steward.post(f"/cases/{case_id}/updates", body)
    for key in ("zhou", "he"):
        await stage.phones[key].shows(NEWS)
    await stage.phones["zheng"].shows(NEWS, channel="notice", kind="subscribe_message")
    same(await eventually(lambda: _used_up(stage), "乙方同意的那一次用掉了"), True, "服务通知次数")
    member = await member_of(stage, DISPUTE, "zheng")
    message = await Message.get(subject_id=posted["id"], member_id=member.id)
    same(message.channel, Channel.MP_SUBSCRIBE, "乙方的通知渠道")
    await stage.steward.post(f"/cases/{case_id}/close")
    case = await Case.get(id=case_id)
    check(case.stage == "closed" and case.closed_at and case.silent_from is None, "案件没有办结")
    same(len(await eventually(lambda: _ratings(stage, RatingState.PLANNED), "安排评价")), 3, "待发的评价")
    return "乙方用掉一次服务通知"


async def _used_up(stage: Stage) -> bool:
    return await credits_of(stage) == 0


async def _ratings(stage: Stage, state: RatingState, count: int = 3) -> list[Rating]:
    found = await Rating.filter(case_id=stage.matters[DISPUTE].case_id, state=state)
    return found if len(found) >= count else []


@step("半小时后请三方评价，一点即可")
async def ask_ratings(stage: Stage) -> str:
    await stage.clock.advance(timedelta(minutes=31))
    for key in ("zhou", "he"):
        entry = await stage.phones[key].shows("请您评价", channel="oa", kind="msgmenu")
        same([item["content"] for item in entry["content"]["items"]], ["满意", "基本满意", "不满意"], "三个选项")
        stage.notes[f"rating:{key}"] = entry
    entry = await stage.phones["zheng"].shows("请您评价", channel="sms")
    check("1满意" in entry["text"], "短信里应说明怎么回复")
    sent = await eventually(lambda: _ratings(stage, RatingState.SENT), "评价已发出")
    same({(r.officer_id, r.unit_id) for r in sent}, {(stage.steward.id, stage.unit.id)}, "被评价的民警和单位")
    return "公众号两人，短信一人"


def _item(entry: dict[str, Any], score: int) -> str:
    return str(entry["content"]["items"][score - 1]["id"])


@step("甲方点“满意”，乙方短信回复 1")
async def satisfied(stage: Stage) -> str:
    entry = stage.notes["rating:zhou"]
    same(await stage.phones["zhou"].tap(entry, _item(entry, 1)), texts.RATED, "回复")
    await stage.phones["zheng"].text_back("1")
    answered = await eventually(lambda: _ratings(stage, RatingState.ANSWERED, 2), "评价入库")
    same(sorted((r.score, r.channel) for r in answered), [(1, "oa"), (1, "sms")], "评分")
    return "两份满意"


@step("老人点“不满意”，24 小时内由别人回访")
async def dissatisfied(stage: Stage) -> str:
    entry = stage.notes["rating:he"]
    same(await stage.phones["he"].tap(entry, _item(entry, 3)), texts.RATED_DISSATISFIED, "回复")
    visit = await Visit.get(case_id=stage.matters[DISPUTE].case_id)
    same((visit.purpose, visit.state), ("dissatisfied", VisitState.OPEN), "回访任务")
    same(visit.due_at - visit.opened_at, timedelta(hours=24), "回访时限")
    assigned = there(visit.assigned_to_id, "没有指定回访人")
    check(assigned not in {stage.steward.id, stage.desks[Post.DEPUTY].id}, "回访人不能是经办人")
    stage.notes["visit"], stage.notes["visitor"] = visit.id, assigned
    return "并当场告诉老人会有别人打来电话"


@step("案管家看不到针对自己的回访")
async def hidden(stage: Stage) -> str:
    visit_id = str(stage.notes["visit"])
    listed = {each["id"] for each in (await stage.steward.get("/visits"))["items"]}
    check(visit_id not in listed, "经办人的列表里不该有")
    answer = await stage.steward.attempt("GET", f"/visits/{visit_id}")
    same((answer.status, answer.code), (404, "visit_not_found"), "直接打开")
    same((await Visit.get(id=visit_id)).state, VisitState.OPEN, "回访仍在")
    return "对经办人如同不存在"


@step("民意中心民警回访，问明原因并办结")
async def visit(stage: Stage) -> str:
    visit_id, assigned = stage.notes["visit"], stage.notes["visitor"]
    centre = await stage.sit_down(Post.CENTRE_OFFICER, assigned)
    listed = {each["id"] for each in (await centre.get("/visits"))["items"]}
    check(str(visit_id) in listed, "民意中心的列表里应有")
    dial = await centre.post(f"/visits/{visit_id}/dial")
    same(dial["number"], stage.phones["he"].number, "拨打的号码")
    call = {
        "outcome": CallOutcome.BASICALLY_SATISFIED.value,
        "seconds": 260,
        "note": "老人不满答复太晚，已致歉并说明改进措施。",
        "finding": "substantiated",
    }
    done = await centre.post(f"/visits/{visit_id}/calls", call)
    same((done["state"], done["finding"]), ("done", "substantiated"), "回访结果")
    row, made = await Visit.get(id=visit_id), await Call.get(visit_id=visit_id)
    same((row.state, made.officer_id), (VisitState.DONE, centre.id), "数据库里的回访")
    check(made.note is not None and "老人".encode() not in made.note, "通话记录没有加密存放")
    return f"{centre.name} 回访，由不满意转为基本满意"


STEPS = (close, ask_ratings, satisfied, dissatisfied, hidden, visit)
