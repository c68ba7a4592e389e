"""The clock engine: an append-only log, a pure function, a stored clock. See docs/decisions/promise-clock.md.

`replay` turns a log into a `ClockState`; `due_marks` says what has to be done about it by now; `next_trigger` when to
look again. Nothing here reads a clock or a database: the same log gives the same state on any day, whatever order its
entries come in and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from stewardship.foundation.clocks.errors import InvalidLog
from stewardship.foundation.clocks.fold import Fold
from stewardship.foundation.clocks.log import Binding, Channel, Entry, Kind, in_order
from stewardship.foundation.clocks.marks import (
    Action,
    Mark,
    MarkKey,
    carried_marks,
    due_marks,
    next_trigger,
    unfounded_marks,
)
from stewardship.foundation.clocks.policy import Allowance, AllowanceUnit, EscalationStep, Policy, Target
from stewardship.foundation.clocks.state import ClockState, Crossing, Episode, MarkKind, Segment, Status, TargetState
from stewardship.foundation.clocks.timeline import Book, measure
from stewardship.foundation.duty_time import DutyCalendar

__all__ = [
    "Action",
    "Allowance",
    "AllowanceUnit",
    "Binding",
    "Channel",
    "ClockState",
    "Crossing",
    "Entry",
    "Episode",
    "EscalationStep",
    "Kind",
    "Mark",
    "MarkKey",
    "MarkKind",
    "Policy",
    "Segment",
    "Status",
    "Target",
    "TargetState",
    "carried_marks",
    "due_from",
    "due_marks",
    "next_trigger",
    "replay",
    "unfounded_marks",
]


def replay(
    entries: Iterable[Entry], policies: Mapping[UUID, Policy], calendars: Mapping[UUID, DutyCalendar]
) -> ClockState:
    """What the log says, by the policies and calendars that its bindings name.

    Raises InvalidLog where the log is empty, does not start with a hand-over, or names a policy or calendar that is
    not given; DutyTimeError where a calendar cannot promise anything.
    """
    fold = Fold(policies)
    for entry in in_order(entries):
        fold.take(entry)
    if fold.last is None:
        raise InvalidLog("the log is empty")
    book = Book(policies, calendars, fold.last.at)
    binding = fold.binding
    return ClockState(
        episodes=tuple(measure(draft, book) for draft in fold.drafts),
        owner=binding.owner,
        unit=binding.unit,
        policy=binding.policy,
        calendar=binding.calendar,
        counters=fold.counters,
        merged_into=fold.merged_into,
        last_at=fold.last.at,
    )


def due_from(policy: Policy, calendar: DutyCalendar, target: Target, start: datetime) -> datetime | None:
    """When a target is due that starts to be counted then; None where the policy does not promise it.

    For the sentence that tells a party when to expect an answer. Raises DutyTimeError.
    """
    allowance = policy.allowance(target)
    return None if allowance is None else allowance.due(calendar, start)
