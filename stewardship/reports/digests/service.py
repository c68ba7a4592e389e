"""What an instructor begins the day with: what is late, what falls due, what yesterday brought. Counts only.

Sent at 08:30 on working days, make-up days included, once for each day whoever triggers it and however late: the day's
row commits with the messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from delivery.contexts import DailyDigest
from delivery.models import RecipientKind
from delivery.outbox import Outgoing, enqueue_many
from kit import clock, database
from kit.database import atomic, in_transaction
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import policies
from stewardship.foundation.duty_time import DutyCalendar
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role, Unit
from stewardship.reports.service import READERS

SENT_AT = time(8, 30)
LONGEST_BREAK = 31
"""Days looked back for the last working day; no public holiday is nearly so long."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of some units: what is late and falls due as of now; answers and ratings since the last working day began."""

    overdue: int = 0
    due_today: int = 0
    silent: int = 0
    answered: int = 0
    rated: int = 0
    dissatisfied: int = 0


@dataclass(frozen=True, slots=True)
class UnitNumbers:
    """The same of one unit, by name."""

    unit_id: UUID
    unit_name: str
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Digest:
    """The page: the whole of the reader's units, and each unit that has anything to tell."""

    day: date
    since: date
    as_of: datetime
    whole: Numbers
    units: list[UnitNumbers]


# --- the page ---------------------------------------------------------------------------------------------------------


@atomic()
async def digest(actor: Actor) -> Digest:
    """The digest of all units that the officer leads or looks after, as of now."""
    now, units = clock.now(), actor.units(*READERS)
    calendar = await _calendar(actor.home_unit_id)
    since = last_workday(calendar, clock.local(now).date()) if calendar else clock.today() - timedelta(days=1)
    found = await _by_unit(now, since)
    names = {u.id: u.name for u in await Unit.filter(id__in=list(units)).order_by("name")}
    if actor.home_unit_id is not None:
        await audit.record("report.viewed", actor, ("unit", actor.home_unit_id), unit_id=actor.home_unit_id)
    return Digest(
        day=clock.local(now).date(),
        since=since,
        as_of=now,
        whole=_sum(found, units),
        units=[UnitNumbers(unit, name, found[unit]) for unit, name in names.items() if unit in found],
    )


async def _calendar(unit_id: UUID | None) -> DutyCalendar | None:
    if unit_id is None:
        return None
    return await policies.calendar_version(await policies.calendar_for(unit_id))


def last_workday(calendar: DutyCalendar, day: date) -> date:
    """The last working day before this one: on a Monday the Friday, after a make-up Saturday that Saturday."""
    for back in range(1, LONGEST_BREAK):
        if calendar.is_workday(day - timedelta(days=back)):
            return day - timedelta(days=back)
    return day - timedelta(days=1)


# --- the message ------------------------------------------------------------------------------------------------------


async def send_due() -> int:
    """Send today's digest if it is time and nobody has; answers to how many it went."""
    now = clock.now()
    local = clock.local(now)
    if local.time() < SENT_AT or await database.fetchval("select 1 from digest_run where day = $1", local.date()):
        return 0
    bureau = await database.fetchval("select id from unit where parent_id is null order by id limit 1")
    calendar = await _calendar(bureau)
    # What is a working day is the law's, and the same for every unit.
    if calendar is None or not calendar.is_workday(local.date()):
        return 0
    return await _send(local.date(), now, last_workday(calendar, local.date()))


async def _send(day: date, now: datetime, since: date) -> int:
    async with in_transaction():
        await database.advisory_lock("digest", day.isoformat())
        if await database.fetchval("select 1 from digest_run where day = $1", day):
            return 0
        found = await _by_unit(now, since)
        outgoing = [await _outgoing(officer, day, found) for officer in await _instructors(now)]
        ids = await enqueue_many(outgoing)
        sent = sum(id_ is not None for id_ in ids)
        await database.execute("insert into digest_run (day, at, recipients) values ($1, $2, $3)", day, now, sent)
        for out in outgoing:
            await audit.record("report.digest_sent", SYSTEM, ("officer", out.recipient_id), unit_id=out.unit_id)
        return sent


