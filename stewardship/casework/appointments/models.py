"""Tables of appointments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref
from stewardship.casework.cases.models import Case


class AppointmentState(StrEnum):
    """From the offer of three times to what came of it. A moved one has a successor."""

    OFFERED = "offered"
    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    KEPT = "kept"
    MISSED = "missed"


class Purpose(StrEnum):
    """What somebody comes for, in words that tell nothing of the case."""

    TALK = "talk"
    PROCEDURE = "procedure"
    MATERIAL = "material"
    COLLECTION = "collection"
    MEDIATION = "mediation"
    SIGNATURE = "signature"


class Appointment(Model):
    """A visit to the station: one party, one officer. `starts_at` is empty until a time was picked."""

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    member_id: UUID = loose_ref()
    person_id: UUID = loose_ref()
    unit_id: UUID = loose_ref()
    officer_id: UUID = loose_ref()
    purpose: Purpose = choice(Purpose)
    minutes = fields.SmallIntField()
    room = fields.CharField(max_length=20, default="")
    bring = fields.CharField(max_length=120, default="")
    fee = fields.CharField(max_length=20, default="")
    contact = fields.CharField(max_length=20, default="")
    state: AppointmentState = choice(AppointmentState)
    version = fields.IntField(default=1)
    moves = fields.SmallIntField(default=0)
    starts_at: datetime | None = instant(null=True)
    ends_at: datetime | None = instant(null=True)
    offered_at: datetime = created()
    expires_at: datetime | None = instant(null=True)
    booked_at: datetime | None = instant(null=True)
    channel = fields.CharField(max_length=16, default="")
    remind_day_at: datetime | None = instant(null=True)
    remind_soon_at: datetime | None = instant(null=True)
    closed_at: datetime | None = instant(null=True)
    reason = fields.CharField(max_length=120, default="")
    replaces_id: UUID | None = loose_ref(null=True)
    replaced_by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "appointment"
        indexes = (
            ("case_id", "offered_at"),
            ("person_id", "state"),
            ("officer_id", "starts_at"),
            PostgreSQLIndex(fields=("expires_at",), name="appointment_open", condition={"state": "offered"}),
            PostgreSQLIndex(fields=("starts_at",), name="appointment_booked", condition={"state": "booked"}),
            PostgreSQLIndex(fields=("remind_day_at",), name="appointment_remind_day"),
            PostgreSQLIndex(fields=("remind_soon_at",), name="appointment_remind_soon"),
        )


class AppointmentSlot(Model):
    """A time that was offered. While it `holds`, the database lets nothing come in its way (see the migration).

    `camp` is the party's side, or the party itself where it is on none; `clear_from` and `clear_to` keep other camps of
    the case away from the building.
    """

    id = key()
    appointment: fields.ForeignKeyRelation[Appointment] = ref("Appointment")
    appointment_id: UUID
    number = fields.SmallIntField()
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    clear_from: datetime = instant()
    clear_to: datetime = instant()
    officer_id: UUID = loose_ref()
    person_id: UUID = loose_ref()
    unit_id: UUID = loose_ref()
    case_id: UUID = loose_ref()
    room = fields.CharField(max_length=20, default="")
    camp = fields.CharField(max_length=36)
    holds = fields.BooleanField(default=True)

    class Meta:
        table = "appointment_slot"
        constraints = (UniqueConstraint(fields=("appointment_id", "number"), name="appointment_slot_once"),)
