"""Pure: how an officer's cases are split over the colleagues who are there, by load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

CASE_POINTS = 2
INQUIRY_POINTS = 1
DUE_POINTS = 1
LONGEST_LEAVE = timedelta(days=366)
REASON_LENGTH = 120
NOTE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Work:
    """A case as a load: its questions that wait, and when the next thing about it falls due."""

    case_id: UUID
    waiting: int = 0
    due_at: datetime | None = None
    deputy_id: UUID | None = None

    def points(self, until: datetime) -> int:
        """What it weighs for whoever has it until then: something that falls due makes it heavier."""
        due = self.due_at is not None and self.due_at <= until
        return CASE_POINTS + INQUIRY_POINTS * self.waiting + DUE_POINTS * due


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who is there, with what they have already."""

    officer_id: UUID
    open_cases: int = 0
    waiting: int = 0

    @property
    def points(self) -> int:
        """Their own load, in the same points."""
        return CASE_POINTS * self.open_cases + INQUIRY_POINTS * self.waiting


def split(works: Sequence[Work], colleagues: Sequence[Colleague], until: datetime) -> dict[UUID, UUID]:
    """Who takes which case: the heaviest first, each to whoever has the least by then.

    Fair: nobody who is given a case has more than the least loaded by more than the lightest case they were given. The
    same input gives the same split, in whatever order it comes. Among the equally loaded the case's deputy goes first,
    because they know it. Empty where nobody is there.
    """
    if not colleagues:
        return {}
    load = {colleague.officer_id: colleague.points for colleague in colleagues}
    shares: dict[UUID, UUID] = {}
    for work in sorted(works, key=lambda each: (-each.points(until), each.case_id)):
        deputy = work.deputy_id
        taker = min(load, key=lambda officer: (load[officer], officer != deputy, officer))
        shares[work.case_id] = taker
        load[taker] += work.points(until)
    return shares
