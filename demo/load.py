"""Putting the invented city into the database: all of it in one transaction, or nothing where it stands already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from uuid import UUID

from demo.city import City, CityOfficer, CityUnit, Post, build_city
from kit import clock
from kit.crypto import vault
from kit.database import atomic
from settings import Settings
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import TOTP, Officer, Shift, ShiftKind, Unit

PASSWORD = "Yunting-2026"  # noqa: S105 — published: every officer of the demonstration city has it.
TOTP_SECRET = "CASESTEWARDDEMOCASESTEWARDDEMO22"  # noqa: S105 — published likewise (base32).
VALID_FROM = date(2024, 1, 1)
ROSTER_DAYS = range(-2, 14)
"""Days around the load for which the duty officers' roster is entered."""
RELIEF = clock_time(8, 30)
LEAVE_DAYS = 5


class NotInProduction(RuntimeError):
    """A city whose passwords are published does not belong beside real people."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of it. `seconds` of real time; 0 units where the city stood already."""

    units: int
    officers: int
    shifts: int
    seconds: float


async def load_city(settings: Settings, city: City | None = None) -> Loaded:
    """Write the city through the organisation's services. The database must be connected, the vault open.

    Raises NotInProduction. Where the city's bureau stands already, nothing is done.
    """
    if settings.environment == "production":
        raise NotInProduction("the demonstration city has published passwords")
    city = city or build_city()
    started = time.monotonic()
    if await Unit.exists(code=city.units[0].code):
        return Loaded(0, 0, 0, time.monotonic() - started)
    hashed = await asyncio.to_thread(org.hasher.hash, PASSWORD)
    shifts = await _write(city, hashed)
    return Loaded(len(city.units), len(city.officers), shifts, time.monotonic() - started)


@atomic()
async def _write(city: City, password_hash: str) -> int:
    units = await _units(city.units)
    officers = {officer.number: await _officer(officer, units[officer.unit_code]) for officer in city.officers}
    # Hashing takes a core a twentieth of a second; the password is the same, so one hash does for all.
    sealed = vault().ring.seal_text(TOTP_SECRET, TOTP)
    await Officer.filter(id__in=list(officers.values())).update(
        password_hash=password_hash, totp_secret=sealed, totp_confirmed=True
    )
    return await _rosters(city, units, officers)


async def _units(wanted: Sequence[CityUnit]) -> dict[str, UUID]:
    made: dict[str, Unit] = {}
    for unit in wanted:
        made[unit.code] = await org.create_unit(
            SYSTEM,
            code=unit.code,
            name=unit.name,
            level=unit.level,
            kind=unit.kind,
            parent=made[unit.parent_code] if unit.parent_code else None,
            valid_from=VALID_FROM,
            calendar_code=unit.calendar_code,
            duty_phone=unit.duty_phone,
            address=unit.address,
        )
    return {code: unit.id for code, unit in made.items()}


async def _officer(officer: CityOfficer, unit_id: UUID) -> UUID:
    made = await org.create_officer(
        SYSTEM, number=officer.number, name=officer.name, unit_id=unit_id, mobile=officer.mobile
    )
    await org.grant_role(SYSTEM, made.id, officer.role, unit_id)
    return UUID(str(made.id))


async def _rosters(city: City, units: dict[str, UUID], officers: dict[str, UUID]) -> int:
    """Two thousand entries at once: what `org.roster` writes one by one, with the same events."""
    rows: list[Shift] = []
    for unit in city.units:
        on_duty = [officers[officer.number] for officer in city.of(unit.code, Post.DUTY_OFFICER)]
        rows += [
            _shift(units[unit.code], on_duty[day % len(on_duty)], ShiftKind.DUTY, day, 1)
            for day in ROSTER_DAYS
            if on_duty
        ]
    rows += [
        _shift(units[officer.unit_code], officers[officer.number], ShiftKind.LEAVE, 0, LEAVE_DAYS)
        for officer in city.officers
        if officer.on_leave
    ]
    await Shift.bulk_create(rows)
    await audit.record_many(
        [
            audit.Entry(
                "roster.entered",
                SYSTEM,
                ("officer", row.officer_id),
                unit_id=row.unit_id,
                details={"kind_of_shift": row.kind.value},
            )
            for row in rows
        ]
    )
    return len(rows)


def _shift(unit_id: UUID, officer_id: UUID, kind: ShiftKind, first_day: int, days: int) -> Shift:
    """From the relief on a day to the relief `days` later; days are counted from today."""
    start = datetime.combine(clock.today() + timedelta(days=first_day), RELIEF, clock.LOCAL).astimezone(UTC)
    return Shift(
        unit_id=unit_id, officer_id=officer_id, kind=kind, starts_at=start, ends_at=start + timedelta(days=days)
    )
