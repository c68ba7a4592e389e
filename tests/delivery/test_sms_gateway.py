"""The SMS gateway against the local platform, which checks signatures, templates and limits as Tencent Cloud does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web

from delivery.channels.sms_gateway import SmsGateway, SmsResult, authorization
from settings import Settings, SmsAccount
from tests.wechat.faulty_server import raw_serving, serving
from tests.wechat.local_platform import LocalPlatform, running
from wechat.errors import (
    Ambiguous,
    BadRecipient,
    BadTemplateData,
    Busy,
    CallError,
    CountExceeded,
    MalformedAnswer,
    Misconfigured,
    NotSent,
    PlatformError,
    QuotaExceeded,
    Refused,
)
from wechat.wire import client

CITIZEN, OTHER, NOBODY = "+8619900000001", "+8619900000002", "+8619900000009"
INVITATION = "1000001"
VALUES = ["合川路派出所", "https://wxaurl.cn/abc"]


@pytest.fixture(scope="module")
def platform_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
async def platform(platform_url: str) -> AsyncIterator[LocalPlatform]:
    """Two citizens with telephones, and one approved template."""
    async with client() as http:
        local = LocalPlatform(platform_url, http)
        await local.control("POST", "/reset", {"templates": True})
        for name, phone in (("citizen", CITIZEN), ("other", OTHER)):
            await local.control("PUT", f"/phones/{name}", {"name": name, "phone_number": phone[3:]})
        template = {"id": INVITATION, "title": "邀请", "text": "您好，{1}邀请您查询进展：{2}"}
        await local.control("PUT", "/templates/sms", template)
        yield local


@pytest.fixture
def gateway(platform: LocalPlatform, settings: Settings) -> SmsGateway:
    return SmsGateway(platform.http, settings.sms, base_url=platform.url)


async def invite(gateway: SmsGateway, *phones: str, template: str = INVITATION) -> tuple[SmsResult, ...]:
    return await gateway.send(phones, template, VALUES, session_context="0199d0c0-message")


async def test_everybody_gets_the_filled_template(platform: LocalPlatform, gateway: SmsGateway) -> None:
    results = await invite(gateway, CITIZEN, OTHER)
    assert [(result.phone, result.error) for result in results] == [(CITIZEN, None), (OTHER, None)]
    assert len({result.serial_no for result in results}) == 2
    assert all(result.segments == 1 for result in results)
    feed = await platform.control("GET", "/phones/citizen/feed?after=0&channel=sms")
    assert [entry["text"] for entry in feed["entries"]] == [
        "【案管家】您好，合川路派出所邀请您查询进展：https://wxaurl.cn/abc"
    ]
    (call,) = await platform.calls("/sms/SendSms")
    assert "0199d0c0-message" in str(call)


async def test_a_wrong_number_does_not_stop_the_others(gateway: SmsGateway) -> None:
    wrong, right = await invite(gateway, "+86123", CITIZEN)
    assert isinstance(wrong.error, BadRecipient)
    assert (wrong.serial_no, right.error) == ("", None)


async def test_an_unapproved_template(gateway: SmsGateway) -> None:
    (result,) = await invite(gateway, CITIZEN, template="999")
    assert isinstance(result.error, BadTemplateData)


async def test_the_wrong_number_of_values(gateway: SmsGateway) -> None:
    (result,) = await gateway.send([CITIZEN], INVITATION, ["一个"], session_context="")
    assert isinstance(result.error, BadTemplateData)


async def test_a_number_that_has_had_enough(gateway: SmsGateway) -> None:
    """The same content once in 30 seconds, by the gateway's default."""
    errors = [(await invite(gateway, CITIZEN))[0].error for _ in range(2)]
    assert errors[0] is None
    assert isinstance(errors[1], CountExceeded)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("LimitExceeded.AppDailyLimit", QuotaExceeded),
        ("FailedOperation.PhoneNumberInBlacklist", Refused),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Misconfigured),
        ("InternalError.OtherError", Busy),
        ("InternalError.Timeout", Ambiguous),
        ("InternalError.SendAndRecvFail", Ambiguous),
        ("SomethingNew.Entirely", PlatformError),
    ],
)
async def test_what_a_number_is_refused_for(
    platform: LocalPlatform, gateway: SmsGateway, code: str, error: type[CallError]
) -> None:
    await platform.fault("error", code=code)
    (result,) = await invite(gateway, CITIZEN)
    assert type(result.error) is error


