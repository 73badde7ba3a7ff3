"""The catalogue of measures, and the suite of all of them."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import (
    MEASURES,
    Conventions,
    Direction,
    Reason,
    ReturnKind,
    Undefined,
    measure_of,
    suite,
    suites,
)
from tidebook.errors import UnknownMeasureError, UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tidebook.analytics import Figure

    Floats = NDArray[np.float64]

RNG = np.random.default_rng(20240229)
RETURNS = RNG.standard_normal(600) * 0.01 + 0.0004
INDEX = 0.6 * RETURNS + RNG.standard_normal(600) * 0.006
YEARLY = Conventions(risk_free_annual=0.02, target_annual=0.03, confidence=0.97)
FREE = 1.02 ** (1 / 252) - 1
TARGET = 1.03 ** (1 / 252) - 1
ROOT = math.sqrt(252)
NORMAL = NormalDist()


def test_every_measure_has_an_id_of_its_own() -> None:
    assert len({measure.id for measure in MEASURES}) == len(MEASURES)
    assert measure_of("sortino").direction is Direction.HIGHER


def test_a_measure_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownMeasureError, match="no measure 'luck'") as refused:
        measure_of("luck")
    assert "volatility" in refused.value.hint


def test_a_suite_without_a_benchmark_tells_what_needs_none() -> None:
    alone, beside = suite(RETURNS), suite(RETURNS, INDEX)
    assert set(beside.figures) - set(alone.figures) == {
        measure.id for measure in MEASURES if measure.needs_benchmark
    }
    assert alone.figures.items() <= beside.figures.items()
    assert alone.n == 600


def _shape(returns: Floats, power: int) -> float:
    moves = returns - returns.mean()
    return float((moves**power).mean() / (moves**2).mean() ** (power / 2))


def _worst(values: Floats, tail: float) -> float:
    """Return the mean loss of exactly a tail's mass, the last value in part."""
    mass = tail * values.size
    whole = math.floor(mass + 1e-9)
    rising = np.sort(values)
    return -float(rising[:whole].sum() + (mass - whole) * rising[whole]) / mass


def _bent(returns: Floats) -> float:
    skew, excess, z = _shape(returns, 3), _shape(returns, 4) - 3, NORMAL.inv_cdf(0.03)
    bent = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess / 24
    bent -= (2 * z**3 - 5 * z) * skew**2 / 36
    return -float(returns.mean() + bent * returns.std(ddof=1))


def _gain(returns: Floats, target: float = TARGET) -> float:
    return float(np.maximum(returns - target, 0).mean())


def _under(returns: Floats) -> Floats:
    wealth = np.cumprod(np.concatenate([[1.0], 1 + returns]))
    return (wealth / np.maximum.accumulate(wealth) - 1)[1:]


ALONE: dict[str, Callable[[Floats], Figure]] = {
    "cumulative_return": lambda r: float(np.prod(1 + r)) - 1,
    "annual_return": lambda r: float(np.prod(1 + r)) ** (252 / r.size) - 1,
    "volatility": lambda r: float(r.std(ddof=1)) * ROOT,
    "semi_deviation": lambda r: (
        math.sqrt(np.square(np.minimum(r - r.mean(), 0)).sum() / (r.size - 1)) * ROOT
    ),
    "downside_deviation": lambda r: math.sqrt(np.square(np.minimum(r - TARGET, 0)).mean()) * ROOT,
    "mean_absolute_deviation": lambda r: float(np.abs(r - r.mean()).mean()),
    "skewness": lambda r: _shape(r, 3),
    "excess_kurtosis": lambda r: _shape(r, 4) - 3,
    "sharpe_arithmetic": lambda r: float((r.mean() - FREE) / r.std(ddof=1)) * ROOT,
    "sortino": lambda r: (
        float(r.mean() - TARGET) / math.sqrt(np.square(np.minimum(r - TARGET, 0)).mean()) * ROOT
    ),
    "omega": lambda r: _gain(r) / _gain(-r, -TARGET),
    "omega_sharpe": lambda r: float(r.mean() - TARGET) / _gain(-r, -TARGET),
    "variability_skewness": lambda r: math.sqrt(
        np.square(np.maximum(r - TARGET, 0)).sum() / np.square(np.minimum(r - TARGET, 0)).sum()
    ),
    "downside_frequency": lambda r: float((r < TARGET).mean()),
    "upside_potential": _gain,
    "downside_potential": lambda r: _gain(-r, -TARGET),
    "upside_deviation": lambda r: math.sqrt(np.square(np.maximum(r - TARGET, 0)).mean()) * ROOT,
    "win_rate": lambda r: float((r > 0).sum() / (r != 0).sum()),
    "profit_factor": lambda r: float(r[r > 0].sum() / -r[r < 0].sum()),
    "kelly_fraction_fixed_odds": lambda r: (
        (r > 0).mean() - (r < 0).mean() * -r[r < 0].mean() / r[r > 0].mean()
    ),
    "pain_index": lambda r: -float(_under(r).mean()),
    "ulcer_index": lambda r: math.sqrt(np.square(_under(r)).mean()),
    "max_drawdown": lambda r: -float(_under(r).min()),
    "conditional_drawdown": lambda r: _worst(_under(r), 0.03),
    "var_historical": lambda r: -float(np.quantile(r, 1 - 0.97)),
    "var_lower_quantile": lambda r: float(np.sort(-r)[math.ceil(0.97 * r.size - 1e-9) - 1]),
    "var_gaussian": lambda r: -float(r.mean() + NORMAL.inv_cdf(0.03) * r.std(ddof=1)),
    "var_cornish_fisher": _bent,
    "expected_shortfall": lambda r: _worst(r, 0.03),
    "expected_shortfall_gaussian": lambda r: (
        -float(r.mean() - r.std(ddof=1) * NORMAL.pdf(NORMAL.inv_cdf(0.03)) / 0.03)
    ),
}


