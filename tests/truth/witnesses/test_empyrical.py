"""What empyrical-reloaded says of the same returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.truth.witnesses.series import SERIES, close, imported, is_justified, ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.witnesses.series import Series


ALIKE: dict[str, Callable[[Any, Series], float]] = {
    "cumulative_return": lambda e, s: e.cum_returns_final(s.returns),
    "annual_return": lambda e, s: e.annual_return(s.returns),
    "volatility": lambda e, s: e.annual_volatility(s.returns),
    "downside_deviation": lambda e, s: e.downside_risk(s.returns),
    "sharpe_arithmetic": lambda e, s: e.sharpe_ratio(s.returns),
    "sortino": lambda e, s: e.sortino_ratio(s.returns),
    "max_drawdown": lambda e, s: -e.max_drawdown(s.returns),
    "calmar": lambda e, s: e.calmar_ratio(s.returns),
    "omega": lambda e, s: e.omega_ratio(s.returns),
    "var_historical": lambda e, s: -e.value_at_risk(s.returns, 1 - s.confidence),
    "beta": lambda e, s: e.beta(s.returns, s.benchmark),
    "alpha_annual_geometric": lambda e, s: e.alpha(s.returns, s.benchmark),
    "tracking_error": lambda e, s: e.annual_volatility(s.returns - s.benchmark),
    "batting_average": lambda e, s: np.asarray(e.batting_average(s.returns, s.benchmark))[0],
}


@pytest.fixture(scope="module")
def empyrical() -> Any:  # noqa: ANN401 - a library without types
    return imported("empyrical")


@pytest.mark.parametrize("name", ALIKE)
def test_what_empyrical_says_alike(empyrical: Any, name: str) -> None:  # noqa: ANN401
    for told in SERIES:
        assert close(ours(told, name), ALIKE[name](empyrical, told))


def test_its_information_ratio_is_that_of_a_day(empyrical: Any) -> None:  # noqa: ANN401
    assert is_justified("empyrical", "excess_sharpe")
    for told in SERIES:
        theirs = empyrical.excess_sharpe(told.returns, told.benchmark)
        assert not close(ours(told, "information_ratio"), theirs)
        assert close(ours(told, "information_ratio"), theirs * np.sqrt(252))


def test_its_shortfall_counts_whole_days(empyrical: Any) -> None:  # noqa: ANN401
    assert is_justified("empyrical", "conditional_value_at_risk")
    differs = 0
    for told in SERIES:
        tail = 1 - told.confidence
        count = int((len(told.returns) - 1) * tail) + 1
        theirs = -empyrical.conditional_value_at_risk(told.returns, tail)
        assert close(theirs, -np.sort(told.returns)[:count].mean())
        differs += not close(theirs, ours(told, "expected_shortfall"))
    assert differs >= 3


def test_its_captures_are_of_a_year(empyrical: Any) -> None:  # noqa: ANN401
    assert is_justified("empyrical", "up_capture")
    for told in SERIES:
        for name, chosen in (
            ("up_capture", told.benchmark > 0),
            ("down_capture", told.benchmark < 0),
        ):
            theirs = getattr(empyrical, name)(told.returns, told.benchmark)
            count = int(chosen.sum())
            own, other = (np.prod(1 + side[chosen]) for side in (told.returns, told.benchmark))
            of_year = (own ** (252 / count) - 1) / (other ** (252 / count) - 1)
            assert close(theirs, float(of_year))
            per_day = (own ** (1 / count) - 1) / (other ** (1 / count) - 1)
            assert close(ours(told, name), float(per_day))
            assert not close(ours(told, name), theirs)


def test_its_rate_without_risk_is_of_a_day(empyrical: Any) -> None:  # noqa: ANN401
    assert is_justified("empyrical", "sharpe_ratio(risk_free)")
    told = SERIES[0]
    theirs = empyrical.sharpe_ratio(told.returns, risk_free=0.05)
    mean, deviation = told.returns.mean() - 0.05, told.returns.std(ddof=1)
    assert close(theirs, mean / deviation * np.sqrt(252))


def test_it_annualises_a_single_day(empyrical: Any) -> None:  # noqa: ANN401
    assert is_justified("empyrical", "annual_return")
    assert close(empyrical.annual_return(np.array([0.001])), 1.001**252 - 1)


def test_its_figures_of_what_does_not_vary_are_infinite(empyrical: Any) -> None:  # noqa: ANN401
    assert is_justified("empyrical", "sharpe_ratio")
    with np.errstate(all="ignore"):
        theirs = empyrical.sharpe_ratio(np.full(20, 0.01))
    assert not abs(theirs) < 1e9
