"""Registering a case, moving it through its stages, handing it over, closing it; and who may see it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic, in_transaction
from stewardship.casework.cases.models import BRIEF, Case, CaseKind, CaseStage, Sensitivity
from stewardship.casework.cases.rules import (
    CLOSED,
    REPORTED,
    SILENCE_DAYS,
    SILENCE_ESCALATION,
    ends,
    normal_number,
    stage_of,
)
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org.models import Officer, Role
from stewardship.foundation.source import check_not_owned

CASE_READERS = (Role.INSTRUCTOR, Role.CENTRE_OFFICER)
"""Roles that see the cases of all units in their scope; a steward sees their own."""


def new_reference() -> str:
    """A public reference that tells nothing: the day, and random digits."""
    return f"A{clock.local(clock.now()):%y%m%d}{secrets.randbelow(10**8):08d}"


@atomic()
async def register(
    actor: Actor,
    *,
    unit_id: UUID,
    steward_id: UUID,
    kind: CaseKind | None = None,
    deputy_id: UUID | None = None,
    number: str | None = None,
    brief: str | None = None,
    sensitivities: frozenset[Sensitivity] = frozenset(),
    sensitivity_known: bool = False,
    source: Mapping[str, Any] | None = None,
) -> Case:
    """Open a case at 接报案, before a number or even a kind is known. The silence clock starts now.

    Raises Invalid for a steward or deputy of another unit, Conflict for a number that another case has.
    """
    await check_officers(unit_id, steward_id, deputy_id)
    at = clock.now()
    case = await _create(
        number=normal_number(number),
        kind=kind,
        stage=REPORTED,
        sensitivities=sorted(s.value for s in sensitivities),
        sensitivity_known=sensitivity_known,
        unit_id=unit_id,
        steward_id=steward_id,
        deputy_id=deputy_id,
        brief=vault().ring.seal_text(brief, BRIEF) if brief else None,
        silent_from=silence_after(at),
        **(source or {}),
    )
    await database.write(CaseStage.bulk_create, [CaseStage(case_id=case.id, stage=REPORTED, at=at, by_id=actor.id)])
    await audit.record("case.registered", actor, ("case", case.id), case_id=case.id, unit_id=unit_id)
    return case


async def _create(*, number: str | None, **values: Any) -> Case:
    """With a reference that no other case has. Raises Conflict for a number that one has."""
    await check_number(number)
    reference = new_reference()
    try:
        async with in_transaction():
            return await Case.create(reference=reference, number=number, **values)
    except IntegrityError:
        await check_number(number)
        if not await Case.exists(reference=reference):
            raise
    # Eight digits a day: among a thousand cases two meet every few months.
    return await _create(number=number, **values)


async def with_number(number: str | None) -> Case | None:
    """The case that has this number, in whatever width it was typed."""
    normal = normal_number(number)
    return await Case.get_or_none(number=normal) if normal else None


async def check_number(number: str | None, but: UUID | None = None) -> None:
    """Raises Conflict for a number that a case has, save the case `but`; nobody else takes it in this transaction."""
    if normal_number(number) is None:
        return
    await database.advisory_lock("case_number", str(normal_number(number)))
    known = await with_number(number)
    if known is not None and known.id != but:
        raise Conflict("case_number_taken", "案号已经登记", "请核对案号，或在已有案件中办理。")


async def check_officers(unit_id: UUID, steward_id: UUID, deputy_id: UUID | None) -> None:
    """Raises Invalid where steward or deputy is not an active officer of the unit."""
    for officer_id in filter(None, (steward_id, deputy_id)):
        if not await Officer.exists(id=officer_id, unit_id=unit_id, active=True):
            raise Invalid("steward_unit", "案管家或协办不在本单位", "请选择本单位在职的民警。")


def silence_after(at: datetime, days: int = SILENCE_DAYS) -> datetime:
    """The end of the legal day `days` after an instant: until then the party need not have heard from us."""
    return end_of(clock.local(at).date() + timedelta(days=days))


def end_of(day: date) -> datetime:
    """The instant (UTC) at which a legal date is over."""
    return datetime.combine(day + timedelta(days=1), time(), clock.LOCAL).astimezone(UTC)


def scope(actor: Actor) -> Q:
    """The cases an officer may see, as a filter for the query itself: own ones, and those of supervised units."""
    if actor.kind is not ActorKind.OFFICER or actor.id is None:
        return Q(id__in=[])
    own = Q(steward_id=actor.id) | Q(deputy_id=actor.id)
    supervised = actor.units(*CASE_READERS)
    return own | Q(unit_id__in=list(supervised)) if supervised else own


def relation_of(actor: Actor, case: Case) -> str:
    """How an officer stands to a case: it is written beside every read."""
    if case.steward_id == actor.id:
        return "steward"
    if case.deputy_id == actor.id:
        return "deputy"
    for role in (Role.INSTRUCTOR, Role.CENTRE_OFFICER):
        if case.unit_id in actor.units(role):
            return role.value
    return "none"


async def access_case(actor: Actor, case_id: UUID) -> Case:
    """The case, if the officer may see it, and the read recorded. Raises NotFound otherwise."""
    case = await Case.get_or_none(Q(id=case_id) & scope(actor))
    if case is None:
        raise NotFound("case_not_found", "没有找到这个案件", "可能不在您的权限范围内，请核对编号。")
    await audit.record(
        "case.read", actor, ("case", case.id), case_id=case.id, unit_id=case.unit_id, relation=relation_of(actor, case)
    )
    return case


def check_may_write(actor: Actor, case: Case) -> None:
    """Raises NotAllowed for who may read but not act: only steward, deputy and instructor act on a case."""
    if relation_of(actor, case) not in {"steward", "deputy", Role.INSTRUCTOR.value}:
        raise NotAllowed("case_read_only", "您只能查看这个案件", "如需办理，请由案管家或教导员操作。")


async def lock_case(case_id: UUID) -> Case:
    """The case, locked to the end of the transaction."""
    return await Case.select_for_update().get(id=case_id)


@atomic()
async def move_to(actor: Actor, case_id: UUID, stage: str) -> Case:
    """Enter a stage. Raises Invalid where the kind has no such stage, Conflict where the case is closed.

    Raises SourceOwned where another system keeps the stage.
    """
    case = await lock_case(case_id)
    _check_own_to_change(actor, case, "stage")
    if case.closed_at is not None:
        raise Conflict("case_closed", "案件已经办结", "如需继续办理，请先重新打开。")
    if stage_of(case.kind, stage) is None:
        raise Invalid("stage_unknown", "没有这个阶段", "请从列表中选择。")
    if ends(stage):
        return await _close(actor, case, stage)
    await _enter(actor, case, stage)
    return case


def _check_own_to_change(actor: Actor, case: Case, *names: str) -> None:
    """The source itself changes what it owns."""
    if actor.kind is not ActorKind.MACHINE:
        check_not_owned(case, *names)


async def _enter(actor: Actor, case: Case, stage: str) -> None:
    case.stage, case.stage_since = stage, clock.now()
    await case.save(update_fields=["stage", "stage_since"])
    await CaseStage.create(case_id=case.id, stage=stage, at=case.stage_since, by_id=actor.id)
    await audit.record(
        "case.stage_entered", actor, ("case", case.id), case_id=case.id, unit_id=case.unit_id, stage=stage
    )


async def enter_closed(actor: Actor, case: Case, stage: str) -> None:
    """A further last stage of a case that the caller has locked and that is closed already."""
    await _enter(actor, case, stage)


async def _close(actor: Actor, case: Case, stage: str) -> Case:
    await _enter(actor, case, stage)
    case.closed_at, case.silent_from = clock.now(), None
    await case.save(update_fields=["closed_at", "silent_from"])
    await audit.record(
        "case.closed", actor, ("case", case.id), case_id=case.id, unit_id=case.unit_id, episode=case.episode
    )
    return case


@atomic()
async def close(actor: Actor, case_id: UUID) -> Case:
    """Close the case in its ordinary last stage."""
    return await move_to(actor, case_id, CLOSED)


@atomic()
async def reopen(actor: Actor, case_id: UUID, stage: str) -> Case:
    """A closed case goes on: a new episode, history untouched. Raises Invalid for a stage that would close it again."""
    case = await lock_case(case_id)
    _check_own_to_change(actor, case, "stage")
    if case.closed_at is None:
        raise Conflict("case_open", "案件没有办结", "案件正在办理中。")
    if ends(stage) or stage_of(case.kind, stage) is None:
        raise Invalid("stage_unknown", "不能回到这个阶段", "请选择一个还在办理的阶段。")
    case.closed_at, case.episode = None, case.episode + 1
    case.silent_from = silence_after(clock.now())
    await case.save(update_fields=["closed_at", "episode", "silent_from"])
    await _enter(actor, case, stage)
    await audit.record(
        "case.reopened", actor, ("case", case.id), case_id=case.id, unit_id=case.unit_id, episode=case.episode
    )
    return case


@atomic()
async def set_kind(
    actor: Actor, case_id: UUID, kind: CaseKind, sensitivities: frozenset[Sensitivity], number: str | None = None
) -> Case:
    """What the case is, once that is known: its kind, what makes it delicate, its number.

    Raises SourceOwned where another system keeps one of those that change, Invalid where the kind has no such stage,
    Conflict for a number that another case has.
    """
    number = normal_number(number)
    await check_number(number, but=case_id)
    case = await lock_case(case_id)
    changed = {"kind": kind is not case.kind, "number": number not in {None, case.number}}
    changed["sensitivities"] = sorted(each.value for each in sensitivities) != sorted(case.sensitivities)
    _check_own_to_change(actor, case, *(name for name, differs in changed.items() if differs))
    if stage_of(kind, case.stage) is None:
        raise Invalid("stage_unknown", "当前阶段不属于该类案件", "请先调整阶段。")
    case.kind, case.sensitivity_known = kind, True
    case.sensitivities = sorted(s.value for s in sensitivities)
    case.number = number or case.number
    await case.save(update_fields=["kind", "sensitivity_known", "sensitivities", "number"])
    await audit.record(
        "case.kind_set", actor, ("case", case.id), case_id=case.id, unit_id=case.unit_id, kind_of_case=kind.value
    )
    return case


@atomic()
async def hand_over(
    actor: Actor, case_id: UUID, *, unit_id: UUID, steward_id: UUID, deputy_id: UUID | None, reason: str
) -> Case:
    """Another officer, or another unit's, becomes the steward; open clocks follow by the event."""
    await check_officers(unit_id, steward_id, deputy_id)
    case = await lock_case(case_id)
    return await give(actor, case, unit_id=unit_id, steward_id=steward_id, deputy_id=deputy_id, reason=reason)


