"""The figures of questions, read from the roll-ups: of a unit and everything under it, whole or by one dimension."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from operator import itemgetter
from uuid import UUID

import asyncpg

from kit import clock, database
from stewardship.reports.bins import merged, quantile, without
from stewardship.reports.lines import next_month
from stewardship.reports.rollup_sql import COLUMNS, COUNTERS, ENDS, FILTERED, FINE, HISTOGRAMS
from stewardship.reports.rules import Period, Share, Spread, midnight, share, spread

P90 = 0.9


@dataclass(frozen=True, slots=True)
class Counted:
    """What questions came to. Sums of two parts are those of the whole, histograms included."""

    asked: int = 0
    closed: int = 0
    merged: int = 0
    from_record: int = 0
    challenged: int = 0
    breached: int = 0
    first_count: int = 0
    first_in_time: int = 0
    first_adjusted: int = 0
    full_count: int = 0
    full_in_time: int = 0
    full_adjusted: int = 0
    overdue: int = 0
    """Their full answer is overdue at the moment of asking; this alone is not kept but counted then."""
    first_bins: Sequence[int] = ()
    full_bins: Sequence[int] = ()

    @property
    def first(self) -> Spread:
        """首响, in duty minutes."""
        return _spread(self.first_bins)

    @property
    def full(self) -> Spread:
        """From the question to the full answer by a person, in duty minutes."""
        return _spread(self.full_bins)

    @property
    def first_share(self) -> Share:
        return share(self.first_in_time, self.first_count)

    @property
    def first_adjusted_share(self) -> Share:
        """The same with every breach that was found to be none counted as kept."""
        return share(self.first_in_time + self.first_adjusted, self.first_count)

    @property
    def answered_share(self) -> Share:
        """有问必答率; what is overdue and open stays in the sample."""
        return share(self.full_in_time, self.full_count + self.overdue)

    @property
    def adjusted_share(self) -> Share:
        """The same with every breach that was found to be none counted as kept."""
        return share(self.full_in_time + self.full_adjusted, self.full_count + self.overdue)

    @property
    def states(self) -> dict[str, int]:
        """Every question by what it has come to."""
        found = {
            "in_time": self.full_in_time,
            "late": self.full_count - self.full_in_time,
            "overdue": self.overdue,
            "from_record": self.from_record,
            "not_due": self.asked - self.full_count - self.overdue - self.from_record,
        }
        return {state: count for state, count in found.items() if count}


_NUMBERS = tuple(each.name for each in fields(Counted) if each.type == "int")


def total(parts: Iterable[Counted]) -> Counted:
    """The whole of these parts."""
    parts = list(parts)
    return Counted(
        **{name: sum(getattr(part, name) for part in parts) for name in _NUMBERS},
        first_bins=merged(part.first_bins for part in parts),
        full_bins=merged(part.full_bins for part in parts),
    )


def _spread(bins: Sequence[int]) -> Spread:
    return spread(sum(bins), quantile(bins, 0.5), quantile(bins, P90))


@dataclass(frozen=True, slots=True)
class Filter:
    """Only these questions: kind of case, channel of the first message, hour of the legal day, steward."""

    kind: str | None = None
    channel: str | None = None
    hour: int | None = None
    officer_id: UUID | None = None

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """The dimensions it names, with their values in the roll-up."""
        values = {
            "kind": self.kind,
            "channel": self.channel,
            "hour": None if self.hour is None else f"{self.hour:02}",
            "steward": None if self.officer_id is None else str(self.officer_id),
        }
        return [(name, value) for name, value in values.items() if value is not None]


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Pieces:
    """A period as whole months `[month, month_end)` and days at both ends: added, or taken off again where the months
    reach beyond the period."""

    first: date
    month: date
    month_end: date
    last: date

    @classmethod
    def of(cls, period: Period) -> Pieces:
        """The whole months within it; of less than a month days only."""
        month = period.first if period.first.day == 1 else next_month(period.first)
        month_end = (period.last + timedelta(days=1)).replace(day=1)
        if month >= month_end:
            month = month_end = period.last + timedelta(days=1)
        return cls(period.first, month, month_end, period.last)

    @classmethod
    def fewest(cls, period: Period, today: date) -> Pieces:
        """The same period with the fewest rows to read: after `today` there are no days to take off."""
        first, last, end = period.first, period.last, period.last + timedelta(days=1)
        inside, months = cls.of(period), {first.replace(day=1), next_month(first) if first.day > 1 else first}
        ends = {end.replace(day=1), next_month(end) if end.day > 1 else end}
        wider = [cls(first, month, month_end, last) for month in months for month_end in ends if month < month_end]
        return min([inside, *wider], key=lambda each: each._days(today))

    def _days(self, today: date) -> int:
        return sum(max((min(until, today + timedelta(days=1)) - since).days, 0) for since, until in self.ends)

    @property
    def ends(self) -> tuple[tuple[date, date], tuple[date, date]]:
        """The days before and after, each `[since, until)`."""
        end = self.last + timedelta(days=1)
        front, back = sorted((self.first, self.month)), sorted((self.month_end, end))
        return (front[0], front[1]), (back[0], back[1])

    def takes_off(self, start: date) -> bool:
        """Whether what is counted from this day on, at one of the ends, is not part of the period."""
        return not self.first <= start <= self.last

    def takes_off_of(self, month: date) -> bool:
        """The same of all that is counted at the end that lies in this month."""
        at_front = self.month < self.first and month == self.month
        return at_front or (self.last + timedelta(days=1) < self.month_end and next_month(month) == self.month_end)


_NAMES = [name for name in COLUMNS if name not in {"unit_id", "dimension", "grain", "start", "value"}]
_PIECES = (
    "(r.grain = 'month' and r.start >= $3 and r.start < $4 or r.grain = 'day'"
    " and (r.start >= $5 and r.start < $6 or r.start >= $7 and r.start < $8))"
)
_DAYS = "r.grain = 'day' and r.start >= $3 and r.start <= $4"
_SELECT = (
    f"select r.unit_id, r.dimension, r.value, r.grain, r.start, {', '.join(f'r.{name}' for name in _NAMES)}"  # noqa: S608 — constants.
    " from figure_rollup r where r.unit_id = any($1::uuid[]) and r.dimension = any($2::text[])"
)


def counted_of(row: asyncpg.Record) -> Counted:
    """A row of the roll-ups; of a frozen month, with what was overdue then."""
    return Counted(**{name: row[name] for name in _NAMES}, overdue=row.get("overdue", 0))


async def by_dimensions(
    units: Sequence[UUID], dimensions: Sequence[str], period: Period
) -> dict[tuple[UUID, str, str], Counted]:
    """By unit, dimension and value; of each unit everything under it is part. Without what is overdue."""
    piece = Pieces.fewest(period, clock.local(clock.now()).date())
    added, taken_off = await _ends(units, dimensions, piece)
    for row in await _pieces(units, dimensions, piece):
        (taken_off if row["grain"] == "day" and piece.takes_off(row["start"]) else added).append(row)
    plus, minus = _grouped(added), _grouped(taken_off)
    return {key: _less(_sum(rows), _sum(minus[key])) if key in minus else _sum(rows) for key, rows in plus.items()}


async def _pieces(units: Sequence[UUID], dimensions: Sequence[str], piece: Pieces) -> list[asyncpg.Record]:
    (front, front_end), (back, back_end) = piece.ends
    return await database.fetch(
        f"{_SELECT} and {_PIECES}",
        list(units),
        list(dimensions),
        piece.month,
        piece.month_end,
        front,
        front_end,
        back,
        back_end,
    )


async def _ends(
    units: Sequence[UUID], dimensions: Sequence[str], piece: Pieces
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """The days at the ends of a period where the roll-ups do not keep days: what they add, and what they take off."""
    fine = [name for name in dimensions if name in FINE]
    if not fine or all(since == until for since, until in piece.ends):
        return [], []
    instants = [midnight(day) for end in piece.ends for day in end]
    rows = await database.fetch(ENDS, list(units), fine, *instants)
    found: tuple[list[asyncpg.Record], list[asyncpg.Record]] = ([], [])
    for row in rows:
        found[piece.takes_off_of(row["start"])].append(row)
    return found


def _grouped(rows: Iterable[asyncpg.Record]) -> dict[tuple[UUID, str, str], list[asyncpg.Record]]:
    groups: dict[tuple[UUID, str, str], list[asyncpg.Record]] = {}
    for row in rows:
        groups.setdefault((row["unit_id"], row["dimension"], row["value"]), []).append(row)
    return groups


_numbers = itemgetter(*COUNTERS, *HISTOGRAMS)


def _sum(rows: Sequence[asyncpg.Record]) -> Counted:
    """The whole of these rows of the roll-ups. As `total`, column by column: a city's page adds up thousands."""
    *counters, first, full = zip(*map(_numbers, rows), strict=True)
    sums = dict(zip(COUNTERS, map(sum, counters), strict=True))
    return Counted(**sums, first_bins=merged(first), full_bins=merged(full))


