"""The promise on an inquiry, told as logs: what starts, pauses, meets and closes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stewardship.foundation.clocks.rules import (
    Channel,
    ClockState,
    Kind,
    Status,
    Target,
    due_marks,
    next_trigger,
    replay,
)
from stewardship.foundation.duty_time import PublishedHolidays
from tests.foundation.clock_logs import (
    BINDING,
    CALENDARS,
    HOUR,
    MINUTE,
    OFFICE,
    STEWARD,
    UNIT,
    Log,
    at,
    shown,
)


def marks_at(state: ClockState, when: str) -> list[tuple[str, str, str | None]]:
    """Target, mark and due time of all that fell due by then."""
    return [(mark.key.target.value, mark.key.mark, shown(mark.due_at)) for mark in due_marks(state, (), at(when))]


# --- the promise ------------------------------------------------------------------------------------------------------


def test_a_question_gets_a_first_reply_in_30_duty_minutes_and_a_full_answer_in_a_working_day() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    state = log.state()
    assert shown(state.first_due_at) == "3 10:30"
    assert shown(state.full_due_at) == "4 10:00"
    assert state.is_open
    assert shown(state.earliest_unanswered_at) == "3 10:00"
    assert (state.owner, state.unit, state.episode) == (STEWARD, UNIT, 1)


def test_a_full_answer_ends_everything_and_is_a_first_reply_too() -> None:
    log = Log()
    log.add(Kind.ASKED, "11:50")
    log.add(Kind.ANSWERED, "13:40")
    state = log.state()
    current = state.current
    assert current is not None
    assert (current.status, shown(current.closed_at)) == (Status.ANSWERED, "3 13:40")
    assert current.first.waited == current.first.counted == 20 * MINUTE  # the lunch break does not count
    assert current.first.kept is current.full.kept is True
    assert state.earliest_unanswered_at is None
    # What was passed on the way (half of the time) is all that is left to record.
    assert [mark.key.mark for mark in due_marks(state, (), at("30 10:00"))] == ["warning:50"]


def test_four_angry_messages_are_one_question_since_the_first() -> None:
    log = Log()
    for minute in ("10:00", "10:02", "10:03", "10:09"):
        log.add(Kind.ASKED, minute)
    state = log.state()
    assert shown(state.earliest_unanswered_at) == "3 10:00"
    assert shown(state.first_due_at) == "3 10:30"
    assert (state.episode, state.counters.asked) == (1, 4)


def test_a_message_that_arrives_late_moves_the_start_back_but_never_forward() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ASKED, "10:05", started_at=at("9:40"))
    log.add(Kind.ASKED, "10:06", started_at=at("10:04"))
    state = log.state()
    assert shown(state.earliest_unanswered_at) == "3 09:40"
    assert shown(state.first_due_at) == "3 10:10"


def test_asked_at_night_the_time_counts_from_when_duty_next_starts() -> None:
    log = Log()
    log.add(Kind.ASKED, "6 22:30")  # a Friday
    state = log.state()
    assert shown(state.first_due_at) == "9 09:00"
    assert shown(state.full_due_at) == "10 08:30"


def test_the_new_year_question_is_due_after_spring_festival() -> None:
    log = Log()
    log.entries.clear()
    log.add(Kind.HANDED_OVER, "2026-01-01 00:00", binding=BINDING)
    log.add(Kind.ASKED, "2026-02-16 20:00")
    assert log.state().first_due_at == at("2026-02-24 09:00")


def test_a_due_time_over_days_not_yet_published_is_never_shown_as_final() -> None:
    log = Log()
    log.calendars[OFFICE] = replace(
        CALENDARS[OFFICE], published=PublishedHolidays(2026, 2026, frozenset(), frozenset())
    )
    log.add(Kind.ASKED, "2026-12-31 17:00")
    current = log.state().current
    assert current is not None
    assert not current.first.due_is_provisional
    assert current.full.due_is_provisional


def test_the_same_log_gives_the_same_clock_in_any_order_and_with_duplicates() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:10")
    log.add(Kind.ANSWERED, "11:00")
    shuffled = [*reversed(log.entries), *log.entries]
    assert replay(shuffled, log.policies, log.calendars) == log.state()


def test_an_answer_at_the_very_due_instant_keeps_the_promise() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:30")
    state = log.state()
    assert state.current is not None
    assert state.current.first.kept is True


def test_an_answer_in_the_same_instant_keeps_the_promise_too() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:00")
    current = log.state().current
    assert current is not None
    assert current.first.kept is current.full.kept is True
    assert shown(current.first.due_at) == "3 10:30"
    assert current.segments == ()


def test_a_call_written_down_later_counts_from_when_it_was_and_answers_no_later_question() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ASKED, "10:30")
    log.add(Kind.ANSWERED, "10:10", channel=Channel.CALL)
    state = log.state()
    assert (state.episode, shown(state.earliest_unanswered_at)) == (2, "3 10:30")
    assert shown(state.episodes[0].closed_at) == "3 10:10"


# --- what counts as a reply -------------------------------------------------------------------------------------------


def test_chatwoot_13181_a_machine_reply_never_enters_the_figures() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ACKNOWLEDGED, "10:00")
    log.add(Kind.ANSWERED_FROM_RECORD, "10:01")
    state = log.state()
    assert state.first_response_at is None
    assert state.is_provisional
    assert (state.counters.acknowledged, state.counters.answered_from_record, state.counters.replies) == (1, 1, 0)


def test_frappe_status_change_or_internal_note_is_no_first_response() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.NOTED, "10:01")
    log.add(Kind.RESPONDED, "10:02", visible=False)
    log.add(Kind.ANSWERED, "10:03", visible=False)
    state = log.state()
    assert state.is_open
    assert state.first_response_at is None
    assert shown(state.first_due_at) == "3 10:30"


@pytest.mark.parametrize("channel", [Channel.CALL, Channel.COUNTER])
def test_a_logged_call_or_counter_talk_is_an_answer_too(channel: Channel) -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:20", channel=channel)
    current = log.state().current
    assert current is not None
    assert current.first.met is not None
    assert current.first.met.channel is channel
    assert current.first.kept is True


def test_zammad_1322_a_question_put_at_the_counter_counts_from_when_it_was_put() -> None:
    log = Log()
    log.add(Kind.ASKED, "15:00", started_at=at("11:00"))
    state = log.state()
    assert shown(state.first_due_at) == "3 11:30"
    assert ("first", "breach", "3 11:30") in marks_at(state, "15:00")


def test_asking_back_is_a_reply_but_no_answer_and_the_full_answer_waits_for_the_party() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.CLARIFICATION_ASKED, "10:20")
    waiting = log.state()
    assert waiting.is_paused
    assert shown(waiting.first_response_at) == "3 10:20"
    assert waiting.full_due_at is None
    assert [mark for mark in due_marks(waiting, (), at("20 10:00")) if mark.key.target is Target.FULL] == []
    log.add(Kind.ASKED, "11:20")
    resumed = log.state()
    assert shown(resumed.full_due_at) == "4 11:00"
    assert shown(resumed.earliest_unanswered_at) == "3 10:00"
    assert resumed.counters.clarifications == 1


def test_the_first_reply_stays_the_first() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:10")
    log.add(Kind.RESPONDED, "11:10")
    log.add(Kind.ANSWERED, "12:00")
    state = log.state()
    assert shown(state.first_response_at) == "3 10:10"
    assert shown(state.full_answer_at) == "3 12:00"
    assert state.counters.replies == 3


def test_a_pause_never_stops_the_wait_for_a_first_reply() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.PAUSED, "10:05", reason="appraisal")
    state = log.state()
    assert shown(state.first_due_at) == "3 10:30"
    assert state.full_due_at is None


def test_zammad_3551_a_reply_and_a_pause_in_one_step_keep_the_reply() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:20")
    log.add(Kind.PAUSED, "10:20", reason="appraisal")
    log.add(Kind.RESUMED, "11:20")
    state = log.state()
    assert shown(state.first_response_at) == "3 10:20"
    assert shown(state.full_due_at) == "4 11:00"


def test_frappe_1554_pauses_are_taken_out_of_the_time_and_nothing_else() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.RESPONDED, "10:01")
    log.add(Kind.PAUSED, "11:00", reason="appraisal")
    log.add(Kind.RESUMED, "15:00")  # 2.5 duty hours later
    log.add(Kind.PAUSED, "16:00", reason="hospital")
    log.add(Kind.RESUMED, "4 09:00")  # 2.5 duty hours later
    log.add(Kind.ANSWERED, "4 15:30")
    current = log.state().current
    assert current is not None
    assert shown(current.full.due_at) == "4 16:30"
    assert current.full.kept is True
    assert current.full.counted == 7 * HOUR
    assert current.full.waited == 12 * HOUR


def test_the_partys_message_does_not_end_a_pause_for_something_else() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.PAUSED, "10:05", reason="appraisal")
    log.add(Kind.CLARIFICATION_ASKED, "10:10")
    log.add(Kind.ASKED, "10:20")
    assert log.state().is_paused
    log.add(Kind.RESUMED, "10:30")
    assert not log.state().is_paused


# --- closing, challenging, reopening ----------------------------------------------------------------------------------


def test_thanks_can_be_closed_without_a_reply_and_is_no_reply() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.CLOSED, "10:05", reason="thanks")
    state = log.state()
    assert state.current is not None
    assert (state.current.status, state.current.close_reason) == (Status.CLOSED, "thanks")
    assert state.first_response_at is None
    assert state.current.first.kept is None
    assert due_marks(state, (), at("20 10:00")) == []


def test_chatwoot_10178_nothing_runs_on_after_the_close() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:10")
    log.add(Kind.RESPONDED, "10:12")
    log.add(Kind.PAUSED, "10:15", reason="late")
    state = log.state()
    assert state.current is not None
    assert state.current.status is Status.ANSWERED
    assert next_trigger(state, ()) is None
    assert state.counters.ignored == 2


def test_a_challenge_within_48_hours_reopens_the_original_clock() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED_FROM_RECORD, "10:10")
    log.add(Kind.CHALLENGED, "4 10:10")
    state = log.state()
    assert (state.episode, state.counters.challenged) == (1, 1)
    assert shown(state.earliest_unanswered_at) == "3 10:00"
    # Ten of the thirty minutes were used; while the answer stood, nobody could know that somebody still waited.
    assert shown(state.first_due_at) == "4 10:30"
    assert shown(state.full_due_at) == "5 10:00"
    log.add(Kind.RESPONDED, "4 10:20")
    current = log.state().current
    assert current is not None
    assert current.first.counted == 20 * MINUTE
    assert current.first.waited == 8 * HOUR + 20 * MINUTE  # the party's own view is kept beside it


def test_the_48_hours_include_their_last_instant() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED_FROM_RECORD, "10:10")
    log.add(Kind.CHALLENGED, "5 10:10")
    assert log.state().episode == 1


def test_a_challenge_after_48_hours_opens_a_new_episode() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED_FROM_RECORD, "10:10")
    log.add(Kind.CHALLENGED, "5 10:11")
    state = log.state()
    assert (state.episode, state.counters.reopened) == (2, 1)
    assert state.episodes[0].status is Status.PROVISIONAL
    assert shown(state.earliest_unanswered_at) == "5 10:11"


def test_an_answer_from_the_record_cannot_be_made_final_by_closing_it() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED_FROM_RECORD, "10:01")
    log.add(Kind.CLOSED, "10:02")
    log.add(Kind.CHALLENGED, "10:20")
    assert log.state().is_open


def test_a_person_may_still_add_the_answer_after_one_from_the_record() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED_FROM_RECORD, "10:01")
    log.add(Kind.ANSWERED, "15:00")
    current = log.state().current
    assert current is not None
    assert current.status is Status.ANSWERED
    assert current.full.kept is True


@pytest.mark.parametrize("source", ["chatwoot_12058", "frappe_3465"])
def test_reopening_starts_a_new_episode_and_leaves_the_figures_of_the_old_one(source: str) -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:10")
    before = log.state().episodes[0]
    log.add(Kind.REOPENED, "20 09:00", reason=source)
    log.add(Kind.RESPONDED, "20 09:15")
    state = log.state()
    assert state.episodes[0] == before
    assert state.episode == 2
    assert state.current is not None
    assert state.current.first.waited == 15 * MINUTE
    assert state.current.first.kept is True


def test_a_question_after_the_answer_is_never_left_without_a_clock() -> None:
    log = Log()
    log.add(Kind.ASKED, "10:00")
    log.add(Kind.ANSWERED, "10:10")
    log.add(Kind.ASKED, "11:00")
    state = log.state()
    assert (state.episode, shown(state.first_due_at)) == (2, "3 11:30")
