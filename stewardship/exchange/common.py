"""What applying a record needs to know: who brings it, from which source, below which units, into which zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tortoise.models import Model

from stewardship.exchange.records import Record
from stewardship.exchange.zones import Zone
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.source import Sourced


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client may write, and under whose name."""

    actor: Actor
    system: str
    root_id: UUID
    unit_ids: set[UUID]
    """A unit that is created on the way is written to at once."""
    zone: Zone

    def source(self, record: Record, owned: Iterable[str]) -> dict[str, object]:
        """The columns of `Sourced`."""
        return {
            "source_system": self.system,
            "source_id": record.source_id,
            "source_revision": record.revision,
            "source_fields": sorted(owned),
        }

    async def unit(self, reference: str) -> Unit:
        """A unit that the client may write to. Raises NotFound."""
        own = await Unit.get_or_none(source_system=self.system, source_id=reference)
        unit = own or (await Unit.get_or_none(code=reference) if fits(Unit, "code", reference) else None)
        if unit is None or unit.id not in self.unit_ids:
            raise NotFound("unit_not_found", f"没有找到单位 {reference[:20]}", "请先同步这个单位，或核对接入的范围。")
        return unit

    async def officer(self, reference: str) -> Officer:
        """An active officer of those units. Raises NotFound."""
        own = await Officer.get_or_none(source_system=self.system, source_id=reference)
        officer = own or (await Officer.get_or_none(number=reference) if fits(Officer, "number", reference) else None)
        if officer is None or officer.unit_id not in self.unit_ids:
            raise NotFound("officer_not_found", f"没有找到民警 {reference[:20]}", "请先同步这位民警，或核对警号。")
        return officer


def fits(model: type[Model], column: str, value: str) -> bool:
    """Whether the column could hold the value at all: other systems' keys are longer than ours."""
    longest: int = model._meta.fields_map[column].max_length  # type: ignore[attr-defined]  # Of every CharField.
    return len(value) <= longest


async def mark(place: Place, row: Sourced, record: Record, owned: Iterable[str]) -> None:
    """The row is the source's from now on, in these fields."""
    columns = place.source(record, owned)
    for name, value in columns.items():
        setattr(row, name, value)
    await row.save(update_fields=list(columns))


def mine_or_free(row: Sourced | None) -> bool:
    """Whether a row that was found by another key may be taken over: no source has it."""
    return row is not None and row.source_system is None
