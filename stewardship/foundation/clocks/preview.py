"""What a proposed promise would do to the questions that are open now, before anybody approves it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import clock, database
from kit.ids import new_id
from stewardship.foundation.clocks import policies, publishing, service
from stewardship.foundation.clocks.log import Entry, Kind
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.publishing import Proposal
from stewardship.foundation.clocks.rules import ClockState, replay
from stewardship.foundation.duty_time import DutyTimeError

MOST = 1000
"""Clocks that are looked at: replaying a log takes about a millisecond."""


@dataclass(slots=True)
class Preview:
    """Counts over the open clocks that would take the proposed version, were it in force now."""

    open: int = 0
    """Open clocks in its reach, those that keep a narrower version included."""
    affected: int = 0
    first_earlier: int = 0
    first_later: int = 0
    full_earlier: int = 0
    full_later: int = 0
    time_kept: int = 0
    """Have used more than the shorter promise grants: what they were promised stands, nothing is late in the past."""
    overdue_at_once: int = 0
    """In time now, overdue the moment the version counts."""
    overdue_no_more: int = 0
    more: bool = False
    """There are more open clocks than were looked at; the counts are of those."""


async def preview(proposal: Proposal) -> Preview:
    """Replay every open clock as if the version counted from now on. Nothing is changed."""
    rows = await publishing.unsettled(proposal.subject, proposal.unit_id, None, MOST + 1)
    kinds = await publishing.kinds_of(proposal.subject, [row["subject_id"] for row in rows])
    found = Preview(more=len(rows) > MOST)
    for row in rows[:MOST]:
        found.open += 1
        kind = kinds.get(row["subject_id"])
        if (proposal.case_kind in (None, kind)) and not await _keeps_narrower(proposal, row["unit_id"], kind):
            await _count(found, proposal, row["id"])
    return found


async def _keeps_narrower(proposal: Proposal, unit_id: UUID, kind: str | None) -> bool:
    current = await policies.policy_for(proposal.subject, unit_id, kind)
    row = await database.fetchrow(
        "select unit_id is null as city, case_kind is null as every_kind from promise_policy where id = $1", current
    )
    own = (proposal.unit_id is None, proposal.case_kind is None)
    return row is not None and (row["city"], row["every_kind"]) < own


async def _count(found: Preview, proposal: Proposal, clock_id: UUID) -> None:
    timer = await Clock.get(id=clock_id)
    entries = await service.entries_of(timer)
    before = await service.state_of(timer, entries)
    after = await _as_if(before, entries, proposal)
    if after is None:
        return
    now = clock.now()
    found.affected += 1
    found.first_earlier += _earlier(after.first_due_at, before.first_due_at)
    found.first_later += _earlier(before.first_due_at, after.first_due_at)
    found.full_earlier += _earlier(after.full_due_at, before.full_due_at)
    found.full_later += _earlier(before.full_due_at, after.full_due_at)
    found.time_kept += await _keeps_its_time(before, after, proposal)
    found.overdue_at_once += after.is_breached(now) and not before.is_breached(now)
    found.overdue_no_more += before.is_breached(now) and not after.is_breached(now)


async def _keeps_its_time(before: ClockState, after: ClockState, proposal: Proposal) -> bool:
    current = await policies.policy_version(before.policy)
    waits = before.first_response_at is None
    return (
        waits
        and before.first_due_at is not None
        and before.first_due_at == after.first_due_at
        and current.first_response != proposal.policy.first_response
    )


def _earlier(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


async def _as_if(state: ClockState, entries: list[Entry], proposal: Proposal) -> ClockState | None:
    """The clock's state with the version in force from now on; None where its calendar cannot promise that."""
    fake = new_id()
    at = max(clock.now(), entries[-1].at)
    policy = dataclasses.replace(proposal.policy, version=proposal.base_version + 1)
    used_policies = {e.binding.policy for e in entries if e.binding} | {e.policy for e in entries if e.policy}
    used_calendars = {e.binding.calendar for e in entries if e.binding} | {e.calendar for e in entries if e.calendar}
    known = {used: await policies.policy_version(used) for used in used_policies}
    calendars = {used: await policies.calendar_version(used) for used in used_calendars}
    change = Entry(fake, entries[-1].seq + 1, at, Kind.POLICY_CHANGED, policy=fake)
    try:
        return replay([*entries, change], known | {fake: policy}, calendars)
    except DutyTimeError:
        return None
