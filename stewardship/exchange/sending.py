"""Writing signed batches for another zone: what has changed since the last one, and of it what may live there."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases.models import BRIEF, Case, CaseStage
from stewardship.casework.parties.models import Party
from stewardship.exchange import envelope
from stewardship.exchange.envelope import FORMAT, Head
from stewardship.exchange.models import SentBatch, SentRecord
from stewardship.exchange.zones import Zone, stripped
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import MOBILE, Officer, Unit
from stewardship.foundation.people.models import ID_NUMBER, Contact, Person
from stewardship.foundation.people.rules import usable

PAGE = 500


@dataclass(frozen=True, slots=True)
class Written:
    """A batch that is on its way; None where nothing has changed."""

    sequence: int
    records: int
    data: bytes


@atomic()
async def write_batch(client_id: UUID, root: Unit, zone: Zone, private_key: bytes) -> Written | None:
    """What the other zone does not know yet of a unit and all below it, as the next batch.

    `client_id`: as whom the other side has registered us. The caller writes the file before the transaction commits.
    """
    await database.advisory_lock("exchange", f"sending:{zone.value}")
    changed = [record async for page in _pages(root) async for record in _changed(zone, page)]
    if not changed:
        return None
    last = await SentBatch.filter(zone=zone.value).order_by("-sequence").first()
    head = Head(
        format=FORMAT,
        client=client_id,
        sequence=(last.sequence if last else 0) + 1,
        count=len(changed),
        written_at=clock.now(),
    )
    data, digest = envelope.sealed(private_key, head, changed)
    await SentBatch.create(zone=zone.value, sequence=head.sequence, digest=digest, records=len(changed))
    await audit.record(
        "batch.written", SYSTEM, ("unit", root.id), unit_id=root.id, sequence=head.sequence, records=len(changed)
    )
    return Written(head.sequence, len(changed), data)


async def _changed(zone: Zone, page: list[tuple[UUID, dict[str, Any]]]) -> AsyncIterator[dict[str, Any]]:
    """Those of the records whose content differs from what was sent last, with their next revision."""
    kind = page[0][1]["kind"] if page else ""
    known = {
        row.record_id: row
        for row in await SentRecord.filter(zone=zone.value, kind=kind, record_id__in=[each for each, _ in page])
    }
    for record_id, record in page:
        content = stripped(zone, record)
        digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
        row = known.get(record_id)
        if row is None:
            row = SentRecord(zone=zone.value, kind=kind, record_id=record_id, digest=digest, revision=0)
        elif row.digest == digest:
            continue
        row.digest, row.revision, row.sent_at = digest, row.revision + 1, clock.now()
        await row.save()
        yield {**content, "source_id": str(record_id), "revision": row.revision}


async def _pages(root: Unit) -> AsyncIterator[list[tuple[UUID, dict[str, Any]]]]:
    """Every record below the unit, in the order in which they can be applied."""
    unit_ids = list(await org.units_below([root.id]))
    yield await _units(root, unit_ids)
    for table in (_officers, _cases, _parties, _stages):
        last: UUID | None = None
        while page := await table(unit_ids, last):
            yield page
            last = page[-1][0]


async def _units(root: Unit, unit_ids: list[UUID]) -> list[tuple[UUID, dict[str, Any]]]:
    """Without the root, which the other side has registered us below. Those above stand before those below."""
    rows = {unit.id: unit for unit in await Unit.filter(id__in=unit_ids)}

    def depth(unit: Unit) -> int:
        return 0 if unit.parent_id not in rows else 1 + depth(rows[unit.parent_id])

    return [
        (
            unit.id,
            {
                "kind": "unit",
                "code": unit.code,
                "name": unit.name,
                "level": unit.level,
                "unit_kind": unit.kind,
                "parent": rows[unit.parent_id].code if unit.parent_id in rows else root.code,
                "valid_from": unit.valid_from.isoformat(),
                "valid_to": unit.valid_to.isoformat() if unit.valid_to else None,
                "duty_phone": unit.duty_phone,
                "address": unit.address,
            },
        )
        for unit in sorted(rows.values(), key=lambda each: (depth(each), each.code))
        if unit.id != root.id
    ]


def _after(query: Any, last: UUID | None) -> Any:
    return (query.filter(id__gt=last) if last else query).order_by("id").limit(PAGE)


async def _officers(unit_ids: list[UUID], last: UUID | None) -> list[tuple[UUID, dict[str, Any]]]:
    codes = await _codes(unit_ids)
    return [
        (
            row.id,
            {
                "kind": "officer",
                "number": row.number,
                "name": row.name,
                "unit": codes[row.unit_id],
                "active": row.active,
                "mobile": vault().ring.open_text(row.mobile, MOBILE) if row.mobile else None,
            },
        )
        for row in await _after(Officer.filter(unit_id__in=unit_ids), last)
    ]


async def _codes(unit_ids: list[UUID]) -> dict[UUID, str]:
    return {unit.id: unit.code for unit in await Unit.filter(id__in=unit_ids)}


async def _cases(unit_ids: list[UUID], last: UUID | None) -> list[tuple[UUID, dict[str, Any]]]:
    codes = await _codes(unit_ids)
    rows = await _after(Case.filter(unit_id__in=unit_ids, steward_id__isnull=False), last)
    numbers = {each.id: each.number for each in await Officer.filter(id__in=[row.steward_id for row in rows])}
    return [
        (
            row.id,
            {
                "kind": "case",
                "unit": codes[row.unit_id],
                "steward": numbers[row.steward_id],
                "case_kind": row.kind,
                "number": row.number,
                "sensitivities": sorted(row.sensitivities) if row.sensitivity_known else None,
                "brief": vault().ring.open_text(row.brief, BRIEF) if row.brief else None,
            },
        )
        for row in rows
    ]


async def _parties(unit_ids: list[UUID], last: UUID | None) -> list[tuple[UUID, dict[str, Any]]]:
    rows = await _after(Party.filter(case__unit_id__in=unit_ids), last)
    persons = {each.id: each for each in await Person.filter(id__in=[row.person_id for row in rows])}
    phones = await _phones(list(persons))
    return [(row.id, _party(row, persons[row.person_id], phones.get(row.person_id))) for row in rows]


async def _phones(person_ids: list[UUID]) -> dict[UUID, str]:
    """Of each person the number that is believed most and was preferred last."""
    rows = await Contact.filter(person_id__in=person_ids).order_by("preferred", "created_at")
    return {row.person_id: row.value for row in rows if usable(row.trust)}


def _party(party: Party, person: Person, phone: str | None) -> dict[str, Any]:
    id_number = person.id_number_sealed
    return {
        "kind": "party",
        "case": str(party.case_id),
        "name": person.name,
        "roles": sorted(party.roles),
        "side": party.side,
        # A protected person is reached by the safe way only, which never leaves with a batch.
        "phone": None if person.protected else phone,
        "id_number": vault().ring.open_text(id_number, ID_NUMBER) if id_number else None,
        "person_kind": person.kind,
        "minor": person.minor,
        "removed": party.removed_at is not None,
    }


async def _stages(unit_ids: list[UUID], last: UUID | None) -> list[tuple[UUID, dict[str, Any]]]:
    rows = await _after(CaseStage.filter(case__unit_id__in=unit_ids), last)
    return [
        (row.id, {"kind": "stage", "case": str(row.case_id), "stage": row.stage, "at": row.at.isoformat()})
        for row in rows
    ]
