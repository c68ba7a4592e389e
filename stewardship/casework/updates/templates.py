"""Words for an update by kind and stage: a catalogue that every unit has, and a unit's own, which instructors edit.

Like the stages' plain words they name neither an offence nor a measure against anybody (治安管理处罚法 第一百三十六条).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.cases.rules import STAGES, stage_of
from stewardship.casework.updates.models import UpdateTemplate
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role

EDITORS = (Role.INSTRUCTOR,)
PER_UNIT = 200
LONGEST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Wording:
    """What an update of a stage says: what happened, what is awaited, and in how many days we are in touch again."""

    text: str
    awaited: str
    days: int = 7


_MEDIATION = Wording("已安排调解，时间和地点由民警与您确认。", "双方到场调解", 5)
_APPRAISAL = Wording("已委托检验鉴定，意见出具后会依法告诉您。", "检验鉴定意见", 15)
_CLOSED = Wording("您的事项已经办结。如有疑问，可以直接在这里问，民警会答复您。", "无，已经办结", 7)
_TERMINATED = Wording("办理已经终止，理由和救济途径由民警向您当面或电话说明。", "民警向您说明情况", 3)

COMMON: dict[str, Wording] = {
    "reported": Wording("您反映的情况已经登记，民警正在审查。", "审查是否受理", 3),
    "accepted": Wording("已经受理。民警会开展调查，请保持电话畅通。", "开展调查", 7),
    "investigating": Wording("民警正在调查，已向有关人员了解情况并收集证据。", "调查取证", 7),
    "appraisal": _APPRAISAL,
    "mediation": _MEDIATION,
    "closed": _CLOSED,
    "terminated": _TERMINATED,
}
"""Stages that say the same in every kind."""

BY_KIND: dict[tuple[CaseKind, str], Wording] = {
    (CaseKind.PUBLIC_ORDER, "notice"): Wording("调查基本结束，正在办理法定手续。", "办理法定手续", 7),
    (CaseKind.PUBLIC_ORDER, "decided"): Wording("已经依法作出决定，决定书会依法送达给您。", "送达决定书", 3),
    (CaseKind.PUBLIC_ORDER, "enforced"): Wording("决定正在执行，执行完毕后结案。", "执行完毕", 7),
    (CaseKind.CRIMINAL, "filed"): Wording("已经立案，民警正在开展侦查。", "开展侦查", 7),
    (CaseKind.CRIMINAL, "not_filed"): Wording(
        "经审查不予立案，通知书会送达给您，并告诉您申请复议的办法。", "送达通知书", 3
    ),
    (CaseKind.CRIMINAL, "investigating"): Wording("案件正在侦查，有可以告诉您的进展会及时通知您。", "继续侦查", 7),
    (CaseKind.CRIMINAL, "transferred"): Wording("案件已移送检察机关，后续由检察机关告诉您。", "检察机关审查", 30),
    (CaseKind.CRIMINAL, "withdrawn"): Wording("案件已经撤销，理由和救济途径由民警向您说明。", "民警向您说明情况", 3),
    (CaseKind.TRAFFIC_ACCIDENT, "survey"): Wording("民警正在调查事故经过，需要检验鉴定的会告诉您。", "现场调查", 7),
    (CaseKind.TRAFFIC_ACCIDENT, "determination"): Wording("调查已经完成，正在制作事故认定书。", "制作事故认定书", 10),
    (CaseKind.TRAFFIC_ACCIDENT, "served"): Wording(
        "事故认定书已经送达。对认定有异议的，可以在收到之日起三日内申请复核。", "当事人是否申请复核", 5
    ),
    (CaseKind.TRAFFIC_ACCIDENT, "review"): Wording("上一级公安机关正在复核，复核结论会告诉您。", "复核结论", 30),
    (CaseKind.TRAFFIC_ACCIDENT, "damages_mediation"): Wording("正在安排损害赔偿调解。", "双方到场调解", 10),
    (CaseKind.DISPUTE, "assigned"): Wording("已经安排民警处理，民警会和您联系。", "民警与您联系", 3),
    (CaseKind.DISPUTE, "handling"): Wording("民警正在处理，已向双方了解情况。", "继续处理", 7),
    (CaseKind.DISPUTE, "agreement"): Wording("双方已经达成协议，民警会回访履行情况。", "协议履行", 15),
}
"""The review within three days: 道路交通事故处理程序规定 第七十一条; the appeal: 刑事案件程序规定 第一百七十九条."""


def wording_of(kind: CaseKind | None, stage: str) -> Wording:
    """The catalogue's words for a stage. Raises LookupError for a stage that the kind does not have."""
    found = BY_KIND.get((kind, stage)) if kind is not None else None
    return found or COMMON[stage]


@dataclass(frozen=True, slots=True)
class Offered:
    """A template as it is offered; `id` is None for the catalogue's."""

    id: UUID | None
    kind: CaseKind | None
    stage: str
    title: str
    wording: Wording
    version: int = 1


