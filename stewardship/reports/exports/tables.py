"""What each table that is taken out holds: its statement, its columns, its values in words.

Parameters of each statement: $1 the units, $2 and $3 the period `[start, end)`, $4 and $5 the last row's `at` and `id`,
$6 how many. No table names a party, a phone or what was said; contests carry officers' names, as their pages do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from stewardship.dialogue.contests.models import ContestState, Ground
from stewardship.reports.exporting import STATES
from stewardship.reports.exports.models import Table
from stewardship.reports.months.texts import REASONS
from stewardship.reports.names import CHANNELS, KINDS, named

Cells = dict[str, object]


@dataclass(frozen=True, slots=True)
class Spec:
    """A table. `rows` tell each row's `at` and `id`, by which it is paged, and its case and unit, whose read it is."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: str
    cells: Callable[[asyncpg.Record], Cells]

    @property
    def page(self) -> str:
        """One page of it, in order."""
        return (
            f"select * from ({self.rows}) r where ($4::timestamptz is null or (r.at, r.id) > ($4, $5::uuid))"  # noqa: S608 — constants.
            " order by r.at, r.id limit $6"
        )

    @property
    def count(self) -> str:
        """How many rows there are."""
        return f"select count(*) from ({self.rows}) r"  # noqa: S608 — constants.


_CONTEST = (
    "(select t.state from contest t where t.inquiry_id = f.inquiry_id and t.episode = f.episode and t.target = '{}')"
)
_INQUIRIES = f"""
select f.id, f.opened_at as at, f.case_id, c.unit_id, c.reference, u.name as unit_name, o.name as officer_name,
  f.episode, f.kind, f.channel, f.state, f.breached, f.challenged,
  f.first_seconds / 60.0 as first_minutes, f.first_in_time, f.first_adjusted,
  {_CONTEST.format("first")} as first_contest,
  f.full_seconds / 60.0 as full_minutes, f.full_in_time, f.full_adjusted, {_CONTEST.format("full")} as full_contest
from inquiry_fact f left join case_file c on c.id = f.case_id left join unit u on u.id = f.unit_id
left join officer o on o.id = f.owner_id
where f.unit_id = any($1::uuid[]) and f.opened_at >= $2 and f.opened_at < $3
"""  # noqa: S608 — constants.
_CASES = """
select c.id, c.registered_at as at, c.id as case_id, c.unit_id, c.reference, c.number, u.name as unit_name,
  o.name as officer_name, coalesce(c.kind, 'unknown') as kind, c.closed_at, c.last_update_at, c.next_contact_on,
  (select count(*) from party p where p.case_id = c.id and p.removed_at is null) as parties,
  (select count(*) from member m where m.case_id = c.id and m.state = 'joined') as joined, q.*
from case_file c join unit u on u.id = c.unit_id left join officer o on o.id = c.steward_id
left join lateral (select count(*) filter (where f.state not in ('closed', 'merged')) as asked,
    count(*) filter (where f.full_in_time) as in_time, count(*) filter (where f.full_in_time is false) as late,
    count(*) filter (where f.state = 'waiting') as waiting, count(*) filter (where f.state = 'from_record') as recorded,
    count(*) filter (where f.breached) as breached,
    count(*) filter (where f.first_adjusted or f.full_adjusted) as adjusted,
    percentile_disc(0.5) within group (order by f.first_seconds) / 60.0 as first_minutes,
    max(f.opened_at) as last_asked_at
  from inquiry_fact f where f.case_id = c.id and f.opened_at >= $2 and f.opened_at < $3) q on true
where c.unit_id = any($1::uuid[]) and (c.registered_at >= $2 and c.registered_at < $3 or q.last_asked_at is not null)
"""
_CONTESTS = """
select t.id, t.raised_at as at, t.case_id, t.unit_id, c.reference, u.name as unit_name, o.name as officer_name,
  r.name as raised_by, t.target, t.missed_at, t.ground, t.state, t.due_at, t.overdue, d.name as decided_by, t.decided_at
from contest t join case_file c on c.id = t.case_id join unit u on u.id = t.unit_id
left join officer o on o.id = t.owner_id join officer r on r.id = t.raised_by_id
left join officer d on d.id = t.decided_by_id
where t.unit_id = any($1::uuid[]) and t.raised_at >= $2 and t.raised_at < $3
"""
_RESTATEMENTS = """
select s.id, s.at, s.case_id, s.unit_id, c.reference, u.name as unit_name, o.name as officer_name, s.month, s.reason,
  s.figure
from figure_restatement s left join case_file c on c.id = s.case_id left join unit u on u.id = s.unit_id
left join officer o on o.id = s.officer_id
where (s.unit_id = any($1::uuid[]) or s.before_unit_id = any($1::uuid[])) and s.at >= $2 and s.at < $3
"""

