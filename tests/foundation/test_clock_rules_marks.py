"""Warnings, breaches and escalations of a promise, told as logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stewardship.foundation.clocks.rules import (
    Action,
    Channel,
    ClockState,
    Kind,
    Mark,
    MarkKind,
    Target,
    due_marks,
    next_trigger,
    unfounded_marks,
)
from stewardship.foundation.duty_time import EscalationLevel
from tests.foundation.clock_logs import (
    BINDING,
    CALENDARS,
    DEPUTY,
    OFFICE,
    Log,
    at,
    shown,
)


def marks_at(state: ClockState, when: str) -> list[tuple[str, str, str | None]]:
    """Target, mark and due time of all that fell due by then."""
    return [(mark.key.target.value, mark.key.mark, shown(mark.due_at)) for mark in due_marks(state, (), at(when))]


def first_marks(state: ClockState, when: str) -> list[Mark]:
    return [mark for mark in due_marks(state, (), at(when)) if mark.key.target is Target.FIRST]


# --- warnings, breaches, escalation -----------------------------------------------------------------------------------


def test_left_alone_it_warns_escalates_breaches_once_and_goes_up() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    state = log.state()
    assert marks_at(state, "10:14") == []
    assert [(mark.key.mark, shown(mark.due_at)) for mark in first_marks(state, "4 18:00")] == [
        ("breach", "3 10:30"),
        ("warning:50", "3 10:15"),
        ("escalation:duty_officer", "3 10:24"),
        ("warning:80", "3 10:24"),
        ("escalation:instructor", "3 10:30"),
        ("escalation:sub_bureau", "3 11:00"),
    ]
    assert shown(next_trigger(state, ())) == "3 10:15"


def test_the_citizen_is_told_first_with_the_new_time() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    due = first_marks(log.state(), "10:30")
    breach = due[0]
    assert breach.kind is MarkKind.BREACH
    assert breach.actions == (Action.TELL_PARTY, Action.TELL_OWNER)
    assert shown(breach.new_due_at) == "3 11:00"
    told = [action for mark in due for action in mark.actions]
    assert told.index(Action.TELL_PARTY) < told.index(Action.TELL_LEVEL)
    assert [mark.level for mark in due if Action.TELL_LEVEL in mark.actions] == [
        EscalationLevel.DUTY_OFFICER,
        EscalationLevel.INSTRUCTOR,
    ]


def test_each_mark_is_due_once() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    state = log.state()
    done = {mark.key for mark in due_marks(state, (), at("10:20"))}
    assert [key.mark for key in done] == ["warning:50"]
    assert [mark.key.mark for mark in due_marks(state, done, at("10:24"))] == ["escalation:duty_officer", "warning:80"]
    assert shown(next_trigger(state, done)) == "3 10:24"


def test_dispatch_skipped_hours_lose_nothing_and_a_late_breach_keeps_its_instant() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    due = first_marks(log.state(), "4 15:00")  # the engine was down for a day
    assert [shown(mark.due_at) for mark in due if mark.kind is MarkKind.BREACH] == ["3 10:30"]
    # Two warnings would now say less than the breach does; they are recorded and tell nobody.
    assert [mark.actions for mark in due if mark.kind is MarkKind.WARNING] == [(), ()]
    assert due[0].new_due_at is None  # the second time has passed too: to be reckoned from now


def test_of_two_warnings_missed_only_the_later_one_tells_anybody() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    due = {mark.key.mark: mark.actions for mark in first_marks(log.state(), "10:28")}
    assert due["warning:50"] == ()
    assert due["warning:80"] == (Action.TELL_OWNER,)


def test_zammad_3140_nobody_is_alarmed_about_what_was_answered_meanwhile() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:40")
    due = due_marks(log.state(), (), at("10:41"))
    assert "breach" in [mark.key.mark for mark in due]  # recorded all the same
    assert all(mark.actions == () for mark in due)


def test_zammad_4432_nothing_rings_at_midnight() -> None:
    log = Log()
    log.add(Kind.ASKED, "6 17:50")
    log.add(Kind.OWNER_ABSENT, "6 23:50")
    calendar = CALENDARS[OFFICE]
    for _, crossing in log.state().crossings():
        assert calendar.is_on_duty(crossing.due_at - timedelta(microseconds=1)) or calendar.is_on_duty(crossing.due_at)


@pytest.mark.parametrize(
    ("source", "asked", "due"),
    [
        ("chatwoot_13392_business_hours", "17:50", "4 08:50"),
        ("chatwoot_14009_frappe_2212_lunch", "11:50", "3 13:50"),
        ("chatwoot_6467_holidays", "2026-04-03 17:50", "7 08:50"),  # before Tomb-Sweeping Day
    ],
)
def test_only_duty_time_counts(source: str, asked: str, due: str) -> None:
    log = Log()
    log.add(Kind.ASKED, asked)
    assert shown(log.state().first_due_at) == due, source


def test_chatwoot_6889_each_level_above_hears_of_it_once() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    levels = [mark.level for mark in first_marks(log.state(), "18:00") if mark.kind is MarkKind.ESCALATION]
    assert levels == [EscalationLevel.DUTY_OFFICER, EscalationLevel.INSTRUCTOR, EscalationLevel.SUB_BUREAU]


def test_when_the_owner_is_away_the_next_level_hears_at_once_and_only_once() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.OWNER_ABSENT, "10:03", reason="call_out")
    told = [one for one in marks_at(log.state(), "5 18:00") if one[1] == "escalation:duty_officer"]
    assert told == [("first", "escalation:duty_officer", "3 10:03"), ("full", "escalation:duty_officer", "3 17:54")]


def test_after_the_first_reply_the_owners_absence_concerns_the_full_answer() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:05")
    log.add(Kind.OWNER_ABSENT, "12:10", reason="rest")
    assert marks_at(log.state(), "13:30") == [("full", "escalation:duty_officer", "3 13:30")]


def test_while_the_party_is_asked_back_nobody_is_warned_but_a_breach_is_told() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:05")
    log.add(Kind.CLARIFICATION_ASKED, "4 11:00")  # the engine was down until now
    due = due_marks(log.state(), (), at("4 11:01"))
    assert {mark.key.mark: mark.actions for mark in due} == {
        "breach": (Action.TELL_PARTY, Action.TELL_OWNER),
        "warning:50": (),
        "warning:80": (),
        "escalation:duty_officer": (),
        "escalation:instructor": (),
    }


def test_a_new_owner_is_not_taken_for_the_absent_one() -> None:
    log = Log()
    log.add(Kind.ASKED, "17:00")
    log.add(Kind.RESPONDED, "17:01")
    log.add(Kind.OWNER_ABSENT, "18:30")
    log.add(Kind.HANDED_OVER, "18:40", binding=replace(BINDING, owner=DEPUTY))
    told = [one for _, one in log.state().crossings() if one.level is EscalationLevel.DUTY_OFFICER]
    assert [(shown(one.due_at), one.owner) for one in told if one.target is Target.FULL] == [("4 15:24", DEPUTY)]


def test_a_breach_is_unfounded_once_an_earlier_call_is_logged() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    done = {mark.key for mark in due_marks(log.state(), (), at("10:31"))}
    log.add(Kind.ANSWERED, "10:25", channel=Channel.CALL)
    state = log.state()
    assert {key.mark for key in unfounded_marks(state, done)} == {"breach", "escalation:instructor"}
    assert state.current is not None
    assert state.current.first.kept is True
    assert not state.is_breached(at("10:31"))
