"""What the platform remembers. Plain data; instants are seconds since 1970 on the platform's clock unless said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

AccountKey = Literal["oa", "mp"]
Channel = Literal["oa", "mp", "notice", "sms"]
Direction = Literal["to_phone", "from_phone"]
TemplateKind = Literal["oa_template", "oa_subscribe", "mp_subscribe", "sms"]


@dataclass
class Window:
    """A customer-service window: until when, and how many messages it still allows."""

    until: float
    left: int


@dataclass
class Subscription:
    """A person's consent to one subscribe-message template of one account."""

    credits: int = 0
    long_term: bool = False
    refused: bool = False


@dataclass
class Phone:
    """A person with a telephone: one number, one WeChat with an openid per account."""

    id: str
    name: str
    phone_number: str
    oa_openid: str
    mp_openid: str
    unionid: str
    note: str = ""
    created_at: float = 0.0
    following: bool = False
    followed_at: float = 0.0
    follow_scene: str = ""
    follow_key: str = ""
    blocked: list[str] = field(default_factory=list)
    """Accounts whose messages the person refuses (拒收)."""
    sms_state: str = "on"
    """on · off (switched off: reports fail) · empty (the number is no longer assigned)."""
    windows: dict[str, Window] = field(default_factory=dict)
    """`account:trigger` → window."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """`account:template id` → consent."""

    def openid(self, account: AccountKey) -> str:
        return self.oa_openid if account == "oa" else self.mp_openid


def phone_from(document: dict[str, Any]) -> Phone:
    """A phone read back from the store."""
    windows = {key: Window(**value) for key, value in document.pop("windows").items()}
    consents = {key: Subscription(**value) for key, value in document.pop("subscriptions").items()}
    return Phone(**document, windows=windows, subscriptions=consents)


@dataclass
class Entry:
    """One thing a phone shows."""

    seq: int
    phone: str
    at: str
    channel: Channel
    direction: Direction
    kind: str
    text: str
    content: dict[str, Any] = field(default_factory=dict)
    state: str = "shown"


@dataclass
class Template:
    """A message template as approved in the console."""

    id: str
    kind: TemplateKind
    title: str = ""
    fields: list[dict[str, str]] = field(default_factory=list)
    """WeChat: `{key, label}`; the key's prefix is its type (thing1, time2)."""
    text: str = ""
    """SMS: text with {1}, {2} …"""
    state: str = "approved"
    term: str = "one_time"


@dataclass
class QrCode:
    """A QR code, mini-program code, URL link or scheme that the product made."""

    id: str
    kind: Literal["oa_qr", "wxacode", "url_link", "scheme"]
    url: str
    """What the code says, or the link itself."""
    created_at: float
    scene: str = ""
    ticket: str = ""
    path: str = ""
    query: str = ""
    expires_at: float | None = None


@dataclass
class Media:
    """Temporary material; its bytes lie in the store under the same id."""

    id: str
    kind: str
    filename: str
    content_type: str
    size: int
    account: AccountKey
    created_at: float


@dataclass
class Sms:
    """A text message the gateway has accepted."""

    sid: str
    phone_number: str
    template_id: str
    text: str
    sign: str
    extend: str
    at: float
    report: str = "pending"


@dataclass
class SentOnce:
    """A template message with a client_msg_id: sent again within ten minutes, it is not sent again."""

    openid: str
    client_msg_id: str
    msgid: int
    at: float


@dataclass
class StoryStep:
    """One step of the demonstration's story."""

    number: int
    title: str
    state: str = "running"
    detail: str = ""
    at: str = ""


@dataclass
class WechatSettings:
    """How one account sends callbacks; changed at run time through the control API."""

    url: str
    token: str
    aes_key: str
    mode: Literal["plain", "compatible", "safe"] = "safe"
    format: Literal["xml", "json"] = "xml"
    timeout: float = 5.0
    tries: int = 3
    recognition: bool = True
    """Voice messages carry Recognition."""
    enabled: bool = True
    pages: list[str] = field(default_factory=list)
    """Pages of the released mini-program; empty: every page is taken to exist."""


@dataclass
class SmsSettings:
    """How the SMS gateway behaves; changed at run time through the control API."""

    report_url: str
    reply_url: str
    report_delay: float = 0.05
    unknown_numbers: Literal["fail", "deliver"] = "fail"
    """What the report says of a number that no phone here has."""
    timeout: float = 5.0
    tries: int = 3
    same_content_per_30_seconds: int = 1
    per_day: int = 10
    """To one number, by the calendar day. Both are Tencent Cloud's defaults, adjustable in its console."""
