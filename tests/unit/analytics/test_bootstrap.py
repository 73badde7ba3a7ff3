"""Intervals of measures by the stationary bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from tidebook.analytics import Drawing, Reason, Undefined, bootstrap, suite
from tidebook.analytics.bootstrap import drawn_places
from tidebook.errors import UnknownMeasureError, UnusableParameterError, UnusableSeriesError

RETURNS = np.random.default_rng(11).standard_normal(400) * 0.01


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_mean_lies_as_far_out_as_the_central_limit_says() -> None:
    # Blocks of one: the ordinary bootstrap, whose mean scatters by sd / √n.
    drawing = Drawing(draws=2000, block_mean=1.0, confidence=0.95)
    found = bootstrap(RETURNS, ["mean_return"], rng(), drawing=drawing)["mean_return"]
    reach = 1.96 * RETURNS.std() / 20
    assert found.figure == RETURNS.mean()
    assert found.draws == 2000
    assert found.low == pytest.approx(RETURNS.mean() - reach, abs=0.1 * reach)
    assert found.high == pytest.approx(RETURNS.mean() + reach, abs=0.1 * reach)


def test_the_same_seed_draws_the_same_interval() -> None:
    names = ["sharpe_arithmetic", "max_drawdown"]
    one, other = (bootstrap(RETURNS, names, rng(), drawing=Drawing(300)) for _ in range(2))
    assert one == other
    assert one != bootstrap(RETURNS, names, rng(6), drawing=Drawing(300))
    assert one["max_drawdown"].figure == suite(RETURNS).figures["max_drawdown"]


def test_returns_and_benchmark_are_drawn_together() -> None:
    found = bootstrap(RETURNS, ["beta"], rng(), benchmark=0.5 * RETURNS, drawing=Drawing(100))
    assert found["beta"].low == pytest.approx(2.0)
    assert found["beta"].high == pytest.approx(2.0)


def test_blocks_are_as_long_as_asked_for_and_go_around_the_end() -> None:
    places = drawn_places(1000, 200, 10.0, rng())
    goes_on = (np.diff(places, axis=1) % 1000) == 1
    # Nine of ten periods follow upon the one before, and one of a thousand by chance.
    assert goes_on.mean() == pytest.approx(0.9, abs=0.01)
    assert places.min() == 0
    assert places.max() == 999
    assert np.bincount(places.ravel(), minlength=1000).min() > 0


def test_a_measure_without_a_figure_has_no_interval() -> None:
    found = bootstrap(np.full(10, 0.01), ["sortino"], rng(), drawing=Drawing(20))["sortino"]
    assert found.figure == Undefined(Reason.NO_DOWNSIDE)
    assert (found.low, found.draws) == (Undefined(Reason.TOO_FEW_RETURNS), 0)


def test_a_drawing_without_meaning_is_refused() -> None:
    for drawing in (Drawing(0), Drawing(block_mean=0.5), Drawing(confidence=1.0)):
        with pytest.raises(UnusableParameterError):
            bootstrap(RETURNS, ["volatility"], rng(), drawing=drawing)
    with pytest.raises(UnusableSeriesError, match="needs one"):
        bootstrap(RETURNS, ["beta"], rng())
    with pytest.raises(UnknownMeasureError):
        bootstrap(RETURNS, ["luck"], rng())
    with pytest.raises(UnusableSeriesError):
        bootstrap(np.zeros(0), ["volatility"], rng())
