"""The inspector's and the administrators' work at the desk."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, StorageState, expect

from kit import clock
from stewardship.reports.proofs import check_document
from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look
from tests.desk.town import LONG_NAME

pytestmark = pytest.mark.timeout(300)

REASON = "电话联系当事人"


async def test_the_inspector_finds_who_looked_without_a_relation_and_exports_the_proof(
    officer: Officers, town: TownThere
) -> None:
    steward = await officer("steward", f"/cases/{town.cases[0]}")
    reference = await reveal_a_phone(steward.page)

    desk = await officer("inspector", "/inspection")
    page = desk.page
    station = page.locator("option", has_text="柳堤派出所")
    await page.get_by_label("单位").select_option(await station.get_attribute("value"))
    # The town lives at a time of its own, which may be ahead of the browser's.
    await page.get_by_label("到", exact=True).fill((clock.today() + timedelta(days=7)).isoformat())
    await expect(page.get_by_role("row").filter(has_text="吴旁")).to_contain_text("没有关系")
    wrong = await look(page, "inspection-unrelated")
    await page.get_by_role("button", name="按案件").click()
    await page.get_by_role("searchbox").fill(reference)
    await page.get_by_role("button", name="查询").click()
    revealed = page.get_by_role("row").filter(has_text=f"原因：{REASON}")
    await expect(revealed).to_contain_text("王青")
    wrong += await look(page, "inspection-case")

    await page.get_by_role("button", name="导出签名证明").click()
    await page.get_by_label("原因").fill("例行检查")
    async with page.expect_download() as downloading:
        await page.get_by_role("dialog").get_by_role("button", name="导出", exact=True).click()
    proof = await asyncio.to_thread(read, await (await downloading.value).path())
    assert REASON in proof
    assert check_document(json.loads(proof), town.proof_key) == []
    assert check_document(json.loads(proof.replace(REASON, "例行查看")), town.proof_key) != []
    assert wrong == []


def read(path: Path) -> str:
    return path.read_text()


async def reveal_a_phone(page: Page) -> str:
    """For a reason; answers the case's reference."""
    await page.get_by_role("button", name=re.compile("的电话$")).first.click()
    await page.get_by_label("原因").fill(REASON)
    await page.get_by_role("dialog").get_by_role("button", name="查看", exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    found = re.search(r"A\d{14}", await page.locator("main").inner_text())
    assert found is not None
    return found.group()


async def test_two_administrators_change_a_promise(officer: Officers, town: TownThere) -> None:
    first = await officer("administrator", "/promises")
    page = first.page
    await page.get_by_role("button", name="修改").first.click()
    await page.get_by_label("首次答复期限").fill("20")
    await page.get_by_role("button", name="删除第 1 步").click()
    await page.get_by_role("button", name="增加一步").click()
    await page.get_by_label("为什么要改").fill("群众反映等得久")
    await page.get_by_role("button", name="预览影响").click()
    await expect(page.get_by_text("件待答提问")).to_be_visible()
    wrong = await look(page, "promise-edit")
    await page.get_by_role("button", name="提交复核").click()
    await expect(page.get_by_text("已提交，等待另一位管理员复核。")).to_be_visible()
    await first.open("/changes")
    await expect(page.get_by_text("由您提出，须由他人复核")).to_be_visible()
    await expect(page.get_by_role("button", name="同意", exact=True)).to_have_count(0)
    wrong += await look(page, "changes-own")

    second = await officer("other_administrator", "/changes")
    page = second.page
    await expect(page.get_by_text("群众反映等得久")).to_be_visible()
    wrong += await look(page, "changes")
    await page.get_by_role("button", name="同意", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="同意", exact=True).click()
    await expect(page.get_by_text("已同意并生效。")).to_be_visible()
    await second.open("/promises")
    await expect(page.get_by_role("row").filter(has_text="20 分钟").filter(has_text="现行")).to_be_visible()
    wrong += await look(page, "promises")
    assert wrong == []


async def test_an_officer_with_open_cases_is_not_deactivated_before_somebody_takes_them(officer: Officers) -> None:
    desk = await officer("administrator", "/officers")
    page = desk.page
    dialog = page.get_by_role("dialog")
    await choose_unit(page, "柳堤派出所")
    await expect(page.get_by_role("row").filter(has_text="王青")).to_be_visible()
    wrong = await look(page, "officers")
    for deed in ("停用", "调动"):
        await page.get_by_role("button", name=f"{deed}：王青").click()
        await expect(dialog).to_contain_text(re.compile(r"还有 \d+ 件在办案件"))
        wrong += await look(page, f"officer-{deed}")
        await dialog.get_by_role("button", name=deed, exact=True).click()
        await expect(dialog.get_by_role("combobox", name="在办案件交给")).to_be_visible()
        await page.keyboard.press("Escape")
    await page.get_by_role("button", name="新增民警").click()
    wrong += await look(page, "officer-new")
    await dialog.get_by_label("警号").fill("810001")
    await dialog.get_by_label("姓名").fill(LONG_NAME)
    await dialog.get_by_label("首次密码").fill("Initial-Word-7")
    await dialog.get_by_role("button", name="新增民警").click()
    await expect(page.get_by_text("已保存。")).to_be_visible()
    await page.get_by_role("button", name=f"停用：{LONG_NAME}").click()
    await expect(dialog).to_contain_text("没有在办案件")
    await expect(dialog.get_by_role("combobox")).to_have_count(0)
    await dialog.get_by_role("button", name="停用", exact=True).click()
    await page.get_by_role("button", name="已停用").click()
    await expect(page.get_by_role("row").filter(has_text=LONG_NAME)).to_be_visible()
    wrong += await look(page, "officers-left")
    assert wrong == []


async def choose_unit(page: Page, name: str) -> None:
    option = page.locator("option", has_text=name).first
    await page.get_by_label("单位").select_option(await option.get_attribute("value"))


async def test_units_holidays_rating_rules_and_canned_replies_are_kept(officer: Officers) -> None:
    desk = await officer("administrator", "/units")
    page = desk.page
    dialog = page.get_by_role("dialog")
    await expect(page.get_by_role("row").filter(has_text="柳堤派出所")).to_be_visible()
    wrong = await look(page, "units")
    for name, button in (("new", "新增单位"), ("edit", "修改石桥派出所"), ("close", "撤销石桥派出所")):
        await page.get_by_role("button", name=button).click()
        wrong += await look(page, f"unit-{name}")
        await page.keyboard.press("Escape")

    await desk.open("/holidays")
    await expect(page.get_by_text("没有补录")).to_be_visible()
    wrong += await look(page, "holidays-none")
    await page.get_by_role("button", name="补录一天").click()
    await dialog.get_by_label("日期").fill(f"{clock.today().year}-12-31")
    await dialog.get_by_label("依据").fill("国务院办公厅通知")
    wrong += await look(page, "holiday-new")
    await dialog.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("row").filter(has_text="12月31日")).to_contain_text("休息")
    wrong += await look(page, "holidays")

    await desk.open("/rating-rules")
    await page.get_by_role("button", name="修改评价规则").click()
    wrong += await look(page, "rating-rules-edit")
    await page.keyboard.press("Escape")
    wrong += await look(page, "rating-rules")

    await desk.open("/canned-replies")
    for title, text in (
        ("补交材料", "请带身份证和材料原件来{单位}。"),
        ("伤情鉴定进度", "鉴定意见出来后马上告诉您。" * 9),
    ):
        await page.get_by_role("button", name="新增").click()
        await dialog.get_by_label("名称").fill(title)
        await dialog.get_by_label("内容").fill(text)
        await dialog.get_by_role("button", name="保存").click()
        await expect(page.get_by_role("row").filter(has_text=title)).to_be_visible()
    await page.get_by_role("button", name="修改：补交材料").click()
    await dialog.get_by_label("内容").fill("请带身份证来{单位}。")
    wrong += await look(page, "canned-reply-edit")
    await dialog.get_by_role("button", name="保存").click()
    wrong += await look(page, "canned-replies")
    await page.get_by_role("button", name="第 2 版，以前的版本：补交材料").click()
    await expect(dialog.get_by_role("row").filter(has_text="材料原件")).to_be_visible()
    wrong += await look(page, "canned-reply-versions")
    assert wrong == []


