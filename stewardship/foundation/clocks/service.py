"""Clocks kept: the log appended to, and the clock replayed from it and stored.

A feature opens a clock for its subject and appends what happens; `clocks.due` carries out what falls due. Everything
runs on the caller's transaction, under the clock's row lock. Locks are taken in one order, or two commands would wait
for each other: the feature's own rows first, then clocks, several of them by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kit import clock as time
from kit import database
from kit.ids import new_id
from kit.jobs import Job, enqueue, handler
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks.models import Clock, ClockEntry, ClockMark
from stewardship.foundation.clocks.rules import (
    Binding,
    Channel,
    ClockState,
    Entry,
    Kind,
    MarkKey,
    Target,
    carried_marks,
    due_from,
    next_trigger,
    replay,
)
from stewardship.foundation.errors import Invalid

Subject = tuple[str, UUID]

BACKDATED_AT_MOST = timedelta(days=10)
"""A call is logged when the officer is back: after the longest run of public holidays, eight days, and a weekend."""
CALENDAR_PAGE = 200
CALENDAR_JOB = "clocks.calendar"


async def open_clock(
    subject: Subject,
    *,
    unit_id: UUID,
    owner_id: UUID | None,
    case_kind: str | None,
    asked_at: datetime,
    then: Sequence[Kind] = (),
) -> Clock:
    """Start the subject's clock: bound to owner, unit, policy and calendar as they are in force now.

    `then`: what the machine did about it in the same moment, such as acknowledging it.
    """
    binding = await _binding(subject[0], unit_id, owner_id, case_kind)
    clock = await Clock.create(subject_kind=subject[0], subject_id=subject[1], unit_id=unit_id, owner_id=binding.owner)
    entries = [
        Entry(new_id(), 1, asked_at, Kind.HANDED_OVER, binding=binding),
        Entry(new_id(), 2, asked_at, Kind.ASKED),
    ]
    entries += [Entry(new_id(), seq, asked_at, kind) for seq, kind in enumerate(then, start=3)]
    await _write(clock, entries)
    return await store(clock, entries)


async def _binding(subject_kind: str, unit_id: UUID, owner_id: UUID | None, case_kind: str | None) -> Binding:
    return Binding(
        owner=owner_id or unit_id,
        unit=unit_id,
        policy=await policies.policy_for(subject_kind, unit_id, case_kind),
        calendar=await policies.calendar_for(unit_id),
    )


async def append(
    subject: Subject,
    kind: Kind,
    *,
    at: datetime | None = None,
    started_at: datetime | None = None,
    person: UUID | None = None,
    channel: Channel | None = None,
    visible: bool = True,
    reason: str | None = None,
) -> Clock:
    """Something happened; the clock is replayed and stored. Instants are aware.

    `at`: when it happened, if that was before now, such as a call that is logged afterwards; this is recorded as an
    event. `started_at`: since when a party waits, if before `at`. `visible`: whether the party can see a reply.
    Raises Invalid for a time ahead of now, before the clock began, or more than ten days ago.
    """
    clock = await locked(subject)
    entry = Entry(
        new_id(),
        await _next_seq(clock),
        await _moment(clock, at),
        kind,
        started_at=started_at,
        person=person,
        channel=channel,
        visible=visible,
        reason=reason,
    )
    if at is not None:
        await _record_backdating(clock, entry)
    return await _add(clock, entry)


async def _moment(clock: Clock, at: datetime | None) -> datetime:
    """When the next entry happened.

    What happens now never lies before what is logged already: machines' clocks differ by a little, and an answer
    that seemed older than its question would answer nothing.
    """
    bounds = await database.fetchrow(
        "select min(at) as first, max(at) as last from clock_entry where clock_id = $1", clock.id
    )
    now = time.now()
    if at is None:
        return max(now, bounds["last"]) if bounds and bounds["last"] else now
    first = bounds["first"] if bounds else None
    earliest = max(first, now - BACKDATED_AT_MOST) if first else now - BACKDATED_AT_MOST
    if not earliest <= at <= now:
        days = BACKDATED_AT_MOST.days
        raise Invalid(
            "time_of_reply", "时间不对", f"不能早于对方提问，不能晚于现在，最多补记 {days} 天内的通话或面谈。"
        )
    return at


async def _record_backdating(clock: Clock, entry: Entry) -> None:
    """A time given afterwards can undo a recorded breach, so it is there for the inspector."""
    actor = Actor(ActorKind.OFFICER, entry.person) if entry.person else SYSTEM
    await audit.record(
        "clock.backdated",
        actor,
        (clock.subject_kind, clock.subject_id),
        unit_id=clock.unit_id,
        entry=entry.kind.value,
        at=entry.at.isoformat(),
        seconds=round((time.now() - entry.at).total_seconds()),
    )


async def hand_over(subject: Subject, *, unit_id: UUID, owner_id: UUID | None, case_kind: str | None) -> Clock:
    """Another owner or unit has it: policy and calendar are bound anew, each keeps their own segment."""
    clock = await locked(subject)
    binding = await _binding(subject[0], unit_id, owner_id, case_kind)
    clock.unit_id, clock.owner_id = unit_id, binding.owner
    at = await _moment(clock, None)
    return await _add(clock, Entry(new_id(), await _next_seq(clock), at, Kind.HANDED_OVER, binding=binding))


async def merge(source: Subject, into: Subject, *, same_party: bool) -> Clock:
    """The source's clock stops; the other keeps the earliest time, and what was told once is not told again.

    `same_party`: who asked the one asked the other, so that a reply they have seen counts for both.
    """
    await lock([source, into])
    old, new = await locked(source), await locked(into)
    state = await state_of(old)
    at = max(await _moment(old, None), await _moment(new, None))
    await _add(old, Entry(new_id(), await _next_seq(old), at, Kind.MERGED_INTO, other=into[1]))
    entry = Entry(
        new_id(),
        await _next_seq(new),
        at,
        Kind.MERGED_FROM,
        other=source[1],
        started_at=state.earliest_unanswered_at,
        responded_at=state.first_response_at if same_party else None,
    )
    clock = await _add(new, entry)
    for key in carried_marks(state, await marks_of(old), await state_of(new)):
        await mark_done(new, key, at)
    return await store(clock, await entries_of(clock))


async def calendar_changed(code: str, after: UUID | None = None) -> int:
    """Open clocks of units with this calendar take its newest version; answers how many did in this page.

    Goes through them by pages, each a job of its own, so that no transaction holds many clocks for long. Answers from
    the record that may still be challenged count as open.
    """
    rows = await database.fetch(UNSETTLED, code, after, time.now() - LONGEST_CHALLENGE, CALENDAR_PAGE)
    changed = 0
    for row in rows:
        changed += await _take_newest_calendar(row["id"], row["unit_id"])
    if len(rows) == CALENDAR_PAGE:
        await enqueue(CALENDAR_JOB, {"code": code, "after": rows[-1]["id"]})
    return changed


LONGEST_CHALLENGE = timedelta(days=60)
"""No policy allows a longer one."""
UNSETTLED = """
select k.id, k.unit_id from clock k join unit u on u.id = k.unit_id
where u.calendar_code = $1 and ($2::uuid is null or k.id > $2)
  and (k.running or k.full_at is null and exists (
    select 1 from clock_entry e where e.clock_id = k.id and e.kind = 'answered_from_record' and e.at > $3))
