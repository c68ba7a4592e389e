"""Calls that are owed, at the desk; runs after the steward's own day, whose last case it borrows."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

pytestmark = pytest.mark.timeout(300)

SAFE_NUMBER = "19911112222"


async def protect(page: Page) -> None:
    """The first party of the case on the page is protected from now on."""
    await page.get_by_role("button", name="设为受保护").first.click()
    window = page.get_by_role("dialog")
    await window.get_by_label("暗语").fill("海棠花开")
    await window.get_by_label("安全电话").fill(SAFE_NUMBER)
    await window.get_by_label("托词").fill("社区体检回访")
    await window.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("button", name="修改保护方式")).to_be_visible()


async def mark_stolen(page: Page) -> None:
    """The telephone of the last party is stolen: nothing reaches it any more."""
    await page.get_by_role("button", name="标记号码").last.click()
    window = page.get_by_role("dialog")
    await window.get_by_label("标记为").select_option(label="被盗")
    await window.get_by_role("button", name="本人告知手机被盗").click()
    await window.get_by_role("button", name="标记号码").click()
    await expect(page.locator(".tag", has_text="被盗")).to_be_visible()


async def test_a_protected_person_is_told_by_telephone_before_the_others_read_it(
    officer: Officers, town: TownThere
) -> None:
    desk = await officer("steward", f"/cases/{town.cases[2]}")
    page = desk.page
    await protect(page)
    await mark_stolen(page)
    await page.get_by_label("告诉当事人什么").fill("对方已经到案，正在询问。")
    await page.get_by_label("正在等待").fill("询问结束")
    await expect(page.get_by_text("先等待、受保护人员得知后才能看到")).to_be_visible()
    await page.get_by_role("button", name="发布", exact=True).click()
    await expect(page.get_by_text(re.compile(r"已发布，.*人稍后"))).to_be_visible()
    await expect(page.get_by_text(re.compile(r"已看 0 人，等待 \d 人"))).to_be_visible()

    await desk.open("/")
    # A message and an update each ask for a call; one call settles both.
    await page.get_by_role("link", name=re.compile("安全告知")).first.click()
    await expect(page.get_by_role("heading", name="说什么")).to_be_visible()
    await expect(page.locator("blockquote")).to_contain_text("对方已经到案，正在询问。")
    await expect(page.get_by_text(SAFE_NUMBER)).to_have_count(0)
    await page.keyboard.press("d")
    await expect(page.get_by_text(SAFE_NUMBER)).to_be_visible()
    await expect(page.get_by_text("先这样说：社区体检回访")).to_be_visible()
    wrong = await look(page, "call", narrow=True)

    await page.keyboard.press("r")
    await page.get_by_role("radio", name="没有接通").check()
    await page.get_by_role("button", name="登记", exact=True).click()
    await expect(page.get_by_text("还需要再联系")).to_be_visible()
    await page.get_by_role("radio", name="已告知本人").check()
    # A call of minutes would have begun before the update was there to be told.
    await page.get_by_label("通话分钟数").fill("0")
    await page.get_by_label("要点").fill("本人已知道，情绪平稳。")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("这项任务办结了")).to_be_visible()

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="电话与回访")).to_be_visible()
    wrong += await look(page, "calls", narrow=True)
    await desk.open(f"/cases/{town.cases[2]}")
    await expect(page.get_by_text("对方已经到案，正在询问。")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"等待 \d 人"))).to_have_count(0, timeout=15_000)
    assert wrong == []
