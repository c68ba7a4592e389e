"""Callbacks over HTTP: taken in once, answered the same however often they are asked, and bad ones refused in peace."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import httpx
import orjson
import pytest
from fastapi import FastAPI

from bot.markup import render_body
from bot.routes import Bot
from kit import database
from settings import Settings
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from tests.support.world import MONDAY_MORNING, Joined, World, build_world, case_with

_ids = itertools.count(1)


@pytest.fixture
async def joined(real_db: str, clock_at: Callable[[datetime], None]) -> Joined:
    """A victim who is in the group, committed."""
    clock_at(MONDAY_MORNING)
    world: World = await build_world()
    return await case_with(world, (PartyRole.VICTIM, Side.A))


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The callbacks alone, in this process."""
    bot = Bot(settings)
    app = FastAPI(routes=bot.routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as client:
        yield client
    await bot.inbox.close()


def signed(settings: Settings, *, stamp: float | None = None) -> dict[str, str]:
    timestamp, nonce = str(int(stamp or time.time())), "n0nce"
    parts = sorted([settings.oa.token.get_secret_value(), timestamp, nonce])
    signature = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce}


def text_message(openid: str, text: str, message_id: int | None = None) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{text}]]></Content><MsgId>{message_id or 7_000_000 + next(_ids)}</MsgId></xml>"
    ).encode()


async def deliver(http: httpx.AsyncClient, settings: Settings, body: bytes) -> httpx.Response:
    return await http.post("/wechat/oa", params=signed(settings), content=body)


async def test_the_platforms_three_tries_get_the_same_answer_and_count_once(
    http: httpx.AsyncClient, settings: Settings, joined: Joined
) -> None:
    body = text_message(joined.identities[0].openid, "询问进展", 42)
    answers = [await deliver(http, settings, body) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 200]
    contents = {a.text.split("<Content>")[1].split("</Content>")[0] for a in answers}
    assert len(contents) == 1
    assert joined.case.reference in contents.pop()
    assert await InquiryEntry.filter(kind=EntryKind.ASKED).count() == 1


@pytest.mark.parametrize("text", ["询问进展", "我的东西什么时候还给我呢"])
async def test_concurrent_duplicates_are_taken_in_once(
    http: httpx.AsyncClient, settings: Settings, joined: Joined, text: str
) -> None:
    body = text_message(joined.identities[0].openid, text, 43)
    answers = await asyncio.gather(*(deliver(http, settings, body) for _ in range(8)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.text.partition("<Content>")[2] for a in answers}) == 1
    assert await InquiryEntry.filter(kind=EntryKind.ASKED).count() == 1
    assert await database.fetchval("select count(*) from inbox") == 1


async def test_many_questions_at_once_from_one_party_stand_in_one_inquiry(
    http: httpx.AsyncClient, settings: Settings, joined: Joined
) -> None:
    bodies = [text_message(joined.identities[0].openid, f"第{n}个问题，请答复我") for n in range(12)]
    await asyncio.gather(*(deliver(http, settings, body) for body in bodies))
    inquiry = await Inquiry.get()
    assert inquiry.messages == 12
    assert await InquiryEntry.filter(inquiry_id=inquiry.id, kind=EntryKind.ASKED).count() == 12


async def test_status_queries_at_once_are_each_answered_and_recorded(
    http: httpx.AsyncClient, settings: Settings, joined: Joined
) -> None:
    bodies = [text_message(joined.identities[0].openid, "进展") for _ in range(30)]
    answers = await asyncio.gather(*(deliver(http, settings, body) for body in bodies))
    assert all(joined.case.reference in a.text for a in answers)
    assert await InquiryEntry.filter(kind=EntryKind.ASKED).count() == 30
    assert (await Inquiry.get()).state is InquiryState.ANSWERED_FROM_RECORD


