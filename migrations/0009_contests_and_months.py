"""Contested breaches, frozen months with their restatements, the daily digest, and tables taken out.

The frozen figures repeat the months' rows of the roll-ups, whose keys of several columns no model can express.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops
from kit.clock import now
from kit.ids import new_id
from orjson import loads
from stewardship.dialogue.contests.models import ContestState, Ground
from stewardship.foundation.clocks.policy import Target
from stewardship.reports.exports.models import ExportState, Table
from stewardship.reports.months.models import Reason
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

FORWARD = [
    "alter table contest add constraint contest_once unique (inquiry_id, episode, target)",
    # The roll-ups' rows of a month as they stood, and what was overdue then: that alone is not kept but counted.
    "create table figure_frozen (like figure_rollup, overdue int not null default 0,"
    " primary key (start, unit_id, dimension, value))",
    "create table tally_frozen (like figure_tally,"
    " primary key (start, unit_id, figure, state, score, detail, counted, good))",
    # A decision changes what an inquiry contributes, in the transaction of the decision.
    "create trigger figures_after_update after update on contest referencing new table as changed"
    " for each statement execute function note_figure_change('inquiry', 'inquiry_id')",
]


class Migration(migrations.Migration):
    dependencies = [("steward", "0008_administration")]

    operations = [
        ops.CreateModel(
            name="Contest",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "inquiry",
                    fields.ForeignKeyField(
                        "steward.Inquiry",
                        source_field="inquiry_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("case_id", fields.UUIDField()),
                ("episode", fields.SmallIntField()),
                (
                    "target",
                    fields.CharEnumField(description="FIRST: first\nFULL: full", enum_type=Target, max_length=32),
                ),
                ("missed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("unit_id", fields.UUIDField()),
                ("owner_id", fields.UUIDField(null=True)),
                ("raised_by_id", fields.UUIDField()),
                ("raised_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                (
                    "ground",
                    fields.CharEnumField(
                        description="ANSWERED_OTHERWISE: answered_otherwise\nSYSTEM_DOWN: system_down\nWRONG_ASSIGNMENT: wrong_assignment\nPARTY_UNREACHABLE: party_unreachable\nOTHER: other",
                        enum_type=Ground,
                        max_length=32,
                    ),
                ),
                ("evidence", fields.BinaryField()),
                (
                    "state",
                    fields.CharEnumField(
                        default=ContestState.OPEN,
                        description="OPEN: open\nACCEPTED: accepted\nREJECTED: rejected",
                        enum_type=ContestState,
                        max_length=32,
                    ),
                ),
                ("decider_unit_id", fields.UUIDField()),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("overdue", fields.BooleanField(default=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decision", fields.BinaryField(null=True)),
            ],
            options={
                "table": "contest",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("inquiry_id", "episode", "target"), name="contest_once")],
                "indexes": [
                    Index(fields=["decider_unit_id", "state", "due_at"]),
                    Index(fields=["raised_by_id", "raised_at"]),
                    Index(fields=["owner_id", "raised_at"]),
                    PostgreSQLIndex(fields=["due_at"], name="contest_due", condition={"state": "open"}),
                ],
                "pk_attr": "id",
                "table_description": "One missed promise of one episode of an inquiry, contested once. Never deleted.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DigestRun",
            fields=[
                ("day", fields.DateField(primary_key=True, unique=True, db_index=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("recipients", fields.IntField()),
            ],
            options={
                "table": "digest_run",
                "app": "steward",
                "pk_attr": "day",
                "table_description": "A legal day on which the digest went out.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Export",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("officer_id", fields.UUIDField()),
                ("unit_id", fields.UUIDField()),
                (
                    "what",
                    fields.CharEnumField(
                        description="INQUIRIES: inquiries\nCASES: cases\nCONTESTS: contests\nRESTATEMENTS: restatements",
                        enum_type=Table,
                        max_length=32,
                    ),
                ),
                ("params", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                (
                    "state",
                    fields.CharEnumField(
                        default=ExportState.QUEUED,
                        description="QUEUED: queued\nRUNNING: running\nDONE: done\nFAILED: failed",
                        enum_type=ExportState,
                        max_length=32,
                    ),
                ),
                ("why", fields.CharField(default="", max_length=120)),
                ("rows", fields.IntField(default=0)),
                ("done", fields.IntField(default=0)),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("content", fields.BinaryField(null=True)),
            ],
            options={
                "table": "report_export",
                "app": "steward",
                "indexes": [Index(fields=["officer_id", "created_at"]), Index(fields=["created_at"])],
                "pk_attr": "id",
                "table_description": "A table that an officer takes out; the file is sealed, and removed a day after.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FrozenMonth",
            fields=[
                ("month", fields.DateField(primary_key=True, unique=True, db_index=True)),
                ("frozen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "figure_month",
                "app": "steward",
                "pk_attr": "month",
                "table_description": "A month whose figures were kept as they stood; `month` is its first day.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Restatement",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("month", fields.DateField()),
                ("at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                (
                    "reason",
                    fields.CharEnumField(
                        description="CONTEST_ACCEPTED: contest_accepted\nLATE_CALL: late_call\nANSWERED_LATER: answered_later\nMERGED: merged\nCLOSED: closed\nCHALLENGED: challenged\nMOVED: moved\nENTERED_LATER: entered_later\nOUTCOME_LATER: outcome_later\nCORRECTED: corrected",
                        enum_type=Reason,
                        max_length=32,
                    ),
                ),
                ("figure", fields.CharField(max_length=32)),
                ("subject_id", fields.UUIDField()),
                ("case_id", fields.UUIDField(null=True)),
                ("unit_id", fields.UUIDField()),
                ("before_unit_id", fields.UUIDField(null=True)),
                ("officer_id", fields.UUIDField(null=True)),
                ("before", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("after", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "figure_restatement",
                "app": "steward",
                "indexes": [
                    Index(fields=["month", "unit_id", "at"]),
                    PostgreSQLIndex(fields=["month", "before_unit_id"], name="restatement_before"),
                ],
                "pk_attr": "id",
                "table_description": "Something of a frozen month that was counted anew: what it contributed before, and since.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD, reverse_sql=ops.RunSQL.noop),
    ]
