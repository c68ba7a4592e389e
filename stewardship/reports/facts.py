"""What an inquiry contributes to the figures: a pure function of its rows and, where it needs it, its clock's log.

Each episode is a question of its own: a reopened inquiry was asked again, and what its first answer was stays counted,
so that nobody mends a late answer by reopening it. A promise counts for who had the question when it was kept or
missed, so that nobody hands a breach on.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from kit import clock as time
from stewardship.dialogue.inquiries.models import InquiryState
from stewardship.foundation.clocks.rules import ClockState, Episode, Status, TargetState
from stewardship.foundation.clocks.rules import Target as Promise
from stewardship.reports.bins import bin_of

UNKNOWN = "unknown"
WAITING, ANSWERED, FROM_RECORD, CLOSED, MERGED = "waiting", "answered", "from_record", "closed", "merged"
STATES = {
    InquiryState.WAITING: WAITING,
    InquiryState.ANSWERED: ANSWERED,
    InquiryState.ANSWERED_FROM_RECORD: FROM_RECORD,
    InquiryState.CLOSED: CLOSED,
    InquiryState.MERGED: MERGED,
}
_EARLIER = {Status.ANSWERED: ANSWERED, Status.PROVISIONAL: FROM_RECORD, Status.CLOSED: CLOSED, Status.MERGED: MERGED}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who had a question: an officer, or nobody named, of a unit."""

    unit: UUID
    officer: UUID | None


@dataclass(frozen=True, slots=True)
class Target:
    """How one promise went; `holder` had the question when that was settled, or has it now."""

    holder: Holder
    met_at: datetime | None = None
    due_at: datetime | None = None
    seconds: int | None = None
    missed: bool | None = None
    """As the log says; None where only the clock's columns are left."""

    def in_time(self, breached: bool) -> bool | None:
        """None until there is a reply. `breached`: whether either promise of the episode was."""
        if self.met_at is None:
            return None
        if self.missed is not None:
            return not self.missed
        return not breached or (self.due_at is not None and self.met_at <= self.due_at)


@dataclass(frozen=True, slots=True)
class Asked:
    """An inquiry as its rows tell: what was asked, on which channel, and where it stands."""

    id: UUID
    case_id: UUID
    opened_at: datetime
    kind: str
    channel: str
    asked_for: str
    state: InquiryState
    unit_id: UUID
    owner_id: UUID | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one episode went."""

    number: int
    started_at: datetime
    state: str
    last: Holder
    first: Target
    full: Target
    breached: bool
    challenged: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of `inquiry_fact`; see there."""

    id: UUID
    inquiry_id: UUID
    episode: int
    case_id: UUID
    opened_at: datetime
    day: date
    hour: int
    kind: str
    channel: str
    asked_for: str
    state: str
    unit_id: UUID
    owner_id: UUID | None
    first_unit_id: UUID | None
    first_owner_id: UUID | None
    full_unit_id: UUID | None
    full_owner_id: UUID | None
    first_in_time: bool | None
    full_in_time: bool | None
    first_seconds: int | None
    full_seconds: int | None
    first_bin: int | None
    full_bin: int | None
    full_due_at: datetime | None
    breached: bool
    challenged: bool
    first_adjusted: bool = False
    """A breach that was found to be none: counted as kept beside the raw figure, never in it."""
    full_adjusted: bool = False

    def values(self) -> tuple[Any, ...]:
        """The columns, in order."""
        return tuple(getattr(self, name) for name in self.__slots__)


COLUMNS = tuple(Fact.__slots__)


def fact_id(inquiry_id: UUID, episode: int) -> UUID:
    """The first episode's is the inquiry's own; every other follows from it."""
    return inquiry_id if episode == 1 else uuid5(inquiry_id, str(episode))


def from_columns(asked: Asked, columns: dict[str, Any] | None, *, challenged: bool) -> Outcome:
    """The last episode where nothing else needs to be known: it never had a clock, or one officer had it and kept it.

    So too where the log was deleted, after its time.
    """
    holder = Holder(asked.unit_id, asked.owner_id)
    if columns is None:
        return Outcome(1, asked.opened_at, STATES[asked.state], holder, Target(holder), Target(holder), False, False)
    holder = _holder(columns["unit_id"], columns["owner_id"])
    return Outcome(
        number=columns["episode"],
        started_at=asked.opened_at if columns["episode"] == 1 else columns["started_at"],
        state=STATES[asked.state],
        last=holder,
        first=Target(holder, columns["first_at"], columns["first_due_at"], columns["first_duty_seconds"]),
        full=Target(holder, columns["full_at"], columns["full_due_at"], columns["full_duty_seconds"]),
        breached=columns["breached"],
        challenged=challenged,
    )


