"""Risk measures over returns of consecutive days; losses of a tail are positive."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import (
    Conventions,
    Drawdown,
    Reason,
    TailMethod,
    Undefined,
    drawdown,
    figure,
    mean_loss_beyond,
    to_days,
)
from tidebook.engine.measuring.risk import VAR_MEASURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import Figure

FIRST = date(2025, 1, 1)
REASONS = {
    "INSUFFICIENT_DATA": Reason.TOO_FEW_RETURNS,
    "ZERO_VOLATILITY": Reason.ZERO_VARIANCE,
    "ZERO_VARIANCE": Reason.ZERO_VARIANCE,
    "NO_DOWNSIDE": Reason.NO_DOWNSIDE,
}
ALONE = {"VOLATILITY": "volatility", "SHARPE": "sharpe_arithmetic", "SORTINO": "sortino"}
BESIDE = {
    "BETA": "beta",
    "TRACKING_ERROR": "tracking_error",
    "INFORMATION_RATIO": "information_ratio",
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
            assert set(expected) == {"error"}
            assert figure == Undefined(REASONS[expected["error"]])
        else:
            assert_close(figure, expected, tolerance)


def _figure(metric: str, returns: NDArray[np.float64], inputs: dict[str, Any]) -> Figure:
    if metric in ALONE | BESIDE:
        conventions = Conventions(
            inputs.get("k", 252),
            risk_free_annual=inputs.get("rf", 0.0),
            target_annual=inputs.get("mar", 0.0),
        )
        if metric in ALONE:
            return figure(ALONE[metric], returns, None, conventions)
        benchmark = np.array(inputs["benchmark"], np.float64)
        return figure(BESIDE[metric], returns, benchmark, conventions)
    name, _, method = metric.partition("_")
    assert name in {"VAR", "ES"}, f"nothing checks {metric}"
    conventions = Conventions(confidence=inputs["confidence"])
    loss = figure(VAR_MEASURES[TailMethod(method)], returns, None, conventions)
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
