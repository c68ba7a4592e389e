"""What every notice to a person concerned carries: the unit, the case's reference, the check word, the desk's phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from kit import database

LOAD = """
select m.id as member_id, m.person_id, u.id as unit_id, u.name, u.duty_phone, c.id as case_id, c.reference,
       coalesce(i.check_word, '') as check_word
from member m join case_file c on c.id = m.case_id join unit u on u.id = c.unit_id
left join lateral (select check_word from invitation where member_id = m.id order by created_at desc limit 1) i on true
where m.id = any($1::uuid[])
"""


class Heading(TypedDict):
    """The common facts of `delivery.contexts.CitizenContext`."""

    unit: str
    reference: str
    check_word: str
    desk_phone: str


class Addressing(TypedDict):
    """To whom a notice goes: the common arguments of `delivery.outbox.Outgoing`."""

    recipient_id: UUID
    member_id: UUID
    case_id: UUID
    unit_id: UUID


async def letterheads(member_ids: Sequence[UUID]) -> dict[UUID, tuple[Heading, Addressing]]:
    """Heading and address of each member's notice."""
    found: dict[UUID, tuple[Heading, Addressing]] = {}
    for row in await database.fetch(LOAD, list(member_ids)):
        heading = Heading(
            unit=row["name"], reference=row["reference"], check_word=row["check_word"], desk_phone=row["duty_phone"]
        )
        address = Addressing(
            recipient_id=row["person_id"],
            member_id=row["member_id"],
            case_id=row["case_id"],
            unit_id=row["unit_id"],
        )
        found[row["member_id"]] = (heading, address)
    return found


async def letterhead(member_id: UUID) -> tuple[Heading, Addressing]:
    """Heading and address of one member's notice."""
    return (await letterheads([member_id]))[member_id]
