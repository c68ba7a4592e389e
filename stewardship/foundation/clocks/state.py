"""What replaying a clock's log gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from stewardship.foundation.clocks.log import Channel, Kind
from stewardship.foundation.clocks.policy import Target
from stewardship.foundation.duty_time import EscalationLevel


class Status(StrEnum):
    """Where an episode stands."""

    OPEN = "open"
    PAUSED = "paused"
    """The full answer waits for the party or for something outside; the first reply does not."""
    PROVISIONAL = "provisional"
    """Answered from the record; the party may challenge it."""
    ANSWERED = "answered"
    CLOSED = "closed"
    """Needed no reply."""
    MERGED = "merged"


class MarkKind(StrEnum):
    WARNING = "warning"
    BREACH = "breach"
    ESCALATION = "escalation"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A point at which a warning, breach or escalation falls due: passed, or ahead if nothing more is logged."""

    target: Target
    kind: MarkKind
    percent: int
    level: EscalationLevel | None
    """Escalations only."""
    due_at: datetime
    owner: UUID
    unit: UUID
    """Who had the clock then."""

    @property
    def mark(self) -> str:
        """Its name within the episode and target: `warning:50`, `breach`, `escalation:instructor`."""
        if self.kind is MarkKind.WARNING:
            return f"{self.kind}:{self.percent}"
        return f"{self.kind}:{self.level.name.lower()}" if self.level is not None else self.kind.value


@dataclass(frozen=True, slots=True)
class Reply:
    """What met a target."""

    at: datetime
    person: UUID | None
    """None where it came with a merged clock."""
    kind: Kind
    channel: Channel | None


@dataclass(frozen=True, slots=True)
class TargetState:
    """One target in one episode. Durations are duty time on the calendars that were in force."""

    target: Target
    promised: bool
    """Whether the policy last in force promises it."""
    due_at: datetime | None
    """When it is due, or was when it was met; None while paused, and where nothing was promised or stopped before."""
    due_is_provisional: bool
    """The due time runs over days whose holidays are not published: not to be shown as final."""
    breach_at: datetime | None
    """When it was missed; equal to `due_at` while open, and then only a fact once that has passed."""
    second_due_at: datetime | None
    """The new time that the party is told at a breach: a second allowance after the first one."""
    met: Reply | None
    counted: timedelta
    """What counted against the allowance, up to the reply, the close or the last entry."""
    waited: timedelta | None
    """From the earliest unanswered message to the reply: pauses and provisional answers included."""

    @property
    def met_at(self) -> datetime | None:
        return None if self.met is None else self.met.at

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None while that is open or was never promised."""
        if self.met is None or not self.promised:
            return None
        return self.breach_at is None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in which one owner of one unit had the clock in one status, `[start, end)`; end None: still so."""

    owner: UUID
    unit: UUID
    calendar: UUID
    status: Status
    """OPEN, PAUSED or PROVISIONAL."""
    start: datetime
    end: datetime | None
    duty: timedelta
    """Duty time in it; of an open one, up to the last entry."""


@dataclass(frozen=True, slots=True)
class Episode:
    """From an unanswered message to its answer; reopening starts another one and leaves this untouched."""

    number: int
    """From 1."""
    status: Status
    started_at: datetime
    """The earliest unanswered message."""
    first: TargetState
    full: TargetState
    crossings: tuple[Crossing, ...]
    """By due time."""
    segments: tuple[Segment, ...]
    closed_at: datetime | None
    close_reason: str | None
    challenge_until: datetime | None
    """Until when an answer from the record may be challenged; then it stands."""

    @property
    def is_open(self) -> bool:
        return self.status in (Status.OPEN, Status.PAUSED)

    def target(self, target: Target) -> TargetState:
        return self.first if target is Target.FIRST else self.full

    def held_at(self, at: datetime | None) -> Segment | None:
        """Who had it at an instant; in the last moment, before the next owner's began. None: whoever had it last.

        Nobody where it was settled in the instant in which it was asked.
        """
        held = [segment for segment in self.segments if at is None or segment.start < at] or list(self.segments[:1])
        return held[-1] if held else None


@dataclass(frozen=True, slots=True)
class Counters:
    """How often things happened, over all episodes."""

    asked: int = 0
    acknowledged: int = 0
    """By the machine; never a reply."""
    answered_from_record: int = 0
    """By the machine; never a person's reply."""
    replies: int = 0
    """By a person, seen by the party: answers, holding replies, questions back."""
    clarifications: int = 0
    challenged: int = 0
    reopened: int = 0
    handed_over: int = 0
    """Changes of owner or unit after the first binding."""
    merged: int = 0
    ignored: int = 0
    """Entries that changed nothing where they stood: an answer when nothing was asked, a resume without a pause."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """A clock as its log tells it. The short names speak of the last episode."""

    episodes: tuple[Episode, ...]
    owner: UUID
    unit: UUID
    policy: UUID
    calendar: UUID
    counters: Counters
    merged_into: UUID | None
    last_at: datetime
    """The last entry's instant."""

    @property
    def current(self) -> Episode | None:
        return self.episodes[-1] if self.episodes else None

    @property
    def episode(self) -> int:
        """The last episode's number; 0 where nothing was asked yet."""
        return len(self.episodes)

    @property
    def is_open(self) -> bool:
        """Whether somebody waits for an answer. False while an answer from the record stands provisionally."""
        return self.current is not None and self.current.is_open

    @property
    def is_paused(self) -> bool:
        return self.current is not None and self.current.status is Status.PAUSED

    @property
    def is_provisional(self) -> bool:
        return self.current is not None and self.current.status is Status.PROVISIONAL

    @property
    def earliest_unanswered_at(self) -> datetime | None:
        """Since when the party waits; None where nobody does."""
        return self.current.started_at if self.current is not None and self.current.is_open else None

    @property
    def first_due_at(self) -> datetime | None:
        return None if self.current is None else self.current.first.due_at

    @property
    def full_due_at(self) -> datetime | None:
        return None if self.current is None else self.current.full.due_at

    @property
    def first_response_at(self) -> datetime | None:
        return None if self.current is None else self.current.first.met_at

    @property
    def full_answer_at(self) -> datetime | None:
        return None if self.current is None else self.current.full.met_at

    def crossings(self) -> Iterator[tuple[Episode, Crossing]]:
        """All of them, over all episodes."""
        for episode in self.episodes:
            for crossing in episode.crossings:
                yield episode, crossing

    def is_breached(self, now: datetime) -> bool:
        """Whether a promise of the last episode was missed by then."""
        targets = (self.current.first, self.current.full) if self.current is not None else ()
        return any(target.breach_at is not None and target.breach_at <= now for target in targets)
