"""Why a rate or mean changed: split into who was asked (mix) and how each did (within). Pure.

Kitagawa's decomposition with the mean of both periods as weights, so that nothing is left over (E. M. Kitagawa,
"Components of a difference between two rates", Journal of the American Statistical Association 50, 1955; the two-fold
case of R. Oaxaca, 1973, and A. Blinder, 1973). With p the share of a group in all, r its rate and R the rate of all:

    R₁ − R₀ = Σ (p₁ − p₀) · ((r₀ + r₁)/2 − (R₀ + R₁)/2)  +  Σ (r₁ − r₀) · (p₀ + p₁)/2
              how the mix changed                            how the groups changed

Taking the mean rate off within the first sum changes nothing in total, because shares sum to one, and makes each
group's part readable: growing helps where the group is better than all. A group that exists in one period only has one
rate, taken for both: what it brings is mix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stewardship.reports.rules import SMALLEST_SAMPLE

OTHER = "_other"
"""What is too small to be shown alone, together."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`n` things that come to `total`: so many kept promises, or so many minutes."""

    n: int = 0
    total: float = 0.0

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.n + other.n, self.total + other.total)

    @property
    def rate(self) -> float:
        """Of at least one."""
        return self.total / self.n


NOTHING = Cell()
Cells = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one group did to the whole; both parts in the unit of the rate. A rate is None where there was nothing."""

    value: str
    n_before: int
    n_after: int
    before: float | None
    after: float | None
    mix: float
    within: float

    @property
    def total(self) -> float:
        return self.mix + self.within


@dataclass(frozen=True, slots=True)
class Decomposition:
    """`change` = `mix` + `within`, each the sum over `effects`; the largest effects come first."""

    n_before: int
    n_after: int
    before: float
    after: float
    effects: tuple[Effect, ...]

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def mix(self) -> float:
        return sum(effect.mix for effect in self.effects)

    @property
    def within(self) -> float:
        return sum(effect.within for effect in self.effects)


def decompose(before: Cells, after: Cells, smallest: int = SMALLEST_SAMPLE) -> Decomposition | None:
    """The change between two periods by the groups of one dimension; None where either is too small to show a rate."""
    whole = _sum(before), _sum(after)
    if min(whole[0].n, whole[1].n) < smallest:
        return None
    pooled = _pooled(before, after, smallest)
    effects = [_effect(value, pair, whole) for value, pair in pooled.items()]
    effects.sort(key=lambda effect: (-abs(effect.total), effect.value))
    return Decomposition(whole[0].n, whole[1].n, whole[0].rate, whole[1].rate, tuple(effects))


Pair = tuple[Cell, Cell]


def _pooled(before: Cells, after: Cells, smallest: int) -> dict[str, Pair]:
    """Small groups together; while these are too few themselves, the smallest of the others joins them.

    Otherwise the one small group could be told by taking the others off the whole.
    """
    pairs = {value: (before.get(value, NOTHING), after.get(value, NOTHING)) for value in {*before, *after}}
    pairs = {value: pair for value, pair in pairs.items() if pair[0].n or pair[1].n}
    small = [value for value, pair in pairs.items() if value == OTHER or _hidden(pair, smallest)]
    rest = sorted((value for value in pairs if value not in small), key=lambda value: sum(c.n for c in pairs[value]))
    other = _together([pairs[value] for value in small])
    while small and rest and _hidden(other, smallest):
        small.append(rest.pop(0))
        other = _together([pairs[value] for value in small])
    return {value: pairs[value] for value in rest} | ({OTHER: other} if small else {})


def _hidden(pair: Pair, smallest: int) -> bool:
    """A period without anything hides nobody; a period with a few would."""
    return any(0 < cell.n < smallest for cell in pair) or max(cell.n for cell in pair) < smallest


def _together(pairs: list[Pair]) -> Pair:
    return sum((b for b, _ in pairs), NOTHING), sum((a for _, a in pairs), NOTHING)


def _sum(cells: Cells) -> Cell:
    return sum(cells.values(), NOTHING)


def _effect(value: str, pair: Pair, whole: Pair) -> Effect:
    old, new = pair
    r0, r1 = (old.rate if old.n else new.rate), (new.rate if new.n else old.rate)
    p0, p1 = old.n / whole[0].n, new.n / whole[1].n
    centre = (whole[0].rate + whole[1].rate) / 2
    return Effect(
        value=value,
        n_before=old.n,
        n_after=new.n,
        before=old.rate if old.n else None,
        after=new.rate if new.n else None,
        mix=(p1 - p0) * ((r0 + r1) / 2 - centre),
        within=(r1 - r0) * (p0 + p1) / 2,
    )
