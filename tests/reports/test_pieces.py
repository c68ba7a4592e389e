"""A period's months and days: what is added less what is taken off is the period, each day once.

Whatever is counted from roll-ups and from facts goes by them; `test_rollups_agree` does so for real.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stewardship.reports.figures import Pieces
from stewardship.reports.rules import LONGEST_PERIOD, Period

A_DAY = timedelta(days=1)
FIRSTS = st.dates(date(2023, 1, 1), date(2027, 12, 31))
LENGTHS = st.integers(1, LONGEST_PERIOD)


def days(since: date, until: date) -> Iterator[date]:
    """Each day of `[since, until)`."""
    while since < until:
        yield since
        since += A_DAY


def covered(piece: Pieces) -> Counter[date]:
    """How often each day is counted in the end."""
    counted = Counter(days(piece.month, piece.month_end))
    for since, until in piece.ends:
        for day in days(since, until):
            off = piece.takes_off(day)
            assert piece.takes_off_of(day.replace(day=1)) == off, "by day as by month"
            counted[day] += -1 if off else 1
    return counted


@given(first=FIRSTS, length=LENGTHS, since=st.integers(-3, 40))
def test_every_day_of_the_period_is_counted_once_and_no_other(first: date, length: int, since: int) -> None:
    period = Period(first, first + timedelta(days=length - 1))
    today = period.last + timedelta(days=since)
    for piece in (Pieces.of(period), Pieces.fewest(period, today)):
        found = {day: times for day, times in covered(piece).items() if times}
        assert found == dict.fromkeys(days(period.first, period.last + A_DAY), 1)
        assert piece.month.day == 1 or piece.month == piece.month_end


def test_a_year_until_today_takes_its_last_month_as_a_whole() -> None:
    year = Period(date(2025, 11, 26), date(2026, 11, 25))
    piece = Pieces.fewest(year, date(2026, 11, 25))
    assert (piece.month, piece.month_end) == (date(2025, 12, 1), date(2026, 12, 1))
    assert piece.ends[0] == (date(2025, 11, 26), date(2025, 12, 1)), "five days are added"
    assert piece.takes_off(date(2026, 11, 26)), "what has not come yet would be taken off"


def test_a_few_days_within_a_month_stay_days() -> None:
    piece = Pieces.fewest(Period(date(2026, 3, 10), date(2026, 3, 12)), date(2026, 6, 1))
    assert piece.month == piece.month_end
