"""Pure: which times are free, which three to offer, when to remind, and what may become of an appointment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from kit import clock
from stewardship.casework.appointments.models import AppointmentState, Purpose
from stewardship.foundation.duty_time import DutyCalendar, Span

PURPOSES: dict[Purpose, str] = {
    Purpose.TALK: "谈话了解情况",
    Purpose.PROCEDURE: "办理手续",
    Purpose.MATERIAL: "提交材料",
    Purpose.COLLECTION: "领取物品",
    Purpose.MEDIATION: "协商沟通",
    Purpose.SIGNATURE: "签收文书",
}
FREE_OF_CHARGE = "免费"
OFFERS = 3
STEP = timedelta(minutes=30)
APART = timedelta(minutes=30)
"""Between two people of one case who are not on the same side."""
LEAD = timedelta(hours=4)
"""Nobody is asked to come sooner."""
HORIZON = timedelta(days=14)
VISITORS_FROM, VISITORS_TO = time(8, 30), time(18)
"""When people are received, within the officer's duty."""
OFFER_HOLDS = timedelta(days=3)
LATEST_CHANGE = timedelta(hours=2)
"""Before the start; later than that, telephone."""
MOVES = 3
REMIND_DAY_AT = time(10)
REMIND_SOON = timedelta(hours=2)
DECENT_FROM, DECENT_TO = time(8), time(20)
EVENING = time(19)

_NEXT: dict[AppointmentState, frozenset[AppointmentState]] = {
    AppointmentState.OFFERED: frozenset({AppointmentState.BOOKED, AppointmentState.MOVED, AppointmentState.CANCELLED}),
    AppointmentState.BOOKED: frozenset(
        {AppointmentState.MOVED, AppointmentState.CANCELLED, AppointmentState.KEPT, AppointmentState.MISSED}
    ),
}


def may_become(state: AppointmentState, to: AppointmentState) -> bool:
    """Whether this step is one of the life of an appointment; moved, cancelled, kept and missed are its ends."""
    return to in _NEXT.get(state, frozenset())


def visiting_hours(day: date) -> Span:
    """When people are received on a legal date."""
    start, end = (datetime.combine(day, at, clock.LOCAL).astimezone(UTC) for at in (VISITORS_FROM, VISITORS_TO))
    return Span(start, end)


def office_spans(calendar: DutyCalendar, first: date, last: date) -> Iterator[Span]:
    """The duty that a calendar has on these days."""
    for number in range((last - first).days + 1):
        midnight = datetime.combine(first + timedelta(days=number), time(), clock.LOCAL).astimezone(UTC)
        for start, end in calendar.intervals(first + timedelta(days=number)):
            yield Span(midnight + timedelta(minutes=start), midnight + timedelta(minutes=end))


def overlap(one: Span, other: Span) -> Span | None:
    """What two spans have in common."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Span(start, end) if start < end else None


def free_starts(
    there: Iterable[Span], taken: Sequence[Span], length: timedelta, *, earliest: datetime, latest: datetime
) -> list[datetime]:
    """Every half hour at which a visit of this length fits in: wholly in the officer's time and the visiting hours,
    in nobody's way, not before `earliest` and over by `latest`. In order, each once.
    """
    found: set[datetime] = set()
    for span in there:
        for at in _half_hours(max(span.start, earliest)):
            visit = Span(at, at + length)
            if visit.end > min(span.end, latest):
                break
            received = visiting_hours(clock.local(at).date())
            if received.start <= visit.start and visit.end <= received.end and not _in_the_way(visit, taken):
                found.add(at)
    return sorted(found)


def _half_hours(start: datetime) -> Iterator[datetime]:
    past = start - datetime.combine(start.date(), time(), start.tzinfo)
    at = start + (-past % STEP)
    while True:
        yield at
        at += STEP


def _in_the_way(visit: Span, taken: Sequence[Span]) -> bool:
    return any(overlap(visit, other) is not None for other in taken)


def three(starts: Sequence[datetime], length: timedelta) -> list[datetime]:
    """The times to offer: the earliest of three different days, else further ones of those days that do not overlap.

    Fewer than three where there are not as many.
    """
    chosen: list[datetime] = []
    for at in starts:
        if clock.local(at).date() not in {clock.local(one).date() for one in chosen} and len(chosen) < OFFERS:
            chosen.append(at)
    for at in starts:
        if len(chosen) < OFFERS and all(abs(at - one) >= length for one in chosen):
            chosen.append(at)
    return sorted(chosen)


def reminders(starts_at: datetime, calendar: DutyCalendar, now: datetime) -> tuple[datetime | None, datetime | None]:
    """When to remind: on the working day before at 10:00, and two hours before; None for what is over.

    Two hours before an early appointment is no decent hour: then it is said the evening before. Neither comes where
    the other has just been said, within an hour.
    """
    day_at = _at(_working_day_before(clock.local(starts_at).date(), calendar), REMIND_DAY_AT)
    soon_at = starts_at - REMIND_SOON
    if not DECENT_FROM <= clock.local(soon_at).time() < DECENT_TO:
        soon_at = _at(clock.local(starts_at).date() - timedelta(days=1), EVENING)
    return (day_at if day_at > now else None), (soon_at if soon_at > now else None)


def _working_day_before(day: date, calendar: DutyCalendar) -> date:
    before = day - timedelta(days=1)
    while not calendar.is_workday(before) and day - before < HORIZON:
        before -= timedelta(days=1)
    return before


def _at(day: date, when: time) -> datetime:
    return datetime.combine(day, when, clock.LOCAL).astimezone(UTC)


def parse_choice(text: str) -> int | None:
    """The number of an offered time that a short message picks; 0 for none of them, None for anything else."""
    plain = "".join(text.split()).translate(_DIGITS).strip("。.,，、!！")
    return _CHOICES.get(plain)


_DIGITS = str.maketrans("０１２３①②③", "0123123")
_CHOICES = {
    spoken: number
    for number, ways in enumerate(
        (
            ("0", "都不合适", "都不行", "没有合适的", "没空"),
            ("1", "一", "选1", "选一", "第1个", "第一个"),
            ("2", "二", "选2", "选二", "第2个", "第二个"),
            ("3", "三", "选3", "选三", "第3个", "第三个"),
        )
    )
    for spoken in ways
}
