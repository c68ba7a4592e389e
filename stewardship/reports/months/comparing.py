"""A month as it was frozen beside as it stands now, what differs, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Invalid
from stewardship.reports import figures
from stewardship.reports.figures import Counted, counted_of
from stewardship.reports.lines import next_month
from stewardship.reports.months.models import Reason
from stewardship.reports.rollup_sql import COUNTERS, HISTOGRAMS
from stewardship.reports.rules import Figure, Period
from stewardship.reports.service import record_reads, units_in_scope
from stewardship.reports.tally_figures import Tally, tallied

Cursor = tuple[datetime, UUID]
A_DAY_BEFORE = -1


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a unit. `frozen` and `frozen_tallies` are empty until it is; then they never change."""

    month: date
    frozen_at: datetime | None
    frozen: Counted | None
    restated: Counted
    frozen_tallies: dict[Figure, Tally] | None
    restated_tallies: dict[Figure, Tally]
    reasons: dict[Reason, int]
    """How many things count differently since, by why."""

    @property
    def restatements(self) -> int:
        return sum(self.reasons.values())

    @property
    def difference(self) -> float | None:
        """有问必答率 now less than frozen, as a share; None where either is withheld."""
        if self.frozen is None:
            return None
        before, after = self.frozen.answered_share.value, self.restated.answered_share.value
        return None if before is None or after is None else after - before


@dataclass(frozen=True, slots=True)
class Restated:
    """One thing that counts differently: why, and what differed, as codes and numbers."""

    id: UUID
    at: datetime
    reason: Reason
    figure: str
    subject_id: UUID
    case_id: UUID | None
    reference: str | None
    unit_id: UUID
    unit_name: str | None
    officer_id: UUID | None
    officer_name: str | None
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def cursor(self) -> Cursor:
        return self.at, self.id


def month_of(day: date) -> Period:
    """The whole month of a day."""
    first = day.replace(day=1)
    return Period(first, date.fromordinal(next_month(first).toordinal() + A_DAY_BEFORE))


@atomic()
async def months(actor: Actor, unit_id: UUID, period: Period) -> list[Month]:
    """Each month that the period touches, newest first. Raises NotFound for a unit out of scope."""
    units = await units_in_scope(actor, unit_id)
    await audit.record("report.viewed", actor, ("unit", unit_id), unit_id=unit_id)
    month, last = period.first.replace(day=1), min(period.last, clock.today())
    found = []
    while month <= last:
        found.append(await compared(unit_id, units, month))
        month = next_month(month)
    return found[::-1]


async def compared(unit_id: UUID, units: Sequence[UUID], month: date) -> Month:
    """One month, for whoever has checked that it may be seen."""
    period = month_of(month)
    frozen_at = await database.fetchval("select frozen_at from figure_month where month = $1", month)
    return Month(
        month=month,
        frozen_at=frozen_at,
        frozen=await _frozen(unit_id, month) if frozen_at else None,
        restated=await figures.counted(unit_id, period, clock.now()),
        frozen_tallies=await _frozen_tallies(unit_id, month) if frozen_at else None,
        restated_tallies=await tallied(unit_id, period),
        reasons=await _reasons(units, month),
    )


_FROZEN = (
    f"select {', '.join((*COUNTERS, *HISTOGRAMS, 'overdue'))} from figure_frozen"  # noqa: S608 — constants.
    " where unit_id = $1 and start = $2 and dimension = 'all'"
)
_FROZEN_TALLIES = """
select figure, state, score, detail, counted, good, n from tally_frozen where unit_id = $1 and start = $2
"""
_OF_UNITS = "s.month = $2 and (s.unit_id = any($1::uuid[]) or s.before_unit_id = any($1::uuid[]))"


async def _frozen(unit_id: UUID, month: date) -> Counted:
    """Where nothing was asked there is no row."""
    row = await database.fetchrow(_FROZEN, unit_id, month)
    return counted_of(row) if row is not None else Counted()


async def _frozen_tallies(unit_id: UUID, month: date) -> dict[Figure, Tally]:
    rows = await database.fetch(_FROZEN_TALLIES, unit_id, month)
    figures_ = (Figure.ENROLMENT, Figure.SATISFACTION, Figure.RETURN_VISITS, Figure.TELEPHONE_TASKS)
    return {figure: Tally([row for row in rows if row["figure"] == figure.value]) for figure in figures_}


async def _reasons(units: Sequence[UUID], month: date) -> dict[Reason, int]:
    rows = await database.fetch(
        f"select s.reason, count(*) as n from figure_restatement s where {_OF_UNITS} group by s.reason",  # noqa: S608 — a constant.
        list(units),
        month,
    )
    return dict(Counter({Reason(row["reason"]): row["n"] for row in rows}).most_common())


@atomic()
async def restatements(
    actor: Actor, unit_id: UUID, month: date, *, after: Cursor | None = None, limit: int = 50
) -> list[Restated]:
    """What of a frozen month counts differently, newest first; each case is a recorded read.

    Ratings are listed without their scores. Raises NotFound for a unit out of scope, Invalid for no month's first day.
    """
    if month.day != 1:
        raise Invalid("report_month", "月份不对", "请填写该月第一天，例如 2026-03-01。")
    units = await units_in_scope(actor, unit_id)
    rows = await database.fetch(
        "select s.id, s.at, s.reason, s.figure, s.subject_id, s.case_id, c.reference, s.unit_id, u.name as unit_name,"  # noqa: S608 — a constant.
        " s.officer_id, o.name as officer_name, s.before::text as before, s.after::text as after"
        " from figure_restatement s left join case_file c on c.id = s.case_id left join unit u on u.id = s.unit_id"
        " left join officer o on o.id = s.officer_id"
        f" where {_OF_UNITS}"
        " and ($3::timestamptz is null or (s.at, s.id) < ($3, $4::uuid)) order by s.at desc, s.id desc limit $5",
        units,
        month,
        *(after or (None, None)),
        limit,
    )
    await record_reads(actor, rows)
    return [_restated(dict(row)) for row in rows]


def _restated(row: dict[str, Any]) -> Restated:
    before, after = orjson.loads(row.pop("before")), orjson.loads(row.pop("after"))
    if row["figure"] == Figure.SATISFACTION:
        before.pop("score", None)
        after.pop("score", None)
    return Restated(**row | {"reason": Reason(row["reason"])}, before=before, after=after)
