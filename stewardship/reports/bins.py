"""Durations in fixed bins, so that medians of any two parts can be merged exactly into that of the whole. Pure.

A bin's edges never change: stored histograms would lose their meaning. Docs: docs/decisions/roll-ups.md.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

EDGES: tuple[int, ...] = (
    *range(11),
    *range(12, 31, 2),
    *(35, 40, 45, 50, 60, 75, 90, 120, 150, 180, 240, 300, 360, 480),
    *(600, 720, 960, 1200, 1440, 1920, 2400, 2880, 3600, 4320, 5760, 7200),
)
"""Lower edges in duty minutes, included. A minute wide up to 10, two up to 30 (the promise), then at most a third of
the lower edge; the last bin is open."""
COUNT = len(EDGES)
EDGE_SECONDS = tuple(edge * 60 for edge in EDGES)

Histogram = Sequence[int]
"""How many durations lie in each bin; empty for none at all."""


def bin_of(seconds: int) -> int:
    """The bin of a duration, from 0. A negative one, which no clock gives, counts as none waited at all."""
    return max(bisect_right(EDGE_SECONDS, seconds) - 1, 0)


def width(index: int) -> float:
    """Of a bin, in minutes; infinite for the last."""
    return EDGES[index + 1] - EDGES[index] if index + 1 < COUNT else math.inf


def merged(histograms: Iterable[Histogram]) -> list[int]:
    """The sum, bin by bin."""
    return [sum(column) for column in zip(*filter(len, histograms), strict=True)]


def without(whole: Histogram, part: Histogram) -> list[int]:
    """What is left of the whole, bin by bin."""
    return [all_ - some for all_, some in zip(whole, part, strict=True)] if part else list(whole)


def quantile(histogram: Histogram, share: float) -> float | None:
    """The duration in minutes that this share of all stays within, to the width of its bin; None of an empty one.

    The true value (the one at rank ⌈share·n⌉) lies in the same bin. Within the bin the values are taken to be spread
    evenly; of the open bin its edge is answered: at least so long.
    """
    rank = max(math.ceil(share * sum(histogram)), 1)
    before = 0
    for index, count in enumerate(histogram):
        if before + count >= rank:
            step = width(index)
            within = 0.0 if math.isinf(step) else (rank - before - 0.5) / count * step
            return EDGES[index] + within
        before += count
    return None
