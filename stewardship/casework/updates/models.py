"""Tables of updates."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.foundation.org.models import Unit

TEXT = "update.text"


class AudienceKind(StrEnum):
    """To whom an update is addressed."""

    EVERYONE = "everyone"
    SIDES = "sides"
    MEMBERS = "members"


class Update(Model):
    """Progress that a steward posted: what happened, what is awaited, when we are in touch next."""

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    author_id: UUID = loose_ref()
    stage = fields.CharField(max_length=32, null=True)
    text: bytes = sealed(purpose=TEXT)
    awaited = fields.CharField(max_length=120)
    next_contact_on: date = fields.DateField()
    audience: AudienceKind = choice(AudienceKind)
    sides: list[str] = ArrayField("text", default=list)
    member_ids: list[Any] = ArrayField("uuid", default=list)
    near_copy = fields.BooleanField(default=False)
    posted_at: datetime = created()
    withdrawn_at: datetime | None = instant(null=True)

    class Meta:
        table = "case_update"
        indexes = (("case_id", "posted_at"),)


class UpdateAddressee(Model):
    """A member to whom an update is addressed, decided when it was posted; what they see is filtered by this row.

    `released_at` is empty while the update waits until a protected person has been told safely.
    """

    id = key()
    update: fields.ForeignKeyRelation[Update] = ref("Update")
    update_id: UUID
    member_id: UUID = loose_ref()
    case_id: UUID = loose_ref()
    posted_at: datetime = instant()
    released_at: datetime | None = instant(null=True)
    message_id: UUID | None = loose_ref(null=True)
    seen_at: datetime | None = instant(null=True)
    created_at: datetime = created()

    class Meta:
        table = "update_addressee"
        constraints = (UniqueConstraint(fields=("update_id", "member_id"), name="update_addressee_once"),)
        indexes = (("member_id", "posted_at"),)


class UpdateAttachment(Model):
    """A file that goes with an update; whoever reads the update may open it."""

    id = key()
    update: fields.ForeignKeyRelation[Update] = ref("Update")
    update_id: UUID
    file_id: UUID = loose_ref()
    created_at: datetime = created()

    class Meta:
        table = "update_attachment"
        constraints = (UniqueConstraint(fields=("update_id", "file_id"), name="update_attachment_once"),)
        indexes = (("file_id",),)


class DraftState(StrEnum):
    """What became of a drafted update; `replaced` by that of a later stage."""

    WAITING = "waiting"
    RELEASED = "released"
    DISCARDED = "discarded"
    REPLACED = "replaced"


class UpdateDraft(Model):
    """An update that another system's stage change calls for, until the steward releases, edits or discards it.

    `due_at` is when the parties must have heard; the case's silence clock ends no later.
    """

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    state: DraftState = choice(DraftState, default=DraftState.WAITING)
    stage = fields.CharField(max_length=32)
    text: bytes = sealed(purpose=TEXT)
    awaited = fields.CharField(max_length=120)
    next_contact_on: date = fields.DateField()
    audience: AudienceKind = choice(AudienceKind)
    sides: list[str] = ArrayField("text", default=list)
    member_ids: list[Any] = ArrayField("uuid", default=list)
    source_system = fields.CharField(max_length=32)
    created_at: datetime = created()
    due_at: datetime = instant()
    decided_at: datetime | None = instant(null=True)
    decided_by_id: UUID | None = loose_ref(null=True)
    reason = fields.CharField(max_length=120, default="")
    update_id: UUID | None = loose_ref(null=True)
    version = fields.IntField(default=1)

    class Meta:
        table = "update_draft"
        indexes = (
            ("case_id", "created_at"),
            PostgreSQLIndex(fields=("due_at",), name="update_draft_waiting", condition={"state": "waiting"}),
        )


class UpdateTemplate(Model):
    """A unit's own words for an update of a kind and stage, beside those that every unit has."""

    id = key()
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    kind: CaseKind | None = choice(CaseKind, null=True)
    stage = fields.CharField(max_length=32)
    title = fields.CharField(max_length=40)
    text = fields.CharField(max_length=500)
    awaited = fields.CharField(max_length=120)
    days = fields.SmallIntField(default=7)
    edited_by_id: UUID = loose_ref()
    edited_at: datetime = created()
    removed_at: datetime | None = instant(null=True)
    version = fields.IntField(default=1)

    class Meta:
        table = "update_template"
        indexes = (("unit_id", "kind", "stage"),)
