"""Risk measures over returns of consecutive days; losses of a tail are positive."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import (
    Drawdown,
    Reason,
    TailMethod,
    Undefined,
    beta,
    drawdown,
    information_ratio,
    mean_loss_beyond,
    sharpe,
    sortino,
    to_days,
    tracking_error,
    value_at_risk,
    volatility,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import Figure

FIRST = date(2025, 1, 1)
MEASURES: dict[str, Callable[[Any, dict[str, Any]], Figure]] = {
    "VOLATILITY": lambda returns, given: volatility(returns, given["k"]),
    "SHARPE": lambda returns, given: sharpe(returns, given["k"], risk_free_annual=given["rf"]),
    "SORTINO": lambda returns, given: sortino(returns, given["k"], target_annual=given["mar"]),
    "BETA": lambda returns, given: beta(returns, _benchmark(given)),
    "TRACKING_ERROR": lambda returns, given: tracking_error(returns, _benchmark(given), given["k"]),
    "INFORMATION_RATIO": lambda returns, given: information_ratio(
        returns, _benchmark(given), given["k"]
    ),
}


def check(case: Content) -> None:
    """Compare each measure that the case states."""
    inputs, tolerance = case["inputs"], case["tolerance"]["abs"]
    returns = np.array(inputs["returns"], np.float64)
    assert set(case["expected"]) == set(inputs["metrics"])
    for metric, expected in case["expected"].items():
        if metric == "DRAWDOWN":
            _check_drawdown(returns, expected, tolerance)
            continue
        figure = _figure(metric, returns, inputs)
        if isinstance(expected, dict):
            assert expected == {"error": "INSUFFICIENT_DATA"}
            assert figure == Undefined(Reason.TOO_FEW_RETURNS)
        else:
            assert_close(figure, expected, tolerance)


def _benchmark(inputs: dict[str, Any]) -> NDArray[np.float64]:
    return np.array(inputs["benchmark"], np.float64)


def _figure(metric: str, returns: NDArray[np.float64], inputs: dict[str, Any]) -> Figure:
    if metric in MEASURES:
        return MEASURES[metric](returns, inputs)
    name, _, method = metric.partition("_")
    assert name in {"VAR", "ES"}, f"nothing checks {metric}"
    loss = value_at_risk(returns, inputs["confidence"], TailMethod(method))
    if name == "VAR" or isinstance(loss, Undefined):
        return loss
    return mean_loss_beyond(returns, loss)


def _check_drawdown(
    returns: NDArray[np.float64], expected: dict[str, Any], tolerance: float
) -> None:
    assert_known(expected, {"max", "peak", "trough"})
    dates = to_days([FIRST + timedelta(days=day) for day in range(len(returns))])
    found = drawdown(dates, np.cumprod(1.0 + returns, dtype=np.float64) - 1.0)
    assert isinstance(found, Drawdown)
    assert found.deepest is not None
    assert_close(-found.depth, expected["max"], tolerance)
    peak = found.deepest.peak_on
    assert ("START" if peak is None else str(peak)) == expected["peak"]
    assert str(found.deepest.trough_on) == expected["trough"]
