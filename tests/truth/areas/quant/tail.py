"""Value at risk and expected shortfall; losses are positive, missing returns are left out."""

from __future__ import annotations

import math
import re
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare, expect_refusal, is_refused, observed
from tidebook.analytics import Conventions, Undefined, cornish_fisher, figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.truth.cases import Content

MEASURES = {
    "var_gaussian_ddof1": "var_gaussian",
    "var_cornish_fisher_ddof1": "var_cornish_fisher",
    "var_hist_lower": "var_lower_quantile",
    "var_lower": "var_lower_quantile",
    "var_hist_linear": "var_historical",
    "var_linear": "var_historical",
    "es_gaussian_ddof1": "expected_shortfall_gaussian",
    "cvar_ru": "expected_shortfall",
    "es_hist": "expected_shortfall",
    "tail_observations": "tail_observations",
    "cdar": "conditional_drawdown",
}


def check(case: Content) -> None:
    """Compare the figures of the returns, of a normal distribution, or of one quantile."""
    inputs = case["inputs"]
    if case["function"] == "cf_quantile":
        compare(_bent(inputs), case)
    elif "mu" not in inputs and is_refused(case, observed(inputs)):
        expect_refusal(lambda: _sample(observed(inputs), inputs.get("confidence", 0.95)), case)
    elif "mu" in inputs:
        compare(_normal(inputs), case)
    else:
        compare(_sample(observed(inputs), inputs.get("confidence", 0.95)), case)


def _bent(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return a quantile bent; one written in words is that of a probability."""
    z = inputs.get("z")
    if z is None:
        z = NormalDist().inv_cdf(1.0 - inputs["confidence"])
    elif isinstance(z, str):
        written = re.fullmatch(r"norm\.ppf\(([0-9.]+)\)", z)
        assert written is not None, f"nothing reads {z}"
        z = NormalDist().inv_cdf(float(written[1]))
    bent = cornish_fisher(z, inputs["skew"], inputs["excess_kurtosis"])
    return {"z_cf": bent, "monotone": not isinstance(bent, Undefined)}


def _normal(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the Gaussian figures of two returns with the stated mean and deviation."""
    pair = inputs["mu"] + inputs["sigma"] * np.array([-1.0, 1.0]) / math.sqrt(2)
    levels = [Conventions(confidence=level) for level in inputs["confidence"]]
    return {
        "var": [figure("var_gaussian", pair, None, level) for level in levels],
        "es": [figure("expected_shortfall_gaussian", pair, None, level) for level in levels],
    }


def _sample(returns: NDArray[np.float64], confidence: float) -> dict[str, Any]:
    conventions = Conventions(confidence=confidence)
    found: dict[str, Any] = {
        name: figure(measure, returns, None, conventions) for name, measure in MEASURES.items()
    }
    found["n"] = float(returns.size)
    return found
