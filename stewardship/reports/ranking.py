"""Ranking units by a share so that only what is more than chance makes a difference. Pure.

Each share gets its 95 % confidence interval by Wilson's score (E. B. Wilson, "Probable inference, the law of
succession, and statistical inference", Journal of the American Statistical Association 22, 1927). Two units differ
only where their intervals do not overlap; this is stricter than a test of each pair at 5 % (H. Goldstein and M. J. R.
Healy, "The graphical presentation of a collection of means", Journal of the Royal Statistical Society A 158, 1995),
and so allows for many units being compared at once. Being tied is not transitive, so a unit has a range of ranks:
from one more than the number of units that are certainly better, to as many as are not certainly worse. The ranges of
two units that may differ by chance alone always overlap. Under the smallest sample there is no rank.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

SMALLEST_SAMPLE = 30
Z = 1.959964
"""97.5th percentile of the normal distribution."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Interval:
    """What a share may be, given its sample."""

    low: float
    high: float


def wilson(good: int, n: int) -> Interval:
    """The 95 % interval of `good` in `n`; nothing is known of an empty sample."""
    if n == 0:
        return Interval(0.0, 1.0)
    p, z2 = good / n, Z * Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Interval(centre - half if good else 0.0, centre + half if good < n else 1.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands: `best` to `worst`, the same where nothing is left to chance; empty of too small a sample."""

    best: int | None
    worst: int | None
    interval: Interval | None


NO_PLACE = Place(None, None, None)


def ranked(samples: Mapping[K, tuple[int, int]]) -> dict[K, Place]:
    """Places by (good, n); more is better."""
    intervals = {key: wilson(good, n) for key, (good, n) in samples.items() if n >= SMALLEST_SAMPLE}
    return {key: _place(intervals[key], intervals.values()) if key in intervals else NO_PLACE for key in samples}


def _place(own: Interval, all_: Collection[Interval]) -> Place:
    better = sum(other.low > own.high for other in all_)
    worse = sum(other.high < own.low for other in all_)
    return Place(1 + better, len(all_) - worse, own)
