"""What delivery tells the domain. The composition root passes the functions in.

Each runs inside the transaction that records the outcome, so that what follows from it (an event, a telephone task)
commits with it or not at all; it must not call out, and must bear being called for the same message again only where
its documentation says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from delivery.models import Channel
from delivery.recipients import MessageView


class Fact(StrEnum):
    """What a platform's refusal says about the recipient."""

    NOT_FOLLOWING = "not_following"
    """43004: does not follow the official account."""
    NO_CONSENT = "no_consent"
    """43101 of a subscribe message: no consent is left for this template. Our count is set to zero already."""
    REFUSES = "refuses"
    """43101 of another message, 40226, a blocked account: wants nothing on this channel."""
    OPTED_OUT = "opted_out"
    """The number is on the SMS gateway's blacklist."""
    UNKNOWN_RECIPIENT = "unknown_recipient"
    """40003, a number that is none: the stored identity or contact is wrong."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A platform told us something about an identity (WeChat) or a contact (SMS)."""

    channel: Channel
    target_id: UUID
    fact: Fact
    code: str
    template_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that will not be sent any more.

    `reason`: `expired`, `exhausted`, `safe_call_needed`, `unknown_outcome`, `unreadable_context`, or the last resort
    and why it could not be used, such as `sms:no_phone` (`delivery.planner.Skip`). `call_needed`: the registry wants a
    telephone task for it.
    """

    message: MessageView
    reason: str
    call_needed: bool


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that a platform accepted."""

    message: MessageView
    channel: Channel


async def _nothing(_: Sequence[object], /) -> None:
    return


@dataclass(frozen=True, slots=True)
class Hooks:
    """What to call; by default nothing. `failed` is called once a message, `unknown_outcome` included.

    A message that failed as `unknown_outcome` may still turn out delivered by a late report.
    """

    sent: Callable[[Sequence[SentMessage]], Awaitable[None]] = _nothing
    refused: Callable[[Sequence[Refusal]], Awaitable[None]] = _nothing
    failed: Callable[[Sequence[Failure]], Awaitable[None]] = _nothing


_installed = Hooks()


def install_hooks(hooks: Hooks) -> None:
    """What this process tells the domain; `delivery.dispatcher.install` calls it."""
    global _installed  # noqa: PLW0603 — as the dispatcher, one a process.
    _installed = hooks


def installed_hooks() -> Hooks:
    """The process's hooks."""
    return _installed
