"""Tables of the event log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import instant, key, loose_ref


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