@pytest.mark.parametrize("change", [{"secret_key": "wrong"}, {"secret_id": "wrong"}, {"app_id": "1"}])
async def test_a_wrong_account_is_for_the_administrator(
    platform: LocalPlatform, settings: Settings, change: dict[str, str]
) -> None:
    account = SmsAccount.model_validate(settings.sms.model_dump() | change)
    with pytest.raises(Misconfigured):
        await invite(SmsGateway(platform.http, account, base_url=platform.url), CITIZEN)


async def test_a_signature_of_yesterday(platform: LocalPlatform, settings: Settings) -> None:
    late = SmsGateway(platform.http, settings.sms, base_url=platform.url, clock=lambda: 1_764_000_000.0)
    with pytest.raises(Misconfigured, match="AuthFailure"):
        await invite(late, CITIZEN)


@pytest.mark.parametrize("phones", [[], [CITIZEN, CITIZEN], [f"+86199{number:08}" for number in range(201)]])
async def test_an_impossible_batch_is_not_sent(gateway: SmsGateway, phones: list[str]) -> None:
    with pytest.raises(ValueError, match="200"):
        await invite(gateway, *phones)


async def test_a_batch_of_two_hundred(gateway: SmsGateway) -> None:
    assert len(await invite(gateway, *(f"+86199{number:08}" for number in range(200)))) == 200


async def test_a_context_that_is_too_long(gateway: SmsGateway) -> None:
    with pytest.raises(ValueError, match="512"):
        await gateway.send([CITIZEN], INVITATION, VALUES, session_context="x" * 513)


async def test_a_broken_proxy_is_ambiguous(platform: LocalPlatform, gateway: SmsGateway) -> None:
    await platform.fault("http_error", status=502)
    with pytest.raises(Ambiguous):
        await invite(gateway, CITIZEN)


async def test_a_connection_that_breaks_after_sending_is_ambiguous(settings: Settings) -> None:
    async def hang_up(writer: asyncio.StreamWriter, _: int) -> None:
        writer.close()

    async with raw_serving(hang_up) as served:
        with pytest.raises(Ambiguous):
            await invite(SmsGateway(served.http, settings.sms, base_url=served.url), CITIZEN)
        assert len(served.requests) == 1


async def test_an_unreachable_gateway_has_sent_nothing(platform: LocalPlatform, settings: Settings) -> None:
    with pytest.raises(NotSent):
        await invite(SmsGateway(platform.http, settings.sms, base_url="http://127.0.0.1:9"), CITIZEN)


SENT = {"SerialNo": "1:2", "PhoneNumber": CITIZEN, "Fee": 1, "Code": "Ok", "Message": "send success"}


@pytest.mark.parametrize(
    "response",
    [
        {"SendStatusSet": []},
        {"SendStatusSet": [SENT | {"PhoneNumber": NOBODY}]},
        {"SendStatusSet": [SENT | {"SerialNo": ""}]},
        {"SendStatusSet": [SENT | {"Code": ""}]},
        {"SendStatusSet": ["sent"]},
    ],
)
async def test_a_number_of_which_the_answer_does_not_speak_is_ambiguous(settings: Settings, response: object) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"Response": response})

    async with serving(answer) as served:
        (result,) = await invite(SmsGateway(served.http, settings.sms, base_url=served.url), CITIZEN)
    assert isinstance(result.error, Ambiguous)


@pytest.mark.parametrize("body", [{}, {"Response": []}, {"Response": {}}, []])
async def test_an_answer_that_makes_no_sense(settings: Settings, body: object) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    async with serving(answer) as served:
        with pytest.raises(MalformedAnswer):
            await invite(SmsGateway(served.http, settings.sms, base_url=served.url), CITIZEN)


def test_the_signature_of_the_documents_own_example() -> None:
    """«签名方法 v3» works one request out by hand; its published key and signature."""
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    found = authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        headers={"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
        body=body,
        timestamp=1_551_113_065,
    )
    assert found == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_no_result_shows_a_number() -> None:
    assert CITIZEN not in repr(SmsResult(CITIZEN, "1", 1, None))
