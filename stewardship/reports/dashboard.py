"""An instructor's first page: what is wrong now, then how it went over time, by whom, when and below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org.models import Level, ShiftKind
from stewardship.reports import figures
from stewardship.reports.figures import Counted, Overdue, total
from stewardship.reports.lines import next_month
from stewardship.reports.ranking import Place, ranked
from stewardship.reports.rules import Figure, Period
from stewardship.reports.service import Row, count_late, late_by_unit, late_rows, units_in_scope
from stewardship.reports.tally_figures import Tally, tallied

SHOWN_LATE = 20
DAYS_BY_DAY, DAYS_BY_WEEK = 31, 184
A_WEEK = timedelta(days=7)


class Grain(StrEnum):
    """How a series is divided."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def grain_of(period: Period) -> Grain:
    """The grain in which a period is shown unless asked otherwise."""
    days = (period.last - period.first).days + 1
    return Grain.DAY if days <= DAYS_BY_DAY else Grain.WEEK if days <= DAYS_BY_WEEK else Grain.MONTH


@dataclass(frozen=True, slots=True)
class Point:
    """A day, week (from Monday) or month of a series, as far as it lies in the period."""

    first: date
    last: date
    counted: Counted


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a dimension; `name` where it is a steward's or unit's."""

    value: str
    name: str | None
    counted: Counted


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is there now, until when."""

    officer_id: UUID
    officer_name: str
    unit_id: UUID
    unit_name: str
    kind: ShiftKind
    until: datetime


@dataclass(frozen=True, slots=True)
class Below:
    """A unit directly below, with everything under it, and where it stands among the others."""

    unit_id: UUID
    unit_name: str
    counted: Counted
    late_now: int
    place: Place


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything as of `as_of` (UTC); the rows of what is late are the first twenty, the longest waiting first."""

    unit_id: UUID
    unit_name: str
    period: Period
    as_of: datetime
    overdue: int
    overdue_rows: list[Row]
    due_soon: int
    due_soon_rows: list[Row]
    silent: int
    silent_rows: list[Row]
    on_duty: list[OnDuty]
    unmanned: list[str]
    """Names of teams below that have nobody on duty now."""
    whole: Counted
    grain: Grain
    series: list[Point]
    by_kind: list[Group]
    by_channel: list[Group]
    by_hour: list[Group]
    by_steward: list[Group]
    """The unit's own stewards."""
    below: list[Below]
    tallies: dict[Figure, Tally]


@atomic()
async def dashboard(actor: Actor, unit_id: UUID, period: Period, grain: Grain | None = None) -> Dashboard:
    """The page of a unit in the officer's scope. Raises NotFound for any other.

    Each case among the rows shown is a recorded read. Figures are as they were last counted, a second or so ago; what
    is late is read from the clocks themselves.
    """
    units = await units_in_scope(actor, unit_id)
    at, grain = clock.now(), grain or grain_of(period)
    await audit.record("report.viewed", actor, ("unit", unit_id), unit_id=unit_id)
    names, below = await _units_below(unit_id)
    late = await figures.overdue_facts(units, period, at)
    late_now = await late_by_unit(Figure.OVERDUE, units, at)
    rows = await late_rows(actor, (Figure.OVERDUE, Figure.DUE_SOON, Figure.SILENCE), units, at, SHOWN_LATE)
    groups = await figures.by_dimensions([unit_id], ["all", "kind", "channel", "hour", "steward"], period)
    whole = total([*(part for (_, name, _), part in groups.items() if name == "all"), Counted(overdue=len(late))])
    return Dashboard(
        unit_id=unit_id,
        unit_name=names[unit_id],
        period=period,
        as_of=at,
        overdue=sum(late_now.values()),
        overdue_rows=rows[Figure.OVERDUE],
        due_soon=await count_late(Figure.DUE_SOON, units, at),
        due_soon_rows=rows[Figure.DUE_SOON],
        silent=await count_late(Figure.SILENCE, units, at),
        silent_rows=rows[Figure.SILENCE],
        on_duty=await _on_duty(units if not below else [unit_id], at),
        unmanned=await _unmanned(units, at) if below else [],
        whole=whole,
        grain=grain,
        series=await series(unit_id, period, grain, late),
        by_kind=_groups(groups, "kind", late),
        by_channel=_groups(groups, "channel", late),
        by_hour=_groups(groups, "hour", late),
        by_steward=await _by_steward(groups, [each for each in late if each.unit_id == unit_id]),
        below=await _below(below, names, period, late, late_now),
        tallies=await tallied(unit_id, period),
    )


# --- over time --------------------------------------------------------------------------------------------------------


async def series(unit_id: UUID, period: Period, grain: Grain, late: Sequence[Overdue]) -> list[Point]:
    """Every day, week or month of the period, those in which nothing was asked included."""
    days = await _parts(unit_id, period, grain)
    days += [(each.day, Counted(overdue=1)) for each in late]
    parts: dict[date, list[Counted]] = {}
    for day, part in days:
        parts.setdefault(_start(day, grain), []).append(part)
    points, start = [], _start(period.first, grain)
    while start <= period.last:
        end = _next(start, grain)
        last = min(end - timedelta(days=1), period.last)
        points.append(Point(max(start, period.first), last, total(parts.get(start, []))))
        start = end
    return points


