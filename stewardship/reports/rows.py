"""The rows behind each figure. A figure is counted from exactly the rows that are shown for it, by the same statement.

Parameters of each statement, of which it may leave out some: $1 the units, $2 and $3 the period `[start, end)`, $4 now.
Columns: `id` (of what is counted), `case_id`, `officer_id` (whose it is), `about_id` (an officer who must not see the
row), `at`, `state`, `counted` (it is in the sample), `good` (it is among the good of the sample), `minutes`, `score`,
`detail`. What is kept as tallies also tells `unit_id`, and `turns_at`: when time alone changes its state.
"""

from __future__ import annotations

from dataclasses import dataclass

from stewardship.reports.rules import Figure


@dataclass(frozen=True, slots=True)
class Tallied:
    """The same rows by units and period, and by the ids $1 of what is counted."""

    by_unit: str
    by_id: str


def _tallied(sql: str, ids: str, **by_unit: str) -> Tallied:
    names = by_unit.keys()
    return Tallied(sql.format(**by_unit), sql.format(**dict.fromkeys(names, ids)))


# 入群率: eligible parties who joined within 24 hours of their first invitation, of all eligible parties. Minors and
# parties who are not invited for a recorded reason are listed apart; so is whose 24 hours are not over.
_ENROLMENT = _tallied(
    """
select p.id, c.unit_id, p.case_id, c.steward_id as officer_id, null::uuid as about_id, p.added_at as at, s.state,
  s.state in ('joined', 'joined_late', 'not_joined', 'never_invited') as counted, s.state = 'joined' as good,
  extract(epoch from e.joined_at - e.invited_at) / 60 as minutes, null::int as score, '' as detail,
  case when s.state = 'open' then coalesce(e.invited_at, p.added_at) + interval '24 hours' end as turns_at
from case_file c join party p on p.case_id = c.id join person on person.id = p.person_id
left join lateral (
  select min(x.at) filter (where x.state = 'invited') as invited_at,
    min(x.at) filter (where x.state = 'joined') as joined_at,
    bool_and(m.state = 'not_invited' and m.reason <> '') as declined
  from member m join member_change x on x.member_id = m.id where m.case_id = p.case_id and m.party_id = p.id) e on true
cross join lateral (select case
  when person.minor then 'minor'
  when e.declined then 'not_invited'
  when e.joined_at <= e.invited_at + interval '24 hours' then 'joined'
  when e.joined_at is not null then 'joined_late'
  when $4 < coalesce(e.invited_at, p.added_at) + interval '24 hours' then 'open'
  when e.invited_at is null then 'never_invited'
  else 'not_joined' end as state) s
where {where} and p.removed_at is null
""",
    "p.id = any($1)",
    where="c.unit_id = any($1) and p.added_at >= $2 and p.added_at < $3",
)

# One row for each question, as it was last counted (`facts`): the figures are sums of these very rows. A promise's
# officer and unit are who had the question when it was kept or missed.
_QUESTIONS = """
select f.inquiry_id as id, f.case_id, {officer} as officer_id, null::uuid as about_id, f.opened_at as at, {columns},
  null::int as score, case when {adjusted} then 'adjusted' when f.challenged then 'challenged' else '' end as detail,
  f.kind, f.channel, f.hour
from inquiry_fact f
where {unit} and f.opened_at >= $2 and f.opened_at < $3 and f.state not in ('merged', 'closed')
"""
_FIRST_OFFICER = "case when f.first_unit_id is null then f.owner_id else f.first_owner_id end"
_FULL_OFFICER = "case when f.full_unit_id is null then f.owner_id else f.full_owner_id end"

# 首响: the first answer by a person, from the earliest unanswered message, in duty minutes.
_FIRST_RESPONSE = _QUESTIONS.format(
    officer=_FIRST_OFFICER,
    adjusted="f.first_adjusted",
    unit="(f.unit_id = any($1) and f.first_unit_id is null or f.first_unit_id = any($1))",
    columns="case when f.first_in_time is not null then 'answered' when f.state = 'from_record' then 'from_record'"
    " else 'waiting' end as state, f.first_in_time is not null as counted, coalesce(f.first_in_time, false) as good,"
    " f.first_seconds / 60.0 as minutes",
)

