"""Duty calendars on real days: the 2026 holidays, make-up Sundays, lunch, nights, years not published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stewardship.foundation.duty_time import (
    SHANGHAI,
    DayKind,
    DutyCalendar,
    Interval,
    InvalidCalendar,
    NoDutyTime,
    OutOfRange,
    PublishedHolidays,
)

OFFICE_DAY = (Interval(510, 720), Interval(810, 1080))  # 08:30–12:00, 13:30–18:00
OFFICE = DutyCalendar(1, (OFFICE_DAY,) * 5 + ((), ()))
STATION = DutyCalendar(2, ((Interval(0, 1440),),) * 7, every_day=True)
NIGHTS = DutyCalendar(3, ((Interval(1200, 1920),),) * 7, every_day=True)  # 20:00 to 08:00
HOURS = timedelta(hours=1)
MINUTES = timedelta(minutes=1)


def at(text: str) -> datetime:
    """An instant, written as Shanghai's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def shown(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


# --- days -------------------------------------------------------------------------------------------------------------


def test_every_published_day_is_what_the_holiday_library_says() -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range((date(2027, 1, 1) - date(2024, 1, 1)).days)]
    said = [chinese_calendar.is_workday(day) for day in days]  # type: ignore[no-untyped-call]  # published untyped
    assert [OFFICE.is_workday(day) for day in days] == said
    assert not any(OFFICE.is_provisional(day) for day in days)


def test_spring_festival_2026_has_no_duty_and_its_make_up_saturdays_follow_monday() -> None:
    assert OFFICE.intervals(date(2026, 2, 16)) == ()
    assert OFFICE.intervals(date(2026, 2, 14)) == OFFICE_DAY  # a working Saturday
    assert OFFICE.intervals(date(2026, 2, 28)) == OFFICE_DAY
    assert OFFICE.intervals(date(2026, 2, 21)) == ()


def test_a_make_up_sunday_can_follow_another_weekday() -> None:
    friday = (Interval(510, 960),)
    calendar = DutyCalendar(4, (OFFICE_DAY,) * 4 + (friday, (), ()), make_up=4)
    assert calendar.intervals(date(2026, 9, 20)) == friday  # the make-up Sunday before National Day


def test_a_weekday_that_an_override_makes_a_working_day_keeps_its_own_hours() -> None:
    friday = (Interval(510, 960),)
    days = {date(2026, 10, 2): DayKind.WORKDAY}
    calendar = DutyCalendar(4, (OFFICE_DAY,) * 4 + (friday, (), ()), overrides=days)
    assert calendar.intervals(date(2026, 10, 2)) == friday


def test_a_unit_that_keeps_every_day_ignores_holidays_and_overrides_but_not_what_a_working_day_is() -> None:
    closed = DutyCalendar(5, STATION.weekly, every_day=True, overrides={date(2026, 3, 3): DayKind.HOLIDAY})
    assert closed.intervals(date(2026, 3, 3)) == closed.intervals(date(2026, 2, 16)) == (Interval(0, 1440),)
    assert not closed.is_workday(date(2026, 3, 3))


def test_an_administrators_override_wins_over_what_was_published() -> None:
    days = {date(2026, 2, 16): DayKind.WORKDAY, date(2026, 3, 3): DayKind.HOLIDAY, date(2026, 9, 20): DayKind.HOLIDAY}
    calendar = DutyCalendar(6, OFFICE.weekly, overrides=days)
    assert [calendar.is_workday(day) for day in days] == [True, False, False]
    assert calendar.intervals(date(2026, 2, 16)) == OFFICE_DAY


def test_holidays_may_have_a_duty_of_their_own() -> None:
    calendar = DutyCalendar(7, OFFICE.weekly, holiday=(Interval(540, 600),))
    assert calendar.intervals(date(2026, 10, 3)) == (Interval(540, 600),)  # a Saturday within the holiday
    assert calendar.intervals(date(2026, 10, 17)) == ()  # an ordinary Saturday


def test_a_year_not_yet_published_goes_by_the_weekday_and_is_provisional() -> None:
    published = PublishedHolidays(2026, 2026, frozenset(), frozenset())
    calendar = DutyCalendar(8, OFFICE.weekly, published=published, overrides={date(2027, 1, 1): DayKind.HOLIDAY})
    assert calendar.is_workday(date(2027, 2, 8))
    assert calendar.is_provisional(date(2027, 2, 8))
    assert not calendar.is_provisional(date(2027, 1, 1))  # laid down by the administrator
    assert not calendar.is_workday(date(2027, 1, 1))
    assert calendar.provisional_between(at("2026-12-31T10:00"), at("2027-01-04T10:00"))
    assert not calendar.provisional_between(at("2026-12-30T10:00"), at("2026-12-31T23:59"))


