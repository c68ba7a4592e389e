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


class AskedBack(Model):
    """A bare digit could answer two questions of ours: which two we named when we asked back, as 11–13 and 21–23."""

    person_id: UUID = fields.UUIDField(primary_key=True)
    questions: list[dict[str, str]] = fields.JSONField()
    asked_at: datetime = created()
    until: datetime = instant()

    class Meta:
        table = "asked_back"
