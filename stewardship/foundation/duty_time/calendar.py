"""Duty calendars: which minutes of which day a unit is on duty, and arithmetic in that time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from stewardship.foundation.duty_time.errors import InvalidCalendar, NoDutyTime, OutOfRange
from stewardship.foundation.duty_time.holidays import DayKind, PublishedHolidays

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had no daylight saving since 1991 and reckoning begins in 2000, so that a fixed offset is exact."""

BLOCK = 400
"""Days whose duty is added up at a time. A whole block without duty means that nothing can be promised."""
MAX_DAYS = 3660
"""The longest duration or count of working days that is reckoned with: ten years."""

_DAY = 24 * 60
_MICRO = timedelta(microseconds=1)
_MINUTE_US = 60_000_000
_DAY_US = _DAY * _MINUTE_US
_EPOCH = datetime(2000, 1, 1, tzinfo=SHANGHAI)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_LAST_DAY = date(2200, 1, 1).toordinal() - _EPOCH_ORDINAL


class Interval(NamedTuple):
    """Minutes since 00:00 of the day on which duty starts, `[start, end)`. An end above 1440 is the next morning."""

    start: int
    end: int


Pattern = tuple[Interval, ...]
"""One day's duty, in order, without overlap; 24 hours are `(0, 1440)`."""


