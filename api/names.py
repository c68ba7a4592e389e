"""The names beside the ids in a view: a page must not ask again to show a line."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.people.models import Person
from stewardship.foundation.people.rules import masked_name


async def officer_names(ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Officers' names by their ids; what is None or gone is not in it."""
    rows = await Officer.filter(id__in={each for each in ids if each}).values_list("id", "name")
    return dict(rows)


async def unit_names(ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Units' names by their ids."""
    rows = await Unit.filter(id__in={each for each in ids if each}).values_list("id", "name")
    return dict(rows)


async def masked_names(person_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Persons' names, masked, by their ids."""
    return {person.id: masked_name(person.name) for person in await Person.filter(id__in=set(person_ids))}
