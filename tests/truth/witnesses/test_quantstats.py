"""What quantstats says of the same returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.truth.witnesses.series import SERIES, close, dated, imported, is_justified, ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.witnesses.series import Series

ALIKE: dict[str, Callable[[Any, Series], float]] = {
    "cumulative_return": lambda q, s: q.comp(dated(s.returns)),
    "annual_return": lambda q, s: q.cagr(dated(s.returns)),
    "geometric_mean_return": lambda q, s: q.geometric_mean(dated(s.returns)),
    "best_return": lambda q, s: q.best(dated(s.returns)),
    "volatility": lambda q, s: q.volatility(dated(s.returns)),
    "sharpe_arithmetic": lambda q, s: q.sharpe(dated(s.returns)),
    "sortino": lambda q, s: q.sortino(dated(s.returns)),
    "omega": lambda q, s: q.omega(dated(s.returns)),
    "max_drawdown": lambda q, s: -q.max_drawdown(dated(s.returns)),
    "calmar": lambda q, s: q.calmar(dated(s.returns)),
    "win_rate": lambda q, s: q.win_rate(dated(s.returns)),
    "profit_factor": lambda q, s: q.profit_factor(dated(s.returns)),
    "payoff_ratio": lambda q, s: q.payoff_ratio(dated(s.returns)),
    "gain_to_pain": lambda q, s: q.gain_to_pain_ratio(dated(s.returns)),
    "kelly_fraction_fixed_odds": lambda q, s: q.kelly_criterion(dated(s.returns)),
    "sample_skewness": lambda q, s: q.skew(dated(s.returns)),
    "sample_excess_kurtosis": lambda q, s: q.kurtosis(dated(s.returns)),
    "var_gaussian": lambda q, s: -q.value_at_risk(dated(s.returns), confidence=s.confidence),
    "expected_shortfall_gaussian": lambda q, s: -q.cvar(dated(s.returns), confidence=s.confidence),
    "beta": lambda q, s: q.greeks(dated(s.returns), dated(s.benchmark))["beta"],
    "alpha_annual": lambda q, s: q.greeks(dated(s.returns), dated(s.benchmark))["alpha"],
    "r_squared": lambda q, s: q.r_squared(dated(s.returns), dated(s.benchmark)),
}


@pytest.fixture(scope="module")
def stats() -> Any:  # noqa: ANN401 - a library without types
    return imported("quantstats.stats")


@pytest.mark.parametrize("name", ALIKE)
def test_what_quantstats_says_alike(stats: Any, name: str) -> None:  # noqa: ANN401
    for told in SERIES:
        assert close(ours(told, name), ALIKE[name](stats, told))


def test_its_ulcer_index_divides_by_one_less(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "ulcer_index")
    for told in SERIES:
        n = len(told.returns)
        theirs = stats.ulcer_index(dated(told.returns))
        assert close(ours(told, "ulcer_index") * np.sqrt(n / (n - 1)), theirs)


def test_its_historical_shortfall_counts_whole_days(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "cvar(historical)")
    differs = 0
    for told in SERIES:
        bound = -ours(told, "var_historical")
        theirs = -stats.cvar(dated(told.returns), confidence=told.confidence, method="historical")
        assert close(theirs, -float(told.returns[told.returns <= bound].mean()))
        differs += not close(theirs, ours(told, "expected_shortfall"))
    assert differs >= 3


def test_its_information_ratio_is_that_of_a_day(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "information_ratio")
    for told in SERIES:
        theirs = stats.information_ratio(dated(told.returns), dated(told.benchmark))
        assert close(ours(told, "information_ratio"), theirs * np.sqrt(252))


def test_its_treynor_ratio_takes_the_whole_return(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "treynor_ratio")
    for told in SERIES:
        theirs = stats.treynor_ratio(dated(told.returns), dated(told.benchmark))
        assert close(theirs, ours(told, "cumulative_return") / ours(told, "beta"))
        assert not close(theirs, ours(told, "treynor"))


def test_it_takes_returns_that_never_fall_for_prices(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "max_drawdown")
    yearly = dated(np.array([0.2, 1.5, 0.3, 0.8]))
    assert close(stats.max_drawdown(yearly), -0.8)


def test_its_sharpe_ratio_of_what_does_not_vary_is_huge(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "sharpe")
    with np.errstate(all="ignore"):
        theirs = stats.sharpe(dated(np.full(20, 0.001)))
    assert not abs(theirs) < 1e9