async def _instructors(now: datetime) -> list[UUID]:
    """Active officers who hold the role now, over whatever unit."""
    rows = await database.fetch(
        "select distinct o.id from role_grant g join officer o on o.id = g.officer_id and o.active"
        " where g.role = $1 and g.valid_from <= $2 and (g.valid_to is null or g.valid_to > $2) order by o.id",
        Role.INSTRUCTOR.value,
        now,
    )
    return [row["id"] for row in rows]


async def _outgoing(officer_id: UUID, day: date, found: dict[UUID, Numbers]) -> Outgoing:
    grants = [grant for grant in await org.grants_of(officer_id) if grant.role is Role.INSTRUCTOR]
    units = frozenset[UUID]().union(*(grant.unit_ids for grant in grants))
    home = await database.fetchrow(
        "select u.id, u.name from officer o join unit u on u.id = o.unit_id where o.id = $1", officer_id
    )
    assert home is not None  # noqa: S101 — every officer has a unit.
    numbers = _sum(found, units)
    values = {each.name: getattr(numbers, each.name) for each in fields(Numbers)}
    return Outgoing(
        context=DailyDigest(unit=home["name"], reference=day.isoformat(), **values),
        recipient_id=officer_id,
        recipient_kind=RecipientKind.OFFICER,
        unit_id=home["id"],
        once_key=f"digest:{officer_id}:{day}",
    )


# --- counting ---------------------------------------------------------------------------------------------------------

_WAITS = """
select i.unit_id, count(distinct k.id)::int as n from clock k join inquiry i on i.id = k.subject_id
where k.subject_kind = 'inquiry' and k.running and i.state = 'waiting' and {due} group by i.unit_id
"""
_LATE = "(k.first_at is null and k.first_due_at <= $1 or k.full_at is null and k.full_due_at <= $1)"
_OVERDUE = _WAITS.format(due=_LATE)
_DUE = _WAITS.format(
    due="(k.first_at is null and k.first_due_at > $1 and k.first_due_at < $2"
    f" or k.full_at is null and k.full_due_at > $1 and k.full_due_at < $2) and {_LATE} is not true"
)
_SILENT = """
select unit_id, count(*)::int as n from case_file
where closed_at is null and (silence_level > 0 or silent_from <= $1) group by unit_id
"""
_ANSWERED = """
select unit_id, count(*)::int as n from inquiry where state = 'answered' and answered_at >= $1 and answered_at < $2
group by unit_id
"""
_RATED = """
select unit_id, count(*)::int as n, count(*) filter (where score = 3)::int as bad from rating
where state = 'answered' and answered_at >= $1 and answered_at < $2 group by unit_id
"""


async def _by_unit(now: datetime, since: date) -> dict[UUID, Numbers]:
    """Each unit's own; five statements for the whole city, whoever they are sent to."""
    local = clock.local(now).date()
    start, today, tomorrow = _midnight(since), _midnight(local), _midnight(local + timedelta(days=1))
    ratings = await database.fetch(_RATED, start, today)
    parts = {
        "overdue": await _count(_OVERDUE, now),
        "due_today": await _count(_DUE, now, tomorrow),
        "silent": await _count(_SILENT, now),
        "answered": await _count(_ANSWERED, start, today),
        "rated": {row["unit_id"]: row["n"] for row in ratings},
        "dissatisfied": {row["unit_id"]: row["bad"] for row in ratings},
    }
    units = {unit for part in parts.values() for unit in part}
    return {unit: Numbers(**{name: part.get(unit, 0) for name, part in parts.items()}) for unit in units}


async def _count(sql: str, *values: datetime) -> dict[UUID, int]:
    return {row["unit_id"]: row["n"] for row in await database.fetch(sql, *values)}


def _sum(found: dict[UUID, Numbers], units: Collection[UUID]) -> Numbers:
    total: Counter[str] = Counter()
    for unit, numbers in found.items():
        if unit in units:
            total.update({each.name: getattr(numbers, each.name) for each in fields(Numbers)})
    return Numbers(**total)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.LOCAL).astimezone(UTC)
