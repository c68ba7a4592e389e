"""What a figure is: its sample, what is withheld of a small one, the period it covers. Pure.

Definitions: domain.md section 4, repeated where each figure is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from kit import clock
from stewardship.foundation.errors import Invalid
from stewardship.opinion.ratings.models import Score

SMALLEST_SAMPLE = 5
"""Of fewer cases no rate is shown: it would say more about single people than about the work."""
LONGEST_PERIOD = 366


class Figure(StrEnum):
    """A figure whose rows can be looked at."""

    ENROLMENT = "enrolment"
    FIRST_RESPONSE = "first_response"
    ANSWERED_IN_TIME = "answered_in_time"
    FROM_RECORD = "from_record"
    OVERDUE = "overdue"
    DUE_SOON = "due_soon"
    SILENCE = "silence"
    SATISFACTION = "satisfaction"
    RETURN_VISITS = "return_visits"
    TELEPHONE_TASKS = "telephone_tasks"


@dataclass(frozen=True, slots=True)
class Period:
    """Legal dates in Asia/Shanghai, both included. Raises Invalid for an empty one or one of more than a year."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.last - self.first < timedelta(days=LONGEST_PERIOD):
            raise Invalid("report_period", "统计时间段不对", "结束日期不能早于开始日期，最长一年。")

    @property
    def start(self) -> datetime:
        """The first instant, UTC."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first instant after it, UTC."""
        return midnight(self.last + timedelta(days=1))


def midnight(day: date) -> datetime:
    """The first instant of a legal date, UTC."""
    return datetime.combine(day, time(), clock.LOCAL).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Share:
    """`good` of `n`. Of a sample under five both `good` and `value` are withheld, `n` is not."""

    n: int
    good: int | None
    value: float | None
    suppressed: bool


def share(good: int, n: int) -> Share:
    """The share, or what may be shown of it."""
    if n < SMALLEST_SAMPLE:
        return Share(n, None, None, suppressed=True)
    return Share(n, good, good / n, suppressed=False)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 90th percentile of `n` durations, in minutes of duty time; withheld under five."""

    n: int
    median: float | None
    p90: float | None
    suppressed: bool


def spread(n: int, median: float | None, p90: float | None) -> Spread:
    """The spread, or what may be shown of it."""
    if n < SMALLEST_SAMPLE:
        return Spread(n, None, None, suppressed=True)
    return Spread(n, median, p90, suppressed=False)


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """What the people think, never without how many of those asked answered.

    `strict` = (满意 + 基本满意) / answers; `weighted` = (满意 + ½ 基本满意) / answers; `response` = answers / asked.
    """

    strict: Share
    weighted: float | None
    response: Share
    scores: dict[int, int]
    """How often each score was given; empty where withheld."""


def satisfaction(scores: dict[int, int], asked: int) -> Satisfaction:
    """From the number of answers by score, and how many were asked."""
    first, second = scores.get(Score.SATISFIED, 0), scores.get(Score.BASICALLY_SATISFIED, 0)
    answered = sum(scores.values())
    strict = share(first + second, answered)
    if strict.suppressed:
        return Satisfaction(strict, None, share(answered, asked), {})
    return Satisfaction(strict, (first + second / 2) / answered, share(answered, asked), dict(scores))
