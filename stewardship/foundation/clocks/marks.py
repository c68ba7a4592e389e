"""What has to be done about a clock by now: warnings, breaches and escalations, each once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from stewardship.foundation.clocks.policy import Target
from stewardship.foundation.clocks.state import ClockState, Crossing, Episode, MarkKind, Status
from stewardship.foundation.duty_time import EscalationLevel


class MarkKey(NamedTuple):
    """What a mark is once for, within its clock: the unique key of what was carried out."""

    episode: int
    target: Target
    mark: str
    """See `Crossing.mark`."""


class Action(StrEnum):
    """What a mark asks for. The receiver is chosen when it is carried out (`duty_time.choose_receiver`)."""

    TELL_PARTY = "tell_party"
    """The promise was missed, who has it now, the new time."""
    TELL_OWNER = "tell_owner"
    """Or whoever is there for them: the roster from the steward upward."""
    TELL_LEVEL = "tell_level"
    """The roster from the mark's `level` upward."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A warning, breach or escalation that has fallen due and was not carried out yet."""

    key: MarkKey
    kind: MarkKind
    percent: int
    level: EscalationLevel | None
    """Escalations only."""
    due_at: datetime
    """The exact instant at which it fell due, however late it is carried out."""
    actions: tuple[Action, ...]
    """In this order. Empty: to be recorded, but too late to tell anybody."""
    owner: UUID
    unit: UUID
    """Who had the clock when it fell due."""
    new_due_at: datetime | None
    """Breaches: the new time to tell the party; None if that has passed too and must be reckoned from now."""


def due_marks(state: ClockState, marks_already: Collection[MarkKey], now: datetime) -> list[Mark]:
    """Everything that fell due up to now, that instant included, and is not among the marks carried out.

    Breaches come first, because the party hears of one before any superior does; the rest follows by due time. After
    downtime everything that fell due is there, each with its own instant; of several warnings for one target only the
    latest tells anybody, and nobody is told of what has been answered in the meantime.
    """
    done = set(marks_already)
    due = [(episode, one) for episode, one in state.crossings() if one.due_at <= now and _key(episode, one) not in done]
    marks = [_mark(state, episode, crossing, now) for episode, crossing in due]
    return sorted(marks, key=lambda mark: (mark.kind is not MarkKind.BREACH, mark.due_at, mark.key))


def next_trigger(state: ClockState, marks_already: Collection[MarkKey]) -> datetime | None:
    """The earliest instant at which `due_marks` has something; in the past if it has already."""
    done = set(marks_already)
    return min((one.due_at for episode, one in state.crossings() if _key(episode, one) not in done), default=None)


def unfounded_marks(state: ClockState, marks_already: Collection[MarkKey]) -> set[MarkKey]:
    """Marks carried out that the log no longer bears out, such as a breach before a call was logged that had kept it.

    They stay as a record of what was told; figures go by the state.
    """
    return set(marks_already) - {_key(episode, one) for episode, one in state.crossings()}


def carried_marks(source: ClockState, marks_already: Collection[MarkKey], into: ClockState) -> set[MarkKey]:
    """After a merge: the source's marks of its last episode as marks of the clock that it went into.

    Without them the party would hear a second time of the same missed promise.
    """
    return {MarkKey(into.episode, key.target, key.mark) for key in marks_already if key.episode == source.episode}


def _key(episode: Episode, crossing: Crossing) -> MarkKey:
    return MarkKey(episode.number, crossing.target, crossing.mark)


def _mark(state: ClockState, episode: Episode, crossing: Crossing, now: datetime) -> Mark:
    new_due = _new_due(episode, crossing.target, now) if crossing.kind is MarkKind.BREACH else None
    return Mark(
        key=_key(episode, crossing),
        kind=crossing.kind,
        percent=crossing.percent,
        level=crossing.level,
        due_at=crossing.due_at,
        actions=_actions(state, episode, crossing, now),
        owner=crossing.owner,
        unit=crossing.unit,
        new_due_at=new_due,
    )


def _actions(state: ClockState, episode: Episode, crossing: Crossing, now: datetime) -> tuple[Action, ...]:
    waiting = episode is state.current and episode.is_open and episode.target(crossing.target).met is None
    paused = episode.status is Status.PAUSED and crossing.target is Target.FULL
    if not waiting or (paused and crossing.kind is not MarkKind.BREACH) or _superseded(episode, crossing, now):
        return ()
    match crossing.kind:
        case MarkKind.WARNING:
            return (Action.TELL_OWNER,)
        case MarkKind.BREACH:
            return (Action.TELL_PARTY, Action.TELL_OWNER)
        case MarkKind.ESCALATION:
            return (Action.TELL_LEVEL,)


def _superseded(episode: Episode, crossing: Crossing, now: datetime) -> bool:
    """Whether it is a warning, and a later one or the breach of the same target is due too."""
    return crossing.kind is MarkKind.WARNING and any(
        other.due_at <= now and other.percent > crossing.percent
        for other in episode.crossings
        if other.target is crossing.target and other.kind is not MarkKind.ESCALATION
    )


def _new_due(episode: Episode, target: Target, now: datetime) -> datetime | None:
    """A second allowance after the first; for a first reply at least the full answer's time, if that is ahead."""
    second = episode.target(target).second_due_at
    candidates = (second, episode.full.due_at if target is Target.FIRST else None)
    return next((at for at in candidates if at is not None and at > now), None)
