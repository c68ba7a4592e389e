"""Tables of the daily digest."""

from __future__ import annotations

from datetime import date, datetime

from tortoise import fields
from tortoise.models import Model

from kit.columns import instant


class DigestRun(Model):
    """A legal day on which the digest went out."""

    day: date = fields.DateField(primary_key=True, generated=False)
    at: datetime = instant()
    recipients = fields.IntField()

    class Meta:
        table = "digest_run"
