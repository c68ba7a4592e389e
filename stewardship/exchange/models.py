"""Tables of exchange."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.foundation.org.models import Unit

SECRET = "machine_client.secret"  # noqa: S105 — the purpose under which secrets are sealed, not one of them.
TABLE = "import_job.content"


class MachineClient(Model):
    """Another system that may write: by requests signed with its secret, by batches signed with its private key.

    It owns what it brings under `source_system`, within its unit and those below. `last_sequence` is the last batch
    that was taken.
    """

    id = key()
    name = fields.CharField(max_length=60)
    source_system = fields.CharField(max_length=32)
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    secret_sealed: bytes = sealed(purpose=SECRET)
    public_key: bytes | None = fields.BinaryField(null=True)
    last_sequence = fields.BigIntField(default=0)
    last_used_at: datetime | None = instant(null=True)
    created_at: datetime = created()
    created_by_id: UUID | None = loose_ref(null=True)
    revoked_at: datetime | None = instant(null=True)

    class Meta:
        table = "machine_client"
        indexes = (("unit_id",),)


class ReceivedBatch(Model):
    """A signed batch that was taken, with what became of its records: ids and codes only."""

    id = key()
    client: fields.ForeignKeyRelation[MachineClient] = ref("MachineClient")
    client_id: UUID
    sequence = fields.BigIntField()
    digest: bytes = fields.BinaryField()
    received_at: datetime = created()
    counts: dict[str, int] = fields.JSONField(default=dict)
    refused: list[Any] = fields.JSONField(default=list)

    class Meta:
        table = "received_batch"
        constraints = (UniqueConstraint(fields=("client_id", "sequence"), name="received_batch_once"),)


class SentRecord(Model):
    """A record that went out in a batch: its revision grows when, and only when, its content has changed."""

    id = key()
    zone = fields.CharField(max_length=16)
    kind = fields.CharField(max_length=16)
    record_id: UUID = loose_ref()
    digest: bytes = fields.BinaryField()
    revision = fields.BigIntField()
    sent_at: datetime = created()

    class Meta:
        table = "sent_record"
        constraints = (UniqueConstraint(fields=("zone", "kind", "record_id"), name="sent_record_once"),)


class SentBatch(Model):
    """A batch that was written for another zone; numbers have no gap."""

    id = key()
    zone = fields.CharField(max_length=16)
    sequence = fields.BigIntField()
    digest: bytes = fields.BinaryField()
    records = fields.IntField()
    sent_at: datetime = created()

    class Meta:
        table = "sent_batch"
        constraints = (UniqueConstraint(fields=("zone", "sequence"), name="sent_batch_once"),)


class ImportState(StrEnum):
    """Where an uploaded table stands. `faulty` has rows to be mended; `failed` met something after it was checked."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    FAULTY = "faulty"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportJob(Model):
    """A table of cases and parties: uploaded, checked without a trace, then taken over as a whole or not at all.

    The file itself is sealed, and gone once the job is done or a week old.
    """

    id = key()
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    officer_id: UUID = loose_ref()
    filename = fields.CharField(max_length=120)
    digest: bytes = fields.BinaryField()
    content: bytes | None = sealed(purpose=TABLE, null=True)
    state: ImportState = choice(ImportState)
    by_sms = fields.BooleanField(default=True)
    rows = fields.IntField(default=0)
    cases = fields.IntField(default=0)
    parties = fields.IntField(default=0)
    progress = fields.IntField(default=0)
    problems: list[Any] = fields.JSONField(default=list)
    problem_count = fields.IntField(default=0)
    created_at: datetime = created()
    finished_at: datetime | None = instant(null=True)

    class Meta:
        table = "import_job"
        indexes = (("officer_id", "created_at"), ("unit_id", "digest"))
