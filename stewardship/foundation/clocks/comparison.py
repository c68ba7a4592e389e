"""Every stored clock against its log: what `steward clocks replay` reports. There is nothing to report, or a defect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit import clock as time
from kit import database
from kit.database import in_transaction
from stewardship.foundation.clocks import service
from stewardship.foundation.clocks.errors import ClockError
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import ClockState, MarkKey, MarkKind, next_trigger, unfounded_marks
from stewardship.foundation.duty_time import DutyTimeError

PAGE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that is not what the log says; `column` is `log` where the log itself cannot be replayed."""

    clock_id: UUID
    subject: tuple[str, UUID]
    column: str
    stored: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Compared:
    """One page of clocks; `last` is where the next begins, None after the end."""

    checked: int
    last: UUID | None
    differences: tuple[Difference, ...]


async def compare(after: UUID | None = None, limit: int = PAGE) -> Compared:
    """Recompute up to `limit` clocks from their logs, by their ids from `after` on. Changes nothing."""
    rows = await database.fetch(
        "select id from clock where $1::uuid is null or id > $1 order by id limit $2", after, limit
    )
    found: list[Difference] = []
    for row in rows:
        found += await _compare_one(row["id"])
    return Compared(len(rows), rows[-1]["id"] if len(rows) == limit else None, tuple(found))


async def _compare_one(clock_id: UUID) -> list[Difference]:
    """Under the clock's lock, so that its columns and its log are of the same moment."""
    async with in_transaction():
        clock = await Clock.select_for_update().get_or_none(id=clock_id)
        if clock is None:
            return []
        subject = (clock.subject_kind, clock.subject_id)
        try:
            state, marks = await service.state_of(clock), await service.marks_of(clock)
            expected = _columns(clock, state, marks)
        except (ClockError, DutyTimeError) as error:
            return [Difference(clock.id, subject, "log", None, str(error))]
        return [
            Difference(clock.id, subject, name, getattr(clock, name), value)
            for name, value in expected.items()
            if getattr(clock, name) != value
        ]


def _columns(clock: Clock, state: ClockState, marks: set[MarkKey]) -> dict[str, Any]:
    """What the columns must be. Whether it is breached is stored when something happens, not when time passes."""
    expected = service.stored_values(state, time.now()) | {
        "unit_id": state.unit,
        "owner_id": state.owner,
        "next_trigger_at": next_trigger(state, marks),
    }
    told = any(
        key.mark == MarkKind.BREACH and key.episode == state.episode for key in marks - unfounded_marks(state, marks)
    )
    if expected["breached"] and not told:
        # It fell due, and nothing has been written since.
        expected["breached"] = clock.breached
    return expected
