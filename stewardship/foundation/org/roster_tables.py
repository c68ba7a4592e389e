"""A unit's roster as a table: taken in whole or not at all, with every row's fault and what to do about it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from kit.tables import CellProblem, Column, Table, TableRow, read_table, write_table
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org.models import Officer, Shift, ShiftKind, Unit

KINDS: dict[str, ShiftKind] = {
    "值班": ShiftKind.DUTY,
    "副班": ShiftKind.DEPUTY,
    "休息": ShiftKind.REST,
    "请假": ShiftKind.LEAVE,
    "缺勤": ShiftKind.ABSENT,
    "出警": ShiftKind.CALL_OUT,
    "轮休": ShiftKind.REST,
    "休假": ShiftKind.LEAVE,
}
"""The first six are what is exported; the others are what people also write."""
NAMES = {kind: name for name, kind in reversed(KINDS.items())}
COLUMNS = (
    Column("number", ("警号",), required=True, max_length=16),
    Column("name", ("姓名",), required=True, max_length=32),
    Column("kind", ("班次",), required=True, max_length=8),
    Column("starts", ("开始", "开始时间"), required=True, max_length=32),
    Column("ends", ("结束", "结束时间"), required=True, max_length=32),
)
TITLES = tuple((column.key, column.titles[0]) for column in COLUMNS)
MAX_ROWS = 5_000
LONGEST_DUTY = timedelta(days=3)
LONGEST = timedelta(days=366)
YEARS = range(2000, 2100)
_THERE = frozenset({ShiftKind.DUTY, ShiftKind.DEPUTY})
_WRITTEN = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})[:：](\d{2})(?:[:：]\d{2})?)?$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that makes sense by itself; `row` is None for what stands in the roster already."""

    row: int | None
    officer_id: UUID
    kind: ShiftKind
    starts_at: datetime
    ends_at: datetime

    @property
    def same(self) -> tuple[UUID, ShiftKind, datetime, datetime]:
        """Equal for an entry that is there already."""
        return self.officer_id, self.kind, self.starts_at, self.ends_at


@dataclass(slots=True)
class Report:
    """What came of a table. `saved` is False for a trial, and wherever a single row has a fault."""

    rows: int
    entered: int = 0
    unchanged: int = 0
    saved: bool = False
    problems: list[CellProblem] = field(default_factory=list)


