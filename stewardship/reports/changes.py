"""Why did it change: a unit's figure in two periods, decomposed by unit, kind and channel, and said in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.reports import figures
from stewardship.reports.bins import EDGES, width
from stewardship.reports.decomposition import OTHER, Cell, Decomposition, Effect, decompose
from stewardship.reports.definitions import name_of
from stewardship.reports.figures import Counted
from stewardship.reports.names import CHANNELS, KINDS, named
from stewardship.reports.rules import Figure, Period
from stewardship.reports.service import units_in_scope
from stewardship.reports.tally_figures import tallied

METHOD = (
    "结构与自身变化分解（Kitagawa,《美国统计学会会刊》第50卷，1955年；Oaxaca 1973、Blinder 1973 的对称形式）："
    "变化 = Σ占比变化×（该组两期均值−总体两期均值）+ Σ该组变化×两期平均占比，没有余项。样本少于 5 件的组并入“其他”。"
)
CONTRIBUTORS = 3
SMALLEST_EFFECT = 0.0005
"""Of a share: what would be shown as 0.0 percentage points is not named."""


class Metric(StrEnum):
    """What can be decomposed exactly. A median cannot: the share in time and the mean say in its place what changed."""

    ANSWERED_IN_TIME = "answered_in_time"
    ANSWERED_IN_TIME_ADJUSTED = "answered_in_time_adjusted"
    FIRST_RESPONSE_IN_TIME = "first_response_in_time"
    FIRST_RESPONSE_MEAN = "first_response_mean"
    """Duty minutes, by the middle of each bin of the histogram."""
    FULL_ANSWER_MEAN = "full_answer_mean"
    SATISFACTION = "satisfaction"
    """By unit only: a rating belongs to no question."""


MEANS = frozenset({Metric.FIRST_RESPONSE_MEAN, Metric.FULL_ANSWER_MEAN})
NAMES = {Metric.FIRST_RESPONSE_MEAN: "首次答复平均时长", Metric.FULL_ANSWER_MEAN: "完整答复平均时长"}


class Dimension(StrEnum):
    """By what it is split."""

    UNIT = "unit"
    KIND = "kind"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class By:
    """The change by one dimension. `names`: of each value."""

    dimension: Dimension
    decomposition: Decomposition
    names: dict[str, str]
    sentence: str


@dataclass(frozen=True, slots=True)
class Change:
    """A figure in two periods; `by` is empty where either sample is too small, and `sentence` says so."""

    unit_id: UUID
    unit_name: str
    metric: Metric
    name: str
    before: Period
    after: Period
    n_before: int
    n_after: int
    sentence: str
    by: list[By]


@atomic()
async def why_changed(actor: Actor, unit_id: UUID, metric: Metric, before: Period, after: Period) -> Change:
    """Decompose the change of a figure of a unit with everything under it. Raises NotFound for a unit out of scope."""
    await units_in_scope(actor, unit_id)
    await audit.record("report.viewed", actor, ("unit", unit_id), unit_id=unit_id)
    return await change_of(unit_id, metric, before, after)


async def change_of(unit_id: UUID, metric: Metric, before: Period, after: Period) -> Change:
    """The same for whoever has checked that it may be seen."""
    names = await _names(unit_id)
    old, new = await _cells(unit_id, metric, before, names), await _cells(unit_id, metric, after, names)
    by = []
    for dimension in old:
        found = decompose(old[dimension], new[dimension])
        if found is not None:
            labels = {effect.value: _label(dimension, effect.value, names) for effect in found.effects}
            by.append(By(dimension, found, labels, contributors(metric, found, labels)))
    n0, n1 = (sum(cell.n for cell in cells[Dimension.UNIT].values()) for cells in (old, new))
    name = NAMES.get(metric) or name_of(metric.value)
    sentence = headline(metric, name, by[0].decomposition) if by else f"{name}：样本不足，不作比较（{n0}→{n1} 件）。"
    return Change(unit_id, names[str(unit_id)], metric, name, before, after, n0, n1, sentence, by)


# --- cells ------------------------------------------------------------------------------------------------------------

ByDimension = dict[Dimension, dict[str, Cell]]


async def _cells(unit_id: UUID, metric: Metric, period: Period, units: dict[str, str]) -> ByDimension:
    below = [UUID(value) for value in units if value != str(unit_id)]
    if metric is Metric.SATISFACTION:
        return {Dimension.UNIT: await _ratings(unit_id, below, period)}
    groups = await figures.by_dimensions([unit_id], ["all", "kind", "channel"], period)
    parts = await figures.by_dimensions(below, ["all"], period) if below else {}
    late = await figures.overdue_facts(await figures.units_under(unit_id), period, clock.now())
    lines = {r["unit_id"]: str(r["above_id"]) for r in await database.fetch(_CHILD, below)}
    whole = _measured(metric, groups.get((unit_id, "all", ""), Counted()), len(late))
    overdue = Counter(lines.get(each.unit_id, "") for each in late)
    of_units = {str(u): _measured(metric, parts.get((u, "all", ""), Counted()), overdue[str(u)]) for u in below}
    return {
        Dimension.UNIT: of_units | {str(unit_id): _rest(whole, of_units.values())},
        Dimension.KIND: _by(metric, groups, late, "kind"),
        Dimension.CHANNEL: _by(metric, groups, late, "channel"),
    }


_CHILD = "select unit_id, above_id from figure_line where above_id = any($1::uuid[])"


def _by(
    metric: Metric, groups: dict[tuple[UUID, str, str], Counted], late: Sequence[figures.Overdue], dimension: str
) -> dict[str, Cell]:
    overdue = Counter(each.values[dimension] for each in late)
    found = {value: part for (_, name, value), part in groups.items() if name == dimension}
    return {value: _measured(metric, found.get(value, Counted()), overdue[value]) for value in {*found, *overdue}}


def _measured(metric: Metric, counted: Counted, overdue: int) -> Cell:
    return _MEASURES[metric](counted, overdue)


_MEASURES: dict[Metric, Callable[[Counted, int], Cell]] = {
    Metric.ANSWERED_IN_TIME: lambda c, late: Cell(c.full_count + late, c.full_in_time),
    Metric.ANSWERED_IN_TIME_ADJUSTED: lambda c, late: Cell(c.full_count + late, c.full_in_time + c.full_adjusted),
    Metric.FIRST_RESPONSE_IN_TIME: lambda c, _: Cell(c.first_count, c.first_in_time),
    Metric.FIRST_RESPONSE_MEAN: lambda c, _: mean_cell(c.first_bins),
    Metric.FULL_ANSWER_MEAN: lambda c, _: mean_cell(c.full_bins),
}


def mean_cell(bins: Sequence[int]) -> Cell:
    """So many durations and their sum in minutes, each taken at the middle of its bin; of the open one at its edge."""
    middles = (EDGES[i] + (width(i) / 2 if i + 1 < len(EDGES) else 0) for i in range(len(bins)))
    return Cell(sum(bins), sum(count * middle for count, middle in zip(bins, middles, strict=True)))


async def _ratings(unit_id: UUID, below: Sequence[UUID], period: Period) -> dict[str, Cell]:
    async def of(unit: UUID) -> Cell:
        scores = (await tallied(unit, period))[Figure.SATISFACTION].scores
        return Cell(sum(scores.values()), scores.get(1, 0) + scores.get(2, 0))

    parts = {str(unit): await of(unit) for unit in below}
    return parts | {str(unit_id): _rest(await of(unit_id), parts.values())}


def _rest(whole: Cell, parts: Iterable[Cell]) -> Cell:
    """What the unit has itself, beside the units below it."""
    for part in parts:
        whole = Cell(whole.n - part.n, whole.total - part.total)
    return whole if whole.n else Cell()


# --- in words ---------------------------------------------------------------------------------------------------------


async def _names(unit_id: UUID) -> dict[str, str]:
    """The unit and those directly below it."""
    rows = await database.fetch("select id, name from unit where id = $1 or parent_id = $1", unit_id)
    return {str(row["id"]): row["name"] for row in rows}


def _label(dimension: Dimension, value: str, units: dict[str, str]) -> str:
    if value == OTHER:
        return "其他"
    if dimension is Dimension.UNIT:
        return units.get(value, "其他单位")
    return named(KINDS if dimension is Dimension.KIND else CHANNELS, value)


def headline(metric: Metric, name: str, found: Decomposition) -> str:
    """From what to what, with both samples."""
    verb = "没有变化" if not _noticed(metric, found.change) else "上升" if found.change > 0 else "下降"
    by = f" {_size(metric, abs(found.change))}" if verb != "没有变化" else ""
    return (
        f"{name}从 {_value(metric, found.before)}（{found.n_before} 件）到 {_value(metric, found.after)}"
        f"（{found.n_after} 件），{verb}{by}。"
    )


def contributors(metric: Metric, found: Decomposition, names: dict[str, str]) -> str:
    """What did most, the largest first; never more than three."""
    parts = [part for effect in found.effects for part in _parts(effect, names[effect.value])]
    largest = sorted(parts, key=lambda part: -abs(part[1]))[:CONTRIBUTORS]
    said = [f"{words}影响 {_signed(metric, value)}（{n}）" for words, value, n in largest if _noticed(metric, value)]
    return f"主要因素：{'；'.join(said)}。" if said else "各部分没有明显变化。"


def _parts(effect: Effect, name: str) -> list[tuple[str, float, str]]:
    """Both parts of what a group did, with its samples."""
    n = f"{effect.n_before}→{effect.n_after} 件"
    return [(f"{name}自身变化", effect.within, n), (f"{name}所占比例变化", effect.mix, n)]


def _noticed(metric: Metric, value: float) -> bool:
    return abs(value) >= (0.05 if metric in MEANS else SMALLEST_EFFECT)


def _value(metric: Metric, value: float) -> str:
    return f"{value:.1f} 分钟" if metric in MEANS else f"{value:.1%}"


def _size(metric: Metric, value: float) -> str:
    return f"{value:.1f} 分钟" if metric in MEANS else f"{value * 100:.1f} 个百分点"


def _signed(metric: Metric, value: float) -> str:
    return ("+" if value > 0 else "−") + _size(metric, abs(value))
