"""For the inspector: who looked at a case or a person, what an officer looked at, reads without any relation.

Inspecting is an event of its own, `inspection.read`. It carries neither case nor unit, so that no list by case or unit
contains it: the unit does not see that it is looked into. It is found by who inspected and by its subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kit import database
from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import Party
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit.models import REASON
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import ID_NUMBER, Person
from stewardship.foundation.people.rules import masked_name
from stewardship.reports.rules import Period

PAGE = 200
KIND = "inspection.read"
INSPECTOR = Role.INSPECTOR.value

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Look:
    """One read or reveal by an officer. `relation` is how they stood to the case then; `none`: not at all."""

    id: UUID
    at: datetime
    kind: str
    officer_id: UUID
    officer_name: str | None
    officer_unit_id: UUID | None
    officer_unit_name: str | None
    subject_kind: str
    subject_id: UUID
    case_id: UUID | None
    reference: str | None
    relation: str | None
    device: str | None
    address: str | None
    revealed: str | None
    """Of a reveal: which field was shown."""
    reason: str | None = field(repr=False)
    """Of a reveal: why, in the officer's words."""

    @property
    def cursor(self) -> Cursor:
        return self.at, self.id


_LOOKS = """
select e.id, e.at, e.kind, e.actor_id as officer_id, o.name as officer_name, o.unit_id as officer_unit_id,
  u.name as officer_unit_name, e.subject_kind, e.subject_id, e.case_id, c.reference, e.relation, e.device, e.address,
  e.details ->> 'field' as revealed, r.reason as sealed_reason
from event e left join officer o on o.id = e.actor_id left join case_file c on c.id = e.case_id
left join unit u on u.id = o.unit_id left join event_reason r on r.event_id = e.id
where e.actor_kind = 'officer' and (e.kind like '%.read' or e.kind like '%.revealed') and e.kind <> 'inspection.read'
  and ($1::timestamptz is null or (e.at, e.id) < ($1, $2::uuid))
"""
_NEWEST_FIRST = " order by e.at desc, e.id desc limit $3"
_OF_CASE = f"{_LOOKS} and e.case_id = $4{_NEWEST_FIRST}"
_OF_PERSON = f"{_LOOKS} and (e.case_id = any($4) or e.subject_id = $5 and e.case_id is null){_NEWEST_FIRST}"
_OF_OFFICER = f"{_LOOKS} and e.actor_id = $4 and e.at >= $5 and e.at < $6{_NEWEST_FIRST}"
_UNRELATED = f"{_LOOKS} and e.relation = 'none' and e.unit_id = any($4) and e.at >= $5 and e.at < $6{_NEWEST_FIRST}"


@atomic()
async def who_looked_at(
    actor: Actor, case_id: UUID, *, after: Cursor | None = None, limit: int = 50, proof: bool = False
) -> list[Look]:
    """Who read or revealed anything of a case, newest first. Raises NotFound for a case out of scope.

    `proof`: as every question here, asked for a signed proof, and so without a page's bound.
    """
    case = await Case.get_or_none(id=case_id, unit_id__in=list(actor.units(Role.INSPECTOR)))
    if case is None:
        raise NotFound("case_not_found", "没有找到这个案件", "可能不在您的权限范围内，请核对编号。")
    await _record(actor, "case", case_id, "who_looked_at", proof)
    return await _looks(_OF_CASE, after, limit, case_id, proof=proof)


@atomic()
async def who_looked_at_person(
    actor: Actor, person_id: UUID, *, after: Cursor | None = None, limit: int = 50, proof: bool = False
) -> list[Look]:
    """Who read or revealed anything of the cases of a person, newest first: of the inspector's units only.

    Raises NotFound for a person who is in no case of them.
    """
    found = await cases_of([person_id], actor)
    if not found:
        raise NotFound("person_not_found", "没有找到这个人", "可能不在您的督察范围内。")
    await _record(actor, "person", person_id, "who_looked_at_person", proof)
    case_ids = [each.id for each in found[person_id]]
    return await _looks(_OF_PERSON, after, limit, case_ids, person_id, proof=proof)


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person of cases of the inspector's units, masked, with those cases."""

    id: UUID
    name: str
    cases: tuple[Case, ...]


