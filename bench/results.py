"""What a measurement gives, how it is printed and where it is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure beside its baseline of the same run; `ratio` is ours to theirs, `goal` bounds it or `value`."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    goal: str
    met: bool


def at_least(name: str, value: float, unit: str, baseline: float, goal: float) -> Result:
    """More is better: the ratio must reach the goal."""
    ratio = value / baseline
    return Result(name, round(value, 1), unit, round(baseline, 1), round(ratio, 3), f"ratio >= {goal}", ratio >= goal)


def at_most(name: str, value: float, unit: str, baseline: float, goal: float) -> Result:
    """Less is better: the ratio must stay within the goal."""
    ratio = value / baseline
    return Result(name, round(value, 3), unit, round(baseline, 3), round(ratio, 3), f"ratio <= {goal}", ratio <= goal)


def bounded(name: str, value: float, unit: str, goal: float) -> Result:
    """An absolute bound without a baseline."""
    return Result(name, round(value, 1), unit, None, None, f"value <= {goal:g}", value <= goal)


def show(results: Sequence[Result]) -> None:
    """Print the table."""
    head = ("name", "value", "unit", "baseline", "ratio", "goal", "met")
    rows = [head, *(tuple("" if v is None else str(v) for v in asdict(r).values()) for r in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def write(results: Sequence[Result]) -> None:
    """Write the list; results of names that were not measured now are kept."""
    kept: list[dict[str, object]] = []
    if RESULTS.exists():
        measured = {r.name for r in results}
        kept = [row for row in json.loads(RESULTS.read_text()) if row["name"] not in measured]
    RESULTS.write_text(json.dumps([*kept, *(asdict(r) for r in results)], indent=1) + "\n")
