"""Tables of what came in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import instant, key, loose_ref, sealed
from stewardship.conversations.said import REPLY_SEAL

BODY = "inbox.body"


class Inbox(Model):
    """The raw row of what a platform sent us, and the answer it was given. Partitioned by month."""

    id = key()
    received_at: datetime = instant()
    source = fields.CharField(max_length=8)
    kind = fields.CharField(max_length=48)
    identity_id: UUID | None = loose_ref(null=True)
    outcome = fields.CharField(max_length=24)
    body: bytes = sealed(purpose=BODY)
    reply: bytes | None = sealed(purpose=REPLY_SEAL, null=True)

    class Meta:
        table = "inbox"


class InboxKey(Model):
    """Once only: the platform's key of what was taken in, and the row that holds it. Pruned after a week."""

    once_key = fields.CharField(max_length=200, primary_key=True, generated=False)
    received_at: datetime = instant()
    inbox_id: UUID = loose_ref()

    class Meta:
        table = "inbox_key"
        indexes = (("received_at",),)
