"""The rows of a city at scale, as queries that PostgreSQL answers and COPY loads; all follows from a row's number.

`given` holds what they need: how many inquiries, until when, sealed texts, the ids of policy and calendar.
"""

from __future__ import annotations

from stewardship.reports.bins import EDGE_SECONDS

SUB_BUREAUS, STATIONS, STEWARDS, DAYS = 15, 150, 20, 1096
OPEN_SHARE = 0.0005
"""Of all inquiries in three years, so many wait at any moment: about half a day's."""

FUNCTIONS = """
create function pg_temp.key(prefix text, n bigint) returns uuid language sql immutable as
  $$ select ('018f00' || prefix || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
create function pg_temp.draw(n bigint, salt bigint) returns float8 language sql immutable as
  $$ select (hashint8extended(n, salt) & 1073741823) / 1073741824.0::float8 $$;
"""
GIVEN = """
create temp table given (count bigint, cases bigint, at timestamptz, midnight timestamptz, text bytea, name bytea,
  policy uuid, calendar uuid, open_from bigint, recent_from bigint)
"""

UNITS = f"""
select pg_temp.key('d0', 0) as id, 'CITY' as code, '云州市公安局' as name, 'bureau' as level, 'bureau' as kind,
  null::uuid as parent_id, '2020-01-01'::date as valid_from, '' as duty_phone, '' as address,
  'round_the_clock' as calendar_code
union all
select pg_temp.key('d1', b), 'SUB' || b, '第' || b || '分局', 'sub_bureau', 'sub_bureau', pg_temp.key('d0', 0),
  '2020-01-01', '', '', 'round_the_clock' from generate_series(1, {SUB_BUREAUS}) b
union all
select pg_temp.key('d2', s), 'STN' || s, '第' || s || '派出所', 'team', 'police_station',
  pg_temp.key('d1', 1 + (s - 1) % {SUB_BUREAUS}), '2020-01-01', '', '', 'round_the_clock'
from generate_series(1, {STATIONS}) s
"""
OFFICERS = f"""
select pg_temp.key('e0', 0) as id, 'BENCH0' as number, '局长' as name, pg_temp.key('d0', 0) as unit_id, true as active,
  false as totp_confirmed, 0::bigint as totp_last_step, 0 as failed_logins, g.at as created_at from given g
union all
select pg_temp.key('e1', o), 'BENCH' || o, '民警' || o, pg_temp.key('d2', 1 + (o - 1) / {STEWARDS}), true, false, 0, 0,
  g.at from given g, generate_series(1, {STATIONS * STEWARDS}) o
"""
GRANTS = f"""
select pg_temp.key('f0', 0) as id, pg_temp.key('e0', 0) as officer_id, 'centre_officer' as role,
  pg_temp.key('d0', 0) as unit_id, g.at - interval '1 day' as valid_from from given g
union all
select pg_temp.key('f1', o), pg_temp.key('e1', o), 'steward', pg_temp.key('d2', 1 + (o - 1) / {STEWARDS}),
  g.at - interval '1 day' from given g, generate_series(1, {STATIONS * STEWARDS}) o
"""

