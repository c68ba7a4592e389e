"""Passive replies stay within what the platform accepts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.replies import Article, fit_text, news_reply, rendered, takes_passive_reply, text_reply
from bot.wechat_messages import read_message
from stewardship.conversations.said import Reply

NOW = datetime(2025, 11, 24, 16, 0, tzinfo=UTC)
ASKED = {"ToUserName": "gh_station", "FromUserName": "oCitizen", "MsgType": "text", "Content": "在吗", "MsgId": "1"}


def test_a_text_goes_back_to_whoever_wrote() -> None:
    assert text_reply(read_message("oa", ASKED), "您好。", NOW) == {
        "ToUserName": "oCitizen",
        "FromUserName": "gh_station",
        "CreateTime": 1_764_000_000,
        "MsgType": "text",
        "Content": "您好。",
    }


def test_a_mini_program_takes_none() -> None:
    assert not takes_passive_reply("mp")
    with pytest.raises(ValueError, match="mini-program"):
        text_reply(read_message("mp", ASKED), "您好。", NOW)


def test_news_holds_at_most_eight() -> None:
    reply = news_reply(read_message("oa", ASKED), [Article("进展", "", "https://x.example")] * 9, NOW)
    assert (reply["MsgType"], reply["ArticleCount"], len(reply["Articles"]["item"])) == ("news", 8, 8)
    with pytest.raises(ValueError, match="article"):
        news_reply(read_message("oa", ASKED), [], NOW)


def test_a_long_text_ends_after_a_whole_sentence() -> None:
    text = "您的案件正在办理。" * 100
    fitted = fit_text(text)
    assert fitted.endswith("办理。……")
    assert len(fitted.encode()) <= 2048


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text=st.text(max_size=60), limit=st.integers(6, 80))
def test_any_text_fits_and_a_short_one_is_unchanged(text: str, limit: int) -> None:
    fitted = fit_text(text, limit)
    assert len(fitted.encode()) <= limit
    assert fitted == text or (len(text.encode()) > limit and text.startswith(fitted.removesuffix("……")))


def test_what_can_be_chosen_is_tapped_in_an_official_account_and_typed_elsewhere() -> None:
    reply = Reply("请选择：", options=("甲案", "乙案"))
    tapped = rendered("oa", reply).split("\n")
    assert tapped[2] == '<a href="weixin://bizmsgmenu?msgmenucontent=2&msgmenuid=choose:2">2 乙案</a>'
    assert rendered("mp", reply) == "请选择：\n1 甲案\n2 乙案"
    many = Reply("请选择：", options=("一个很长的案件名称",) * 30)
    assert "weixin:" not in rendered("oa", many), "too long for links: numbers still fit"
