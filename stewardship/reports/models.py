"""Tables of the figures: what each thing contributes, and what changed since that was counted.

The roll-ups themselves (`figure_rollup`, `figure_tally`, `figure_line`) have keys of several columns, which no model
can express: see the migration `0005_roll_ups`.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.models import Model

from kit.columns import instant, loose_ref


class FigureChange(Model):
    """Something whose contribution has to be counted anew; written by triggers in the transaction of the change.

    Rows are only ever added and taken away, never updated: no command waits for another's.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    subject = fields.CharField(max_length=16)
    subject_id: UUID = loose_ref()

    class Meta:
        table = "figure_change"


class InquiryFact(Model):
    """What one episode of an inquiry contributes to the figures, as it was last counted. Survives the inquiry.

    `unit_id` and `owner_id` are who had the question last; `first_*` and `full_*` who had it when that promise was kept
    or missed, left empty where it was the same. `first_in_time` and `full_in_time` are empty until there is a reply.
    """

    id: UUID = fields.UUIDField(primary_key=True, generated=False)
    inquiry_id: UUID = loose_ref()
    episode = fields.SmallIntField()
    case_id: UUID = loose_ref()
    opened_at: datetime = instant()
    day: date = fields.DateField()
    hour = fields.SmallIntField()
    kind = fields.CharField(max_length=32)
    channel = fields.CharField(max_length=16)
    asked_for = fields.CharField(max_length=32)
    state = fields.CharField(max_length=16)
    unit_id: UUID = loose_ref()
    owner_id: UUID | None = loose_ref(null=True)
    first_unit_id: UUID | None = loose_ref(null=True)
    first_owner_id: UUID | None = loose_ref(null=True)
    full_unit_id: UUID | None = loose_ref(null=True)
    full_owner_id: UUID | None = loose_ref(null=True)
    first_in_time = fields.BooleanField(null=True)
    full_in_time = fields.BooleanField(null=True)
    first_seconds = fields.IntField(null=True)
    full_seconds = fields.IntField(null=True)
    first_bin = fields.SmallIntField(null=True)
    full_bin = fields.SmallIntField(null=True)
    full_due_at: datetime | None = instant(null=True)
    breached = fields.BooleanField(default=False)
    challenged = fields.BooleanField(default=False)
    first_adjusted = fields.BooleanField(default=False)
    full_adjusted = fields.BooleanField(default=False)

    class Meta:
        table = "inquiry_fact"
        indexes = (
            ("unit_id", "opened_at"),
            ("opened_at",),
            PostgreSQLIndex(fields=("full_due_at",), name="inquiry_fact_open", condition={"state": "waiting"}),
        )


class TallyFact(Model):
    """What a party, rating or visit contributes to the figure it is counted in; `turns_at`: when time changes it."""

    id: UUID = fields.UUIDField(primary_key=True, generated=False)
    figure = fields.CharField(max_length=32)
    unit_id: UUID = loose_ref()
    day: date = fields.DateField()
    state = fields.CharField(max_length=16)
    score = fields.SmallIntField(default=0)
    detail = fields.CharField(max_length=64, default="")
    counted = fields.BooleanField()
    good = fields.BooleanField()
    turns_at: datetime | None = instant(null=True)

    class Meta:
        table = "tally_fact"
        indexes = (("turns_at",), ("unit_id", "figure", "day"))
