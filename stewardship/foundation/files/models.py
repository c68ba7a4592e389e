"""Tables of submitted material."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, sealed

MEDIA_ID = "file.media_id"


class FileState(StrEnum):
    """From being announced to being shown to an officer."""

    ANNOUNCED = "announced"
    QUARANTINED = "quarantined"
    CLEAN = "clean"
    REJECTED = "rejected"
    LOST = "lost"


class StoredFile(Model):
    """Submitted material (材料): an encrypted blob, its type told by its content, unseen until a scan has passed."""

    id = key()
    person_id: UUID | None = loose_ref(null=True)
    officer_id: UUID | None = loose_ref(null=True)
    case_id: UUID | None = loose_ref(null=True)
    inquiry_id: UUID | None = loose_ref(null=True)
    origin = fields.CharField(max_length=16)
    media_id: bytes | None = sealed(purpose=MEDIA_ID, null=True)
    media_type = fields.CharField(max_length=64, default="")
    size = fields.IntField(default=0)
    sha256: bytes | None = fields.BinaryField(null=True)
    state: FileState = choice(FileState)
    reason = fields.CharField(max_length=64, default="")
    created_at: datetime = created()
    stored_at: datetime | None = instant(null=True)
    keep_until: datetime | None = instant(null=True)

    class Meta:
        table = "stored_file"
        indexes = (("case_id",), ("inquiry_id",), ("person_id",))
