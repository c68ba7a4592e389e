"""Public holidays and make-up workdays (调休), pinned so that a calendar means the same after a library update."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from chinese_calendar import constants

from stewardship.foundation.duty_time.errors import InvalidCalendar

FIRST_YEAR = 2024
"""Published days before this year are not copied into a calendar: no clock of this system runs there."""


class DayKind(StrEnum):
    WORKDAY = "workday"
    """A working day, a make-up workday on a weekend included."""
    HOLIDAY = "holiday"
    """A public holiday, its weekend days included."""


@dataclass(frozen=True, slots=True)
class PublishedHolidays:
    """The days that the State Council's yearly notices single out, for whole years from `first_year` to `last_year`.

    A calendar carries its own copy. The notices are amended at times (Spring Festival 2020 was), so taking the days
    from the library at each reckoning would let a library update move due times of clocks long closed.
    """

    first_year: int
    last_year: int
    holidays: frozenset[date]
    workdays: frozenset[date]
    """Make-up workdays only, that is Saturdays and Sundays."""

    def __post_init__(self) -> None:
        if self.first_year > self.last_year:
            raise InvalidCalendar("holidays: first_year is after last_year")
        if self.holidays & self.workdays:
            raise InvalidCalendar("holidays: a day is both a holiday and a workday")
        if not all(self.covers(day.year) for day in self.holidays | self.workdays):
            raise InvalidCalendar("holidays: a day lies outside the years")

    @classmethod
    @functools.cache
    def from_library(cls) -> Self:
        """What the installed `chinesecalendar` knows from `FIRST_YEAR` on; it knows a year once it is published."""
        return cls(
            first_year=FIRST_YEAR,
            last_year=max(constants.holidays).year,
            holidays=frozenset(day for day in constants.holidays if day.year >= FIRST_YEAR),
            workdays=frozenset(day for day in constants.workdays if day.year >= FIRST_YEAR),
        )

    def covers(self, year: int) -> bool:
        """Whether the year's notice is known."""
        return self.first_year <= year <= self.last_year

    def kind(self, day: date) -> DayKind | None:
        """What the notice says of the day; None where it says nothing and the weekday rule holds."""
        if day in self.holidays:
            return DayKind.HOLIDAY
        return DayKind.WORKDAY if day in self.workdays else None

    def extended(self, year: int, *, holidays: Iterable[date], workdays: Iterable[date]) -> Self:
        """With the notice for the year after the last one. Raises InvalidCalendar for any other year."""
        if year != self.last_year + 1:
            raise InvalidCalendar(f"holidays: the next year to publish is {self.last_year + 1}")
        return type(self)(
            self.first_year, year, self.holidays | frozenset(holidays), self.workdays | frozenset(workdays)
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, sorted, for a jsonb column."""
        return {
            "first_year": self.first_year,
            "last_year": self.last_year,
            "holidays": [day.isoformat() for day in sorted(self.holidays)],
            "workdays": [day.isoformat() for day in sorted(self.workdays)],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises InvalidCalendar where something is missing or wrong."""
        try:
            return cls(
                first_year=int(data["first_year"]),
                last_year=int(data["last_year"]),
                holidays=frozenset(date.fromisoformat(day) for day in data["holidays"]),
                workdays=frozenset(date.fromisoformat(day) for day in data["workdays"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidCalendar(f"holidays: {error}") from error
