"""The SMS gateway: signature, templates, limits, reports and replies, in Tencent Cloud's shape."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.config import DEMO_SMS
from sandbox.platforms.tc3 import canonical_request, sign
from tests.sandbox.conftest import Platform, Receiver

REPORT = f"/sms/{DEMO_SMS.callback_secret}/report"
REPLY = f"/sms/{DEMO_SMS.callback_secret}/reply"
INVITATION = {"id": "1000001", "title": "邀请", "text": "您好，{1}邀请您查询进展：{2}"}


def send(platform: Platform, *, key: str = DEMO_SMS.secret_key, age: int = 0, **changed: Any) -> dict[str, Any]:
    """One signed SendSms; `changed` replaces fields of the body."""
    body = {
        "PhoneNumberSet": ["+8619900000001"],
        "SmsSdkAppId": DEMO_SMS.app_id,
        "SignName": DEMO_SMS.sign_name,
        "TemplateId": "1000001",
        "TemplateParamSet": ["某派出所", "https://wxaurl.cn/abc"],
    } | changed
    content = json.dumps(body).encode()
    timestamp = int(time.time()) - age
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    headers = {"content-type": "application/json; charset=utf-8", "host": platform.http.base_url.netloc.decode()}
    signature = sign(key, date, str(timestamp), canonical_request(headers, ["content-type", "host"], content))
    credential = f"{DEMO_SMS.secret_id}/{date}/sms/tc3_request"
    headers |= {
        "Authorization": f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host, "
        f"Signature={signature}",
        "X-TC-Action": "SendSms",
        "X-TC-Version": "2021-01-11",
        "X-TC-Timestamp": str(timestamp),
        "X-TC-Region": "ap-guangzhou",
    }
    answer = platform.http.post("/", content=content, headers=headers).json()["Response"]
    assert answer["RequestId"]
    return dict(answer)


def code(answer: dict[str, Any]) -> str:
    """The error's code, or the first number's."""
    return str(answer["Error"]["Code"] if "Error" in answer else answer["SendStatusSet"][0]["Code"])


@pytest.fixture
def template(platform: Platform) -> None:
    platform.control("PUT", "/templates/sms", INVITATION)
    platform.phone()


@pytest.mark.usefixtures("template")
def test_a_text_message_arrives_and_its_delivery_is_reported(platform: Platform, receiver: Receiver) -> None:
    answer = send(platform, SessionContext="m1")
    status = answer["SendStatusSet"][0]
    assert (status["Code"], status["SessionContext"], status["Fee"]) == ("Ok", "m1", 1)
    assert platform.feed(channel="sms")[0]["text"] == "【案管家】您好，某派出所邀请您查询进展：https://wxaurl.cn/abc"
    (report,) = json.loads(receiver.wait(REPORT)[0].body)
    assert (report["mobile"], report["report_status"], report["errmsg"]) == ("19900000001", "SUCCESS", "DELIVRD")
    assert report["sid"] == status["SerialNo"]


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"age": 600}, "AuthFailure.SignatureExpire"),
        ({"SmsSdkAppId": "1"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ({"SignName": "别人"}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"TemplateId": "9"}, "FailedOperation.TemplateIncorrectOrUnapproved"),
        ({"TemplateParamSet": ["一"]}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"TemplateParamSet": ["一", 2]}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"PhoneNumberSet": ["+86123"]}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"PhoneNumberSet": []}, "MissingParameter"),
        ({"PhoneNumberSet": ["+8619900000001"] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
    ],
)
def test_what_the_gateway_refuses(platform: Platform, changed: dict[str, Any], expected: str) -> None:
    assert code(send(platform, **changed)) == expected
    assert platform.feed(channel="sms") == []


@pytest.mark.usefixtures("template")
def test_an_unsigned_request_and_a_pending_template_are_refused(platform: Platform) -> None:
    unsigned = platform.http.post("/", json={}).json()["Response"]
    assert unsigned["Error"]["Code"] == "AuthFailure.SignatureFailure"
    platform.control("PUT", "/templates/sms", INVITATION | {"state": "pending"})
    assert code(send(platform)) == "FailedOperation.TemplateIncorrectOrUnapproved"


@pytest.mark.usefixtures("template")
def test_frequency_by_number(platform: Platform) -> None:
    assert [code(send(platform)) for _ in range(2)] == ["Ok", "LimitExceeded.PhoneNumberThirtySecondLimit"]
    others = [code(send(platform, TemplateParamSet=["某派出所", str(number)])) for number in range(10)]
    assert others == ["Ok"] * 9 + ["LimitExceeded.PhoneNumberDailyLimit"]
    platform.let_pass(86_400)
    assert code(send(platform)) == "Ok"


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize(("sms_state", "errmsg"), [("off", "MK:0001"), ("empty", "MK:0002")])
def test_a_phone_that_cannot_be_reached(platform: Platform, receiver: Receiver, sms_state: str, errmsg: str) -> None:
    platform.control("PATCH", "/phones/victim", {"sms_state": sms_state})
    assert code(send(platform)) == "Ok"
    (report,) = json.loads(receiver.wait(REPORT)[0].body)
    assert (report["report_status"], report["errmsg"]) == ("FAIL", errmsg)
    assert platform.feed(channel="sms") == []


@pytest.mark.usefixtures("template")
def test_a_number_that_nobody_has(platform: Platform, receiver: Receiver) -> None:
    send(platform, PhoneNumberSet=["+8619900000099"])
    assert json.loads(receiver.wait(REPORT)[0].body)[0]["report_status"] == "FAIL"
    platform.control("PATCH", "/accounts/sms", {"unknown_numbers": "deliver"})
    platform.let_pass(31)
    send(platform, PhoneNumberSet=["+8619900000099"])
    assert json.loads(receiver.wait(REPORT, 2)[1].body)[0]["report_status"] == "SUCCESS"


@pytest.mark.usefixtures("template")
def test_report_faults(platform: Platform, receiver: Receiver) -> None:
    platform.control("POST", "/faults", {"kind": "fail_report"})
    send(platform)
    assert json.loads(receiver.wait(REPORT)[0].body)[0]["report_status"] == "FAIL"
    assert platform.feed(channel="sms") == []
    platform.let_pass(31)
    platform.control("POST", "/faults", {"kind": "duplicate_report"})
    send(platform)
    assert receiver.wait(REPORT, 3)[1].body == receiver.of(REPORT)[2].body
    platform.let_pass(31)
    platform.control("POST", "/faults", {"kind": "drop_report"})
    send(platform)
    assert len(platform.feed(channel="sms")) == 2
    assert platform.control("GET", "/sms")[-1]["report"] == "dropped"


@pytest.mark.usefixtures("template")
def test_a_refused_report_is_sent_again(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = lambda _: (200, '{"result": 0}' if len(receiver.received) > 1 else '{"result": 1}')
    send(platform)
    assert len(receiver.wait(REPORT, 2)) == 2


def test_a_reply_from_the_phone(platform: Platform, receiver: Receiver) -> None:
    platform.phone()
    done = platform.act("victim", "sms", {"text": "3"})
    assert done["taken"] is True
    got = json.loads(receiver.of(REPLY)[0].body)
    assert set(got) == {"extend", "mobile", "nationcode", "sign", "text", "time"}
    assert (got["mobile"], got["text"], got["nationcode"], got["sign"]) == ("19900000001", "3", "86", "案管家")


@pytest.mark.usefixtures("template")
def test_a_new_holder_of_the_number_gets_its_messages(platform: Platform) -> None:
    platform.control("PATCH", "/phones/victim", {"phone_number": "19900000009"})
    platform.phone("thief", "某人", "19900000001")
    send(platform)
    assert len(platform.feed("thief", channel="sms")) == 1
    assert platform.feed("victim", channel="sms") == []
