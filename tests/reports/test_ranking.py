"""Ranks that make no difference of what may be chance."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stewardship.reports.ranking import SMALLEST_SAMPLE, Place, ranked, wilson

sizes = st.integers(0, 400) | st.integers(SMALLEST_SAMPLE, 400)
samples = st.dictionaries(
    st.integers(0, 20), sizes.flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=12
)


def test_the_interval_is_the_published_one() -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, and 15 of 148."""
    for good, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        found = wilson(good, n)
        assert found.low == pytest.approx(low, abs=0.0001)
        assert found.high == pytest.approx(high, abs=0.0001)


def test_what_may_be_chance_is_a_tie_and_what_is_not_is_none() -> None:
    places = ranked({"a": (95, 100), "b": (92, 100), "c": (60, 100), "d": (29, 29)})
    assert {name: (place.best, place.worst) for name, place in places.items()} == {
        "a": (1, 2),
        "b": (1, 2),
        "c": (3, 3),
        "d": (None, None),
    }


@given(samples)
def test_units_that_may_differ_by_chance_alone_may_have_the_same_rank(found: dict[int, tuple[int, int]]) -> None:
    places = ranked(found)
    for key, (good, n) in found.items():
        place = places[key]
        assert (place.best is None) == (place.interval is None) == (n < SMALLEST_SAMPLE)
        if place.best is not None and place.worst is not None and place.interval is not None:
            assert place.interval.low <= good / n <= place.interval.high
            assert 1 <= place.best <= place.worst
    standing = [place for place in places.values() if place.interval is not None]
    for one, other in combinations(standing, 2):
        if overlap(one, other):
            assert shared(one, other) > 0
        else:
            assert (one.best, one.worst) != (other.best, other.worst)


def overlap(one: Place, other: Place) -> bool:
    assert one.interval is not None
    assert other.interval is not None
    return max(one.interval.low, other.interval.low) <= min(one.interval.high, other.interval.high)


def shared(one: Place, other: Place) -> int:
    """How many ranks both may have."""
    assert one.best is not None
    assert one.worst is not None
    assert other.best is not None
    assert other.worst is not None
    return min(one.worst, other.worst) - max(one.best, other.best) + 1
