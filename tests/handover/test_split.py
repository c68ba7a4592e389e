"""Forty cases over the colleagues who are there: fair for any loads, and the same however the question is put."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stewardship.handover.rules import Colleague, Work, split

UNTIL = datetime(2026, 3, 30, tzinfo=UTC)
ids = st.uuids(version=4)
works = st.lists(
    st.builds(
        Work,
        ids,
        st.integers(0, 9),
        st.none() | st.integers(-20, 20).map(lambda days: UNTIL + timedelta(days=days)),
        st.none() | ids,
    ),
    max_size=40,
    unique_by=lambda work: work.case_id,
)
colleagues = st.lists(
    st.builds(Colleague, ids, st.integers(0, 60), st.integers(0, 30)),
    max_size=8,
    unique_by=lambda colleague: colleague.officer_id,
)


def loads(given_works: list[Work], there: list[Colleague], shares: dict[UUID, UUID]) -> dict[UUID, int]:
    """What everybody has afterwards."""
    after = {colleague.officer_id: colleague.points for colleague in there}
    for work in given_works:
        after[shares[work.case_id]] += work.points(UNTIL)
    return after


@given(works, colleagues)
def test_every_case_is_taken_by_one_who_is_there_and_nobody_is_overburdened(
    given_works: list[Work], there: list[Colleague]
) -> None:
    shares = split(given_works, there, UNTIL)
    if not there:
        assert shares == {}
        return
    assert set(shares) == {work.case_id for work in given_works}
    assert set(shares.values()) <= {colleague.officer_id for colleague in there}
    after = loads(given_works, there, shares)
    for officer_id in set(shares.values()):
        lightest = min(work.points(UNTIL) for work in given_works if shares[work.case_id] == officer_id)
        assert after[officer_id] - lightest <= min(after.values())


@given(works, colleagues, st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_asked_changes_nothing(
    given_works: list[Work], there: list[Colleague], dice: random.Random
) -> None:
    shuffled, others = list(given_works), list(there)
    dice.shuffle(shuffled)
    dice.shuffle(others)
    assert split(shuffled, others, UNTIL) == split(given_works, there, UNTIL)


def test_forty_cases_over_four_equals_are_ten_each_and_the_deputy_keeps_their_own() -> None:
    officers = [UUID(int=number) for number in range(1, 5)]
    forty = [Work(UUID(int=1000 + number)) for number in range(39)]
    known = Work(UUID(int=1), deputy_id=officers[3])
    shares = split([known, *forty], [Colleague(officer) for officer in officers], UNTIL)
    assert sorted(list(shares.values()).count(officer) for officer in officers) == [10, 10, 10, 10]
    assert shares[known.case_id] == officers[3]
