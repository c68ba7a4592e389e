"""What a channel can do, what it is given, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from delivery.hooks import Fact
from delivery.models import Channel, Outcome
from delivery.phrases import Said
from delivery.templates import ActiveTemplate
from wechat.errors import (
    BadContent,
    BadRecipient,
    Busy,
    CallError,
    CountExceeded,
    Duplicate,
    Misconfigured,
    NotSent,
    OutsideWindow,
    PlatformError,
    QuotaExceeded,
    Refused,
    TokenRejected,
)

MINUTE_QUOTA = "45011"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel declares about itself; the planner picks by that (wechat.md section 4)."""

    address: Literal["oa", "mp", "phone"]
    """By what a recipient is reached."""
    posts_unattended: bool = True
    """Sends without a person's confirmation."""
    needs_window: bool = False
    """Only shortly after the recipient did something, and only so often."""
    needs_credit: bool = False
    """Each send uses up a consent."""
    needs_template: bool = True
    """Sends approved templates only."""
    carries_text: bool = False
    """Carries free text, and lines to tap."""
    needs_following: bool = False
    idempotent: bool = False
    """Repeating the same message within nine minutes is safe."""
    rings: bool = False
    """Makes a telephone sound at night."""
    rates: tuple[str, ...] = ()
    """What the account may send, in the words of the library `limits`."""


ABILITIES: Mapping[Channel, Abilities] = {
    # 客服消息: 500,000 a day for an account.
    Channel.OA_CUSTOMER_SERVICE: Abilities(
        "oa",
        needs_window=True,
        needs_template=False,
        carries_text=True,
        needs_following=True,
        rates=("500000/day",),
    ),
    # 模板消息: 100,000 a day; client_msg_id keeps repetitions within 10 minutes from being sent twice.
    Channel.OA_TEMPLATE: Abilities("oa", needs_following=True, idempotent=True, rates=("100000/day",)),
    Channel.MP_SUBSCRIBE: Abilities("mp", needs_credit=True, rates=("10000000/day",)),
    # SendSms: 3,000 a second by default (382/55981).
    Channel.SMS: Abilities("phone", rings=True, rates=("3000/second",)),
}


class Cause(StrEnum):
    """Why a try did not send, where it is not about the recipient; those are `Fact`s."""

    BUSY = "busy"
    MINUTE_QUOTA = "minute_quota"
    DAY_QUOTA = "day_quota"
    MISCONFIGURED = "misconfigured"
    WINDOW_CLOSED = "window_closed"
    """45015 or 45047: what our books say of the window is wrong."""
    BAD_CONTENT = "bad_content"
    """Template or fields are wrong; somebody must correct them."""
    OTHER = "other"


@dataclass(slots=True)
class Parcel:
    """One message, ready to go."""

    message_id: UUID
    target_id: UUID
    address: str = field(repr=False)
    """openid or number."""
    said: Said = field(repr=False)
    template: ActiveTemplate | None
    page: str


@dataclass(slots=True)
class Result:
    """What came of one try: SENT, REFUSED (nothing was sent, take another channel), RETRY (nothing was sent, the same
    again later) or UNKNOWN (it may have gone)."""

    outcome: Outcome
    code: str = ""
    platform_id: str | None = None
    segments: int = 0
    cause: Cause | Fact | None = None


class Sender(Protocol):
    """A channel. Raises CallError of `wechat.errors` for what did not go, NoWordingFits before anything was sent."""

    async def send(self, parcel: Parcel, /) -> Result: ...


_CAUSES: tuple[tuple[type[PlatformError], Outcome, Cause | None], ...] = (
    (Duplicate, Outcome.SENT, None),
    (QuotaExceeded, Outcome.REFUSED, Cause.DAY_QUOTA),
    (Busy, Outcome.RETRY, Cause.BUSY),
    (TokenRejected, Outcome.RETRY, Cause.BUSY),
    (OutsideWindow, Outcome.REFUSED, Cause.WINDOW_CLOSED),
    (CountExceeded, Outcome.REFUSED, Cause.WINDOW_CLOSED),
    (Misconfigured, Outcome.REFUSED, Cause.MISCONFIGURED),
    (BadContent, Outcome.REFUSED, Cause.BAD_CONTENT),
)


def result_of(error: CallError, channel: Channel) -> Result:
    """What follows from a failed call, by the classes of `wechat.errors`."""
    if isinstance(error, PlatformError):
        return _result_of_answer(error, str(error.errcode)[:64], channel)
    outcome = Outcome.RETRY if isinstance(error, NotSent) else Outcome.UNKNOWN
    return Result(outcome, type(error).__name__, cause=Cause.BUSY if outcome is Outcome.RETRY else None)


def _result_of_answer(error: PlatformError, code: str, channel: Channel) -> Result:
    if isinstance(error, Refused | BadRecipient):
        return Result(Outcome.REFUSED, code, cause=_fact(error, code, channel))
    if isinstance(error, QuotaExceeded) and code == MINUTE_QUOTA:
        return Result(Outcome.RETRY, code, cause=Cause.MINUTE_QUOTA)
    if isinstance(error, CountExceeded) and channel is Channel.SMS:
        # So many to one number in 30 seconds, an hour, a day: later, not never.
        return Result(Outcome.RETRY, code, cause=Cause.BUSY)
    for kind, outcome, cause in _CAUSES:
        if isinstance(error, kind):
            return Result(outcome, code, cause=cause)
    return Result(Outcome.REFUSED, code, cause=Cause.OTHER)


def _fact(error: Refused | BadRecipient, code: str, channel: Channel) -> Fact:
    if isinstance(error, BadRecipient):
        return Fact.UNKNOWN_RECIPIENT
    if channel is Channel.SMS:
        return Fact.OPTED_OUT
    if code == "43004":
        return Fact.NOT_FOLLOWING
    return Fact.NO_CONSENT if channel is Channel.MP_SUBSCRIBE and code == "43101" else Fact.REFUSES
