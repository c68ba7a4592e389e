"""The records that other systems send, whichever way: by a signed request or in a signed batch."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from stewardship.casework.cases.models import CaseKind, Sensitivity
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.org.models import Level, UnitKind
from stewardship.foundation.people.models import PersonKind

_LINE = r"^[^\x00-\x1f\x7f]*$"


def _words(longest: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=longest, pattern=_LINE, strip_whitespace=True)


SourceId = Annotated[
    str, _words(64), Field(examples=["AJ-2026-000123"], description="The record's own id in its source.")
]
Reference = Annotated[str, _words(64)]
"""Of another record: its source id, or, where it is not from the same source, what it is known by here."""
UnitRef = Annotated[Reference, Field(examples=["340100A1"], description="The unit's source id, or its code.")]
OfficerRef = Annotated[Reference, Field(examples=["012345"], description="The officer's source id, or their number.")]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{7,20}$"), Field(examples=["13800000000"])]


class Record(BaseModel):
    """What every record says. `revision` grows with every change in the source."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True)

    source_id: SourceId
    revision: int = Field(ge=1, le=2**62, examples=[7], description="Grows with every change in the source.")


class UnitRecord(Record):
    """A unit of the organisation."""

    kind: Literal["unit"] = Field(examples=["unit"])
    code: Annotated[str, _words(16)] = Field(examples=["340100A1"])
    name: Annotated[str, _words(40)] = Field(examples=["莲花派出所"])
    level: Level = Field(examples=["team"])
    unit_kind: UnitKind = Field(examples=["police_station"])
    parent: UnitRef
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(default=None, examples=[None])
    duty_phone: Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{0,17}$")] | None = Field(
        default=None, examples=["0551-60000000"]
    )
    address: Annotated[str, StringConstraints(max_length=128, pattern=_LINE)] | None = Field(
        default=None, examples=["莲花路 1 号"]
    )


class OfficerRecord(Record):
    """An officer. Roles are never taken from elsewhere: a security administrator grants them here."""

    kind: Literal["officer"] = Field(examples=["officer"])
    number: Annotated[str, _words(16)] = Field(examples=["012345"])
    name: Annotated[str, _words(32)] = Field(examples=["王敏"])
    unit: UnitRef
    active: bool = Field(default=True, examples=[True])
    mobile: Phone | None = None


class CaseRecord(Record):
    """A case. One that a steward registered before is found by its number or by `reference`."""

    kind: Literal["case"] = Field(examples=["case"])
    unit: UnitRef
    steward: OfficerRef
    case_kind: CaseKind | None = Field(default=None, examples=["criminal"])
    number: Annotated[str, _words(40)] | None = Field(default=None, examples=["皖公（莲）受案字〔2026〕123号"])
    sensitivities: frozenset[Sensitivity] | None = Field(default=None, examples=[["minor"]])
    brief: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, examples=["邻里噪音引发推搡"]
    )
    reference: Annotated[str, StringConstraints(pattern=r"^A[0-9]{14}$")] | None = Field(
        default=None, examples=["A26030212345678"], description="Of a case that was registered here first."
    )


class PartyRecord(Record):
    """A person in a case; `removed` takes them out."""

    kind: Literal["party"] = Field(examples=["party"])
    case: SourceId
    name: Annotated[str, _words(64)] = Field(examples=["张三"])
    roles: frozenset[PartyRole] = Field(min_length=1, examples=[["victim"]])
    side: Side = Field(default=Side.NONE, examples=["a"])
    phone: Phone | None = None
    id_number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{5,24}$")] | None = Field(
        default=None, examples=["340100199001010000"]
    )
    person_kind: PersonKind = Field(default=PersonKind.NATURAL, examples=["natural"])
    minor: bool = Field(default=False, examples=[False])
    not_invited_reason: Annotated[str, _words(120)] | None = Field(default=None, examples=[None])
    removed: bool = Field(default=False, examples=[False])


class StageRecord(Record):
    """A stage that a case entered; the parties are told by a person, from a draft."""

    kind: Literal["stage"] = Field(examples=["stage"])
    case: SourceId
    stage: Annotated[str, StringConstraints(pattern=r"^[a-z_]{2,32}$")] = Field(examples=["filed"])
    at: AwareDatetime = Field(examples=["2026-03-02T02:00:00Z"])


AnyRecord = Annotated[UnitRecord | OfficerRecord | CaseRecord | PartyRecord | StageRecord, Field(discriminator="kind")]
RECORD: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)
KINDS: dict[str, type[Record]] = {
    "unit": UnitRecord,
    "officer": OfficerRecord,
    "case": CaseRecord,
    "party": PartyRecord,
    "stage": StageRecord,
}
"""In the order in which they can be applied: what a record names stands before it."""