def from_log(asked: Asked, state: ClockState, *, breached: bool, challenged: bool) -> list[Outcome]:
    """Every episode, with who had it when. `breached`: whether the last one is, as its clock was stored."""
    usual = Holder(asked.unit_id, asked.owner_id)
    outcomes = [_of_episode(each, usual, _EARLIER.get(each.status, WAITING)) for each in state.episodes]
    last = replace(outcomes[-1], state=STATES[asked.state], breached=breached)
    first = replace(outcomes[0] if len(outcomes) > 1 else last, started_at=asked.opened_at, challenged=challenged)
    return [first] if len(outcomes) == 1 else [first, *outcomes[1:-1], last]


def _of_episode(episode: Episode, usual: Holder, state: str) -> Outcome:
    return Outcome(
        number=episode.number,
        started_at=episode.started_at,
        state=state,
        last=_held(episode, usual, None),
        first=_target(episode, usual, episode.first),
        full=_target(episode, usual, episode.full),
        breached=any(target.breach_at is not None for target in (episode.first, episode.full)),
        challenged=False,
    )


def _target(episode: Episode, usual: Holder, target: TargetState) -> Target:
    seconds = None if target.waited is None else round(target.waited.total_seconds())
    settled = target.breach_at or target.met_at
    return Target(_held(episode, usual, settled), target.met_at, target.due_at, seconds, target.breach_at is not None)


def _held(episode: Episode, usual: Holder, at: datetime | None) -> Holder:
    """`usual`: whose it counts as where it was settled in the instant in which it was asked."""
    segment = episode.held_at(at)
    return usual if segment is None else _holder(segment.unit, segment.owner)


def _holder(unit: UUID, owner: UUID) -> Holder:
    return Holder(unit, None if owner == unit else owner)


def fact_of(asked: Asked, outcome: Outcome) -> Fact:
    """What an episode contributes. The legal day and hour are those in which it was asked, in Asia/Shanghai."""
    local, last = time.local(outcome.started_at), outcome.last
    first, full = outcome.first, outcome.full
    first_holder, full_holder = _apart(first.holder, full.holder, last)
    return Fact(
        id=fact_id(asked.id, outcome.number),
        inquiry_id=asked.id,
        episode=outcome.number,
        case_id=asked.case_id,
        opened_at=outcome.started_at,
        day=local.date(),
        hour=local.hour,
        kind=asked.kind,
        channel=asked.channel,
        asked_for=asked.asked_for,
        state=outcome.state,
        unit_id=last.unit,
        owner_id=last.officer,
        first_unit_id=first_holder.unit if first_holder else None,
        first_owner_id=first_holder.officer if first_holder else None,
        full_unit_id=full_holder.unit if full_holder else None,
        full_owner_id=full_holder.officer if full_holder else None,
        first_in_time=first.in_time(outcome.breached),
        full_in_time=full.in_time(outcome.breached),
        first_seconds=first.seconds,
        full_seconds=full.seconds,
        first_bin=_bin(first),
        full_bin=_bin(full),
        full_due_at=full.due_at if outcome.state == WAITING and full.met_at is None else None,
        breached=outcome.breached,
        challenged=outcome.challenged,
    )


def adjusted(facts: Iterable[Fact], accepted: Set[tuple[UUID, int, Promise]]) -> list[Fact]:
    """The same, with the breaches that were found to be none, as far as these are in the sample that they adjust.

    What was kept after all needs no adjusting; a first reply that was never given is in no sample.
    """
    return [
        replace(
            fact,
            first_adjusted=fact.first_in_time is False and (fact.inquiry_id, fact.episode, Promise.FIRST) in accepted,
            full_adjusted=_late_in_full(fact) and (fact.inquiry_id, fact.episode, Promise.FULL) in accepted,
        )
        for fact in facts
    ]


def _late_in_full(fact: Fact) -> bool:
    return fact.full_in_time is False or (fact.full_in_time is None and fact.full_due_at is not None)


def _apart(first: Holder, full: Holder, last: Holder) -> tuple[Holder | None, Holder | None]:
    return (None if first == last else first), (None if full == last else full)


def _bin(target: Target) -> int | None:
    return None if target.met_at is None or target.seconds is None else bin_of(target.seconds)
