"""Names beside ids: what a screen shows of units and officers."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from stewardship.foundation.org.models import Officer, Unit


async def unit_names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The name of each of these units; nothing for what is none."""
    rows = await Unit.filter(id__in=sorted({i for i in ids if i})).values_list("id", "name")
    return {UUID(str(id_)): str(name) for id_, name in rows}


async def officer_names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The name of each of these officers; nothing for what is none."""
    rows = await Officer.filter(id__in=sorted({i for i in ids if i})).values_list("id", "name")
    return {UUID(str(id_)): str(name) for id_, name in rows}