def _less(whole: Counted, part: Counted) -> Counted:
    """The whole without a part of it."""
    return Counted(
        **{name: getattr(whole, name) - getattr(part, name) for name in COUNTERS},
        first_bins=without(whole.first_bins, part.first_bins),
        full_bins=without(whole.full_bins, part.full_bins),
    )


async def by_day(unit_id: UUID, period: Period) -> list[tuple[date, Counted]]:
    """Each day on which anything was asked."""
    rows = await database.fetch(
        f"{_SELECT} and {_DAYS} order by r.start", [unit_id], ["all"], period.first, period.last
    )
    return [(row["start"], counted_of(row)) for row in rows]


async def by_month(unit_id: UUID, period: Period) -> list[tuple[date, Counted]]:
    """The months within the period, and single days at its ends; where nothing was asked there is none."""
    rows = await _pieces([unit_id], ["all"], Pieces.of(period))
    return [(row["start"], counted_of(row)) for row in rows]


async def counted(unit_id: UUID, period: Period, at: datetime, filter_: Filter = EVERYTHING) -> Counted:
    """The figures of a unit with everything under it, on any filter; what is overdue is as of `at`."""
    below = await units_under(unit_id)
    late = [each for each in await overdue_facts(below, period, at) if each.fits(filter_)]
    chosen = filter_.chosen
    if len(chosen) > 1:
        row = await database.fetchrow(
            FILTERED, below, period.start, period.end, filter_.kind, filter_.channel, filter_.hour, filter_.officer_id
        )
        found = [counted_of(row)] if row is not None else []
    else:
        dimension, value = chosen[0] if chosen else ("all", "")
        # A steward's figures stand with the steward's own unit only.
        groups = await by_dimensions(below if dimension == "steward" else [unit_id], [dimension], period)
        found = [part for (_, _, each), part in groups.items() if each == value]
    return total([*found, Counted(overdue=len(late))])


