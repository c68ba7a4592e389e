"""The platforms' rules: what the product may send, when, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.config import DEMO_OA
from tests.sandbox.conftest import Platform

CUSTOM = "/cgi-bin/message/custom/send"
HOURS = 3600.0


def text_to(openid: str, content: str = "您好") -> dict[str, Any]:
    return {"touser": openid, "msgtype": "text", "text": {"content": content}}


def write(platform: Platform, openid: str, account: str = "oa") -> int:
    return int(platform.call(account, CUSTOM, text_to(openid))["errcode"])


def test_after_a_message_the_account_may_write_five_times_within_48_hours(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    platform.let_pass(61)
    assert write(platform, openid) == 45015
    platform.act("victim", "messages", {"content": "在吗"})
    platform.let_pass(47 * HOURS)
    assert [write(platform, openid) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    assert len(platform.feed(channel="oa", direction="to_phone", kind="text")) == 5


def test_a_new_message_opens_the_window_anew(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    platform.let_pass(61)
    platform.act("victim", "messages", {"content": "在吗"})
    assert [write(platform, openid) for _ in range(6)][-1] == 45047
    platform.act("victim", "messages", {"content": "还在吗"})
    assert write(platform, openid) == 0
    platform.let_pass(48 * HOURS + 1)
    assert write(platform, openid) == 45015


def test_a_follow_allows_three_messages_in_one_minute(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    assert [write(platform, openid) for _ in range(4)] == [0, 0, 0, 45047]
    platform.let_pass(60)
    assert write(platform, openid) == 45015


def test_entering_the_mini_programs_session_allows_two(platform: Platform) -> None:
    openid = platform.phone()["mp_openid"]
    assert write(platform, openid, "mp") == 45015
    platform.act("victim", "mini-program/customer-service", {"session_from": "case"})
    assert [write(platform, openid, "mp") for _ in range(3)] == [0, 0, 45047]


def test_who_cannot_be_written_to(platform: Platform) -> None:
    stranger = platform.phone("stranger", number="19900000002")
    assert write(platform, "o" * 28) == 40003
    assert write(platform, stranger["mp_openid"]) == 40003, "an openid belongs to one account"
    assert write(platform, stranger["oa_openid"]) == 43004
    openid = platform.follower()["oa_openid"]
    platform.act("victim", "block", {"blocked": True})
    assert write(platform, openid) == 43101
    platform.act("victim", "block", {"blocked": False})
    assert write(platform, openid) == 0
    platform.act("victim", "unfollow")
    assert write(platform, openid) == 43004


def test_a_bad_token_is_told_apart(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    for token, errcode in (("", 41001), ("nonsense", 40001)):
        answer = platform.call("oa", CUSTOM, text_to(openid), access_token=token)
        assert answer["errcode"] == errcode
        assert "rid: " in answer["errmsg"]
    platform.control("POST", "/accounts/oa/expire-tokens")
    assert platform.call("oa", CUSTOM, text_to(openid))["errcode"] == 42001
    platform._tokens.clear()
    assert platform.call("oa", CUSTOM, text_to(openid))["errcode"] == 0


def test_stable_token_is_the_same_until_it_is_forced_and_the_old_one_still_holds(platform: Platform) -> None:
    old = platform.token("mp")
    body = {"grant_type": "client_credential", "appid": "wxdemo000000000mp1"}
    body["secret"] = "demo-mp-secret-0000000000000000"
    again = platform.http.post("/cgi-bin/stable_token", json=body).json()
    assert again["access_token"] == old
    assert 0 < again["expires_in"] <= 7200
    forced = platform.http.post("/cgi-bin/stable_token", json=body | {"force_refresh": True}).json()
    assert forced["access_token"] != old
    check = {"content": "您好"}
    assert platform.call("mp", "/wxa/msg_sec_check", check, access_token=old)["errcode"] == 0
    assert platform.call("mp", "/wxa/msg_sec_check", check, access_token=forced["access_token"])["errcode"] == 0
    twice = platform.http.post("/cgi-bin/stable_token", json=body | {"force_refresh": True}).json()
    assert twice["errcode"] == 45011, "30 seconds apart"


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [({"appid": "wx0"}, 40013), ({"secret": "wrong"}, 40125), ({"appid": ""}, 41002), ({"secret": ""}, 41004)],
)
def test_credentials_are_checked(platform: Platform, changed: dict[str, str], errcode: int) -> None:
    body = {"grant_type": "client_credential", "appid": DEMO_OA.app_id, "secret": DEMO_OA.secret} | changed
    assert platform.http.post("/cgi-bin/stable_token", json=body).json()["errcode"] == errcode
    assert platform.http.get("/cgi-bin/token", params=body).json()["errcode"] == errcode


def test_json_without_a_content_type_is_read(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    body = f'{{"touser": "{openid}", "msgtype": "text", "text": {{"content": "您好"}}}}'.encode()
    answer = platform.http.post(CUSTOM, params={"access_token": platform.token("oa")}, content=body)
    assert answer.json() == {"errcode": 0, "errmsg": "ok"}
    assert platform.call("oa", CUSTOM, None)["errcode"] == 44002
    broken = platform.http.post(CUSTOM, params={"access_token": platform.token("oa")}, content=b"{")
    assert broken.json()["errcode"] == 47001
    assert platform.call("oa", CUSTOM, method="GET")["errcode"] == 43002


def test_quotas_by_day_and_by_minute(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    platform.control("PUT", "/quotas/oa", {"path": CUSTOM, "day": 2})
    assert [write(platform, openid) for _ in range(3)] == [0, 0, 45009]
    platform.let_pass(24 * HOURS)
    assert write(platform, openid) == 45015, "a new day, but the window is over"
    platform.control("PUT", "/quotas/oa", {"path": "/cgi-bin/user/get", "minute": 1})
    calls = [platform.call("oa", "/cgi-bin/user/get", method="GET").get("errcode", 0) for _ in range(2)]
    assert calls == [0, 45011]


def test_clear_quota_ten_times_a_month(platform: Platform) -> None:
    answers = [platform.call("oa", "/cgi-bin/clear_quota", {"appid": DEMO_OA.app_id})["errcode"] for _ in range(11)]
    assert answers == [0] * 10 + [48006]


def test_a_mini_program_cannot_use_the_official_accounts_interfaces(platform: Platform) -> None:
    assert platform.call("mp", "/cgi-bin/user/get", method="GET")["errcode"] == 48001


def test_msgmenu_and_a_tap_on_it(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    items = [{"id": "1", "content": "满意"}, {"id": "2", "content": "不满意"}]
    menu = {"head_content": "请评价", "list": items, "tail_content": "谢谢"}
    assert platform.call("oa", CUSTOM, {"touser": openid, "msgtype": "msgmenu", "msgmenu": menu})["errcode"] == 0
    shown = platform.feed(kind="msgmenu")[0]
    assert shown["text"] == "请评价\n满意\n不满意\n谢谢"
    happened = platform.act("victim", "msgmenu", {"entry": shown["seq"], "item": "2"})
    assert happened["delivery"]["body"]["bizmsgmenuid"] == "2"
    assert happened["delivery"]["body"]["Content"] == "不满意"


def test_a_tap_on_a_link_in_a_text_arrives_like_one_on_a_menu(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    link = '<a href="weixin://bizmsgmenu?msgmenucontent=2&msgmenuid=choose:2">2 柳堤派出所</a>'
    assert platform.call("oa", CUSTOM, text_to(openid, f"请选择：\n{link}"))["errcode"] == 0
    shown = platform.feed(kind="text")[0]
    body = platform.act("victim", "msgmenu", {"entry": shown["seq"], "item": "choose:2"})["delivery"]["body"]
    assert (body["Content"], body["bizmsgmenuid"]) == ("2", "choose:2")


def test_a_text_is_at_most_2048_bytes(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    assert platform.call("oa", CUSTOM, text_to(openid, "安" * 683))["errcode"] == 45002
    assert platform.call("oa", CUSTOM, text_to(openid, "安" * 682))["errcode"] == 0