async def _parts(unit_id: UUID, period: Period, grain: Grain) -> list[tuple[date, Counted]]:
    """By month it needs only the months' own rows, and days at the ends."""
    if grain is not Grain.MONTH:
        return await figures.by_day(unit_id, period)
    return await figures.by_month(unit_id, period)


def _start(day: date, grain: Grain) -> date:
    if grain is Grain.DAY:
        return day
    return day - timedelta(days=day.weekday()) if grain is Grain.WEEK else day.replace(day=1)


def _next(start: date, grain: Grain) -> date:
    if grain is Grain.MONTH:
        return next_month(start)
    return start + (A_WEEK if grain is Grain.WEEK else timedelta(days=1))


# --- by whom and when -------------------------------------------------------------------------------------------------


def _groups(groups: dict[tuple[UUID, str, str], Counted], dimension: str, late: Iterable[Overdue]) -> list[Group]:
    overdue = Counter(each.values[dimension] for each in late)
    found = {value: part for (_, name, value), part in groups.items() if name == dimension}
    values = sorted(found.keys() | overdue.keys())
    shown = [Group(v, None, replace(found.get(v, Counted()), overdue=overdue[v])) for v in values]
    return [group for group in shown if group.counted.asked or group.counted.first_count or group.counted.overdue]


async def _by_steward(groups: dict[tuple[UUID, str, str], Counted], late: Iterable[Overdue]) -> list[Group]:
    found = _groups(groups, "steward", late)
    rows = await database.fetch(
        "select id, name from officer where id = any($1::uuid[])", [UUID(group.value) for group in found if group.value]
    )
    names = {str(row["id"]): row["name"] for row in rows}
    return [replace(group, name=names.get(group.value)) for group in found]


# At $2. Whoever is on leave or called out is not there, whatever else the roster says.
_THERE = """
s.starts_at <= $2 and s.ends_at > $2 and s.kind = any($3::text[])
and not exists (select from shift a where a.officer_id = s.officer_id and a.starts_at <= $2 and a.ends_at > $2
  and not a.kind = any($3::text[]))
"""
_MANNING = [ShiftKind.DUTY.value, ShiftKind.DEPUTY.value]


async def _on_duty(units: Sequence[UUID], at: datetime) -> list[OnDuty]:
    rows = await database.fetch(
        "select s.officer_id, o.name as officer_name, s.unit_id, u.name as unit_name, s.kind, s.ends_at as until"  # noqa: S608 — a constant.
        " from shift s join officer o on o.id = s.officer_id join unit u on u.id = s.unit_id"
        f" where s.unit_id = any($1::uuid[]) and {_THERE} order by s.kind desc, s.ends_at, o.name",
        list(units),
        at,
        _MANNING,
    )
    return [OnDuty(**dict(row) | {"kind": ShiftKind(row["kind"])}) for row in rows]


async def _unmanned(units: Sequence[UUID], at: datetime) -> list[str]:
    rows = await database.fetch(
        f"with there as (select distinct s.unit_id from shift s where s.unit_id = any($1::uuid[]) and {_THERE})"  # noqa: S608 — a constant.
        " select u.name from unit u where u.id = any($1::uuid[]) and u.level = $4 and u.valid_to is null"
        " and u.id not in (select unit_id from there) order by u.name",
        list(units),
        at,
        _MANNING,
        Level.TEAM.value,
    )
    return [row["name"] for row in rows]


# --- below ------------------------------------------------------------------------------------------------------------


async def _units_below(unit_id: UUID) -> tuple[dict[UUID, str], list[UUID]]:
    """Names of the unit and those directly below, and which these are."""
    rows = await database.fetch("select id, name from unit where id = $1 or parent_id = $1 order by name", unit_id)
    return {row["id"]: row["name"] for row in rows}, [row["id"] for row in rows if row["id"] != unit_id]


async def _below(
    units: Sequence[UUID], names: dict[UUID, str], period: Period, late: Sequence[Overdue], late_now: dict[UUID, int]
) -> list[Below]:
    if not units:
        return []
    groups = await figures.by_dimensions(units, ["all"], period)
    above = {row["unit_id"]: row["above_id"] for row in await database.fetch(_ABOVE, list(units))}
    overdue = Counter(above.get(each.unit_id) for each in late)
    late_below: Counter[UUID | None] = Counter()
    for unit_id, number in late_now.items():
        late_below[above.get(unit_id)] += number
    counted = {u: replace(groups.get((u, "all", ""), Counted()), overdue=overdue[u]) for u in units}
    places = ranked({u: (c.full_in_time, c.full_count + c.overdue) for u, c in counted.items()})
    shown = [Below(u, names[u], counted[u], late_below[u], places[u]) for u in units]
    return sorted(
        shown, key=lambda each: (each.place.best is None, each.place.best or 0, each.place.worst or 0, each.unit_name)
    )


_ABOVE = "select unit_id, above_id from figure_line where above_id = any($1::uuid[])"
