"""Changes by two persons, canned replies, rating rules, key rotations, verifications, reasons of reveals."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from delivery.models import TemplateState
from kit.clock import now
from kit.ids import new_id
from orjson import loads
from stewardship.casework.cases.models import CaseKind
from stewardship.foundation.approvals.models import ApprovalState
from stewardship.foundation.audit.models import VerificationState
from stewardship.foundation.keys.models import RotationState
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

FORWARD = [
    # Of one topic one proposal at a time is pending, whoever proposes at once.
    "create unique index approval_one_pending on approval (topic) where state = 'pending'",
    "create unique index promise_policy_version_once on promise_policy"
    " (subject, coalesce(unit_id::text, ''), coalesce(case_kind, ''), version)",
    "alter table canned_reply_version add constraint canned_reply_version_once unique (reply_id, version)",
    # Versions from before need no second look: clocks were opened by them.
    "update promise_policy set applied_at = active_from",
]
BACKWARD = ["drop index promise_policy_version_once", "drop index approval_one_pending"]


class Migration(migrations.Migration):
    dependencies = [("steward", "0007_exchange_and_drafts")]

    operations = [
        ops.CreateModel(
            name="Approval",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("kind", fields.CharField(max_length=32)),
                ("topic", fields.CharField(max_length=120)),
                ("unit_id", fields.UUIDField(null=True)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("reason", fields.CharField(max_length=200)),
                (
                    "state",
                    fields.CharEnumField(
                        default=ApprovalState.PENDING,
                        description="PENDING: pending\nAPPROVED: approved\nREFUSED: refused\nWITHDRAWN: withdrawn\nEXPIRED: expired",
                        enum_type=ApprovalState,
                        max_length=32,
                    ),
                ),
                ("proposed_by_id", fields.UUIDField()),
                ("proposed_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decision_reason", fields.CharField(default="", max_length=200)),
                ("outcome", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "approval",
                "app": "steward",
                "indexes": [Index(fields=["state", "expires_at"])],
                "pk_attr": "id",
                "table_description": "A proposed change. `topic` names what it would change: of one topic only one proposal is pending.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditVerification",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "state",
                    fields.CharEnumField(
                        default=VerificationState.RUNNING,
                        description="RUNNING: running\nDONE: done",
                        enum_type=VerificationState,
                        max_length=32,
                    ),
                ),
                ("requested_by_id", fields.UUIDField(null=True)),
                ("started_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("seals_total", fields.IntField()),
                ("seals_done", fields.IntField(default=0)),
                ("sealed", fields.BigIntField(default=0)),
                ("unsealed", fields.BigIntField(null=True)),
                ("broken_at", fields.IntField(null=True)),
                ("head", fields.BinaryField()),
            ],
            options={
                "table": "audit_verification",
                "app": "steward",
                "indexes": [Index(fields=["started_at"])],
                "pk_attr": "id",
                "table_description": "A verification of the whole chain, some seals at a time; `broken_at` is the first seal that does not hold.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CannedReply",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("unit_id", fields.UUIDField(null=True)),
                ("officer_id", fields.UUIDField(null=True)),
                (
                    "case_kind",
                    fields.CharEnumField(
                        null=True,
                        description="PUBLIC_ORDER: public_order\nCRIMINAL: criminal\nTRAFFIC_ACCIDENT: traffic_accident\nDISPUTE: dispute",
                        enum_type=CaseKind,
                        max_length=32,
                    ),
                ),
                ("title", fields.CharField(max_length=40)),
                ("text", fields.CharField(max_length=500)),
                ("place", fields.SmallIntField(default=100)),
                ("uses", fields.IntField(default=0)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("retired_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "canned_reply",
                "app": "steward",
                "indexes": [Index(fields=["unit_id"]), Index(fields=["officer_id"])],
                "pk_attr": "id",
                "table_description": "A reply to be chosen: an officer's own (`officer_id`), a unit's (`unit_id`), or the whole city's (neither).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CannedReplyVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("reply_id", fields.UUIDField()),
                ("version", fields.IntField()),
                ("title", fields.CharField(max_length=40)),
                ("text", fields.CharField(max_length=500)),
                ("written_by_id", fields.UUIDField(null=True)),
                ("written_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "canned_reply_version",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("reply_id", "version"), name="canned_reply_version_once")],
                "pk_attr": "id",
                "table_description": "What a canned reply said in one version, and who wrote it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EventReason",
            fields=[
                ("event_id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("reason", fields.BinaryField()),
                ("at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "event_reason",
                "app": "steward",
                "pk_attr": "event_id",
                "table_description": "Why an officer revealed something, in their own words: sealed, beside the event that says that they did.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="KeyRotation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "state",
                    fields.CharEnumField(
                        default=RotationState.RUNNING,
                        description="RUNNING: running\nDONE: done",
                        enum_type=RotationState,
                        max_length=32,
                    ),
                ),
                ("encryption_version", fields.SmallIntField()),
                ("index_version", fields.SmallIntField()),
                ("started_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("proposed_by_id", fields.UUIDField(null=True)),
                ("approved_by_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "key_rotation",
                "app": "steward",
                "pk_attr": "id",
                "table_description": "Rewriting every sealed value and blind index to these versions; resumed where it stopped.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="KeyRotationStep",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "rotation",
                    fields.ForeignKeyField(
                        "steward.KeyRotation",
                        source_field="rotation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("place", fields.SmallIntField()),
                ("table_name", fields.CharField(max_length=48)),
                ("total", fields.BigIntField(default=0)),
                ("looked_at", fields.BigIntField(default=0)),
                ("rewritten", fields.BigIntField(default=0)),
                ("after_key", fields.CharField(default="", max_length=64)),
                ("done", fields.BooleanField(default=False)),
            ],
            options={
                "table": "key_rotation_step",
                "app": "steward",
                "indexes": [Index(fields=["rotation_id", "place"])],
                "pk_attr": "id",
                "table_description": "One table of a rotation: how far it has come. `after_key` is the last key that was looked at.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OfficerEnrolment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("officer_id", fields.UUIDField()),
                ("code_hash", fields.BinaryField()),
                ("issued_by_id", fields.UUIDField(null=True)),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failures", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "officer_enrolment",
                "app": "steward",
                "indexes": [Index(fields=["officer_id", "issued_at"])],
                "pk_attr": "id",
                "table_description": "A one-time code with which an officer sets their password and second factor; the newest one counts.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RatingRulesVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("version", fields.IntField(unique=True)),
                ("definition", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("active_from", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("created_by_id", fields.UUIDField(null=True)),
                ("approved_by_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "rating_rules_version",
                "app": "steward",
                "pk_attr": "id",
                "table_description": "A version of the rules by which people are asked, never changed once used; the newest in force counts.",
            },
            bases=["Model"],
        ),
        ops.AlterModelOptions(
            name="PromisePolicy",
            options={
                "table": "promise_policy",
                "app": "steward",
                "indexes": [Index(fields=["subject", "unit_id", "case_kind"])],
                "pk_attr": "id",
                "table_description": "A version of what is promised; the unit's and the kind's own policy wins over the city's.",
            },
        ),
        ops.AddField(
            model_name="PromisePolicy",
            name="applied_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AlterField(
            model_name="Template",
            name="state",
            field=fields.CharEnumField(
                description="DRAFT: draft\nSUBMITTED: submitted\nAPPROVED: approved\nREJECTED: rejected\nACTIVE: active\nRETIRED: retired",
                enum_type=TemplateState,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="Template",
            name="changed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Template",
            name="changed_by_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Template",
            name="reason",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
