"""Tables of canned replies."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref
from stewardship.casework.cases.models import CaseKind

TITLE_LENGTH = 40
TEXT_LENGTH = 500


class CannedReply(Model):
    """A reply to be chosen: an officer's own (`officer_id`), a unit's (`unit_id`), or the whole city's (neither)."""

    id = key()
    unit_id: UUID | None = loose_ref(null=True)
    officer_id: UUID | None = loose_ref(null=True)
    case_kind: CaseKind | None = choice(CaseKind, null=True)
    title = fields.CharField(max_length=TITLE_LENGTH)
    text = fields.CharField(max_length=TEXT_LENGTH)
    place = fields.SmallIntField(default=100)
    uses = fields.IntField(default=0)
    last_used_at: datetime | None = instant(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = created()
    retired_at: datetime | None = instant(null=True)

    class Meta:
        table = "canned_reply"
        indexes = (("unit_id",), ("officer_id",))


class CannedReplyVersion(Model):
    """What a canned reply said in one version, and who wrote it."""

    id = key()
    reply_id: UUID = loose_ref()
    version = fields.IntField()
    title = fields.CharField(max_length=TITLE_LENGTH)
    text = fields.CharField(max_length=TEXT_LENGTH)
    written_by_id: UUID | None = loose_ref(null=True)
    written_at: datetime = created()

    class Meta:
        table = "canned_reply_version"
        constraints = (UniqueConstraint(fields=("reply_id", "version"), name="canned_reply_version_once"),)
