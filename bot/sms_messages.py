"""What the SMS gateway reports and forwards: delivery reports and people's replies, in Tencent Cloud SMS's shape.

Sources: 腾讯云文档 «短信下发状态通知» (382/5807, international 382/43547) and «短信回复» (382/68704, international
382/43548). The gateway signs nothing: the sender of these bodies is known by the secret in the path alone. Each is
answered with `ANSWER`, else the gateway sends it again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.markup import Malformed, load_json

MAX_BODY = 1024 * 1024
MAX_REPORTS = 2000
MAX_TEXT = 2048
ANSWER = b'{"result":0,"errmsg":"OK"}'

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
_WORD = re.compile(r"[0-9A-Za-z_:.\-]{1,128}")
_LATEST = 4_102_444_800


class RejectedSms(ValueError):
    """The body is not the gateway's. `reason` (`too_large`, `json`, `shape`) is safe to log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """How one SMS ended."""

    serial_no: str
    """As the sending call returned it for this number."""
    phone: str
    """E.164, as +8613711112222."""
    delivered: bool
    error: str
    """The carrier's code: `DELIVRD`, or as `UNDELIV`, `EXPIRED`, `MK:0001`."""
    description: str
    """For the ledger; the gateway's words."""
    received_at: datetime | None
    """UTC; the gateway writes Beijing time without an offset."""


@dataclass(frozen=True, slots=True)
class SmsReply:
    """What a person answered to an SMS."""

    phone: str
    """E.164."""
    text: str
    sign_name: str
    extension: str
    """The channel's extension code, usually empty."""
    replied_at: datetime | None
    """UTC."""
    once_key: str
    """Equal for the gateway's repetitions of the same reply. The gateway gives replies no id."""


def read_reports(body: bytes) -> tuple[DeliveryReport, ...]:
    """Read a batch of delivery reports. An entry without serial number or phone is left out. Raises RejectedSms."""
    found = _load(body)
    entries = found if isinstance(found, list) else [found]
    if len(entries) > MAX_REPORTS or not all(isinstance(entry, dict) for entry in entries):
        raise RejectedSms("shape")
    reports = [_report(entry) for entry in entries]
    return tuple(report for report in reports if report is not None)


def read_reply(body: bytes) -> SmsReply:
    """Read one reply. Raises RejectedSms, also where phone or text is missing."""
    found = _load(body)
    if not isinstance(found, dict):
        raise RejectedSms("shape")
    phone, text = _phone(found), _text(found, "text", MAX_TEXT)
    if not phone or not text:
        raise RejectedSms("shape")
    time, extension = _text(found, "time", 20), _text(found, "extend", 32)
    return SmsReply(
        phone=phone,
        text=text,
        sign_name=_text(found, "sign", 64),
        extension=extension,
        replied_at=_instant(time),
        once_key=hashlib.blake2b("\x1f".join((phone, time, extension, text)).encode(), digest_size=20).hexdigest(),
    )


def _load(body: bytes) -> Any:
    if len(body) > MAX_BODY:
        raise RejectedSms("too_large")
    try:
        return load_json(body, max_elements=MAX_REPORTS * 12)
    except Malformed as error:
        raise RejectedSms("json") from error


def _report(entry: Mapping[str, Any]) -> DeliveryReport | None:
    phone, serial_no = _phone(entry), entry.get("sid")
    if not phone or not isinstance(serial_no, str) or not _WORD.fullmatch(serial_no):
        return None
    return DeliveryReport(
        serial_no=serial_no,
        phone=phone,
        delivered=_text(entry, "report_status", 16).upper() == "SUCCESS",
        error=_text(entry, "errmsg", 64),
        description=_text(entry, "description", 256),
        received_at=_beijing_time(_text(entry, "user_receive_time", 32)),
    )


def _phone(entry: Mapping[str, Any]) -> str:
    """E.164 from `nationcode` and `mobile`, or empty."""
    country, mobile = _text(entry, "nationcode", 8).lstrip("+"), _text(entry, "mobile", 20)
    if mobile.startswith("+"):
        country, mobile = "", mobile[1:]
    digits = country + mobile
    return f"+{digits}" if mobile and _DIGITS.fullmatch(digits) and len(digits) <= 15 else ""


def _text(entry: Mapping[str, Any], name: str, limit: int) -> str:
    value = entry.get(name)
    # NUL cannot be kept by the database.
    if isinstance(value, str):
        return value.replace("\0", "")[:limit]
    return str(value)[:limit] if isinstance(value, int) else ""


def _instant(text: str) -> datetime | None:
    seconds = int(text) if _DIGITS.fullmatch(text) else 0
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LATEST else None


def _beijing_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_SHANGHAI).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