def test_the_next_years_notice_makes_its_days_final() -> None:
    published = PublishedHolidays(2026, 2026, frozenset(), frozenset())
    extended = published.extended(2027, holidays=[date(2027, 2, 8)], workdays=[date(2027, 2, 14)])
    calendar = DutyCalendar(9, OFFICE.weekly, published=extended)
    assert not calendar.is_workday(date(2027, 2, 8))
    assert calendar.is_workday(date(2027, 2, 14))
    assert not calendar.is_provisional(date(2027, 2, 9))
    with pytest.raises(InvalidCalendar, match="2028"):
        extended.extended(2030, holidays=[], workdays=[])


# --- instants ---------------------------------------------------------------------------------------------------------


def test_half_an_hour_is_counted_over_the_lunch_break() -> None:
    assert shown(OFFICE.add_duty(at("2026-03-03T11:45"), 30 * MINUTES)) == "2026-03-03 13:45"
    assert shown(OFFICE.add_duty(at("2026-03-03T11:30"), 30 * MINUTES)) == "2026-03-03 12:00"
    assert shown(OFFICE.next_duty(at("2026-03-03T12:00"))) == "2026-03-03 13:30"


def test_a_question_on_new_years_eve_waits_until_duty_starts_after_spring_festival() -> None:
    assert shown(OFFICE.next_duty(at("2026-02-14T18:00"))) == "2026-02-24 08:30"
    assert shown(OFFICE.add_duty(at("2026-02-16T20:00"), 30 * MINUTES)) == "2026-02-24 09:00"


def test_national_days_make_up_sunday_is_on_duty() -> None:
    assert OFFICE.is_on_duty(at("2026-09-20T09:00"))
    assert not OFFICE.is_on_duty(at("2026-09-27T09:00"))
    assert shown(OFFICE.next_duty(at("2026-09-19T09:00"))) == "2026-09-20 08:30"


def test_a_night_shift_runs_across_midnight() -> None:
    assert NIGHTS.is_on_duty(at("2026-03-04T02:00"))
    assert not NIGHTS.is_on_duty(at("2026-03-04T08:00"))
    assert shown(NIGHTS.add_duty(at("2026-03-03T22:00"), 11 * HOURS)) == "2026-03-04 21:00"
    assert NIGHTS.duty_between(at("2026-03-03T12:00"), at("2026-03-04T12:00")) == 12 * HOURS


def test_the_last_night_before_a_holiday_ends_in_the_morning_of_the_holiday() -> None:
    weekday_nights = DutyCalendar(10, ((Interval(1200, 1920),),) * 5 + ((), ()))
    assert weekday_nights.is_on_duty(at("2026-10-01T07:59"))
    assert not weekday_nights.is_on_duty(at("2026-10-01T20:00"))


def test_a_leap_day_counts_like_any_other() -> None:
    assert OFFICE.duty_between(at("2024-02-28T00:00"), at("2024-03-02T00:00")) == 24 * HOURS
    assert STATION.duty_between(at("2028-02-28T12:00"), at("2028-03-01T12:00")) == 48 * HOURS


def test_around_the_clock_duty_is_plain_time() -> None:
    assert STATION.add_duty(at("2026-02-16T23:50"), 30 * MINUTES) == at("2026-02-17T00:20")
    assert STATION.duty_between(at("2026-01-01T00:00"), at("2027-01-01T00:00")) == timedelta(days=365)


def test_instants_come_back_in_utc_whatever_zone_they_had() -> None:
    due = OFFICE.add_duty(datetime(2026, 3, 3, 1, 0, tzinfo=UTC), 30 * MINUTES)
    assert due == at("2026-03-03T09:30")
    assert due.tzinfo is UTC


# --- working days -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-03-03T10:00", "2026-03-04 10:00"),
        ("2026-03-06T17:00", "2026-03-09 17:00"),  # Friday to Monday
        ("2026-03-07T10:00", "2026-03-10 08:30"),  # Saturday: counted from Monday's first minute
        ("2026-03-03T20:00", "2026-03-05 08:30"),  # evening: counted from the next morning
        ("2026-03-03T12:30", "2026-03-04 13:30"),  # lunch: counted from its end
        ("2026-02-14T10:00", "2026-02-24 10:00"),  # the make-up Saturday before Spring Festival
        ("2026-02-13T10:00", "2026-02-14 10:00"),  # Friday to the make-up Saturday
        ("2026-09-30T15:00", "2026-10-08 15:00"),  # over National Day
        ("2026-10-09T15:00", "2026-10-10 15:00"),  # Friday to the make-up Saturday after National Day
    ],
)
def test_one_working_day_is_the_same_time_on_the_next_working_day(asked: str, due: str) -> None:
    assert shown(OFFICE.add_working_days(at(asked), 1)) == due


