"""Tables of the technique itself."""

from __future__ import annotations

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

from kit.columns import instant, sealed

ANSWER = "request_key.body"
"""The purpose under which the answers to repeated requests are sealed."""


class ClockOffset(Model):
    """One row: what every process's domain clock is ahead of real time, outside production."""

    id = fields.IntField(primary_key=True, default=1)
    seconds = fields.FloatField(default=0)

    class Meta:
        table = "clock_offset"


class RequestKey(Model):
    """A request that its caller may repeat, and how it was answered (`kit.once`). Pruned after a week."""

    digest = fields.CharField(max_length=64, primary_key=True, generated=False)
    """Of the caller and the key they chose, in hexadecimal."""
    fingerprint: bytes = fields.BinaryField()
    """Of what was asked: another request under the same key is a mistake of the caller's."""
    received_at: datetime = instant()
    status = fields.SmallIntField(null=True)
    body: bytes | None = sealed(purpose=ANSWER, null=True)

    class Meta:
        table = "request_key"
        indexes = (("received_at",),)
