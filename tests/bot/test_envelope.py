"""The platform's envelope: what is genuine opens in every mode and format, and nothing else does."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.envelope import (
    ACKNOWLEDGED,
    RejectedEnvelope,
    Rejection,
    answer_verification,
    open_envelope,
    seal_reply,
)
from tests.bot.envelopes import (
    ACCOUNT,
    APP_ID,
    FORMATS,
    KEY,
    NONCE,
    NOW,
    OLD_KEY,
    TEXT,
    TOKEN,
    WeChatCrypto,
    account,
    deserialize_reply,
    encrypt,
    encrypted_query,
    parse_message,
    plain_body,
    refused,
    safe_body,
    signed_query,
    tolerant,
    xml,
    xmltodict,
)


class TestVerification:
    def test_the_console_gets_its_echo_verbatim(self) -> None:
        assert answer_verification(ACCOUNT, signed_query(echostr="5838479218127813673"), NOW) == "5838479218127813673"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"signature": "0" * 40}, Rejection.SIGNATURE),
            ({"signature": ""}, Rejection.QUERY),
            ({"nonce": "签"}, Rejection.QUERY),
            ({"timestamp": "soon"}, Rejection.QUERY),
            ({"timestamp": "１７６４"}, Rejection.QUERY),
            ({"echostr": "x" * 129}, Rejection.QUERY),
        ],
    )
    def test_a_stranger_gets_nothing(self, change: dict[str, str], reason: Rejection) -> None:
        with pytest.raises(RejectedEnvelope) as refusal:
            answer_verification(ACCOUNT, signed_query(echostr="1") | change, NOW)
        assert refusal.value.reason is reason


@FORMATS
class TestGenuineMessages:
    def test_plain_mode(self, body_format: str) -> None:
        opened = open_envelope(ACCOUNT, signed_query(), plain_body(body_format), NOW)
        assert (opened.message, opened.mode, opened.body_format) == (TEXT, "plain", body_format)
        assert (opened.nonce, opened.timestamp) == (NONCE, str(NOW))

    def test_encrypt_type_raw_means_plain(self, body_format: str) -> None:
        assert open_envelope(ACCOUNT, signed_query(encrypt_type="raw"), plain_body(body_format), NOW).mode == "plain"

    def test_safe_mode(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        opened = open_envelope(ACCOUNT, encrypted_query(sealed), safe_body(body_format, sealed), NOW)
        assert (opened.message, opened.mode, opened.body_format) == (TEXT, "safe", body_format)

    def test_compatible_mode_believes_the_encrypted_part(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        body = safe_body(body_format, sealed, MsgType="text", FromUserName="oSomebodyElse", Content="撤案")
        opened = open_envelope(ACCOUNT, encrypted_query(sealed), body, NOW)
        assert (opened.message, opened.mode) == (TEXT, "compatible")

    def test_a_key_that_was_just_changed_still_opens_and_seals(self, body_format: str) -> None:
        rotating = account(previous_aes_key=OLD_KEY)
        sealed = encrypt(plain_body(body_format).decode(), key=OLD_KEY)
        opened = open_envelope(rotating, encrypted_query(sealed), safe_body(body_format, sealed), NOW)
        assert opened.message == TEXT
        reply = seal_reply(rotating, opened, {"Content": "好"})
        assert read_sealed(reply, body_format, key=OLD_KEY) == {"Content": "好"}
        assert refused(encrypted_query(sealed), safe_body(body_format, sealed)) is Rejection.CIPHERTEXT

    @pytest.mark.parametrize("control", ["\x00", "\x08", "\x1f", "￾"])
    def test_a_control_character_does_not_lose_the_message(self, body_format: str, control: str) -> None:
        message = TEXT | {"Content": f"在吗{control}？"}
        raw = plain_body(body_format, message)
        if body_format == "json":
            raw = orjson.dumps(message).replace(orjson.dumps(control)[1:-1], control.encode())
        opened = open_envelope(ACCOUNT, signed_query(), raw, NOW)
        assert str(opened.message["Content"]).replace("￾", "").replace(control, "") == "在吗？"
        assert "\0" not in str(opened.message["Content"])

    def test_markup_typed_by_a_person_is_only_text(self, body_format: str) -> None:
        typed = '<!DOCTYPE x [<!ENTITY a "b">]>&a;<b>{"c": 1}'
        opened = open_envelope(ACCOUNT, signed_query(), plain_body(body_format, TEXT | {"Content": typed}), NOW)
        assert opened.message["Content"] == typed


class TestJsonOnly:
    def test_half_an_emoji_does_not_lose_the_message(self) -> None:
        body = b'{"MsgType":"text","Content":"\\u8c22\\u8c22\\ud83d"}'
        assert open_envelope(ACCOUNT, signed_query(), body, NOW).message["Content"] == "谢谢?"

    def test_an_escaped_nul_is_left_out_everywhere(self) -> None:
        body = b'{"MsgType":"text","Content":"a\\u0000b","List":[{"Template\\u0000Id":"t\\u0000"}]}'
        message = open_envelope(ACCOUNT, signed_query(), body, NOW).message
        assert message == {"MsgType": "text", "Content": "ab", "List": [{"TemplateId": "t"}]}


class TestXmlShapes:
    def test_repeated_and_nested_elements(self) -> None:
        body = b"<xml><E><List><Id>1</Id></List><List><Id>2</Id></List><List/></E><Empty></Empty><Time>7</Time></xml>"
        message = open_envelope(ACCOUNT, signed_query(), body, NOW).message
        assert message == {"E": {"List": [{"Id": "1"}, {"Id": "2"}, ""]}, "Empty": "", "Time": "7"}

    def test_layout_between_elements_is_no_text(self) -> None:
        assert open_envelope(ACCOUNT, signed_query(), b"\n<xml>\n <A>\n  <B>b</B>\n </A>\n</xml>\n", NOW).message == {
            "A": {"B": "b"}
        }


@FORMATS
class TestForgeries:
    def test_taking_the_mode_away_does_not_make_an_encrypted_message_plain(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        query = encrypted_query(sealed)
        del query["encrypt_type"]
        assert open_envelope(ACCOUNT, query, safe_body(body_format, sealed), NOW).mode == "safe"
        del query["msg_signature"]
        assert refused(query, safe_body(body_format, sealed)) is Rejection.QUERY

    def test_wrong_signature(self, body_format: str) -> None:
        query = signed_query() | {"signature": "f" * 40}
        assert refused(query, plain_body(body_format)) is Rejection.SIGNATURE

    def test_without_signature(self, body_format: str) -> None:
        assert refused({"timestamp": str(NOW), "nonce": NONCE}, plain_body(body_format)) is Rejection.QUERY

    def test_changed_ciphertext(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        other = encrypt(plain_body(body_format, TEXT | {"Content": "撤案"}).decode())
        assert refused(encrypted_query(sealed), safe_body(body_format, other)) is Rejection.SIGNATURE

    def test_written_to_another_account(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode(), app_id="wxanother0000000001")
        assert refused(encrypted_query(sealed), safe_body(body_format, sealed)) is Rejection.APP_ID

    def test_of_another_key(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode(), key=OLD_KEY)
        assert refused(encrypted_query(sealed), safe_body(body_format, sealed)) is Rejection.CIPHERTEXT

    def test_stale_in_either_direction(self, body_format: str) -> None:
        body = plain_body(body_format)
        for timestamp in (NOW - 601, NOW + 601):
            assert refused(signed_query(timestamp), body) is Rejection.STALE
            assert open_envelope(account(max_age=0), signed_query(timestamp), body, NOW).message == TEXT
        for timestamp in (NOW - 600, NOW + 600):
            assert open_envelope(ACCOUNT, signed_query(timestamp), body, NOW).message == TEXT

    def test_an_account_in_safe_mode_refuses_a_plain_message(self, body_format: str) -> None:
        safe = account(accept_plain=False)
        assert refused(signed_query(), plain_body(body_format), by=safe) is Rejection.PLAIN
        sealed = encrypt(plain_body(body_format).decode())
        assert open_envelope(safe, encrypted_query(sealed), safe_body(body_format, sealed), NOW).message == TEXT

    def test_an_account_without_key_refuses_an_encrypted_message(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        without = account(aes_key="")
        assert refused(encrypted_query(sealed), safe_body(body_format, sealed), by=without) is Rejection.NO_KEY


def read_sealed(body: bytes, body_format: str, *, key: str = KEY) -> dict[str, Any]:
    """Open our encrypted reply as the platform would, with wechatpy."""
    outer = xmltodict.parse(body)["xml"] if body_format == "xml" else orjson.loads(body)
    assert sorted(outer) == ["Encrypt", "MsgSignature", "Nonce", "TimeStamp"]
    # wechatpy reads the encrypted part of XML only; that of JSON is the same.
    text = WeChatCrypto(TOKEN, key, APP_ID).decrypt_message(
        xml(Encrypt=outer["Encrypt"], ToUserName=""), outer["MsgSignature"], str(outer["TimeStamp"]), outer["Nonce"]
    )
    read: dict[str, Any] = xmltodict.parse(text)["xml"] if body_format == "xml" else orjson.loads(text)
    return read


REPLY = {"ToUserName": "oCitizen", "FromUserName": "gh_station", "CreateTime": NOW, "MsgType": "text", "Content": "好"}


HOSTILE = ["]]>", "]]]>>", "a]]>b]]>", "<![CDATA[", "&lt;", "\x0b\ufffe"]


class TestReplies:
    @FORMATS
    def test_no_reply_is_an_acknowledgement_never_encrypted(self, body_format: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        opened = open_envelope(ACCOUNT, encrypted_query(sealed), safe_body(body_format, sealed), NOW)
        assert seal_reply(ACCOUNT, opened, None) == seal_reply(ACCOUNT, opened, {}) == ACKNOWLEDGED

    def test_plain_xml_reads_in_wechatpy(self) -> None:
        opened = open_envelope(ACCOUNT, signed_query(), plain_body("xml"), NOW)
        reply = deserialize_reply(seal_reply(ACCOUNT, opened, REPLY))
        assert (reply.target, reply.source, reply.time, reply.content) == ("oCitizen", "gh_station", NOW, "好")

    def test_plain_json(self) -> None:
        opened = open_envelope(ACCOUNT, signed_query(), plain_body("json"), NOW)
        assert orjson.loads(seal_reply(ACCOUNT, opened, REPLY)) == REPLY

    @FORMATS
    @pytest.mark.parametrize("mode", ["safe", "compatible"])
    def test_encrypted_in_the_bodys_own_format(self, body_format: str, mode: str) -> None:
        sealed = encrypt(plain_body(body_format).decode())
        beside = {"MsgType": "text"} if mode == "compatible" else {}
        opened = open_envelope(ACCOUNT, encrypted_query(sealed), safe_body(body_format, sealed, **beside), NOW)
        read = read_sealed(seal_reply(ACCOUNT, opened, REPLY), body_format)
        assert read | {"CreateTime": int(read["CreateTime"])} == REPLY

    @tolerant
    @given(content=st.text(max_size=300) | st.sampled_from(HOSTILE))
    def test_any_text_survives_the_xml(self, content: str) -> None:
        opened = open_envelope(ACCOUNT, signed_query(), plain_body("xml"), NOW)
        body = seal_reply(ACCOUNT, opened, REPLY | {"Content": content})
        read = open_envelope(ACCOUNT, signed_query(), body, NOW).message["Content"]
        dropped = {chr(code) for code in [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]}
        expected = "".join(character for character in content if character not in dropped)
        assert read == expected.replace("\r\n", "\n").replace("\r", "\n")

    def test_news_reads_in_wechatpy(self) -> None:
        opened = open_envelope(ACCOUNT, signed_query(), plain_body("xml"), NOW)
        items = [{"Title": f"进展{n}", "Description": "", "PicUrl": "", "Url": "https://x.example"} for n in (1, 2)]
        body = seal_reply(ACCOUNT, opened, REPLY | {"MsgType": "news", "ArticleCount": 2, "Articles": {"item": items}})
        assert [article["title"] for article in deserialize_reply(body).articles] == ["进展1", "进展2"]


def test_wechatpy_reads_the_same_message() -> None:
    body = plain_body("xml", TEXT | {"MsgId": "1", "CreateTime": str(NOW)})
    counterpart = parse_message(body)
    message = open_envelope(ACCOUNT, signed_query(), body, NOW).message
    assert message["Content"] == counterpart.content
    assert message["FromUserName"] == counterpart.source


@pytest.mark.parametrize("key", ["short", "!" * 43, "密" * 43, KEY + "a"])
def test_a_wrong_key_is_refused_at_start(key: str) -> None:
    with pytest.raises(ValueError, match=r"EncodingAESKey|[Bb]ase64|ASCII|padding"):
        account(aes_key=key)


def test_no_secret_shows() -> None:
    assert TOKEN not in repr(ACCOUNT)
    assert "Cipher" not in repr(ACCOUNT)