def _slope(r: Floats, b: Floats) -> float:
    return float(np.cov(r, b)[0, 1] / b.var(ddof=1))


def _captured(r: Floats, b: Floats, chosen: NDArray[np.bool_]) -> float:
    own, other = (float(np.log1p(side[chosen]).mean()) for side in (r, b))
    return math.expm1(own) / math.expm1(other)


BESIDE: dict[str, Callable[[Floats, Floats], Figure]] = {
    "beta": _slope,
    "correlation": lambda r, b: float(np.corrcoef(r, b)[0, 1]),
    "tracking_error": lambda r, b: float((r - b).std(ddof=1)) * ROOT,
    "information_ratio": lambda r, b: float((r - b).mean() / (r - b).std(ddof=1)) * ROOT,
    "m_squared": lambda r, b: (
        0.02
        + (float(np.prod(1 + r)) ** (252 / r.size) - 1.02) * float(b.std(ddof=1) / r.std(ddof=1))
    ),
    "up_capture": lambda r, b: _captured(r, b, b > 0),
    "down_capture": lambda r, b: _captured(r, b, b < 0),
}


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("size", [600, 300, 252])
def test_a_suite_tells_what_the_measure_of_an_array_tells(name: str, size: int) -> None:
    found = suite(RETURNS[:size], conventions=YEARLY).figures[name]
    assert found == pytest.approx(ALONE[name](RETURNS[:size]), rel=1e-11, abs=1e-15)


@pytest.mark.parametrize("name", BESIDE)
def test_a_suite_beside_a_benchmark_tells_what_the_measure_of_two_arrays_tells(name: str) -> None:
    found = suite(RETURNS, INDEX, YEARLY).figures[name]
    assert found == pytest.approx(BESIDE[name](RETURNS, INDEX), rel=1e-11, abs=1e-15)


def test_jensens_alpha_counts_the_rate_without_risk() -> None:
    found = suite(RETURNS, INDEX, YEARLY).figures
    slope = _slope(RETURNS, INDEX)
    per_period = float(RETURNS.mean() - FREE - slope * (INDEX.mean() - FREE))
    assert found["alpha_annual"] == pytest.approx(per_period * 252, rel=1e-10)
    assert found["alpha_annual_geometric"] == pytest.approx((1 + per_period) ** 252 - 1, rel=1e-10)


def test_four_months_in_the_head() -> None:
    # +10 %, -20 %, +5 %, +5 %: wealth 1.1, 0.88, 0.924, 0.9702.
    found = suite(np.array([0.1, -0.2, 0.05, 0.05]), conventions=Conventions(12)).figures
    told = {
        "cumulative_return": -0.0298,
        "mean_return": 0.0,
        "max_drawdown": 0.2,
        "drawdown_now": 0.118,
        "longest_underwater": 3.0,
        "pain_index": (0.2 + 0.16 + 0.118) / 4,
        "win_rate": 0.75,
        "profit_factor": 1.0,
        "payoff_ratio": (0.2 / 3) / 0.2,
        "gain_to_pain": 0.0,
        "omega": 1.0,
        "best_return": 0.1,
        "worst_return": -0.2,
        "downside_frequency": 0.25,
        "upside_potential_ratio": 0.05 / 0.1,
        "volatility": math.sqrt(0.055 / 3 * 12),
        "expected_shortfall": 0.2,
        "tail_observations": 1.0,
        "starr": 0.0,
    }
    assert {name: found[name] for name in told} == pytest.approx(told, abs=1e-12)
    assert found["annual_return"] == Undefined(Reason.UNDER_ONE_YEAR)
    assert found["calmar"] == Undefined(Reason.UNDER_ONE_YEAR)


