"""The platform's page in a real browser: a person plays citizens on it, and watches a story."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect, sync_playwright

from tests.sandbox.conftest import Platform, Received, Receiver, free_port
from tests.sandbox.test_callbacks import fields, passive_text
from tests.sandbox.test_control import start
from tests.sandbox.test_sms import INVITATION, REPLY, send

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 15_000
"""Milliseconds; what succeeds takes a tenth of a second, but the machine may be busy with other tests."""
DESKTOP = {"width": 1366, "height": 768}
POCKET = {"width": 390, "height": 844}
VICTIM, SUSPECT = ("victim", "周晓禾", "19900000001"), ("suspect", "吴建安", "19900000002")
MENU = {
    "button": [
        {"name": "案件进展", "sub_button": [{"type": "click", "name": "询问进展", "key": "STATUS"}]},
        {"type": "click", "name": "评价", "key": "RATE"},
    ]
}
RATING = {"head_content": "请您评价", "list": [{"id": "1", "content": "满意"}, {"id": "3", "content": "不满意"}]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chosen = os.environ.get("STEWARD_CHROMIUM") or _find_browser()
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=chosen, args=["--no-sandbox"])
        yield browser
        browser.close()


def _find_browser() -> str:
    """As `make test` does before it starts."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "browser.py")], check=True, stdout=subprocess.PIPE, text=True
    )
    return found.stdout.strip()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Platform]:
    """The platform as it is started by itself, with two phones on the table and the product's menu."""
    port = free_port()
    running = start(tmp_path_factory.mktemp("page"), port, receiver.url)
    platform = Platform(f"http://127.0.0.1:{port}")
    yield platform
    platform.http.close()
    running.terminate()
    assert running.wait(10) is not None


@pytest.fixture
def table(process: Platform, receiver: Receiver) -> Platform:
    process.control("POST", "/reset", {"templates": True})
    process.control("PATCH", "/accounts/oa", {"mode": "plain", "format": "xml"})
    process.call("oa", "/cgi-bin/menu/create", MENU)
    process.control("PUT", "/templates/sms", INVITATION)
    receiver.received.clear()
    receiver.delay, receiver.answer = 0.0, answer_as_the_product
    for phone in (VICTIM, SUSPECT):
        process.phone(*phone)
    return process


def answer_as_the_product(got: Received) -> tuple[int, str]:
    """Says what it got, so that the answer on the page is seen to belong to what was done there."""
    if got.path.startswith("/sms/"):
        return 200, '{"result": 0, "errmsg": "OK"}'
    said = fields(got.body, "xml")
    what = said.get("Content") or said.get("EventKey") or said["Event"]
    return 200, passive_text(said["FromUserName"], f"收到：{what}", "xml")


@pytest.fixture
def errors() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, table: Platform, errors: list[str]) -> Iterator[Page]:
    """The open page. Whatever the browser complains of fails the test."""
    page = browser.new_page(viewport=DESKTOP)  # type: ignore[arg-type]  # A plain dictionary will do.
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: errors.extend(_complaint(message)))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(table.url)
    expect(page.locator(".online.on")).to_be_visible()
    yield page
    page.close()
    assert errors == []


def _complaint(message: ConsoleMessage) -> list[str]:
    return [message.text] if message.type in ("error", "warning") else []


def phone(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def last_said(phone: Locator) -> Locator:
    return phone.get_by_role("log", name="公众号聊天记录").locator(".message").last


def names(page: Page) -> list[str]:
    """From left to right."""
    return page.locator(".phone .person-text strong").all_inner_texts()


def test_a_person_plays_a_citizen(page: Page, table: Platform) -> None:
    victim = phone(page, "周晓禾")
    victim.get_by_role("button", name="关注公众号").click()
    expect(last_said(victim)).to_have_text("收到：subscribe")

    victim.get_by_role("button", name="案件进展").click()
    victim.get_by_role("button", name="询问进展").click()
    expect(last_said(victim)).to_have_text("收到：STATUS")

    victim.get_by_role("button", name="切换到键盘").click()
    victim.get_by_label("输入消息").fill("我的案子怎么样了")
    victim.get_by_label("输入消息").press("Enter")
    expect(last_said(victim)).to_have_text("收到：我的案子怎么样了")

    openid = table.control("GET", "/phones/victim")["oa_openid"]
    table.call("oa", "/cgi-bin/message/custom/send", {"touser": openid, "msgtype": "msgmenu", "msgmenu": RATING})
    victim.get_by_role("group", name="点选回答").get_by_role("button", name="不满意").click()
    expect(last_said(victim)).to_have_text("收到：不满意")
    expect(phone(page, "吴建安").get_by_role("button", name="关注公众号")).to_be_visible()


def test_the_newest_message_stays_in_sight_whatever_happens_on_other_phones(page: Page) -> None:
    victim, suspect = phone(page, "周晓禾"), phone(page, "吴建安")
    for each in (victim, suspect):
        each.get_by_role("button", name="关注公众号").click()
        each.get_by_role("button", name="切换到键盘").click()
    for number in range(8):
        victim.get_by_label("输入消息").fill(f"第 {number} 问")
        victim.get_by_label("输入消息").press("Enter")
        expect(last_said(victim)).to_have_text(f"收到：第 {number} 问")
    suspect.get_by_label("输入消息").fill("在吗")
    suspect.get_by_label("输入消息").press("Enter")
    expect(last_said(suspect)).to_have_text("收到：在吗")
    expect(last_said(victim)).to_be_in_viewport()


def test_a_text_message_opens_on_a_phone_that_nobody_holds_and_is_counted_on_one_in_use(
    page: Page, table: Platform, receiver: Receiver
) -> None:
    victim, suspect = phone(page, "周晓禾"), phone(page, "吴建安")
    victim.get_by_role("tab", name="公众号").click()
    for _, _, number in (VICTIM, SUSPECT):
        send(table, PhoneNumberSet=[f"+86{number}"])
    expect(suspect.get_by_text("某派出所邀请您查询进展")).to_be_visible()
    expect(victim.get_by_role("tab", name="短信").get_by_label("1 条未读")).to_be_visible()
    victim.get_by_role("tab", name=re.compile("短信")).click()
    victim.get_by_role("button", name="不满意").click()
    expect(victim.locator(".sms.mine")).to_have_text("3")
    assert '"3"' in receiver.wait(REPLY)[0].body


def test_a_code_on_the_table_is_scanned(page: Page, table: Platform) -> None:
    table.call(
        "oa",
        "/cgi-bin/qrcode/create",
        {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "t0ken"}}},
    )
    page.get_by_role("navigation").get_by_role("button", name="桌上的二维码").click()
    code = page.get_by_role("dialog", name="桌上的二维码").locator(".code")
    code.get_by_role("button", name="吴建安").click()
    expect(last_said(phone(page, "吴建安"))).to_have_text("收到：qrscene_t0ken")


