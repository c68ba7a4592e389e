"""Identifiers in the shapes the platforms give them."""

from __future__ import annotations

import itertools
import secrets
import time

OPENID_LENGTH = 28
_msg_ids = itertools.count(time.time_ns() // 1000)


def openid() -> str:
    """28 characters, beginning with `o`, as WeChat's."""
    return "o" + secrets.token_urlsafe(30).replace("-", "_")[: OPENID_LENGTH - 1]


def code() -> str:
    """A js_code, phone code or OAuth code: 32 characters."""
    return secrets.token_urlsafe(24)


def access_token() -> str:
    """Long, as production's: the product must be ready to keep 512 characters."""
    return "88_" + secrets.token_urlsafe(150)


def media_id() -> str:
    return secrets.token_urlsafe(48)


def message_id() -> int:
    """A MsgId or msgid: a 64-bit number that grows, also across restarts."""
    return next(_msg_ids)


def rid() -> str:
    """The request id that Tencent's error messages carry."""
    return f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def short() -> str:
    """The unguessable part of a link or a QR code's address."""
    return secrets.token_urlsafe(9).replace("-", "x").replace("_", "y")