async def cases_of(person_ids: Sequence[UUID], actor: Actor) -> dict[UUID, list[Case]]:
    """The cases of the inspector's units in which these persons are or were parties, or act for one."""
    rows = await database.fetch(
        "select p.person_id, p.case_id from party p where p.person_id = any($1::uuid[])"
        " union select m.person_id, m.case_id from member m where m.person_id = any($1::uuid[])",
        list(person_ids),
    )
    units = list(actor.units(Role.INSPECTOR))
    cases = {c.id: c for c in await Case.filter(id__in=[row["case_id"] for row in rows], unit_id__in=units)}
    found: dict[UUID, list[Case]] = {}
    for row in rows:
        if row["case_id"] in cases:
            found.setdefault(row["person_id"], []).append(cases[row["case_id"]])
    return found


@atomic()
async def find_persons(
    actor: Actor, *, phone: str | None = None, id_number: str | None = None, reference: str | None = None
) -> list[PersonFound]:
    """Persons by their exact phone or identity number, or those of a case by its reference.

    Searched by the blind index: a part of a number finds nobody. Raises Invalid for what is no phone number.
    """
    ids = await _ids_of(phone, id_number, reference)
    found = await cases_of(ids, actor)
    persons = await Person.filter(id__in=list(found)).order_by("created_at", "id")
    for person in persons:
        await _record(actor, "person", person.id, "find_person", proof=False)
    return [PersonFound(person.id, masked_name(person.name), tuple(found[person.id])) for person in persons]


async def _ids_of(phone: str | None, id_number: str | None, reference: str | None) -> list[UUID]:
    if phone:
        return [contact.person_id for contact in await people.persons_with_phone(phone)]
    if id_number:
        # The last character of an identity number may be an X, and was taken down as somebody typed it.
        ways = {id_number, id_number.upper(), id_number.lower()}
        candidates = [candidate for way in ways for candidate in vault().index.candidates(way, ID_NUMBER)]
        return [person.id for person in await Person.filter(id_number_index__in=candidates)]
    parties = await Party.filter(case__reference=reference)
    return [party.person_id for party in parties]


@atomic()
async def looked_at_by(
    actor: Actor,
    officer_id: UUID,
    period: Period,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    proof: bool = False,
) -> list[Look]:
    """What an officer read or revealed, newest first. Raises NotFound for an officer of a unit out of scope."""
    officer = await Officer.get_or_none(id=officer_id, unit_id__in=list(actor.units(Role.INSPECTOR)))
    if officer is None:
        raise NotFound("officer_not_found", "没有找到这位民警", "可能不在您的权限范围内，请核对警号。")
    await _record(actor, "officer", officer_id, "looked_at_by", proof)
    return await _looks(_OF_OFFICER, after, limit, officer_id, period.start, period.end, proof=proof)


@atomic()
async def without_relation(
    actor: Actor,
    unit_id: UUID,
    period: Period,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    proof: bool = False,
) -> list[Look]:
    """Reads by officers who had nothing to do with the cases of a unit and of those under it, newest first.

    Raises NotFound for a unit out of scope.
    """
    scope = actor.units(Role.INSPECTOR)
    if unit_id not in scope:
        raise NotFound("unit_not_found", "没有找到这个单位", "可能不在您的权限范围内。")
    await _record(actor, "unit", unit_id, "without_relation", proof)
    units = sorted(await org.units_below([unit_id]) & scope)
    return await _looks(_UNRELATED, after, limit, units, period.start, period.end, proof=proof)


async def _record(actor: Actor, subject_kind: str, subject_id: UUID, question: str, proof: bool) -> None:
    details = {"question": question} | ({"proof": True} if proof else {})
    await audit.record_many([audit.Entry(KIND, actor, (subject_kind, subject_id), None, None, INSPECTOR, details)])


async def _looks(sql: str, after: Cursor | None, limit: int, *values: object, proof: bool) -> list[Look]:
    at, id_ = after or (None, None)
    rows = await database.fetch(sql, at, id_, max(limit, 1) if proof else min(max(limit, 1), PAGE), *values)
    return [_look(dict(row)) for row in rows]


def _look(row: dict[str, Any]) -> Look:
    sealed = row.pop("sealed_reason")
    return Look(**row, reason=vault().ring.open_text(sealed, REASON) if sealed else None)