def test_phones_stand_in_the_order_in_which_they_were_put_there(page: Page, table: Platform) -> None:
    table.phone("a-late-one", "林秋月", "19900000003")
    expect(phone(page, "林秋月")).to_be_in_viewport()
    page.get_by_role("button", name="添加市民").click()
    page.get_by_label("姓名").fill("陈文博")
    page.get_by_role("dialog").get_by_role("button", name="添加市民").click()
    expect(phone(page, "陈文博")).to_be_in_viewport()
    page.get_by_role("button", name="吴建安", exact=True).click()
    page.get_by_role("button", name="吴建安", exact=True).click()
    assert names(page) == ["周晓禾", "吴建安", "林秋月", "陈文博"]
    page.reload()
    expect(page.locator(".phone")).to_have_count(4)
    assert names(page) == ["周晓禾", "吴建安", "林秋月", "陈文博"]


def test_whoever_adds_a_citizen_to_a_crowded_table_sees_their_phone(page: Page, table: Platform) -> None:
    for number in range(3, 15):
        table.phone(f"p{number}", f"市民{number}", f"199000000{number:02d}")
    expect(page.locator(".chip")).to_have_count(14)
    expect(page.locator(".phone")).to_have_count(12)
    page.get_by_role("button", name="添加市民").click()
    page.get_by_label("姓名").fill("陈文博")
    page.get_by_role("dialog").get_by_role("button", name="添加市民").click()
    expect(phone(page, "陈文博")).to_be_in_viewport()


def tell(table: Platform, *states: str) -> None:
    for number, state in enumerate(states, start=1):
        step: dict[str, Any] = {"number": number, "title": f"第 {number} 回", "state": state, "detail": "看到了"}
        table.control("POST", "/story", step)


def test_the_story_shows_its_progress_and_brings_the_phone_it_is_about_into_sight(page: Page, table: Platform) -> None:
    for number in range(3, 9):
        table.phone(f"p{number}", f"市民{number}", f"1990000000{number}")
    page.reload()
    expect(phone(page, "市民8")).not_to_be_in_viewport()
    tell(table, "passed", "running", *["pending"] * 40)
    story = page.get_by_role("complementary", name="故事进展")
    expect(story.get_by_text("1 / 42 步完成")).to_be_in_viewport()
    expect(story.locator(".step.running")).to_contain_text("进行中")
    send(table, PhoneNumberSet=["+8619900000008"])
    expect(phone(page, "市民8")).to_be_in_viewport(ratio=0.9)
    tell(table, *["passed"] * 41, "failed")
    expect(story.locator(".step.failed")).to_be_in_viewport()
    expect(story.get_by_text("41 / 42 步完成")).to_be_in_viewport()
    tell(table, *["passed"] * 42)
    expect(story.get_by_text("现在由您来演")).to_be_visible()


def test_what_happens_while_the_page_is_being_loaded_is_on_it(page: Page, table: Platform) -> None:
    def meanwhile(route: Route) -> None:
        fetched = route.fetch()
        tell(table, "passed", "running")
        table.phone("late", "钱来迟", "19900000009")
        route.fulfill(response=fetched)

    page.route("**/control/story", meanwhile, times=1)
    page.reload()
    story = page.get_by_role("complementary", name="故事进展")
    expect(story.get_by_text("1 / 2 步完成")).to_be_visible()
    expect(phone(page, "钱来迟")).to_be_visible()


def test_a_small_screen_shows_story_and_phones_without_scrolling_sideways(page: Page, table: Platform) -> None:
    page.set_viewport_size(POCKET)  # type: ignore[arg-type]  # As above.
    tell(table, "passed", "running", "pending")
    expect(page.get_by_text("1 / 3 步完成")).to_be_in_viewport()
    expect(phone(page, "周晓禾").get_by_role("button", name="关注公众号")).to_be_in_viewport()
    expect(page.get_by_role("button", name="添加市民")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == POCKET["width"]