# 有问必答率: questions that a person answered in full within the promise, of all that wanted a person and are due.
_FULL_STATE = (
    "case when f.state = 'from_record' then 'from_record' when f.full_in_time then 'in_time'"
    " when f.full_in_time is false then 'late' when f.full_due_at <= $4 then 'overdue' else 'not_due' end"
)
_ANSWERED_IN_TIME = _QUESTIONS.format(
    officer=_FULL_OFFICER,
    adjusted="f.full_adjusted",
    unit="(f.unit_id = any($1) and f.full_unit_id is null or f.full_unit_id = any($1))",
    columns=f"{_FULL_STATE} as state, {_FULL_STATE} in ('in_time', 'late', 'overdue') as counted,"
    f" {_FULL_STATE} = 'in_time' as good, f.full_seconds / 60.0 as minutes",
)
_FROM_RECORD = (
    _QUESTIONS.format(
        officer="f.owner_id",
        adjusted="false",
        unit="f.unit_id = any($1)",
        columns="'from_record' as state, true as counted, true as good, null::numeric as minutes",
    )
    + " and f.state = 'from_record'"
)

# 超时未答, now: whose, and why. `detail` is why the owner is away, or how far it has been escalated.
_LATE = """
select i.id, i.case_id, i.owner_id as officer_id, null::uuid as about_id, d.due_at as at, d.state, true as counted,
  false as good, extract(epoch from $4 - d.due_at) / 60 as minutes, null::int as score,
  coalesce(
    (select s.kind from shift s where s.officer_id = i.owner_id and s.starts_at <= $4 and s.ends_at > $4
       and s.kind not in ('duty', 'deputy') order by s.starts_at desc limit 1),
    (select m.mark from clock_mark m where m.clock_id = d.clock_id and m.mark like 'escalation:%'
       order by m.done_at desc, m.mark limit 1), '') as detail
from (
  (select k.id as clock_id, k.subject_id, k.first_due_at as due_at, 'first_reply' as state from clock k
  where {first} {only})
  union all
  (select k.id, k.subject_id, k.full_due_at as due_at, 'full_answer' from clock k where {full} {only})
  {only}) d
join inquiry i on i.id = d.subject_id
where i.unit_id = any($1) and i.state = 'waiting'
"""
# A clock is late once only: by its first response while that is owed, which falls due before the full answer.
_OWED = "k.subject_kind = 'inquiry' and k.running and k.{0}_at is null and k.{0}_due_at <= {until}"


def _halves(until: str, since: str = "'-infinity'") -> dict[str, str]:
    """Conditions on clocks `k`: the first response, or else the full answer, falls due in `(since, until]`."""
    first, full = (_OWED.format(name, until=until) + f" and k.{name}_due_at > {since}" for name in ("first", "full"))
    return {"first": first, "full": f"{full} and (k.first_at is not null or k.first_due_at > {until}) is not false"}


_NOW, _SOON = _halves("$4"), _halves("$4::timestamptz + interval '1 hour'", since="$4::timestamptz")
_OVERDUE = _LATE.format(**_NOW, only="")

# What will be overdue within the hour, and is not yet in any way. `minutes` until then, below zero.
_DUE_SOON = _LATE.format(**_SOON, only="")


def _longest_waiting(halves: dict[str, str]) -> str:
    """The first $8 of them, as the clocks' indexes have them: nothing is looked up of the others."""
    of_units = {name: f"{half} and k.unit_id = any($1)" for name, half in halves.items()}
    return _LATE.format(**of_units, only="order by due_at, subject_id limit $8")


# How many of these there are, by unit: of the clocks alone, at $2.
_LATE_BY_UNIT = """
select unit_id, count(*)::int as n from (
  select k.unit_id from clock k where {first} union all select k.unit_id from clock k where {full}) late
where unit_id = any($1::uuid[]) group by unit_id
"""
LATE_BY_UNIT = {
    Figure.OVERDUE: _LATE_BY_UNIT.format(**_halves("$2::timestamptz")),
    Figure.DUE_SOON: _LATE_BY_UNIT.format(**_halves("$2::timestamptz + interval '1 hour'", since="$2::timestamptz")),
}

# Open cases, now, whose parties should have heard something; `minutes` since the last news.
_SILENCE = """
select c.id, c.id as case_id, c.steward_id as officer_id, null::uuid as about_id,
  coalesce(c.last_update_at, c.registered_at) as at, 'level_' || c.silence_level as state, true as counted,
  false as good, extract(epoch from $4 - coalesce(c.last_update_at, c.registered_at)) / 60 as minutes,
  null::int as score, '' as detail
from case_file c
where c.unit_id = any($1) and c.closed_at is null and (c.silence_level > 0 or c.silent_from <= $4)
"""

LONGEST_WAITING = {
    Figure.OVERDUE: _longest_waiting(_NOW),
    Figure.DUE_SOON: _longest_waiting(_SOON),
    Figure.SILENCE: f"{_SILENCE} order by at, id limit $8",
}