def test_a_year_by_the_calendar_may_have_any_number_of_returns() -> None:
    doubled = np.full(365, 2 ** (1 / 365) - 1)
    by_calendar = suite(doubled, conventions=Conventions(252, years=1.0)).figures
    by_count = suite(doubled, conventions=Conventions(252)).figures
    assert by_calendar["annual_return"] == pytest.approx(1.0, abs=1e-12)
    assert by_count["annual_return"] == pytest.approx(0.6137431357891531, abs=1e-12)


def test_the_probable_sharpe_ratio_of_normal_returns() -> None:
    # Bailey and López de Prado (2012): without skew and fat tails the ratio of n returns
    # scatters by √((1 + S² / 2) / (n - 1)).
    pairs = np.tile([-1.0, 1.0], 200) * 0.01 + 0.001
    ratio = pairs.mean() / pairs.std(ddof=1)
    # Two values of equal weight have a kurtosis of 1, so that the squared term is zero.
    expected = 0.5 * (1 + math.erf(ratio * math.sqrt(399) / math.sqrt(2)))
    assert suite(pairs).figures["probabilistic_sharpe"] == pytest.approx(expected, abs=1e-9)


def test_what_does_not_vary_has_no_ratio() -> None:
    found = suite(np.full(300, 0.001), np.full(300, 0.001)).figures
    for name in ("sharpe_arithmetic", "skewness", "beta", "information_ratio", "correlation"):
        assert found[name] == Undefined(Reason.ZERO_VARIANCE), name
    for name in ("sortino", "omega", "calmar", "profit_factor"):
        assert found[name] == Undefined(Reason.NO_DOWNSIDE), name
    assert found["volatility"] == 0.0
    assert found["max_drawdown"] == 0.0


def test_one_return_does_not_scatter() -> None:
    found = suite(np.array([0.01]), np.array([0.02])).figures
    few = Undefined(Reason.TOO_FEW_RETURNS)
    for name in ("volatility", "sharpe_arithmetic", "skewness", "beta", "tracking_error"):
        assert found[name] == few, name
    assert found["expected_shortfall"] == -0.01


def test_no_return_has_no_figure() -> None:
    found = suite(np.zeros(0))
    assert found.n == 0
    assert set(found.figures.values()) == {Undefined(Reason.TOO_FEW_RETURNS)}


def test_more_than_everything_lost_has_no_drawdown_and_no_rate() -> None:
    found = suite(np.array([0.1, -1.3, 0.2] * 100)).figures
    for name in ("max_drawdown", "cumulative_return", "annual_return", "ulcer_index"):
        assert found[name] == Undefined(Reason.BELOW_TOTAL_LOSS), name
    assert isinstance(found["volatility"], float)


def test_under_one_year_no_ratio_of_an_annual_return_is_told() -> None:
    found = suite(RETURNS[:100], INDEX[:100]).figures
    for name in ("sharpe_geometric", "m_squared", "information_ratio_geometric", "martin_ratio"):
        assert found[name] == Undefined(Reason.UNDER_ONE_YEAR), name


def test_below_two_pairs_no_measure_of_pairs_is_told() -> None:
    found = suite(np.array([0.01]), np.array([0.02]), Conventions(1)).figures
    few = Undefined(Reason.TOO_FEW_RETURNS)
    names = "alpha_annual treynor r_squared specific_risk m_squared information_ratio"
    for name in f"{names} information_ratio_geometric sharpe_geometric semi_deviation".split():
        assert found[name] == few, name
    assert found["down_capture"] == few
    assert found["capture_ratio"] == few


def test_returns_that_rest_beside_a_benchmark_that_moves() -> None:
    found = suite(np.full(300, 0.001), INDEX[:300]).figures
    still = Undefined(Reason.ZERO_VARIANCE)
    for name in ("correlation", "m_squared", "specific_risk", "sharpe_geometric"):
        assert found[name] == still, name
    assert found["beta"] == pytest.approx(0.0, abs=1e-15)


def test_more_lost_than_there_was_has_no_capture_and_no_alpha_of_a_year() -> None:
    ruin, index = np.array([0.1, -1.4, 0.2] * 100), np.array([0.01, -0.02, 0.03] * 100)
    found = suite(ruin, index).figures
    below = Undefined(Reason.BELOW_TOTAL_LOSS)
    assert found["down_capture"] == below
    assert found["capture_ratio"] == below
    assert found["information_ratio_geometric"] == below
    assert suite(index, ruin).figures["information_ratio_geometric"] == below
    steep = suite(np.array([-3.0, -3.1, -3.2]), np.array([0.01, -0.01, 0.02])).figures
    assert steep["alpha_annual_geometric"] == below


