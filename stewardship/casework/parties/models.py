"""Tables of parties."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref
from stewardship.casework.cases.models import Case
from stewardship.foundation.people.models import Person
from stewardship.foundation.source import Sourced


class PartyRole(StrEnum):
    """What a person is in a case; a person may be several (互殴: victim and suspect)."""

    VICTIM = "victim"
    REPORTER = "reporter"
    SUSPECT = "suspect"
    SUSPECT_FAMILY = "suspect_family"
    FAMILY = "family"
    WITNESS = "witness"
    GUARDIAN = "guardian"
    LAWYER = "lawyer"
    DISPUTANT = "disputant"
    DRIVER = "driver"


class Side(StrEnum):
    """Whose side a party is on; it only addresses updates."""

    A = "a"
    B = "b"
    NONE = "none"


class Party(Sourced):
    """A person in a case, with a set of roles and a side."""

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    person: fields.ForeignKeyRelation[Person] = ref("Person")
    person_id: UUID
    roles: list[str] = ArrayField("text")
    side: Side = choice(Side)
    added_at: datetime = created()
    removed_at: datetime | None = instant(null=True)
    removed_reason = fields.CharField(max_length=120, default="")

    class Meta:
        table = "party"
        constraints = (
            UniqueConstraint(fields=("case_id", "person_id"), name="party_once"),
            UniqueConstraint(fields=("source_system", "source_id"), name="party_source"),
        )
        indexes = (("person_id",), ("added_at",))


class Proxy(Model):
    """A person who acts for a party: guardian, relative or lawyer, by a mandate, for a time."""

    id = key()
    party: fields.ForeignKeyRelation[Party] = ref("Party")
    party_id: UUID
    person: fields.ForeignKeyRelation[Person] = ref("Person")
    person_id: UUID
    kind: PartyRole = choice(PartyRole)
    mandate_file_id: UUID | None = loose_ref(null=True)
    approved_by_id: UUID = loose_ref()
    valid_from: datetime = created()
    valid_to: datetime | None = instant(null=True)

    class Meta:
        table = "proxy"
        indexes = (("party_id",), ("person_id",))