# 满意率: by the unit that was rated, however the case moved since. Who was not asked is listed with the reason.
_SATISFACTION = _tallied(
    """
select r.id, r.unit_id, r.case_id, r.officer_id, r.officer_id as about_id, r.sent_at as at, r.state,
  r.state = 'answered' as counted, r.state = 'answered' and r.score < 3 as good, null::numeric as minutes,
  r.score::int as score, '' as detail, null::timestamptz as turns_at
from rating r
where {sent} and r.sent_at is not null and r.state <> 'not_sent'
union all
select r.id, r.unit_id, r.case_id, r.officer_id, r.officer_id, r.due_at, r.state, false, false, null, null, r.reason,
  null
from rating r
where {due} and r.state = 'not_sent'
""",
    "r.id = any($1)",
    sent="r.unit_id = any($1) and r.sent_at >= $2 and r.sent_at < $3",
    due="r.unit_id = any($1) and r.due_at >= $2 and r.due_at < $3",
)

# Return visits: in time where somebody spoke with the person within 24 hours. `score`: what they said then.
_RETURN_VISITS = _tallied(
    """
select v.id, v.unit_id, v.case_id, v.assigned_to_id as officer_id, v.handler_id as about_id, v.opened_at as at, s.state,
  s.state in ('in_time', 'late', 'overdue', 'unreached') as counted, s.state = 'in_time' as good,
  extract(epoch from h.heard_at - v.opened_at) / 60 as minutes,
  case v.outcome when 'satisfied' then 1 when 'basically_satisfied' then 2 when 'dissatisfied' then 3 end as score,
  coalesce(nullif(v.finding, ''), v.outcome, '') as detail,
  case when s.state = 'open' then v.due_at end as turns_at
from visit v
left join lateral (
  select min(l.at) as heard_at from call l
  where l.visit_id = v.id and l.outcome not in ('not_reached', 'not_the_person', 'wrong_number')) h on true
cross join lateral (select case
  when h.heard_at <= v.due_at then 'in_time'
  when h.heard_at is not null then 'late'
  when v.state = 'done' then 'unreached'
  when v.due_at <= $4 then 'overdue'
  else 'open' end as state) s
where {where} and v.purpose = 'dissatisfied' and v.state <> 'cancelled'
""",
    "v.id = any($1)",
    where="v.unit_id = any($1) and v.opened_at >= $2 and v.opened_at < $3",
)

_TELEPHONE_TASKS = _tallied(
    """
select v.id, v.unit_id, v.case_id, v.assigned_to_id as officer_id, null::uuid as about_id, v.opened_at as at, s.state,
  s.state <> 'open' as counted, s.state = 'informed' as good, null::numeric as minutes, null::int as score,
  v.purpose as detail, case when s.state = 'open' then v.due_at end as turns_at
from visit v cross join lateral (select case
  when v.outcome = 'informed' then 'informed'
  when v.state = 'done' then 'not_informed'
  when v.due_at <= $4 then 'overdue'
  else 'open' end as state) s
where {where} and v.purpose in ('undeliverable', 'safe_notice') and v.state <> 'cancelled'
""",
    "v.id = any($1)",
    where="v.unit_id = any($1) and v.opened_at >= $2 and v.opened_at < $3",
)

TALLIED: dict[Figure, Tallied] = {
    Figure.ENROLMENT: _ENROLMENT,
    Figure.SATISFACTION: _SATISFACTION,
    Figure.RETURN_VISITS: _RETURN_VISITS,
    Figure.TELEPHONE_TASKS: _TELEPHONE_TASKS,
}
ROWS: dict[Figure, str] = {
    Figure.FIRST_RESPONSE: _FIRST_RESPONSE,
    Figure.ANSWERED_IN_TIME: _ANSWERED_IN_TIME,
    Figure.FROM_RECORD: _FROM_RECORD,
    Figure.OVERDUE: _OVERDUE,
    Figure.DUE_SOON: _DUE_SOON,
    Figure.SILENCE: _SILENCE,
    **{figure: tallied.by_unit for figure, tallied in TALLIED.items()},
}
QUESTIONS = frozenset({Figure.FIRST_RESPONSE, Figure.ANSWERED_IN_TIME, Figure.FROM_RECORD})
OLDEST_FIRST = frozenset({Figure.OVERDUE, Figure.DUE_SOON, Figure.SILENCE})
"""Of these the longest waiting come first, of the others the newest."""


def filters_of(figure: Figure) -> str:
    """The condition on a figure's rows `r`, of case `c`, that keeps those of kind $9, channel $10, hour $11 and officer
    $12, each if given. What was not asked on a channel or in an hour has none.
    """
    questions = figure in QUESTIONS
    kind = "r.kind" if questions else "coalesce(c.kind, 'unknown')"
    channel, hour = ("r.channel", "r.hour") if questions else ("''", "-1")
    return (
        f"($9::text is null or {kind} = $9) and ($10::text is null or {channel} = $10)"
        f" and ($11::int is null or {hour} = $11) and ($12::uuid is null or r.officer_id = $12)"
    )