# A case's station and steward: busy stations have several times as many cases as quiet ones.
_CASES = f"""
(select n, s, (s - 1) * {STEWARDS} + 1 + floor(pg_temp.draw(n, 12) * {STEWARDS})::bigint as o,
   (array['public_order', 'public_order', 'criminal', 'traffic_accident', 'dispute'])
     [1 + floor(pg_temp.draw(n, 13) * 5)::int] as kind,
   g.midnight - make_interval(days => {DAYS} - floor((n - 1) * {DAYS} / g.cases)::int, hours => 9) as registered_at,
   n < g.cases * 0.98 as closed
 from given g, generate_series(1, g.cases) n
 cross join lateral (select 1 + floor(power(pg_temp.draw(n, 11), 1.4) * {STATIONS})::bigint as s) station) c
"""
CASES = f"""
select pg_temp.key('03', n) as id, 'B' || lpad(n::text, 14, '0') as reference, kind, 'investigating' as stage,
  '{{}}'::text[] as sensitivities, true as sensitivity_known, pg_temp.key('d2', s) as unit_id,
  pg_temp.key('e1', o) as steward_id, 1::smallint as episode, registered_at, registered_at as stage_since,
  case when closed then registered_at + interval '20 days' end as closed_at, '' as awaited,
  registered_at as last_update_at,
  case when not closed then g.at + make_interval(days => (n % 20)::int) - interval '12 hours' end as silent_from,
  0::smallint as silence_level
from given g, {_CASES}
"""
PERSONS = """
select pg_temp.key('01', n) as id, 'natural' as kind, g.name as name_sealed, n % 50 = 0 as minor,
  false as elderly_mode, false as protected, g.at as created_at from given g, generate_series(1, g.cases) n
"""
PARTIES = f"""
select pg_temp.key('04', n) as id, pg_temp.key('03', n) as case_id, pg_temp.key('01', n) as person_id,
  array['victim'] as roles, 'a' as side, registered_at as added_at, '' as removed_reason from {_CASES}
"""
GROUPS = f"""
select pg_temp.key('05', n) as id, pg_temp.key('03', n) as case_id, registered_at as opened_at from {_CASES}
"""
MEMBERS = f"""
select pg_temp.key('06', n) as id, pg_temp.key('05', n) as group_id, pg_temp.key('03', n) as case_id,
  pg_temp.key('04', n) as party_id, pg_temp.key('01', n) as person_id, 'a' as side, 'joined' as state,
  registered_at as invited_at, 0::smallint as reminders, registered_at + interval '2 hours' as joined_at, '' as reason
from {_CASES}
"""
MEMBER_CHANGES = f"""
select pg_temp.key('07', n) as id, pg_temp.key('06', n) as member_id, registered_at as at, 'invited' as state,
  '' as reason, 'officer' as by_kind from {_CASES}
union all
select pg_temp.key('08', n), pg_temp.key('06', n), registered_at + make_interval(hours => (n % 30)::int), 'joined', '',
  'citizen' from {_CASES} where n % 8 <> 0
"""
RATINGS = f"""
select pg_temp.key('09', n) as id, pg_temp.key('03', n) as case_id, pg_temp.key('04', n) as party_id,
  pg_temp.key('01', n) as person_id, pg_temp.key('e1', o) as officer_id, pg_temp.key('d2', s) as unit_id,
  'case_closed' as milestone, 1::smallint as episode,
  case when n % 20 = 0 then 'not_sent' when n % 4 = 0 then 'answered' else 'expired' end as state,
  case when n % 20 = 0 then 'minor' else '' end as reason, registered_at + interval '20 days' as due_at,
  case when n % 20 <> 0 then registered_at + interval '20 days' end as sent_at,
  case when n % 4 = 0 and n % 20 <> 0 then (array[1, 1, 1, 1, 2, 3])[1 + floor(pg_temp.draw(n, 14) * 6)::int]::smallint
    end as score, 'sms' as channel, registered_at as created_at
from {_CASES} where closed
"""
VISITS = f"""
select pg_temp.key('0a', n) as id, 'dissatisfied' as purpose, 'done' as state, pg_temp.key('03', n) as case_id,
  pg_temp.key('01', n) as person_id, pg_temp.key('d2', s) as unit_id, pg_temp.key('e1', o) as handler_id,
  registered_at + interval '21 days' as opened_at, registered_at + interval '22 days' as due_at,
  registered_at + interval '22 days' as closed_at, case when n % 24 = 4 then 'dissatisfied' else 'satisfied' end
    as outcome, '' as finding, false as overdue_marked
from {_CASES} where closed and n % 24 in (4, 8)
"""
CALLS = f"""
select pg_temp.key('0b', n) as id, pg_temp.key('0a', n) as visit_id, pg_temp.key('e0', 0) as officer_id,
  registered_at + interval '21 days' + make_interval(hours => (n % 30)::int) as at, 60 as seconds,
  'satisfied' as outcome
from {_CASES} where closed and n % 24 in (4, 8)
"""

