"""What an instructor leads a unit by: how it went in a period, what is late now, and the rows behind each figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role
from stewardship.reports import figures
from stewardship.reports.figures import EVERYTHING, Filter
from stewardship.reports.rows import LATE_BY_UNIT, LONGEST_WAITING, OLDEST_FIRST, ROWS, filters_of
from stewardship.reports.rules import (
    SMALLEST_SAMPLE,
    Figure,
    Period,
    Satisfaction,
    Share,
    Spread,
    satisfaction,
)
from stewardship.reports.tally_figures import tallied

READERS = (Role.INSTRUCTOR, Role.CENTRE_OFFICER)
PAGE = 200
LATE_ROWS = 100

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
        """Where the next page begins: given as `after`, what comes behind this row is listed."""
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
    first_response_in_time_adjusted: Share
    answered_in_time: Share
    answered_in_time_adjusted: Share
    """With what was found to be no breach counted as kept; beside the raw figure, never in its place."""
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
    """The figures of a unit in the officer's scope, as they were last counted. Raises NotFound for any other."""
    units = await units_in_scope(actor, unit_id)
    at = clock.now()
    await audit.record("report.viewed", actor, ("unit", unit_id), unit_id=unit_id)
    questions = await figures.counted(unit_id, period, at)
    tallies = await tallied(unit_id, period)
    late = await late_rows(actor, (Figure.OVERDUE, Figure.SILENCE), units, at)
    ratings, visits = tallies[Figure.SATISFACTION], tallies[Figure.RETURN_VISITS]
    return UnitFigures(
        unit_id=unit_id,
        period=period,
        as_of=at,
        enrolment=tallies[Figure.ENROLMENT].share,
        enrolment_states=tallies[Figure.ENROLMENT].states,
        first_response=questions.first,
        first_response_in_time=questions.first_share,
        from_record=questions.from_record,
        first_response_in_time_adjusted=questions.first_adjusted_share,
        answered_in_time=questions.answered_share,
        answered_in_time_adjusted=questions.adjusted_share,
        question_states=questions.states,
        overdue=await count_late(Figure.OVERDUE, units, at),
        overdue_rows=late[Figure.OVERDUE],
        silent=await count_late(Figure.SILENCE, units, at),
        silent_rows=late[Figure.SILENCE],
        satisfaction=ratings.satisfaction,
        not_asked=ratings.details("not_sent"),
        return_visits_in_time=visits.share,
        return_visits_converted=visits.converted,
        return_visit_states=visits.states,
        telephone_tasks=tallies[Figure.TELEPHONE_TASKS].states,
    )


async def late_rows(
    actor: Actor, figures_: Sequence[Figure], units: Sequence[UUID], at: datetime, limit: int = LATE_ROWS
) -> dict[Figure, list[Row]]:
    """What is late at `at` by each figure, the longest waiting first; each case among them is a recorded read."""
    found = {each: await _found(actor, each, units, None, at, EVERYTHING, None, limit) for each in figures_}
    await record_reads(actor, [row for rows in found.values() for row in rows])
    return {each: _rows(rows) for each, rows in found.items()}


async def late_by_unit(figure: Figure, units: Sequence[UUID], at: datetime) -> dict[UUID, int]:
    """How many questions are overdue, or will be within the hour, by the unit that has them; none: not named."""
    rows = await database.fetch(LATE_BY_UNIT[figure], list(units), at)
    return {row["unit_id"]: row["n"] for row in rows}


async def count_late(figure: Figure, units: Sequence[UUID], at: datetime) -> int:
    """How much of it there is."""
    if figure in LATE_BY_UNIT:
        return sum((await late_by_unit(figure, units, at)).values())
    sql = f"select count(*) from ({ROWS[figure]}) r where {_TYPED}"  # noqa: S608 — ROWS are constants.
    return int(await database.fetchval(sql, units, None, None, at))


async def units_in_scope(actor: Actor, unit_id: UUID) -> list[UUID]:
    """The unit and what is under it, as far as the officer may see. Raises NotFound."""
    scope = actor.units(*READERS)
    if unit_id not in scope:
        raise NotFound("unit_not_found", "没有找到这个单位", "可能不在您的权限范围内。")
    return sorted(await org.units_below([unit_id]) & scope)