def _catalogue(kind: CaseKind | None) -> list[Offered]:
    return [Offered(None, kind, stage.code, stage.name, wording_of(kind, stage.code)) for stage in STAGES[kind]]


def _own(row: UpdateTemplate) -> Offered:
    return Offered(row.id, row.kind, row.stage, row.title, Wording(row.text, row.awaited, row.days), row.version)


async def templates_for(case: Case) -> list[Offered]:
    """What may be said in a case: its current stage first, the unit's own words before the catalogue's."""
    own = [_own(row) for row in await _rows([unit.id for unit in await org.line_above(case.unit_id)], case.kind)]
    return sorted(own + _catalogue(case.kind), key=lambda each: (each.stage != case.stage, each.id is None))


async def _rows(unit_ids: Sequence[UUID], kind: CaseKind | None) -> list[UpdateTemplate]:
    """Of these units, the nearest first."""
    rows = await UpdateTemplate.filter(unit_id__in=unit_ids, kind=kind, removed_at=None).order_by("title", "id")
    return sorted(rows, key=lambda row: unit_ids.index(row.unit_id))


async def best_for(case: Case, stage: str) -> Wording:
    """The words that a draft of this stage starts with: the nearest unit's own, or the catalogue's."""
    unit_ids = [unit.id for unit in await org.line_above(case.unit_id)]
    own = [row for row in await _rows(unit_ids, case.kind) if row.stage == stage]
    return _own(own[0]).wording if own else wording_of(case.kind, stage)


async def templates_of(unit_id: UUID) -> list[Offered]:
    """A unit's own, for who edits them."""
    rows = await UpdateTemplate.filter(unit_id=unit_id, removed_at=None).order_by("kind", "stage", "title", "id")
    return [_own(row) for row in rows]


def check_template(kind: CaseKind | None, stage: str, title: str, wording: Wording) -> None:
    """Raises Invalid for a stage that the kind does not have, and for words that no update could carry."""
    if stage_of(kind, stage) is None:
        raise Invalid("stage_unknown", "没有这个阶段", "请从列表中选择。")
    fits = title.strip() and 0 < len(wording.text.strip()) <= 500 and 0 < len(wording.awaited.strip()) <= 120
    if not fits or not 0 <= wording.days <= LONGEST_DAYS:
        raise Invalid(
            "update_template", "模板不完整", f"请填写名称、内容、正在等待什么，联系间隔不超过 {LONGEST_DAYS} 天。"
        )


@atomic()
async def add_template(
    actor: Actor, unit_id: UUID, kind: CaseKind | None, stage: str, title: str, wording: Wording
) -> Offered:
    """A unit's own words for a stage. The caller has made sure that the unit is the actor's."""
    check_template(kind, stage, title, wording)
    if await UpdateTemplate.filter(unit_id=unit_id, removed_at=None).count() >= PER_UNIT:
        raise Conflict("update_templates_full", "模板太多", f"一个单位最多 {PER_UNIT} 条，请先删除不用的。")
    row = await UpdateTemplate.create(
        unit_id=unit_id,
        kind=kind,
        stage=stage,
        title=title,
        text=wording.text,
        awaited=wording.awaited,
        days=wording.days,
        edited_by_id=actor.id,
    )
    await audit.record("update_template.added", actor, ("update_template", row.id), unit_id=unit_id)
    return _own(row)


async def _editable(actor: Actor, template_id: UUID) -> UpdateTemplate:
    units = list(actor.units(*EDITORS))
    row = await UpdateTemplate.select_for_update().get_or_none(id=template_id, unit_id__in=units, removed_at=None)
    if row is None:
        raise NotFound("update_template_not_found", "没有找到这个模板", "可能不在您的管理范围内，或已被删除。")
    return row


@atomic()
async def change_template(
    actor: Actor, template_id: UUID, title: str, wording: Wording, *, expected_version: int
) -> Offered:
    """Other words. Raises NotFound outside the actor's units, Conflict where somebody changed it meanwhile."""
    row = await _editable(actor, template_id)
    if row.version != expected_version:
        raise Conflict("update_template_changed", "模板刚被别人修改", "请刷新后再改；您写的内容没有保存。")
    check_template(row.kind, row.stage, title, wording)
    row.title, row.text, row.awaited, row.days = title, wording.text, wording.awaited, wording.days
    row.edited_by_id, row.edited_at, row.version = actor.id or row.edited_by_id, clock.now(), row.version + 1
    await row.save()
    await audit.record("update_template.changed", actor, ("update_template", row.id), unit_id=row.unit_id)
    return _own(row)


@atomic()
async def remove_template(actor: Actor, template_id: UUID) -> None:
    """No longer offered; drafts that were made from it stay as they are."""
    row = await _editable(actor, template_id)
    row.removed_at = clock.now()
    await row.save(update_fields=["removed_at"])
    await audit.record("update_template.removed", actor, ("update_template", row.id), unit_id=row.unit_id)
