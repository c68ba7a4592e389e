"""What reaches the parties of a case: times to choose from, stages of the case system, the receipt, a written update.

Runs after the steward's own day, whose cases it borrows.
"""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from api.receipt_pdf import ReceiptFacts, render
from tests.api.machines import Signer
from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

pytestmark = pytest.mark.timeout(300)

CHOOSES = 7
"""The telephone of the party of the last case who chats."""
HEARS = 3
"""The telephone of a party of the case that the case system knows."""


async def test_a_party_picks_a_time_by_sms_and_hears_that_it_moved_and_was_cancelled(
    officer: Officers, town: TownThere
) -> None:
    desk = await officer("steward", f"/cases/{town.cases[3]}")
    page = desk.page
    await page.get_by_role("button", name="约时间").click()
    await page.get_by_label("地点").fill("一楼接待室")
    await page.get_by_label("带什么").fill("身份证原件")
    await page.get_by_role("button", name="发出").click()
    visits = page.get_by_role("listitem").filter(has_text="一楼接待室")
    await expect(visits).to_contain_text("等对方选时间")
    offered = await town.reads(CHOOSES, "请选一个时间")
    await town.text_back(CHOOSES, "2")
    settled = visits.filter(has_text="已约好")
    await expect(settled).to_be_visible(timeout=15_000)
    booked = await town.reads(CHOOSES, "约好了", after=offered["seq"])

    await settled.get_by_role("button", name="改时间").click()
    window = page.get_by_role("dialog")
    await window.get_by_label("新时间").select_option(index=5)
    wrong = await look(page, "appointment-move")
    await window.get_by_role("button", name="改时间").click()
    # In the chat, or as a service notification where the other stories have used up what the chat may hold.
    moved = await town.reads(CHOOSES, "约好", after=booked["seq"])
    assert moved["text"] != booked["text"], "the new time is told"
    await expect(visits.filter(has_text="已改期")).to_be_visible()
    await settled.get_by_role("button", name="取消预约").click()
    await window.get_by_role("button", name="事情已经办完").click()
    await window.get_by_role("button", name="取消预约").click()
    await expect(visits.filter(has_text="已取消")).to_be_visible()
    await expect(settled).to_have_count(0)
    await town.reads(CHOOSES, "取消", after=moved["seq"])
    wrong += await look(page, "appointment-cancelled")
    assert wrong == []


async def enters_stage(town: TownThere, case: dict[str, Any], steward: str, stage: str) -> None:
    """The case system takes over a case that was registered here, and says that it entered a stage."""
    taken = {"kind": "case", "source_id": "AJ1", "revision": 1, "unit": town.station, "steward": steward}
    entered = {"kind": "stage", "source_id": "AJ1-2", "revision": 1, "case": "AJ1", "stage": stage}
    records = [
        taken | {"reference": case["reference"]},
        entered | {"at": case["registered_at"]},
    ]
    client_id, secret = town.machine
    async with httpx.AsyncClient(base_url=f"{town.desk}/api/v1", auth=Signer(client_id, secret)) as system:
        answer = (await system.post("/exchange/upserts", json={"records": records})).json()
    assert answer["counts"]["applied"] == len(records), answer


async def asks_for_news(town: TownThere, words: str, after: int) -> None:
    """The party is told that there is something new, in words that anybody may read, and asks for it."""
    told = await town.reads(HEARS, "新的办理进展", after=after)
    assert words not in told["text"]
    await town.write(HEARS, "询问进展")
    await town.reads(HEARS, words, after=told["seq"])


async def test_a_stage_of_the_case_system_is_released_by_one_tap_and_reaches_the_party(
    officer: Officers, town: TownThere
) -> None:
    desk = await officer("steward", f"/cases/{town.cases[1]}")
    page = desk.page
    await expect(page.get_by_label("告诉当事人什么")).to_be_visible()
    case = await (await page.request.get(f"{desk.address}/api/v1/cases/{town.cases[1]}")).json()
    before = await town.latest(HEARS)
    await enters_stage(town, case, desk.number, "investigating")
    # The page that is open shows it by itself.
    draft = page.locator("section").filter(has=page.get_by_role("heading", name="待发布的进展"))
    await expect(draft).to_contain_text("能看到：", timeout=15_000)
    words = await draft.locator("p.words").inner_text()
    wrong = await look(page, "draft", narrow=True)
    await draft.get_by_role("button", name="发布", exact=True).click()
    await expect(page.get_by_text(re.compile(r"已发布，通知 \d 人。"))).to_be_visible()
    await expect(page.get_by_text(words)).to_be_visible()
    await expect(draft).to_have_count(0)
    await asks_for_news(town, words, before)
    assert wrong == []


