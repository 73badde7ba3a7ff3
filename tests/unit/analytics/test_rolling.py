"""A rolling figure is the figure of the window alone."""

from __future__ import annotations

import numpy as np
import pytest

from tidebook.analytics.catalogue import suite
from tidebook.analytics.conventions import Conventions, ReturnKind
from tidebook.analytics.figures import value_of
from tidebook.analytics.rolling import rolling
from tidebook.analytics.sampling import DatedReturns
from tidebook.errors import UnknownMeasureError, UnusableParameterError, UnusableSeriesError

DAYS = np.arange("2024-01-01", "2024-01-11", dtype="datetime64[D]")
RETURNS = np.array([0.01, -0.02, 0.03, 0.0, 0.0, 0.0, 0.02, -0.01, 0.01, 0.02])
MARKET = np.array([0.02, -0.01, 0.01, 0.01, -0.02, 0.0, 0.01, -0.02, 0.03, 0.01])
SERIES = DatedReturns(DAYS, RETURNS)


def test_each_window_is_told_by_the_day_it_ends_on() -> None:
    found = rolling(SERIES, 4, ["volatility", "beta"], benchmark=MARKET)
    assert found.dates.tolist() == DAYS[3:].tolist()
    alone = suite(RETURNS[2:6], MARKET[2:6]).figures
    assert found.figures["volatility"][2] == value_of(alone["volatility"])
    assert found.figures["beta"][2] == value_of(alone["beta"])


def test_by_hand() -> None:
    """The deviation of 0.01 and -0.02 over n - 1 is 0.03 / √2; a year has 252 of them."""
    found = rolling(SERIES, 2, ["volatility"]).figures["volatility"]
    assert found[0] == pytest.approx(0.03 / 2**0.5 * 252**0.5, rel=1e-14)


def test_what_is_undefined_is_no_number() -> None:
    found = rolling(SERIES, 3, ["sharpe_arithmetic"]).figures["sharpe_arithmetic"]
    assert np.isnan(found[3])
    assert not np.isnan(found[[0, 1, 2, 4]]).any()


def test_a_series_shorter_than_its_window_has_no_figure() -> None:
    found = rolling(SERIES, 11, ["volatility"])
    assert found.dates.size == found.figures["volatility"].size == 0


def test_what_cannot_be_rolled_is_refused() -> None:
    with pytest.raises(UnusableParameterError, match="window"):
        rolling(SERIES, 1, ["volatility"])
    with pytest.raises(UnknownMeasureError):
        rolling(SERIES, 3, ["luck"])
    with pytest.raises(UnusableSeriesError, match="length"):
        rolling(SERIES, 3, ["beta"], benchmark=MARKET[1:])
    lost = DatedReturns(DAYS, np.where(RETURNS == -0.02, -1.0, RETURNS))
    with pytest.raises(UnusableSeriesError, match="logarithm"):
        rolling(lost, 3, ["volatility"], conventions=Conventions(kind=ReturnKind.LOG))
