"""Tables of cases."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.migrations.constraints import UniqueConstraint

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.source import Sourced

BRIEF = "case.brief"


class CaseKind(StrEnum):
    """The four kinds; the kind decides stages, clocks and what may be told."""

    PUBLIC_ORDER = "public_order"
    CRIMINAL = "criminal"
    TRAFFIC_ACCIDENT = "traffic_accident"
    DISPUTE = "dispute"


class Sensitivity(StrEnum):
    """What makes a case more delicate than its kind; several may hold."""

    MINOR = "minor"
    DOMESTIC_VIOLENCE = "domestic_violence"
    SEXUAL = "sexual"
    SUICIDE = "suicide"
    DEATH = "death"
    THREATENED_WITNESS = "threatened_witness"


class Case(Sourced):
    """A matter at a station, from 接报案 on; its number comes later, its reference never changes."""

    id = key()
    reference = fields.CharField(max_length=20, unique=True)
    number = fields.CharField(max_length=40, null=True, unique=True)
    kind: CaseKind | None = choice(CaseKind, null=True)
    stage = fields.CharField(max_length=32)
    sensitivities: list[str] = ArrayField("text", default=list)
    sensitivity_known = fields.BooleanField(default=False)
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    steward: fields.ForeignKeyNullableRelation[Officer] = ref("Officer", null=True)
    steward_id: UUID | None
    deputy_id: UUID | None = loose_ref(null=True)
    brief: bytes | None = sealed(purpose=BRIEF, null=True)
    episode = fields.SmallIntField(default=1)
    registered_at: datetime = created()
    stage_since: datetime = created()
    closed_at: datetime | None = instant(null=True)
    awaited = fields.CharField(max_length=120, default="")
    next_contact_on: date | None = fields.DateField(null=True)
    last_update_at: datetime | None = instant(null=True)
    silent_from: datetime | None = instant(null=True)
    silence_level = fields.SmallIntField(default=0)

    class Meta:
        table = "case_file"
        constraints = (UniqueConstraint(fields=("source_system", "source_id"), name="case_source"),)
        indexes = (
            ("unit_id", "closed_at"),
            ("steward_id", "closed_at"),
            PostgreSQLIndex(fields=("silent_from",), name="case_silence_due"),
        )


class CaseStage(Sourced):
    """A stage that the case reached, with who said so."""

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    stage = fields.CharField(max_length=32)
    at: datetime = instant()
    by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "case_stage"
        constraints = (UniqueConstraint(fields=("source_system", "source_id"), name="case_stage_source"),)
        indexes = (("case_id", "at"),)