def test_five_working_days_skip_the_weekend() -> None:
    assert shown(OFFICE.add_working_days(at("2026-03-04T10:00"), 5)) == "2026-03-11 10:00"


def test_a_time_of_day_without_duty_on_the_last_day_falls_back_to_the_end_of_the_duty_before() -> None:
    short_friday = DutyCalendar(11, (OFFICE_DAY,) * 4 + ((Interval(600, 720),), (), ()))
    assert shown(short_friday.add_working_days(at("2026-03-05T17:00"), 1)) == "2026-03-06 12:00"
    assert shown(short_friday.add_working_days(at("2026-03-05T09:00"), 1)) == "2026-03-06 10:00"


def test_a_station_on_duty_around_the_clock_counts_working_days_as_the_law_does() -> None:
    assert shown(STATION.add_working_days(at("2026-03-06T23:00"), 1)) == "2026-03-09 23:00"
    # Asked on a Saturday, the working day is Monday, and it is over when Tuesday begins.
    assert shown(STATION.add_working_days(at("2026-03-07T10:00"), 1)) == "2026-03-10 00:00"


def test_after_midnight_a_night_shift_still_belongs_to_the_day_before() -> None:
    assert shown(NIGHTS.add_working_days(at("2026-03-06T23:00"), 1)) == "2026-03-09 23:00"
    assert shown(NIGHTS.add_working_days(at("2026-03-07T02:00"), 1)) == "2026-03-10 02:00"


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_calendar_without_duty_says_so_instead_of_searching_forever() -> None:
    never = DutyCalendar(12, ((),) * 7)
    start = at("2026-03-03T10:00")
    reckonings: list[Callable[[], datetime]] = [
        lambda: never.next_duty(start),
        lambda: never.add_duty(start, MINUTES),
        lambda: never.add_working_days(start, 1),
    ]
    for reckon in reckonings:
        with pytest.raises(NoDutyTime, match="version 12"):
            reckon()
    assert not never.is_on_duty(at("2026-03-03T10:00"))
    assert never.duty_between(at("2026-03-03T10:00"), at("2027-03-03T10:00")) == timedelta(0)


def test_duty_on_weekends_only_has_no_working_day() -> None:
    weekends = DutyCalendar(13, ((),) * 5 + (OFFICE_DAY, OFFICE_DAY), holiday=OFFICE_DAY, make_up=0)
    with pytest.raises(NoDutyTime):
        weekends.add_working_days(at("2026-03-07T10:00"), 1)


def test_what_cannot_be_reckoned_with_is_refused() -> None:
    with pytest.raises(OutOfRange, match="time zone"):
        OFFICE.is_on_duty(datetime(2026, 3, 3, 10))  # noqa: DTZ001 -- a naive instant is what is refused here
    for outside in (datetime(1999, 1, 1, tzinfo=UTC), datetime(2200, 1, 2, tzinfo=UTC)):
        with pytest.raises(OutOfRange):
            OFFICE.next_duty(outside)
    with pytest.raises(OutOfRange):
        OFFICE.add_duty(at("2026-03-03T10:00"), timedelta(seconds=-1))
    with pytest.raises(OutOfRange):
        OFFICE.add_duty(at("2195-03-03T10:00"), timedelta(days=3660))
    with pytest.raises(OutOfRange):
        OFFICE.add_working_days(at("2026-03-03T10:00"), 0)


@pytest.mark.parametrize(
    "pattern",
    [
        (Interval(720, 510),),
        (Interval(510, 720), Interval(700, 800)),
        (Interval(810, 1080), Interval(510, 720)),
        (Interval(-1, 10),),
        (Interval(1440, 1500),),
        (Interval(1200, 2881),),
    ],
)
def test_a_pattern_that_contradicts_itself_is_refused(pattern: tuple[Interval, ...]) -> None:
    with pytest.raises(InvalidCalendar):
        DutyCalendar(14, (pattern,) * 7)


@pytest.mark.parametrize("field", ["version", "weekly", "holiday", "make_up", "every_day", "overrides", "published"])
def test_stored_json_that_lacks_a_field_is_refused(field: str) -> None:
    data = OFFICE.to_json()
    del data[field]
    with pytest.raises(InvalidCalendar, match=field):
        DutyCalendar.from_json(data)


def test_ten_years_are_added_up_quickly_once_they_are_known() -> None:
    calendar = DutyCalendar(15, OFFICE.weekly)
    calendar.duty_between(at("2020-01-01T00:00"), at("2030-01-01T00:00"))
    start = perf_counter()
    for _ in range(1000):
        calendar.duty_between(at("2020-01-01T00:00"), at("2029-12-31T00:00"))
    # About 10 ms in practice; a loop over days or minutes would take seconds.
    assert perf_counter() - start < 1.0


