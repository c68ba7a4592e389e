"""From a draft of an episode to what is counted, due and crossed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeVar
from uuid import UUID

from stewardship.foundation.clocks.errors import InvalidLog
from stewardship.foundation.clocks.fold import UNSETTLED, Draft, Turn
from stewardship.foundation.clocks.log import Binding
from stewardship.foundation.clocks.policy import Allowance, AllowanceUnit, Policy, Target
from stewardship.foundation.clocks.state import Crossing, Episode, MarkKind, Segment, Status, TargetState
from stewardship.foundation.duty_time import DutyCalendar, EscalationLevel

ZERO = timedelta(0)
Stored = TypeVar("Stored")


class Stretch(NamedTuple):
    """A turn with its end; None while it lasts."""

    start: datetime
    end: datetime | None
    status: Status
    binding: Binding
    absent: bool


@dataclass(frozen=True, slots=True)
class Book:
    """The stored versions that a log refers to. Raises InvalidLog for one that is not given."""

    policies: Mapping[UUID, Policy]
    calendars: Mapping[UUID, DutyCalendar]
    last_at: datetime
    """The last entry's instant: as far as anything is counted."""

    def policy(self, binding: Binding) -> Policy:
        return _stored(self.policies, binding.policy, "policy")

    def calendar(self, binding: Binding) -> DutyCalendar:
        return _stored(self.calendars, binding.calendar, "calendar")

    def duty(self, stretch: Stretch) -> timedelta:
        """Duty time in the stretch, by its own calendar."""
        return self.calendar(stretch.binding).duty_between(stretch.start, stretch.end or self.last_at)


def _stored(versions: Mapping[UUID, Stored], key: UUID, name: str) -> Stored:
    try:
        return versions[key]
    except KeyError:
        raise InvalidLog(f"{name} {key} is not given") from None


def measure(draft: Draft, book: Book) -> Episode:
    """The episode as it stands. Raises InvalidLog, and DutyTimeError where a calendar cannot promise anything."""
    stretches = _stretches(draft)
    first = _Track(Target.FIRST, draft, book)
    full = _Track(Target.FULL, draft, book)
    states = first.run(stretches), full.run(stretches)
    crossings = sorted([*first.crossings(), *full.crossings()], key=lambda one: (one.due_at, one.target, one.mark))
    return Episode(
        number=draft.number,
        status=draft.status,
        started_at=draft.since,
        first=states[0],
        full=states[1],
        crossings=tuple(crossings),
        segments=_segments(draft, stretches, book),
        closed_at=draft.closed_at,
        close_reason=draft.close_reason,
        challenge_until=draft.challenge_until,
    )


def _stretches(draft: Draft) -> list[Stretch]:
    turns = [draft.turns[0]._replace(at=draft.since), *draft.turns[1:]]
    end = None if draft.status in UNSETTLED else draft.closed_at
    found = [_stretch(turn, later.at) for turn, later in pairwise(turns)]
    found.append(_stretch(turns[-1], end))
    # What lasted no time at all changes nothing, except that something must be promised from the first instant on.
    return [one for place, one in enumerate(found) if place == 0 or one.end is None or one.start < one.end]


def _stretch(turn: Turn, end: datetime | None) -> Stretch:
    return Stretch(turn.at, end, turn.status, turn.binding, turn.absent)


def _segments(draft: Draft, stretches: list[Stretch], book: Book) -> tuple[Segment, ...]:
    """One for each time that the owner, unit, calendar or status was another, up to the answer or close.

    While an answer from the record stands, nobody has anything to do; that time is a segment only once it is over.
    """
    found: list[Segment] = []
    until = draft.closed_at
    for stretch in stretches if until is None else [one for one in stretches if one.start < until]:
        hands, duty = stretch.binding, book.duty(stretch)
        segment = Segment(hands.owner, hands.unit, hands.calendar, stretch.status, stretch.start, stretch.end, duty)
        if found and _same_hands(found[-1], segment):
            found[-1] = replace(found[-1], end=segment.end, duty=found[-1].duty + duty)
        elif segment.start != segment.end:
            found.append(segment)
    return tuple(found)


