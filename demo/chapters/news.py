"""Chapter 3: the steward posts news to one side; the other side receives nothing."""

from __future__ import annotations

from datetime import timedelta

from delivery.models import Message, MessageState
from demo.chapters.joining import DISPUTE, NEWS, credits_of, member_of
from demo.checks import eventually, same
from demo.stage import Stage
from demo.telling import step
from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.casework.updates.models import UpdateAddressee

TEXT = "已到物业调取车位登记和监控，正在核对。"
AWAITED = "等待物业提供书面说明"
TO_SIDE_A = {"kind": "sides", "sides": ["a"]}


@step("案管家向甲方通报进展，发出前先看谁能看到")
async def post(stage: Stage) -> str:
    case_id = stage.matters[DISPUTE].case_id
    preview = await stage.steward.post(f"/cases/{case_id}/updates/preview", TO_SIDE_A)
    same(sorted(each["name"] for each in preview["sees"]), ["何**", "周**"], "看得到的人")
    same([each["name"] for each in preview["does_not_see"]], ["郑**"], "看不到的人")
    next_contact = clock.today() + timedelta(days=5)
    body = {"text": TEXT, "awaited": AWAITED, "next_contact_on": next_contact.isoformat(), "audience": TO_SIDE_A}
    posted = await stage.steward.post(f"/cases/{case_id}/updates", body | {"stage": "handling"})
    stage.notes["update"] = posted["id"]
    for key in ("zhou", "he"):
        entry = await stage.phones[key].shows(NEWS)
        same(TEXT in entry["text"], False, "通知里不该有通报内容")
    expected = {(await member_of(stage, DISPUTE, key)).id for key in ("zhou", "he")}
    addressed = await UpdateAddressee.filter(update_id=posted["id"]).values_list("member_id", flat=True)
    same(set(addressed), expected, "数据库里的收件人")
    case = await Case.get(id=case_id)
    same((case.stage, case.awaited, case.next_contact_on), ("handling", AWAITED, next_contact), "案件状态")
    return "甲方两人收到，内容登录后才看得到"


@step("乙方什么也没有收到")
async def other_side(stage: Stage) -> str:
    await eventually(lambda: _both_sent(stage), "两条通知都已发出")
    phone, member = stage.phones["zheng"], await member_of(stage, DISPUTE, "zheng")
    await phone.shows_nothing()
    updates = await phone.mini("GET", f"/my/cases/{stage.matters[DISPUTE].case_id}/updates")
    same(updates["items"], [], "乙方看到的通报")
    mine = await phone.mini("GET", f"/my/cases/{stage.matters[DISPUTE].case_id}")
    same((mine["last_update_at"], mine["next_contact_on"]), (None, None), "乙方看不出有过通报")
    same(await Message.filter(subject_id=stage.notes["update"], member_id=member.id).count(), 0, "发给乙方的消息")
    same(await credits_of(stage), 1, "乙方的通知次数没有用掉")
    return "手机、小程序、数据库里都没有"


async def _both_sent(stage: Stage) -> bool:
    sent = Message.filter(subject_id=stage.notes["update"], state__in=[MessageState.SENT, MessageState.DELIVERED])
    return await sent.count() == 2


@step("甲方在小程序里读到全文")
async def read(stage: Stage) -> str:
    phone, case_id = stage.phones["zhou"], stage.matters[DISPUTE].case_id
    items = (await phone.mini("GET", f"/my/cases/{case_id}/updates"))["items"]
    same([(item["text"], item["awaited"]) for item in items], [(TEXT, AWAITED)], "通报全文")
    mine = await phone.mini("GET", f"/my/cases/{case_id}")
    same((mine["now"], mine["awaited"]), ("民警正在处理。", AWAITED), "案件页")
    same(mine["handler"]["title"], f"{stage.steward.name[0]}警官", "负责人只说姓")
    return f"下次联系：{mine['next_contact_on']}"


STEPS = (post, other_side, read)
