"""Value at risk and expected shortfall; losses are positive, missing returns are left out."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare, observed
from tidebook.analytics import (
    TailMethod,
    conditional_drawdown,
    cornish_fisher,
    expected_shortfall,
    gaussian_shortfall,
    value_at_risk,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.truth.cases import Content

METHODS = {
    "var_gaussian_ddof1": TailMethod.GAUSSIAN,
    "var_cornish_fisher_ddof1": TailMethod.CORNISH_FISHER,
    "var_hist_lower": TailMethod.LOWER_QUANTILE,
    "var_lower": TailMethod.LOWER_QUANTILE,
    "var_hist_linear": TailMethod.HISTORICAL,
    "var_linear": TailMethod.HISTORICAL,
}


def check(case: Content) -> None:
    """Compare the figures of the returns, of a normal distribution, or of one quantile."""
    inputs = case["inputs"]
    if case["function"] == "cf_quantile":
        compare({"z_cf": _quantile(inputs)}, case)
    elif "mu" in inputs:
        compare(_normal(inputs), case)
    else:
        compare(_sample(observed(inputs), inputs["confidence"]), case)


def _quantile(inputs: dict[str, Any]) -> object:
    z = inputs["z"]
    if z == "norm.ppf(0.01)":
        z = NormalDist().inv_cdf(0.01)
    return cornish_fisher(z, inputs["skew"], inputs["excess_kurtosis"])


def _normal(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the Gaussian figures of two returns with the stated mean and deviation."""
    pair = inputs["mu"] + inputs["sigma"] * np.array([-1.0, 1.0]) / math.sqrt(2)
    levels = inputs["confidence"]
    return {
        "var": [value_at_risk(pair, level, TailMethod.GAUSSIAN) for level in levels],
        "es": [gaussian_shortfall(pair, level) for level in levels],
    }


def _sample(returns: NDArray[np.float64], confidence: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value_at_risk(returns, confidence, method) for name, method in METHODS.items()
    }
    found["es_gaussian_ddof1"] = gaussian_shortfall(returns, confidence)
    found["cvar_ru"] = expected_shortfall(returns, confidence)
    found["cdar"] = conditional_drawdown(
        np.cumprod(1.0 + returns, dtype=np.float64) - 1.0, confidence
    )
    found["n"] = float(returns.size)
    return found
