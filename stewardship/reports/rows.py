"""The rows behind each figure. A figure is counted from exactly the rows that are shown for it, by the same statement.

Parameters of each statement, of which it may leave out some: $1 the units, $2 and $3 the period `[start, end)`, $4 now.
Columns: `id` (of what is counted), `case_id`, `officer_id` (whose it is), `about_id` (an officer who must not see the
row), `at`, `state`, `counted` (it is in the sample), `good` (it is among the good of the sample), `minutes`, `score`,
`detail`.
"""

from __future__ import annotations

from stewardship.reports.rules import Figure

# 入群率: eligible parties who joined within 24 hours of their first invitation, of all eligible parties. Minors and
# parties who are not invited for a recorded reason are listed apart; so is whose 24 hours are not over.
_ENROLMENT = """
select p.id, p.case_id, c.steward_id as officer_id, null::uuid as about_id, p.added_at as at, s.state,
  s.state in ('joined', 'joined_late', 'not_joined', 'never_invited') as counted, s.state = 'joined' as good,
  extract(epoch from e.joined_at - e.invited_at) / 60 as minutes, null::int as score, '' as detail
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
where c.unit_id = any($1) and p.added_at >= $2 and p.added_at < $3 and p.removed_at is null
"""

# One row for each question: what needed no reply, and what was merged into another, is none of its own.
_QUESTIONS = """
select i.id, i.case_id, i.owner_id as officer_id, i.opened_at as at, k.first_at, k.first_due_at, k.full_at,
  k.full_due_at, k.breached, k.first_duty_seconds,
  i.state = 'answered_from_record' as from_record
from inquiry i left join clock k on k.subject_kind = 'inquiry' and k.subject_id = i.id
where i.unit_id = any($1) and i.opened_at >= $2 and i.opened_at < $3 and i.state not in ('merged', 'closed')
"""

# 首响: the first answer by a person, from the earliest unanswered message, in duty minutes.
_FIRST_RESPONSE = f"""
select q.id, q.case_id, q.officer_id, null::uuid as about_id, q.at,
  case when q.first_at is not null then 'answered' when q.from_record then 'from_record' else 'waiting' end as state,
  q.first_at is not null as counted, coalesce(q.first_at <= q.first_due_at, not q.breached, false) as good,
  q.first_duty_seconds / 60.0 as minutes, null::int as score, '' as detail
from ({_QUESTIONS}) q
"""  # noqa: S608 — both parts are constants of this module.

# 有问必答率: questions that a person answered in full within the promise, of all that wanted a person and are due.
_ANSWERED_IN_TIME = f"""
select q.id, q.case_id, q.officer_id, null::uuid as about_id, q.at, s.state,
  s.state in ('in_time', 'late', 'overdue') as counted, s.state = 'in_time' as good,
  null::numeric as minutes, null::int as score, '' as detail
from ({_QUESTIONS}) q cross join lateral (select case
  when q.from_record then 'from_record'
  when q.full_at is not null and coalesce(q.full_at <= q.full_due_at, not q.breached) then 'in_time'
  when q.full_at is not null then 'late'
  when q.full_due_at <= $4 then 'overdue'
  else 'not_due' end as state) s
"""  # noqa: S608 — both parts are constants of this module.

_FROM_RECORD = f"""
select q.id, q.case_id, q.officer_id, null::uuid as about_id, q.at, 'from_record' as state, true as counted,
  true as good, null::numeric as minutes, null::int as score, '' as detail
from ({_QUESTIONS}) q where q.from_record
"""  # noqa: S608 — both parts are constants of this module.

# 超时未答, now: whose, and why. `detail` is why the owner is away, or how far it has been escalated.
_OVERDUE = """
select i.id, i.case_id, i.owner_id as officer_id, null::uuid as about_id, d.due_at as at, d.state, true as counted,
  false as good, extract(epoch from $4 - d.due_at) / 60 as minutes, null::int as score,
  coalesce(
    (select s.kind from shift s where s.officer_id = i.owner_id and s.starts_at <= $4 and s.ends_at > $4
       and s.kind not in ('duty', 'deputy') order by s.starts_at desc limit 1),
    (select m.mark from clock_mark m where m.clock_id = k.id and m.mark like 'escalation:%'
       order by m.done_at desc, m.mark limit 1), '') as detail
from inquiry i join clock k on k.subject_kind = 'inquiry' and k.subject_id = i.id and k.running
cross join lateral (
  select k.first_due_at as due_at, 'first_reply' as state where k.first_at is null and k.first_due_at <= $4
  union all
  select k.full_due_at, 'full_answer' where k.full_at is null and k.full_due_at <= $4
  order by 1 limit 1) d
where i.unit_id = any($1) and i.state = 'waiting'
"""