@dataclass(frozen=True, slots=True)
class DutyCalendar:
    """One version of a unit's duty hours, never changed once used: an edit is a new version.

    Minutes, days and weekdays are those of Asia/Shanghai; instants may carry any zone and come back in UTC. Keep an
    instance for as long as its version is used: it remembers what it has added up.
    """

    version: int
    """Unique within the deployment."""
    weekly: tuple[Pattern, ...]
    """Seven patterns, Monday first."""
    holiday: Pattern = ()
    """Duty on a public holiday."""
    make_up: int = 0
    """The weekday (0 = Monday) whose pattern a make-up workday on a weekend follows."""
    every_day: bool = False
    """The unit keeps its weekly pattern through holidays, make-up days and overrides: a 24-hour station."""
    overrides: Mapping[date, DayKind] = field(default_factory=dict, hash=False)
    """What an administrator has laid down for single days; it wins over what was published."""
    published: PublishedHolidays = field(default_factory=PublishedHolidays.from_library)

    _civil: dict[int, Pattern] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By day since the epoch: what falls on that civil day, last evening's tail included."""
    _sums: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By block: microseconds of duty before each of its days, and in the whole."""

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise InvalidCalendar("weekly: seven days are needed, Monday first")
        if not 0 <= self.make_up <= 6:
            raise InvalidCalendar("make_up: 0 (Monday) to 6 (Sunday)")
        object.__setattr__(self, "weekly", tuple(_check_pattern(pattern) for pattern in self.weekly))
        object.__setattr__(self, "holiday", _check_pattern(self.holiday))
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))

    # --- days ---------------------------------------------------------------------------------------------------------

    def kind(self, day: date) -> DayKind | None:
        """What an override or the published notice says of the day; None: the weekday rule."""
        return self.overrides.get(day) or self.published.kind(day)

    def is_workday(self, day: date) -> bool:
        """Whether the day is a working day by law (Monday to Friday but for holidays, and make-up days).

        It is the same for every unit: a 24-hour station counts "1 working day" as a citizen does.
        """
        kind = self.kind(day)
        return day.weekday() < 5 if kind is None else kind is DayKind.WORKDAY

    def is_provisional(self, day: date) -> bool:
        """Whether the day's kind is a guess by its weekday, because its year is not published."""
        return not self.published.covers(day.year) and day not in self.overrides

    def provisional_between(self, start: datetime, end: datetime) -> bool:
        """Whether a day from start's to end's is provisional: what is reckoned over it is never shown as final."""
        first, last = _split(start)[0], _split(end)[0]
        return any(self.is_provisional(_day(number)) for number in range(first, last + 1))

    def intervals(self, day: date) -> Pattern:
        """The duty that starts on the day."""
        kind = None if self.every_day else self.kind(day)
        if kind is DayKind.HOLIDAY:
            return self.holiday
        made_up = kind is DayKind.WORKDAY and day.weekday() >= 5
        return self.weekly[self.make_up if made_up else day.weekday()]

    # --- instants -----------------------------------------------------------------------------------------------------

    def is_on_duty(self, at: datetime) -> bool:
        """Whether the unit is on duty at the instant. Raises OutOfRange."""
        number, micros = _split(at)
        return any(start * _MINUTE_US <= micros < end * _MINUTE_US for start, end in self._on(number))

    def next_duty(self, at: datetime) -> datetime:
        """The instant itself if on duty, else when duty next starts. Raises NoDutyTime, OutOfRange."""
        number, micros = _split(at)
        block, elapsed = self._until(number, micros)
        # The first microsecond of duty that is still to come ends one microsecond after duty starts.
        return self._locate(block, elapsed + 1) - _MICRO

    def add_duty(self, start: datetime, duration: timedelta) -> datetime:
        """The earliest instant by which that much duty time has passed since start (at the end of a shift: its end).

        No duration at all gives `next_duty(start)`. Raises NoDutyTime, OutOfRange (also for a negative duration).
        """
        if not timedelta(0) <= duration <= timedelta(days=MAX_DAYS):
            raise OutOfRange(f"a duration must lie between 0 and {MAX_DAYS} days")
        if not duration:
            return self.next_duty(start)
        block, elapsed = self._until(*_split(start))
        return self._locate(block, elapsed + duration // _MICRO)

    def duty_between(self, start: datetime, end: datetime) -> timedelta:
        """Duty time from start to end; zero where end is not after start. Raises OutOfRange."""
        (first, before), (last, until) = self._until(*_split(start)), self._until(*_split(end))
        if end <= start:
            return timedelta(0)
        return timedelta(microseconds=until - before + sum(self._block(block)[-1] for block in range(first, last)))

    def add_working_days(self, start: datetime, count: int) -> datetime:
        """The same time of day on the count-th working day after start, moved into that day's duty.

        Start first moves to when duty next starts. An instant after midnight within a night shift belongs to the day
        on which the shift began. Duty on a day that is no working day counts for nothing: reckoning then starts with
        the next working day's duty. Where that time of day is off duty on the last day, the end of the duty before it
        holds (its first minute, if none came before), so that a promise never slips past its day; a working day
        without any duty gives the next duty. Raises NoDutyTime, OutOfRange.
        """
        if not 1 <= count <= MAX_DAYS:
            raise OutOfRange(f"working days must be 1 to {MAX_DAYS}")
        number, micros = self._duty_day(self.next_duty(start))
        if not self.is_workday(_day(number)):
            number, micros = self._next_working_duty(number)
        for _ in range(count):
            number = self._next_workday(number)
        return self._clip(number, micros)

    # --- JSON ---------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values for a jsonb column; `from_json` gives an equal calendar."""
        return {
            "version": self.version,
            "weekly": [[list(interval) for interval in pattern] for pattern in self.weekly],
            "holiday": [list(interval) for interval in self.holiday],
            "make_up": self.make_up,
            "every_day": self.every_day,
            "overrides": {day.isoformat(): kind.value for day, kind in sorted(self.overrides.items())},
            "published": self.published.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises InvalidCalendar where something is missing or wrong."""
        try:
            return cls(
                version=int(data["version"]),
                weekly=tuple(_pattern_from(pattern) for pattern in data["weekly"]),
                holiday=_pattern_from(data["holiday"]),
                make_up=int(data["make_up"]),
                every_day=bool(data["every_day"]),
                overrides={date.fromisoformat(day): DayKind(kind) for day, kind in data["overrides"].items()},
                published=PublishedHolidays.from_json(data["published"]),
            )
        except InvalidCalendar:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidCalendar(f"calendar: {error}") from error

    # --- how it adds up -----------------------------------------------------------------------------------------------

    def _on(self, number: int) -> Pattern:
        """What of duty falls on the civil day, merged, within 0 to 1440."""
        found = self._civil.get(number)
        if found is None:
            tail = [Interval(0, end - _DAY) for _, end in self._starting(number - 1) if end > _DAY]
            own = [Interval(start, min(end, _DAY)) for start, end in self._starting(number)]
            found = self._civil[number] = tuple(_merge(sorted([*tail, *own])))
        return found

    def _starting(self, number: int) -> Pattern:
        return self.intervals(_day(number))

    def _block(self, block: int) -> tuple[int, ...]:
        found = self._sums.get(block)
        if found is None:
            sums = [0]
            for number in range(block * BLOCK, (block + 1) * BLOCK):
                sums.append(sums[-1] + sum(end - start for start, end in self._on(number)) * _MINUTE_US)
            found = self._sums[block] = tuple(sums)
        return found

    def _until(self, number: int, micros: int) -> tuple[int, int]:
        """The instant's block, and the microseconds of duty in that block before it."""
        block, index = divmod(number, BLOCK)
        spans = ((start * _MINUTE_US, end * _MINUTE_US) for start, end in self._on(number))
        return block, self._block(block)[index] + sum(max(0, min(micros, end) - start) for start, end in spans)

    def _locate(self, block: int, need: int) -> datetime:
        """The earliest instant with `need` (> 0) microseconds of duty before it since the block began."""
        while need > (total := self._block(block)[-1]):
            need, block = need - total, block + 1
            if not self._block(block)[-1]:
                raise NoDutyTime(f"calendar version {self.version} has no duty for {BLOCK} days")
            if block * BLOCK > _LAST_DAY:
                raise OutOfRange("the due time lies after 2199")
        index = bisect_left(self._block(block), need) - 1
        need -= self._block(block)[index]
        for start, end in self._on(number := block * BLOCK + index):
            if need <= (end - start) * _MINUTE_US:
                return _instant(number, start * _MINUTE_US + need)
            need -= (end - start) * _MINUTE_US
        raise AssertionError("a day's sum and its intervals disagree")

    def _duty_day(self, at: datetime) -> tuple[int, int]:
        """For an instant on duty: the day on which that duty began, and the microseconds since its midnight."""
        number, micros = _split(at)
        if any(start * _MINUTE_US <= micros < end * _MINUTE_US for start, end in self._starting(number)):
            return number, micros
        return number - 1, micros + _DAY_US

    def _next_workday(self, number: int) -> int:
        for later in range(number + 1, number + 1 + BLOCK):
            if self.is_workday(_day(later)):
                return later
        raise NoDutyTime(f"calendar version {self.version} has no working day for {BLOCK} days")

    def _next_working_duty(self, number: int) -> tuple[int, int]:
        """The next working day that has duty of its own, and where that duty starts."""
        for later in range(number + 1, number + 1 + BLOCK):
            if self.is_workday(_day(later)) and (pattern := self._starting(later)):
                return later, pattern[0].start * _MINUTE_US
        raise NoDutyTime(f"calendar version {self.version} has no duty on a working day for {BLOCK} days")

    def _clip(self, number: int, micros: int) -> datetime:
        pattern = [(start * _MINUTE_US, end * _MINUTE_US) for start, end in self._starting(number)]
        if not pattern:
            return self.next_duty(_instant(number, 0))
        begun = [min(micros, end) for start, end in pattern if start <= micros]
        return _instant(number, begun[-1] if begun else pattern[0][0])


def _check_pattern(pattern: Pattern) -> Pattern:
    """The pattern as a tuple of intervals. Raises InvalidCalendar."""
    checked = tuple(Interval(*interval) for interval in pattern)
    previous = 0
    for start, end in checked:
        if not previous <= start < end <= 2 * _DAY or start >= _DAY:
            raise InvalidCalendar(f"duty hours: {start}–{end} overlaps, is empty, or lies outside the day")
        previous = end
    return checked


def _pattern_from(data: Any) -> Pattern:
    return tuple(Interval(int(start), int(end)) for start, end in data)


def _merge(spans: list[Interval]) -> Iterator[Interval]:
    """The union of spans that are sorted by start."""
    current: Interval | None = None
    for span in spans:
        if current is None or span.start > current.end:
            if current is not None:
                yield current
            current = span
        else:
            current = Interval(current.start, max(current.end, span.end))
    if current is not None:
        yield current


def _split(at: datetime) -> tuple[int, int]:
    """The instant's day since the epoch, and the microseconds since that day's midnight, in Shanghai."""
    if at.tzinfo is None:
        raise OutOfRange("an instant must carry its time zone")
    since = at - _EPOCH
    if not 0 <= since.days < _LAST_DAY:
        raise OutOfRange("instants are reckoned with from 2000 to 2199")
    return since.days, since.seconds * 1_000_000 + since.microseconds


def _instant(number: int, micros: int) -> datetime:
    return (_EPOCH + timedelta(days=number, microseconds=micros)).astimezone(UTC)


def _day(number: int) -> date:
    return date.fromordinal(_EPOCH_ORDINAL + number)