async def test_a_new_wording_of_a_message_goes_its_way_while_the_old_one_is_used(officer: Officers) -> None:
    desk = await officer("administrator", "/message-templates")
    page = desk.page
    await expect(page.get_by_role("row").filter(has_text="有新进展").first).to_be_visible()
    wrong = await look(page, "templates")
    await page.get_by_role("button", name="与平台账号比对").click()
    await expect(page.get_by_role("dialog").get_by_text("小程序订阅消息：我们用")).to_be_visible()
    wrong += await look(page, "templates-compared")
    await page.keyboard.press("Escape")

    await page.get_by_role("link", name="查看和办理：有新进展，小程序订阅消息").click()
    await page.get_by_role("button", name="起草新版本").click()
    await page.get_by_label("模板名称").fill("案件进展提醒")
    await page.get_by_role("button", name="试填").click()
    await expect(page.get_by_role("dialog").get_by_text("最长的内容也放得下")).to_be_visible()
    wrong += await look(page, "template-draft")
    await page.get_by_role("button", name="保存").click()
    await take(page, "已提交平台")
    await take(page, "平台未通过", "平台的意见", "名称与类目不符")
    await expect(page.get_by_text("平台的意见：名称与类目不符")).to_have_count(2)
    wrong += await look(page, "template-rejected")
    await page.get_by_role("button", name="修改", exact=True).click()
    await page.get_by_role("dialog").get_by_label("模板名称").fill("办理进展提醒")
    await page.get_by_role("dialog").get_by_role("button", name="保存").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await take(page, "已提交平台")
    await take(page, "平台已通过", "平台的模板编号", "aNewOne_7")
    # The platform does not know it, as it was never handed in there: the comparison says so before anybody is harmed.
    now = page.locator("section").filter(has=page.get_by_role("heading", name="正在使用"))
    await expect(now).to_contain_text("第 1 版")
    wrong += await look(page, "template-approved")
    await desk.open("/message-templates")
    await page.get_by_role("button", name="与平台账号比对").click()
    missing = page.get_by_role("row").filter(has_text="aNewOne_7")
    await expect(missing).to_contain_text("账号里没有这个模板")
    await desk.open("/message-templates/update_posted/mp_subscribe")
    await take(page, "放弃")
    await expect(page.get_by_text("已放弃。")).to_be_visible()
    await expect(now).to_contain_text("第 1 版")
    # What the account does have is used, once somebody says so.
    await page.get_by_role("button", name="起草新版本").click()
    await page.get_by_role("dialog").get_by_role("button", name="保存").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await take(page, "已提交平台")
    await take(page, "平台已通过", "平台的模板编号", "steward-mp-progress")
    await expect(now).to_contain_text("第 1 版")
    await take(page, "启用")
    await expect(page.get_by_text("已启用。")).to_be_visible()
    await expect(now).to_contain_text("第 3 版")
    wrong += await look(page, "template-active")
    assert wrong == []


