"""Tallies of what is not a question: enrolment, ratings, return visits, telephone tasks; kept as the roll-ups are.

A state that time alone changes (24 hours are over, a call is overdue) is noted with the instant at which it turns, and
counted anew then.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from kit import clock as time
from kit import database
from stewardship.reports.months import restating
from stewardship.reports.rows import TALLIED
from stewardship.reports.rules import Figure
from stewardship.reports.tally_sql import ADD, TAKE_AWAY

SUBJECTS: dict[str, tuple[Figure, ...]] = {
    "party": (Figure.ENROLMENT,),
    "rating": (Figure.SATISFACTION,),
    "visit": (Figure.RETURN_VISITS, Figure.TELEPHONE_TASKS),
}
SUBJECT_OF = {figure: subject for subject, figures in SUBJECTS.items() for figure in figures}


@dataclass(frozen=True, slots=True)
class Tallied:
    """A row of `tally_fact`; see there."""

    id: UUID
    figure: str
    unit_id: UUID
    day: date
    state: str
    score: int
    detail: str
    counted: bool
    good: bool
    turns_at: datetime | None

    def values(self) -> tuple[Any, ...]:
        """The columns, in order."""
        return tuple(getattr(self, name) for name in self.__slots__)


COLUMNS = tuple(Tallied.__slots__)
_WRITE = (
    f"insert into tally_fact ({', '.join(COLUMNS)})"  # noqa: S608 — constants.
    f" values ({', '.join(f'${index}' for index in range(1, len(COLUMNS) + 1))}) on conflict (id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
)


async def turned(limit: int) -> dict[str, set[UUID]]:
    """By subject, what time alone has changed since it was counted."""
    rows = await database.fetch(
        "select figure, id from tally_fact where turns_at <= $1 order by turns_at limit $2", time.now(), limit
    )
    found: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        found[SUBJECT_OF[Figure(row["figure"])]].add(row["id"])
    return found


async def keep(subject: str, ids: set[UUID]) -> list[UUID]:
    """Bring their facts and tallies up to date; answers which differed. The caller is the keeper."""
    fresh, known = await contributions(subject, ids), await stored(ids)
    changed = [fact for id_, fact in fresh.items() if known.get(id_) != fact]
    gone = known.keys() - fresh.keys()
    differing = [*(fact.id for fact in changed), *gone]
    if differing:
        await database.execute(TAKE_AWAY, differing)
        await database.execute("delete from tally_fact where id = any($1::uuid[])", list(gone))
        async with database.raw() as connection:
            await connection.executemany(_WRITE, [fact.values() for fact in changed])
        await database.execute(ADD, [fact.id for fact in changed])
        await restating.restate_tallies(fresh, known, differing)
    return differing


async def contributions(subject: str, ids: set[UUID]) -> dict[UUID, Tallied]:
    """What they contribute, from their rows as they are now."""
    found = {}
    for figure in SUBJECTS[subject]:
        rows = await database.fetch(
            "select r.id, r.unit_id, r.at, r.state, coalesce(r.score, 0) as score, r.detail, r.counted, r.good,"  # noqa: S608 — constants.
            f" r.turns_at from ({TALLIED[figure].by_id}) r"
            " where num_nulls($1::uuid[], $2::timestamptz, $3::timestamptz, $4::timestamptz) >= 0",
            list(ids),
            None,
            None,
            time.now(),
        )
        for r in rows:
            found[r["id"]] = Tallied(
                r["id"],
                figure.value,
                r["unit_id"],
                time.local(r["at"]).date(),
                r["state"],
                r["score"],
                r["detail"],
                r["counted"],
                bool(r["good"]),
                r["turns_at"],
            )
    return found


async def stored(ids: set[UUID]) -> dict[UUID, Tallied]:
    """Facts as they were last counted."""
    rows = await database.fetch(
        f"select {', '.join(COLUMNS)} from tally_fact where id = any($1::uuid[])",  # noqa: S608 — constants.
        list(ids),
    )
    return {row["id"]: Tallied(**row) for row in rows}
