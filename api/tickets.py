"""Short-lived signed tickets: what one answer allows the next request to do."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from kit import clock
from stewardship.foundation.errors import NotLoggedIn

LIFE = timedelta(minutes=10)


def _sign(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.new(key, b"ticket\0" + purpose.encode() + b"\0" + body, hashlib.sha256).digest()


def make_ticket(key: bytes, purpose: str, subject: UUID) -> str:
    """A ticket for one purpose and subject; it holds for ten minutes of real time."""
    expires = int((clock.real_now() + LIFE).timestamp())
    body = subject.bytes + expires.to_bytes(8, "big")
    return base64.urlsafe_b64encode(body + _sign(key, purpose, body)).decode()


def read_ticket(key: bytes, purpose: str, ticket: str) -> UUID:
    """Whom it is for. Raises NotLoggedIn for one that is not ours, is for another purpose, or has expired."""
    try:
        raw = base64.b64decode(ticket.encode(), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    body, signature = raw[:24], raw[24:]
    valid = hmac.compare_digest(signature, _sign(key, purpose, body))
    if not valid or int.from_bytes(body[16:], "big") < clock.real_now().timestamp():
        raise NotLoggedIn("ticket_expired", "操作已超时", "请从登录重新开始。")
    return UUID(bytes=body[:16])
