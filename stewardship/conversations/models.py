"""Tables of conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import created, instant, loose_ref


class Conversation(Model):
    """What the bot must remember between two messages of one identity: which case is meant, what it just asked."""

    identity_id: UUID = fields.UUIDField(primary_key=True)
    case_id: UUID | None = loose_ref(null=True)
    pending: dict[str, Any] | None = fields.JSONField(null=True)
    pending_until: datetime | None = instant(null=True)
    unlocked_until: datetime | None = instant(null=True)
    updated_at: datetime = created()

    class Meta:
        table = "conversation"
