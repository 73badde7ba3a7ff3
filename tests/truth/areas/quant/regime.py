"""How far prices move, from bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare, expect_refusal
from tidebook.analytics import Bars, garman_klass, parkinson, yang_zhang
from tidebook.analytics.figures import Undefined

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the volatility of the case's bars, or the fault in them."""
    assert case["function"] == "yang_zhang", f"nothing checks {case['function']}"
    inputs, expected = case["inputs"], case["expected"]
    if "error" in expected:
        expect_refusal(lambda: _bars(inputs), case)
        return
    compare(_figures(inputs), case)


def _bars(inputs: dict[str, Any], first: int = 0) -> Bars:
    names = ("open", "high", "low", "close")
    return Bars(*(np.array(inputs[name], np.float64)[first:] for name in names))


def _figures(inputs: dict[str, Any]) -> dict[str, Any]:
    found = yang_zhang(_bars(inputs))
    if isinstance(found, Undefined):
        return {"yz_daily": found, "yz_annual": found}
    # The ranges are those of the same bars: all but the first, whose night is not known.
    bars = _bars(inputs, 1)
    return {
        "n": float(found.n),
        "k": found.weight,
        "overnight_var": found.overnight,
        "open_close_var": found.open_close,
        "rogers_satchell_var": found.rogers_satchell,
        "yz_daily": found.deviation,
        "yz_annual": found.annual(inputs.get("annualisation", inputs.get("periods_per_year", 252))),
        "parkinson_daily": parkinson(bars),
        "garman_klass_daily": garman_klass(bars),
    }
