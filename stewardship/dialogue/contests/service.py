"""Contesting a missed promise, and deciding about it one level above.

What was missed stays missed: an accepted contest puts an adjusted figure beside the raw one and changes neither the
clock nor its log. Nobody decides about their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic, in_transaction
from stewardship.dialogue.contests import notices
from stewardship.dialogue.contests.models import TEXT, Contest, ContestState, Ground
from stewardship.dialogue.contests.rules import (
    DECISION_LENGTH,
    EVIDENCE_LENGTH,
    contestable_until,
    decided_by,
)
from stewardship.dialogue.inquiries.common import SUBJECT, check_text
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import Segment, Target
from stewardship.foundation.errors import Conflict, Gone, NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role

DECIDERS = (Role.INSTRUCTOR,)


@dataclass(frozen=True, slots=True)
class _Missed:
    """A missed promise, and who had the question then, by which calendar."""

    inquiry: Inquiry
    episode: int
    at: datetime
    held: Segment

    @property
    def owner_id(self) -> UUID | None:
        """None where the unit's desk had it and no officer."""
        return None if self.held.owner == self.held.unit else self.held.owner


@atomic()
async def contest(
    actor: Actor, inquiry_id: UUID, target: Target, ground: Ground, evidence: str, *, episode: int | None = None
) -> Contest:
    """Contest that a promise of an inquiry was missed; `episode`: the last one by default.

    Only who had the question then, or an instructor of that unit. Raises NotFound for anybody else, Conflict where the
    promise was not missed or is contested already, Gone after five working days, Invalid for an overlong text.
    """
    check_text(evidence, EVIDENCE_LENGTH)
    missed = await _missed(actor, inquiry_id, target, episode)
    now = clock.now()
    if now > contestable_until(await policies.calendar_version(missed.held.calendar), missed.at):
        raise Gone("contest_window", "已过提出异议的期限", "超时后 5 个工作日内可以提出异议。")
    decider_id = await _above(missed.held.unit)
    calendar = await policies.calendar_version(await policies.calendar_for(decider_id))
    raised = await _create(
        inquiry_id=inquiry_id,
        case_id=missed.inquiry.case_id,
        episode=missed.episode,
        target=target,
        missed_at=missed.at,
        unit_id=missed.held.unit,
        owner_id=missed.owner_id,
        raised_by_id=actor.id,
        raised_at=now,
        ground=ground,
        evidence=vault().ring.seal_text(evidence, TEXT),
        decider_unit_id=decider_id,
        due_at=decided_by(calendar, now),
    )
    await _record("inquiry.contested", actor, raised, ground=ground.value)
    await notices.notify_to_decide(raised, await _deciders(raised, decider_id))
    return raised


async def _create(**values: Any) -> Contest:
    try:
        async with in_transaction():
            return await Contest.create(**values)
    except IntegrityError as error:
        raise Conflict("contested_already", "这次超时已经提出过异议", "请在异议列表里查看结果。") from error


async def _missed(actor: Actor, inquiry_id: UUID, target: Target, number: int | None) -> _Missed:
    """What was missed, if the actor may contest it."""
    inquiry = await Inquiry.get_or_none(id=inquiry_id)
    timer = await Clock.get_or_none(subject_kind=SUBJECT, subject_id=inquiry_id)
    if inquiry is None or timer is None or actor.id is None:
        raise _not_found()
    state = await clocks.state_of(timer)
    episode = next((e for e in state.episodes if e.number == (number or state.episode)), None)
    breach_at = episode.target(target).breach_at if episode is not None else None
    held = episode.held_at(breach_at) if episode is not None else None
    if episode is None or held is None or not may_contest(actor, held):
        raise _not_found()
    if breach_at is None or breach_at > clock.now():
        raise Conflict("not_missed", "这项承诺没有超时", "请刷新查看最新情况。")
    return _Missed(inquiry, episode.number, breach_at, held)


