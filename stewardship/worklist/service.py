"""One queue of everything that waits for an officer: questions, people to let in, calls that are owed, silent cases,
updates to release.

Each kind is found by its own feature's scope; here they are put into one order and given what a line shows. The time
left is in duty time, reckoned with the unit's calendar, wherever the promise is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from kit import clock
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import Party, PartyRole
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks import policies
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.people.models import Person
from stewardship.foundation.people.rules import masked_name
from stewardship.worklist.sources import Found, TaskKind, approvals, calls, drafted, questions, silences

NEVER = datetime.max.replace(tzinfo=UTC)
"""Sorts what has no due time behind everything that has one."""

Place = tuple[datetime, UUID]


class Relation(StrEnum):
    """Why a task is in the officer's queue."""

    MINE = "mine"
    PASSED_ON = "passed_on"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Task:
    """A line of the queue. `left` is in seconds, of duty time where there is a promise; negative once it is missed."""

    found: Found
    relation: Relation
    unit_name: str
    owner_name: str | None
    party_name: str | None
    party_roles: tuple[PartyRole, ...]
    left: int | None
    running: bool

    @property
    def place(self) -> Place:
        return place_of(self.found)


def place_of(found: Found) -> Place:
    """Where a task stands in the queue."""
    return found.due_at or NEVER, found.id


async def queue(actor: Actor, *, limit: int, after: Place | None = None, own_only: bool = False) -> list[Task]:
    """What waits, the most urgent first; `own_only` leaves out what waits for others of the officer's units."""
    everything = [
        await source(actor, limit=limit, after=after, own_only=own_only)
        for source in (questions, approvals, calls, silences, drafted)
    ]
    rows = sorted((row for rows in everything for row in rows), key=place_of)[:limit]
    return await _dressed(actor, rows)


async def _dressed(actor: Actor, rows: list[Found]) -> list[Task]:
    now = clock.now()
    units = {unit.id: unit.name for unit in await Unit.filter(id__in={row.unit_id for row in rows})}
    officers = {o.id: o.name for o in await Officer.filter(id__in={row.owner_id for row in rows if row.owner_id})}
    persons = {p.id: p for p in await Person.filter(id__in={row.person_id for row in rows if row.person_id})}
    roles = await _roles(row.member_id for row in rows if row.member_id)
    calendars = await policies.calendars_of({row.unit_id for row in rows if row.kind is TaskKind.INQUIRY})
    tasks = []
    for row in rows:
        calendar = calendars.get(row.unit_id) if row.kind is TaskKind.INQUIRY else None
        person = persons.get(row.person_id) if row.person_id else None
        tasks.append(
            Task(
                row,
                relation_of(actor, row),
                units[row.unit_id],
                officers.get(row.owner_id) if row.owner_id else None,
                masked_name(person.name) if person else None,
                roles.get(row.member_id, ()) if row.member_id else (),
                policies.seconds_left(row.due_at, now, calendar),
                calendar is None or calendar.is_on_duty(now),
            )
        )
    return tasks


def relation_of(actor: Actor, row: Found) -> Relation:
    """Whether it is the officer's own, was passed on to them by somebody else's absence, or is their unit's."""
    on_the_case = actor.id in (row.steward_id, row.deputy_id)
    if row.owner_id == actor.id:
        return Relation.MINE if on_the_case or row.kind is TaskKind.VISIT else Relation.PASSED_ON
    return Relation.MINE if row.owner_id is None and on_the_case else Relation.UNIT


async def _roles(member_ids: Iterable[UUID]) -> dict[UUID, tuple[PartyRole, ...]]:
    members = {member.id: member.party_id for member in await Member.filter(id__in=set(member_ids))}
    parties = {party.id: party for party in await Party.filter(id__in=set(members.values()))}
    return {id_: tuple(PartyRole(role) for role in parties[party_id].roles) for id_, party_id in members.items()}
