"""What administrators change: roles under four eyes, officers who leave, rosters."""

from __future__ import annotations

from uuid import UUID

from kit.crypto import vault
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import MOBILE, Level, Officer, Role, RoleGrant, Shift, Unit
from stewardship.foundation.source import check_not_owned


async def unit_in(actor: Actor, unit_id: UUID, *roles: Role) -> Unit:
    """A unit over which the actor holds one of the roles. Raises NotFound for every other one."""
    unit = await Unit.get_or_none(id=unit_id) if unit_id in actor.units(*roles) else None
    if unit is None:
        raise NotFound("unit_not_found", "没有找到这个单位", "可能不在您的管理范围内。")
    return unit


async def officer_in(actor: Actor, officer_id: UUID, *roles: Role) -> Officer:
    """An officer of a unit over which the actor holds one of the roles. Raises NotFound for every other one."""
    officer = await Officer.get_or_none(id=officer_id, unit_id__in=list(actor.units(*roles)))
    if officer is None:
        raise NotFound("officer_not_found", "没有找到这位民警", "可能不在您的管理范围内。")
    return officer


async def holds(actor: Actor, role: Role, unit_id: UUID | None) -> bool:
    """Whether the actor holds the role over the unit; without one, over the whole city: a bureau and all below."""
    reach = actor.units(role)
    if unit_id is not None:
        return unit_id in reach
    return await Unit.exists(id__in=list(reach), level=Level.BUREAU)


def check_other(actor: Actor, officer_id: UUID) -> None:
    """Raises NotAllowed where somebody would change what they themselves may do."""
    if actor.id == officer_id:
        raise NotAllowed("not_oneself", "不能为本人办理", "请由另一位安全管理员办理。")


@atomic()
async def grant(actor: Actor, officer_id: UUID, role: Role, unit_id: UUID) -> RoleGrant:
    """Give somebody else of one's units a role over one of one's units. Raises NotFound, NotAllowed, Conflict."""
    check_other(actor, officer_id)
    await officer_in(actor, officer_id, Role.SECURITY_ADMINISTRATOR)
    await unit_in(actor, unit_id, Role.SECURITY_ADMINISTRATOR)
    return await org.grant_role(actor, officer_id, role, unit_id)


@atomic()
async def end_grant(actor: Actor, grant_id: UUID) -> UUID:
    """End somebody else's role; answers whose it was."""
    found = await RoleGrant.get_or_none(
        id=grant_id, valid_to=None, unit_id__in=list(actor.units(Role.SECURITY_ADMINISTRATOR))
    )
    if found is None:
        raise NotFound("role_grant_not_found", "没有找到这项授权", "可能不在您的管理范围内。")
    check_other(actor, found.officer_id)
    await org.end_role(actor, found.id)
    return found.officer_id


@atomic()
async def set_active(actor: Actor, officer_id: UUID, active: bool) -> None:
    """An officer leaves, or comes back. Their sessions are the caller's to end."""
    officer = await officer_in(actor, officer_id, Role.SYSTEM_ADMINISTRATOR)
    check_other(actor, officer.id)
    check_not_owned(officer, "active")
    officer.active = active
    await officer.save(update_fields=["active"])
    kind = "officer.activated" if active else "officer.deactivated"
    await audit.record(kind, actor, ("officer", officer.id), unit_id=officer.unit_id)


@atomic()
async def take_off_roster(actor: Actor, unit_id: UUID, shift_id: UUID) -> None:
    """Remove an entry of a unit's roster. Raises NotFound."""
    shift = await Shift.get_or_none(id=shift_id, unit_id=unit_id)
    if shift is None:
        raise NotFound("shift_not_found", "没有找到这条排班")
    await shift.delete()
    await audit.record("roster.removed", actor, ("officer", shift.officer_id), unit_id=unit_id, shift=shift.id)


@atomic()
async def edit_unit(
    actor: Actor, unit_id: UUID, *, name: str, duty_phone: str, address: str, calendar_code: str
) -> Unit:
    """What people see of a unit, and its duty calendar; open clocks follow another calendar. Raises NotFound."""
    unit = await unit_in(actor, unit_id, Role.SYSTEM_ADMINISTRATOR)
    changed = unit.calendar_code != calendar_code
    unit.name, unit.duty_phone, unit.address, unit.calendar_code = name, duty_phone, address, calendar_code
    await unit.save(update_fields=["name", "duty_phone", "address", "calendar_code"])
    await audit.record("unit.edited", actor, ("unit", unit.id), unit_id=unit.id)
    if changed:
        await audit.record("calendar.changed", actor, ("unit", unit.id), unit_id=unit.id, code=calendar_code)
    return unit


@atomic()
async def edit_officer(actor: Actor, officer_id: UUID, *, name: str, mobile: str | None) -> Officer:
    """An officer's name, and their phone where one is given. Raises NotFound."""
    officer = await officer_in(actor, officer_id, Role.SYSTEM_ADMINISTRATOR)
    officer.name = name
    if mobile:
        officer.mobile = vault().ring.seal_text(mobile, MOBILE)
    await officer.save(update_fields=["name", "mobile"])
    await audit.record("officer.edited", actor, ("officer", officer.id), unit_id=officer.unit_id, phone=bool(mobile))
    return officer
