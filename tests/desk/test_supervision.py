"""What an instructor does about what the figures show: contests, steps in, takes it out on paper."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

import docx
import openpyxl
import pytest
from playwright.async_api import Locator, Page, expect

from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

pytestmark = pytest.mark.timeout(300)

EVIDENCE = "10:20 已电话答复，通话 3 分钟。"
DECISION = "通话记录属实。"
NEW_QUESTION = "请问赔偿的事谈得怎么样了？"


async def test_a_breach_is_contested_from_its_row_and_the_level_above_decides(
    officer: Officers, town: TownThere
) -> None:
    desk = await officer("instructor", "/figures/rows?figure=first_response")
    page = desk.page
    late = page.get_by_role("row").filter(has_text="超时后完成").first
    await late.get_by_role("link", name=re.compile("提出异议$")).click()
    promise = page.get_by_role("listitem").filter(has_text="首次答复").first
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("说明和证据").fill(EVIDENCE)
    wrong = await look(page, "contest-dialog")
    await dialog.get_by_role("button", name="提交异议").click()
    await expect(promise.get_by_role("link", name="异议等待裁定")).to_be_visible()
    wrong += await look(page, "history-contested")

    above = (await officer("sub_instructor", "/contests")).page
    card = above.get_by_role("article").filter(has_text=EVIDENCE)
    await expect(card).to_contain_text("王青")
    wrong += await look(above, "contest-to-decide")
    await card.get_by_role("button", name="成立", exact=True).click()
    await above.get_by_role("dialog").get_by_label("原因").fill(DECISION)
    wrong += await look(above, "contest-decision")
    await above.get_by_role("dialog").get_by_role("button", name="成立", exact=True).click()
    await expect(above.get_by_text("裁定已保存。")).to_be_visible()

    await page.reload()
    await expect(promise).to_contain_text("超时")
    await promise.get_by_role("link", name=re.compile("核定.不算超时")).click()
    await expect(page.get_by_role("article")).to_contain_text(DECISION)
    wrong += await look(page, "contest-decided")
    await desk.open("/figures")
    await expect(page.get_by_text("核定改判 1 件").first).to_be_visible()
    assert wrong == []


async def test_an_instructor_comments_hurries_and_takes_over(officer: Officers, town: TownThere) -> None:
    await town.write(6, NEW_QUESTION)
    desk = await officer("instructor", "/figures/rows?figure=first_response")
    page = desk.page
    await (
        page.get_by_role("row")
        .filter(has_text="等待答复")
        .first.get_by_role("link", name=re.compile("的经过$"))
        .click()
    )
    await page.get_by_role("link", name="打开询问").click()
    await expect(page.get_by_text(NEW_QUESTION).first).to_be_visible()
    steps = page.get_by_role("region", name="教导员处理")
    await steps.get_by_role("button", name="批注").click()
    await page.get_by_role("dialog").get_by_label("批注内容").fill("请先联系对方。")
    wrong = await look(page, "comment")
    await page.get_by_role("dialog").get_by_role("button", name="写入批注").click()
    await expect(page.get_by_text("批注已写入。")).to_be_visible()
    await steps.get_by_role("button", name="催办").click()
    await expect(page.get_by_text(re.compile("^已催办"))).to_be_visible()
    await steps.get_by_role("button", name="接手").click()
    await page.get_by_role("dialog").get_by_role("button", name="情况复杂").click()
    await page.get_by_role("dialog").get_by_role("button", name="接手").click()
    await expect(page.get_by_text("已由您接手。")).to_be_visible()

    await page.go_back()
    for deed in ("批注", "催办", "接办"):
        await expect(page.get_by_role("listitem").filter(has_text=re.compile(f"\\S+{deed}$")).last).to_be_visible()
    wrong += await look(page, "history-taken-over")
    assert wrong == []


async def test_the_figures_are_taken_out_as_tables_and_as_a_report(officer: Officers, town: TownThere) -> None:
    desk = await officer("instructor", "/figures/rows?figure=first_response")
    page = desk.page
    reference = await page.get_by_role("table").get_by_role("link", name=re.compile(r"^A\d{14}$")).first.inner_text()
    rows = await page.get_by_role("row").count() - 1
    one = await _sheet(page, page.get_by_role("link", name=re.compile("导出本表")))
    assert sum(reference in line for line in one) >= 1
    assert sum(bool(re.search(r"A\d{14}", line)) for line in one) == rows

    await page.get_by_role("link", name="回到看板").click()
    await page.get_by_role("button", name=re.compile("^询问明细")).click()
    every = await _sheet(page, page.get_by_role("link", name="下载文件"))
    assert any(reference in line for line in every)
    assert any(desk.number in line for line in every), "who took it out stands in it"

    report = docx.Document(io.BytesIO(await _download(page, page.get_by_role("link", name=re.compile("月报")))))
    written = " ".join(each.text for each in report.paragraphs)
    assert "柳堤派出所" in written
    assert report.tables


async def _sheet(page: Page, link: Locator) -> list[str]:
    """Every line of every sheet, as one text each."""
    book = openpyxl.load_workbook(io.BytesIO(await _download(page, link)))
    return [
        " ".join(str(cell) for cell in row if cell is not None)
        for sheet in book.worksheets
        for row in sheet.iter_rows(values_only=True)
    ]


async def _download(page: Page, link: Locator) -> bytes:
    async with page.expect_download() as downloading:
        await link.click()
    path = await (await downloading.value).path()
    return await asyncio.to_thread(Path(path).read_bytes)
