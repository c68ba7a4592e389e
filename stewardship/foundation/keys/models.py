"""Tables of key rotations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref


class RotationState(StrEnum):
    """Where a rotation stands."""

    RUNNING = "running"
    DONE = "done"


class KeyRotation(Model):
    """Rewriting every sealed value and blind index to these versions; resumed where it stopped."""

    id = key()
    state: RotationState = choice(RotationState, default=RotationState.RUNNING)
    encryption_version = fields.SmallIntField()
    index_version = fields.SmallIntField()
    started_at: datetime = created()
    finished_at: datetime | None = instant(null=True)
    proposed_by_id: UUID | None = loose_ref(null=True)
    approved_by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "key_rotation"


class KeyRotationStep(Model):
    """One table of a rotation: how far it has come. `after_key` is the last key that was looked at."""

    id = key()
    rotation: fields.ForeignKeyRelation[KeyRotation] = ref("KeyRotation")
    rotation_id: UUID
    place = fields.SmallIntField()
    table_name = fields.CharField(max_length=48)
    total = fields.BigIntField(default=0)
    looked_at = fields.BigIntField(default=0)
    rewritten = fields.BigIntField(default=0)
    after_key = fields.CharField(max_length=64, default="")
    done = fields.BooleanField(default=False)

    class Meta:
        table = "key_rotation_step"
        indexes = (("rotation_id", "place"),)