async def test_one_bad_message_in_a_batch_costs_the_others_nothing(
    http: httpx.AsyncClient, settings: Settings, joined: Joined
) -> None:
    strangers = [text_message(f"stranger{n}", "进展") for n in range(5)]
    known = [text_message(joined.identities[0].openid, "进展") for _ in range(5)]
    answers = await asyncio.gather(*(deliver(http, settings, body) for body in strangers + known))
    assert {a.status_code for a in answers} == {200}
    assert sum(joined.case.reference in a.text for a in answers) == 5
    assert await database.fetchval("select count(*) from inbox") == 10


async def test_what_was_said_is_kept_sealed(http: httpx.AsyncClient, settings: Settings, joined: Joined) -> None:
    await deliver(http, settings, text_message(joined.identities[0].openid, "我的秘密问题是什么呢"))
    for table, column in (("inbox", "body"), ("inquiry_entry", "text")):
        for row in await database.fetch(f"select {column} as sealed from {table}"):  # noqa: S608 — constants.
            assert "秘密".encode() not in bytes(row["sealed"])


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({}, b"<xml/>"),
        ({"signature": "x" * 40, "timestamp": "1", "nonce": "n"}, b"<xml/>"),
        ({"signature": "é", "timestamp": "1", "nonce": "n"}, b""),
    ],
)
async def test_unsigned_and_wrongly_signed_callbacks_are_refused(
    http: httpx.AsyncClient, query: dict[str, str], body: bytes
) -> None:
    answer = await http.post("/wechat/oa", params=query, content=body)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>'


@pytest.mark.parametrize("body", [b"", b"not xml", b"<xml>", b"{", b"[]", BOMB, b"x" * (1024 * 1024 + 1), b"\xff\xfe"])
async def test_junk_in_a_signed_callback_is_refused_with_a_reason(
    http: httpx.AsyncClient, settings: Settings, body: bytes
) -> None:
    answer = await http.post("/wechat/oa", params=signed(settings), content=body)
    assert answer.status_code == 400
    assert len(answer.text) < 40


async def test_a_stale_callback_is_refused(http: httpx.AsyncClient, settings: Settings) -> None:
    query = signed(settings, stamp=time.time() - 3600)
    assert (await http.post("/wechat/oa", params=query, content=b"<xml/>")).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        "<MsgType>event</MsgType><Event>VIEW</Event><EventKey>http://x</EventKey>",
        "<MsgType>event</MsgType><Event>something_new</Event>",
        "<MsgType>event</MsgType><Event>subscribe</Event><EventKey></EventKey>",
        "<MsgType>event</MsgType><Event>unsubscribe</Event>",
        "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>unknown_key</EventKey>",
        "<MsgType>event</MsgType><Event>LOCATION</Event><Latitude>1</Latitude>",
        "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>1</MsgID><Status>success</Status>",
        "<MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event>",
        "<MsgType>hologram</MsgType>",
        "<MsgType>text</MsgType>",
        "<MsgType>location</MsgType><Location_X>x</Location_X>",
        "<MsgType>image</MsgType>",
        "<MsgType>voice</MsgType><MediaId>m</MediaId>",
        "",
    ],
)
async def test_every_kind_of_message_is_taken_in(
    http: httpx.AsyncClient, settings: Settings, joined: Joined, fields: str
) -> None:
    openid = joined.identities[0].openid
    head = (
        f"<ToUserName>gh</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{int(time.time())}</CreateTime>"
    )
    answer = await deliver(http, settings, f"<xml>{head}{fields}</xml>".encode())
    assert answer.status_code == 200