# An inquiry: asked in the hours from 08 to 19, answered by a person in a quarter of an hour on average.
_INQUIRIES = f"""
(select n, c, s, (s - 1) * {STEWARDS} + 1 + floor(pg_temp.draw(c, 12) * {STEWARDS})::bigint as o, open,
   (array['public_order', 'public_order', 'criminal', 'traffic_accident', 'dispute'])
     [1 + floor(pg_temp.draw(c, 13) * 5)::int] as kind,
   (array['oa', 'oa', 'mini', 'mini', 'sms'])[1 + floor(pg_temp.draw(n, 24) * 5)::int] as channel,
   case when open then g.at - make_interval(secs => floor(pg_temp.draw(n, 25) * 90000))
     else g.midnight - make_interval(days => {DAYS} - floor((n - 1) * {DAYS} / g.open_from)::int,
       secs => -28800 - floor(pg_temp.draw(n, 21) * 43200)) end as opened_at,
   case when open then 'waiting' when how < 0.2 then 'answered_from_record' when how < 0.23 then 'closed'
     when how < 0.24 then 'merged' else 'answered' end as state,
   floor(least(-ln(pg_temp.draw(n, 22) + 1e-9) * 900, 20000))::int as first_seconds,
   floor(least(-ln(pg_temp.draw(n, 23) + 1e-9) * 14400, 120000))::int as more_seconds
 from given g, generate_series({{first}}, {{last}}) n
 cross join lateral (select 1 + (n * 2654435761 % g.cases) as c, n >= g.open_from as open,
   pg_temp.draw(n, 20) as how) drawn
 cross join lateral (select 1 + floor(power(pg_temp.draw(c, 11), 1.4) * {STATIONS})::bigint as s) station) i
"""
_ALL = _INQUIRIES.format(first="1", last="g.count")
_RECENT = _INQUIRIES.format(first="g.recent_from", last="g.count")
_FULL = "(first_seconds + more_seconds)"
_TOO_LATE_FIRST, _TOO_LATE_FULL = "first_seconds > 1800", f"{_FULL} > 86400"
_DONE = "state = 'answered'"
INQUIRIES = f"""
select pg_temp.key('10', n) as id, pg_temp.key('03', c) as case_id, pg_temp.key('06', c) as member_id,
  pg_temp.key('01', c) as person_id, pg_temp.key('d2', s) as unit_id, pg_temp.key('e1', o) as owner_id,
  case when state = 'answered_from_record' then 'status' else 'question' end as kind, state, opened_at,
  case when {_DONE} then opened_at + make_interval(secs => {_FULL}) when state = 'answered_from_record' then opened_at
    end as answered_at,
  case when state in ('answered', 'closed', 'merged') then opened_at + make_interval(secs => {_FULL}) end as closed_at,
  '' as close_reason, 1 as messages, 1 as version
from {_ALL}
"""
CLOCKS = f"""
select pg_temp.key('11', n) as id, 'inquiry' as subject_kind, pg_temp.key('10', n) as subject_id,
  pg_temp.key('d2', s) as unit_id, pg_temp.key('e1', o) as owner_id, state = 'waiting' as running,
  1::smallint as episode, opened_at as started_at,
  case when state in ('waiting', 'answered') then opened_at + interval '30 minutes' end as first_due_at,
  case when state in ('waiting', 'answered') then opened_at + interval '1 day' end as full_due_at,
  case when {_DONE} then opened_at + make_interval(secs => first_seconds) end as first_at,
  case when {_DONE} then opened_at + make_interval(secs => {_FULL}) end as full_at,
  case when state = 'waiting' then greatest(g.at, opened_at + interval '15 minutes') + interval '1 hour' end
    as next_trigger_at,
  case when {_DONE} then first_seconds end as first_duty_seconds,
  case when {_DONE} then {_FULL} end as full_duty_seconds,
  {_DONE} and ({_TOO_LATE_FIRST} or {_TOO_LATE_FULL}) or state = 'waiting' and opened_at + interval '30 minutes' <= g.at
    as breached, false as provisional
from given g, {_ALL} where state <> 'answered_from_record'
"""
_EDGES = f"array[{', '.join(map(str, EDGE_SECONDS))}]"
FACTS = f"""
select pg_temp.key('10', n) as id, pg_temp.key('10', n) as inquiry_id, 1::smallint as episode,
  pg_temp.key('03', c) as case_id, opened_at, (opened_at at time zone 'Asia/Shanghai')::date as day,
  extract(hour from opened_at at time zone 'Asia/Shanghai')::smallint as hour, kind, channel,
  case when state = 'answered_from_record' then 'status' else 'question' end as asked_for,
  case when state = 'answered_from_record' then 'from_record' else state end as state,
  pg_temp.key('d2', s) as unit_id, pg_temp.key('e1', o) as owner_id,
  case when {_DONE} then not {_TOO_LATE_FIRST} end as first_in_time,
  case when {_DONE} then not {_TOO_LATE_FULL} end as full_in_time,
  case when {_DONE} then first_seconds end as first_seconds, case when {_DONE} then {_FULL} end as full_seconds,
  case when {_DONE} then (width_bucket(first_seconds, {_EDGES}) - 1)::smallint end as first_bin,
  case when {_DONE} then (width_bucket({_FULL}, {_EDGES}) - 1)::smallint end as full_bin,
  case when state = 'waiting' then opened_at + interval '1 day' end as full_due_at,
  {_DONE} and ({_TOO_LATE_FIRST} or {_TOO_LATE_FULL}) or state = 'waiting' and opened_at + interval '30 minutes' <= g.at
    as breached, false as challenged, false as first_adjusted, false as full_adjusted
from given g, {_ALL}
"""

