"""Every measure of one series of ten years, beside those of them that empyrical has."""

from __future__ import annotations

import warnings
from functools import partial
from importlib import import_module
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.clocks import processor_seconds
from bench.figures import Bar, Baseline, Figure
from tidebook.analytics import MEASURES, suite, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DAYS = 2520
# A fifth of what the named library takes for its own.
_BAR = Bar("at most", 1.0, ratio=0.2)
_BAR_ARRAYS = Bar("at most", 1.0)


def measure(*, quick: bool) -> list[Figure]:
    """Measure a suite with a benchmark, and the measures that empyrical has of it.

    Empyrical is given what its pages show, dated series of pandas, and then bare arrays, of which
    it makes less; the suite is that of bare arrays both times.
    """
    returns, benchmark = _series(_DAYS // 10 if quick else _DAYS)
    module, pandas = _modules()
    known = _empyrical(module)
    figures = suite(returns, benchmark).figures
    for name, of in known.items():
        ours, theirs = value_of(figures[name]), of(returns, benchmark)
        assert ours is not None, name
        assert np.isclose(ours, theirs, rtol=1e-9, atol=1e-12), f"{name}: {ours}, {theirs}"
    days = pandas.bdate_range("2015-01-01", periods=len(returns))
    dated = tuple(pandas.Series(one, days) for one in (returns, benchmark))
    repeats = 51
    taken = processor_seconds(lambda: suite(returns, benchmark), repeats)
    runs = tuple(seconds * 1000 for seconds in taken)
    size = f"{len(MEASURES)} measures of {len(returns):,} returns and a benchmark, processor time"
    found: list[Figure] = []
    for row, what, pair, bar in (
        ("risk_suite", "dated series", dated, _BAR),
        ("risk_suite_arrays", "arrays", (returns, benchmark), _BAR_ARRAYS),
    ):
        theirs = processor_seconds(partial(_all_of, known, pair), repeats)
        told = f"{len(known)} of the measures by empyrical, of {what}"
        baseline = Baseline(told, median(theirs) * 1000)
        found.append(Figure(row, "ms", runs, baseline, bar, size))
    return found


def _all_of(known: Mapping[str, Callable[[Any, Any], float]], pair: tuple[Any, Any]) -> None:
    for of in known.values():
        of(*pair)


def _series(days: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(1)
    benchmark = rng.standard_normal(days) * 0.01 + 0.0003
    return 0.8 * benchmark + rng.standard_normal(days) * 0.006, benchmark


def _modules() -> tuple[ModuleType, ModuleType]:
    """Return empyrical and its pandas: slow to import, and their warnings are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("empyrical"), import_module("pandas")


def _empyrical(e: ModuleType) -> dict[str, Callable[[Any, Any], float]]:
    """Return what both know under the same convention, by our name."""
    return {
        "cumulative_return": lambda r, _: e.cum_returns_final(r),
        "annual_return": lambda r, _: e.annual_return(r),
        "volatility": lambda r, _: e.annual_volatility(r),
        "downside_deviation": lambda r, _: e.downside_risk(r),
        "sharpe_arithmetic": lambda r, _: e.sharpe_ratio(r),
        "sortino": lambda r, _: e.sortino_ratio(r),
        "max_drawdown": lambda r, _: -e.max_drawdown(r),
        "calmar": lambda r, _: e.calmar_ratio(r),
        "omega": lambda r, _: e.omega_ratio(r),
        "var_historical": lambda r, _: -e.value_at_risk(r, 0.05),
        "beta": e.beta,
        "alpha_annual_geometric": e.alpha,
        "up_capture": lambda r, b: _capture(e, r, b, up=True),
        "down_capture": lambda r, b: _capture(e, r, b, up=False),
        "tracking_error": lambda r, b: e.annual_volatility(r - b),
        "information_ratio": lambda r, b: e.excess_sharpe(r, b) * 252**0.5,
        "batting_average": lambda r, b: np.asarray(e.batting_average(r, b))[0],
    }


def _capture(e: ModuleType, returns: Floats, benchmark: Floats, *, up: bool) -> float:
    """Return the capture per period, of which empyrical tells a year."""
    chosen = benchmark > 0 if up else benchmark < 0
    power = chosen.sum() / 252
    grown = (1 + e.annual_return(side[chosen]) for side in (returns, benchmark))
    own, other = (growth ** (power / chosen.sum()) - 1 for growth in grown)
    return own / other
