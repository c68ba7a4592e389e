"""What an instructor leads a unit by: how it went in a period, what is late now, and the rows behind each figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role
from stewardship.reports.rows import OLDEST_FIRST, ROWS
from stewardship.reports.rules import (
    SMALLEST_SAMPLE,
    Figure,
    Period,
    Satisfaction,
    Share,
    Spread,
    satisfaction,
    share,
    spread,
)

READERS = (Role.INSTRUCTOR, Role.CENTRE_OFFICER)
PAGE = 200
LATE_ROWS = 100

K = TypeVar("K", bound=Hashable)
Cursor = tuple[datetime, UUID]
"""The `at` and `id` of the last row of the page before."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row behind a figure. See `rows` for what `state`, `minutes` and `detail` mean with each."""

    id: UUID
    case_id: UUID | None
    reference: str | None
    officer_id: UUID | None
    officer_name: str | None
    at: datetime
    state: str
    counted: bool
    good: bool
    minutes: float | None
    score: int | None
    detail: str

    @property
    def cursor(self) -> Cursor:
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """A unit with everything under it, in a period; what is late is as of `as_of` (UTC), whatever the period.

    `*_states` count every row by its state, those outside the sample included.
    """

    unit_id: UUID
    period: Period
    as_of: datetime
    enrolment: Share
    enrolment_states: dict[str, int]
    first_response: Spread
    first_response_in_time: Share
    from_record: int
    answered_in_time: Share
    question_states: dict[str, int]
    overdue: int
    overdue_rows: list[Row]
    """The longest waiting hundred: whose, and why."""
    silent: int
    silent_rows: list[Row]
    satisfaction: Satisfaction
    not_asked: dict[str, int]
    """By reason."""
    return_visits_in_time: Share
    return_visits_converted: Share
    """满意 or 基本满意 at the return visit, of all return visits that are over or late; unreachable people included."""
    return_visit_states: dict[str, int]
    telephone_tasks: dict[str, int]


@atomic()
async def unit_figures(actor: Actor, unit_id: UUID, period: Period) -> UnitFigures:
    """The figures of a unit in the officer's scope. Raises NotFound for any other."""
    units = await _units(actor, unit_id)
    at = clock.now()
    tallies = {figure: await _tally(figure, units, period, at) for figure in ROWS}
    await audit.record("report.viewed", actor, ("unit", unit_id), unit_id=unit_id)
    ratings, visits = tallies[Figure.SATISFACTION], tallies[Figure.RETURN_VISITS]
    first, full = tallies[Figure.FIRST_RESPONSE], tallies[Figure.ANSWERED_IN_TIME]
    return UnitFigures(
        unit_id=unit_id,
        period=period,
        as_of=at,
        enrolment=tallies[Figure.ENROLMENT].share,
        enrolment_states=tallies[Figure.ENROLMENT].states,
        first_response=await _spread(units, period, at),
        first_response_in_time=first.share,
        from_record=tallies[Figure.FROM_RECORD].counted,
        answered_in_time=full.share,
        question_states=full.states,
        overdue=tallies[Figure.OVERDUE].counted,
        overdue_rows=await _late(actor, Figure.OVERDUE, units, period, at),
        silent=tallies[Figure.SILENCE].counted,
        silent_rows=await _late(actor, Figure.SILENCE, units, period, at),
        satisfaction=satisfaction(ratings.scores, ratings.total - ratings.states.get("not_sent", 0)),
        not_asked=ratings.details("not_sent"),
        return_visits_in_time=visits.share,
        return_visits_converted=share(visits.scores.get(1, 0) + visits.scores.get(2, 0), visits.counted),
        return_visit_states=visits.states,
        telephone_tasks=tallies[Figure.TELEPHONE_TASKS].states,
    )


async def _late(actor: Actor, figure: Figure, units: Sequence[UUID], period: Period, at: datetime) -> list[Row]:
    return await _page(actor, figure, units, period, at, None, LATE_ROWS)


async def _units(actor: Actor, unit_id: UUID) -> list[UUID]:
    scope = actor.units(*READERS)
    if unit_id not in scope:
        raise NotFound("unit_not_found", "没有找到这个单位", "可能不在您的权限范围内。")
    return sorted(await org.units_below([unit_id]) & scope)


# --- counting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tally:
    """A figure's rows, counted."""

    groups: list[asyncpg.Record]

    @property
    def total(self) -> int:
        return sum(g["n"] for g in self.groups)

    @property
    def counted(self) -> int:
        return sum(g["counted"] for g in self.groups)

    @property
    def share(self) -> Share:
        return share(sum(g["good"] for g in self.groups), self.counted)

    @property
    def states(self) -> dict[str, int]:
        return _summed((g["state"], g["n"]) for g in self.groups)

    @property
    def scores(self) -> dict[int, int]:
        return _summed((g["score"], g["counted"]) for g in self.groups if g["score"] is not None)

    def details(self, state: str) -> dict[str, int]:
        return _summed((g["detail"], g["n"]) for g in self.groups if g["state"] == state)


