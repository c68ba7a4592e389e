"""Questions counted one by one, each clock replayed from its log: what the roll-ups are held against."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import Episode, Status, TargetState
from stewardship.reports.bins import EDGES, bin_of, quantile, width
from stewardship.reports.figures import Counted, Filter
from stewardship.reports.rules import Period

PERIOD = Period(date(2026, 3, 1), date(2026, 5, 31))


@dataclass
class Question:
    """One episode as its clock's log tells, with everything it can be filtered by."""

    day: date
    hour: int
    kind: str
    channel: str
    state: str
    last: tuple[UUID, UUID | None]
    first: TargetState | None = None
    full: TargetState | None = None
    first_holder: tuple[UUID, UUID | None] | None = None
    full_holder: tuple[UUID, UUID | None] | None = None


async def questions() -> list[Question]:
    found = []
    for inquiry in await Inquiry.all():
        case = await Case.get(id=inquiry.case_id)
        entry = await InquiryEntry.filter(inquiry_id=inquiry.id, kind=EntryKind.ASKED).order_by("at", "id").first()
        assert entry is not None
        kind = case.kind.value if case.kind else "unknown"
        timer = await Clock.get_or_none(subject_kind="inquiry", subject_id=inquiry.id)
        if timer is None:
            local = clock.local(inquiry.opened_at)
            last = (inquiry.unit_id, inquiry.owner_id)
            found.append(Question(local.date(), local.hour, kind, entry.channel, state_of(inquiry), last))
            continue
        state = await clocks.state_of(timer)
        for episode in state.episodes:
            local = clock.local(inquiry.opened_at if episode.number == 1 else episode.started_at)
            current = episode is state.episodes[-1]
            found.append(
                Question(
                    local.date(),
                    local.hour,
                    kind,
                    entry.channel,
                    state_of(inquiry) if current else EARLIER[episode.status],
                    holder(episode, None),
                    episode.first,
                    episode.full,
                    holder(episode, settled(episode.first)),
                    holder(episode, settled(episode.full)),
                )
            )
    return found


EARLIER = {
    Status.ANSWERED: "answered",
    Status.PROVISIONAL: "from_record",
    Status.CLOSED: "closed",
    Status.MERGED: "merged",
}


def state_of(inquiry: Inquiry) -> str:
    return "from_record" if inquiry.state is InquiryState.ANSWERED_FROM_RECORD else inquiry.state.value


def settled(target: TargetState) -> datetime | None:
    instants = [at for at in (target.breach_at, target.met_at) if at is not None]
    return min(instants, default=None)


def holder(episode: Episode, at: datetime | None) -> tuple[UUID, UUID | None]:
    """Who had it at an instant; whoever gets it in that very instant has not had it yet."""
    segments = list(episode.segments)
    index = len(segments) - 1
    while at is not None and index > 0 and segments[index].start >= at:
        index -= 1
    segment = segments[index]
    return segment.unit, None if segment.owner == segment.unit else segment.owner


@dataclass
class Direct:
    """What counting one by one comes to."""

    asked: int = 0
    from_record: int = 0
    first: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    first_in_time: int = 0
    full_in_time: int = 0
    overdue: int = 0


def counted_directly(all_: list[Question], units: set[UUID], filter_: Filter, now: datetime) -> Direct:
    direct = Direct()
    for q in all_:
        if q.state in ("merged", "closed") or not (PERIOD.first <= q.day <= PERIOD.last) or not fits(q, filter_):
            continue
        if belongs(q.last, units, filter_):
            direct.asked += 1
            direct.from_record += q.state == "from_record"
        if q.first is not None and q.first.met is not None and belongs(q.first_holder, units, filter_):
            direct.first.append(minutes(q.first))
            direct.first_in_time += q.first.breach_at is None
        if q.full is not None and q.state != "from_record" and belongs(q.full_holder, units, filter_):
            if q.full.met is not None:
                direct.full.append(minutes(q.full))
                direct.full_in_time += q.full.breach_at is None
            elif q.full.due_at is not None and q.full.due_at <= now:
                direct.overdue += 1
    return direct


def minutes(target: TargetState) -> float:
    assert target.waited is not None
    return round(target.waited.total_seconds()) / 60


def fits(q: Question, f: Filter) -> bool:
    return f.kind in (None, q.kind) and f.channel in (None, q.channel) and f.hour in (None, q.hour)


def belongs(who: tuple[UUID, UUID | None] | None, units: set[UUID], f: Filter) -> bool:
    return who is not None and who[0] in units and f.officer_id in (None, who[1])


def check_same(found: Counted, direct: Direct) -> None:
    assert (found.asked, found.from_record, found.overdue) == (direct.asked, direct.from_record, direct.overdue)
    assert (found.first_count, found.first_in_time) == (len(direct.first), direct.first_in_time)
    assert (found.full_count, found.full_in_time) == (len(direct.full), direct.full_in_time)
    for bins, values in ((found.first_bins, direct.first), (found.full_bins, direct.full)):
        for share in (0.5, 0.9):
            check_quantile(bins, values, share)


def check_quantile(bins: Any, values: list[float], share: float) -> None:
    shown = quantile(bins, share)
    if not values:
        assert shown is None
        return
    exact = sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
    assert shown is not None
    # To the width of its bin; the last bin is open, and its edge is shown.
    assert abs(shown - exact) <= width(bin_of(round(exact * 60))) or shown == EDGES[-1]
