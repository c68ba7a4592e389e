"""What a WeChat message or event says, in our own words: one frozen value whatever the account, format or version.

Reads what `bot.envelope.open_envelope` opened, XML-shaped or JSON-shaped. Nothing here raises: what is missing is
empty, what is unknown has the kind `unknown`, and every string is bounded. Sources: 微信开放文档 «接收普通消息»,
«接收事件推送», «订阅通知的事件推送», «菜单消息» and «接收客服消息和事件» (mini-program).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Literal

Platform = Literal["oa", "mp"]

MAX_TEXT = 8192
MAX_EVENT_KEY = 512
MAX_NAME = 64
MAX_RESULTS = 20
"""Templates in one subscription event; a prompt holds at most five."""


class Kind(StrEnum):
    """What came. Messages have a name, events the prefix `event:`."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    SHORT_VIDEO = "shortvideo"
    LOCATION = "location"
    LINK = "link"
    MINI_PROGRAM_PAGE = "miniprogrampage"
    FILE = "file"
    SUBSCRIBE = "event:subscribe"
    UNSUBSCRIBE = "event:unsubscribe"
    SCAN = "event:scan"
    CLICK = "event:click"
    VIEW = "event:view"
    VIEW_MINI_PROGRAM = "event:view_miniprogram"
    REPORT_LOCATION = "event:location"
    TEMPLATE_SENT = "event:templatesendjobfinish"
    SUBSCRIPTION_POPUP = "event:subscribe_msg_popup_event"
    SUBSCRIPTION_CHANGE = "event:subscribe_msg_change_event"
    SUBSCRIPTION_SENT = "event:subscribe_msg_sent_event"
    ENTER_SESSION = "event:user_enter_tempsession"
    SERVICE_SESSION_OPENED = "event:kf_create_session"
    SERVICE_SESSION_CLOSED = "event:kf_close_session"
    SERVICE_SESSION_SWITCHED = "event:kf_switch_session"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SubscriptionResult:
    """What a person decided about one template, or how one sent subscribe message ended."""

    template_id: str
    status: str
    """`accept` or `reject` for a decision (others exist, as `ban`); `success` or a reason for a sent message."""
    message_id: str
    """Of the sent message, as the send call returned it; empty for a decision."""
    error_code: int | None
    """Of the sent message, 0 for success; None for a decision."""


@dataclass(frozen=True, slots=True)
class TemplateResult:
    """How a template message ended."""

    message_id: str
    """As the send call returned it."""
    outcome: Literal["delivered", "blocked", "failed"]
    """`blocked`: the person refuses messages from the account."""
    status: str
    """The platform's own word, for the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message or event. Text fields are empty and numbers None where the platform sent nothing usable."""

    platform: Platform
    app_id_original: str
    """ToUserName, the account's gh_… id."""
    openid: str
    """At most 64 characters of `0-9A-Za-z_-`; empty if there was none, and then there is nobody to answer."""
    created_at: datetime | None
    """UTC; by the platform's clock, whole seconds."""
    message_id: str
    once_key: str
    """Equal for the platform's repetitions of the same thing and for nothing else on the same account. ≤ 64 chars."""
    kind: Kind
    raw_kind: str
    """MsgType, or Event, as sent; only word characters, safe to log."""
    text: str = ""
    """What a person typed, or the label of the menu item that was tapped."""
    recognition: str = ""
    """What the platform's speech recognition understood in a voice message."""
    media_id: str = ""
    thumb_media_id: str = ""
    media_format: str = ""
    title: str = ""
    """Of a link, file or mini-program page; the label of a location."""
    url: str = ""
    """Of a link, or opened by a menu; a mini-program page's path."""
    event_key: str = ""
    scene: str = ""
    """What the scanned QR code carries, without `qrscene_`: on following and on scanning while following."""
    ticket: str = ""
    menu_item_id: str = ""
    """Of the tapped item in a menu message that we sent."""
    session_from: str = ""
    latitude: float | None = None
    longitude: float | None = None
    subscription_results: tuple[SubscriptionResult, ...] = ()
    template_result: TemplateResult | None = None
    is_unknown_event: bool = False
    """An event that we do not know: nobody said anything, so nothing is answered."""


def read_message(platform: Platform, message: Mapping[str, Any]) -> Incoming:
    """Read an opened message. Never raises."""
    event = _string(message, "Event", MAX_NAME)
    message_type = _string(message, "MsgType", MAX_NAME)
    is_event = message_type.lower() == "event"
    kind = (_EVENTS.get(event.lower()) if is_event else _MESSAGES.get(message_type.lower())) or Kind.UNKNOWN
    results = tuple(_subscription_results(message)) if kind in _SUBSCRIPTION_KINDS else ()
    message_id = _string(message, "MsgId", MAX_NAME) or _string(message, "MsgID", MAX_NAME)
    event_key = _string(message, "EventKey", MAX_EVENT_KEY)
    return Incoming(
        platform=platform,
        app_id_original=_identifier(message, "ToUserName"),
        openid=_identifier(message, "FromUserName"),
        created_at=_instant(message),
        message_id=message_id,
        once_key=_once_key(message, is_event=is_event),
        kind=kind,
        raw_kind=_NOT_WORD.sub("", event if is_event else message_type),
        text=_string(message, "Content", MAX_TEXT),
        recognition=_string(message, "Recognition", MAX_TEXT),
        media_id=_string(message, "MediaId", MAX_EVENT_KEY),
        thumb_media_id=_string(message, "ThumbMediaId", MAX_EVENT_KEY),
        media_format=_NOT_WORD.sub("", _string(message, "Format", MAX_NAME)),
        title=_string(message, "Title", MAX_EVENT_KEY) or _string(message, "Label", MAX_EVENT_KEY),
        url=_string(message, "Url", MAX_TEXT) or _string(message, "PagePath", MAX_TEXT),
        event_key=event_key,
        scene=_scene(kind, event_key),
        ticket=_string(message, "Ticket", MAX_EVENT_KEY),
        menu_item_id=_string(message, "bizmsgmenuid", MAX_NAME),
        session_from=_string(message, "SessionFrom", 1024),
        latitude=_degrees(message, "Location_X", "Latitude", limit=90),
        longitude=_degrees(message, "Location_Y", "Longitude", limit=180),
        subscription_results=results,
        template_result=_template_result(message, message_id) if kind is Kind.TEMPLATE_SENT else None,
        is_unknown_event=is_event and kind is Kind.UNKNOWN,
    )


