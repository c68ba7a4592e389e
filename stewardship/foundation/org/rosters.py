"""Who receives something now: the line from the steward upward, with everybody's shifts and absences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from stewardship.foundation.duty_time import (
    Absence,
    AbsenceKind,
    Candidate,
    EscalationLevel,
    Presence,
    Receiver,
    Span,
    choose_receiver,
)
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, Shift, ShiftKind

ROSTER_HORIZON = timedelta(days=7)
"""Whoever has no duty within a week either way keeps no roster, and is there in the unit's duty hours."""
_PRESENT = frozenset({ShiftKind.DUTY, ShiftKind.DEPUTY})


async def receiver(
    unit_id: UUID,
    owner_id: UUID | None,
    deputy_id: UUID | None,
    at: datetime,
    *,
    from_level: EscalationLevel = EscalationLevel.STEWARD,
) -> Receiver:
    """Who has it at the instant: steward, deputy or duty officer, instructor, sub-bureau and bureau, in this order.

    Whoever rests, is away or on a call-out is passed over; the last in line always receives, so ownership is never
    empty. Where nobody is named at all, the unit itself stands for its desk.
    """
    line: list[tuple[UUID, EscalationLevel]] = []
    if owner_id is not None:
        line.append((owner_id, EscalationLevel.STEWARD))
    line += [(officer, EscalationLevel.DUTY_OFFICER) for officer in await _deputies(unit_id, deputy_id, at)]
    for step, unit in enumerate(await org.line_above(unit_id)):
        level = EscalationLevel.INSTRUCTOR if step == 0 else EscalationLevel.SUB_BUREAU
        line += [(officer.id, level) for officer in await org.officers_with(Role.INSTRUCTOR, unit.id)]
    ordered = await _serving(_once(line), unit_id) or [(unit_id, EscalationLevel.INSTRUCTOR)]
    known = await presences([officer for officer, _ in ordered], at)
    candidates = [Candidate(officer, level, known.get(officer, Presence())) for officer, level in ordered]
    return choose_receiver(candidates, at, from_level=from_level)


def _once(line: Iterable[tuple[UUID, EscalationLevel]]) -> list[tuple[UUID, EscalationLevel]]:
    """Each officer in their first place only; the last in line stays the backstop, though they may own it already.

    Otherwise an inquiry that is with the backstop while all are away would go back down, and up again, without end.
    """
    first: dict[UUID, EscalationLevel] = {}
    last = None
    for officer, level in line:
        first.setdefault(officer, level)
        last = (officer, level)
    ordered = list(first.items())
    return ordered if last is None or ordered[-1][0] == last[0] else [*ordered, last]


async def _serving(line: list[tuple[UUID, EscalationLevel]], unit_id: UUID) -> list[tuple[UUID, EscalationLevel]]:
    """Without those who have left the force; the unit's own desk stays in its place."""
    active = set(await Officer.filter(id__in=[id_ for id_, _ in line], active=True).values_list("id", flat=True))
    return [(id_, level) for id_, level in line if id_ in active or id_ == unit_id]


async def _deputies(unit_id: UUID, deputy_id: UUID | None, at: datetime) -> list[UUID]:
    """The case's deputy, then who is on duty in the unit."""
    shifts = await Shift.filter(unit_id=unit_id, kind__in=list(_PRESENT), starts_at__lte=at, ends_at__gt=at).order_by(
        "kind", "starts_at"
    )
    return ([deputy_id] if deputy_id else []) + [shift.officer_id for shift in shifts]


async def presences(officers: Sequence[UUID], at: datetime) -> dict[UUID, Presence]:
    """When each is there and when away, within a week of the instant."""
    shifts = await Shift.filter(
        officer_id__in=list(officers), starts_at__lt=at + ROSTER_HORIZON, ends_at__gt=at - ROSTER_HORIZON
    )
    return {officer: _presence([s for s in shifts if s.officer_id == officer]) for officer in officers}


def _presence(shifts: list[Shift]) -> Presence:
    there = tuple(Span(s.starts_at, s.ends_at) for s in shifts if s.kind in _PRESENT)
    away = tuple(Absence(AbsenceKind(s.kind.value), s.starts_at, s.ends_at) for s in shifts if s.kind not in _PRESENT)
    return Presence(there or None, away)