order by k.id limit $4
"""


@handler(CALENDAR_JOB)
async def _next_calendar_page(job: Job) -> None:
    await calendar_changed(str(job.payload["code"]), UUID(job.payload["after"]))


async def _take_newest_calendar(clock_id: UUID, unit_id: UUID) -> bool:
    clock = await Clock.select_for_update().get(id=clock_id)
    state = await state_of(clock)
    newest = await policies.calendar_for(unit_id)
    if state.calendar == newest or not (state.is_open or state.is_provisional):
        return False
    at = await _moment(clock, None)
    await _add(clock, Entry(new_id(), await _next_seq(clock), at, Kind.CALENDAR_CHANGED, calendar=newest))
    return True


async def locked(subject: Subject) -> Clock:
    """The subject's clock under its row lock. Raises DoesNotExist where it has none."""
    return await Clock.select_for_update().get(subject_kind=subject[0], subject_id=subject[1])


async def lock(subjects: Sequence[Subject]) -> None:
    """Lock several clocks for the caller's transaction, in the order in which everybody locks several."""
    await database.fetch(
        "select k.id from clock k join unnest($1::text[], $2::uuid[]) as s(kind, id)"
        " on k.subject_kind = s.kind and k.subject_id = s.id order by k.id for update of k",
        [kind for kind, _ in subjects],
        [id_ for _, id_ in subjects],
    )


