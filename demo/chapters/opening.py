"""Chapter 1: a working morning; the platforms are set up; officers log in."""

from __future__ import annotations

import re
from datetime import timedelta

from demo.checks import check, same
from demo.city import ROLES, Post
from demo.phones import CONTROL
from demo.setting import create_menu, register_templates
from demo.stage import Stage, local_time
from demo.telling import step
from kit import clock, database
from stewardship.conversations.said import MenuKey
from stewardship.foundation.people.models import Session, SessionKind

EARLIER = re.compile(r"[a-z-]+-\d{5}|officer-\d{11}")
"""The ids that the story gives to telephones."""


@step("时钟拨到下一个工作日上午 9:00")
async def morning(stage: Stage) -> str:
    at = await stage.clock.to_working_morning()
    stage.notes["first_day"] = clock.today()
    same(local_time(at), "09:00", "开始时间")
    platform = await stage.platform.call("GET", f"{CONTROL}/clock")
    seconds = await database.fetchval("select seconds from clock_offset where id = 1")
    check(abs(platform["offset_seconds"] - seconds) < 1, "平台与系统的时钟不一致")
    check(clock.now() - at < timedelta(minutes=1), "时钟没有停在 9:00")
    return f"{clock.local(at):%Y年%m月%d日}"


@step("平台后台：消息模板、公众号菜单、回调地址就绪")
async def consoles(stage: Stage) -> str:
    used = await register_templates(stage.platform, str(stage.parts.settings.public_url))
    active = await database.fetchval("select count(*) from template where state = 'active'")
    same(active, used, "启用的模板数")
    await create_menu(stage.account)
    menu = (await stage.platform.call("GET", f"{CONTROL}/menu"))["menu"]["button"]
    keys = {button["key"] for top in menu for button in top.get("sub_button") or [top]}
    same(keys, {key.value for key in MenuKey}, "菜单的按键")
    for account in ("oa", "mp"):
        verified = await stage.platform.call("POST", f"{CONTROL}/accounts/{account}/verify")
        check(verified["verified"], f"{account} 的回调地址没有通过校验")
    # Who is not on the table has a telephone all the same.
    await stage.platform.call("PATCH", f"{CONTROL}/accounts/sms", {"unknown_numbers": "deliver"})
    return f"{used} 个模板，4 个菜单按键"


@step("民警登录：密码加动态码，输错不行")
async def log_in(stage: Stage) -> str:
    check(await stage.outsider.is_refused_with_wrong_code(), "错误的动态码没有被拒绝")
    desks = [*stage.desks.values(), stage.outsider]
    for desk in desks:
        await desk.log_in()
    for post, desk in stage.desks.items():
        me = await desk.get("/me")
        same(
            (me["number"], [grant["role"] for grant in me["roles"]]), (desk.officer.number, [ROLES[post].value]), "身份"
        )
        sessions = Session.filter(officer_id=desk.id, kind=SessionKind.OFFICER, revoked_at=None)
        check(await sessions.exists(), f"{desk.name} 的会话没有入库")
    anonymous = await stage.product.send("GET", "/api/v1/queue")
    same((anonymous.status, anonymous.code), (401, "not_logged_in"), "未登录访问工作台")
    return f"{len(desks)} 人登录，案管家是 {stage.steward.name}"


CITIZENS = (
    ("zhou", "周心遥", "车主，甲方"),
    ("zheng", "郑泽帆", "邻居，乙方"),
    ("he", "何简安", "甲方家老人"),
    ("passer-by", "路人丁", "拾到一张回执"),
    ("shen", "沈书宁", "被害人"),
    ("lin", "林知夏", "被害人室友"),
    ("gu", "顾屹然", "报案人"),
)
"""In the order in which they stand on the page: whoever watches sees them first, and the officers after them."""


@step("桌面上摆好群众和民警的手机")
async def phones(stage: Stage) -> str:
    await _clear_table(stage)
    for key, name, note in CITIZENS:
        await stage.phone(key, name, note)
    for post, note in (
        (Post.STEWARD, "民警 案管家"),
        (Post.DEPUTY, "民警 副职"),
        (Post.DUTY_OFFICER, "值班民警"),
        (Post.INSTRUCTOR, "民警 教导员"),
    ):
        officer = stage.desks[post].officer
        await stage.phone(post.value, officer.name, note, number=officer.mobile)
    shown = await stage.platform.call("GET", f"{CONTROL}/phones")
    mine = {phone.id for phone in stage.phones.values()}
    check(mine <= {phone["id"] for phone in shown}, "手机没有出现在平台上")
    return "群众七部；案管家、副职、值班民警、教导员各一部"


async def _clear_table(stage: Stage) -> None:
    """The telephones of earlier runs are put away: whoever is still written to gets an SMS that nobody reads."""
    for phone in await stage.platform.call("GET", f"{CONTROL}/phones"):
        if EARLIER.fullmatch(phone["id"]):
            await stage.platform.call("DELETE", f"{CONTROL}/phones/{phone['id']}")


STEPS = (morning, consoles, log_in, phones)
