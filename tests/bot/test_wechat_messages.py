"""Every message and event of both platforms, in XML and JSON, read into one shape; wechatpy is the counterpart."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wechatpy import parser

from bot.markup import Malformed, parse_body, render_body
from bot.wechat_messages import Incoming, Kind, SubscriptionResult, TemplateResult, read_message

# wechatpy has no type information.
parse_message: Any = parser.parse_message

SENT = 1_764_000_000
PERSON = "otFpruAK8D-E6EfStSYonYSBZ8_4"
HEAD = {"ToUserName": "gh_123456789abc", "FromUserName": PERSON, "CreateTime": SENT}
TEMPLATE, OTHER_TEMPLATE = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc", "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI"


def message(kind: str, **fields: Any) -> dict[str, Any]:
    return HEAD | {"MsgType": kind, "MsgId": 23456789012345678} | fields


def event(name: str, **fields: Any) -> dict[str, Any]:
    return HEAD | {"MsgType": "event", "Event": name} | fields


def as_sent(fields: dict[str, Any], body_format: str) -> bytes:
    return render_body(fields, "xml") if body_format == "xml" else orjson.dumps(fields)


def read(fields: dict[str, Any], body_format: str = "xml", platform: str = "oa") -> Incoming:
    return read_message("mp" if platform == "mp" else "oa", parse_body(as_sent(fields, body_format))[0])


def names_of(cases: Sequence[Sequence[Any]]) -> list[str]:
    return [str(case[0].get("Event", case[0]["MsgType"])) for case in cases]


FORMATS = pytest.mark.parametrize("body_format", ["xml", "json"])

MESSAGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = [
    # What is sent, what we read, and under which name wechatpy has the same.
    (message("text", Content="在吗\n我的案子呢？"), {"text": "在吗\n我的案子呢？"}, {"text": "content"}),
    (
        message("text", Content="满意", bizmsgmenuid="101"),
        {"text": "满意", "menu_item_id": "101"},
        {"text": "content"},
    ),
    (
        message("image", PicUrl="http://mmbiz.example/1", MediaId="m-1"),
        {"media_id": "m-1"},
        {"media_id": "media_id"},
    ),
    (
        message("voice", MediaId="m-2", Format="amr", Recognition="案子到哪一步了"),
        {"media_id": "m-2", "media_format": "amr", "recognition": "案子到哪一步了"},
        {"media_id": "media_id", "media_format": "format", "recognition": "recognition"},
    ),
    (
        message("video", MediaId="m-3", ThumbMediaId="t-3"),
        {"media_id": "m-3", "thumb_media_id": "t-3"},
        {"media_id": "media_id", "thumb_media_id": "thumb_media_id"},
    ),
    (
        message("shortvideo", MediaId="m-4", ThumbMediaId="t-4"),
        {"media_id": "m-4", "thumb_media_id": "t-4"},
        {"media_id": "media_id", "thumb_media_id": "thumb_media_id"},
    ),
    (
        message("location", Location_X="31.820591", Location_Y="117.227219", Scale="16", Label="蜀山区"),
        {"latitude": 31.820591, "longitude": 117.227219, "title": "蜀山区"},
        {"title": "label"},
    ),
    (
        message("link", Title="公告", Description="…", Url="https://x.example/1"),
        {"title": "公告", "url": "https://x.example/1"},
        {"title": "title", "url": "url"},
    ),
    (
        message("miniprogrampage", Title="案件", AppId="wx1", PagePath="pages/case?id=1", ThumbMediaId="t-5"),
        {"title": "案件", "url": "pages/case?id=1", "thumb_media_id": "t-5"},
        {"title": "title", "url": "page_path"},
    ),
    (message("file", Title="收据.pdf", FileKey="k", FileTotalLen="1024"), {"title": "收据.pdf"}, {}),
]


@FORMATS
@pytest.mark.parametrize("platform", ["oa", "mp"])
@pytest.mark.parametrize(("sent", "expected", "counterpart"), MESSAGES, ids=names_of(MESSAGES))
def test_messages(
    sent: dict[str, Any], expected: dict[str, Any], counterpart: dict[str, str], platform: str, body_format: str
) -> None:
    incoming = read(sent, body_format, platform)
    assert incoming.kind.value == sent["MsgType"] == incoming.raw_kind
    assert (incoming.platform, incoming.app_id_original, incoming.openid) == (platform, "gh_123456789abc", PERSON)
    assert incoming.created_at == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)
    assert incoming.message_id == "23456789012345678"
    assert incoming.once_key == "message:23456789012345678"
    assert {name: getattr(incoming, name) for name in expected} == expected
    theirs = parse_message(as_sent(sent, "xml"))
    assert {name: getattr(theirs, name) for name in counterpart.values()} == {
        counterpart[name]: expected[name] for name in counterpart
    }
    assert (theirs.source, theirs.create_time.timestamp()) == (incoming.openid, SENT)


EVENTS: list[tuple[dict[str, Any], Kind, dict[str, Any], dict[str, str]]] = [
    (event("subscribe", EventKey=""), Kind.SUBSCRIBE, {"scene": "", "event_key": ""}, {"event_key": "key"}),
    (
        event("subscribe", EventKey="qrscene_join_4f2a", Ticket="gQH47joAAAA"),
        Kind.SUBSCRIBE,
        {"scene": "join_4f2a", "ticket": "gQH47joAAAA"},
        {"scene": "scene_id", "ticket": "ticket"},
    ),
    (event("subscribe", EventKey="last_trade_no_42"), Kind.SUBSCRIBE, {"scene": ""}, {}),
    (event("unsubscribe", EventKey=""), Kind.UNSUBSCRIBE, {}, {}),
    (
        event("SCAN", EventKey="join_4f2a", Ticket="gQH47joAAAA"),
        Kind.SCAN,
        {"scene": "join_4f2a", "ticket": "gQH47joAAAA"},
        {"scene": "scene_id", "ticket": "ticket"},
    ),
    (event("CLICK", EventKey="MY_CASES"), Kind.CLICK, {"event_key": "MY_CASES", "scene": ""}, {"event_key": "key"}),
    (event("VIEW", EventKey="https://x.cn/p"), Kind.VIEW, {"event_key": "https://x.cn/p"}, {"event_key": "url"}),
    (
        event("LOCATION", Latitude="23.137466", Longitude="113.352425", Precision="119.385040"),
        Kind.REPORT_LOCATION,
        {"latitude": 23.137466, "longitude": 113.352425},
        {"latitude": "latitude", "longitude": "longitude"},
    ),
    (
        event("view_miniprogram", EventKey="pages/index/index", MenuId="1"),
        Kind.VIEW_MINI_PROGRAM,
        {"event_key": "pages/index/index"},
        {"event_key": "page_path"},
    ),
    (
        event("TEMPLATESENDJOBFINISH", MsgID=200163836, Status="success"),
        Kind.TEMPLATE_SENT,
        {"template_result": TemplateResult("200163836", "delivered", "success"), "message_id": "200163836"},
        {},
    ),
    (
        event("TEMPLATESENDJOBFINISH", MsgID=200163840, Status="failed:user block"),
        Kind.TEMPLATE_SENT,
        {"template_result": TemplateResult("200163840", "blocked", "failed:user block")},
        {},
    ),
    (
        event("TEMPLATESENDJOBFINISH", MsgID=200163841, Status="failed: system failed"),
        Kind.TEMPLATE_SENT,
        {"template_result": TemplateResult("200163841", "failed", "failed: system failed")},
        {},
    ),
    (
        event("user_enter_tempsession", SessionFrom="case"),
        Kind.ENTER_SESSION,
        {"session_from": "case"},
        {"session_from": "session_from"},
    ),
    (event("kf_create_session", KfAccount="k@x"), Kind.SERVICE_SESSION_OPENED, {}, {}),
    (event("kf_close_session", KfAccount="k@x"), Kind.SERVICE_SESSION_CLOSED, {}, {}),
    (event("kf_switch_session", FromKfAccount="k@x", ToKfAccount="l@x"), Kind.SERVICE_SESSION_SWITCHED, {}, {}),
]


@FORMATS
@pytest.mark.parametrize(("sent", "kind", "expected", "counterpart"), EVENTS, ids=names_of(EVENTS))
def test_events(
    sent: dict[str, Any], kind: Kind, expected: dict[str, Any], counterpart: dict[str, str], body_format: str
) -> None:
    incoming = read(sent, body_format)
    assert incoming.kind is kind
    assert incoming.openid == PERSON
    assert incoming.once_key.startswith("event:")
    assert {name: getattr(incoming, name) for name in expected} == expected
    theirs = parse_message(as_sent(sent, "xml"))
    assert {name: getattr(theirs, name) for name in counterpart.values()} == {
        counterpart[name]: expected[name] for name in counterpart
    }


ACCEPTED = {"TemplateId": TEMPLATE, "SubscribeStatusString": "accept", "PopupScene": "2"}
REJECTED = {"TemplateId": OTHER_TEMPLATE, "SubscribeStatusString": "reject", "PopupScene": "2"}
DELIVERED = {"TemplateId": TEMPLATE, "MsgID": "1700827132819554304", "ErrorCode": "0", "ErrorStatus": "success"}
REFUSED = {"TemplateId": TEMPLATE, "MsgID": "1700827132819554305", "ErrorCode": 43101, "ErrorStatus": "user refuse"}
EXPECTED = {
    "accept": SubscriptionResult(TEMPLATE, "accept", "", None),
    "reject": SubscriptionResult(OTHER_TEMPLATE, "reject", "", None),
    "success": SubscriptionResult(TEMPLATE, "success", "1700827132819554304", 0),
    "user refuse": SubscriptionResult(TEMPLATE, "user refuse", "1700827132819554305", 43101),
}


def expected(items: list[dict[str, Any]]) -> tuple[SubscriptionResult, ...]:
    return tuple(EXPECTED[str(item.get("SubscribeStatusString", item.get("ErrorStatus")))] for item in items)


@pytest.mark.parametrize(
    ("name", "element", "items"),
    [
        ("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", [ACCEPTED]),
        ("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", [ACCEPTED, REJECTED]),
        ("subscribe_msg_change_event", "SubscribeMsgChangeEvent", [REJECTED]),
        ("subscribe_msg_sent_event", "SubscribeMsgSentEvent", [DELIVERED]),
        ("subscribe_msg_sent_event", "SubscribeMsgSentEvent", [REFUSED]),
    ],
)
class TestSubscriptionEvents:
    def test_xml(self, name: str, element: str, items: list[dict[str, Any]]) -> None:
        sent = event(name, **{element: {"List": items}})
        incoming = read(sent, "xml")
        assert (incoming.kind.value, incoming.subscription_results) == (f"event:{name}", expected(items))
        theirs = parse_message(as_sent(sent, "xml")).subscribes
        assert [item["TemplateId"] for item in theirs] == [each.template_id for each in incoming.subscription_results]

    def test_json_has_an_object_for_one_and_an_array_for_several(
        self, name: str, element: str, items: list[dict[str, Any]]
    ) -> None:
        sent = event(name, List=items[0] if len(items) == 1 else items)
        assert read(sent, "json", "mp").subscription_results == expected(items)

    def test_shapes_that_only_the_documents_show(self, name: str, element: str, items: list[dict[str, Any]]) -> None:
        # An array of one; the entries under the event's own name; the popup's element for another event.
        assert read(event(name, List=items), "json", "mp").subscription_results == expected(items)
        assert read(event(name, **{element: items}), "json", "mp").subscription_results == expected(items)
        sent = event(name, SubscribeMsgPopupEvent={"List": items})
        assert read(sent, "xml").subscription_results == expected(items)


class TestOnceOnly:
    def test_a_repeated_message_has_its_key_in_either_format_and_with_numbers_as_strings(self) -> None:
        sent = message("text", Content="在吗")
        as_strings = {name: str(value) for name, value in sent.items()}
        assert read(sent, "xml").once_key == read(sent, "json").once_key == read(as_strings, "json").once_key

    def test_a_repeated_event_has_its_key_in_either_format(self) -> None:
        sent = event("subscribe_msg_sent_event", List=[DELIVERED])
        nested = event("subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": [DELIVERED]})
        assert read(sent | {"CreateTime": str(SENT)}, "json").once_key == read(nested, "xml").once_key

    @pytest.mark.parametrize(
        "other",
        [
            event("CLICK", EventKey="CALL_ME"),
            event("CLICK", EventKey="MY_CASES", CreateTime=SENT + 1),
            event("CLICK", EventKey="MY_CASES", FromUserName="oAnother"),
            event("VIEW", EventKey="MY_CASES"),
        ],
    )
    def test_another_event_has_another_key(self, other: dict[str, Any]) -> None:
        assert read(event("CLICK", EventKey="MY_CASES")).once_key != read(other).once_key

    def test_two_reports_to_one_person_in_one_second_are_two(self) -> None:
        first, second = (event("TEMPLATESENDJOBFINISH", MsgID=number, Status="success") for number in (1, 2))
        assert read(first).once_key != read(second).once_key
        one, two = (event("subscribe_msg_sent_event", List=item) for item in (DELIVERED, REFUSED))
        assert read(one, "json").once_key != read(two, "json").once_key

    @pytest.mark.parametrize("message_id", ["", "0", "abc", "٤٢", "9" * 21])
    def test_a_message_without_a_usable_id_is_told_apart_by_what_it_says(self, message_id: str) -> None:
        first, again, other = (
            read(message("text", MsgId=message_id, Content=content)).once_key for content in ("在吗", "在吗", "在吗？")
        )
        assert first == again != other


@FORMATS
class TestWhatIsUnknown:
    def test_an_event_we_do_not_know(self, body_format: str) -> None:
        incoming = read(event("card_pass_check", CardId="c"), body_format)
        assert (incoming.kind, incoming.raw_kind, incoming.openid) == (Kind.UNKNOWN, "card_pass_check", PERSON)

    def test_a_message_we_do_not_know(self, body_format: str) -> None:
        assert read(message("hologram\nforged log line"), body_format).raw_kind == "hologramforgedlogline"
        assert read(message("hologram"), body_format).kind is Kind.UNKNOWN

    def test_an_event_is_never_taken_for_a_message_of_the_same_name(self, body_format: str) -> None:
        assert read(message("event:subscribe"), body_format).kind is Kind.UNKNOWN
        assert read(message("unsubscribe"), body_format).kind is Kind.UNKNOWN

    def test_nothing_at_all(self, body_format: str) -> None:
        incoming = read({}, body_format)
        assert (incoming.kind, incoming.openid, incoming.created_at) == (Kind.UNKNOWN, "", None)

    @pytest.mark.parametrize("when", [0, -5, 4_102_444_800, "soon", "nan", "1e999", ""])
    def test_an_impossible_time(self, body_format: str, when: Any) -> None:
        assert read(message("text", CreateTime=when), body_format).created_at is None

    @pytest.mark.parametrize("openid", ["", "o" * 65, "o'; drop", "李四", "a b"])
    def test_an_impossible_person_is_nobody_and_not_a_shortened_somebody(self, body_format: str, openid: str) -> None:
        assert read(message("text", FromUserName=openid), body_format).openid == ""

    def test_text_is_bounded(self, body_format: str) -> None:
        incoming = read(message("text", Content="案" * 9000, EventKey="k" * 600, MediaId="m" * 600), body_format)
        assert (len(incoming.text), len(incoming.event_key), len(incoming.media_id)) == (8192, 512, 512)

    def test_a_place_outside_the_world(self, body_format: str) -> None:
        incoming = read(message("location", Location_X="91", Location_Y="inf"), body_format)
        assert (incoming.latitude, incoming.longitude) == (None, None)


NAMES = [
    "ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "MsgId", "MsgID", "Content", "List",
    "SubscribeMsgPopupEvent", "Location_X", "Status", "TemplateId", "ErrorCode", "bizmsgmenuid",
]  # fmt: skip
WORDS = [kind.value.removeprefix("event:") for kind in Kind] + ["event", "0", str(SENT), "-1"]
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats()
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=20) | st.sampled_from(WORDS)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(fields=st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_whatever_was_opened_can_be_read(fields: dict[str, Any]) -> None:
    with contextlib.suppress(Malformed):
        opened, _ = parse_body(orjson.dumps(fields))
        incoming = read_message("oa", opened)
        assert len(incoming.openid) <= 64
        assert 0 < len(incoming.once_key) <= 64
        assert incoming == read_message("oa", opened)
