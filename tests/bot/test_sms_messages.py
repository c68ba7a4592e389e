"""Delivery reports and replies as the SMS gateway posts them; the samples are those of its documents."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sms_messages import MAX_BODY, RejectedSms, read_reply, read_reports

REPORT = {
    "user_receive_time": "2015-10-17 08:03:04",
    "nationcode": "86",
    "mobile": "13800000001",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "2019:538884999999999999",
}
REPLY = {
    "extend": "",
    "mobile": "13800000001",
    "nationcode": "86",
    "sign": "案管家",
    "text": "收到",
    "time": 1_457_336_869,
}


def test_a_delivered_message() -> None:
    (report,) = read_reports(orjson.dumps([REPORT]))
    assert (report.serial_no, report.phone, report.delivered) == ("2019:538884999999999999", "+8613800000001", True)
    assert report.received_at == datetime(2015, 10, 17, 0, 3, 4, tzinfo=UTC)


def test_a_failed_message_among_others() -> None:
    failed = REPORT | {"report_status": "FAIL", "errmsg": "MK:0012", "sid": "x2", "user_receive_time": ""}
    reports = read_reports(orjson.dumps([REPORT, failed]))
    assert [(each.delivered, each.error) for each in reports] == [(True, "DELIVRD"), (False, "MK:0012")]
    assert reports[1].received_at is None


def test_an_unusable_entry_does_not_lose_the_others() -> None:
    for broken in ({}, REPORT | {"mobile": "abc"}, REPORT | {"sid": "\n"}, REPORT | {"sid": None}):
        assert len(read_reports(orjson.dumps([broken, REPORT]))) == 1


def test_one_report_without_its_array() -> None:
    assert len(read_reports(orjson.dumps(REPORT))) == 1


def test_a_large_batch_is_read() -> None:
    assert len(read_reports(orjson.dumps([REPORT] * 2000))) == 2000


def test_a_reply() -> None:
    reply = read_reply(orjson.dumps(REPLY))
    assert (reply.phone, reply.text, reply.sign_name) == ("+8613800000001", "收到", "案管家")
    assert reply.replied_at == datetime(2016, 3, 7, 7, 47, 49, tzinfo=UTC)


def test_the_same_reply_again_has_the_same_key() -> None:
    first = read_reply(orjson.dumps(REPLY)).once_key
    assert first == read_reply(orjson.dumps(REPLY | {"time": "1457336869"})).once_key
    assert first != read_reply(orjson.dumps(REPLY | {"time": 1_457_336_870})).once_key
    assert first != read_reply(orjson.dumps(REPLY | {"text": "退订"})).once_key


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "json"),
        (b"<xml/>", "json"),
        (b'"text"', "shape"),
        (b"[1]", "shape"),
        (orjson.dumps([REPORT] * 2001), "shape"),
        (b" " * (MAX_BODY + 1), "too_large"),
        (b"[" * 100_000, "json"),
    ],
)
def test_what_is_no_report(body: bytes, reason: str) -> None:
    with pytest.raises(RejectedSms) as refusal:
        read_reports(body)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("change", [{"text": ""}, {"mobile": ""}, {"mobile": "1" * 20}, {"text": ["a"]}])
def test_what_is_no_reply(change: dict[str, Any]) -> None:
    with pytest.raises(RejectedSms) as refusal:
        read_reply(orjson.dumps(REPLY | change))
    assert refusal.value.reason == "shape"


WORDS = ["", "86", "13800000001", "SUCCESS", "\x00"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*REPORT, *REPLY]), inner, max_size=4),
)


@given(value=VALUES, junk=st.binary(max_size=40))
def test_whatever_comes_only_one_error_escapes(value: Any, junk: bytes) -> None:
    for body in (orjson.dumps(value), junk):
        with contextlib.suppress(RejectedSms):
            assert all(report.phone.startswith("+") for report in read_reports(body))
        with contextlib.suppress(RejectedSms):
            assert read_reply(body).phone.startswith("+")
