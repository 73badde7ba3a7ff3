"""Attribution of one period and of several, and contributions."""

from __future__ import annotations

import numpy as np
import pytest

from tidebook.analytics import (
    AllocationModel,
    Linking,
    Reason,
    Segments,
    Undefined,
    brinson,
    contributions,
    geometric,
    linked_attribution,
    linked_contributions,
    linked_effects,
)
from tidebook.errors import UnusableSeriesError


def segments(w: list[float], r: list[float], v: list[float], b: list[float]) -> Segments:
    return Segments(*(np.array(column, np.float64) for column in (w, r, v, b)))


SHARES_AND_BONDS = segments([0.7, 0.3], [0.12, 0.02], [0.5, 0.5], [0.10, 0.04])


def test_two_segments_in_the_head() -> None:
    # B = 0.05 + 0.02 = 0.07, R = 0.084 + 0.006 = 0.09.
    found = brinson(SHARES_AND_BONDS)
    assert found.benchmark == pytest.approx(0.07)
    assert found.portfolio == pytest.approx(0.09)
    assert found.allocation == pytest.approx([0.2 * 0.03, -0.2 * -0.03])
    assert found.selection == pytest.approx([0.5 * 0.02, 0.5 * -0.02])
    assert found.interaction == pytest.approx([0.2 * 0.02, -0.2 * -0.02])
    assert found.active == pytest.approx(0.02)


def test_brinson_hood_and_beebower_hold_a_segment_against_nothing() -> None:
    found = brinson(SHARES_AND_BONDS, AllocationModel.BRINSON_HOOD_BEEBOWER)
    assert found.allocation == pytest.approx([0.2 * 0.10, -0.2 * 0.04])
    assert found.allocation.sum() == pytest.approx(brinson(SHARES_AND_BONDS).allocation.sum())


def test_what_the_benchmark_does_not_hold_is_allocation() -> None:
    # Coins earn 0.5 beside a benchmark of 0.1: 0.2 · (0.5 - 0.1).
    found = brinson(segments([0.8, 0.2], [0.1, 0.5], [1.0, 0.0], [0.1, 0.0]))
    assert found.allocation == pytest.approx([0.0, 0.08])
    assert not found.selection.any()
    assert not found.interaction.any()


def test_what_the_portfolio_does_not_hold_is_allocation() -> None:
    found = brinson(segments([1.0, 0.0], [0.1, 0.0], [0.5, 0.5], [0.1, 0.3]))
    assert found.allocation.sum() == pytest.approx(0.1 - 0.2)
    assert not found.selection.any()


def test_geometric_effects_compound_to_the_excess() -> None:
    found = geometric(SHARES_AND_BONDS)
    assert not isinstance(found, Undefined)
    # S = 0.07 + 0.012 = 0.082
    assert found.semi_notional == pytest.approx(0.082)
    allocation, selection = found.allocation.sum(), found.selection.sum()
    assert allocation == pytest.approx(1.082 / 1.07 - 1)
    assert selection == pytest.approx(1.09 / 1.082 - 1)
    assert (1 + allocation) * (1 + selection) - 1 == pytest.approx(found.excess)


def test_geometric_effects_need_something_left() -> None:
    ruin = segments([1.0], [0.1], [1.0], [-1.0])
    assert geometric(ruin) == Undefined(Reason.TOTAL_LOSS)


@pytest.mark.parametrize("method", Linking)
def test_linked_effects_sum_to_the_active_return_of_the_whole(method: Linking) -> None:
    second = segments([0.6, 0.4], [-0.05, 0.01], [0.5, 0.5], [-0.08, 0.02])
    periods = [brinson(SHARES_AND_BONDS), brinson(second), brinson(SHARES_AND_BONDS)]
    found = linked_attribution(periods, method)
    assert not isinstance(found, Undefined)
    # R: 1.09 · 0.974 · 1.09 and B: 1.07 · 0.97 · 1.07.
    assert found.active == pytest.approx(1.09**2 * 0.974 - 1.07**2 * 0.97)
    effects = found.allocation + found.selection + found.interaction
    assert effects.sum() == pytest.approx(found.active, abs=1e-15)


