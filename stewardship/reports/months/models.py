"""Tables of frozen months. The frozen figures (`figure_frozen`, `tally_frozen`) have keys of several columns, which no
model can express: see the migration `0101_reports2`.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref


class FrozenMonth(Model):
    """A month whose figures were kept as they stood; `month` is its first day."""

    month: date = fields.DateField(primary_key=True, generated=False)
    frozen_at: datetime = instant()

    class Meta:
        table = "figure_month"


class Reason(StrEnum):
    """Why something of a frozen month counts differently now."""

    CONTEST_ACCEPTED = "contest_accepted"
    LATE_CALL = "late_call"
    """A call or talk that had taken place in time was logged afterwards."""
    ANSWERED_LATER = "answered_later"
    """What was open when the month froze was answered since."""
    MERGED = "merged"
    CLOSED = "closed"
    """Found to need no reply."""
    CHALLENGED = "challenged"
    """An answer from the record was challenged, or found to stand after all."""
    MOVED = "moved"
    """It is another unit's, officer's or kind's."""
    ENTERED_LATER = "entered_later"
    """It came to be known only after the month had frozen."""
    OUTCOME_LATER = "outcome_later"
    """A rating, return visit or enrolment that was open has its outcome."""
    CORRECTED = "corrected"


class Restatement(Model):
    """Something of a frozen month that was counted anew: what it contributed before, and since."""

    id = key()
    month: date = fields.DateField()
    at: datetime = created()
    reason: Reason = choice(Reason)
    figure = fields.CharField(max_length=32)
    subject_id: UUID = loose_ref()
    case_id: UUID | None = loose_ref(null=True)
    unit_id: UUID = loose_ref()
    before_unit_id: UUID | None = loose_ref(null=True)
    officer_id: UUID | None = loose_ref(null=True)
    before: dict[str, Any] = fields.JSONField(default=dict)
    after: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "figure_restatement"
        indexes = (
            ("month", "unit_id", "at"),
            PostgreSQLIndex(fields=("month", "before_unit_id"), name="restatement_before"),
        )
