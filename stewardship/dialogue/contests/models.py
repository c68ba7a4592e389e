"""Tables of contested breaches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.foundation.clocks.policy import Target

TEXT = "contest.text"


class Ground(StrEnum):
    """Why a breach is said to be none."""

    ANSWERED_OTHERWISE = "answered_otherwise"
    """The party was told in time, by telephone or in person, and that was not logged."""
    SYSTEM_DOWN = "system_down"
    WRONG_ASSIGNMENT = "wrong_assignment"
    """The question never belonged to this officer or unit."""
    PARTY_UNREACHABLE = "party_unreachable"
    OTHER = "other"


class ContestState(StrEnum):
    """Where a contest stands; a decision is final."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Contest(Model):
    """One missed promise of one episode of an inquiry, contested once. Never deleted.

    `unit_id` and `owner_id` had the question when the promise was missed; `decider_unit_id` is the unit whose
    instructors decide, the next one up after the deadline was missed too.
    """

    id = key()
    inquiry: fields.ForeignKeyRelation[Inquiry] = ref("Inquiry")
    inquiry_id: UUID
    case_id: UUID = loose_ref()
    episode = fields.SmallIntField()
    target: Target = choice(Target)
    missed_at: datetime = instant()
    unit_id: UUID = loose_ref()
    owner_id: UUID | None = loose_ref(null=True)
    raised_by_id: UUID = loose_ref()
    raised_at: datetime = created()
    ground: Ground = choice(Ground)
    evidence: bytes = sealed(purpose=TEXT)
    state: ContestState = choice(ContestState, default=ContestState.OPEN)
    decider_unit_id: UUID = loose_ref()
    due_at: datetime = instant()
    overdue = fields.BooleanField(default=False)
    decided_by_id: UUID | None = loose_ref(null=True)
    decided_at: datetime | None = instant(null=True)
    decision: bytes | None = sealed(purpose=TEXT, null=True)

    class Meta:
        table = "contest"
        constraints = (UniqueConstraint(fields=("inquiry_id", "episode", "target"), name="contest_once"),)
        indexes = (
            ("decider_unit_id", "state", "due_at"),
            ("raised_by_id", "raised_at"),
            ("owner_id", "raised_at"),
            PostgreSQLIndex(fields=("due_at",), name="contest_due", condition={"state": "open"}),
        )
