"""Tables of exports."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, sealed

CONTENT = "export.content"


class Table(StrEnum):
    """What can be taken out whole."""

    INQUIRIES = "inquiries"
    """One row for each question."""
    CASES = "cases"
    """One row for each case, with its questions summarised."""
    CONTESTS = "contests"
    """One row for each contested breach."""
    RESTATEMENTS = "restatements"
    """One row for each change of a frozen month."""


class ExportState(StrEnum):
    """Where an export stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Too many rows; `why` says what to do."""


class Export(Model):
    """A table that an officer takes out; the file is sealed, and removed a day after."""

    id = key()
    officer_id: UUID = loose_ref()
    unit_id: UUID = loose_ref()
    what: Table = choice(Table)
    params: dict[str, Any] = fields.JSONField(default=dict)
    state: ExportState = choice(ExportState, default=ExportState.QUEUED)
    why = fields.CharField(max_length=120, default="")
    rows = fields.IntField(default=0)
    done = fields.IntField(default=0)
    created_at: datetime = created()
    finished_at: datetime | None = instant(null=True)
    content: bytes | None = sealed(purpose=CONTENT, null=True)

    class Meta:
        table = "report_export"
        indexes = (("officer_id", "created_at"), ("created_at",))
