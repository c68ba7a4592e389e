"""Callbacks as the product receives them: signed, in every mode and format, with three tries; its replies."""

from __future__ import annotations

import json
import time
from typing import Any
from xml.sax.saxutils import escape

import pytest
import wechatpy.crypto
import wechatpy.parser
import wechatpy.utils
from defusedxml import ElementTree

from sandbox.callbacks.envelope import encrypt, sign
from sandbox.config import DEMO_MP, DEMO_OA
from tests.sandbox.conftest import Platform, Received, Receiver

# wechatpy has no types; here it judges from outside what the platform sends.
check_signature: Any = wechatpy.utils.check_signature
parse_message: Any = wechatpy.parser.parse_message
WeChatCrypto: Any = wechatpy.crypto.WeChatCrypto
UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"


def opened(got: Received, mode: str, style: str) -> dict[str, Any]:
    """The callback's fields, read by the public SDK where it can: an independent judge of signature and ciphertext."""
    query = got.query
    check_signature(DEMO_OA.token, query["signature"], query["timestamp"], query["nonce"])
    if mode == "plain":
        assert "encrypt_type" not in query
        return fields(got.body, style)
    assert query["encrypt_type"] == "aes"
    outer = fields(got.body, style)
    wrapped = f"<xml><ToUserName>x</ToUserName><Encrypt>{outer['Encrypt']}</Encrypt></xml>"
    crypto = WeChatCrypto(DEMO_OA.token, DEMO_OA.aes_key, DEMO_OA.app_id)
    inner = crypto.decrypt_message(wrapped, query["msg_signature"], query["timestamp"], query["nonce"])
    if mode == "compatible":
        assert outer["FromUserName"] == query["openid"]
    else:
        assert set(outer) == {"ToUserName", "Encrypt"}
    return fields(inner, style)


def fields(body: str, style: str) -> dict[str, Any]:
    if style == "json":
        parsed: dict[str, Any] = json.loads(body)
        return parsed
    return {child.tag: child.text for child in ElementTree.fromstring(body)}


def passive_text(openid: str, content: str, style: str) -> str:
    reply = {"ToUserName": openid, "FromUserName": DEMO_OA.username, "CreateTime": 1, "MsgType": "text"}
    reply["Content"] = content
    if style == "json":
        return json.dumps(reply)
    return "<xml>" + "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in reply.items()) + "</xml>"


def sealed(reply: str, style: str) -> str:
    encrypted = encrypt(DEMO_OA.aes_key, DEMO_OA.app_id, reply)
    outer = {"Encrypt": encrypted, "MsgSignature": sign(DEMO_OA.token, "1", "n", encrypted)}
    outer |= {"TimeStamp": "1", "Nonce": "n"}
    if style == "json":
        return json.dumps(outer)
    return "<xml>" + "".join(f"<{key}>{value}</{key}>" for key, value in outer.items()) + "</xml>"