async def _next_seq(clock: Clock) -> int:
    last = await database.fetchval("select max(seq) from clock_entry where clock_id = $1", clock.id)
    return int(last or 0) + 1


async def add(clock: Clock, make: Callable[[int, datetime], Entry]) -> Clock:
    """Append what `make` makes of the next place in the log and of now. The caller holds the clock's lock."""
    return await _add(clock, make(await _next_seq(clock), await _moment(clock, None)))


async def _add(clock: Clock, entry: Entry) -> Clock:
    await _write(clock, [entry])
    return await store(clock, await entries_of(clock))


async def _write(clock: Clock, entries: list[Entry]) -> None:
    await ClockEntry.bulk_create(
        [ClockEntry(id=e.id, clock_id=clock.id, seq=e.seq, at=e.at, kind=e.kind.value, data=e.data()) for e in entries]
    )


async def entries_of(clock: Clock) -> list[Entry]:
    """The clock's log."""
    rows = await ClockEntry.filter(clock_id=clock.id).order_by("seq")
    return [Entry.from_data(r.id, r.seq, r.at, r.kind, r.data) for r in rows]


async def state_of(clock: Clock, entries: list[Entry] | None = None) -> ClockState:
    """What the log says now."""
    entries = entries if entries is not None else await entries_of(clock)
    used_policies = {e.binding.policy for e in entries if e.binding} | {e.policy for e in entries if e.policy}
    used_calendars = {e.binding.calendar for e in entries if e.binding} | {e.calendar for e in entries if e.calendar}
    return replay(
        entries,
        {p: await policies.policy_version(p) for p in used_policies},
        {c: await policies.calendar_version(c) for c in used_calendars},
    )


async def store(clock: Clock, entries: list[Entry]) -> Clock:
    """Write down what the log says. The caller holds the clock's lock."""
    state = await state_of(clock, entries)
    values = stored_values(state, time.now()) | {"next_trigger_at": next_trigger(state, await marks_of(clock))}
    for name, value in values.items():
        setattr(clock, name, value)
    await clock.save(update_fields=[*values, "unit_id", "owner_id"])
    return clock


def stored_values(state: ClockState, now: datetime) -> dict[str, Any]:
    """The columns of a clock that follow from its log alone; `clocks replay` compares them."""
    current = state.current
    first, full = (current.first, current.full) if current else (None, None)
    return {
        "running": state.is_open,
        "episode": state.episode,
        "started_at": current.started_at if current else None,
        "first_due_at": state.first_due_at,
        "full_due_at": state.full_due_at,
        "first_at": state.first_response_at,
        "full_at": state.full_answer_at,
        "first_duty_seconds": _seconds(first.waited) if first else None,
        "full_duty_seconds": _seconds(full.waited) if full else None,
        "breached": state.is_breached(now),
        "provisional": bool(first and full and (first.due_is_provisional or full.due_is_provisional)),
    }


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration.total_seconds())


async def marks_of(clock: Clock) -> set[MarkKey]:
    """What was carried out for the clock."""
    rows = await ClockMark.filter(clock_id=clock.id).values_list("episode", "target", "mark")
    return {MarkKey(episode, Target(target), mark) for episode, target, mark in rows}


async def mark_done(clock: Clock, key: MarkKey, due_at: datetime) -> bool:
    """Note a mark as carried out; False where it was already."""
    done = await database.fetchval(
        "insert into clock_mark (id, clock_id, episode, target, mark, due_at, done_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning 1",
        new_id(),
        clock.id,
        key.episode,
        key.target.value,
        key.mark,
        due_at,
        time.now(),
    )
    return done is not None


async def new_time(clock: Clock) -> datetime | None:
    """A full answer's time reckoned from now, for a party whose every promised time has passed."""
    state = await state_of(clock)
    return due_from(
        await policies.policy_version(state.policy),
        await policies.calendar_version(state.calendar),
        Target.FULL,
        time.now(),
    )