def test_what_no_number_can_hold_is_refused_and_never_infinite() -> None:
    with pytest.raises(UnusableSeriesError, match="more than a number"):
        suite(np.full(200, 99.0))
    with pytest.raises(UnusableSeriesError, match="more than a number"):
        suite(np.zeros(400), np.tile([99.0, -0.999], 200))
    with pytest.raises(UnusableSeriesError, match="too large"):
        suite(np.array([1e100, 0.0]))
    steep = suite(np.array([30.0, 31.0, 32.0]), np.array([0.01, -0.01, 0.02])).figures
    assert steep["alpha_annual_geometric"] == Undefined(Reason.TOO_LARGE)


def test_a_market_that_only_rises_has_no_capture_of_falls() -> None:
    found = suite(RETURNS[:50], np.abs(INDEX[:50]) + 0.001).figures
    assert found["down_capture"] == Undefined(Reason.TOO_FEW_RETURNS)
    assert isinstance(found["up_capture"], float)


def test_three_returns_have_no_kurtosis_of_the_sample() -> None:
    two, three = suite(np.array([0.01, 0.02])).figures, suite(np.array([0.01, 0.02, 0.0])).figures
    few = Undefined(Reason.TOO_FEW_RETURNS)
    for name in ("sample_skewness", "skewness_bacon", "sample_excess_kurtosis", "kurtosis_bacon"):
        assert two[name] == few, name
    assert three["sample_excess_kurtosis"] == three["kurtosis_bacon"] == few
    assert isinstance(three["sample_skewness"], float)


def test_many_series_of_which_one_lost_everything_keep_their_own_benchmarks() -> None:
    table = np.array([[0.01, -1.0, 0.02], [0.01, 0.02, -0.01]])
    other = np.array([[0.01, 0.01, 0.0], [0.0, 0.01, -0.01]])
    log = Conventions(kind=ReturnKind.LOG)
    ruined, sound = suites(table, other, log)
    assert ruined.figures["beta"] == Undefined(Reason.TOTAL_LOSS)
    assert sound == suite(table[1], other[1], log)
    assert [found.n for found in suites(np.zeros((2, 0)))] == [0, 0]


def test_log_returns_scatter_as_logarithms_and_fall_as_they_are() -> None:
    log = suite(RETURNS, conventions=Conventions(kind=ReturnKind.LOG)).figures
    plain = suite(RETURNS).figures
    assert log["volatility"] == pytest.approx(
        float(np.log1p(RETURNS).std(ddof=1)) * ROOT, rel=1e-12
    )
    for name in ("max_drawdown", "cumulative_return", "win_rate", "profit_factor"):
        assert log[name] == pytest.approx(plain[name], rel=1e-12)


def test_a_loss_of_everything_has_no_logarithm() -> None:
    table = np.array([[0.01, -1.0], [0.01, 0.02]])
    ruined, sound = suites(table, conventions=Conventions(kind=ReturnKind.LOG))
    assert set(ruined.figures.values()) == {Undefined(Reason.TOTAL_LOSS)}
    assert isinstance(sound.figures["volatility"], float)


def test_dated_rates_without_risk_that_never_change_are_the_yearly_rate() -> None:
    dated = suite(RETURNS, INDEX, risk_free=np.full(600, FREE)).figures
    yearly = suite(RETURNS, INDEX, Conventions(risk_free_annual=0.02)).figures
    for name in ("sharpe_arithmetic", "alpha_annual", "treynor", "starr"):
        assert dated[name] == pytest.approx(yearly[name], rel=1e-10), name


def test_a_horizon_makes_losses_larger_by_its_root() -> None:
    one, four = suite(RETURNS), suite(RETURNS, conventions=Conventions(horizon_periods=4))
    for name in ("var_historical", "var_gaussian", "expected_shortfall"):
        assert four.figures[name] == pytest.approx(2.0 * float(str(one.figures[name])))
    assert four.figures["starr"] == one.figures["starr"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 1.0},
        {"periods_per_year": 0},
        {"horizon_periods": 0},
        {"years": -1.0},
        {"risk_free_annual": -1.0},
    ],
)
def test_conventions_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UnusableParameterError):
        Conventions(**wrong)  # pyright: ignore[reportArgumentType]


def test_a_suite_refuses_what_is_no_series() -> None:
    with pytest.raises(UnusableSeriesError, match="not a finite number"):
        suite(np.array([0.1, np.nan]))
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        suite(RETURNS, INDEX[:-1])
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        suite(RETURNS, risk_free=INDEX[:-1])
