"""Which field of a record may live in which zone: one table.

Where the system is split, the police intranet holds everything and the internet side holds what it needs to reach the
people concerned and to tell them what they may be told. Batches are stripped by this table before they leave, and a
record that says more than its zone may hold is refused on arrival: a mistake on one side is caught on the other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from stewardship.exchange.records import Record
from stewardship.foundation.errors import Invalid


class Zone(StrEnum):
    """Where an installation stands; `single`: one installation has both sides."""

    SINGLE = "single"
    INTRANET = "intranet"
    INTERNET = "internet"


_ALL = frozenset(Zone)
_INSIDE = frozenset({Zone.SINGLE, Zone.INTRANET})

ALWAYS = frozenset({"kind", "source_id", "revision"})
TABLE: dict[tuple[str, str], frozenset[Zone]] = {
    # Public knowledge.
    **{("unit", name): _ALL for name in ("code", "name", "level", "unit_kind", "parent", "valid_from", "valid_to")},
    ("unit", "duty_phone"): _ALL,
    ("unit", "address"): _ALL,
    # Who answers, by name and number; the mobile rings when a promise is about to be missed.
    **{("officer", name): _ALL for name in ("number", "name", "unit", "active", "mobile")},
    # Kind and sensitivities decide what may be told to whom, so the side that tells needs them.
    **{("case", name): _ALL for name in ("unit", "steward", "case_kind", "number", "sensitivities", "reference")},
    # What happened is told in person; outside nobody needs it written down (个人信息保护法 第六条: the least).
    ("case", "brief"): _INSIDE,
    # Who they are and how they are reached.
    **{("party", name): _ALL for name in ("case", "name", "roles", "side", "phone", "person_kind", "minor")},
    ("party", "not_invited_reason"): _INSIDE,
    ("party", "removed"): _ALL,
    # The identity number finds a person again inside; outside the phone does.
    ("party", "id_number"): _INSIDE,
    **{("stage", name): _ALL for name in ("case", "stage", "at")},
}


def allowed(zone: Zone, kind: str, field: str) -> bool:
    """Whether the field may live in the zone. Raises LookupError for a field that the table does not know."""
    return field in ALWAYS or zone in TABLE[kind, field]


def check_zone(zone: Zone, record: Record) -> None:
    """Raises Invalid for a record that says more than may live here."""
    said = record.model_dump(exclude_defaults=True)
    kind = said["kind"]
    beyond = sorted(name for name in said if not allowed(zone, kind, name))
    if beyond:
        raise Invalid("zone_field", "有的内容不允许进入本区", f"请在发送方去掉：{'、'.join(beyond)}。")


def stripped(zone: Zone, record: dict[str, Any]) -> dict[str, Any]:
    """The record as it may leave for the zone."""
    return {name: value for name, value in record.items() if allowed(zone, record["kind"], name)}
