"""Tables of changes that need two persons."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref

REASON_LENGTH = 200


class ApprovalState(StrEnum):
    """Where a proposed change stands. Only `APPROVED` has changed anything."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Approval(Model):
    """A proposed change. `topic` names what it would change: of one topic only one proposal is pending.

    `unit_id` is the unit whose right it takes to propose and to decide; empty: the whole city's.
    """

    id = key()
    kind = fields.CharField(max_length=32)
    topic = fields.CharField(max_length=120)
    unit_id: UUID | None = loose_ref(null=True)
    payload: dict[str, Any] = fields.JSONField()
    reason = fields.CharField(max_length=REASON_LENGTH)
    state: ApprovalState = choice(ApprovalState, default=ApprovalState.PENDING)
    proposed_by_id: UUID = loose_ref()
    proposed_at: datetime = created()
    expires_at: datetime = instant()
    decided_by_id: UUID | None = loose_ref(null=True)
    decided_at: datetime | None = instant(null=True)
    decision_reason = fields.CharField(max_length=REASON_LENGTH, default="")
    outcome: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "approval"
        indexes = (("state", "expires_at"),)
