"""What can come of a call to a platform, sorted by what the caller has to do next.

    CallError
    ├── NotSent        nothing reached the platform: repeat freely
    ├── Ambiguous      it may have been carried out: never repeat blindly
    │   └── MalformedAnswer
    └── PlatformError  the platform answered no, and did nothing; its subclasses say what follows from it

Sources: 微信开放文档 «全局返回码» and the pages of the single interfaces. SMS gateways use the same classes.
"""

from __future__ import annotations

import re

MAX_MESSAGE = 256

_RID = re.compile(r"rid: ([0-9A-Za-z-]{8,64})")


class CallError(Exception):
    """A call to a platform did not succeed. Its text holds no secret, token, openid or phone number of ours."""


class NotSent(CallError):
    """The connection was never there, or no access token was to be had: nothing was sent, repeating is safe."""


class Ambiguous(CallError):
    """The request may have been carried out: it timed out, the connection broke, or the answer made no sense."""


class MalformedAnswer(Ambiguous):
    """The platform answered, but not in its own language (a proxy's page, a missing field, an oversized body)."""


class PlatformError(CallError):
    """The platform refused and did nothing. An errcode without a class of its own is exactly this class: no retry."""

    def __init__(self, errcode: int | str, message: str = "") -> None:
        self.errcode = errcode
        """WeChat's number, or the SMS gateway's word such as `FailedOperation.PhoneNumberInBlacklist`."""
        self.message = message[:MAX_MESSAGE]
        """The platform's own words."""
        super().__init__(f"{errcode} {self.message}")

    @property
    def request_id(self) -> str:
        """The `rid` under which the platform finds the request in its logs, or empty."""
        found = _RID.search(self.message)
        return found[1] if found else ""


class Busy(PlatformError):
    """Retry with backoff."""


class QuotaExceeded(PlatformError):
    """A limit of the whole account: retry in the next minute (45011) or on the next day (45009)."""


class OutsideWindow(PlatformError):
    """This person has not written within the customer-service window: take another channel."""


class CountExceeded(PlatformError):
    """The window's messages are used up until the person writes again: take another channel."""


class Refused(PlatformError):
    """This person does not want it, does not follow, or is blocked: take another channel, and do not ask again."""


class BadRecipient(PlatformError):
    """No such person on this account: take another channel, the stored identity is wrong."""


class BadContent(PlatformError):
    """The message itself is wrong: repeating cannot help, someone has to correct it."""


class BadTemplateData(BadContent):
    """Template or fields are wrong; the message names the field."""


class BadCode(PlatformError):
    """A login or phone code is wrong, expired or used: the person must start again."""


class Duplicate(PlatformError):
    """The platform has carried out a request with the same idempotency key before: it counts as sent."""


class Misconfigured(PlatformError):
    """App id, secret, address or permission of our account is wrong: an administrator must act; keep the message."""


class TokenRejected(PlatformError):
    """The access token was refused, and a renewed one as well: as after NotSent, repeating is safe."""


TOKEN_CODES = frozenset({40001, 40014, 42001})
"""Renew the access token and repeat, once."""

_CLASSES: dict[type[PlatformError], tuple[int, ...]] = {
    Busy: (-1,),
    QuotaExceeded: (45009, 45011),
    OutsideWindow: (45015,),
    CountExceeded: (45047,),
    Refused: (43004, 43019, 43101, 40226),
    BadRecipient: (40003,),
    BadTemplateData: (40037, 47003),
    BadContent: (
        *range(40016, 40028),  # Menus.
        *(40004, 40006, 40007, 40035, 40053, 40165, 40169, 40212, 41030, 44002, 44004, 45002, 45008, 47001),
        *(85401, 87014),
    ),
    BadCode: (40029, 40163),
    Duplicate: (43110,),
    Misconfigured: (40013, 40125, 40164, 41001, 41002, 41004, 45109, 48001, 48004, 50002, 61004),
    TokenRejected: tuple(TOKEN_CODES),
}
_BY_CODE = {code: kind for kind, codes in _CLASSES.items() for code in codes}


def platform_error(errcode: int, message: str) -> PlatformError:
    """The error for a WeChat errcode."""
    return _BY_CODE.get(errcode, PlatformError)(errcode, message)
