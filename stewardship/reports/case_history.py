"""A case's event log in plain words, so that enrolment, silence, ratings and visits can be explained as inquiries are.

Neither texts nor names of parties, and no reads: who looked is for inspectors. What somebody said of the police, and
that somebody will ask them about it, is withheld from whoever handles the case (domain.md section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kit import database
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.parties.words import roles_of
from stewardship.foundation.actors import Actor
from stewardship.foundation.org.models import Role
from stewardship.reports.explaining import Line

NEWEST = 500
"""Lines at most; of a longer history the newest."""
WORDS = {
    "case.registered": "登记案件",
    "case.kind_set": "确定案件类别",
    "case.stage_entered": "进入“{stage}”阶段",
    "case.handed_over": "案件交由{receiver}负责",
    "case.silent": "久未通报进展，第 {level} 次提醒",
    "case.closed": "办结",
    "case.reopened": "重新打开",
    "party.added": "登记{party}",
    "party.removed": "移出{party}",
    "member.not_invited": "注明不邀请{party}",
    "member.invited": "邀请{party}",
    "member.pending_approval": "{party}申请加入，等待确认",
    "member.joined": "{party}加入",
    "member.left": "{party}退出",
    "member.removed": "{party}被移出群",
    "invitation.wrong_phone": "有人用邀请加入，手机号不符",
    "update.posted": "{person}发布进展",
    "update.released": "{person}告知受保护的人之后，向其他人补发进展",
    "update.withdrawn": "{person}撤回一条进展",
    "inquiry.opened": "当事人提出询问",
    "message.failed": "有一条消息没有送到",
}
WITHHELD = {
    "rating.planned": "计划请当事人评价",
    "rating.sent": "请当事人评价",
    "rating.not_sent": "没有请当事人评价",
    "rating.answered": "当事人作出评价",
    "rating.expired": "评价到期，没有收到",
    "visit.opened": "安排{purpose}",
    "visit.reassigned": "{purpose}另派他人",
    "visit.called": "{person}打电话：{outcome}",
    "visit.handed_up": "{purpose}交上一级",
    "visit.overdue": "{purpose}超过时限",
    "visit.done": "{purpose}完成",
    "visit.cancelled": "{purpose}取消",
}
"""Not for the steward, nor the deputy of the case, nor whom it is about, whatever they are by now."""
SUPERVISING = (Role.INSTRUCTOR, Role.CENTRE_OFFICER)
OUTCOMES = {
    "satisfied": "满意",
    "basically_satisfied": "基本满意",
    "dissatisfied": "不满意",
    "refused": "拒绝回访",
    "wrong_number": "空号或错号",
    "not_reached": "未接通",
    "not_the_person": "非本人接听",
    "do_not_disturb": "要求不再打扰",
    "informed": "已告知",
}
_EVENTS = """
select e.at, e.kind, e.details, o.id as officer_id, o.name as person, to_.name as receiver, p.roles,
  v.purpose = 'dissatisfied' as dissatisfied
from event e
left join officer o on e.actor_kind = 'officer' and o.id = e.actor_id
left join officer to_ on e.kind = 'case.handed_over' and to_.id = (e.details ->> 'to_steward')::uuid
left join member m on e.subject_kind = 'member' and m.id = e.subject_id
left join party p on p.id = case when e.subject_kind = 'party' then e.subject_id else m.party_id end
left join visit v on e.subject_kind = 'visit' and v.id = e.subject_id
left join rating g on e.subject_kind = 'rating' and g.id = e.subject_id
where e.case_id = $1 and e.kind = any($2::text[])
  and v.handler_id is distinct from $4::uuid and g.officer_id is distinct from $4::uuid
order by e.at desc, e.id desc limit $3
"""


@dataclass(frozen=True, slots=True)
class History:
    """What happened in a case, oldest first; `whole` is false where earlier lines were left out."""

    case_id: UUID
    reference: str
    whole: bool
    lines: list[Line]


@atomic()
async def history_of(actor: Actor, case_id: UUID) -> History:
    """What happened in a case; the read is recorded. Raises NotFound outside the officer's scope."""
    case = await cases.access_case(actor, case_id)
    words = WORDS | WITHHELD if _supervises(actor, case) else WORDS
    rows = await database.fetch(_EVENTS, case.id, list(words), NEWEST + 1, actor.id)
    lines = [_line(row, words, case) for row in reversed(rows[:NEWEST])]
    return History(case.id, case.reference, len(rows) <= NEWEST, lines)


def _supervises(actor: Actor, case: Case) -> bool:
    return actor.id not in {case.steward_id, case.deputy_id} and case.unit_id in actor.units(*SUPERVISING)


def _line(row: asyncpg.Record, words: Mapping[str, str], case: Case) -> Line:
    details: dict[str, Any] = orjson.loads(row["details"])
    stage = stage_of(case.kind, str(details.get("stage", "")))
    said = words[row["kind"]].format(
        stage=stage.name if stage is not None else "新",
        level=details.get("level", 1),
        party=roles_of(row["roles"] or []),
        person=row["person"] or "系统",
        receiver=row["receiver"] or "值班民警",
        purpose="回访" if row["dissatisfied"] else "电话告知",
        outcome=OUTCOMES.get(str(details.get("outcome", "")), "已通话"),
    )
    return Line(row["at"], row["kind"], said, row["officer_id"])
