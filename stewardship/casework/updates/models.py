"""Tables of updates."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.casework.cases.models import Case

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
