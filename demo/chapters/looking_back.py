"""Chapter 9: the instructor's figures show all of it; the inspector sees who looked; the record holds."""

from __future__ import annotations

from typing import Any

from demo.chapters.joining import DISPUTE
from demo.checks import check, eventually, same
from demo.city import Post
from demo.stage import Stage
from demo.telling import step
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit.models import Event, EventSeal


def _period(stage: Stage) -> dict[str, str]:
    return {"first": stage.notes["first_day"].isoformat(), "last": stage.notes["last_day"].isoformat()}


@step("教导员的数字：入群、回应、评价、回访、电话任务")
async def figures(stage: Stage) -> str:
    async def counted() -> Any:
        shown = await stage.instructor.get(f"/reports/units/{stage.unit.id}", **_period(stage))
        calls = (shown["return_visit_states"], shown["telephone_tasks"])
        return shown if calls == ({"in_time": 1}, {"informed": 1}) else None

    # What happened last is counted a moment after.
    found = await eventually(counted, "回访和电话任务没有计入数字")
    same(found["enrolment_states"], {"joined": 6}, "入群")
    same(found["enrolment"], {"n": 6, "good": 6, "value": 1.0, "suppressed": False}, "入群率")
    same(found["question_states"], {"from_record": 2, "in_time": 2}, "提问")
    same(found["from_record"], 2, "按案卷答复")
    late = {row["reference"] for row in found["overdue_rows"]}
    check(not late & {matter.reference for matter in stage.matters.values()}, "已答复的不该仍算超时未答")
    same((found["first_response"]["n"], found["first_response"]["suppressed"]), (2, True), "样本不足 5 不显示")
    asked = found["satisfaction"]
    same((asked["strict"]["n"], asked["strict"]["suppressed"], asked["scores"]), (3, True, {}), "不足 5 份不显示评分")
    same(asked["response"]["n"], 3, "请了几人评价")
    page = await stage.instructor.get(f"/reports/units/{stage.unit.id}/satisfaction", **_period(stage))
    same(sorted(row["state"] for row in page["items"]), ["answered"] * 3, "每份评价")
    return "入群 6/6，评价 3 份，回访 1 次，电话 1 通"


@step("每个数字都能点开，看到是哪些事")
async def rows(stage: Stage) -> str:
    page = await stage.instructor.get(f"/reports/units/{stage.unit.id}/first_response", **_period(stage))
    answered = [row for row in page["items"] if row["counted"]]
    same(sorted(row["good"] for row in answered), [False, True], "一次按时，一次超时")
    reference = stage.matters[DISPUTE].reference
    same({row["reference"] for row in answered}, {reference}, "所在案件")
    check(all(row["minutes"] > 0 for row in answered), "应有用时")
    late = await stage.outsider.attempt("GET", f"/reports/units/{stage.unit.id}?first=2026-01-01&last=2026-01-02")
    same(late.status, 403, "外单位案管家看不到数字")
    minutes = sorted(round(row["minutes"]) for row in answered)
    return f"首次回应 {minutes[0]} 分钟和 {minutes[1]} 分钟"


@step("外单位民警打不开案件，查无此案")
async def outsider(stage: Stage) -> str:
    answer = await stage.outsider.attempt("GET", f"/cases/{stage.matters[DISPUTE].case_id}")
    same((answer.status, answer.code), (404, "case_not_found"), "外单位打开案件")
    inquiries = await stage.outsider.attempt("GET", f"/cases/{stage.matters[DISPUTE].case_id}/inquiries")
    same(inquiries.status, 404, "外单位打开提问")
    read = Event.filter(case_id=stage.matters[DISPUTE].case_id, actor_id=stage.outsider.id)
    same(await read.count(), 0, "什么也没看到")
    return "不在权限内与不存在，看起来一样"


@step("督察查到谁看过这个案件、与案件什么关系")
async def inspect(stage: Stage) -> str:
    inspector, reference = stage.desks[Post.INSPECTOR], stage.matters[DISPUTE].reference
    case = await inspector.get("/inspection/cases", reference=reference)
    looks = await inspector.all_of(f"/inspection/cases/{case['id']}/reads", limit="20")
    relations = {(look["officer_id"], look["relation"]) for look in looks}
    steward, centre = str(stage.steward.id), str(stage.desks[Post.CENTRE_OFFICER].id)
    check({(steward, "steward"), (centre, "assigned")} <= relations, f"应有案管家和回访民警的查看，实为 {relations}")
    kinds = {look["kind"] for look in looks}
    check(
        {"case.read", "person.revealed", "visit.revealed"} <= kinds, f"应有查看和显示号码的记录，实为 {sorted(kinds)}"
    )
    check(all(look["address"] and look["reference"] == reference for look in looks), "应有地址和案件编号")
    check(str(stage.outsider.id) not in {look["officer_id"] for look in looks}, "没打开的人不该在列")
    attempt = await stage.steward.attempt("GET", f"/inspection/cases/{case['id']}/reads")
    same(attempt.status, 403, "案管家自己查不了")
    seen_by_unit = await Event.filter(kind="inspection.read", case_id=case["id"]).count()
    same(seen_by_unit, 0, "本单位看不出被查过")
    return f"{len(looks)} 次查看，{len({look['officer_id'] for look in looks})} 名民警"


@step("事件链校验：一条都没有被改动")
async def verify(stage: Stage) -> str:
    auditor = stage.desks[Post.AUDIT_ADMINISTRATOR]
    await eventually(lambda: _sealed(stage), "本案的事件都已封存")
    answer = await auditor.attempt("POST", "/audit/verification")
    if answer.status == 429:
        # Six an hour are enough for an auditor, not for whoever plays the story over and over: the same, in here.
        found = await audit.verify()
        check(found.holds, f"事件链在第 {found.broken_at} 环断开")
        return f"{found.sealed} 条事件"
    same((answer.status, answer.body["holds"], answer.body["broken_at"]), (200, True, None), "事件链")
    check(answer.body["sealed"] > 0 and answer.body["seals"] > 0, "没有封存任何事件")
    return f"{answer.body['sealed']} 条事件，{answer.body['seals']} 环"


async def _sealed(stage: Stage) -> bool:
    last = await Event.filter(case_id=stage.matters[DISPUTE].case_id).order_by("-xid").first()
    seal = await EventSeal.all().order_by("-no").first()
    return last is not None and seal is not None and seal.to_xid > last.xid


STEPS = (figures, rows, outsider, inspect, verify)
