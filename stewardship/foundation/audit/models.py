"""Tables of the event log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, sealed

REASON = "event.reason"


class Event(Model):
    """One change of state, reveal or read. Ids and field names only, never personal values. Partitioned by month.

    `xid` and `era` order events for sealing without a lock: the sealer takes all of whose transactions have ended.
    """

    id = key()
    at = instant()
    kind = fields.CharField(max_length=48)
    actor_kind = fields.CharField(max_length=16)
    actor_id: UUID | None = loose_ref(null=True)
    subject_kind = fields.CharField(max_length=32)
    subject_id: UUID = loose_ref()
    case_id: UUID | None = loose_ref(null=True)
    unit_id: UUID | None = loose_ref(null=True)
    details: dict[str, Any] = fields.JSONField(default=dict)
    device = fields.CharField(max_length=128, null=True)
    address = fields.CharField(max_length=45, null=True)
    relation = fields.CharField(max_length=32, null=True)
    xid = fields.BigIntField(db_default=0)
    era = fields.IntField(db_default=1)

    class Meta:
        table = "event"


class EventSeal(Model):
    """A link of the chain: the hash over a batch of events and the link before it."""

    id = key()
    no = fields.IntField(unique=True)
    era = fields.IntField()
    from_xid = fields.BigIntField()
    to_xid = fields.BigIntField()
    count = fields.IntField()
    previous_hash = fields.BinaryField()
    hash = fields.BinaryField()
    sealed_at = instant()
    anchored_at = instant(null=True)

    class Meta:
        table = "event_seal"


class EventReason(Model):
    """Why an officer revealed something, in their own words: sealed, beside the event that says that they did."""

    event_id: UUID = fields.UUIDField(primary_key=True)
    reason: bytes = sealed(purpose=REASON)
    at: datetime = created()

    class Meta:
        table = "event_reason"


class VerificationState(StrEnum):
    """Where a verification stands."""

    RUNNING = "running"
    DONE = "done"


class AuditVerification(Model):
    """A verification of the whole chain, some seals at a time; `broken_at` is the first seal that does not hold."""

    id = key()
    state: VerificationState = choice(VerificationState, default=VerificationState.RUNNING)
    requested_by_id: UUID | None = loose_ref(null=True)
    started_at: datetime = created()
    finished_at: datetime | None = instant(null=True)
    seals_total = fields.IntField()
    seals_done = fields.IntField(default=0)
    sealed = fields.BigIntField(default=0)
    unsealed = fields.BigIntField(null=True)
    broken_at = fields.IntField(null=True)
    head: bytes = fields.BinaryField()

    class Meta:
        table = "audit_verification"
        indexes = (("started_at",),)
