"""Units that end and officers who move: what they had open goes to somebody in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.org import administration
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, Unit

NAMED = 5
"""So many case references stand in a refusal; the desk lists the rest."""


@atomic()
async def close_unit(actor: Actor, unit_id: UUID, successor_id: UUID, reason: str) -> tuple[Unit, int]:
    """The unit ends today; its open cases go to the successor's instructor. Answers how many cases moved.

    Raises NotFound out of scope, Invalid for a successor that is closed or the unit itself, Conflict where units are
    below it, or the successor has nobody.
    """
    unit = await administration.unit_in(actor, unit_id, Role.SYSTEM_ADMINISTRATOR)
    successor = await administration.unit_in(actor, successor_id, Role.SYSTEM_ADMINISTRATOR)
    if successor.id == unit.id or successor.valid_to is not None or unit.valid_to is not None:
        raise Invalid("unit_successor", "接续单位不对", "请选择另一个现有的单位；已撤销的单位不能再次撤销。")
    if await Unit.exists(parent_id=unit.id, valid_to=None):
        raise Conflict("unit_has_units", "还有下级单位", "请先撤销或改属它的下级单位。")
    open_cases = await Case.filter(unit_id=unit.id, closed_at=None).order_by("id")
    if open_cases:
        steward = await _backstop(successor)
        for case in open_cases:
            await cases.hand_over(
                actor, case.id, unit_id=successor.id, steward_id=steward.id, deputy_id=None, reason=reason
            )
    unit.valid_to, unit.successor_id = clock.today(), successor.id
    await unit.save(update_fields=["valid_to", "successor_id"])
    await audit.record(
        "unit.closed", actor, ("unit", unit.id), unit_id=unit.id, successor=successor.id, cases=len(open_cases)
    )
    return unit, len(open_cases)


async def _backstop(unit: Unit) -> Officer:
    """Who takes over what a closed unit leaves: the successor's instructor, else one of its stewards."""
    for role in (Role.INSTRUCTOR, Role.STEWARD):
        for officer in await org.officers_with(role, unit.id):
            if officer.unit_id == unit.id:
                return officer
    raise Conflict("successor_empty", "接续单位没有教导员或案管家", "请先为接续单位设置教导员。")


async def open_cases_of(officer_id: UUID) -> list[Case]:
    """The open cases of which the officer is the steward, longest first."""
    return await Case.filter(steward_id=officer_id, closed_at=None).order_by("registered_at", "id")


@atomic()
async def move_officer(
    actor: Actor, officer_id: UUID, unit_id: UUID, *, hand_over_to: UUID | None, reason: str
) -> tuple[Officer, int]:
    """The officer belongs to another unit from now on. Answers how many cases were handed over.

    Raises NotFound out of scope, Conflict with the cases that are still theirs where nobody is named to take them,
    Invalid where that one is no active officer of the cases' unit.
    """
    officer = await administration.officer_in(actor, officer_id, Role.SYSTEM_ADMINISTRATOR)
    await administration.unit_in(actor, unit_id, Role.SYSTEM_ADMINISTRATOR)
    moved = await _leave_cases(actor, officer, hand_over_to, reason)
    before, officer.unit_id = officer.unit_id, unit_id
    await officer.save(update_fields=["unit_id"])
    await audit.record("officer.moved", actor, ("officer", officer.id), unit_id=unit_id, from_unit=before)
    return officer, moved


@atomic()
async def deactivate_officer(actor: Actor, officer_id: UUID, *, hand_over_to: UUID | None = None) -> int:
    """The officer leaves; their sessions are the caller's to end. Answers how many cases were handed over.

    Raises what `administration.set_active` and, of the cases, `move_officer` raise.
    """
    await administration.set_active(actor, officer_id, False)
    return await _leave_cases(actor, await Officer.get(id=officer_id), hand_over_to, "停用")


async def _leave_cases(actor: Actor, officer: Officer, to: UUID | None, reason: str) -> int:
    """What is still theirs is somebody else's, and they are nobody's deputy any more."""
    held = await open_cases_of(officer.id)
    if held and to is None:
        raise Conflict("officer_has_cases", f"还有 {len(held)} 件在办案件", _which(held))
    for case in held:
        await _hand_over(actor, case, to or officer.id, reason)
    for case in await Case.filter(deputy_id=officer.id, closed_at=None):
        await _hand_over(actor, case, case.steward_id or officer.id, reason)
    return len(held)


async def _hand_over(actor: Actor, case: Case, steward_id: UUID, reason: str) -> None:
    await cases.hand_over(actor, case.id, unit_id=case.unit_id, steward_id=steward_id, deputy_id=None, reason=reason)


def _which(held: Sequence[Case]) -> str:
    named = "、".join(case.reference for case in held[:NAMED])
    more = f"等 {len(held)} 件" if len(held) > NAMED else ""
    return f"{named}{more}。请先交接，或指定由本单位哪位民警接手。"