async def give(
    actor: Actor,
    case: Case,
    *,
    unit_id: UUID,
    steward_id: UUID,
    deputy_id: UUID | None,
    reason: str,
    **details: Any,
) -> Case:
    """The same for a case that the caller has locked, and for an officer whom the caller has chosen by other rules."""
    from_unit, from_steward = case.unit_id, case.steward_id
    case.unit_id, case.steward_id = unit_id, steward_id
    case.deputy_id = deputy_id if deputy_id != steward_id else None
    await case.save(update_fields=["unit_id", "steward_id", "deputy_id"])
    await audit.record(
        "case.handed_over",
        actor,
        ("case", case.id),
        case_id=case.id,
        unit_id=unit_id,
        to_steward=steward_id,
        reason_length=len(reason),
        from_unit=from_unit,
        from_steward=from_steward,
        **details,
    )
    return case


async def silence_no_later_than(case_id: UUID, at: datetime) -> None:
    """Something is owed to the parties by then: the silence ends no later, in a closed case too."""
    await database.execute("update case_file set silent_from = least(silent_from, $2) where id = $1", case_id, at)


async def set_silence(case_id: UUID, at: datetime | None) -> None:
    """By when the parties must hear; None: nothing is owed."""
    await Case.filter(id=case_id).update(silent_from=at, silence_level=0)


async def silent_cases(at: datetime, limit: int = 200) -> list[Case]:
    """Cases whose parties should have heard something by now; a closed one only where its end was not yet told."""
    return await Case.filter(silent_from__lte=at).order_by("silent_from").limit(limit)


@atomic()
async def mark_silent(case_id: UUID, at: datetime) -> int | None:
    """Count one more step of silence (1: the steward is told, 2: the instructor); None where somebody was quicker."""
    level = await database.fetchval(
        "update case_file set silence_level = least(silence_level + 1, 2), silent_from = $2"
        " where id = $1 and silent_from <= $3 returning silence_level",
        case_id,
        at + SILENCE_ESCALATION,
        at,
    )
    return int(level) if level is not None else None