_EVENTS = {kind.removeprefix("event:"): kind for kind in Kind if kind.startswith("event:")}
_MESSAGES = {kind.value: kind for kind in Kind if not kind.startswith("event:")}
_SUBSCRIPTION_KINDS = {Kind.SUBSCRIPTION_POPUP, Kind.SUBSCRIPTION_CHANGE, Kind.SUBSCRIPTION_SENT}
_SUBSCRIPTION_ELEMENTS = ("SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent")
_NOT_WORD = re.compile(r"[^0-9A-Za-z_]")
_IDENTIFIER = re.compile(r"[0-9A-Za-z_\-]{1,64}")
_SCENE_PREFIX = "qrscene_"
_LATEST = 4_102_444_800
"""The year 2100: beyond it a CreateTime is no time in seconds."""


def _string(message: Mapping[str, Any], name: str, limit: int) -> str:
    value = message.get(name)
    if isinstance(value, str):
        return value if len(value) <= limit else value[:limit]
    return str(value)[:limit] if isinstance(value, int) else ""


def _identifier(message: Mapping[str, Any], name: str) -> str:
    """An id is never cut: a cut one could be somebody else's."""
    value = message.get(name)
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else ""


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _instant(message: Mapping[str, Any]) -> datetime | None:
    seconds = _number(message.get("CreateTime"))
    if seconds is None or not 0 < seconds < _LATEST:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _degrees(message: Mapping[str, Any], *names: str, limit: int) -> float | None:
    for name in names:
        number = _number(message[name]) if name in message else None
        if number is not None and abs(number) <= limit:
            return number
    return None


def _scene(kind: Kind, event_key: str) -> str:
    if kind is Kind.SCAN:
        return event_key
    if kind is Kind.SUBSCRIBE and event_key.startswith(_SCENE_PREFIX):
        return event_key.removeprefix(_SCENE_PREFIX)
    return ""


def _once_key(message: Mapping[str, Any], *, is_event: bool) -> str:
    """Messages repeat by MsgId, events by FromUserName + CreateTime + Event + EventKey (微信开放文档 «接收事件推送»).

    Reports on sent messages can reach one person twice within a second, so their message ids count too. A message
    without an id is told apart by everything it says.
    """
    if not is_event:
        message_id = _string(message, "MsgId", MAX_NAME)
        if message_id.isascii() and message_id.isdigit() and int(message_id) > 0 and len(message_id) <= 20:
            return f"message:{message_id}"
        return "message:" + _digest(json.dumps(message, sort_keys=True))
    parts = [str(message.get(name) or "") for name in ("FromUserName", "CreateTime", "Event", "EventKey", "MsgID")]
    parts += [f"{item.get('TemplateId')}/{item.get('MsgID')}" for item in _subscription_items(message)]
    return "event:" + _digest("\x1f".join(parts))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def _subscription_items(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The entries, wherever they are: XML nests them in SubscribeMsg…Event/List, JSON has `List` at the top, as an
    object where there is one and an array where there are several; the documents' samples of the change event show the
    popup event's element and, in JSON, the entries right under the event's name."""
    containers = [message, *(message[name] for name in _SUBSCRIPTION_ELEMENTS if name in message)]
    for container in _each(containers):
        for item in _each(container["List"]) if "List" in container else (container,):
            if "TemplateId" in item:
                yield item


def _each(value: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings in an object, an array of objects, or an array of such arrays."""
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _each(item)


def _subscription_results(message: Mapping[str, Any]) -> Iterator[SubscriptionResult]:
    for item in islice(_subscription_items(message), MAX_RESULTS):
        code = _number(item.get("ErrorCode"))
        yield SubscriptionResult(
            template_id=_string(item, "TemplateId", MAX_NAME),
            status=_string(item, "SubscribeStatusString", MAX_NAME) or _string(item, "ErrorStatus", MAX_NAME),
            message_id=_string(item, "MsgID", MAX_NAME) or _string(item, "MsgId", MAX_NAME),
            error_code=None if code is None else int(code),
        )


def _template_result(message: Mapping[str, Any], message_id: str) -> TemplateResult:
    status = _string(message, "Status", MAX_NAME)
    if status.lower() == "success":
        return TemplateResult(message_id, "delivered", status)
    # The documents write «failed:user block», samples in the wild also «failed: user block».
    blocked = "user block" in status.lower()
    return TemplateResult(message_id, "blocked" if blocked else "failed", status)