_TYPED = "num_nulls($1::uuid[], $2::timestamptz, $3::timestamptz, $4::timestamptz) >= 0"
"""Every parameter appears, whatever the rows leave out: PostgreSQL asks for the type of each."""


# --- the rows behind it -----------------------------------------------------------------------------------------------


@atomic()
async def rows_behind(
    actor: Actor,
    figure: Figure,
    unit_id: UUID,
    period: Period,
    *,
    filter_: Filter = EVERYTHING,
    after: Cursor | None = None,
    limit: int = 50,
) -> list[Row]:
    """The rows that a figure counted, newest first (of what is late now, the longest waiting first).

    `after` is the last row's `cursor`, `limit` up to 200. Every case among them is recorded as read. Withheld: ratings
    and return visits about the reader themselves, and the scores where the sample is too small to show a rate.
    """
    units = await units_in_scope(actor, unit_id)
    records = await _found(actor, figure, units, period, clock.now(), filter_, after, min(max(limit, 1), PAGE))
    await record_reads(actor, records)
    found = _rows(records)
    if figure is Figure.SATISFACTION and (await tallied(unit_id, period))[figure].counted < SMALLEST_SAMPLE:
        found = [replace(row, score=None, good=False) for row in found]
    return found


async def _found(
    actor: Actor,
    figure: Figure,
    units: Sequence[UUID],
    period: Period | None,
    at: datetime,
    filter_: Filter,
    after: Cursor | None,
    limit: int,
) -> list[asyncpg.Record]:
    than, order = (">", "asc") if figure in OLDEST_FIRST else ("<", "desc")
    first_page = figure in LONGEST_WAITING and filter_ == EVERYTHING and after is None
    rows = LONGEST_WAITING[figure] if first_page else ROWS[figure]
    sql = (
        "select r.id, r.case_id, c.reference, r.officer_id, o.name as officer_name, r.at, r.state, r.counted, r.good,"  # noqa: S608 — all parts are constants.
        f" r.minutes::float8 as minutes, r.score, r.detail, c.unit_id from ({rows}) r"
        " left join case_file c on c.id = r.case_id left join officer o on o.id = r.officer_id"
        f" where {_TYPED} and (r.about_id is null or (r.about_id <> $5 and c.steward_id is distinct from $5"
        " and c.deputy_id is distinct from $5))"
        f" and ($6::timestamptz is null or (r.at, r.id) {than} ($6, $7::uuid)) and {filters_of(figure)}"
        f" order by r.at {order}, r.id {order} limit $8"
    )
    after_at, after_id = after or (None, None)
    return await database.fetch(
        sql,
        units,
        period and period.start,
        period and period.end,
        at,
        actor.id,
        after_at,
        after_id,
        limit,
        filter_.kind,
        filter_.channel,
        filter_.hour,
        filter_.officer_id,
    )


def _rows(found: Sequence[asyncpg.Record]) -> list[Row]:
    return [Row(**{name: value for name, value in row.items() if name != "unit_id"}) for row in found]


async def record_reads(actor: Actor, found: Sequence[asyncpg.Record], own: str = "former_unit") -> None:
    """Every case among rows with `case_id` and `unit_id` was read; `own`: by what relation where no role leads there.

    A row is counted where it happened; the case may have moved to a unit beyond the reader's since.
    """
    cases = {row["case_id"]: row["unit_id"] for row in found if row["case_id"] is not None}
    relations = {unit_id: _relation(actor, unit_id) or own for unit_id in set(cases.values())}
    await audit.record_many(
        [
            audit.Entry("report.read", actor, ("case", case_id), case_id, unit_id, relations[unit_id])
            for case_id, unit_id in cases.items()
        ]
    )


def _relation(actor: Actor, unit_id: UUID) -> str | None:
    return next((role.value for role in READERS if unit_id in actor.units(role)), None)


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
    scores = {r["score"]: r["n"] for r in rows if r["state"] == "answered"}
    return satisfaction(scores, sum(r["n"] for r in rows))
