"""The steward's day at the desk."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.async_api import expect

from tests.desk.conftest import Officers, TownThere
from tests.desk.test_pages import look

pytestmark = pytest.mark.timeout(300)


async def test_a_first_login_sets_up_the_second_factor(officer: Officers, town: TownThere) -> None:
    desk = await officer("colleague")
    newcomer = await desk.context.browser.new_context()  # type: ignore[union-attr]  # a context of our own has one.
    page = await newcomer.new_page()
    await page.goto(town.desk)
    await page.get_by_label("警号").fill(town.officers["other_steward"])
    await page.get_by_label("密码").fill("Yunting-2026")
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("img", name="身份验证器二维码")).to_be_visible()
    secret = await page.locator("code").inner_text()
    await page.get_by_label("动态验证码").fill(pyotp.TOTP(secret).now())
    await page.get_by_role("button", name="绑定并登录").click()
    await expect(page.get_by_role("heading", name=re.compile("^待办"))).to_be_visible()
    await newcomer.close()


async def test_a_steward_answers_from_the_queue_while_another_question_comes_in(
    officer: Officers, town: TownThere
) -> None:
    await town.write(0, "我的车什么时候能取？")
    desk = await officer("steward")
    page = desk.page
    line = page.get_by_role("link", name=re.compile("我的车什么时候能取"))
    await expect(line).to_be_visible()
    await expect(line).to_contain_text("剩 ")
    await expect(page).to_have_title(re.compile(r"^\(\d+\) 待办"))

    await town.write(3, "鉴定费谁出？")
    await expect(page.get_by_role("link", name=re.compile("鉴定费谁出"))).to_be_visible(timeout=5_000)

    await page.keyboard.press("j")
    while "我的车什么时候能取" not in await page.locator("a:focus").inner_text():
        await page.keyboard.press("j")
    await page.keyboard.press("a")
    box = page.get_by_role("textbox", name="答复")
    await expect(box).to_be_focused()
    await box.fill("周五上午九点可以来所里取车，请带身份证。")
    await page.get_by_role("button", name="预览").click()
    await expect(page.locator("blockquote")).to_contain_text("周五上午九点可以来所里取车")
    await page.get_by_role("button", name="发送答复").click()
    await expect(page.get_by_text("答复已发出。")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("link", name=re.compile("鉴定费谁出"))).to_be_visible()
    await expect(page.get_by_role("link", name=re.compile("我的车什么时候能取"))).to_have_count(0)


async def test_two_officers_answer_at_once_and_one_is_told_and_loses_nothing(
    officer: Officers, town: TownThere
) -> None:
    await town.write(1, "还要等多久才有结果呢")
    first, second = await officer("steward"), await officer("instructor")
    for desk in (first, second):
        await desk.page.get_by_role("link", name=re.compile("还要等多久")).click()
        await expect(desk.page.get_by_role("textbox", name="答复")).to_be_visible()
    await first.page.get_by_role("textbox", name="答复").fill("预计下周三前。")
    await second.page.get_by_role("textbox", name="答复").fill("我们正在催办，下周答复您。")
    await second.page.route("**/api/v1/live", lambda route: route.abort())
    await first.page.get_by_role("button", name="发送答复").click()
    await expect(first.page.get_by_text("答复已发出。")).to_be_visible()
    await expect(second.page.get_by_text("预计下周三前。")).to_be_visible()
    await expect(second.page.get_by_role("textbox", name="答复")).to_have_value("我们正在催办，下周答复您。")
    await expect(second.page.get_by_role("status").filter(has_text="同事已经答复")).to_be_visible()


async def test_an_answer_that_came_second_is_refused_and_stays_in_the_box(officer: Officers, town: TownThere) -> None:
    await town.write(2, "拘留几天能看到通知书")
    first, second = await officer("steward"), await officer("instructor")
    # The second page hears nothing of what others do: only the server can tell it.
    second.faults.may_be_offline = True
    await second.context.route("**/api/v1/live", lambda route: route.abort())
    await second.page.reload()
    for desk, words in ((first, "明天可以来取。"), (second, "我查一下再答复您。")):
        await desk.page.get_by_role("link", name=re.compile("拘留几天")).click()
        await desk.page.get_by_role("textbox", name="答复").fill(words)
    await first.page.get_by_role("button", name="发送答复").click()
    await expect(first.page.get_by_text("答复已发出。")).to_be_visible()
    await expect(second.page.get_by_text("明天可以来取。")).to_have_count(0)
    await second.page.get_by_role("button", name="发送答复").click()
    await expect(second.page.get_by_role("status").filter(has_text="同事已经答复")).to_be_visible()
    await expect(second.page.get_by_text("明天可以来取。")).to_be_visible()
    await expect(second.page.get_by_role("textbox", name="答复")).to_have_value("我查一下再答复您。")
    assert await look(second.page, "overtaken", narrow=True) == []


async def test_two_questions_are_answered_one_after_the_other_without_a_mouse(
    officer: Officers, town: TownThere
) -> None:
    await town.write(0, "行车记录仪的视频还要吗")
    await town.write(3, "调解书什么时候能拿")
    page = (await officer("steward")).page
    for words in ("行车记录仪", "调解书什么时候"):
        await expect(page.get_by_role("link", name=re.compile(words))).to_be_visible()
        await page.keyboard.press("j")
        while words not in await page.locator("a:focus").inner_text():
            await page.keyboard.press("j")
        await page.keyboard.press("a")
        await expect(page.get_by_role("textbox", name="答复")).to_be_focused()
        await page.keyboard.type("收到，周三前答复您。")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_text("答复已发出。")).to_be_visible()
        await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name=re.compile("^待办"))).to_be_visible()
    await expect(page.get_by_role("link", name=re.compile("行车记录仪|调解书什么时候"))).to_have_count(0)


async def test_what_was_typed_survives_a_reload_and_a_session_that_ended(officer: Officers, town: TownThere) -> None:
    await town.write(4, "材料交到哪里？")
    desk = await officer("instructor", again=True)
    page = desk.page
    await page.get_by_role("link", name=re.compile("材料交到哪里")).click()
    box = page.get_by_role("textbox", name="答复")
    await box.fill("请交到一楼综合窗口。")
    await page.reload()
    await expect(box).to_have_value("请交到一楼综合窗口。")
    # From another computer, say; the answer is sent before the page can know.
    await page.evaluate(
        """async () => {
          const csrf = document.cookie.match(/steward_csrf=([^;]+)/)[1];
          await fetch("/api/v1/sessions/current", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
          [...document.querySelectorAll("button")].find((each) => each.textContent.trim() === "发送答复").click();
        }"""
    )
    await expect(page.get_by_text("登录已失效，请重新登录。您填写的内容还在。")).to_be_visible()
    await expect(box).to_be_hidden()
    await desk.log_in()
    await expect(box).to_have_value("请交到一楼综合窗口。")


async def test_a_lost_connection_is_shown_and_heals(officer: Officers, town: TownThere) -> None:
    desk = await officer("steward")
    page = desk.page
    await expect(page.get_by_text("实时", exact=True)).to_be_visible()
    desk.faults.may_be_offline = True
    await desk.context.set_offline(True)
    await expect(page.get_by_text("连接中断，正在重连")).to_be_visible()
    assert await look(page, "lost", narrow=True) == []
    await town.write(5, "断线的时候我问了一句")
    await desk.context.set_offline(False)
    await expect(page.get_by_text(re.compile("连接已恢复|实时"))).to_be_visible()
    await expect(page.get_by_role("link", name=re.compile("断线的时候"))).to_be_visible()
