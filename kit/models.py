"""Tables of the technique itself."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class ClockOffset(Model):
    """One row: what every process's domain clock is ahead of real time, outside production."""

    id = fields.IntField(primary_key=True, default=1)
    seconds = fields.FloatField(default=0)

    class Meta:
        table = "clock_offset"
