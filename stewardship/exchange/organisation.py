"""Units and officers from another system."""

from __future__ import annotations

from typing import Any

from kit.crypto import vault
from stewardship.exchange.common import Place, mark, mine_or_free
from stewardship.exchange.records import OfficerRecord, UnitRecord
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import MOBILE, Officer, Unit
from stewardship.foundation.people import sessions
from stewardship.foundation.source import Sourced

UNIT_FIELDS = ("code", "name", "parent", "valid_to", "duty_phone", "address")
OFFICER_FIELDS = ("number", "name", "unit", "active", "mobile")


def taken(what: str) -> Conflict:
    """Another source, or a unit out of reach, has it."""
    return Conflict("record_of_another_source", f"{what}已由其他来源维护", "请核对编号，或先停用原来的接入。")


async def apply_unit(place: Place, record: UnitRecord, unit: Unit | None) -> Unit:
    """Create, adopt (by code) or change a unit. Raises NotFound for a parent out of reach."""
    parent = await place.unit(record.parent)
    unit = unit or await _adopted_unit(place, record)
    if unit is None:
        unit = await org.create_unit(
            place.actor,
            code=record.code,
            name=record.name,
            level=record.level,
            kind=record.unit_kind,
            parent=parent,
            valid_from=record.valid_from,
            duty_phone=record.duty_phone or "",
        )
        place.unit_ids.add(unit.id)
    elif unit.id not in place.unit_ids:
        raise NotFound("unit_not_found", "单位不在接入的范围内", "请核对接入的范围。")
    if unit.id in {parent.id, place.root_id}:
        raise Conflict("unit_above_itself", "上级单位不对", "接入的最上级单位请在本系统中维护。")
    unit.code, unit.name, unit.parent_id, unit.valid_to = record.code, record.name, parent.id, record.valid_to
    unit.duty_phone = unit.duty_phone if record.duty_phone is None else record.duty_phone
    unit.address = unit.address if record.address is None else record.address
    await unit.save()
    if unit.id in await _above(parent):
        raise Conflict("unit_above_itself", "上级单位不对", "一个单位不能是自己的下级。")
    await mark(place, unit, record, _sent(record, UNIT_FIELDS))
    await audit.record("unit.synchronised", place.actor, ("unit", unit.id), unit_id=unit.id)
    return unit


async def _above(unit: Unit) -> set[Any]:
    """The units above this one, it excluded; ends also where the line would run in a circle."""
    seen: set[Any] = set()
    parent_id = unit.parent_id
    while parent_id is not None and parent_id not in seen:
        seen.add(parent_id)
        parent_id = (await Unit.get(id=parent_id)).parent_id
    return seen


async def _adopted_unit(place: Place, record: UnitRecord) -> Unit | None:
    unit = await Unit.get_or_none(code=record.code)
    if unit is not None and not mine_or_free(unit):
        raise taken("单位")
    return unit


async def apply_officer(place: Place, record: OfficerRecord, officer: Officer | None) -> Officer:
    """Create, adopt (by number) or change an officer; one who left can no longer log in."""
    unit = await place.unit(record.unit)
    officer = officer or await _adopted_officer(record)
    if officer is None:
        officer = await org.create_officer(
            place.actor, number=record.number, name=record.name, unit_id=unit.id, mobile=record.mobile
        )
    elif officer.unit_id not in place.unit_ids:
        raise NotFound("officer_not_found", "民警不在接入的范围内", "请核对接入的范围。")
    left = officer.active and not record.active
    officer.number, officer.name, officer.unit_id, officer.active = record.number, record.name, unit.id, record.active
    if record.mobile:
        officer.mobile = vault().ring.seal_text(record.mobile, MOBILE)
    await officer.save()
    await mark(place, officer, record, _sent(record, OFFICER_FIELDS))
    if left:
        await sessions.revoke_sessions(place.actor, reason="officer_left", officer_id=officer.id)
    await audit.record("officer.synchronised", place.actor, ("officer", officer.id), unit_id=unit.id)
    return officer


async def _adopted_officer(record: OfficerRecord) -> Officer | None:
    officer = await Officer.get_or_none(number=record.number)
    if officer is not None and not mine_or_free(officer):
        raise taken("民警")
    return officer


def _sent(record: UnitRecord | OfficerRecord, names: tuple[str, ...]) -> list[str]:
    """The fields that this source keeps: what it leaves out is ours."""
    return [name for name in names if getattr(record, name) is not None]


APPLY: dict[str, tuple[type[Sourced], Any]] = {"unit": (Unit, apply_unit), "officer": (Officer, apply_officer)}
