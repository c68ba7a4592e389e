"""Template and subscribe messages: consent, fields, pages, and the events that follow."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.rules.fields import check_value
from tests.sandbox.conftest import Platform, Receiver

SUBSCRIBE = "/cgi-bin/message/subscribe/send"
TEMPLATE = "/cgi-bin/message/template/send"
PROGRESS = {
    "id": "PROGRESS",
    "title": "案件进展通知",
    "fields": [{"key": "thing1", "label": "事项"}, {"key": "time2", "label": "时间"}],
}
CARD = {"thing1": {"value": "有新的进展"}, "time2": {"value": "2026年1月31日 09:00"}}


def send(platform: Platform, openid: str, **changed: Any) -> dict[str, Any]:
    body = {"touser": openid, "template_id": "PROGRESS", "data": CARD, "page": "pages/case/index"} | changed
    return platform.call("mp", SUBSCRIBE, body)


def consent(platform: Platform, answer: str = "accept") -> dict[str, Any]:
    return platform.act("victim", "subscriptions", {"account": "mp", "decisions": {"PROGRESS": answer}})


def test_one_consent_is_one_message_at_any_time_later(platform: Platform) -> None:
    platform.control("PUT", "/templates/mp_subscribe", PROGRESS)
    openid = platform.phone()["mp_openid"]
    assert send(platform, openid)["errcode"] == 43101
    consent(platform, "reject")
    assert send(platform, openid)["errcode"] == 43101
    consent(platform)
    consent(platform)
    platform.let_pass(90 * 86_400)
    assert [send(platform, openid)["errcode"] for _ in range(3)] == [0, 0, 43101]
    shown = platform.feed(channel="notice")
    assert shown[0]["text"] == "案件进展通知\n事项：有新的进展\n时间：2026年1月31日 09:00"
    assert shown[0]["content"]["page"] == "pages/case/index"


def test_long_term_consent_holds_until_it_is_refused(platform: Platform, receiver: Receiver) -> None:
    platform.control("PUT", "/templates/mp_subscribe", PROGRESS | {"term": "long_term"})
    openid = platform.phone()["mp_openid"]
    consent(platform)
    assert [send(platform, openid)["errcode"] for _ in range(4)] == [0] * 4
    refused = platform.act("victim", "subscriptions/refuse", {"account": "mp", "templates": ["PROGRESS"]})
    assert refused["delivery"]["body"]["Event"] == "subscribe_msg_change_event"
    assert send(platform, openid)["errcode"] == 43101


def test_a_refusal_in_the_settings_voids_earlier_consents(platform: Platform) -> None:
    platform.control("PUT", "/templates/mp_subscribe", PROGRESS)
    openid = platform.phone()["mp_openid"]
    consent(platform)
    platform.act("victim", "subscriptions/refuse", {"account": "mp", "templates": ["PROGRESS"]})
    assert send(platform, openid)["errcode"] == 43101
    consent(platform)
    assert send(platform, openid)["errcode"] == 0


def test_a_prompt_holds_at_most_five_templates(platform: Platform) -> None:
    platform.control("PUT", "/templates/mp_subscribe", [PROGRESS | {"id": f"T{number}"} for number in range(6)])
    platform.phone()
    body = {"account": "mp", "decisions": {f"T{number}": "accept" for number in range(6)}}
    answer = platform.http.post("/control/phones/victim/subscriptions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "template_count")


def test_bad_templates_pages_and_fields_are_named(platform: Platform) -> None:
    platform.control("PUT", "/templates/mp_subscribe", [PROGRESS, PROGRESS | {"id": "PENDING", "state": "pending"}])
    platform.control("PATCH", "/accounts/mp", {"pages": ["pages/case/index"]})
    openid = platform.phone()["mp_openid"]
    consent(platform)
    assert send(platform, openid, template_id="PENDING")["errcode"] == 40037
    assert send(platform, openid, page="pages/other/index?id=1")["errcode"] == 41030
    cases = [
        (CARD | {"thing1": {"value": "字" * 21}}, "data.thing1.value invalid"),
        (CARD | {"thing1": {"value": ""}}, "data.thing1.value is empty"),
        ({"thing1": {"value": "有"}}, "data.time2.value is empty"),
        (CARD | {"phrase9": {"value": "好"}}, "data.phrase9 is not in the template"),
    ]
    for data, complaint in cases:
        answer = send(platform, openid, data=data)
        assert answer["errcode"] == 47003
        assert complaint in answer["errmsg"]
    assert send(platform, openid, page="pages/case/index?id=1")["errcode"] == 0, "no failure cost the credit"


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("thing1", ["字" * 20, "abc 123!"], ["字" * 21, "", " ", "两\n行"]),
        ("phrase2", ["配送中", "处理完成了"], ["六个汉字太长", "ok", "处理1"]),
        ("character_string3", ["A-2026/0001", "x" * 32], ["编号1", "x" * 33]),
        ("number4", ["12", "3.5"], ["一", "1,000"]),
        ("letter5", ["ABC"], ["A1", "x" * 33]),
        ("symbol6", ["!?"], ["!!!!!!", "a"]),
        ("time7", ["15:01", "2026年10月1日 15:01", "15:01~16:30"], ["今天", "2026年10月1日", "25:61"]),
        ("date8", ["2026年10月1日", "2026-10-01 15:01", "2026/10/01", "10月1日"], ["明天", "15:01"]),
        ("amount9", ["¥100.50", "100元"], ["一百元", "12345678901"]),
        ("phone_number10", ["+86-0766-66888866"], ["+86-0766-668888661", "电话"]),
        ("car_number11", ["粤A8Z888挂"], ["粤A8Z8881挂"]),
        ("name12", ["周晓禾", "Zhou Xiaohe"], ["周" * 11, "Z" * 21, "周1"]),
    ],
)
def test_field_limits(key: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not check_value(key, value)] == []
    assert [value for value in bad if check_value(key, value)] == []


def template_message(platform: Platform, openid: str, **changed: Any) -> dict[str, Any]:
    body = {"touser": openid, "template_id": "PROGRESS", "data": CARD, "url": "https://example.org/p"} | changed
    return platform.call("oa", TEMPLATE, body)


def test_a_template_message_appears_in_the_chat_and_its_fate_is_reported(
    platform: Platform, receiver: Receiver
) -> None:
    platform.control("PUT", "/templates/oa_template", PROGRESS)
    platform.control("PATCH", "/accounts/oa", {"mode": "plain", "format": "json"})
    openid = platform.follower()["oa_openid"]
    receiver.received.clear()
    sent = template_message(platform, openid, client_msg_id="m1")
    assert sent["errcode"] == 0
    assert platform.feed(kind="template_message")[0]["content"]["url"] == "https://example.org/p"
    assert f'"MsgID":{sent["msgid"]},"Status":"success"' in receiver.wait("/wechat/oa")[0].body
    again = template_message(platform, openid, client_msg_id="m1")
    assert (again["msgid"], len(platform.feed(kind="template_message"))) == (sent["msgid"], 1)
    platform.let_pass(601)
    template_message(platform, openid, client_msg_id="m1")
    assert len(platform.feed(kind="template_message")) == 2, "the guard holds ten minutes"


def test_a_person_who_refuses_is_reported_as_user_block(platform: Platform, receiver: Receiver) -> None:
    platform.control("PUT", "/templates/oa_template", PROGRESS)
    platform.control("PATCH", "/accounts/oa", {"mode": "plain"})
    openid = platform.follower()["oa_openid"]
    platform.act("victim", "block", {"blocked": True})
    receiver.received.clear()
    assert template_message(platform, openid)["errcode"] == 0
    assert "failed:user block" in receiver.wait("/wechat/oa")[0].body
    assert platform.feed(kind="template_message") == []


def test_a_template_message_needs_a_follower(platform: Platform) -> None:
    platform.control("PUT", "/templates/oa_template", PROGRESS)
    assert template_message(platform, platform.phone()["oa_openid"])["errcode"] == 43004


def test_the_official_accounts_subscribe_message(platform: Platform) -> None:
    platform.control("PUT", "/templates/oa_subscribe", PROGRESS)
    openid = platform.phone()["oa_openid"]
    body = {"touser": openid, "template_id": "PROGRESS", "data": CARD}
    assert platform.call("oa", "/cgi-bin/message/subscribe/bizsend", body)["errcode"] == 43101
    platform.act("victim", "subscriptions", {"account": "oa", "decisions": {"PROGRESS": "accept"}})
    assert platform.call("oa", "/cgi-bin/message/subscribe/bizsend", body)["errcode"] == 0
    assert len(platform.feed(channel="notice")) == 1


def test_a_template_with_an_unknown_field_type_is_refused(platform: Platform) -> None:
    body = {"id": "X", "fields": [{"key": "thnig1", "label": "错"}]}
    answer = platform.http.put("/control/templates/mp_subscribe", json=body)
    assert answer.json()["code"] == "field_type"