# Of the last thirty days, and of what is open: the messages, the clock's log, and the events.
ENTRIES = f"""
select pg_temp.key('12', n) as id, pg_temp.key('10', n) as inquiry_id, opened_at as at, 'asked' as kind, channel,
  g.text as text, null::uuid as officer_id from given g, {_RECENT}
union all
select pg_temp.key('13', n), pg_temp.key('10', n), opened_at + make_interval(secs => {_FULL}), 'answer', 'desk', g.text,
  pg_temp.key('e1', o) from given g, {_RECENT} where {_DONE}
"""
CLOCK_ENTRIES = f"""
select pg_temp.key('14', n) as id, pg_temp.key('11', n) as clock_id, 1 as seq, opened_at as at, 'handed_over' as kind,
  jsonb_build_object('binding', jsonb_build_object('owner', pg_temp.key('e1', o), 'unit', pg_temp.key('d2', s),
    'policy', g.policy, 'calendar', g.calendar)) as data from given g, {_RECENT} where state <> 'answered_from_record'
union all
select pg_temp.key('15', n), pg_temp.key('11', n), 2, opened_at, 'asked', '{{}}' from given g, {_RECENT}
  where state <> 'answered_from_record'
union all
select pg_temp.key('16', n), pg_temp.key('11', n), 3, opened_at + make_interval(secs => first_seconds), 'responded',
  jsonb_build_object('person', pg_temp.key('e1', o), 'channel', 'message') from given g, {_RECENT} where {_DONE}
union all
select pg_temp.key('17', n), pg_temp.key('11', n), 4, opened_at + make_interval(secs => {_FULL}), 'answered',
  jsonb_build_object('person', pg_temp.key('e1', o), 'channel', 'message') from given g, {_RECENT} where {_DONE}
"""
EVENTS = f"""
select pg_temp.key('18', n) as id, opened_at as at, 'inquiry.opened' as kind, 'citizen' as actor_kind,
  pg_temp.key('01', c) as actor_id, 'inquiry' as subject_kind, pg_temp.key('10', n) as subject_id,
  pg_temp.key('03', c) as case_id, pg_temp.key('d2', s) as unit_id, '{{}}'::jsonb as details from {_RECENT}
union all
select pg_temp.key('19', n), opened_at + make_interval(secs => {_FULL}), 'inquiry.answered', 'officer',
  pg_temp.key('e1', o), 'inquiry', pg_temp.key('10', n), pg_temp.key('03', c), pg_temp.key('d2', s), '{{}}'
from {_RECENT} where {_DONE}
"""

SMALL = {"unit": UNITS, "officer": OFFICERS, "role_grant": GRANTS}
LARGE = {
    "inquiry": INQUIRIES,
    "clock": CLOCKS,
    "inquiry_fact": FACTS,
    "case_file": CASES,
    "person": PERSONS,
    "party": PARTIES,
    "case_group": GROUPS,
    "member": MEMBERS,
    "member_change": MEMBER_CHANGES,
    "rating": RATINGS,
    "visit": VISITS,
    "call": CALLS,
    "inquiry_entry": ENTRIES,
    "clock_entry": CLOCK_ENTRIES,
    "event": EVENTS,
}
"""By table, the largest first."""
