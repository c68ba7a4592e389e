"""Who makes a call, and when a visit has come to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stewardship.opinion.visits.models import CallOutcome, VisitPurpose
from stewardship.opinion.visits.rules import (
    APART,
    ATTEMPTS,
    Candidate,
    Step,
    attempts,
    choose,
    may_call,
    possible,
    step_after,
    unreached,
)

NOON = datetime(2026, 3, 16, 4, 0, tzinfo=UTC)
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        officer_id=st.uuids(),
        step=st.integers(0, 3),
        on_duty=st.booleans(),
        away=st.booleans(),
        load=st.integers(0, 9),
    ),
    max_size=8,
)


@given(CANDIDATES, st.data(), st.booleans())
def test_the_call_goes_to_somebody_neither_barred_nor_away_if_there_is_one(
    candidates: list[Candidate], data: st.DataObject, workday: bool
) -> None:
    ids = [c.officer_id for c in candidates]
    barred = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set[UUID]()))
    chosen = choose(candidates, barred=barred, workday=workday)
    free = [c for c in candidates if c.officer_id not in barred and not c.away]
    assert (chosen is None) == (not free)
    if chosen is not None:
        assert chosen in {c.officer_id for c in free}


@given(CANDIDATES)
def test_on_a_working_day_nobody_nearer_is_passed_over_and_nobody_less_loaded_at_the_same_desk(
    candidates: list[Candidate],
) -> None:
    chosen = next((c for c in candidates if c.officer_id == choose(candidates, barred=(), workday=True)), None)
    if chosen is not None:
        for other in (c for c in candidates if not c.away):
            assert other.step >= chosen.step
            if (other.step, other.on_duty) == (chosen.step, chosen.on_duty):
                assert other.load >= chosen.load


@given(CANDIDATES)
def test_on_a_holiday_whoever_is_on_duty_goes_before_whoever_is_at_home(candidates: list[Candidate]) -> None:
    chosen = next((c for c in candidates if c.officer_id == choose(candidates, barred=(), workday=False)), None)
    if chosen is not None and any(c.on_duty and not c.away for c in candidates):
        assert chosen.on_duty


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=12)), max_size=10))
def test_calls_close_together_are_one_attempt(after: list[timedelta]) -> None:
    missed = sorted(NOON + each for each in after)
    count = attempts(missed)
    assert count <= len(missed)
    if missed:
        assert 1 <= count <= (missed[-1] - missed[0]) // APART + 1


def test_three_calls_in_five_minutes_do_not_end_a_visit() -> None:
    missed = [NOON, NOON + timedelta(minutes=2), NOON + timedelta(minutes=5)]
    assert step_after(VisitPurpose.DISSATISFIED, CallOutcome.NOT_REACHED, missed) is Step.GOES_ON
    apart = [NOON + n * APART for n in range(ATTEMPTS)]
    assert step_after(VisitPurpose.DISSATISFIED, CallOutcome.NOT_REACHED, apart) is Step.DONE


@given(st.sampled_from(list(CallOutcome)), st.lists(st.timedeltas(timedelta(0), timedelta(days=3)), max_size=6))
def test_nothing_but_having_told_the_protected_person_ends_a_safe_notice(
    outcome: CallOutcome, after: list[timedelta]
) -> None:
    step = step_after(VisitPurpose.SAFE_NOTICE, outcome, [NOON + each for each in after])
    assert (step is Step.DONE) == (outcome is CallOutcome.INFORMED)


@pytest.mark.parametrize("purpose", list(VisitPurpose))
def test_each_purpose_has_an_outcome_that_ends_it_and_one_that_does_not(purpose: VisitPurpose) -> None:
    steps = {step_after(purpose, outcome, []) for outcome in CallOutcome if possible(purpose, outcome)}
    assert Step.DONE in steps
    assert Step.GOES_ON in steps
    assert unreached(CallOutcome.NOT_REACHED)


def test_people_are_called_by_day_and_a_protected_person_in_their_own_hours() -> None:
    assert may_call(NOON)
    assert not may_call(NOON + timedelta(hours=8))
    assert may_call(NOON + timedelta(hours=7, minutes=59))
    assert not may_call(NOON, (13 * 60, 15 * 60))
