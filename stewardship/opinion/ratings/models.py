"""Tables of ratings."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.casework.cases.models import Case

COMMENT = "rating.comment"


class RatingState(StrEnum):
    """From being planned to being answered, or why it was never asked."""

    PLANNED = "planned"
    SENT = "sent"
    ANSWERED = "answered"
    EXPIRED = "expired"
    NOT_SENT = "not_sent"


class Score(IntEnum):
    """满意, 基本满意, 不满意."""

    SATISFIED = 1
    BASICALLY_SATISFIED = 2
    DISSATISFIED = 3


class Rating(Model):
    """A request for a rating and its answer: one for a party, milestone and episode.

    Who is asked, and the officer and unit that are rated, are a snapshot taken when it was sent: a later transfer moves
    no rating. `member_id` is empty where somebody is asked who never joined the group.
    """

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    party_id: UUID = loose_ref()
    member_id: UUID | None = loose_ref(null=True)
    person_id: UUID = loose_ref()
    officer_id: UUID | None = loose_ref(null=True)
    unit_id: UUID = loose_ref()
    milestone = fields.CharField(max_length=32)
    episode = fields.SmallIntField()
    state: RatingState = choice(RatingState)
    reason = fields.CharField(max_length=64, default="")
    token_hash: bytes | None = fields.BinaryField(null=True)
    due_at: datetime = instant()
    sent_at: datetime | None = instant(null=True)
    expires_at: datetime | None = instant(null=True)
    score: int | None = fields.SmallIntField(null=True)
    comment: bytes | None = sealed(purpose=COMMENT, null=True)
    answered_at: datetime | None = instant(null=True)
    channel = fields.CharField(max_length=16, default="")
    created_at: datetime = created()

    class Meta:
        table = "rating"
        constraints = (UniqueConstraint(fields=("party_id", "milestone", "episode"), name="rating_once"),)
        indexes = (
            PostgreSQLIndex(fields=("due_at",), name="rating_due", condition={"state": "planned"}),
            PostgreSQLIndex(fields=("expires_at",), name="rating_open", condition={"state": "sent"}),
            ("person_id", "state"),
            ("unit_id", "sent_at"),
            ("officer_id", "sent_at"),
            ("case_id",),
            ("token_hash",),
        )


class RatingOptOut(Model):
    """A person who does not want to be asked."""

    person_id: UUID = fields.UUIDField(primary_key=True)
    since: datetime = created()
    channel = fields.CharField(max_length=16, default="")

    class Meta:
        table = "rating_opt_out"


class RatingRulesVersion(Model):
    """A version of the rules by which people are asked, never changed once used; the newest in force counts."""

    id = key()
    version = fields.IntField(unique=True)
    definition: dict[str, Any] = fields.JSONField()
    active_from: datetime = created()
    created_by_id: UUID | None = loose_ref(null=True)
    approved_by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "rating_rules_version"