async def take(page: Page, deed: str, field: str | None = None, words: str = "") -> None:
    """One step of a template's way, with what its dialog asks for."""
    await page.get_by_role("button", name=deed, exact=True).click()
    dialog = page.get_by_role("dialog")
    if field:
        await dialog.get_by_label(field).fill(words)
    await dialog.get_by_role("button", name=deed, exact=True).click()
    await expect(dialog).to_have_count(0)


async def test_the_duty_hours_of_the_units_are_changed(officer: Officers) -> None:
    desk = await officer("administrator", "/duty-calendars")
    page = desk.page
    row = page.get_by_role("row").filter(has_text="正常办公")
    await expect(row).to_contain_text("柳堤派出所")
    wrong = await look(page, "calendars")
    await page.get_by_role("button", name="修改值班时间：正常办公").click()
    await page.get_by_label("周一第 2 段：到").fill("14:00")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("alert")).to_contain_text("时间段不能重叠，开始须早于结束")
    await page.get_by_label("周一第 2 段：到").fill("18:00")
    await page.get_by_role("button", name="照周一填写周二至周五").click()
    await page.get_by_role("button", name="周六增加一段").click()
    wrong += await look(page, "calendar-edit")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("已保存：正常办公。")).to_be_visible()
    await expect(row).to_contain_text("18:00")
    await page.get_by_role("button", name="以前的值班时间：正常办公").click()
    await expect(page.get_by_role("dialog").get_by_role("row").filter(has_text="郑理").first).to_be_visible()
    wrong += await look(page, "calendar-versions")
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="单列值班时间").click()
    await choose_unit(page, "石桥派出所")
    wrong += await look(page, "calendar-give")
    await page.get_by_role("button", name="单列并填写").click()
    await expect(page.get_by_role("heading", name="修改值班时间：石桥派出所自用")).to_be_visible()
    await page.get_by_role("button", name="周日增加一段").click()
    await page.get_by_role("button", name="保存").click()
    own = page.get_by_role("row").filter(has_text="石桥派出所自用")
    await expect(own).to_contain_text("周日：08:30–12:00")
    await expect(row).not_to_contain_text("石桥派出所")
    wrong += await look(page, "calendars-own")
    await desk.open("/units")
    await expect(page.get_by_role("row").filter(has_text="石桥派出所自用")).to_be_visible()
    wrong += await look(page, "units-own")
    assert wrong == []


