"""Appointments with their times, hand-overs with their cases, and which questions a digit was asked back for."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from kit.clock import now
from kit.ids import new_id
from orjson import loads
from stewardship.casework.appointments.models import AppointmentState, Purpose
from stewardship.handover.models import HandoverState, ItemState, LeaveKind
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

FORWARD = [
    "alter table appointment_slot add constraint appointment_slot_once unique (appointment_id, number)",
    "alter table handover_item add constraint handover_item_once unique (handover_id, case_id)",
    # Trusted since PostgreSQL 13: the owner of the database may create it.
    "create extension if not exists btree_gist",
    # An officer, a party and a room are at one place at a time.
    "alter table appointment_slot add constraint appointment_officer_free exclude using gist"
    " (officer_id with =, tstzrange(starts_at, ends_at) with &&) where (holds)",
    "alter table appointment_slot add constraint appointment_person_free exclude using gist"
    " (person_id with =, tstzrange(starts_at, ends_at) with &&) where (holds)",
    "alter table appointment_slot add constraint appointment_room_free exclude using gist"
    " (unit_id with =, room with =, tstzrange(starts_at, ends_at) with &&) where (holds and room <> '')",
    # People of one case who are not on the same side never meet at a station: half an hour lies between them.
    "alter table appointment_slot add constraint appointment_camps_apart exclude using gist"
    " (case_id with =, unit_id with =, camp with <>, tstzrange(clear_from, clear_to) with &&) where (holds)",
    # An officer is on one leave at a time.
    "create unique index handover_open on handover (officer_id) where state in ('draft', 'offered', 'in_effect')",
]
BACKWARD = [
    "drop index handover_open",
    *(
        f"alter table appointment_slot drop constraint {name}"
        for name in (
            "appointment_camps_apart",
            "appointment_room_free",
            "appointment_person_free",
            "appointment_officer_free",
            "appointment_slot_once",
        )
    ),
    "alter table handover_item drop constraint handover_item_once",
]


class Migration(migrations.Migration):
    dependencies = [("steward", "0005_roll_ups")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Appointment",
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
                ("member_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("unit_id", fields.UUIDField()),
                ("officer_id", fields.UUIDField()),
                (
                    "purpose",
                    fields.CharEnumField(
                        description="TALK: talk\nPROCEDURE: procedure\nMATERIAL: material\nCOLLECTION: collection\nMEDIATION: mediation\nSIGNATURE: signature",
                        enum_type=Purpose,
                        max_length=32,
                    ),
                ),
                ("minutes", fields.SmallIntField()),
                ("room", fields.CharField(default="", max_length=20)),
                ("bring", fields.CharField(default="", max_length=120)),
                ("fee", fields.CharField(default="", max_length=20)),
                ("contact", fields.CharField(default="", max_length=20)),
                (
                    "state",
                    fields.CharEnumField(
                        description="OFFERED: offered\nBOOKED: booked\nMOVED: moved\nCANCELLED: cancelled\nKEPT: kept\nMISSED: missed",
                        enum_type=AppointmentState,
                        max_length=32,
                    ),
                ),
                ("version", fields.IntField(default=1)),
                ("moves", fields.SmallIntField(default=0)),
                ("starts_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("offered_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("booked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("channel", fields.CharField(default="", max_length=16)),
                ("remind_day_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("remind_soon_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reason", fields.CharField(default="", max_length=120)),
                ("replaces_id", fields.UUIDField(null=True)),
                ("replaced_by_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "appointment",
                "app": "steward",
                "indexes": [
                    Index(fields=["case_id", "offered_at"]),
                    Index(fields=["person_id", "state"]),
                    Index(fields=["officer_id", "starts_at"]),
                    PostgreSQLIndex(fields=["expires_at"], name="appointment_open", condition={"state": "offered"}),
                    PostgreSQLIndex(fields=["starts_at"], name="appointment_booked", condition={"state": "booked"}),
                    PostgreSQLIndex(fields=["remind_day_at"], name="appointment_remind_day"),
                    PostgreSQLIndex(fields=["remind_soon_at"], name="appointment_remind_soon"),
                ],
                "pk_attr": "id",
                "table_description": "A visit to the station: one party, one officer. `starts_at` is empty until a time was picked.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AppointmentSlot",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "appointment",
                    fields.ForeignKeyField(
                        "steward.Appointment",
                        source_field="appointment_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.SmallIntField()),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("clear_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("clear_to", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("officer_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("unit_id", fields.UUIDField()),
                ("case_id", fields.UUIDField()),
                ("room", fields.CharField(default="", max_length=20)),
                ("camp", fields.CharField(max_length=36)),
                ("holds", fields.BooleanField(default=True)),
            ],
            options={
                "table": "appointment_slot",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("appointment_id", "number"), name="appointment_slot_once")],
                "pk_attr": "id",
                "table_description": "A time that was offered. While it `holds`, the database lets nothing come in its way (see the migration).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AskedBack",
            fields=[
                ("person_id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("questions", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("asked_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "asked_back",
                "app": "steward",
                "pk_attr": "person_id",
                "table_description": "A bare digit could answer two questions of ours: which two we named when we asked back, as 11–13 and 21–23.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Handover",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("reference", fields.CharField(unique=True, max_length=20)),
                ("unit_id", fields.UUIDField()),
                ("officer_id", fields.UUIDField()),
                (
                    "kind",
                    fields.CharEnumField(
                        description="ANNUAL: annual\nSICK: sick\nTRAINING: training\nCOURT: court\nOTHER: other",
                        enum_type=LeaveKind,
                        max_length=32,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        default=HandoverState.DRAFT,
                        description="DRAFT: draft\nOFFERED: offered\nIN_EFFECT: in_effect\nRETURNED: returned\nCANCELLED: cancelled",
                        enum_type=HandoverState,
                        max_length=32,
                    ),
                ),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("shift_id", fields.UUIDField(null=True)),
                ("created_at", fields.DatetimeField(default=now, auto_now=False, auto_now_add=False)),
                ("created_by_id", fields.UUIDField(null=True)),
                ("offered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("effective_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "handover",
                "app": "steward",
                "indexes": [
                    Index(fields=["unit_id", "created_at"]),
                    Index(fields=["officer_id", "created_at"]),
                    PostgreSQLIndex(fields=["starts_at"], name="handover_to_begin", condition={"state": "offered"}),
                    PostgreSQLIndex(fields=["ends_at"], name="handover_to_end", condition={"state": "in_effect"}),
                ],
                "pk_attr": "id",
                "table_description": "An officer's leave and what it means for their cases. `ends_at` is when they are due back.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HandoverItem",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "handover",
                    fields.ForeignKeyField(
                        "steward.Handover",
                        source_field="handover_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("case_id", fields.UUIDField()),
                ("to_officer_id", fields.UUIDField(null=True)),
                ("holder_id", fields.UUIDField(null=True)),
                (
                    "state",
                    fields.CharEnumField(
                        default=ItemState.PROPOSED,
                        description="PROPOSED: proposed\nOFFERED: offered\nACCEPTED: accepted\nREFUSED: refused\nRETURNED: returned\nCLOSED: closed\nTRANSFERRED: transferred\nSTAYED: stayed\nCANCELLED: cancelled",
                        enum_type=ItemState,
                        max_length=32,
                    ),
                ),
                ("points", fields.SmallIntField(default=0)),
                ("note", fields.BinaryField(null=True)),
                ("reason", fields.CharField(default="", max_length=120)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "handover_item",
                "app": "steward",
                "constraints": [UniqueConstraint(fields=("handover_id", "case_id"), name="handover_item_once")],
                "indexes": [Index(fields=["to_officer_id", "state"]), Index(fields=["case_id"])],
                "pk_attr": "id",
                "table_description": "One case of a hand-over: who is asked to take it, and who holds it since the leave began.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
