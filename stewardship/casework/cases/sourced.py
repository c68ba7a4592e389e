"""What another system says of a case that it keeps: the commands by which it, and only it, changes what it owns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit import clock
from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import BRIEF, Case, CaseKind, CaseStage, Sensitivity
from stewardship.casework.cases.rules import ends, normal_number, stage_of
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid


def owned(**sent: Any) -> frozenset[str]:
    """The names of what was sent: those are the source's from now on."""
    return frozenset(name for name, value in sent.items() if value is not None)


@atomic()
async def change(
    actor: Actor,
    case_id: UUID,
    *,
    kind: CaseKind | None,
    number: str | None,
    sensitivities: frozenset[Sensitivity] | None,
    brief: str | None,
) -> Case:
    """Take over what was sent; None leaves a field as it is. Raises Invalid where the stage does not fit the kind."""
    case = await cases.lock_case(case_id)
    if kind is not None and stage_of(kind, case.stage) is None:
        raise Invalid("stage_unknown", "当前阶段不属于该类案件", "请先同步阶段，再改案件类型。")
    number = normal_number(number)
    known = await cases.with_number(number)
    if known is not None and known.id != case.id:
        raise Conflict("case_number_taken", "案号已经登记", "请核对案号。")
    found = _found(case)
    case.kind, case.number = kind or case.kind, number or case.number
    if sensitivities is not None:
        case.sensitivities, case.sensitivity_known = sorted(each.value for each in sensitivities), True
    if brief is not None:
        case.brief = vault().ring.seal_text(brief, BRIEF)
    await case.save(update_fields=["kind", "number", "sensitivities", "sensitivity_known", "brief"])
    if _found(case) != found and case.kind is not None:
        # Who could not be asked or told before may be now: the same event as when an officer finds it out.
        await audit.record(
            "case.kind_set", actor, ("case", case.id), case_id=case.id, unit_id=case.unit_id, kind_of_case=case.kind
        )
    return case


def _found(case: Case) -> tuple[object, ...]:
    return (case.kind, case.number, case.sensitivity_known, tuple(sorted(case.sensitivities)))


@dataclass(frozen=True, slots=True)
class Entered:
    """A stage as it stands in the history; `news` where the case is in it since now."""

    case: Case
    stage: CaseStage
    news: bool


@atomic()
async def enter_stage(actor: Actor, case_id: UUID, code: str, at: datetime, known: CaseStage | None) -> Entered:
    """The case entered a stage at `at`, elsewhere. `known`: what an earlier revision of the same record said.

    A stage older than the present one is written into the history and changes nothing else. A closed case goes on
    with a new episode. Raises Invalid for a stage that the kind does not have.
    """
    case = await cases.lock_case(case_id)
    if stage_of(case.kind, code) is None:
        raise Invalid("stage_unknown", "没有这个阶段", "请核对阶段代码，或先同步案件类型。")
    await _own_stage(case)
    if known is not None and known.case_id == case.id and known.stage == code:
        known.at = at
        await known.save(update_fields=["at"])
        return Entered(case, known, news=False)
    later = await CaseStage.filter(case_id=case.id, at__gt=at).exclude(source_system=None).exists()
    if later or case.stage == code:
        return Entered(case, await _history(actor, case, code, at, known), news=False)
    moved = await _move(actor, case, code)
    stage = await CaseStage.filter(case_id=case.id, stage=code).order_by("-at", "-id").first()
    assert stage is not None, "entering a stage writes it down"  # noqa: S101 — narrows the type.
    if known is not None:
        await known.delete()
    stage.at = moved.stage_since = at
    await stage.save(update_fields=["at"])
    await moved.save(update_fields=["stage_since"])
    return Entered(moved, stage, news=True)


async def _own_stage(case: Case) -> None:
    if "stage" not in case.source_fields:
        case.source_fields = sorted({*case.source_fields, "stage"})
        await case.save(update_fields=["source_fields"])


async def _history(actor: Actor, case: Case, code: str, at: datetime, known: CaseStage | None) -> CaseStage:
    if known is None:
        return await CaseStage.create(case_id=case.id, stage=code, at=min(at, clock.now()), by_id=actor.id)
    known.stage, known.at = code, at
    await known.save(update_fields=["stage", "at"])
    return known


async def _move(actor: Actor, case: Case, code: str) -> Case:
    if case.closed_at is None:
        return await cases.move_to(actor, case.id, code)
    if ends(code):
        # 终止, then 结案: the case stays closed, and was so since before.
        await cases.enter_closed(actor, case, code)
        return await cases.lock_case(case.id)
    return await cases.reopen(actor, case.id, code)
