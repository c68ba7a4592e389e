"""Noting what counts differently of a frozen month, with its reason, in the transaction in which it is counted anew.

The difference between a month's frozen and its present figures is exactly what the notes tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kit import clock, database
from stewardship.reports.facts import Fact
from stewardship.reports.months.models import Restatement
from stewardship.reports.months.rules import COUNTED, counts_differently, reason_of, reason_of_tally

if TYPE_CHECKING:
    from stewardship.reports.tallies import Tallied

QUESTION = "question"


async def restate_questions(changed: Iterable[Fact], known: Mapping[UUID, Fact]) -> None:
    """Note which of these belong to a frozen month, and why they count differently."""
    differing = [(known.get(fact.id), fact) for fact in changed if counts_differently(known.get(fact.id), fact)]
    frozen = await frozen_months({fact.day for _, fact in differing})
    months = [(before, after, frozen.get(after.day.replace(day=1))) for before, after in differing]
    await _note([_of_question(before, after, at) for before, after, at in months if at is not None])


async def restate_tallies(fresh: Mapping[UUID, Tallied], known: Mapping[UUID, Tallied], ids: Iterable[UUID]) -> None:
    """The same for what is tallied; what is in `known` only was taken out."""
    pairs = [(known.get(id_), fresh.get(id_)) for id_ in ids]
    frozen = await frozen_months({either.day for pair in pairs for either in pair if either is not None})
    notes_ = [_of_tally(before, after) for before, after in pairs if (after or before) is not None]
    await _note([note for note in notes_ if note.month in frozen])


async def frozen_months(days: Iterable[date]) -> dict[date, datetime]:
    """Of the months of these days, which are frozen since when."""
    months = {day.replace(day=1) for day in days}
    if not months:
        return {}
    rows = await database.fetch("select month, frozen_at from figure_month where month = any($1::date[])", list(months))
    return {row["month"]: row["frozen_at"] for row in rows}


async def _note(restatements: list[Restatement]) -> None:
    if restatements:
        await Restatement.bulk_create(restatements)


def _of_question(before: Fact | None, after: Fact, frozen_at: datetime) -> Restatement:
    return Restatement(
        month=after.day.replace(day=1),
        at=clock.now(),
        reason=reason_of(before, after, frozen_at),
        figure=QUESTION,
        subject_id=after.inquiry_id,
        case_id=after.case_id,
        unit_id=after.unit_id,
        before_unit_id=before.unit_id if before and before.unit_id != after.unit_id else None,
        officer_id=after.owner_id,
        before=_values(before, after),
        after=_values(after, before),
    )


def _values(of: Fact | None, other: Fact | None) -> dict[str, Any]:
    """What differs, as codes and numbers."""
    if of is None:
        return {}
    names = [name for name in COUNTED if other is None or getattr(of, name) != getattr(other, name)]
    return {name: _plain(getattr(of, name)) for name in names}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def _of_tally(before: Tallied | None, after: Tallied | None) -> Restatement:
    either = after or before
    assert either is not None  # noqa: S101 — the caller leaves out pairs of nothing.
    return Restatement(
        month=either.day.replace(day=1),
        at=clock.now(),
        reason=reason_of_tally(before, after),
        figure=either.figure,
        subject_id=either.id,
        unit_id=either.unit_id,
        before_unit_id=before.unit_id if before and before.unit_id != either.unit_id else None,
        before={"state": before.state, "score": before.score} if before else {},
        after={"state": after.state, "score": after.score} if after else {},
    )
