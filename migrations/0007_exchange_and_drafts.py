"""What exchange and drafted updates keep; the fields that another system owns."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from kit.clock import now
from kit.ids import new_id
from orjson import loads
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.updates.models import AudienceKind, DraftState
from stewardship.exchange.models import ImportState
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.fields.db_defaults import SqlDefault
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint


UNIQUE = [
    "alter table received_batch add constraint received_batch_once unique (client_id, sequence)",
    "alter table sent_batch add constraint sent_batch_once unique (zone, sequence)",
    "alter table sent_record add constraint sent_record_once unique (zone, kind, record_id)",
    "alter table update_attachment add constraint update_attachment_once unique (update_id, file_id)",
]
"""Tortoise's CreateModel leaves out the constraints that a model declares (kit/constraints.py)."""


class Migration(migrations.Migration):
    dependencies = [("steward", "0006_appointments_and_handovers")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ImportJob",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "steward.Unit",
                        source_field="unit_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("officer_id", fields.UUIDField()),
                ("filename", fields.CharField(max_length=120)),
                ("digest", fields.BinaryField()),
                ("content", fields.BinaryField(null=True)),
                (
                    "state",
                    fields.CharEnumField(
                        description="UPLOADED: uploaded\nCHECKED: checked\nFAULTY: faulty\nRUNNING: running\nDONE: done\nFAILED: failed",
                        enum_type=ImportState,
                        max_length=32,
                    ),
                ),
                ("by_sms", fields.BooleanField(default=True)),
                ("rows", fields.IntField(default=0)),
                ("cases", fields.IntField(default=0)),
                ("parties", fields.IntField(default=0)),
                ("progress", fields.IntField(default=0)),
                ("problems", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("problem_count", fields.IntField(default=0)),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "import_job",
                "app": "steward",
                "indexes": [Index(fields=["officer_id", "created_at"]), Index(fields=["unit_id", "digest"])],
                "pk_attr": "id",
                "table_description": "A table of cases and parties: uploaded, checked without a trace, then taken over as a whole or not at all.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MachineClient",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=60)),
                ("source_system", fields.CharField(max_length=32)),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "steward.Unit",
                        source_field="unit_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("secret_sealed", fields.BinaryField()),
                ("public_key", fields.BinaryField(null=True)),
                ("last_sequence", fields.BigIntField(default=0)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("created_by_id", fields.UUIDField(null=True)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "machine_client",
                "app": "steward",
                "indexes": [Index(fields=["unit_id"])],
                "pk_attr": "id",
                "table_description": "Another system that may write: by requests signed with its secret, by batches signed with its private key.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReceivedBatch",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "client",
                    fields.ForeignKeyField(
                        "steward.MachineClient",
                        source_field="client_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("sequence", fields.BigIntField()),
                ("digest", fields.BinaryField()),
                ("received_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("counts", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("refused", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "received_batch",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("client_id", "sequence"), name="received_batch_once")],
                "pk_attr": "id",
                "table_description": "A signed batch that was taken, with what became of its records: ids and codes only.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SentBatch",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("zone", fields.CharField(max_length=16)),
                ("sequence", fields.BigIntField()),
                ("digest", fields.BinaryField()),
                ("records", fields.IntField()),
                ("sent_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sent_batch",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("zone", "sequence"), name="sent_batch_once")],
                "pk_attr": "id",
                "table_description": "A batch that was written for another zone; numbers have no gap.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SentRecord",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("zone", fields.CharField(max_length=16)),
                ("kind", fields.CharField(max_length=16)),
                ("record_id", fields.UUIDField()),
                ("digest", fields.BinaryField()),
                ("revision", fields.BigIntField()),
                ("sent_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sent_record",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("zone", "kind", "record_id"), name="sent_record_once")],
                "pk_attr": "id",
                "table_description": "A record that went out in a batch: its revision grows when, and only when, its content has changed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UpdateAttachment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "update",
                    fields.ForeignKeyField(
                        "steward.Update",
                        source_field="update_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("file_id", fields.UUIDField()),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "update_attachment",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("update_id", "file_id"), name="update_attachment_once")],
                "indexes": [Index(fields=["file_id"])],
                "pk_attr": "id",
                "table_description": "A file that goes with an update; whoever reads the update may open it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UpdateDraft",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "case",
                    fields.ForeignKeyField(
                        "steward.Case",
                        source_field="case_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        default=DraftState.WAITING,
                        description="WAITING: waiting\nRELEASED: released\nDISCARDED: discarded\nREPLACED: replaced",
                        enum_type=DraftState,
                        max_length=32,
                    ),
                ),
                ("stage", fields.CharField(max_length=32)),
                ("text", fields.BinaryField()),
                ("awaited", fields.CharField(max_length=120)),
                ("next_contact_on", fields.DateField()),
                (
                    "audience",
                    fields.CharEnumField(
                        description="EVERYONE: everyone\nSIDES: sides\nMEMBERS: members",
                        enum_type=AudienceKind,
                        max_length=32,
                    ),
                ),
                ("sides", ArrayField(default=list, element_type="TEXT")),
                ("member_ids", ArrayField(default=list, element_type="UUID")),
                ("source_system", fields.CharField(max_length=32)),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("reason", fields.CharField(default="", max_length=120)),
                ("update_id", fields.UUIDField(null=True)),
                ("version", fields.IntField(default=1)),
            ],
            options={
                "table": "update_draft",
                "app": "steward",
                "indexes": [
                    Index(fields=["case_id", "created_at"]),
                    PostgreSQLIndex(fields=["due_at"], name="update_draft_waiting", condition={"state": "waiting"}),
                ],
                "pk_attr": "id",
                "table_description": "An update that another system's stage change calls for, until the steward releases, edits or discards it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UpdateTemplate",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "steward.Unit",
                        source_field="unit_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        null=True,
                        description="PUBLIC_ORDER: public_order\nCRIMINAL: criminal\nTRAFFIC_ACCIDENT: traffic_accident\nDISPUTE: dispute",
                        enum_type=CaseKind,
                        max_length=32,
                    ),
                ),
                ("stage", fields.CharField(max_length=32)),
                ("title", fields.CharField(max_length=40)),
                ("text", fields.CharField(max_length=500)),
                ("awaited", fields.CharField(max_length=120)),
                ("days", fields.SmallIntField(default=7)),
                ("edited_by_id", fields.UUIDField()),
                ("edited_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("removed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(default=1)),
            ],
            options={
                "table": "update_template",
                "app": "steward",
                "indexes": [Index(fields=["unit_id", "kind", "stage"])],
                "pk_attr": "id",
                "table_description": "A unit's own words for an update of a kind and stage, beside those that every unit has.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Case",
            name="source_fields",
            field=ArrayField(default=list, db_default=SqlDefault("'{}'"), element_type="TEXT"),
        ),
        ops.AddField(
            model_name="CaseStage",
            name="source_fields",
            field=ArrayField(default=list, db_default=SqlDefault("'{}'"), element_type="TEXT"),
        ),
        ops.AddField(
            model_name="CaseStage",
            name="source_id",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="CaseStage",
            name="source_revision",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="CaseStage",
            name="source_system",
            field=fields.CharField(null=True, max_length=32),
        ),
        ops.AddConstraint(
            model_name="CaseStage",
            constraint=UniqueConstraint(fields=("source_system", "source_id"), name="case_stage_source"),
        ),
        ops.AddField(
            model_name="Officer",
            name="source_fields",
            field=ArrayField(default=list, db_default=SqlDefault("'{}'"), element_type="TEXT"),
        ),
        ops.AddField(
            model_name="Party",
            name="source_fields",
            field=ArrayField(default=list, db_default=SqlDefault("'{}'"), element_type="TEXT"),
        ),
        ops.AddField(
            model_name="Person",
            name="source_fields",
            field=ArrayField(default=list, db_default=SqlDefault("'{}'"), element_type="TEXT"),
        ),
        ops.AddField(
            model_name="Unit",
            name="source_fields",
            field=ArrayField(default=list, db_default=SqlDefault("'{}'"), element_type="TEXT"),
        ),
        ops.RunSQL(UNIQUE, reverse_sql=ops.RunSQL.noop),
    ]