# --- properties -------------------------------------------------------------------------------------------------------

minutes = st.integers(0, 1439)


@st.composite
def patterns(draw: st.DrawFn, night: bool = False) -> tuple[Interval, ...]:
    cuts = sorted(draw(st.sets(st.integers(300, 1439), max_size=6)))
    found = [Interval(start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    if night:
        # A tail that ends before any pattern begins keeps one day's duty before the next day's.
        found.append(Interval(1439, draw(st.integers(1440, 1740))))
    return tuple(found)


@st.composite
def calendars(draw: st.DrawFn) -> DutyCalendar:
    night = draw(st.booleans())
    weekly = (*(draw(patterns(night)) for _ in range(6)), (Interval(540, 600),))
    if draw(st.booleans()):
        weekly = ((Interval(0, 1440),),) * 7
    days = st.dates(date(2025, 12, 1), date(2027, 3, 1))
    return DutyCalendar(
        1,
        weekly,
        holiday=draw(patterns()),
        make_up=draw(st.integers(0, 6)),
        every_day=draw(st.booleans()),
        overrides=draw(st.dictionaries(days, st.sampled_from(DayKind), max_size=5)),
    )


instants = st.datetimes(datetime(2025, 12, 1), datetime(2027, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis asks for naive bounds
durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=3))
property_test = settings(max_examples=60, deadline=None)


@given(calendars(), instants, durations)
@property_test
def test_adding_duty_is_the_inverse_of_measuring_it(calendar: DutyCalendar, start: datetime, duty: timedelta) -> None:
    due = calendar.add_duty(start, duty)
    assert calendar.duty_between(start, due) == duty
    # It is the earliest such instant, and so the last moment of it was duty.
    assert calendar.duty_between(start, due - timedelta(microseconds=1)) < duty
    assert calendar.is_on_duty(due - timedelta(microseconds=1))


@given(calendars(), instants, durations, durations)
@property_test
def test_duty_adds_up(calendar: DutyCalendar, start: datetime, one: timedelta, other: timedelta) -> None:
    middle, end = calendar.add_duty(start, one), calendar.add_duty(start, one + other)
    assert calendar.add_duty(middle, other) == end
    assert calendar.duty_between(start, middle) + calendar.duty_between(middle, end) == one + other


@given(calendars(), instants, instants, durations)
@property_test
def test_who_starts_later_is_never_due_earlier(
    calendar: DutyCalendar, one: datetime, other: datetime, duty: timedelta
) -> None:
    first, second = sorted((one, other))
    assert calendar.next_duty(first) <= calendar.next_duty(second)
    assert calendar.add_duty(first, duty) <= calendar.add_duty(second, duty)
    assert calendar.duty_between(second, first) == timedelta(0)


@given(calendars(), instants, instants, st.integers(1, 8))
@property_test
def test_working_days_keep_the_order_and_lie_ahead(
    calendar: DutyCalendar, one: datetime, other: datetime, days: int
) -> None:
    first, second = sorted((one, other))
    try:
        dues = calendar.add_working_days(first, days), calendar.add_working_days(second, days)
    except NoDutyTime:
        return
    assert dues[0] <= dues[1]
    assert dues[0] > first
    assert calendar.add_working_days(first, days + 1) >= dues[0]
    just_before = dues[0] - timedelta(microseconds=1)
    assert calendar.is_on_duty(dues[0]) or calendar.is_on_duty(just_before)


@given(calendars(), instants)
@property_test
def test_the_next_duty_is_on_duty_and_nothing_lies_before_it(calendar: DutyCalendar, start: datetime) -> None:
    found = calendar.next_duty(start)
    assert calendar.is_on_duty(found)
    assert calendar.duty_between(start, found) == timedelta(0)
    assert (found == start) == calendar.is_on_duty(start)


@given(calendars(), instants, st.integers(1, 3000))
@property_test
def test_measured_duty_is_what_looking_at_each_minute_gives(
    calendar: DutyCalendar, start: datetime, length: int
) -> None:
    start = start.replace(second=0, microsecond=0)
    looked = sum(calendar.is_on_duty(start + minute * MINUTES) for minute in range(length))
    assert calendar.duty_between(start, start + length * MINUTES) == looked * MINUTES


@given(calendars())
@property_test
def test_a_calendar_survives_its_json(calendar: DutyCalendar) -> None:
    again = DutyCalendar.from_json(calendar.to_json())
    assert again == calendar
    assert hash(again) == hash(calendar)
