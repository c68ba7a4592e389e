"""Units, officers, roles and their scopes; who is on duty; which calendar counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyotp
from argon2 import PasswordHasher

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from stewardship.foundation.actors import Actor, Grant
from stewardship.foundation.audit import service as audit_service
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org.models import (
    MOBILE,
    TOTP,
    Level,
    Officer,
    Role,
    RoleGrant,
    Shift,
    ShiftKind,
    Unit,
    UnitKind,
)

ADMINISTRATORS = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR})
hasher = PasswordHasher()

BELOW = """
with recursive below as (
  select id from unit where id = any($1::uuid[])
  union
  select unit.id from unit join below on unit.parent_id = below.id
) select id from below
"""


async def units_below(unit_ids: Sequence[UUID]) -> frozenset[UUID]:
    """The units and everything under them, on any level."""
    return frozenset(row["id"] for row in await database.fetch(BELOW, list(unit_ids)))


async def grants_of(officer_id: UUID) -> tuple[Grant, ...]:
    """The roles an officer holds now, each with the units it covers."""
    rows = await database.fetch(
        "with recursive below as ("
        " select g.id as grant_id, g.role, g.unit_id as id from role_grant g where g.officer_id = $1"
        "  and g.valid_from <= $2 and (g.valid_to is null or g.valid_to > $2)"
        " union all select below.grant_id, below.role, unit.id from unit join below on unit.parent_id = below.id)"
        " select role, array_agg(distinct id) as units from below group by role",
        officer_id,
        clock.now(),
    )
    return tuple(Grant(Role(row["role"]), frozenset(row["units"])) for row in rows)


@atomic()
async def create_unit(
    actor: Actor,
    *,
    code: str,
    name: str,
    level: Level,
    kind: UnitKind,
    parent: Unit | None,
    valid_from: date,
    **details: Any,
) -> Unit:
    """Create a unit; `details` are further columns. Raises Invalid where the level does not fit the parent's."""
    order = list(Level)
    if parent is not None and order.index(level) <= order.index(parent.level) and level is not Level.TEAM:
        raise Invalid("unit_level", "层级不符", "下级单位的层级必须低于上级单位。")
    unit = await Unit.create(
        code=code, name=name, level=level, kind=kind, parent=parent, valid_from=valid_from, **details
    )
    await audit_service.record("unit.created", actor, ("unit", unit.id), unit_id=unit.id)
    return unit


@atomic()
async def create_officer(
    actor: Actor, *, number: str, name: str, unit_id: UUID, mobile: str | None = None, password: str | None = None
) -> Officer:
    """Create an officer; a password is stored as an argon2id hash."""
    officer = await Officer.create(
        number=number,
        name=name,
        unit_id=unit_id,
        mobile=vault().ring.seal_text(mobile, MOBILE) if mobile else None,
        password_hash=hasher.hash(password) if password else None,
    )
    await audit_service.record("officer.created", actor, ("officer", officer.id), unit_id=unit_id)
    return officer


@atomic()
async def grant_role(actor: Actor, officer_id: UUID, role: Role, unit_id: UUID) -> RoleGrant:
    """Give a role over a unit and all below.

    Raises Conflict where one person would hold two administrator roles, or holds this very one.
    """
    await database.advisory_lock("grant", str(officer_id))
    if await RoleGrant.exists(officer_id=officer_id, role=role, unit_id=unit_id, valid_to=None):
        raise Conflict("role_held", "已经有这项授权", "无需重复授权。")
    held = {grant.role for grant in await grants_of(officer_id)}
    if role in ADMINISTRATORS and held & (ADMINISTRATORS - {role}):
        raise Conflict(
            "administrators_apart", "三员不能由同一人担任", "系统、安全、审计管理员必须是不同的人，请另选一人。"
        )
    grant = await RoleGrant.create(
        officer_id=officer_id, role=role, unit_id=unit_id, granted_by_id=actor.id, valid_from=clock.now()
    )
    await audit_service.record(
        "role.granted", actor, ("officer", officer_id), unit_id=unit_id, role=role.value, grant=grant.id
    )
    return grant


@atomic()
async def end_role(actor: Actor, grant_id: UUID) -> None:
    """End a role now. Raises NotFound where it is not open."""
    grant = await RoleGrant.get_or_none(id=grant_id, valid_to=None)
    if grant is None:
        raise NotFound("role_grant_not_found", "没有找到这项授权")
    grant.valid_to = clock.now()
    await grant.save(update_fields=["valid_to"])
    await audit_service.record(
        "role.ended", actor, ("officer", grant.officer_id), unit_id=grant.unit_id, role=grant.role.value
    )


@atomic()
async def roster(
    actor: Actor, *, unit_id: UUID, officer_id: UUID, kind: ShiftKind, starts_at: datetime, ends_at: datetime
) -> Shift:
    """Enter an officer into a unit's roster: on duty, deputy, or away. Raises Invalid for times that make no sense."""
    if ends_at <= starts_at:
        raise Invalid("shift_times", "时间不对", "结束时间必须晚于开始时间。")
    shift = await Shift.create(unit_id=unit_id, officer_id=officer_id, kind=kind, starts_at=starts_at, ends_at=ends_at)
    await audit_service.record(
        "roster.entered", actor, ("officer", officer_id), unit_id=unit_id, kind_of_shift=kind.value
    )
    return shift


async def shifts_of(officer_ids: Sequence[UUID], at: datetime) -> list[Shift]:
    """The roster entries of these officers that hold at an instant."""
    return await Shift.filter(officer_id__in=list(officer_ids), starts_at__lte=at, ends_at__gt=at)


async def officers_with(role: Role, unit_id: UUID) -> list[Officer]:
    """Active officers who hold a role given over exactly this unit, longest first."""
    rows = await database.fetch(
        "select officer_id from role_grant where unit_id = $1 and role = $2 and valid_from <= $3"
        " and (valid_to is null or valid_to > $3) order by valid_from, id",
        unit_id,
        role.value,
        clock.now(),
    )
    order = [row["officer_id"] for row in rows]
    found = {officer.id: officer for officer in await Officer.filter(id__in=order, active=True)}
    return [found[officer_id] for officer_id in order if officer_id in found]


async def line_above(unit_id: UUID) -> list[Unit]:
    """The unit and those above it, from the unit up to the bureau."""
    rows = await database.fetch(
        "with recursive up as (select unit.*, 0 as step from unit where id = $1"
        " union all select unit.*, up.step + 1 from unit join up on unit.id = up.parent_id)"
        " select id from up order by step",
        unit_id,
    )
    found = {unit.id: unit for unit in await Unit.filter(id__in=[row["id"] for row in rows])}
    return [found[row["id"]] for row in rows]


@atomic()
async def enrol_totp(officer_id: UUID) -> str:
    """A new second factor for an officer, unconfirmed; answers its secret (base32) to be shown once."""
    secret = pyotp.random_base32()
    await Officer.filter(id=officer_id).update(
        totp_secret=vault().ring.seal_text(secret, TOTP), totp_confirmed=False, totp_last_step=0
    )
    return secret


async def mobile_of(officer: Officer) -> str | None:
    """The officer's own phone, in the clear, for messages that ring."""
    return vault().ring.open_text(officer.mobile, MOBILE) if officer.mobile else None