@pytest.mark.parametrize("style", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_message_and_its_reply_in_every_mode_and_format(
    platform: Platform, receiver: Receiver, mode: str, style: str
) -> None:
    openid = platform.follower()["oa_openid"]
    platform.control("PATCH", "/accounts/oa", {"mode": mode, "format": style})
    receiver.received.clear()
    reply = passive_text(openid, "正在侦查 ]]> <好>", style)
    receiver.answer = lambda _: (200, reply if mode == "plain" else sealed(reply, style))
    done = platform.act("victim", "messages", {"content": "我的案子 ]]> <怎么样>了"})
    assert done["delivery"]["tries"][0]["outcome"] == "reply"
    got = opened(receiver.of("/wechat/oa")[0], mode, style)
    assert (got["MsgType"], got["Content"], got["FromUserName"]) == ("text", "我的案子 ]]> <怎么样>了", openid)
    assert str(got["MsgId"]).isdigit()
    assert platform.feed(channel="oa", direction="to_phone")[-1]["text"] == "正在侦查 ]]> <好>"


def test_silence_is_tried_three_times_and_then_the_phone_says_so(platform: Platform, receiver: Receiver) -> None:
    platform.follower()
    receiver.received.clear()
    receiver.delay = 0.5
    done = platform.act("victim", "messages", {"content": "在吗"})
    assert [each["outcome"] for each in done["delivery"]["tries"]] == ["timeout"] * 3
    assert done["delivery"]["state"] == "failed"
    assert len({opened(each, "safe", "xml")["MsgId"] for each in receiver.of("/wechat/oa")}) == 1
    assert platform.feed(kind="tip")[-1]["text"] == UNAVAILABLE


def test_a_second_try_that_is_answered_is_enough(platform: Platform, receiver: Receiver) -> None:
    platform.follower()
    receiver.received.clear()
    receiver.answer = lambda _: (200 if len(receiver.received) > 1 else 500, "success")
    done = platform.act("victim", "messages", {"content": "在吗"})
    assert [each["outcome"] for each in done["delivery"]["tries"]] == ["http_error", "empty"]
    assert platform.feed(kind="tip") == []


@pytest.mark.parametrize(
    "answer",
    [
        "<html>oops</html>",
        "{}",
        "ok",
        "<xml><ToUserName>x</ToUserName></xml>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    ],
)
def test_a_malformed_reply_shows_unavailable(platform: Platform, receiver: Receiver, answer: str) -> None:
    platform.follower()
    platform.control("PATCH", "/accounts/oa", {"mode": "plain"})
    receiver.answer = lambda _: (200, answer)
    done = platform.act("victim", "messages", {"content": "在吗"})
    assert [each["outcome"] for each in done["delivery"]["tries"]] == ["malformed"]
    assert platform.feed(kind="tip")[-1]["text"] == UNAVAILABLE


def test_a_plain_reply_in_safe_mode_or_a_forged_one_is_malformed(platform: Platform, receiver: Receiver) -> None:
    openid = platform.follower()["oa_openid"]
    plain = passive_text(openid, "好", "xml")
    for answer in (plain, sealed(plain, "xml").replace("<Nonce>n", "<Nonce>m")):
        receiver.answer = lambda _, text=answer: (200, text)  # type: ignore[misc]  # the default binds the loop's value.
        done = platform.act("victim", "messages", {"content": "在吗"})
        assert done["delivery"]["tries"][0]["outcome"] == "malformed"


def test_verification(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = lambda got: (200, got.query["echostr"])
    assert platform.control("POST", "/accounts/oa/verify") == {"verified": True, "status": 200}
    receiver.answer = lambda _: (403, "no")
    assert platform.control("POST", "/accounts/oa/verify") == {"verified": False, "status": 403}


def test_every_message_type_is_readable_by_the_public_sdk(platform: Platform, receiver: Receiver) -> None:
    platform.follower()
    platform.control("PATCH", "/accounts/oa", {"mode": "plain"})
    receiver.received.clear()
    for kind in ("text", "image", "voice", "video", "shortvideo", "location", "link", "miniprogrampage", "file"):
        body = {"type": kind, "content": "文字", "recognition": "听到的", "label": "路口", "title": "标题", "path": "p"}
        assert platform.act("victim", "messages", body)["delivery"]["state"] == "answered"
    read = {message.type: message for message in (parse_message(got.body) for got in receiver.of("/wechat/oa"))}
    assert read["voice"].recognition == "听到的"
    assert read["image"].image.startswith(platform.url)
    assert read["location"].label == "路口"
    assert {"text", "video", "shortvideo", "link", "miniprogrampage"} <= set(read)


def test_subscribe_events_in_json_have_an_object_for_one_and_an_array_for_several(
    platform: Platform, receiver: Receiver
) -> None:
    platform.phone()
    platform.control("PUT", "/templates/mp_subscribe", [{"id": "A"}, {"id": "B"}])
    platform.control("PATCH", "/accounts/mp", {"mode": "plain", "format": "json"})
    platform.act("victim", "subscriptions", {"decisions": {"A": "accept"}})
    platform.act("victim", "subscriptions", {"decisions": {"A": "accept", "B": "reject"}})
    one, two = (json.loads(got.body)["List"] for got in receiver.of("/wechat/mp"))
    assert one == {"TemplateId": "A", "SubscribeStatusString": "accept", "PopupScene": "0"}
    assert [item["SubscribeStatusString"] for item in two] == ["accept", "reject"]


def test_subscribe_events_in_xml_nest_their_lists(platform: Platform, receiver: Receiver) -> None:
    platform.phone()
    platform.control("PUT", "/templates/mp_subscribe", [{"id": "A"}, {"id": "B"}])
    platform.control("PATCH", "/accounts/mp", {"mode": "plain"})
    platform.act("victim", "subscriptions", {"decisions": {"A": "accept", "B": "reject"}})
    items = ElementTree.fromstring(receiver.of("/wechat/mp")[0].body).findall("SubscribeMsgPopupEvent/List")
    assert [item.findtext("TemplateId") for item in items] == ["A", "B"]


def test_the_mini_program_takes_no_passive_reply(platform: Platform, receiver: Receiver) -> None:
    platform.phone()
    receiver.answer = lambda _: (200, "<xml/>")
    entered = platform.act("victim", "mini-program/customer-service", {"session_from": "case"})
    assert entered["delivery"]["tries"][0]["outcome"] == "malformed"
    receiver.answer = lambda _: (200, "success")
    sent = platform.act("victim", "messages", {"account": "mp", "content": "在吗"})
    assert sent["delivery"]["state"] == "answered"
    assert sent["delivery"]["body"]["ToUserName"] == DEMO_MP.username


def test_duplicate_lost_and_reordered_callbacks(platform: Platform, receiver: Receiver) -> None:
    platform.follower()
    platform.control("PATCH", "/accounts/oa", {"mode": "plain"})

    def contents() -> list[str]:
        found = [fields(got.body, "xml")["Content"] for got in receiver.of("/wechat/oa")]
        receiver.received.clear()
        return found

    receiver.received.clear()
    platform.control("POST", "/faults", {"kind": "duplicate_callback", "copies": 3})
    platform.act("victim", "messages", {"content": "一"})
    assert contents() == ["一"] * 3
    platform.control("POST", "/faults", {"kind": "lose_answer", "account": "oa"})
    platform.act("victim", "messages", {"content": "二"})
    assert contents() == ["二"] * 2
    platform.control("POST", "/faults", {"kind": "reorder_callbacks", "copies": 3})
    for content in ("三", "四", "五"):
        platform.act("victim", "messages", {"content": content}, wait=0)
    receiver.wait("/wechat/oa", 3)
    assert contents() == ["五", "四", "三"]


def test_unreachable_is_not_given_up_before_its_three_turns(platform: Platform) -> None:
    platform.follower()
    url = platform.control("GET", "/accounts")["oa"]["url"]
    platform.control("PATCH", "/accounts/oa", {"url": "http://127.0.0.1:9/wechat/oa"})
    started = time.monotonic()
    done = platform.act("victim", "messages", {"content": "在吗"})
    platform.control("PATCH", "/accounts/oa", {"url": url})
    assert [each["outcome"] for each in done["delivery"]["tries"]] == ["unreachable"] * 3
    assert time.monotonic() - started >= 0.6
