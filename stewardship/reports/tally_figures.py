"""Enrolment, ratings, return visits and telephone tasks of a unit in a period, read from their tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import asyncpg

from kit import database
from stewardship.reports.figures import Pieces
from stewardship.reports.rows import TALLIED
from stewardship.reports.rules import Figure, Period, Satisfaction, Share, satisfaction, share

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Tally:
    """A figure's rows, counted by state, score and detail."""

    groups: list[asyncpg.Record]

    @property
    def counted(self) -> int:
        """How many are in the sample."""
        return sum(g["n"] for g in self.groups if g["counted"])

    @property
    def share(self) -> Share:
        return share(sum(g["n"] for g in self.groups if g["counted"] and g["good"]), self.counted)

    @property
    def states(self) -> dict[str, int]:
        """Every row by its state, those outside the sample included."""
        return _summed((g["state"], g["n"]) for g in self.groups)

    @property
    def scores(self) -> dict[int, int]:
        """How often each score was given in the sample."""
        return _summed((g["score"], g["n"]) for g in self.groups if g["counted"] and g["score"])

    @property
    def satisfaction(self) -> Satisfaction:
        """Of ratings: what was answered, of all that were sent."""
        sent = sum(g["n"] for g in self.groups if g["state"] != "not_sent")
        return satisfaction(self.scores, sent)

    @property
    def converted(self) -> Share:
        """Of return visits: satisfied or basically satisfied then."""
        scores = self.scores
        return share(scores.get(1, 0) + scores.get(2, 0), self.counted)

    def details(self, state: str) -> dict[str, int]:
        """The rows of one state by their detail."""
        return _summed((g["detail"], g["n"]) for g in self.groups if g["state"] == state)


_TALLIES = """
select figure, state, score, detail, counted, good, sum(n)::int as n from figure_tally
where unit_id = $1 and figure = any($2::text[]) and (grain = 'month' and start >= $3 and start < $4
  or grain = 'day' and (start >= $5 and start < $3 or start >= $4 and start <= $6))
group by figure, state, score, detail, counted, good having sum(n) > 0
"""


async def tallied(unit_id: UUID, period: Period) -> dict[Figure, Tally]:
    """Every tallied figure of the unit with everything under it."""
    piece = Pieces.of(period)
    rows = await database.fetch(
        _TALLIES,
        unit_id,
        [figure.value for figure in TALLIED],
        piece.month,
        piece.month_end,
        piece.first,
        piece.last,
    )
    return {figure: Tally([row for row in rows if row["figure"] == figure.value]) for figure in TALLIED}


def _summed(pairs: Iterable[tuple[K, int]]) -> dict[K, int]:
    total: Counter[K] = Counter()
    for key, number in pairs:
        total[key] += number
    return dict(total)
