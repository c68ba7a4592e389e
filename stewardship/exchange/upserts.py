"""One idempotent upsert for everything that other systems know: applied once, whatever is repeated or comes late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from kit import database
from kit.database import in_transaction
from stewardship.exchange import casework, organisation
from stewardship.exchange.common import Place
from stewardship.exchange.models import MachineClient
from stewardship.exchange.records import KINDS, AnyRecord, Record
from stewardship.exchange.zones import Zone, check_zone
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import BusinessError
from stewardship.foundation.org import service as org
from stewardship.foundation.source import Sourced


class Result(StrEnum):
    """What became of a record."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """This revision is here already."""
    OLDER = "older"
    """A newer revision is here: ignored."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record; of a refused one, why and what to do."""

    kind: str
    source_id: str
    result: Result
    id: UUID | None = None
    code: str = ""
    title: str = ""
    detail: str = ""


Apply = Callable[[Place, Any, Any], Awaitable[Sourced]]
APPLY: dict[str, tuple[type[Sourced], Apply]] = {**organisation.APPLY, **casework.APPLY}


async def place_of(client: MachineClient, actor: Actor, zone: Zone) -> Place:
    """Where a client may write."""
    return Place(actor, client.source_system, client.unit_id, set(await org.units_below([client.unit_id])), zone)


async def upsert_all(place: Place, records: Sequence[AnyRecord]) -> list[Outcome]:
    """Apply the records, each in its own transaction; what a record names may stand behind it in the list.

    Answers the outcomes in the order in which the records were sent.
    """
    order = {kind: number for number, kind in enumerate(KINDS)}
    outcomes: dict[int, Outcome] = {}
    for number in sorted(range(len(records)), key=lambda number: (order[records[number].kind], number)):
        outcomes[number] = await upsert(place, records[number])
    return [outcomes[number] for number in range(len(records))]


async def upsert(place: Place, record: AnyRecord) -> Outcome:
    """Apply one record, or say why not; a refused one leaves nothing behind."""
    try:
        check_zone(place.zone, record)
        async with in_transaction():
            return await _apply(place, record)
    except BusinessError as error:
        return _outcome(record, Result.REFUSED, code=error.code, title=error.title, detail=error.detail)
    except IntegrityError:
        said = {"title": "与已有的记录重复", "detail": "请核对编号、案号是否已被其他记录使用。"}
        return _outcome(record, Result.REFUSED, code="record_collides", **said)


async def _apply(place: Place, record: AnyRecord) -> Outcome:
    model, apply = APPLY[record.kind]
    await database.advisory_lock("exchange", f"{place.system}:{record.kind}:{record.source_id}")
    found = await model.get_or_none(source_system=place.system, source_id=record.source_id)
    if found is not None and found.source_revision is not None and found.source_revision >= record.revision:
        same = found.source_revision == record.revision
        return _outcome(record, Result.UNCHANGED if same else Result.OLDER, id=found.pk)
    changed = await apply(place, record, found)
    return _outcome(record, Result.APPLIED, id=changed.pk)


def _outcome(record: Record, result: Result, **more: Any) -> Outcome:
    return Outcome(str(getattr(record, "kind", "")), record.source_id, result, **more)


def counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many of each result."""
    counts = {result.value: 0 for result in Result}
    for outcome in outcomes:
        counts[outcome.result.value] += 1
    return counts