# Open cases, now, whose parties should have heard something; `minutes` since the last news.
_SILENCE = """
select c.id, c.id as case_id, c.steward_id as officer_id, null::uuid as about_id,
  coalesce(c.last_update_at, c.registered_at) as at, 'level_' || c.silence_level as state, true as counted,
  false as good, extract(epoch from $4 - coalesce(c.last_update_at, c.registered_at)) / 60 as minutes,
  null::int as score, '' as detail
from case_file c
where c.unit_id = any($1) and c.closed_at is null and (c.silence_level > 0 or c.silent_from <= $4)
"""

# 满意率: by the unit that was rated, however the case moved since. Who was not asked is listed with the reason.
_SATISFACTION = """
select r.id, r.case_id, r.officer_id, r.officer_id as about_id, r.sent_at as at, r.state,
  r.state = 'answered' as counted, r.state = 'answered' and r.score < 3 as good, null::numeric as minutes,
  r.score::int as score, '' as detail
from rating r
where r.unit_id = any($1) and r.sent_at >= $2 and r.sent_at < $3 and r.state <> 'not_sent'
union all
select r.id, r.case_id, r.officer_id, r.officer_id, r.due_at, r.state, false, false, null, null, r.reason
from rating r
where r.unit_id = any($1) and r.state = 'not_sent' and r.due_at >= $2 and r.due_at < $3
"""

# Return visits: in time where somebody spoke with the person within 24 hours. `score`: what they said then.
_RETURN_VISITS = """
select v.id, v.case_id, v.assigned_to_id as officer_id, v.handler_id as about_id, v.opened_at as at, s.state,
  s.state in ('in_time', 'late', 'overdue', 'unreached') as counted, s.state = 'in_time' as good,
  extract(epoch from h.heard_at - v.opened_at) / 60 as minutes,
  case v.outcome when 'satisfied' then 1 when 'basically_satisfied' then 2 when 'dissatisfied' then 3 end as score,
  coalesce(nullif(v.finding, ''), v.outcome, '') as detail
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
where v.unit_id = any($1) and v.purpose = 'dissatisfied' and v.state <> 'cancelled' and v.opened_at >= $2
  and v.opened_at < $3
"""

_TELEPHONE_TASKS = """
select v.id, v.case_id, v.assigned_to_id as officer_id, null::uuid as about_id, v.opened_at as at, s.state,
  s.state <> 'open' as counted, s.state = 'informed' as good, null::numeric as minutes, null::int as score,
  v.purpose as detail
from visit v cross join lateral (select case
  when v.outcome = 'informed' then 'informed'
  when v.state = 'done' then 'not_informed'
  when v.due_at <= $4 then 'overdue'
  else 'open' end as state) s
where v.unit_id = any($1) and v.purpose in ('undeliverable', 'safe_notice') and v.state <> 'cancelled'
  and v.opened_at >= $2 and v.opened_at < $3
"""

ROWS: dict[Figure, str] = {
    Figure.ENROLMENT: _ENROLMENT,
    Figure.FIRST_RESPONSE: _FIRST_RESPONSE,
    Figure.ANSWERED_IN_TIME: _ANSWERED_IN_TIME,
    Figure.FROM_RECORD: _FROM_RECORD,
    Figure.OVERDUE: _OVERDUE,
    Figure.SILENCE: _SILENCE,
    Figure.SATISFACTION: _SATISFACTION,
    Figure.RETURN_VISITS: _RETURN_VISITS,
    Figure.TELEPHONE_TASKS: _TELEPHONE_TASKS,
}
OLDEST_FIRST = frozenset({Figure.OVERDUE, Figure.SILENCE})
"""Of these the longest waiting come first, of the others the newest."""