async def units_under(unit_id: UUID) -> list[UUID]:
    """The unit and everything under it, as the roll-ups are merged."""
    rows = await database.fetch("select unit_id from figure_line where above_id = $1", unit_id)
    return [row["unit_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Overdue:
    """A question whose full answer is overdue, by all dimensions."""

    unit_id: UUID
    officer_id: UUID | None
    day: date
    kind: str
    channel: str
    hour: int
    values: dict[str, str] = field(default_factory=dict)

    def fits(self, filter_: Filter) -> bool:
        """Whether the filter lets it through."""
        return all(self.values[name] == value for name, value in filter_.chosen)


_OVERDUE = """
select coalesce(f.full_unit_id, f.unit_id) as unit_id,
  case when f.full_unit_id is null then f.owner_id else f.full_owner_id end as officer_id,
  f.day, f.kind, f.channel, f.hour
from inquiry_fact f
where f.state = 'waiting' and f.full_due_at <= $1 and f.day >= $2 and f.day <= $3
  and coalesce(f.full_unit_id, f.unit_id) = any($4::uuid[])
"""


async def overdue_facts(units: Sequence[UUID], period: Period, at: datetime) -> list[Overdue]:
    """What of a period's questions is overdue at `at`; there are few, and an index leads to them."""
    rows = await database.fetch(_OVERDUE, at, period.first, period.last, list(units))
    return [
        Overdue(
            **row,
            values={
                "all": "",
                "kind": row["kind"],
                "channel": row["channel"],
                "hour": f"{row['hour']:02}",
                "steward": str(row["officer_id"] or ""),
            },
        )
        for row in rows
    ]
