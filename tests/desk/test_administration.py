"""The inspector's and the administrators' work at the desk."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from kit import clock
from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

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
    assert '"signature"' in proof
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
    await page.get_by_label("为什么要改").fill("群众反映等得久")
    await page.get_by_role("button", name="预览影响").click()
    await expect(page.get_by_text("件待答提问")).to_be_visible()
    wrong = await look(page, "promise-edit")
    await page.get_by_role("button", name="提交复核").click()
    await expect(page.get_by_text("已提交，等待另一位管理员复核。")).to_be_visible()
    await first.open("/changes")
    await expect(page.get_by_text("由您提出，须由他人复核")).to_be_visible()
    await expect(page.get_by_role("button", name="同意", exact=True)).to_have_count(0)

    second = await officer("other_administrator", "/changes")
    page = second.page
    await expect(page.get_by_text("群众反映等得久")).to_be_visible()
    wrong += await look(page, "changes")
    await page.get_by_role("button", name="同意", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="同意", exact=True).click()
    await expect(page.get_by_text("已同意并生效。")).to_be_visible()
    await second.open("/promises")
    await expect(page.get_by_role("row").filter(has_text="20 分钟").filter(has_text="现行")).to_be_visible()
    for path in ("promises", "units", "officers", "holidays", "rating-rules", "canned-replies"):
        await second.open(f"/{path}")
        await expect(page.locator("main h1")).to_be_visible()
        await expect(page.get_by_role("status", name="正在加载")).to_have_count(0)
        wrong += await look(page, path)
    assert wrong == []
