"""What delivery must know of a recipient at the moment of sending.

The composition root passes in a `Resolver`: delivery sits below the domain and asks nobody itself. The resolver checks
again what was true when the message was enqueued: still a member, still allowed, contact still trusted, still wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from delivery.models import RecipientKind
from delivery.notice import Notice


@dataclass(slots=True)
class MessageView:
    """A message without its context."""

    id: UUID
    notice: Notice
    recipient_kind: RecipientKind
    recipient_id: UUID
    member_id: UUID | None
    case_id: UUID | None
    unit_id: UUID | None
    subject_id: UUID | None
    """What it is about: an inquiry, an update, a rating …"""
    priority: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A customer-service window as our books have it: opened at (UTC, domain clock), and how many were sent in it."""

    opened_at: datetime | None = None
    used: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """What a user allowed for one template: one-time consents left, or a long-term subscription."""

    template_id: str
    remaining: int = 0
    long_term: bool = False
    refused: bool = False


@dataclass(slots=True)
class Identity:
    """A usable WeChat identity: a row of `wechat_identity` whose trust allows sending."""

    identity_id: UUID
    openid: str = field(repr=False)
    following: bool = False
    refused: bool = False
    message_window: Window = Window()
    touch_window: Window = Window()
    credits: tuple[Credit, ...] = ()
    """Of a mini-program identity: its rows of `subscription_credit`."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A usable telephone number, E.164."""

    contact_id: UUID
    number: str = field(repr=False)
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Protected:
    """How a protected person may be reached. Hours are minutes of the local day, `hours_to` exclusive."""

    phone: Phone | None
    hours_from: int
    hours_to: int
    pretext: str = field(repr=False)


@dataclass(slots=True)
class Recipient:
    """Where somebody can be reached now. Phones stand in order of preference. Whatever is not usable is left out."""

    oa: Identity | None = None
    mp: Identity | None = None
    phones: tuple[Phone, ...] = ()
    protected: Protected | None = None
    elderly: bool = False
    off_duty_until: datetime | None = None
    """Of an officer who is off duty: when duty next starts (UTC). Until then nothing but a threat rings."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The message is not to be sent any more. `reason`: a short word for the ledger, such as `left_the_group`."""

    reason: str


class Resolver(Protocol):
    """Looks recipients up, for a whole chunk at once. A message that is missing in the answer counts as dropped."""

    async def __call__(self, messages: Sequence[MessageView], /) -> Mapping[UUID, Recipient | Dropped]: ...
