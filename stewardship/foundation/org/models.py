"""Tables of the organisation."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, ref, sealed
from stewardship.foundation.source import Sourced

MOBILE = "officer.mobile"
TOTP = "officer.totp"


class Level(StrEnum):
    """The three levels of a city bureau (市局, 分局或警种支队, 所队)."""

    BUREAU = "bureau"
    SUB_BUREAU = "sub_bureau"
    TEAM = "team"


class UnitKind(StrEnum):
    """What a unit does."""

    BUREAU = "bureau"
    SUB_BUREAU = "sub_bureau"
    POLICE_STATION = "police_station"
    TRAFFIC = "traffic"
    CRIMINAL = "criminal"
    OPINION_CENTRE = "opinion_centre"


class Role(StrEnum):
    """What an officer may do, within the units of the grant's scope."""

    STEWARD = "steward"
    INSTRUCTOR = "instructor"
    CENTRE_OFFICER = "centre_officer"
    INSPECTOR = "inspector"
    SYSTEM_ADMINISTRATOR = "system_administrator"
    SECURITY_ADMINISTRATOR = "security_administrator"
    AUDIT_ADMINISTRATOR = "audit_administrator"


class ShiftKind(StrEnum):
    """An entry of a duty roster: being there, or not."""

    DUTY = "duty"
    DEPUTY = "deputy"
    REST = "rest"
    LEAVE = "leave"
    ABSENT = "absent"
    CALL_OUT = "call_out"


class DutyCalendarVersion(Model):
    """One version of a duty calendar; clocks keep the version they were computed with."""

    id = key()
    code = fields.CharField(max_length=32)
    version = fields.IntField()
    definition: dict[str, Any] = fields.JSONField()
    created_at: datetime = created()
    created_by_id: UUID | None = fields.UUIDField(null=True)

    class Meta:
        table = "duty_calendar_version"
        constraints = (UniqueConstraint(fields=("code", "version"), name="duty_calendar_version_once"),)


class HolidayOverride(Model):
    """A day whose kind an administrator knows better than the holiday library, or before it."""

    day: date = fields.DateField(primary_key=True, generated=False)
    workday = fields.BooleanField()
    reason = fields.CharField(max_length=64)
    set_by_id: UUID | None = fields.UUIDField(null=True)
    set_at: datetime = created()

    class Meta:
        table = "holiday_override"


class Unit(Sourced):
    """A unit of the bureau, valid from a day to a day; its successor takes over what is open."""

    id = key()
    code = fields.CharField(max_length=16, unique=True)
    name = fields.CharField(max_length=40)
    level: Level = choice(Level)
    kind: UnitKind = choice(UnitKind)
    parent: fields.ForeignKeyNullableRelation[Unit] = ref("Unit", null=True)
    parent_id: UUID | None
    valid_from: date = fields.DateField()
    valid_to: date | None = fields.DateField(null=True)
    successor: fields.ForeignKeyNullableRelation[Unit] = ref("Unit", null=True)
    successor_id: UUID | None
    duty_phone = fields.CharField(max_length=20, default="")
    address = fields.CharField(max_length=128, default="")
    calendar_code = fields.CharField(max_length=32, default="office")

    class Meta:
        table = "unit"
        constraints = (UniqueConstraint(fields=("source_system", "source_id"), name="unit_source"),)
        indexes = (("parent_id",),)


class Officer(Sourced):
    """A police officer, with the secrets of their desk login."""

    id = key()
    number = fields.CharField(max_length=16, unique=True)
    name = fields.CharField(max_length=32)
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    active = fields.BooleanField(default=True)
    mobile: bytes | None = sealed(purpose=MOBILE, null=True)
    password_hash = fields.CharField(max_length=255, null=True)
    totp_secret: bytes | None = sealed(purpose=TOTP, null=True)
    totp_confirmed = fields.BooleanField(default=False)
    totp_last_step = fields.BigIntField(default=0)
    failed_logins = fields.IntField(default=0)
    locked_until: datetime | None = instant(null=True)
    created_at: datetime = created()

    class Meta:
        table = "officer"
        constraints = (UniqueConstraint(fields=("source_system", "source_id"), name="officer_source"),)
        indexes = (("unit_id",),)


class RoleGrant(Model):
    """A role over a unit and everything below it, from an instant to an instant."""

    id = key()
    officer: fields.ForeignKeyRelation[Officer] = ref("Officer")
    officer_id: UUID
    role: Role = choice(Role)
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    valid_from: datetime = created()
    valid_to: datetime | None = instant(null=True)
    granted_by_id: UUID | None = fields.UUIDField(null=True)

    class Meta:
        table = "role_grant"
        indexes = (("officer_id",), ("unit_id", "role"))


class Shift(Model):
    """An officer's entry in a unit's duty roster."""

    id = key()
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    officer: fields.ForeignKeyRelation[Officer] = ref("Officer")
    officer_id: UUID
    kind: ShiftKind = choice(ShiftKind)
    starts_at: datetime = instant()
    ends_at: datetime = instant()

    class Meta:
        table = "shift"
        indexes = (("officer_id", "ends_at"), ("unit_id", "ends_at"))