def may_contest(actor: Actor, held: Segment) -> bool:
    """Whether a breach is the officer's to contest: they had the question then, or are an instructor of that unit."""
    return held.owner == actor.id or held.unit in actor.units(*DECIDERS)


@atomic()
async def decide(actor: Actor, contest_id: UUID, *, accepted: bool, reason: str) -> Contest:
    """Judge a contest, with a reason that everybody concerned reads; final.

    Raises NotFound for whoever is not an instructor of the unit that decides or one above it, NotAllowed for whoever
    raised it or had the question, Conflict where it is decided.
    """
    check_text(reason, DECISION_LENGTH)
    found = await Contest.select_for_update().get_or_none(
        id=contest_id, decider_unit_id__in=list(actor.units(*DECIDERS))
    )
    if found is None:
        raise NotFound("contest_not_found", "没有找到这件异议", "可能不在您的权限范围内。")
    if actor.id in (found.raised_by_id, found.owner_id):
        raise NotAllowed("contest_own", "不能审核与自己有关的异议", "请由其他负责人审核。")
    if found.state is not ContestState.OPEN:
        raise Conflict("contest_decided", "这件异议已经审核", "请刷新查看结果。")
    found.state = ContestState.ACCEPTED if accepted else ContestState.REJECTED
    found.decided_by_id, found.decided_at = actor.id, clock.now()
    found.decision = vault().ring.seal_text(reason, TEXT)
    await found.save(update_fields=["state", "decided_by_id", "decided_at", "decision"])
    await _record("inquiry.adjusted" if accepted else "inquiry.contest_rejected", actor, found)
    await notices.notify_decided(found)
    return found


async def escalate_overdue(limit: int = 100) -> int:
    """What was not decided in time goes to the unit above as well, once; answers how many went."""
    rows = await database.fetch(
        "select id from contest where state = 'open' and not overdue and due_at <= $1 order by due_at limit $2",
        clock.now(),
        limit,
    )
    return sum([await _escalate(row["id"]) for row in rows])


async def _escalate(contest_id: UUID) -> bool:
    async with in_transaction():
        found = await Contest.select_for_update(skip_locked=True).get_or_none(
            id=contest_id, state=ContestState.OPEN, overdue=False
        )
        if found is None:
            return False
        found.overdue = True
        await found.save(update_fields=["overdue"])
        above = await _above(found.decider_unit_id)
        await _record("inquiry.contest_overdue", SYSTEM, found, to_unit=above)
        await notices.notify_to_decide(found, await _deciders(found, above), late=True)
        return True


async def accepted_of(inquiry_ids: Iterable[UUID]) -> set[tuple[UUID, int, Target]]:
    """Which missed promises, by inquiry, episode and target, were found to be none."""
    rows = await database.fetch(
        "select inquiry_id, episode, target from contest where state = 'accepted' and inquiry_id = any($1::uuid[])",
        list(inquiry_ids),
    )
    return {(row["inquiry_id"], row["episode"], Target(row["target"])) for row in rows}


async def _above(unit_id: UUID) -> UUID:
    """The unit above; the bureau itself, above which there is none: then another of its leaders decides."""
    line = await org.line_above(unit_id)
    return line[1].id if len(line) > 1 else unit_id


async def _deciders(contest_: Contest, unit_id: UUID) -> list[UUID]:
    """The instructors of the unit, without whom it concerns."""
    officers = await org.officers_with(Role.INSTRUCTOR, unit_id)
    return [officer.id for officer in officers if officer.id not in (contest_.raised_by_id, contest_.owner_id)]


async def _record(kind: str, actor: Actor, contest_: Contest, **details: Any) -> None:
    await audit.record(
        kind,
        actor,
        (SUBJECT, contest_.inquiry_id),
        case_id=contest_.case_id,
        unit_id=contest_.unit_id,
        contest=contest_.id,
        target=contest_.target.value,
        episode=contest_.episode,
        **details,
    )


def _not_found() -> NotFound:
    return NotFound("inquiry_not_found", "没有找到这个问题", "可能不在您的权限范围内。")
