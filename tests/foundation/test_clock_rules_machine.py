"""Random logs, with jumps in time and downtime: what must hold of every clock whatever happens to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stewardship.foundation.clocks.rules import (
    Action,
    Allowance,
    AllowanceUnit,
    Binding,
    ClockState,
    Crossing,
    EscalationStep,
    Kind,
    MarkKey,
    MarkKind,
    Policy,
    Status,
    Target,
    due_marks,
    next_trigger,
    replay,
)
from stewardship.foundation.duty_time import DutyCalendar, EscalationLevel, Interval
from tests.foundation.clock_logs import (
    CALENDARS,
    DEPUTY,
    HOUR,
    MINUTE,
    OFFICE,
    OTHER,
    OTHER_UNIT,
    POLICIES,
    PROMISE,
    STEWARD,
    UNIT,
    Log,
    at,
)

NIGHTS = UUID(int=4)
STRICT, ORDER = UUID(int=12), UUID(int=13)
ALL_CALENDARS = CALENDARS | {NIGHTS: DutyCalendar(4, ((Interval(1200, 1920),),) * 7, every_day=True)}
ALL_POLICIES = POLICIES | {
    STRICT: Policy(
        2,
        first_response=Allowance(10, AllowanceUnit.DUTY_MINUTES),
        full_answer=Allowance(240, AllowanceUnit.DUTY_MINUTES),
        warn_at=(25, 50, 90),
        escalation=(EscalationStep(50, EscalationLevel.INSTRUCTOR), EscalationStep(150, EscalationLevel.SUB_BUREAU)),
    ),
    ORDER: Policy(3, first_response=None, full_answer=Allowance(5, AllowanceUnit.WORKING_DAYS), warn_at=(80,)),
}
bindings = st.builds(
    Binding,
    st.sampled_from([STEWARD, DEPUTY, OTHER]),
    st.sampled_from([UNIT, OTHER_UNIT]),
    st.sampled_from(sorted(ALL_POLICIES)),
    st.sampled_from(sorted(ALL_CALENDARS)),
)
SETTLED = (Status.ANSWERED, Status.CLOSED, Status.MERGED)
Keyed = dict[MarkKey, datetime]


def keyed(state: ClockState) -> dict[MarkKey, Crossing]:
    return {MarkKey(episode.number, one.target, one.mark): one for episode, one in state.crossings()}


class ClockMachine(RuleBasedStateMachine):
    """A clock's log grows while time passes; the engine ticks now and then, or is down."""

    @initialize(binding=bindings)
    def bind(self, binding: Binding) -> None:
        self.log = Log(policies=dict(ALL_POLICIES), calendars=dict(ALL_CALENDARS))
        self.now = at("2 09:00")
        self.done: set[MarkKey] = set()
        self.fell_due: Keyed = {}
        self.promised: set[tuple[int, Target, datetime | None]] = set()
        self.log.add(Kind.HANDED_OVER, self.now, binding=binding)
        self.state = self.log.state()

    def write(self, kind: Kind, **fields: object) -> None:
        """Append at the present instant, after noting what an engine that never sleeps would have done by now."""
        before = self.state
        self.promised |= {(e.number, target, e.target(target).due_at) for e in before.episodes for target in Target}
        self.fell_due |= {key: one.due_at for key, one in keyed(before).items() if one.due_at < self.now}
        self.log.add(kind, self.now, **fields)
        self.state = self.log.state()
        self.check_history(before)

    def check_history(self, before: ClockState) -> None:
        for old, new in zip(before.episodes, self.state.episodes, strict=False):
            if old is not before.current or old.status in SETTLED:
                assert new == old
            elif old.is_open and new.is_open:
                assert new.started_at <= old.started_at

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(minutes=st.integers(0, 45), seconds=st.integers(0, 59))
    def time_passes(self, minutes: int, seconds: int) -> None:
        self.now += timedelta(minutes=minutes, seconds=seconds)

    @rule(hours=st.integers(1, 80))
    def the_engine_is_down(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(late=st.sampled_from([0, 0, 1, 20, 300]))
    def the_party_asks(self, late: int) -> None:
        self.write(Kind.ASKED, started_at=self.now - late * MINUTE)
        assert self.state.is_open

    @rule(kind=st.sampled_from([Kind.RESPONDED, Kind.CLARIFICATION_ASKED, Kind.ANSWERED]), visible=st.booleans())
    def a_person_replies(self, kind: Kind, visible: bool) -> None:
        self.write(kind, visible=visible)

    @rule(kind=st.sampled_from([Kind.ACKNOWLEDGED, Kind.NOTED, Kind.ANSWERED_FROM_RECORD]))
    def the_machine_or_a_note_says_something(self, kind: Kind) -> None:
        before = self.state.first_response_at
        self.write(kind)
        assert self.state.first_response_at == before

    @rule(kind=st.sampled_from([Kind.CHALLENGED, Kind.REOPENED]))
    def it_comes_back(self, kind: Kind) -> None:
        self.write(kind)
        assert self.state.is_open

    @rule(kind=st.sampled_from([Kind.PAUSED, Kind.RESUMED, Kind.OWNER_ABSENT, Kind.CLOSED]))
    def the_unit_does_something(self, kind: Kind) -> None:
        self.write(kind)

    @rule(binding=bindings)
    def it_is_handed_over(self, binding: Binding) -> None:
        self.write(Kind.HANDED_OVER, binding=binding)

    @rule(policy=st.sampled_from(sorted(ALL_POLICIES)))
    def the_policy_changes(self, policy: UUID) -> None:
        self.write(Kind.POLICY_CHANGED, policy=policy)

    @rule(calendar=st.sampled_from(sorted(ALL_CALENDARS)))
    def the_calendar_changes(self, calendar: UUID) -> None:
        self.write(Kind.CALENDAR_CHANGED, calendar=calendar)

    @rule(waited=st.integers(0, 600))
    def another_matter_comes_in(self, waited: int) -> None:
        self.write(Kind.MERGED_FROM, other=OTHER, started_at=self.now - waited * MINUTE)
        assert self.state.is_open

    @precondition(lambda self: self.state.is_open)
    @rule()
    def it_goes_into_another(self) -> None:
        self.write(Kind.MERGED_INTO, other=OTHER)
        assert not self.state.is_open

    @rule()
    def the_engine_ticks(self) -> None:
        trigger = next_trigger(self.state, self.done)
        due = due_marks(self.state, self.done, self.now)
        keys = [mark.key for mark in due]
        assert len(set(keys)) == len(keys)
        assert self.done.isdisjoint(keys)
        assert bool(due) == (trigger is not None and trigger <= self.now)
        assert all(mark.due_at <= self.now for mark in due)
        told = [action for mark in due for action in mark.actions]
        if Action.TELL_PARTY in told:
            assert Action.TELL_LEVEL not in told[: told.index(Action.TELL_PARTY)]
        self.done |= set(keys)
        assert due_marks(self.state, self.done, self.now) == []

    # --- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_that_fell_due_is_lost(self) -> None:
        found = keyed(self.state)
        for key, due_at in self.fell_due.items():
            # A message that turns out to have been sent earlier moves due times back. The one way forward is onto what
            # had been promised before a hand-over that would otherwise come too late at once.
            due = self.state.episodes[key.episode - 1].target(key.target).due_at
            assert found[key].due_at <= due_at or (key.episode, key.target, due) in self.promised

    @invariant()
    def one_breach_for_each_target_and_episode(self) -> None:
        for episode in self.state.episodes:
            for target in Target:
                mine = [one for one in episode.crossings if one.target is target]
                breaches = [one for one in mine if one.kind is MarkKind.BREACH]
                assert len(breaches) <= 1
                assert [one.due_at for one in breaches] == [one for one in [episode.target(target).breach_at] if one]
                assert len({one.mark for one in mine}) == len(mine)
                assert all(one.due_at >= episode.started_at for one in mine)

    @invariant()
    def nothing_falls_due_off_duty(self) -> None:
        for _, one in self.state.crossings():
            moments = (one.due_at, one.due_at - timedelta(microseconds=1))
            assert any(calendar.is_on_duty(at) for calendar in ALL_CALENDARS.values() for at in moments)

    @invariant()
    def segments_follow_on_each_other_and_add_up(self) -> None:
        for episode in self.state.episodes:
            ends = [episode.started_at, *(one.end for one in episode.segments)]
            assert all(one.start == end for one, end in zip(episode.segments, ends, strict=False))
            if not episode.is_open and episode.segments:
                assert episode.segments[-1].end == episode.closed_at
            for one in episode.segments:
                until = one.end or self.state.last_at
                assert one.duty == ALL_CALENDARS[one.calendar].duty_between(one.start, until)
            if episode.full.met is not None:
                assert episode.full.waited == sum((one.duty for one in episode.segments), timedelta(0))
                ran = [one.duty for one in episode.segments if one.status is Status.OPEN]
                assert episode.full.counted == sum(ran, timedelta(0))

    @invariant()
    def only_a_person_gives_a_first_reply(self) -> None:
        replies = {(entry.at, entry.person) for entry in self.log.entries if entry.is_reply}
        for episode in self.state.episodes:
            for met in (episode.first.met, episode.full.met):
                assert met is None or (met.at, met.person) in replies

    @invariant()
    def a_promise_is_kept_or_missed_when_it_is_met(self) -> None:
        for episode in self.state.episodes:
            for target in (episode.first, episode.full):
                assert target.kept is None or target.kept == (target.breach_at is None)
                if target.met is not None and target.breach_at is not None:
                    assert target.breach_at < target.met.at

    def teardown(self) -> None:
        """The log says the same from the back and twice over."""
        if hasattr(self, "log"):
            entries = self.log.entries
            assert replay([*reversed(entries), *entries], ALL_POLICIES, ALL_CALENDARS) == self.state


TestClockMachine = ClockMachine.TestCase
TestClockMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=12), st.booleans(), st.sampled_from(sorted(ALL_CALENDARS)))
@settings(max_examples=60, deadline=None)
def test_however_often_the_engine_ticks_the_same_marks_fall_due(steps: list[int], absent: bool, calendar: UUID) -> None:
    log = Log(calendars=dict(ALL_CALENDARS))
    log.add(Kind.CALENDAR_CHANGED, "1 00:01", calendar=calendar)
    log.add(Kind.ASKED, "10:00")
    if absent:
        log.add(Kind.OWNER_ABSENT, "10:01")
    state, now = log.state(), at("10:00")
    done: list[tuple[MarkKey, datetime]] = []
    for minutes in steps:
        now += minutes * MINUTE
        done += [(mark.key, mark.due_at) for mark in due_marks(state, [key for key, _ in done], now)]
    at_once = [(mark.key, mark.due_at) for mark in due_marks(state, (), now)]
    assert sorted(done) == sorted(at_once)


@given(st.integers(0, 600), st.integers(0, 600))
@settings(max_examples=40, deadline=None)
def test_two_policies_alike_make_a_transfer_invisible(first: int, second: int) -> None:
    plain, transferred = Log(), Log()
    for log in (plain, transferred):
        log.add(Kind.ASKED, "10:00")
    twin = UUID(int=14)
    transferred.policies[twin] = replace(POLICIES[PROMISE], version=9)
    when = at("10:00") + min(first, second) * MINUTE
    transferred.add(Kind.HANDED_OVER, when, binding=Binding(OTHER, OTHER_UNIT, twin, OFFICE))
    dues = [[(one.target, one.mark, one.due_at) for _, one in log.state().crossings()] for log in (plain, transferred)]
    assert dues[0] == dues[1]
