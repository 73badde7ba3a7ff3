"""Volatility from bars."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics import (
    Bars,
    Reason,
    Undefined,
    garman_klass,
    parkinson,
    rolling_yang_zhang,
    yang_zhang,
)
from tidebook.errors import UnusableParameterError, UnusableSeriesError


def bars(*rows: tuple[float, float, float, float]) -> Bars:
    return Bars(*(np.array(column, np.float64) for column in zip(*rows, strict=True)))


def test_a_range_of_e_moves_by_the_root_of_a_quarter_over_ln_2() -> None:
    one = bars((1.0, math.e, 1.0, 1.0))
    assert parkinson(one) == pytest.approx(math.sqrt(1 / (4 * math.log(2))))
    assert garman_klass(one) == pytest.approx(math.sqrt(0.5))


def test_nights_alone_are_the_deviation_of_the_nights() -> None:
    # Nothing moves by day; by night ln 1.1 and -ln 1.1, whose sample variance is 2 ln²(1.1).
    found = yang_zhang(bars((100, 100, 100, 100), (110, 110, 110, 110), (100, 100, 100, 100)))
    assert not isinstance(found, Undefined)
    assert found.deviation == pytest.approx(math.sqrt(2) * math.log(1.1))
    assert found.annual(4) == pytest.approx(2 * found.deviation)


def test_a_market_that_never_closes_has_no_night() -> None:
    found = yang_zhang(bars((100, 104, 99, 102), (102, 103, 98, 99), (99, 101, 97, 100)))
    assert not isinstance(found, Undefined)
    assert found.overnight == 0.0
    assert found.deviation > 0.0


def test_every_window_is_the_volatility_of_its_own_bars() -> None:
    rng = np.random.default_rng(7)
    closes = 100 * np.exp(np.cumsum(rng.standard_normal(40) * 0.01))
    opens = closes * np.exp(rng.standard_normal(40) * 0.005)
    highs, lows = np.maximum(opens, closes) * 1.01, np.minimum(opens, closes) * 0.99
    found = rolling_yang_zhang(Bars(opens, highs, lows, closes), 10)
    assert len(found) == 30
    for start in (0, 13, 29):
        part = slice(start, start + 11)
        alone = yang_zhang(Bars(opens[part], highs[part], lows[part], closes[part]))
        assert not isinstance(alone, Undefined)
        assert found[start] == pytest.approx(alone.deviation, rel=1e-12)


def test_too_few_bars_have_no_volatility() -> None:
    two = bars((100, 101, 99, 100), (100, 101, 99, 100))
    assert yang_zhang(two) == Undefined(Reason.TOO_FEW_RETURNS)
    assert rolling_yang_zhang(two, 2).size == 0
    nothing = Bars(*[np.zeros(0)] * 4)
    assert parkinson(nothing) == garman_klass(nothing) == Undefined(Reason.TOO_FEW_RETURNS)
    with pytest.raises(UnusableParameterError, match="window"):
        rolling_yang_zhang(two, 1)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ((100, 99, 98, 98), "high is below"),
        ((100, 102, 101, 102), "low is above"),
        ((100, 102, 0, 102), "not a number above zero"),
        ((100, float("inf"), 99, 102), "not a number above zero"),
    ],
)
def test_a_bar_that_contradicts_itself_is_refused(
    row: tuple[float, float, float, float], fault: str
) -> None:
    with pytest.raises(UnusableSeriesError, match=fault):
        bars(row)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        Bars(np.ones(2), np.ones(2), np.ones(2), np.ones(1))
