"""What skfolio says of the same returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.truth.witnesses.series import SERIES, close, imported, is_justified, ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.witnesses.series import Series


def _under(m: Any, told: Series) -> Any:  # noqa: ANN401 - a library without types
    return m.get_drawdowns(told.returns, compounded=True)


ALIKE: dict[str, Callable[[Any, Series], float]] = {
    "mean_return": lambda m, s: m.mean(s.returns),
    "volatility": lambda m, s: m.standard_deviation(s.returns) * 252**0.5,
    "semi_deviation": lambda m, s: m.semi_deviation(s.returns) * 252**0.5,
    "mean_absolute_deviation": lambda m, s: m.mean_absolute_deviation(s.returns),
    "skewness": lambda m, s: m.skew(s.returns),
    "excess_kurtosis": lambda m, s: m.kurtosis(s.returns) - 3,
    "probabilistic_sharpe": lambda m, s: m.probabilistic_sharpe_ratio(s.returns),
    "worst_return": lambda m, s: -m.worst_realization(s.returns),
    "var_lower_quantile": lambda m, s: m.value_at_risk(s.returns, s.confidence),
    "expected_shortfall": lambda m, s: m.cvar(s.returns, s.confidence),
    "conditional_drawdown": lambda m, s: m.cdar(_under(m, s), s.confidence),
    "max_drawdown": lambda m, s: m.max_drawdown(_under(m, s)),
    "pain_index": lambda m, s: m.average_drawdown(_under(m, s)),
    "ulcer_index": lambda m, s: m.ulcer_index(_under(m, s)),
}


@pytest.fixture(scope="module")
def measures() -> Any:  # noqa: ANN401 - a library without types
    return imported("skfolio.measures")


@pytest.mark.parametrize("name", ALIKE)
def test_what_skfolio_says_alike(measures: Any, name: str) -> None:  # noqa: ANN401
    for told in SERIES:
        assert close(ours(told, name), ALIKE[name](measures, told))


def test_its_drawdown_adds_returns_up_unless_told_otherwise(measures: Any) -> None:  # noqa: ANN401
    assert is_justified("skfolio", "get_drawdowns")
    for told in SERIES:
        theirs = measures.max_drawdown(measures.get_drawdowns(told.returns))
        assert not close(ours(told, "max_drawdown"), theirs)
