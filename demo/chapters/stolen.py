"""Chapter 5: whoever holds a victim's stolen phone learns nothing; the victim is verified again with a new one."""

from __future__ import annotations

from uuid import UUID

from demo.chapters.joining import identity_of, member_of, open_link_of_sms
from demo.checks import check, eventually, same
from demo.stage import Stage
from demo.telling import step
from stewardship.casework.groups.models import Member, MemberState
from stewardship.conversations import texts
from stewardship.foundation.people.models import Contact, Platform, Session, Trust, WechatIdentity

THEFT = "theft"
"""The key of the second case."""
HOW_IS_IT = "我的案子怎么样了"


@step("登记入室盗窃案，三人凭短信加入")
async def register(stage: Stage) -> str:
    case = {"kind": "criminal", "brief": "出租屋财物被盗", "sensitivity_known": True}
    parties = {
        "shen": await stage.party("shen", ["victim"], "a", by_sms=True),
        "lin": await stage.party("lin", ["victim"], "a", by_sms=True),
        "gu": await stage.party("gu", ["reporter"], "a", by_sms=True),
    }
    await stage.register(THEFT, case, parties)
    for key in parties:
        token = await open_link_of_sms(stage, key)
        same(await stage.phones[key].join(token), "joined", f"{stage.phones[key].name} 加入")
    await stage.phones["shen"].follow()
    await eventually(lambda: _known(stage, "shen"), "关注公众号后凭 unionid 认得本人")
    reply = await stage.phones["shen"].write(HOW_IS_IT)
    check(stage.matters[THEFT].reference in reply, f"本人应得到案卷答复，实为“{reply}”")
    case_id = stage.matters[THEFT].case_id
    same(await Member.filter(case_id=case_id, state=MemberState.JOINED).count(), 3, "已加入的成员")
    return stage.matters[THEFT].reference


async def _known(stage: Stage, key: str) -> bool:
    identity = await identity_of(stage, key, Platform.OFFICIAL_ACCOUNT)
    return identity is not None and identity.person_id is not None and identity.trust is Trust.TRUSTED


@step("被害人手机又被抢，案管家标记号码被盗")
async def mark_stolen(stage: Stage) -> str:
    case_id = stage.matters[THEFT].case_id
    parties = (await stage.steward.get(f"/cases/{case_id}/parties"))["items"]
    mine = next(each for each in parties if each["id"] == str(stage.matters[THEFT].receipts["shen"].party_id))
    contact = mine["contacts"][0]
    same(contact["phone"], f"199****{stage.phones['shen'].number[-4:]}", "号码打码显示")
    stage.notes["shen:person"] = UUID(mine["person_id"])
    body = {"trust": "stolen", "reason": "本人到所报称手机被抢"}
    await stage.steward.post(f"/cases/{case_id}/contacts/{contact['id']}/trust", body)
    await stage.phones["shen"].change(name="持机人", note="拿着抢来的手机")
    identities = await WechatIdentity.filter(person_id=mine["person_id"])
    same({i.trust for i in identities}, {Trust.STOLEN}, "微信身份一并失信")
    open_sessions = Session.filter(identity_id__in=[i.id for i in identities], revoked_at=None)
    same(await open_sessions.count(), 0, "仍有效的会话")
    old_session = await stage.phones["shen"].try_mini("GET", "/my/cases")
    same(old_session.status, 401, "手机上原来的登录")
    return "号码、微信、登录一起失效"


@step("持机人问案子，只得到对陌生人说的话")
async def thief_asks(stage: Stage) -> str:
    stranger, thief = stage.phones["passer-by"], stage.phones["shen"]
    await stranger.follow()
    for text in (HOW_IS_IT, "谁负责我的案子", "请给我回电", thief.number):
        same(await thief.write(text), await stranger.write(text), f"对“{text}”的回复应与陌生人完全相同")
    same(await thief.write(HOW_IS_IT), texts.HOW_TO_JOIN, "回复的内容")
    same(await thief.open_page("pages/index/index"), False, "小程序登录后是否认得")
    same((await thief.mini("GET", "/my/cases"))["items"], [], "小程序里的案件")
    proved = await thief.mini("POST", "/me/phone", {"phone_code": await thief.phone_code()})
    same(proved, {"known": False}, "用被抢的号码验证")
    detail = await thief.try_mini("GET", f"/my/cases/{stage.matters[THEFT].case_id}")
    same(detail.status, 404, "直接打开案件页")
    await thief.news()
    return "连有没有案子都问不出来"


@step("被害人换新手机，到所当面核实")
async def verify_again(stage: Stage) -> str:
    case_id, person_id = stage.matters[THEFT].case_id, stage.notes["shen:person"]
    phone = await stage.phone("shen-new", "沈书宁", "被害人，新手机")
    await stage.steward.post(f"/cases/{case_id}/persons/{person_id}/verified", {"phone": phone.number})
    same(await phone.open_page("pages/index/index"), False, "核实前新微信是否认得")
    proved = await phone.mini("POST", "/me/phone", {"phone_code": await phone.phone_code()})
    same(proved, {"known": True}, "新手机一键验证")
    await phone.follow()
    await eventually(lambda: _known(stage, "shen-new"), "新微信关注后认得本人")
    reply = await phone.write(HOW_IS_IT)
    check(stage.matters[THEFT].reference in reply, f"本人应得到案卷答复，实为“{reply}”")
    trusts = await Contact.filter(person_id=person_id).values_list("trust", flat=True)
    same(sorted(trusts), ["stolen", "trusted"], "新旧号码")
    same(await stage.phones["shen"].write(HOW_IS_IT), texts.HOW_TO_JOIN, "旧手机仍是陌生人")
    same((await member_of(stage, THEFT, "shen")).state, MemberState.JOINED, "成员身份一直在")
    return "旧手机仍一无所知"


STEPS = (register, mark_stolen, thief_asks, verify_again)