def instant_of(text: str) -> datetime | None:
    """A time as people and Excel write it (2026-03-02 08:30), on a Chinese wall clock; a day alone is its midnight."""
    found = _WRITTEN.match(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    if year not in YEARS:
        return None
    try:
        # 24:00 is how a roster writes the end of a day.
        midnight = datetime(year, month, day, tzinfo=clock.LOCAL)
        at = midnight + timedelta(days=1) if (hour, minute) == (24, 0) else midnight.replace(hour=hour, minute=minute)
    except ValueError:
        return None
    return at.astimezone(UTC)


def clash(one: Entry, other: Entry) -> bool:
    """Whether two entries of one officer contradict each other: a call-out alone lies within a duty."""
    if one.officer_id != other.officer_id or one.starts_at >= other.ends_at or other.starts_at >= one.ends_at:
        return False
    kinds = {one.kind, other.kind}
    return not (ShiftKind.CALL_OUT in kinds and kinds & _THERE)


def entries_of(table: Table, officers: Sequence[Officer]) -> tuple[list[Entry], list[CellProblem]]:
    """The rows that make sense by themselves, and what is wrong with the others. Pure."""
    by_number = {officer.number.lstrip("0"): officer for officer in officers}
    entries: list[Entry] = []
    problems: list[CellProblem] = []
    for row in table.rows:
        found = list(row.problems) or _faults(row, by_number)
        problems += found
        if not found:
            entries.append(_entry(row, by_number))
    return entries, problems


def _faults(row: TableRow, by_number: Mapping[str, Officer]) -> list[CellProblem]:
    officer, values = by_number.get(row.values["number"].lstrip("0")), row.values
    starts, ends = instant_of(values["starts"]), instant_of(values["ends"])
    found: list[CellProblem] = []
    if officer is None:
        found.append(_problem(row, "number", "roster_officer", "本单位没有这个警号", "只能填本单位在职民警，请核对。"))
    elif officer.name != values["name"]:
        found.append(_problem(row, "name", "roster_name", "姓名和警号对不上", "请核对这一行的警号和姓名。"))
    if values["kind"] not in KINDS:
        found.append(_problem(row, "kind", "roster_kind", "不认识的班次", f"请填：{'、'.join(list(KINDS)[:6])}。"))
    for key, at in (("starts", starts), ("ends", ends)):
        if at is None:
            found.append(_problem(row, key, "roster_time", "时间看不懂", "请写成 2026-03-02 08:30 这样。"))
    if starts and ends and not found:
        longest = LONGEST_DUTY if KINDS[values["kind"]] in _THERE else LONGEST
        if ends <= starts:
            found.append(_problem(row, "ends", "roster_times", "结束不晚于开始", "跨夜的班，结束日期要写第二天。"))
        elif ends - starts > longest:
            found.append(
                _problem(row, "ends", "roster_long", f"超过 {longest.days} 天", "请核对结束日期，或分成几行。")
            )
    return found


def _problem(row: TableRow, key: str, code: str, message: str, advice: str) -> CellProblem:
    return CellProblem(row.number, dict(TITLES)[key], code, message, advice)


def _entry(row: TableRow, by_number: Mapping[str, Officer]) -> Entry:
    starts, ends = instant_of(row.values["starts"]), instant_of(row.values["ends"])
    if starts is None or ends is None:
        raise ValueError("the row was checked before")
    officer = by_number[row.values["number"].lstrip("0")]
    return Entry(row.number, officer.id, KINDS[row.values["kind"]], starts, ends)


def overlaps(entries: Sequence[Entry], standing: Sequence[Entry]) -> list[CellProblem]:
    """Every row that contradicts one before it, or what stands in the roster already. Pure."""
    problems: list[CellProblem] = []
    ordered = sorted([*entries, *standing], key=lambda entry: (str(entry.officer_id), entry.starts_at, entry.row or 0))
    for _, group in itertools.groupby(ordered, key=lambda entry: entry.officer_id):
        problems += _overlaps_of_one(list(group))
    return sorted(problems, key=lambda problem: problem.row)


def _overlaps_of_one(entries: Sequence[Entry]) -> list[CellProblem]:
    """Sorted by their beginning, an entry need only be held against those that have not ended when it begins."""
    found: list[CellProblem] = []
    running: list[Entry] = []
    for entry in entries:
        running = [other for other in running if other.ends_at > entry.starts_at]
        for other in running:
            if clash(entry, other) and (entry.row or other.row):
                found.append(_overlap(entry, other))
        running.append(entry)
    return found


def _overlap(entry: Entry, other: Entry) -> CellProblem:
    row, against = (entry.row, other) if entry.row else (other.row, entry)
    if against.row:
        row, where = max(row or 0, against.row), f"第 {min(row or 0, against.row)} 行"
    else:
        start = clock.local(against.starts_at)
        where = f"排班表里已有的{NAMES[against.kind]}（{start.month}月{start.day}日 {start:%H:%M} 起）"
    return CellProblem(
        row or 0, "开始", "roster_overlap", f"和{where}时间重叠", "同一人同一时间只能有一个班次，请改时间或删除一行。"
    )


@atomic()
async def take_in(actor: Actor, unit: Unit, data: bytes, filename: str, *, trial: bool) -> Report:
    """Enter a table into a unit's roster, all of it or nothing; `trial` only looks.

    Rows that stand already are skipped. Raises BadTable where the file as a whole cannot be taken.
    """
    table = read_table(data, filename, columns=COLUMNS, max_rows=MAX_ROWS, collect=True)
    await database.advisory_lock("roster", str(unit.id))
    entries, problems = entries_of(table, await Officer.filter(unit_id=unit.id, active=True))
    standing = await _standing(unit.id, entries)
    known = {entry.same for entry in standing}
    fresh = [entry for entry in entries if entry.same not in known]
    problems += overlaps(fresh, standing)
    report = Report(len(table.rows), len(fresh), len(entries) - len(fresh), problems=problems)
    if not problems and not trial:
        await _enter(actor, unit, fresh)
        report.saved = True
    return report


async def _standing(unit_id: UUID, entries: Sequence[Entry]) -> list[Entry]:
    if not entries:
        return []
    start, end = min(e.starts_at for e in entries), max(e.ends_at for e in entries)
    rows = await Shift.filter(unit_id=unit_id, starts_at__lt=end, ends_at__gt=start)
    return [Entry(None, row.officer_id, ShiftKind(row.kind), row.starts_at, row.ends_at) for row in rows]


async def _enter(actor: Actor, unit: Unit, entries: Sequence[Entry]) -> None:
    shifts = [
        Shift(unit_id=unit.id, officer_id=e.officer_id, kind=e.kind, starts_at=e.starts_at, ends_at=e.ends_at)
        for e in entries
    ]
    await Shift.bulk_create(shifts)
    await audit.record_many(
        [
            audit.Entry(
                "roster.entered",
                actor,
                ("officer", shift.officer_id),
                None,
                unit.id,
                None,
                {"kind_of_shift": shift.kind.value, "by": "table"},
            )
            for shift in shifts
        ]
    )
    await audit.record("roster.imported", actor, ("unit", unit.id), unit_id=unit.id, entries=len(shifts))


async def template(unit: Unit) -> bytes:
    """A table to fill in, with the unit's officers in it already."""
    officers = await Officer.filter(unit_id=unit.id, active=True).order_by("number")
    rows = [{"number": officer.number, "name": officer.name} for officer in officers]
    return write_table("排班表", TITLES, rows)


async def export(actor: Actor, unit: Unit, start: datetime, end: datetime, *, watermark: str) -> bytes:
    """The roster of a stretch of time as a table that can be taken in again; that it was taken out is an event."""
    shifts = await Shift.filter(unit_id=unit.id, starts_at__lt=end, ends_at__gt=start).order_by("starts_at", "id")
    officers = {officer.id: officer for officer in await Officer.filter(id__in=[s.officer_id for s in shifts])}
    await audit.record("roster.exported", actor, ("unit", unit.id), unit_id=unit.id, entries=len(shifts))
    rows = (
        {
            "number": officers[shift.officer_id].number,
            "name": officers[shift.officer_id].name,
            "kind": NAMES[ShiftKind(shift.kind)],
            "starts": shift.starts_at,
            "ends": shift.ends_at,
        }
        for shift in shifts
    )
    return write_table("排班表", TITLES, rows, watermark=watermark)
