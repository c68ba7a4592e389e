"""Every page as people see it: accessible (WCAG 2.2 AA by axe-core), and on pictures to be looked at.

The pictures go to `desk/tests/screenshots/`. What a component library gets wrong is listed in
`desk/tests/axe-exceptions.json` by rule, component and reason; the list may only shrink.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.desk.conftest import NORMAL, ROOT, Officers, TownThere

pytestmark = pytest.mark.timeout(300)

AXE = ROOT / "desk" / "node_modules" / "axe-core" / "axe.min.js"
EXCEPTIONS = ROOT / "desk" / "tests" / "axe-exceptions.json"
MOST_EXCEPTIONS = 0
PICTURES = ROOT / "desk" / "tests" / "screenshots"
NARROW: ViewportSize = {"width": 360, "height": 740}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


async def violations(page: Page) -> list[str]:
    """What axe-core finds, but for the exceptions."""
    # Its text is evaluated by the test's own hand: the page's policy lets no other script in.
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS
    )
    allowed = {(each["rule"], each["component"]) for each in json.loads(EXCEPTIONS.read_text())}
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in allowed)
    ]


async def fits(page: Page) -> bool:
    """Whether nothing has to be pushed sideways to be read."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def look(page: Page, name: str, *, narrow: bool = False) -> list[str]:
    """Check and take pictures, in both modes; answers what is wrong."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for mode in ("normal", "elderly"):
        await page.evaluate("on => document.documentElement.toggleAttribute('data-elderly', on)", mode == "elderly")
        for size in (NORMAL, NARROW) if narrow else (NORMAL,):
            await page.set_viewport_size(size)
            await page.wait_for_timeout(150)
            await page.screenshot(path=PICTURES / f"{name}-{mode}-{size['width']}.png")
            where = f"{name} {mode} {size['width']}"
            wrong += [f"{where}: {each}" for each in await violations(page)]
            if not await fits(page):
                wrong.append(f"{where}: wider than the screen")
    await page.set_viewport_size(NORMAL)
    return wrong


def test_the_list_of_exceptions_only_shrinks() -> None:
    listed = json.loads(EXCEPTIONS.read_text())
    assert len(listed) <= MOST_EXCEPTIONS
    assert all({"rule", "component", "reason"} <= each.keys() for each in listed)


async def test_the_login_page(officer: Officers, town: TownThere) -> None:
    desk = await officer("colleague")
    await desk.context.clear_cookies()
    await desk.page.reload()
    await expect(desk.page.get_by_role("heading", name="登录")).to_be_visible()
    assert await look(desk.page, "login", narrow=True) == []


async def test_the_stewards_pages(officer: Officers, town: TownThere) -> None:
    await town.write(2, "请问伤情鉴定什么时候能出结果？我已经等了很久了，家里老人也很着急，麻烦您尽快告诉我一声。" * 3)
    await town.write(2, "还有，医药费的发票是不是现在就要交？")
    desk = await officer("steward")
    page = desk.page
    line = page.get_by_role("link", name=re.compile("医药费的发票"))
    await expect(line).to_be_visible()
    wrong = await look(page, "queue", narrow=True)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    wrong += await look(page, "help")
    await page.keyboard.press("Escape")
    await line.click()
    await page.get_by_role("textbox", name="答复").fill("请把发票原件带来。")
    await page.get_by_role("button", name="预览").click()
    await expect(page.locator("blockquote")).to_be_visible()
    wrong += await look(page, "inquiry", narrow=True)
    for button in ("登记电话或当面答复", "转交同事", "无需答复"):
        await page.get_by_role("button", name=button).click()
        wrong += await look(page, f"inquiry-{button}")
        await page.get_by_role("button", name="取消").click()
    await desk.open("/cases")
    await expect(page.get_by_role("table")).to_be_visible()
    wrong += await look(page, "cases")
    await desk.open(f"/cases/{town.cases[0]}")
    await expect(page.get_by_text("能看到：")).to_be_visible()
    wrong += await look(page, "case", narrow=True)
    await desk.open("/cases/01932c07-5d2e-7c3a-9b1f-2f6d8a4e5c70")
    await expect(page.get_by_role("alert")).to_be_visible()
    wrong += await look(page, "case-missing")
    await desk.open("/nowhere")
    await expect(page.get_by_role("heading", name="没有这个页面")).to_be_visible()
    wrong += await look(page, "nowhere")
    assert wrong == []


async def test_an_empty_queue_and_an_officer_without_pages(officer: Officers) -> None:
    colleague = await officer("colleague")
    await expect(colleague.page.get_by_text("没有待办")).to_be_visible()
    wrong = await look(colleague.page, "queue-empty", narrow=True)
    assert wrong == []
