"""Hand-over, new policies and calendars, merging, orders, and what a log must look like."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from stewardship.foundation.clocks.errors import InvalidLog, InvalidPolicy
from stewardship.foundation.clocks.policy import DEFAULT_ESCALATION
from stewardship.foundation.clocks.rules import (
    Allowance,
    AllowanceUnit,
    Binding,
    Channel,
    ClockState,
    Entry,
    EscalationStep,
    Kind,
    Mark,
    MarkKind,
    Policy,
    Status,
    Target,
    carried_marks,
    due_from,
    due_marks,
    replay,
)
from stewardship.foundation.duty_time import DayKind, EscalationLevel
from tests.foundation.clock_logs import (
    BINDING,
    CALENDARS,
    DEPUTY,
    MINUTE,
    OFFICE,
    OTHER,
    OTHER_UNIT,
    POLICIES,
    PROMISE,
    STATION,
    STEWARD,
    UNIT,
    Log,
    at,
    shown,
)

STRICT = UUID(int=12)
ORDER = UUID(int=13)
AMENDED = UUID(int=3)


def marks_at(state: ClockState, when: str) -> list[tuple[str, str, str | None]]:
    """Target, mark and due time of all that fell due by then."""
    return [(mark.key.target.value, mark.key.mark, shown(mark.due_at)) for mark in due_marks(state, (), at(when))]


def first_marks(state: ClockState, when: str) -> list[Mark]:
    return [mark for mark in due_marks(state, (), at(when)) if mark.key.target is Target.FIRST]


# --- hand-over, policies, calendars, merging --------------------------------------------------------------------------


def test_each_owner_and_unit_keeps_its_own_segment() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.HANDED_OVER, "10:10", binding=replace(BINDING, owner=DEPUTY))
    log.add(Kind.HANDED_OVER, "10:25", binding=Binding(OTHER, OTHER_UNIT, PROMISE, OFFICE))
    log.add(Kind.ANSWERED, "11:00")
    state = log.state()
    assert state.current is not None
    segments = [(one.owner, one.unit, one.duty // MINUTE) for one in state.current.segments]
    assert segments == [(STEWARD, UNIT, 10), (DEPUTY, UNIT, 15), (OTHER, OTHER_UNIT, 35)]
    assert state.counters.handed_over == 2
    breach = next(one for _, one in state.crossings() if (one.target, one.mark) == (Target.FIRST, "breach"))
    assert (breach.owner, shown(breach.due_at)) == (OTHER, "3 10:30")


def test_zammad_5624_a_transfer_brings_the_new_units_policy() -> None:
    log = Log()
    log.policies[STRICT] = Policy(2, first_response=Allowance(20, AllowanceUnit.DUTY_MINUTES))
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.HANDED_OVER, "10:10", binding=Binding(OTHER, OTHER_UNIT, STRICT, OFFICE))
    assert shown(log.state().first_due_at) == "3 10:20"


def test_a_transfer_never_puts_the_due_time_into_the_past_the_earlier_promise_stands() -> None:
    log = Log()
    log.policies[STRICT] = Policy(2, first_response=Allowance(20, AllowanceUnit.DUTY_MINUTES))
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.HANDED_OVER, "10:25", binding=Binding(OTHER, OTHER_UNIT, STRICT, OFFICE))
    state = log.state()
    assert shown(state.first_due_at) == "3 10:30"
    assert ("first", "escalation:sub_bureau", "3 10:50") in marks_at(state, "11:00")


def test_a_breach_before_the_transfer_stays_with_whoever_had_it_and_is_not_repeated() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.HANDED_OVER, "10:40", binding=Binding(OTHER, OTHER_UNIT, PROMISE, OFFICE))
    breaches = [one for one in first_marks(log.state(), "18:00") if one.kind is MarkKind.BREACH]
    assert [(shown(one.due_at), one.unit) for one in breaches] == [("3 10:30", UNIT)]


def test_handed_to_a_station_on_duty_at_night_the_time_begins_to_run() -> None:
    log = Log()
    log.add(Kind.ASKED, "20:00")
    log.add(Kind.HANDED_OVER, "23:00", binding=Binding(OTHER, OTHER_UNIT, PROMISE, STATION))
    state = log.state()
    assert shown(state.first_due_at) == "3 23:30"
    assert shown(state.full_due_at) == "4 20:00"


def test_zammad_534_an_edited_calendar_moves_the_due_time_of_an_open_clock() -> None:
    log = Log()
    log.calendars[AMENDED] = replace(CALENDARS[OFFICE], version=3, overrides={date(2026, 3, 4): DayKind.HOLIDAY})
    log.add(Kind.ASKED, "17:50")
    assert shown(log.state().first_due_at) == "4 08:50"
    log.add(Kind.CALENDAR_CHANGED, "18:30", calendar=AMENDED)
    state = log.state()
    assert shown(state.first_due_at) == "5 08:50"
    assert shown(state.full_due_at) == "5 17:50"


def test_frappe_an_edited_calendar_or_policy_rewrites_no_history() -> None:
    log = Log()
    log.policies[STRICT] = Policy(2, first_response=Allowance(1, AllowanceUnit.DUTY_MINUTES))
    log.calendars[AMENDED] = replace(CALENDARS[OFFICE], version=3, overrides={date(2026, 3, 3): DayKind.HOLIDAY})
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:20")
    before = log.state().episodes
    log.add(Kind.CALENDAR_CHANGED, "11:00", calendar=AMENDED)
    log.add(Kind.POLICY_CHANGED, "11:00", policy=STRICT)
    state = log.state()
    assert state.episodes == before
    assert (state.policy, state.calendar) == (STRICT, AMENDED)


def test_zammad_904_a_merged_clock_escalates_no_more_and_its_question_stays_the_earliest() -> None:
    source, target = Log(), Log()
    source.add(Kind.ASKED, "10:00")
    target.add(Kind.ASKED, "10:10")
    waiting = source.state().earliest_unanswered_at
    source.add(Kind.MERGED_INTO, "10:12", other=OTHER)
    target.add(Kind.MERGED_FROM, "10:12", other=STEWARD, started_at=waiting)
    gone = source.state()
    assert due_marks(gone, (), at("20 10:00")) == []
    assert gone.current is not None
    assert (gone.current.status, gone.merged_into) == (Status.MERGED, OTHER)
    state = target.state()
    assert shown(state.earliest_unanswered_at) == "3 10:00"
    assert shown(state.first_due_at) == "3 10:30"
    assert state.counters.merged == 1


def test_a_merge_takes_over_the_marks_so_that_the_party_is_not_told_twice() -> None:
    source, target = Log(), Log()
    source.add(Kind.ASKED, "10:00")
    done = {mark.key for mark in due_marks(source.state(), (), at("10:40"))}
    target.add(Kind.ASKED, "10:20")
    source.add(Kind.MERGED_INTO, "10:45", other=OTHER)
    target.add(Kind.MERGED_FROM, "10:45", other=STEWARD, started_at=at("10:00"))
    state = target.state()
    assert "breach" in [mark.key.mark for mark in due_marks(state, (), at("10:46"))]
    carried = carried_marks(source.state(), done, state)
    assert due_marks(state, carried, at("10:46")) == []


def test_a_merge_of_one_partys_questions_keeps_the_reply_it_has_seen() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:20")
    log.add(Kind.MERGED_FROM, "10:25", other=OTHER, started_at=at("10:00"), responded_at=at("10:15"))
    state = log.state()
    assert shown(state.first_response_at) == "3 10:15"
    assert state.current is not None
    assert state.current.first.kept is True
    assert state.is_open


def test_a_merge_of_something_already_answered_changes_no_time() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:20")
    log.add(Kind.MERGED_FROM, "10:25", other=OTHER, responded_at=at("9:00"))
    state = log.state()
    assert shown(state.earliest_unanswered_at) == "3 10:20"
    assert state.first_response_at is None


# --- orders, and limits -----------------------------------------------------------------------------------------------


def test_an_order_runs_five_working_days_and_promises_no_first_reply() -> None:
    log = Log()
    log.policies[ORDER] = Policy(
        3, first_response=None, full_answer=Allowance(5, AllowanceUnit.WORKING_DAYS), warn_at=(80,)
    )
    log.add(Kind.POLICY_CHANGED, "1 00:01", policy=ORDER)
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.OWNER_ABSENT, "10:30")
    state = log.state()
    assert state.first_due_at is None
    assert shown(state.full_due_at) == "10 10:00"
    assert marks_at(state, "9 10:00") == [
        ("full", "escalation:duty_officer", "3 10:30"),
        ("full", "warning:80", "9 10:00"),
    ]


def test_the_new_time_can_be_reckoned_from_any_instant() -> None:
    policy, calendar = POLICIES[PROMISE], CALENDARS[OFFICE]
    assert shown(due_from(policy, calendar, Target.FIRST, at("4 15:00"))) == "4 15:30"
    assert shown(due_from(policy, calendar, Target.FULL, at("4 15:00"))) == "5 15:00"
    order = Policy(3, first_response=None)
    assert due_from(order, calendar, Target.FIRST, at("4 15:00")) is None


def test_a_log_that_cannot_be_replayed_says_why() -> None:
    log = Log()
    with pytest.raises(InvalidLog, match="empty"):
        replay([], POLICIES, CALENDARS)
    asked = log.add(Kind.ASKED, "10:00")
    with pytest.raises(InvalidLog, match="hand-over"):
        replay([asked], POLICIES, CALENDARS)
    with pytest.raises(InvalidLog, match="policy"):
        replay(log.entries, {}, CALENDARS)
    with pytest.raises(InvalidLog, match="calendar"):
        replay(log.entries, POLICIES, {})
    with pytest.raises(InvalidLog, match="share the id"):
        replay([*log.entries, replace(asked, seq=99)], POLICIES, CALENDARS)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Kind.HANDED_OVER, {}),
        (Kind.ANSWERED, {"channel": Channel.CALL}),
        (Kind.RESPONDED, {"person": STEWARD}),
        (Kind.CLOSED, {"person": STEWARD}),
        (Kind.PAUSED, {"reason": "appraisal"}),
        (Kind.MERGED_INTO, {}),
        (Kind.ASKED, {"started_at": at("10:01")}),
        (Kind.NOTED, {"started_at": at("9:00")}),
        (Kind.MERGED_FROM, {"other": OTHER, "started_at": at("9:30"), "responded_at": at("9:00")}),
        (Kind.REOPENED, {"reason": "x" * 65}),
    ],
)
def test_an_entry_lacking_what_its_kind_needs_is_refused(kind: Kind, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidLog):
        Entry(UUID(int=1), 1, at("10:00"), kind, **fields)  # type: ignore[arg-type]  # wrong on purpose


def test_entries_and_policies_survive_their_json() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00", started_at=at("9:00"))
    log.add(Kind.RESPONDED, "10:10", visible=False, channel=Channel.COUNTER)
    log.add(Kind.MERGED_FROM, "10:12", other=OTHER, started_at=at("9:00"), responded_at=at("9:30"))
    log.add(Kind.POLICY_CHANGED, "10:13", policy=STRICT)
    log.add(Kind.CALENDAR_CHANGED, "10:14", calendar=AMENDED)
    for entry in log.entries:
        assert Entry.from_data(entry.id, entry.seq, entry.at, entry.kind.value, entry.data()) == entry
    for policy in (Policy(1), Policy(2, first_response=None, warn_at=(), escalation=DEFAULT_ESCALATION[:1])):
        assert Policy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize("data", [{"binding": {}}, {"person": "nobody"}, {"channel": "pigeon"}, {"started_at": 5}])
def test_stored_entries_that_are_broken_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(InvalidLog):
        Entry.from_data(UUID(int=1), 1, at("10:00"), "asked", data)
    with pytest.raises(InvalidLog):
        Entry.from_data(UUID(int=1), 1, at("10:00"), "no such kind", {})


def test_policies_that_contradict_themselves_are_refused() -> None:
    step = EscalationStep
    wrong: list[dict[str, object]] = [
        {"first_response": None, "full_answer": None},
        {"warn_at": (80, 50)},
        {"warn_at": (100,)},
        {"escalation": (step(80, EscalationLevel.STEWARD),)},
        {"escalation": (step(80, EscalationLevel.INSTRUCTOR), step(90, EscalationLevel.DUTY_OFFICER))},
        {"escalation": (step(2000, EscalationLevel.INSTRUCTOR),)},
        {"challenge_window": timedelta(0)},
    ]
    for fields in wrong:
        with pytest.raises(InvalidPolicy):
            Policy(1, **fields)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidPolicy):
        Allowance(0, AllowanceUnit.DUTY_MINUTES)
    with pytest.raises(InvalidPolicy, match="first_response"):
        Policy.from_json({})
