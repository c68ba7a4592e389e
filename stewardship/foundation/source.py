"""The mark of another system's record: `(source_system, source_id)` is unique, the revision only grows."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Sourced(Model):
    """Mixed into what other systems own: unit, officer, case, party."""

    source_system = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=64, null=True)
    source_revision = fields.BigIntField(null=True)

    class Meta:
        abstract = True
