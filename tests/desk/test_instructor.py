"""The instructor's day at the desk: from a figure to whom it concerns, and doing something about it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.desk.browser import Desk
from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look
from tests.desk.town import LATE_QUESTION

pytestmark = pytest.mark.timeout(300)


async def test_an_instructor_finds_who_is_late_and_passes_the_question_on(officer: Officers, town: TownThere) -> None:
    desk = await officer("instructor", "/figures")
    page = desk.page
    await expect(page.get_by_role("heading", name=re.compile(r"\d+ 件超时.谁的、为什么"))).to_be_visible()
    await page.get_by_role("button", name="提问时间").click()
    await expect(page.locator("canvas").first).to_be_visible()
    wrong = await look(page, "figures")
    await _explains_itself(page)

    await page.get_by_role("link", name=re.compile(r"查看全部 \d+ 件")).first.click()
    await expect(page.get_by_role("heading", name="超时未答")).to_be_visible()
    await expect(page.get_by_role("table")).to_be_visible()
    wrong += await look(page, "figure-rows")
    await page.get_by_role("link", name=re.compile("的经过$")).first.click()
    await expect(page.get_by_role("heading", name=re.compile("^询问的经过"))).to_be_visible()
    await expect(page.get_by_text("超时", exact=True).first).to_be_visible()
    wrong += await look(page, "history")
    await page.get_by_role("link", name="打开询问").click()
    await expect(page.get_by_text(LATE_QUESTION).first).to_be_visible()
    wrong += await _reassign(page, town.officers["colleague"])
    wrong += await _who_joined(desk)

    await desk.open("/figures")
    await _answer(await officer("colleague"))
    await expect(page.get_by_role("heading", name="没有超时")).to_be_visible()
    wrong += await _other_pages(desk)
    assert wrong == []


async def _who_joined(desk: Desk) -> list[str]:
    """A figure that is about a case, not a question, leads to what happened in the case."""
    await desk.open("/figures/rows?figure=enrolment")
    await desk.page.get_by_role("link", name=re.compile("的经过$")).first.click()
    await expect(desk.page.get_by_role("heading", name=re.compile("^案件的经过"))).to_be_visible()
    await expect(desk.page.get_by_text("登记案件")).to_be_visible()
    wrong = await look(desk.page, "case-history")
    await expect(desk.page.get_by_role("link", name="打开案件")).to_be_visible()
    return wrong


async def test_the_public_opinion_centre_reads_why_a_question_is_late(officer: Officers, town: TownThere) -> None:
    desk = await officer("centre_officer", "/figures/rows?figure=first_response")
    page = desk.page
    await page.get_by_role("link", name=re.compile("的经过$")).first.click()
    await expect(page.get_by_role("heading", name=re.compile("^询问的经过"))).to_be_visible()
    await expect(page.get_by_role("link", name="打开询问")).to_have_count(0)
    assert await _who_joined(desk) == []


async def _explains_itself(page: Page) -> None:
    await page.get_by_role("button", name=re.compile("有问必答率.*怎么算")).click()
    await expect(page.get_by_role("dialog")).to_contain_text("在承诺时限内得到民警完整答复")
    await page.keyboard.press("Escape")


async def _reassign(page: Page, to: str) -> list[str]:
    await page.get_by_role("button", name="转办").click()
    dialog = page.get_by_role("dialog")
    receivers = dialog.get_by_label("接手民警")
    await expect(receivers.locator("option", has_text=to)).to_have_count(1)
    await receivers.select_option(label=await receivers.locator("option", has_text=to).inner_text())
    await dialog.get_by_role("textbox").fill("责任人不在岗")
    wrong = await look(page, "reassign")
    await dialog.get_by_role("button", name="转办").click()
    await expect(page.get_by_text(re.compile("^已转给"))).to_be_visible()
    await expect(page.get_by_text(re.compile("转办原因.责任人不在岗"))).to_be_visible()
    return wrong


async def _answer(colleague: Desk) -> None:
    await colleague.page.get_by_role("link", name=re.compile(re.escape(LATE_QUESTION[:-1]))).click()
    await colleague.page.get_by_role("textbox", name="答复").fill("手机已完成检验，明天上午可以来所里领取。")
    await colleague.page.get_by_role("button", name="发送答复").click()
    await expect(colleague.page.get_by_text("答复已发出。")).to_be_visible()


async def _other_pages(desk: Desk) -> list[str]:
    wrong: list[str] = []
    for name, title in (("figures/changes", "变化原因"), ("figures/months", "月度数字"), ("contests", "超时异议")):
        await desk.open(f"/{name}")
        await expect(desk.page.get_by_role("heading", name=re.compile(title))).to_be_visible()
        await expect(desk.page.get_by_role("status", name="正在加载")).to_have_count(0)
        wrong += await look(desk.page, name.rsplit("/", 1)[-1])
    return wrong
