"""The measures that only a tear sheet tells, on a case that can be reckoned by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics.catalogue import suite
from tidebook.analytics.conventions import Conventions
from tidebook.analytics.figures import Reason, Undefined, value_of
from tidebook.analytics.outcomes import BOOTSTRAPPED, outcomes
from tidebook.analytics.sampling import DatedReturns
from tidebook.analytics.traits import TRAITS, lag_correlation, longest_run, traits
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.figures import Figure

# Wins of 10 %, 20 % and 25 %, losses of 20 % twice, and a day that rested; 1 becomes 1.056.
RETURNS = np.array([0.1, 0.2, -0.2, -0.2, 0.0, 0.25])
YEARLY = Conventions(periods_per_year=2, confidence=0.8, years=3.0)


def _told(returns: np.ndarray, conventions: Conventions = YEARLY) -> dict[str, Figure]:
    return dict(traits(returns, suite(returns, None, conventions), conventions))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("longest_wins", 2.0),
        ("longest_losses", 2.0),
        ("time_in_market", 5 / 6),
        ("annual_return_in_market", (1.056 ** (1 / 3) - 1) * 6 / 5),
        # The deepest fall is from 1.32 to 0.8448, that is 36 %.
        ("recovery_factor", 0.056 / 0.36),
        # Sorted: -.2 -.2 0 .1 .2 .25; the quantile at 0.8 is at place 4, that at 0.2 at place 1.
        ("tail_ratio", 0.2 / 0.2),
        # At 0.99 the place is 4.95, so 0.2 + 0.95 x 0.05; the mean win is 0.55 / 3.
        ("outlier_win_ratio", 0.2475 / (0.55 / 3)),
        ("outlier_loss_ratio", 1.0),
        # 0.55 was won and 0.4 lost.
        ("common_sense_ratio", 0.55 / 0.4),
        ("cpc_index", 0.55 / 0.4 * 3 / 5 * (0.55 / 3 / 0.2)),
    ],
)
def test_a_trait_is_what_its_formula_says(name: str, expected: float) -> None:
    assert _told(RETURNS)[name] == pytest.approx(expected, rel=1e-12)


def test_serenity_is_the_return_over_both_depths() -> None:
    """Depths 0 0 .2 .36 .36 .2; the worst fifth of six is 1.2 of them, each 0.36 deep."""
    ulcer = math.sqrt((0.2**2 + 0.36**2 + 0.36**2 + 0.2**2) / 6)
    mean = 0.15 / 6
    deviation = math.sqrt(sum((each - mean) ** 2 for each in RETURNS.tolist()) / 5)
    expected = (1.056 ** (1 / 3) - 1) / (ulcer * 0.36 / (deviation * math.sqrt(2)))
    assert _told(RETURNS)["serenity_index"] == pytest.approx(expected, rel=1e-12)


def test_ruin_comes_to_half_where_wealth_drifts_up() -> None:
    """Logs 0.3 and -0.1 in turn: mean 0.1, and over n - 1 of four a variance of 0.16 / 3."""
    returns = np.expm1(np.array([0.3, -0.1, 0.3, -0.1]))
    assert _told(returns)["risk_of_ruin"] == pytest.approx(0.5 ** (2 * 0.1 / (0.16 / 3)))
    assert _told(np.array([0.1, -0.2, 0.05]))["risk_of_ruin"] == 1.0
    assert _told(np.array([0.1, -1.0, 0.05]))["risk_of_ruin"] == 1.0


def test_returns_that_go_on_scatter_more_over_a_year() -> None:
    """Before 1 2 2, after 2 2 1 (in hundredths): correlation -1/2; k 3 leaves lags of 1 and 2."""
    returns = np.array([0.01, 0.02, 0.02, 0.01])
    assert lag_correlation(returns) == pytest.approx(-0.5)
    root = math.sqrt(1 + 2 * (2 / 3 * -0.5 + 1 / 3 * 0.25))
    found = _told(returns, Conventions(periods_per_year=3))
    # The mean is 0.015, the deviation over three 0.01 / √3.
    sharpe = 0.015 / (0.01 / math.sqrt(3)) * math.sqrt(3)
    assert found["sharpe_autocorrelated"] == pytest.approx(sharpe / root)


def test_returns_that_turn_back_each_time_scatter_nothing_over_a_year() -> None:
    """A correlation of -1 over a year of two periods leaves 1 + 2 x (1/2 x -1) = 0."""
    found = _told(np.array([0.1, -0.05, 0.1, -0.05, 0.1]))
    assert found["lag_correlation"] == pytest.approx(-1.0)
    assert found["sharpe_autocorrelated"] == Undefined(Reason.ZERO_VARIANCE)
    assert found["sortino_autocorrelated"] == Undefined(Reason.ZERO_VARIANCE)


def test_half_of_sortino_is_told_over_the_root_of_two() -> None:
    """The mean is 0.025, the shortfall √(0.08 / 6) a period."""
    sortino = 0.025 / math.sqrt(0.08 / 6) * math.sqrt(2)
    assert _told(RETURNS)["sortino_adjusted"] == pytest.approx(sortino / math.sqrt(2))


@pytest.mark.parametrize(
    ("returns", "name", "reason"),
    [
        ([0.1, 0.2, 0.1], "recovery_factor", Reason.NO_DOWNSIDE),
        ([0.1, 0.2, 0.1], "tail_ratio", Reason.NO_DOWNSIDE),
        ([0.1, 0.2, 0.1], "outlier_loss_ratio", Reason.NO_DOWNSIDE),
        ([-0.1, -0.2, -0.1], "outlier_win_ratio", Reason.NO_ODDS),
        ([0.0, 0.0, 0.0], "annual_return_in_market", Reason.NO_CAPITAL),
        ([0.1, 0.2], "lag_correlation", Reason.TOO_FEW_RETURNS),
        ([0.1, 0.1, 0.1], "lag_correlation", Reason.ZERO_VARIANCE),
        ([0.1, 0.1, 0.1], "risk_of_ruin", Reason.ZERO_VARIANCE),
        ([], "longest_wins", Reason.TOO_FEW_RETURNS),
    ],
)
def test_what_is_undefined_says_why(returns: list[float], name: str, reason: Reason) -> None:
    assert _told(np.array(returns))[name] == Undefined(reason)


def test_nothing_that_happened_runs_for_no_time() -> None:
    assert longest_run(np.array([False, False])) == 0
    assert longest_run(np.zeros(0, bool)) == 0


def test_every_trait_is_told_and_no_other() -> None:
    assert list(_told(RETURNS)) == [trait.id for trait in TRAITS]


def test_a_return_that_is_no_number_is_refused() -> None:
    with pytest.raises(UnusableSeriesError):
        traits(np.array([0.1, math.nan]), suite(RETURNS), YEARLY)


def test_falls_are_told_together_and_intervals_only_of_chance() -> None:
    """From 1.32 on the fourth day it fell until the end; from 1.1 on the first it never did."""
    days = np.arange("2024-01-01", "2024-01-07", dtype="datetime64[D]")
    found = outcomes(DatedReturns(days, RETURNS), conventions=YEARLY)
    assert found.own.falls == (1, pytest.approx(0.36), 4.0, 4.0)
    assert found.intervals == {}
    rng = np.random.default_rng(7)
    drawn = outcomes(DatedReturns(days, RETURNS), conventions=YEARLY, rng=rng).intervals
    assert list(drawn) == list(BOOTSTRAPPED)
    sharpe = drawn["sharpe_arithmetic"]
    low, high = value_of(sharpe.low), value_of(sharpe.high)
    assert low is not None
    assert high is not None
    assert low < float(RETURNS.mean() / RETURNS.std(ddof=1) * math.sqrt(2)) < high