def _same_hands(one: Segment, other: Segment) -> bool:
    return (one.owner, one.unit, one.calendar, one.status) == (other.owner, other.unit, other.calendar, other.status)


@dataclass(slots=True)
class _Track:
    """Follows one target through the stretches of an episode."""

    target: Target
    draft: Draft
    book: Book
    passed: dict[str, Crossing] = field(default_factory=dict)
    """Crossed before the log changed their premises: they stay, whatever comes later."""
    ahead: dict[str, Crossing] = field(default_factory=dict)
    """Crossed from here on, if nothing more is logged."""
    ran: list[Stretch] = field(default_factory=list)
    due: datetime | None = None
    last_due: datetime | None = None
    """What was promised before a pause or a new binding."""
    second_due: datetime | None = None
    provisional: bool = False
    promised: bool = False

    def run(self, stretches: list[Stretch]) -> TargetState:
        met = self.draft.first if self.target is Target.FIRST else self.draft.full
        stop = met.at if met is not None else None
        for stretch in stretches:
            clipped = self._clip(stretch, stop)
            if clipped is not None:
                self._pass_through(clipped, strictly=clipped.end is not None and clipped.end in (stop, self._closed))
        breach = self.passed.get(MarkKind.BREACH) or self.ahead.get(MarkKind.BREACH)
        ended = met is None and self.draft.status not in UNSETTLED
        return TargetState(
            target=self.target,
            promised=self.promised,
            due_at=None if ended and breach is None else self.due,
            due_is_provisional=self.provisional,
            breach_at=None if breach is None else breach.due_at,
            second_due_at=self.second_due,
            met=met,
            counted=sum((self.book.duty(one) for one in self.ran), ZERO),
            waited=None if stop is None else self._waited(stretches, stop),
        )

    def crossings(self) -> list[Crossing]:
        return [*self.passed.values(), *self.ahead.values()]

    @property
    def _closed(self) -> datetime | None:
        return None if self.draft.status in UNSETTLED else self.draft.closed_at

    def _clip(self, stretch: Stretch, stop: datetime | None) -> Stretch | None:
        """The part before the stop; None if there is none. A reply in the first instant has a promise to keep too."""
        if stop is None:
            return stretch
        if stretch.start >= stop > self.draft.since:
            return None
        if stretch.start > stop:
            return None
        return stretch._replace(end=stop if stretch.end is None else min(stretch.end, stop))

    def _waited(self, stretches: list[Stretch], stop: datetime) -> timedelta:
        clipped = (self._clip(stretch, stop) for stretch in stretches)
        return sum((self.book.duty(one) for one in clipped if one is not None), ZERO)

    def _pass_through(self, stretch: Stretch, *, strictly: bool) -> None:
        """Predict from the stretch's start, then keep as passed what its end did not forestall.

        At the very instant of a due time an answer still keeps the promise, but a pause or a transfer does not.
        """
        self.ahead = {}
        allowance = self.book.policy(stretch.binding).allowance(self.target)
        self.promised = allowance is not None
        runs = stretch.status is Status.OPEN or (self.target is Target.FIRST and stretch.status is Status.PAUSED)
        if not runs or allowance is None:
            breach = self.passed.get(MarkKind.BREACH)
            self.due = None if breach is None else breach.due_at
        else:
            self._predict(stretch, allowance)
        if runs:
            self.ran.append(stretch)
        if stretch.end is None:
            return
        for mark, crossing in self.ahead.items():
            if crossing.due_at < stretch.end or (crossing.due_at == stretch.end and not strictly):
                self.passed[mark] = crossing
        self.ahead = {}

    def _predict(self, stretch: Stretch, allowance: Allowance) -> None:
        policy, calendar = self.book.policy(stretch.binding), self.book.calendar(stretch.binding)
        nominal, total = allowance.due(calendar, self.draft.since), allowance.duty(calendar, self.draft.since)
        forecast = _Forecast(calendar, stretch.start, nominal, total, self._used(allowance, calendar))
        breach = self.passed.get(MarkKind.BREACH)
        due = breach.due_at if breach is not None else forecast.due(self.last_due)
        self.due = self.last_due = due
        self.second_due = forecast.after(200, due)
        self.provisional = calendar.provisional_between(self.draft.since, due)
        self._expect(stretch, MarkKind.BREACH, 100, due)
        for percent in policy.warn_at:
            self._expect(stretch, MarkKind.WARNING, percent, forecast.before(percent, due))
        for index, step in enumerate(policy.escalation):
            at = forecast.before(step.percent, due) if step.percent <= 100 else forecast.after(step.percent, due)
            if index == 0 and self._owner_is_away(stretch):
                at = min(at, calendar.next_duty(stretch.start))
            self._expect(stretch, MarkKind.ESCALATION, step.percent, at, step.level)

    def _expect(
        self, stretch: Stretch, kind: MarkKind, percent: int, at: datetime, level: EscalationLevel | None = None
    ) -> None:
        crossing = Crossing(self.target, kind, percent, level, at, stretch.binding.owner, stretch.binding.unit)
        if crossing.mark not in self.passed:
            self.ahead[crossing.mark] = crossing

    def _used(self, allowance: Allowance, calendar: DutyCalendar) -> timedelta:
        """What of the allowance is gone when the stretch begins.

        Duty minutes already run stay counted as they ran, whoever's they were. Working days are the same for every
        unit while duty hours are not, so they are reckoned anew by the calendar in force.
        """
        if allowance.unit is AllowanceUnit.DUTY_MINUTES:
            return sum((self.book.duty(one) for one in self.ran), ZERO)
        spans = ((one.start, one.end or self.book.last_at) for one in self.ran)
        return sum((calendar.duty_between(start, end) for start, end in spans), ZERO)

    def _owner_is_away(self, stretch: Stretch) -> bool:
        """Told once: for the first reply while that is awaited, else for the full answer."""
        if not stretch.absent:
            return False
        replied = self.draft.first is not None and self.draft.first.at <= stretch.start
        return self.target is Target.FIRST or replied or self.book.policy(stretch.binding).first_response is None


