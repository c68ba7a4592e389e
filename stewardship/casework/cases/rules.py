"""Stages of the four kinds, in order, and what each is called to officers and to the people concerned.

The plain words name neither an offence nor a measure taken against anybody: records of public-order violations are
sealed (治安管理处罚法 第一百三十六条), and a stage such as "detained" would give them away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from stewardship.casework.cases.models import CaseKind

REPORTED = "reported"
CLOSED = "closed"

SILENCE_DAYS = 7
"""A party hears from the steward at least this often, whatever the stage (design.md section 4)."""
SILENCE_ESCALATION = timedelta(days=1)


_HALF_WIDTH = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_BRACKETS = str.maketrans("()[]【】", "（）〔〕〔〕")
_YEAR = re.compile(r"（([0-9]{4})）")


def normal_number(text: str | None) -> str | None:
    """A case number as it is kept and looked for, in whatever width, with whatever spaces and brackets it was typed.

    None for nothing. The year stands in 〔〕, as in official documents. Migration 0010 says the same in SQL.
    """
    plain = "".join((text or "").split()).translate(_HALF_WIDTH).translate(_BRACKETS)
    return _YEAR.sub(r"〔\1〕", plain) or None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its code, its official name, and what a party reads about now and next."""

    code: str
    name: str
    now: str
    following: str


def _stage(code: str, name: str, now: str, following: str) -> Stage:
    return Stage(code, name, now, following)


_REPORTED = _stage(REPORTED, "接报案", "您反映的情况已经登记，民警正在审查。", "审查后会告诉您是否受理。")
_ACCEPTED = _stage("accepted", "受案", "已经受理。", "民警会开展调查。")
_INVESTIGATING = _stage("investigating", "调查取证", "民警正在调查取证。", "有新的进展会通知您。")
_CLOSED = _stage(CLOSED, "结案", "已经办结。", "如有疑问，仍可在这里询问。")
_TERMINATED = _stage("terminated", "终止调查", "调查已经终止。", "民警会向您说明理由和救济途径。")
_APPRAISAL = _stage("appraisal", "检验鉴定", "正在进行检验或鉴定。", "意见出具后会依法告诉您。")

STAGES: dict[CaseKind | None, tuple[Stage, ...]] = {
    None: (_REPORTED,),
    CaseKind.PUBLIC_ORDER: (
        _REPORTED,
        _ACCEPTED,
        _INVESTIGATING,
        _APPRAISAL,
        _stage("mediation", "调解", "正在安排或进行调解。", "调解不成的，民警会依法处理。"),
        _stage("notice", "处理前告知", "调查基本结束，正在办理法定手续。", "作出决定后会依法送达。"),
        _stage("decided", "作出决定", "已经依法作出决定。", "决定书会依法送达给您。"),
        _stage("enforced", "执行", "决定正在执行。", "执行完毕后结案。"),
        _CLOSED,
        _TERMINATED,
    ),
    CaseKind.CRIMINAL: (
        _REPORTED,
        _ACCEPTED,
        _stage("filed", "立案", "已经立案。", "民警正在开展侦查。"),
        _stage("not_filed", "不予立案", "经审查不予立案。", "通知书会送达给您，并告诉您救济途径。"),
        _stage("investigating", "侦查", "案件正在侦查。", "有可以告知的进展会通知您。"),
        _APPRAISAL,
        _stage("transferred", "移送审查起诉", "案件已移送检察机关。", "后续由检察机关告知您。"),
        _stage("withdrawn", "撤销案件", "案件已经撤销。", "民警会向您说明理由和救济途径。"),
        _CLOSED,
    ),
    CaseKind.TRAFFIC_ACCIDENT: (
        _REPORTED,
        _ACCEPTED,
        _stage("survey", "现场调查", "民警正在调查事故经过。", "需要检验鉴定的，会告诉您。"),
        _APPRAISAL,
        _stage("determination", "责任认定", "正在制作事故认定书。", "认定书会依法送达给您。"),
        _stage("served", "认定书送达", "事故认定书已经送达。", "对认定有异议的，可依法申请复核。"),
        _stage("review", "复核", "上一级正在复核。", "复核结论会告诉您。"),
        _stage("damages_mediation", "损害赔偿调解", "正在进行损害赔偿调解。", "调解结果会告诉您。"),
        _CLOSED,
    ),
    CaseKind.DISPUTE: (
        _REPORTED,
        _stage("assigned", "指派", "已经安排民警处理。", "民警会和您联系。"),
        _stage("handling", "处置", "民警正在处理。", "有新的进展会通知您。"),
        _stage("mediation", "调解", "正在安排或进行调解。", "调解结果会告诉您。"),
        _stage("agreement", "达成协议", "已经达成协议。", "民警会回访履行情况。"),
        _CLOSED,
        _stage("terminated", "终止调解", "调解已经终止。", "您可以依法通过诉讼解决。"),
    ),
}


def stage_of(kind: CaseKind | None, code: str) -> Stage | None:
    """The stage of a kind, or None where the kind has none of that code."""
    return next((stage for stage in STAGES[kind] if stage.code == code), None)


def ends(code: str) -> bool:
    """Whether a case in this stage is closed."""
    return code in {CLOSED, "terminated", "withdrawn", "not_filed"}