def test_wealth_tells_what_early_gains_earned_with_them() -> None:
    # 0.1 ahead at first, then nothing more while both double: ahead by 0.2 at the end.
    portfolio, benchmark = np.array([0.1, 1.0]), np.array([0.0, 1.0])
    effects = np.array([[0.1], [0.0]])
    found = linked_effects(effects, portfolio, benchmark, Linking.WEALTH)
    assert not isinstance(found, Undefined)
    assert found[:, 0] == pytest.approx([0.2, 0.0])


def test_contributions_of_two_periods_add_up_to_what_they_compound_to() -> None:
    table = np.array([[0.06, 0.04], [-0.02, 0.12]])
    for method in Linking:
        linked = linked_contributions(table, method)
        assert not isinstance(linked, Undefined)
        assert linked.sum() == pytest.approx(1.1 * 1.1 - 1, abs=1e-15)
    by_wealth = linked_contributions(table, Linking.WEALTH)
    assert not isinstance(by_wealth, Undefined)
    assert by_wealth == pytest.approx([0.06 - 0.022, 0.04 + 0.132])


def test_menchero_weighs_all_periods_alike_where_they_are_alike() -> None:
    portfolio, benchmark = np.array([0.1, 0.1]), np.array([0.05, 0.05])
    found = linked_effects((portfolio - benchmark)[:, None], portfolio, benchmark, Linking.MENCHERO)
    assert not isinstance(found, Undefined)
    assert found[:, 0] == pytest.approx([(1.21 - 1.1025) / 2] * 2)


def test_a_fund_that_is_its_benchmark_links_to_nothing() -> None:
    same = np.array([0.1, -0.05, 0.02])
    for method in Linking:
        found = linked_effects(np.zeros((3, 2)), same, same, method)
        assert not isinstance(found, Undefined)
        assert not found.any()


def test_a_period_that_lost_everything_has_no_logarithm() -> None:
    table = np.array([[0.1], [-1.0]])
    assert linked_contributions(table) == Undefined(Reason.TOTAL_LOSS)
    by_wealth = linked_contributions(table, Linking.WEALTH)
    assert not isinstance(by_wealth, Undefined)
    assert by_wealth == pytest.approx([-1.0])


def test_a_ruined_period_links_no_attribution_but_by_wealth() -> None:
    ruin = brinson(segments([1.0], [-1.0], [1.0], [0.1]))
    assert linked_attribution([ruin, ruin]) == Undefined(Reason.TOTAL_LOSS)
    found = linked_attribution([ruin, ruin], Linking.WEALTH)
    assert not isinstance(found, Undefined)
    assert found.active == pytest.approx(-1.0 - 0.21)


def test_nothing_links_to_nothing() -> None:
    nothing = linked_effects(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    assert not isinstance(nothing, Undefined)
    assert nothing.shape == (0, 2)


def test_no_period_has_no_attribution() -> None:
    assert linked_attribution([]) == Undefined(Reason.NO_DATA)
    assert contributions(np.array([1.0]), 0.0) == Undefined(Reason.NO_VALUE)


def test_what_is_not_whole_is_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="do not sum to 1"):
        segments([0.5, 0.4], [0.1, 0.1], [0.5, 0.5], [0.1, 0.1])
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        segments([1.0], [0.1, 0.1], [1.0], [0.1])
    with pytest.raises(UnusableSeriesError, match="not a finite"):
        segments([1.0], [float("nan")], [1.0], [0.1])
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        linked_effects(np.array([[0.5]]), np.array([0.1]), np.array([0.0, 0.0]))
    with pytest.raises(UnusableSeriesError, match="do not sum to the difference"):
        linked_effects(np.array([[0.5]]), np.array([0.1]), np.array([0.0]))
    with pytest.raises(UnusableSeriesError, match="number of segments"):
        linked_attribution([brinson(SHARES_AND_BONDS), brinson(segments([1], [0], [1], [0]))])