TARGETS = {"first": "首次答复", "full": "完整答复"}
GROUNDS = {
    Ground.ANSWERED_OTHERWISE: "已按时电话或当面答复",
    Ground.SYSTEM_DOWN: "系统故障",
    Ground.WRONG_ASSIGNMENT: "分派错误",
    Ground.PARTY_UNREACHABLE: "联系不上当事人",
    Ground.OTHER: "其他",
}
CONTEST_STATES = {ContestState.OPEN: "待审核", ContestState.ACCEPTED: "成立", ContestState.REJECTED: "不成立"}
_WHERE = (("reference", "查询编号"), ("unit_name", "单位"), ("officer_name", "民警"))


def _common(row: asyncpg.Record) -> Cells:
    values: Cells = dict(row)
    if "kind" in values:
        values["kind"] = named(KINDS, row["kind"])
    for name in ("first_minutes", "full_minutes"):
        if values.get(name) is not None:
            values[name] = round(float(row[name]), 1)
    return values


def _inquiry(row: asyncpg.Record) -> Cells:
    return _common(row) | {
        "channel": named(CHANNELS, row["channel"]),
        "state": {"closed": "不需要答复", "merged": "并入其他问题"}.get(row["state"]) or STATES[row["state"]],
        "first_contest": _contest(row["first_contest"]),
        "full_contest": _contest(row["full_contest"]),
    }


def _contest(state: Any) -> str:
    return CONTEST_STATES[ContestState(state)] if state else ""


def _contested(row: asyncpg.Record) -> Cells:
    return _common(row) | {
        "target": TARGETS[row["target"]],
        "ground": GROUNDS[Ground(row["ground"])],
        "state": _contest(row["state"]),
    }


def _restated(row: asyncpg.Record) -> Cells:
    return _common(row) | {"reason": REASONS[row["reason"]], "month": f"{row['month']:%Y-%m}"}


SPECS: dict[Table, Spec] = {
    Table.INQUIRIES: Spec(
        "问题明细",
        (
            *_WHERE,
            ("at", "提问时间"),
            ("episode", "第几次"),
            ("kind", "案件类别"),
            ("channel", "渠道"),
            ("state", "情况"),
            ("first_minutes", "首次答复（值班分钟）"),
            ("first_in_time", "首次答复按时"),
            ("first_adjusted", "首次答复核定按时"),
            ("first_contest", "首次答复异议"),
            ("full_minutes", "完整答复（值班分钟）"),
            ("full_in_time", "完整答复按时"),
            ("full_adjusted", "完整答复核定按时"),
            ("full_contest", "完整答复异议"),
            ("breached", "曾超时"),
            ("challenged", "被追问"),
        ),
        _INQUIRIES,
        _inquiry,
    ),
    Table.CASES: Spec(
        "案件汇总",
        (
            ("reference", "查询编号"),
            ("number", "案号"),
            ("unit_name", "单位"),
            ("officer_name", "案管家"),
            ("kind", "案件类别"),
            ("at", "登记时间"),
            ("closed_at", "结案时间"),
            ("last_update_at", "最近告知"),
            ("next_contact_on", "下次联系"),
            ("parties", "当事人"),
            ("joined", "已入群"),
            ("asked", "提问"),
            ("in_time", "按时答复"),
            ("late", "超时答复"),
            ("waiting", "等待答复"),
            ("recorded", "系统答复"),
            ("breached", "曾超时"),
            ("adjusted", "核定不超时"),
            ("first_minutes", "首次答复中位数（值班分钟）"),
            ("last_asked_at", "最近提问"),
        ),
        _CASES,
        _common,
    ),
    Table.CONTESTS: Spec(
        "超时异议",
        (
            *_WHERE,
            ("target", "承诺"),
            ("missed_at", "超时时间"),
            ("raised_by", "提出人"),
            ("at", "提出时间"),
            ("ground", "理由"),
            ("state", "结果"),
            ("due_at", "审核时限"),
            ("overdue", "逾期未审核"),
            ("decided_by", "审核人"),
            ("decided_at", "审核时间"),
        ),
        _CONTESTS,
        _contested,
    ),
    Table.RESTATEMENTS: Spec(
        "冻结后的变动",
        (*_WHERE, ("month", "月份"), ("at", "变动时间"), ("reason", "原因"), ("figure", "指标")),
        _RESTATEMENTS,
        _restated,
    ),
}
