"""Tables of return visits and telephone tasks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.casework.cases.models import Case

NOTE = "visit.note"


class VisitPurpose(StrEnum):
    """Why somebody is to be telephoned."""

    DISSATISFIED = "dissatisfied"
    UNDELIVERABLE = "undeliverable"
    SAFE_NOTICE = "safe_notice"


class VisitState(StrEnum):
    """Where it stands."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class CallOutcome(StrEnum):
    """How one call ended (domain.md section 3)."""

    SATISFIED = "satisfied"
    BASICALLY_SATISFIED = "basically_satisfied"
    DISSATISFIED = "dissatisfied"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"
    NOT_REACHED = "not_reached"
    NOT_THE_PERSON = "not_the_person"
    DO_NOT_DISTURB = "do_not_disturb"
    INFORMED = "informed"


class Finding(StrEnum):
    """What looking into a dissatisfaction came to (domain.md section 3)."""

    SUBSTANTIATED = "substantiated"
    PARTLY_SUBSTANTIATED = "partly_substantiated"
    NOT_SUBSTANTIATED = "not_substantiated"
    BEYOND_THE_LAW = "beyond_the_law"
    LEGAL_RESULT = "legal_result"


class Visit(Model):
    """A call that is owed: after a 'dissatisfied', by someone else than the handler, or instead of a message."""

    id = key()
    purpose: VisitPurpose = choice(VisitPurpose)
    state: VisitState = choice(VisitState, default=VisitState.OPEN)
    case: fields.ForeignKeyNullableRelation[Case] = ref("Case", null=True)
    case_id: UUID | None
    person_id: UUID = loose_ref()
    unit_id: UUID = loose_ref()
    handler_id: UUID | None = loose_ref(null=True)
    assigned_to_id: UUID | None = loose_ref(null=True)
    rating_id: UUID | None = loose_ref(null=True)
    message_id: UUID | None = loose_ref(null=True)
    opened_at: datetime = created()
    due_at: datetime = instant()
    closed_at: datetime | None = instant(null=True)
    outcome: CallOutcome | None = choice(CallOutcome, null=True)
    finding = fields.CharField(max_length=32, default="")
    overdue_marked = fields.BooleanField(default=False)

    class Meta:
        table = "visit"
        constraints = (
            UniqueConstraint(fields=("rating_id",), name="visit_rating_once"),
            UniqueConstraint(fields=("message_id",), name="visit_message_once"),
        )
        indexes = (
            PostgreSQLIndex(fields=("due_at",), name="visit_due", condition={"state": "open"}),
            ("unit_id", "opened_at"),
            ("assigned_to_id", "state"),
            ("case_id", "state"),
            ("person_id", "outcome"),
        )


class Call(Model):
    """One attempt to reach the person."""

    id = key()
    visit: fields.ForeignKeyRelation[Visit] = ref("Visit")
    visit_id: UUID
    officer_id: UUID = loose_ref()
    at: datetime = created()
    seconds = fields.IntField(default=0)
    outcome: CallOutcome = choice(CallOutcome)
    note: bytes | None = sealed(purpose=NOTE, null=True)

    class Meta:
        table = "call"
        indexes = (("visit_id", "at"), ("officer_id", "at"))
