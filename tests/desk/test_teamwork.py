"""Cases that change hands and come in by the table; each story is told alone, before or after any other."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

pytestmark = pytest.mark.timeout(300)

HEAD = "案件序号,案管家警号,当事人姓名,当事人身份,手机号码"


def table(steward: str, phone: str) -> FilePayload:
    """A case with one party, as a spreadsheet saves it."""
    text = f"{HEAD}\n1,{steward},陈新来,受害人,{phone}\n"
    return {"name": "三月案件.csv", "mimeType": "text/csv", "buffer": text.encode("utf-8-sig")}


async def confirmed(page: Page, name: str) -> None:
    """Press a button, and the one of the same name in the window that asks again."""
    await page.get_by_role("button", name=name).click()
    await page.get_by_role("dialog").get_by_role("button", name=name).click()


async def test_cases_change_hands_for_a_leave_and_come_back(officer: Officers, town: TownThere) -> None:
    desk = await officer("steward", "/handovers")
    page = desk.page
    await page.get_by_role("button", name="安排离岗交接").click()
    wrong = await look(page, "leave")
    # Away since this morning, so that it takes effect as soon as the colleague has answered.
    start = page.get_by_label("开始")
    today = datetime.fromisoformat(await start.input_value()) - timedelta(days=1)
    await start.fill(f"{today:%Y-%m-%dT%H:%M}")
    await page.get_by_role("button", name="生成分配方案").click()
    await expect(page.get_by_role("heading", name=re.compile("王青 · 休假"))).to_be_visible()
    await expect(page.get_by_role("heading", name="同事的工作量")).to_be_visible()
    await page.get_by_label("离岗人交代").fill("周五前要给被侵害人回话。")
    await page.get_by_role("button", name="保存交代").click()
    await expect(page.get_by_text("已保存。")).to_be_visible()
    wrong += await look(page, "handover-draft", narrow=True)
    await confirmed(page, "征求同事意见")
    await expect(page.get_by_text("已通知同事，等待接收。")).to_be_visible()

    receiver = await officer("colleague", "/handovers")
    await receiver.page.get_by_role("link", name=re.compile("件等您答复")).click()
    await expect(receiver.page.get_by_text("周五前要给被侵害人回话。")).to_be_visible()
    wrong += await look(receiver.page, "handover-receiver", narrow=True)
    boxes = receiver.page.get_by_role("checkbox", name=re.compile("选择 "))
    offered = await boxes.count()
    await receiver.page.get_by_role("checkbox", name="全选").uncheck()
    await boxes.first.check()
    await receiver.page.get_by_role("button", name="不接收 1 件").click()
    window = receiver.page.get_by_role("dialog")
    await window.get_by_role("button", name="手上案件太多").click()
    await window.get_by_role("button", name="不接收 1 件").click()
    await expect(receiver.page.get_by_text("已退回 1 件，由教导员安排。")).to_be_visible()
    await receiver.page.get_by_role("checkbox", name="全选").check()
    await receiver.page.get_by_role("button", name=f"接收 {offered - 1} 件", exact=True).click()
    await expect(receiver.page.get_by_text(f"已接收 {offered - 1} 件。")).to_be_visible()

    leader = await officer("instructor", "/handovers")
    await leader.page.get_by_role("link", name=re.compile("王青 · 休假")).click()
    await leader.page.get_by_role("checkbox", name=re.compile("选择 ")).check()
    await leader.page.get_by_label("安排给").select_option(label="我自己")
    await leader.page.get_by_role("button", name="确定安排").click()
    await expect(leader.page.get_by_text("已安排 1 件。")).to_be_visible()

    await page.reload()
    await confirmed(page, "返岗，收回案件")
    await expect(page.get_by_role("heading", name="离岗期间发生了什么")).to_be_visible()
    wrong += await look(page, "handover-returned")
    assert wrong == []


async def test_a_table_with_a_fault_is_mended_and_taken_over(officer: Officers, town: TownThere) -> None:
    desk = await officer("steward", "/imports")
    page = desk.page
    await page.get_by_label("选择表格").set_input_files(table(desk.number, "123"))
    await page.get_by_role("button", name="上传并试运行").click()
    await expect(page.get_by_role("cell", name="手机号码", exact=True)).to_be_visible()
    wrong = await look(page, "import-faulty", narrow=True)
    await page.get_by_label("选择表格").set_input_files(table(desk.number, "19987654321"))
    await page.get_by_role("button", name="上传并试运行").click()
    await page.get_by_role("button", name="确认导入").click()
    await expect(page.get_by_role("link", name="查看案件")).to_be_visible(timeout=30_000)
    wrong += await look(page, "import-done")
    assert wrong == []


async def test_one_answer_reaches_two_who_asked_the_same(officer: Officers, town: TownThere) -> None:
    await town.write(0, "停水期间能不能来办手续？")
    await town.write(3, "停水的话还办手续吗？")
    desk = await officer("steward")
    page = desk.page
    for text in ("停水期间能不能来", "停水的话还办"):
        line = page.get_by_role("listitem").filter(has_text=text)
        await line.get_by_role("checkbox").check()
    await page.get_by_role("button", name="一次答复").click()
    await page.get_by_label("答复内容").fill("{称呼}您好，停水期间照常办理。")
    await page.get_by_role("button", name="逐人预览").click()
    await expect(page.get_by_role("blockquote").first).to_contain_text("您好，停水期间照常办理。")
    wrong = await look(page, "answer-many", narrow=True)
    await page.get_by_role("button", name=re.compile(r"发给 \d 人")).click()
    await expect(page.get_by_text(re.compile(r"已答复 \d 人。"))).to_be_visible()
    assert wrong == []


async def test_the_roster_and_an_offer_of_three_times(officer: Officers, town: TownThere) -> None:
    leader = await officer("instructor", "/roster")
    await expect(leader.page.get_by_role("rowheader", name="王青")).to_be_visible()
    wrong = await look(leader.page, "roster", narrow=True)
    await leader.page.get_by_role("button", name="导入排班表").click()
    wrong += await look(leader.page, "roster-import")
    desk = await officer("steward", f"/cases/{town.cases[1]}")
    await desk.page.get_by_role("button", name="约时间").click()
    await expect(desk.page.get_by_label("时间 3")).to_be_visible()
    wrong += await look(desk.page, "appointment-offer", narrow=True)
    await desk.page.get_by_role("button", name="发出").click()
    await expect(desk.page.get_by_text("等对方选时间")).to_be_visible()
    wrong += await look(desk.page, "appointment-offered", narrow=True)
    assert wrong == []


async def test_a_canned_reply_is_found_by_typing_and_its_use_is_counted(officer: Officers, town: TownThere) -> None:
    await town.write(1, "鉴定意见出来没有？")
    desk = await officer("steward")
    page = desk.page
    [csrf] = [each["value"] for each in await desk.context.cookies() if each["name"] == "steward_csrf"]
    for title in ("请带身份证", "鉴定还在进行"):
        written = await page.request.post(
            f"{desk.address}/api/v1/canned-replies",
            data={"whose": "own", "title": title, "text": f"{title}，有结果马上告诉您。"},
            headers={"X-CSRF-Token": csrf},
        )
        assert written.ok
    await page.get_by_role("link", name=re.compile("鉴定意见出来没有")).click()
    await expect(page.get_by_role("textbox", name="答复")).to_be_visible()
    await page.keyboard.press("c")
    await page.get_by_role("combobox", name="查找常用语").fill("鉴定还在")
    await expect(page.get_by_role("option")).to_have_count(1)
    wrong = await look(page, "canned", narrow=True)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="答复")).to_have_value("鉴定还在进行，有结果马上告诉您。")
    async with page.expect_response("**/uses"):
        await page.get_by_role("button", name="发送答复").click()
    await expect(page.get_by_text("答复已发出。")).to_be_visible()
    assert wrong == []


async def test_an_update_from_a_template_carries_a_file_and_can_be_taken_back(
    officer: Officers, town: TownThere
) -> None:
    desk = await officer("steward", f"/cases/{town.cases[0]}")
    page = desk.page
    await page.get_by_role("group", name="常用内容").get_by_role("button").first.click()
    await expect(page.get_by_label("告诉当事人什么")).not_to_have_value("")
    file: FilePayload = {"name": "办事须知.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
    await page.get_by_role("group", name="附件").locator("input").set_input_files(file)
    await expect(page.get_by_text("办事须知.pdf")).to_be_visible()
    # To one of them alone: the page says who will see it and who will not.
    await page.get_by_label("发给谁").select_option(label="指定的人")
    await expect(page.get_by_text("没有人能看到")).to_be_visible()
    await expect(page.get_by_role("button", name="发布", exact=True)).to_be_disabled()
    await page.get_by_role("group", name="选择当事人").get_by_role("checkbox").first.check()
    await expect(page.get_by_text("能看到：")).to_be_visible()
    wrong = await look(page, "composer", narrow=True)
    await page.get_by_role("button", name="发布", exact=True).click()
    await expect(page.get_by_text(re.compile("已发布"))).to_be_visible()
    async with page.expect_download() as opened:
        await page.get_by_role("link", name="附件 1（PDF").click()
    assert (await (await opened.value).path()).read_bytes() == file["buffer"]
    await page.get_by_role("button", name="撤回").first.click()
    window = page.get_by_role("dialog")
    await window.get_by_role("button", name="内容写错了").click()
    await window.get_by_role("button", name="撤回").click()
    await expect(page.get_by_text("已撤回")).to_be_visible()
    assert wrong == []
