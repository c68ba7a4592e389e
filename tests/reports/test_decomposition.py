"""Why a rate changed: the parts sum to the change, whatever the groups, and small groups stay hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stewardship.reports.changes import Metric, contributors, headline, mean_cell
from stewardship.reports.decomposition import OTHER, Cell, Cells, decompose

values = st.sampled_from(["a", "b", "c", "d", "e", ""])


@st.composite
def rates(draw: st.DrawFn) -> Cell:
    n = draw(st.integers(0, 400))
    return Cell(n, draw(st.integers(0, n)))


minutes = st.integers(0, 400).flatmap(lambda n: st.builds(Cell, st.just(n), st.floats(0, 7200).map(lambda m: n * m)))
cells = st.dictionaries(values, rates()) | st.dictionaries(values, minutes)


@given(cells, cells)
def test_mix_and_within_sum_exactly_to_the_change(before: Cells, after: Cells) -> None:
    found = decompose(before, after)
    n = [sum(cell.n for cell in each.values()) for each in (before, after)]
    if found is None:
        assert min(n) < 5
        return
    assert (found.n_before, found.n_after) == tuple(n)
    scale = max(abs(found.before), abs(found.after), 1)
    assert found.mix + found.within == pytest.approx(found.change, abs=1e-9 * scale)
    assert sum(effect.n_before for effect in found.effects) == n[0]
    assert sum(effect.n_after for effect in found.effects) == n[1]


@given(cells, cells)
def test_no_group_of_a_few_is_shown_nor_can_be_found_by_subtraction(before: Cells, after: Cells) -> None:
    found = decompose(before, after)
    if found is None:
        return
    for effect in found.effects:
        alone = len(found.effects) == 1
        assert alone or not (0 < effect.n_before < 5 or 0 < effect.n_after < 5)


@given(cells)
def test_nothing_changed_has_no_effects(same: Cells) -> None:
    found = decompose(same, same)
    assert found is None or all(abs(effect.total) < 1e-9 for effect in found.effects)


def test_the_rates_alone_changing_is_within_and_the_shares_alone_changing_is_mix() -> None:
    within = decompose({"a": Cell(50, 50), "b": Cell(50, 25)}, {"a": Cell(50, 40), "b": Cell(50, 25)})
    assert within is not None
    assert [within.mix, within.within] == pytest.approx([0, -0.1])
    mix = decompose({"a": Cell(50, 50), "b": Cell(50, 25)}, {"a": Cell(25, 25), "b": Cell(75, 37.5)})
    assert mix is not None
    assert [mix.mix, mix.within] == pytest.approx([-0.125, 0])


def test_kitagawas_symmetric_weights_on_an_example_by_hand() -> None:
    """p: .4→.5 and .6→.5; r: .5→.6 and .8→.7; R: .68→.65. Within: .1·.45 − .1·.55; mix: the rest."""
    found = decompose({"a": Cell(40, 20), "b": Cell(60, 48)}, {"a": Cell(50, 30), "b": Cell(50, 35)})
    assert found is not None
    effects = {effect.value: effect for effect in found.effects}
    assert effects["a"].within == pytest.approx(0.045)
    assert effects["b"].within == pytest.approx(-0.055)
    assert found.mix == pytest.approx(0.1 * 0.55 - 0.1 * 0.75)


def test_small_groups_are_shown_together() -> None:
    before = {"a": Cell(50, 40), "b": Cell(3, 1), "c": Cell(4, 2)}
    after = {"a": Cell(60, 40), "b": Cell(30, 20), "c": Cell(2, 2)}
    found = decompose(before, after)
    assert found is not None
    assert {effect.value: (effect.n_before, effect.n_after) for effect in found.effects} == {
        "a": (50, 60),
        OTHER: (7, 32),
    }


def test_the_mean_of_a_histogram_lies_within_its_bins() -> None:
    bins = [0] * 47
    bins[10] = 4
    cell = mean_cell(bins)
    assert (cell.n, cell.rate) == (4, 11.0)
    assert mean_cell([]) == Cell(0, 0)


def test_the_sentence_names_the_samples_and_what_did_most() -> None:
    found = decompose({"a": Cell(50, 50), "b": Cell(50, 25)}, {"a": Cell(50, 40), "b": Cell(50, 25)})
    assert found is not None
    metric = Metric.ANSWERED_IN_TIME
    assert (
        headline(metric, "有问必答率", found) == "有问必答率从 75.0%（100 件）到 65.0%（100 件），下降 10.0 个百分点。"
    )
    said = contributors(metric, found, {"a": "治安案件", "b": "刑事案件"})
    assert said == "主要因素：治安案件自身变化影响 −10.0 个百分点（50→50 件）。"