# fmt: off
NOBODY_SPOKE = [
    "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select",
    "VIEW", "view_miniprogram", "LOCATION", "MASSSENDJOBFINISH", "PUBLISHJOBFINISH", "TEMPLATESENDJOBFINISH",
    "subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event", "kf_create_session",
    "kf_close_session", "kf_switch_session", "user_enter_tempsession", "user_info_modified",
    "user_authorization_revoke", "user_authorization_cancellation", "qualification_verify_success",
    "qualification_verify_fail", "naming_verify_success", "naming_verify_fail", "annual_renew", "verify_expired",
    "card_pass_check", "user_get_card", "user_del_card", "user_view_card", "submit_membercard_user_info",
    "WifiConnected", "ShakearoundUserShake", "poi_check_notify", "modify_store_audit_info", "wxa_nickname_audit",
    "weapp_audit_success", "weapp_audit_fail", "wxa_media_check", "wxa_illegal_record", "guide_qrcode_scan_event",
    "guide_invite_result_event", "device_event", "xpay_goods_deliver_notify", "open_product_spu_audit",
    "trade_manage_order_settlement", "add_express_path", "get_plugin_notify", "something_new",
]
# fmt: on
"""Every event of 微信开放文档 by which no person says anything, and one that it does not know."""


@pytest.mark.parametrize("body_format", ["xml", "json"])
async def test_an_event_by_which_nobody_speaks_is_answered_by_nothing(
    http: httpx.AsyncClient, settings: Settings, joined: Joined, body_format: str
) -> None:
    head = {"ToUserName": "gh", "FromUserName": joined.identities[0].openid, "CreateTime": int(time.time())}
    for name in NOBODY_SPOKE:
        message = head | {"MsgType": "event", "Event": name}
        body = render_body(message, "xml") if body_format == "xml" else orjson.dumps(message)
        answer = await deliver(http, settings, body)
        assert (answer.status_code, answer.text) == (200, "success"), name
    assert await Inquiry.all().count() == 0


@pytest.mark.parametrize("text", ["【收到不支持的消息类型，暂无法显示】", " "])
async def test_what_cannot_be_shown_gets_a_helpful_answer_and_opens_nothing(
    http: httpx.AsyncClient, settings: Settings, joined: Joined, text: str
) -> None:
    answer = await deliver(http, settings, text_message(joined.identities[0].openid, text))
    assert "您可以这样用案管家" in answer.text
    assert await Inquiry.all().count() == 0


async def test_the_address_is_verified(http: httpx.AsyncClient, settings: Settings) -> None:
    answer = await http.get("/wechat/oa", params=signed(settings) | {"echostr": "8273"})
    assert (answer.status_code, answer.text) == (200, "8273")


async def test_sms_callbacks_need_the_secret(http: httpx.AsyncClient, settings: Settings) -> None:
    assert (await http.post("/sms/wrong/report", json=[])).status_code == 404
    secret = settings.sms.callback_secret.get_secret_value()
    assert (await http.post(f"/sms/{secret}/report", content=b"junk")).status_code == 400
    assert (await http.post(f"/sms/{secret}/other", json=[])).status_code == 400


async def test_a_question_by_sms_becomes_an_inquiry_once(
    http: httpx.AsyncClient, settings: Settings, joined: Joined
) -> None:
    secret = settings.sms.callback_secret.get_secret_value()
    reply = {"nationcode": "86", "mobile": joined.numbers[0], "text": "我的包找到了吗？", "sign": "案管家", "time": 1}
    for _ in range(3):
        assert (await http.post(f"/sms/{secret}/reply", json=reply)).status_code == 200
    assert (await Inquiry.get()).messages == 1


async def test_a_mini_programs_reply_goes_out_as_a_message_once(
    http: httpx.AsyncClient, settings: Settings, real_db: str
) -> None:
    """Its callbacks take no passive reply, so nobody would see one."""
    timestamp, nonce = str(int(time.time())), "n0nce"
    parts = sorted([settings.mp.token.get_secret_value(), timestamp, nonce])
    signature = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce}
    for _ in range(3):
        answer = await http.post("/wechat/mp", params=query, content=text_message("visitor", "你好", 77))
        assert (answer.status_code, answer.text) == (200, "success")
    assert await database.fetchval("select count(*) from pgqueuer where entrypoint = 'chat_reply'") == 1