def _summed(pairs: Iterable[tuple[K, int]]) -> dict[K, int]:
    total: Counter[K] = Counter()
    for key, number in pairs:
        total[key] += number
    return dict(total)


_TYPED = "($1::uuid[], $2::timestamptz, $3::timestamptz, $4::timestamptz) is not null"
"""Every parameter appears, whatever the rows leave out: PostgreSQL asks for the type of each."""


async def _tally(figure: Figure, units: Sequence[UUID], period: Period, at: datetime) -> _Tally:
    sql = (
        "select state, score, detail, count(*) as n, count(*) filter (where counted) as counted,"  # noqa: S608 — ROWS are constants.
        f" count(*) filter (where counted and good) as good from ({ROWS[figure]}) r where {_TYPED}"
        " group by state, score, detail"
    )
    return _Tally(await database.fetch(sql, units, period.start, period.end, at))


async def _spread(units: Sequence[UUID], period: Period, at: datetime) -> Spread:
    """首响, median and 90th percentile, interpolated."""
    sql = (
        "select count(*) as n, percentile_cont(array[0.5, 0.9]) within group (order by minutes::float8) as found"  # noqa: S608 — ROWS are constants.
        f" from ({ROWS[Figure.FIRST_RESPONSE]}) r where {_TYPED} and counted and minutes is not null"
    )
    row = await database.fetchrow(sql, units, period.start, period.end, at)
    median, p90 = row["found"] if row and row["found"] else (None, None)
    return spread(row["n"] if row else 0, median, p90)


# --- the rows behind it -----------------------------------------------------------------------------------------------


@atomic()
async def rows_behind(
    actor: Actor, figure: Figure, unit_id: UUID, period: Period, *, after: Cursor | None = None, limit: int = 50
) -> list[Row]:
    """The rows that a figure counted, newest first (of what is late now, the longest waiting first).

    `after` is the last row's `cursor`, `limit` up to 200. Every case among them is recorded as read. Withheld: ratings
    and return visits about the reader themselves, and the scores where the sample is too small to show a rate.
    """
    units = await _units(actor, unit_id)
    at = clock.now()
    found = await _page(actor, figure, units, period, at, after, min(max(limit, 1), PAGE))
    if figure is Figure.SATISFACTION and (await _tally(figure, units, period, at)).counted < SMALLEST_SAMPLE:
        found = [replace(row, score=None, good=False) for row in found]
    return found


async def _page(
    actor: Actor,
    figure: Figure,
    units: Sequence[UUID],
    period: Period,
    at: datetime,
    after: Cursor | None,
    limit: int,
) -> list[Row]:
    than, order = (">", "asc") if figure in OLDEST_FIRST else ("<", "desc")
    sql = (
        "select r.id, r.case_id, c.reference, r.officer_id, o.name as officer_name, r.at, r.state, r.counted, r.good,"  # noqa: S608 — all parts are constants.
        f" r.minutes::float8 as minutes, r.score, r.detail, c.unit_id from ({ROWS[figure]}) r"
        " left join case_file c on c.id = r.case_id left join officer o on o.id = r.officer_id"
        f" where {_TYPED} and (r.about_id is null or (r.about_id <> $5 and c.steward_id is distinct from $5"
        " and c.deputy_id is distinct from $5))"
        f" and ($6::timestamptz is null or (r.at, r.id) {than} ($6, $7::uuid))"
        f" order by r.at {order}, r.id {order} limit $8"
    )
    after_at, after_id = after or (None, None)
    found = await database.fetch(sql, units, period.start, period.end, at, actor.id, after_at, after_id, limit)
    await _record_reads(actor, found)
    return [Row(**{name: value for name, value in row.items() if name != "unit_id"}) for row in found]


async def _record_reads(actor: Actor, found: Sequence[asyncpg.Record]) -> None:
    cases = {row["case_id"]: row["unit_id"] for row in found if row["case_id"] is not None}
    await audit.record_many(
        [
            audit.Entry("report.read", actor, ("case", case_id), case_id, unit_id, _relation(actor, unit_id))
            for case_id, unit_id in cases.items()
        ]
    )


def _relation(actor: Actor, unit_id: UUID) -> str:
    """A row is counted where it happened; the case may have moved to a unit beyond the reader's since."""
    return next((role.value for role in READERS if unit_id in actor.units(role)), "former_unit")


# --- one's own --------------------------------------------------------------------------------------------------------


async def own_satisfaction(actor: Actor, period: Period) -> Satisfaction:
    """An officer's own ratings, as a whole: who said what stays hidden from whom it was said about.

    Raises NotAllowed for anybody but an officer. Under five answers nothing but their number is shown.
    """
    if actor.id is None or not actor.grants:
        raise NotAllowed("report_own", "没有您的评价统计", "只有民警可以查看自己的评价统计。")
    rows = await database.fetch(
        "select state, score, count(*) as n from rating where officer_id = $1 and sent_at >= $2 and sent_at < $3"
        " and state <> 'not_sent' group by state, score",
        actor.id,
        period.start,
        period.end,
    )
    scores = _summed((r["score"], r["n"]) for r in rows if r["state"] == "answered")
    return satisfaction(scores, sum(r["n"] for r in rows))