async def test_the_security_administrator_sees_who_cannot_log_in_and_ends_a_login(
    officer: Officers, logins: dict[str, StorageState]
) -> None:
    await officer("colleague")
    desk = await officer("security", "/officers")
    page = desk.page
    await page.get_by_role("button", name="未绑定验证码").click()
    await expect(page.get_by_role("row").filter(has_text="吴旁")).to_contain_text("没有有效的登录码")
    wrong = await look(page, "officers-unenrolled")
    await page.get_by_role("button", name="首次登录码：吴旁").click()
    await page.get_by_role("dialog").get_by_role("button", name="首次登录码").click()
    await expect(page.get_by_text("只能用一次，关闭后不再显示")).to_be_visible()
    wrong += await look(page, "officer-code")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="在职").click()
    station = page.locator("option", has_text="柳堤派出所")
    await page.get_by_label("单位").select_option(await station.get_attribute("value"))
    await page.get_by_role("button", name="登录：李白").click()
    wrong += await look(page, "officer-sessions")
    ends = page.get_by_role("dialog").get_by_role("button", name="退出")
    held = await ends.count()
    await ends.first.click()
    await expect(page.get_by_text("已退出这个登录。")).to_be_visible()
    # It may have been the one that the other stories go on with.
    del logins["colleague"]
    await expect(ends).to_have_count(held - 1)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="身份：李白").click()
    await expect(page.get_by_role("dialog").get_by_role("row").filter(has_text="柳堤派出所")).to_be_visible()
    wrong += await look(page, "officer-roles")
    assert wrong == []


async def test_two_security_administrators_rotate_the_keys_and_the_log_is_verified(officer: Officers) -> None:
    first = await officer("security", "/keys")
    await expect(first.page.get_by_text("还没有轮换过")).to_be_visible()
    wrong = await look(first.page, "keys-none")
    await first.page.get_by_role("button", name="提出轮换").click()
    await first.page.get_by_label("为什么要改").fill("每年轮换一次")
    wrong += await look(first.page, "keys-propose")
    await first.page.get_by_role("button", name="提交复核").click()
    second = await officer("other_security", "/changes")
    await second.page.get_by_role("button", name="同意", exact=True).click()
    wrong += await look(second.page, "change-approve")
    await second.page.get_by_role("dialog").get_by_role("button", name="同意", exact=True).click()
    await expect(second.page.get_by_text("已同意并生效。")).to_be_visible()
    await second.page.get_by_role("button", name="全部").click()
    wrong += await look(second.page, "changes-all")
    await first.open("/keys")
    rotation = first.page.get_by_role("row").filter(has_text="陈安、卫全")
    await expect(rotation).to_be_visible()
    await expect(rotation).to_contain_text("完成", timeout=60_000)
    wrong += await look(first.page, "keys")

    auditor = await officer("auditor", "/verification")
    page = auditor.page
    await expect(page.get_by_text("还没有核验过")).to_be_visible()
    wrong += await look(page, "verification-none")
    await page.get_by_role("button", name="开始核验").click()
    await expect(page.get_by_role("row").filter(has_text="楚审")).to_contain_text("完整，没有改动", timeout=60_000)
    wrong += await look(page, "verification")
    assert wrong == []