class _Forecast(NamedTuple):
    """When percentages of an allowance are reached, seen from an instant at which some of it is used."""

    calendar: DutyCalendar
    start: datetime
    nominal: datetime
    """When all of it would be gone had the clock run from its start without a pause."""
    total: timedelta
    used: timedelta

    def due(self, last_due: datetime | None) -> datetime:
        """When all of it is gone. Where a new binding would have it gone already, the time promised before stands."""
        at = self._reached(100) or self.calendar.next_duty(max(self.start, last_due or self.start))
        # A working day from 8:30 to 8:30 holds as much duty as one to the evening before; the promise is the former.
        same = at < self.nominal and not self.calendar.duty_between(at, self.nominal)
        return self.nominal if same else at

    def before(self, percent: int, due: datetime) -> datetime:
        """When a percentage up to 100 is reached; at once in duty time if it already was."""
        at = self._reached(percent) or self.calendar.next_duty(self.start)
        if due < self.start:
            return at
        return due if percent == 100 else min(due, at)

    def after(self, percent: int, due: datetime) -> datetime:
        """When a percentage above 100 is reached."""
        if due >= self.start:
            return self.calendar.add_duty(due, self.total * (percent - 100) // 100)
        return self._reached(percent) or self.calendar.next_duty(self.start)

    def _reached(self, percent: int) -> datetime | None:
        need = self.total * percent // 100 - self.used
        return self.calendar.add_duty(self.start, need) if need > ZERO else None
