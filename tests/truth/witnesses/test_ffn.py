"""What ffn says of the same returns, as prices where it wants prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.truth.witnesses.series import SERIES, close, dated, imported, is_justified, ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.witnesses.series import Series

ALIKE: dict[str, Callable[[Any, Series], float]] = {
    "cumulative_return": lambda f, s: f.calc_total_return(_prices(f, s)),
    "max_drawdown": lambda f, s: -f.calc_max_drawdown(_prices(f, s)),
    "sharpe_arithmetic": lambda f, s: f.calc_sharpe(dated(s.returns), nperiods=252),
    "sortino": lambda f, s: f.calc_sortino_ratio(dated(s.returns), nperiods=252),
}


def _prices(f: Any, told: Series) -> Any:  # noqa: ANN401 - a library without types
    return f.to_price_index(dated(told.returns))


@pytest.fixture(scope="module")
def ffn() -> Any:  # noqa: ANN401 - a library without types
    return imported("ffn")


@pytest.mark.parametrize("name", ALIKE)
def test_what_ffn_says_alike(ffn: Any, name: str) -> None:  # noqa: ANN401
    for told in SERIES:
        assert close(ours(told, name), ALIKE[name](ffn, told))


def test_its_information_ratio_is_that_of_a_day(ffn: Any) -> None:  # noqa: ANN401
    assert is_justified("ffn", "calc_information_ratio")
    for told in SERIES:
        theirs = ffn.calc_information_ratio(dated(told.returns), dated(told.benchmark))
        assert close(ours(told, "information_ratio"), theirs * np.sqrt(252))


def test_its_ulcer_index_is_in_percent(ffn: Any) -> None:  # noqa: ANN401
    assert is_justified("ffn", "to_ulcer_index")
    for told in SERIES:
        theirs = ffn.core.to_ulcer_index(_prices(ffn, told))
        # Its prices hold the start as a day, which lies under no water.
        n = len(told.returns)
        days = len(_prices(ffn, told))
        assert close(ours(told, "ulcer_index") * 100 * np.sqrt(n / days), theirs)


def test_its_year_has_365_and_a_quarter_days(ffn: Any) -> None:  # noqa: ANN401
    assert is_justified("ffn", "calc_cagr")
    told = SERIES[-1]
    prices = _prices(ffn, told)
    years = (prices.index[-1] - prices.index[0]).days / 365.25
    theirs = ffn.calc_cagr(prices)
    assert close(theirs, (1 + ours(told, "cumulative_return")) ** (1 / years) - 1)
    assert not close(theirs, ours(told, "annual_return"))
