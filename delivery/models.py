"""Tables of the outbox and its ledger."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, sealed

CONTEXT = "message.context"


class Channel(StrEnum):
    """The ways out."""

    MP_SUBSCRIBE = "mp_subscribe"
    OA_CUSTOMER_SERVICE = "oa_customer_service"
    OA_TEMPLATE = "oa_template"
    SMS = "sms"


class RecipientKind(StrEnum):
    """Who is written to: a person concerned in a case, or an officer on duty."""

    PERSON = "person"
    OFFICER = "officer"


class MessageState(StrEnum):
    """Where a message stands. `UNKNOWN`: it may have gone, and is not repeated blindly."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How one attempt on one channel ended."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class TemplateState(StrEnum):
    """A template's way to use; the old one stays active until the new one is."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    ACTIVE = "active"
    RETIRED = "retired"


class Message(Model):
    """One message to one recipient: which notice, with what context, and where it stands. Partitioned by month."""

    id = key()
    created_at: datetime = created()
    notice = fields.CharField(max_length=48)
    recipient_kind: RecipientKind = choice(RecipientKind, default=RecipientKind.PERSON)
    recipient_id: UUID = loose_ref()
    member_id: UUID | None = loose_ref(null=True)
    case_id: UUID | None = loose_ref(null=True)
    unit_id: UUID | None = loose_ref(null=True)
    subject_id: UUID | None = loose_ref(null=True)
    context: bytes = sealed(purpose=CONTEXT)
    state: MessageState = choice(MessageState, default=MessageState.QUEUED)
    channel: Channel | None = choice(Channel, null=True)
    tries = fields.SmallIntField(default=0)
    refused_channels = fields.SmallIntField(default=0)
    reason = fields.CharField(max_length=64, default="")
    priority = fields.SmallIntField(default=0)
    platform_id = fields.CharField(max_length=64, null=True)
    sent_at: datetime | None = instant(null=True)
    delivered_at: datetime | None = instant(null=True)
    expires_at: datetime | None = instant(null=True)

    class Meta:
        table = "message"


class DeliveryAttempt(Model):
    """The ledger: one attempt on one channel. Partitioned by month."""

    id = key()
    at: datetime = instant()
    message_id: UUID = loose_ref()
    channel: Channel = choice(Channel)
    target_id: UUID | None = loose_ref(null=True)
    outcome: Outcome = choice(Outcome)
    code = fields.CharField(max_length=64, default="")
    platform_id = fields.CharField(max_length=64, null=True)
    segments = fields.SmallIntField(default=0)

    class Meta:
        table = "delivery_attempt"


class OutboxKey(Model):
    """Once only: what was enqueued under a key is not enqueued again. Pruned."""

    once_key = fields.CharField(max_length=200, primary_key=True, generated=False)
    message_id: UUID = loose_ref()
    created_at: datetime = created()

    class Meta:
        table = "outbox_key"
        indexes = (("created_at",),)


class Template(Model):
    """A template as registered with a platform: its id there, and which of our values fills which of its fields."""

    id = key()
    notice = fields.CharField(max_length=48)
    channel: Channel = choice(Channel)
    template_id = fields.CharField(max_length=64)
    version = fields.IntField(default=1)
    state: TemplateState = choice(TemplateState)
    definition: dict[str, Any] = fields.JSONField()
    created_at: datetime = created()
    reason = fields.CharField(max_length=200, null=True)
    """Of a rejected one: what the platform said."""
    changed_at: datetime | None = instant(null=True)
    changed_by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "template"
        constraints = (UniqueConstraint(fields=("notice", "channel", "version"), name="template_version_once"),)
