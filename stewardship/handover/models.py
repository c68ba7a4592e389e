"""Tables of hand-overs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed

NOTE = "handover.note"


class LeaveKind(StrEnum):
    """Why an officer is away."""

    ANNUAL = "annual"
    SICK = "sick"
    TRAINING = "training"
    COURT = "court"
    OTHER = "other"


class HandoverState(StrEnum):
    """From a proposal that only its author sees to the return of the cases."""

    DRAFT = "draft"
    OFFERED = "offered"
    """Colleagues are asked; the leave has not begun, and the cases are still their steward's."""
    IN_EFFECT = "in_effect"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    """Where one case of a hand-over stands. The last five are ends."""

    PROPOSED = "proposed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Nobody's yet: it is on the instructor's list."""
    RETURNED = "returned"
    CLOSED = "closed"
    TRANSFERRED = "transferred"
    """Somebody gave the case to another officer or unit meanwhile; the hand-over does not touch it any more."""
    STAYED = "stayed"
    """Its steward did not come back to it, so it stays with whoever has it."""
    CANCELLED = "cancelled"


class Handover(Model):
    """An officer's leave and what it means for their cases. `ends_at` is when they are due back."""

    id = key()
    reference = fields.CharField(max_length=20, unique=True)
    unit_id: UUID = loose_ref()
    officer_id: UUID = loose_ref()
    kind: LeaveKind = choice(LeaveKind)
    state: HandoverState = choice(HandoverState, default=HandoverState.DRAFT)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    shift_id: UUID | None = loose_ref(null=True)
    created_at: datetime = created()
    created_by_id: UUID | None = loose_ref(null=True)
    offered_at: datetime | None = instant(null=True)
    effective_at: datetime | None = instant(null=True)
    ended_at: datetime | None = instant(null=True)

    class Meta:
        table = "handover"
        indexes = (
            ("unit_id", "created_at"),
            ("officer_id", "created_at"),
            PostgreSQLIndex(fields=("starts_at",), name="handover_to_begin", condition={"state": "offered"}),
            PostgreSQLIndex(fields=("ends_at",), name="handover_to_end", condition={"state": "in_effect"}),
        )


class HandoverItem(Model):
    """One case of a hand-over: who is asked to take it, and who holds it since the leave began."""

    id = key()
    handover: fields.ForeignKeyRelation[Handover] = ref("Handover")
    handover_id: UUID
    case_id: UUID = loose_ref()
    to_officer_id: UUID | None = loose_ref(null=True)
    holder_id: UUID | None = loose_ref(null=True)
    state: ItemState = choice(ItemState, default=ItemState.PROPOSED)
    points = fields.SmallIntField(default=0)
    note: bytes | None = sealed(purpose=NOTE, null=True)
    reason = fields.CharField(max_length=120, default="")
    decided_at: datetime | None = instant(null=True)
    decided_by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "handover_item"
        constraints = (UniqueConstraint(fields=("handover_id", "case_id"), name="handover_item_once"),)
        indexes = (("to_officer_id", "state"), ("case_id",))
