"""What quantstats says of the same returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.truth.witnesses.series import SERIES, close, dated, imported, is_justified, ours
from tidebook.analytics import Conventions, Undefined, suite, traits

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


TRAITS_ALIKE: dict[str, Callable[[Any, Series], float]] = {
    "longest_wins": lambda q, s: q.consecutive_wins(dated(s.returns)),
    "longest_losses": lambda q, s: q.consecutive_losses(dated(s.returns)),
    "tail_ratio": lambda q, s: q.tail_ratio(dated(s.returns), cutoff=s.confidence),
    "outlier_loss_ratio": lambda q, s: q.outlier_loss_ratio(dated(s.returns)),
    "cpc_index": lambda q, s: q.cpc_index(dated(s.returns)),
}


def _trait(told: Series, name: str) -> float:
    conventions = Conventions(confidence=told.confidence)
    figure = traits(told.returns, suite(told.returns, None, conventions), conventions)[name]
    assert not isinstance(figure, Undefined), f"{name}: {figure.sentence}"
    return figure


@pytest.mark.parametrize("name", TRAITS_ALIKE)
def test_what_it_says_alike_of_a_tear_sheet(stats: Any, name: str) -> None:  # noqa: ANN401
    for told in SERIES:
        assert close(_trait(told, name), TRAITS_ALIKE[name](stats, told))


def test_its_outlier_wins_count_days_of_rest(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "outlier_win_ratio")
    for told in SERIES:
        mean_with_rest = told.returns[told.returns >= 0].mean()
        mean = told.returns[told.returns > 0].mean()
        theirs = stats.outlier_win_ratio(dated(told.returns))
        assert close(_trait(told, "outlier_win_ratio") * mean / mean_with_rest, theirs)


def test_its_time_in_market_is_rounded_up(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "exposure")
    for told in SERIES:
        theirs = stats.exposure(dated(told.returns))
        assert close(np.ceil(_trait(told, "time_in_market") * 100) / 100, theirs)


def test_its_recovery_factor_adds_returns_up(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "recovery_factor")
    for told in SERIES:
        theirs = stats.recovery_factor(dated(told.returns))
        assert close(abs(float(told.returns.sum())) / ours(told, "max_drawdown"), theirs)


def test_its_risk_of_ruin_falls_with_the_length_of_the_series(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "risk_of_ruin")
    for told in SERIES:
        won = ours(told, "win_rate")
        theirs = stats.risk_of_ruin(dated(told.returns))
        assert close(((1 - won) / (1 + won)) ** len(told.returns), theirs)


def test_its_common_sense_ratio_looks_at_one_tail_only(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "common_sense_ratio")
    for told in SERIES:
        theirs = stats.common_sense_ratio(dated(told.returns))
        tails = stats.tail_ratio(dated(told.returns))
        assert close(
            _trait(told, "common_sense_ratio") / _trait(told, "tail_ratio"), theirs / tails
        )


def test_its_smart_sharpe_takes_the_correlation_without_its_sign(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "smart_sharpe")
    for told in SERIES:
        n, lagged = len(told.returns), abs(_trait(told, "lag_correlation"))
        lags = np.arange(1, n)
        penalty = np.sqrt(1 + 2 * ((n - lags) / n * lagged**lags).sum())
        theirs = stats.smart_sharpe(dated(told.returns))
        assert close(ours(told, "sharpe_arithmetic") / penalty, theirs)


def test_its_serenity_index_adds_returns_up_and_looks_at_other_depths(stats: Any) -> None:  # noqa: ANN401
    assert is_justified("quantstats", "serenity_index")
    for told in SERIES:
        theirs = stats.serenity_index(dated(told.returns))
        depths = stats.to_drawdown_series(dated(told.returns))
        pitfall = -stats.cvar(depths) / dated(told.returns).std()
        added = float(told.returns.sum()) / (stats.ulcer_index(dated(told.returns)) * pitfall)
        assert close(theirs, added)
        assert not close(theirs, _trait(told, "serenity_index"))
