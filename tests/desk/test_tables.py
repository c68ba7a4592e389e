"""Tables at the desk: what is wrong is said where it stands and nothing is saved; what is right is taken over."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from openpyxl import Workbook
from playwright.async_api import FilePayload, Page, expect

from tests.desk.browser import Desk
from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

pytestmark = pytest.mark.timeout(300)

CASES = ("案件序号", "案管家警号", "当事人姓名", "当事人身份", "手机号码")
ROSTER = ("警号", "姓名", "班次", "开始", "结束")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(name: str, *rows: Sequence[object]) -> FilePayload:
    """As somebody saves it with Excel, formulas and all."""
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    out = io.BytesIO()
    book.save(out)
    return {"name": name, "mimeType": XLSX, "buffer": out.getvalue()}


async def cases_there(desk: Desk) -> list[Any]:
    answer = await desk.page.request.get(f"{desk.address}/api/v1/cases?limit=100")
    return [each["id"] for each in (await answer.json())["items"]]


async def upload(page: Page, file: FilePayload) -> None:
    await page.get_by_label("选择表格").set_input_files(file)
    await page.get_by_role("button", name="上传并试运行").click()


async def test_faulty_tables_of_cases_are_explained_and_the_good_one_is_taken_over(
    officer: Officers, town: TownThere
) -> None:
    desk = await officer("steward", "/imports")
    page = desk.page
    before = await cases_there(desk)
    good = (1, desk.number, "孙来新", "受害人", "19987650001")
    problem = page.get_by_role("alert")

    await upload(page, workbook("列名.xlsx", (*CASES, "爱好"), (*good, "下棋")))
    await expect(problem).to_contain_text("F 列“爱好”不认识")
    wrong = await look(page, "import-columns", narrow=True)
    await upload(page, {"name": "案件.xlsx", "mimeType": XLSX, "buffer": b"%PDF-1.4\n%%EOF\n"})
    await expect(problem).to_contain_text("“案件.xlsx”是")
    await expect(problem).to_contain_text("不是表格")
    await upload(page, workbook("公式.xlsx", CASES, good, (2, desk.number, '="钱"&"来"', "受害人", "19987650002")))
    row = page.get_by_role("row").filter(has_text="是公式，不是文字")
    await expect(row.get_by_role("cell").first).to_have_text("3")
    await expect(row).to_contain_text("当事人姓名")
    await expect(row).to_contain_text("粘贴为数值")
    await expect(problem).to_have_count(0)
    await expect(page.get_by_role("button", name="确认导入")).to_have_count(0)
    wrong += await look(page, "import-formula", narrow=True)
    assert await cases_there(desk) == before, "nothing of the faulty ones is kept"

    await upload(page, workbook("正确.xlsx", CASES, good))
    await expect(page.get_by_text("将登记 1 个案件、1 位当事人")).to_be_visible()
    assert await cases_there(desk) == before, "a trial leaves no trace"
    await page.get_by_role("button", name="确认导入").click()
    await expect(page.get_by_role("link", name="查看案件")).to_be_visible(timeout=30_000)
    assert len(await cases_there(desk)) == len(before) + 1
    assert wrong == []


async def test_a_roster_is_brought_from_excel_into_the_calendar(officer: Officers, town: TownThere) -> None:
    desk = await officer("instructor", "/roster")
    page = desk.page
    await page.get_by_role("button", name="下个月").click()
    heading = re.search(r"(\d{4})年(\d{1,2})月", await page.locator("main h1").inner_text())
    assert heading is not None
    month = f"{heading[1]}-{int(heading[2]):02}"
    duty = (town.officers["steward"], "王青", "值班", f"{month}-06 08:30", f"{month}-07 08:30")
    leave = (town.officers["colleague"], "李白", "请假", f"{month}-06 00:00", f"{month}-06 24:00")
    await page.get_by_role("button", name="导入排班表").click()
    window = page.get_by_role("dialog")
    chosen, save = window.get_by_label("选择表格"), window.get_by_role("button", name="保存排班")

    await chosen.set_input_files(workbook("排班.xlsx", ROSTER, duty, (*leave[:1], "李黑", *leave[2:])))
    await window.get_by_role("button", name="试运行").click()
    await expect(window.get_by_role("row").filter(has_text="姓名和警号对不上")).to_contain_text("3")
    await expect(save).to_be_disabled()
    wrong = await look(page, "roster-faulty")
    await chosen.set_input_files(workbook("排班.xlsx", ROSTER, duty, leave))
    await window.get_by_role("button", name="试运行").click()
    await expect(save).to_be_enabled()
    await expect(page.get_by_role("button", name="王青 6日 值班")).to_have_count(0)
    wrong += await look(page, "roster-tried")
    await save.click()
    await window.get_by_role("button", name="关闭").last.click()
    await expect(page.get_by_role("button", name="王青 6日 值班")).to_be_visible()
    await expect(page.get_by_role("button", name="李白 6日 请假")).to_be_visible()
    wrong += await look(page, "roster-saved")
    assert wrong == []