async def test_the_receipt_is_taken_home(officer: Officers, town: TownThere) -> None:
    desk = await officer("steward", f"/cases/{town.cases[1]}")
    page = desk.page
    await invite_anew(page)
    window = page.get_by_role("dialog")
    word = await window.locator("strong").inner_text()
    link = window.get_by_role("link", name="打印回执（PDF）")
    shown = await page.request.get(desk.address + (await link.get_attribute("href") or "").removesuffix(".pdf"))
    wrong = await look(page, "receipt", narrow=True)
    # Some browsers show it in the new tab, others keep it at once: what the server sent is the same.
    async with desk.context.expect_event("response", lambda answer: answer.url.endswith("receipt.pdf")) as opening:
        await link.click()
    sent = await opening.value
    assert (sent.status, sent.headers["content-type"]) == (200, "application/pdf")
    content = await (await page.request.get(sent.url)).body()
    assert content.startswith(b"%PDF-")
    assert f"验证词{word}" in text_of(content)
    assert code_of((await shown.json())["qr_content"]) in pictures_of(content)
    assert code_of("https://elsewhere.example/") not in pictures_of(content)
    assert wrong == []


async def invite_anew(page: Page) -> None:
    """The last party left with their telephone, and is invited again; the receipt is on the screen."""
    await page.get_by_role("button", name="移出群").last.click()
    window = page.get_by_role("dialog")
    await window.get_by_label("原因").fill("换了手机，重新加入")
    await window.get_by_role("button", name="移出群").click()
    await expect(window).to_have_count(0)
    await page.get_by_role("button", name="邀请", exact=True).last.click()
    await expect(window.get_by_role("img", name="邀请二维码")).to_be_visible()


def text_of(pdf: bytes) -> str:
    """The letters of the page in the order in which they are drawn."""
    letters = {int(glyph, 16): chr(int(code, 16)) for glyph, code in re.findall(rb"<(\w{4})> <(\w{4})>", pdf)}
    streams = re.findall(rb"stream\n(x.*?)\nendstream", pdf, re.DOTALL)
    drawn = b"".join(re.findall(rb"\((.*?)\) Tj", zlib.decompress(streams[0]), re.DOTALL))
    glyphs = re.sub(rb"\\(.)", lambda found: b"\r" if found[1] == b"r" else found[1], drawn, flags=re.DOTALL)
    return "".join(letters[int.from_bytes(glyphs[at : at + 2])] for at in range(0, len(glyphs), 2))


def pictures_of(pdf: bytes) -> list[bytes]:
    return re.findall(rb"/Subtype /Image.*?stream\n(.*?)\nendstream", pdf, re.DOTALL)


def code_of(link: str) -> bytes:
    """The picture of a receipt's code for this link, as a PDF holds it."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    [picture] = pictures_of(render(ReceiptFacts("", "", "", link, "", "", at, at)))
    return picture


async def test_an_update_is_written_and_posted_by_keys(officer: Officers, town: TownThere) -> None:
    desk = await officer("steward", f"/cases/{town.cases[1]}")
    page = desk.page
    box = page.get_by_label("告诉当事人什么")
    await expect(page.get_by_text("能看到：").last).to_be_visible()
    before = await town.latest(HEARS)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("写进展")
    await page.keyboard.press("Escape")
    await page.keyboard.press("u")
    await expect(box).to_be_focused()
    await page.keyboard.type("现场勘验已经完成，正在等鉴定意见。")
    await page.keyboard.press("Tab")
    await page.keyboard.type("鉴定意见")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text(re.compile(r"已发布，通知 \d 人"))).to_be_visible()
    await expect(page.get_by_text("现场勘验已经完成，正在等鉴定意见。")).to_be_visible()
    await asks_for_news(town, "现场勘验已经完成", before)
