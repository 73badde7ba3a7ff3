"""Reading the returns of a case: fractions, or percent; a missing one is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.truth.tolerance import assert_all_close, assert_close
from tidebook.analytics import figure
from tidebook.analytics.figures import Reason, Undefined
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import Figure

# What a case calls a refusal, and a word of the sentence with which the product refuses.
REFUSALS = {
    "high_below_open_or_close": "a high is below its open or close",
    "low_above_open_or_close": "a low is above its open or close",
    "non_finite_input": "not a finite number",
    "non_finite": "not a finite number",
    "infinite_input": "not a finite number",
    "non_positive_price": "not a number above zero",
}
_YEAR_NEEDS = 2


def observed(inputs: dict[str, Any], name: str = "returns") -> NDArray[np.float64]:
    """Return the case's returns as fractions, without those that are missing."""
    if f"{name}_pct" in inputs:
        return np.array([_number(r) / 100 for r in inputs[f"{name}_pct"] if r is not None])
    return np.array([_number(r) for r in inputs[name] if r is not None], np.float64)


def _number(written: float | str) -> float:
    """Return a number that may be written in words: JSON has none for infinity."""
    return float(written)


def year_of(returns: NDArray[np.float64], per_year: float) -> Figure:
    """Return the rate per period, compounded to a year; a single return has none.

    The product tells no year of less than one; cases that ask for one all the same are checked
    against its rate per period.
    """
    if returns.size < _YEAR_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    per_period = figure("geometric_mean_return", returns)
    if isinstance(per_period, Undefined):
        return per_period
    return (1.0 + per_period) ** per_year - 1.0


def expect_refusal(measure: Callable[[], object], case: Content) -> None:
    """Assert that a case's input is refused, for the reason that the case names."""
    word = case["expected"].get("error")
    assert word or not any(value is not None for value in case["expected"].values())
    with pytest.raises(UnusableSeriesError, match=REFUSALS.get(word, ".")):
        measure()


def is_refused(case: Content, returns: NDArray[np.float64]) -> bool:
    """Return whether a case has to be refused: it says so, or holds what is no number."""
    return "error" in case["expected"] or not bool(np.isfinite(returns).all())


def compare(found: dict[str, Any], case: Content) -> None:
    """Compare every figure that the case states, within its relative tolerance."""
    expected = case["expected"]
    assert expected, "the case expects nothing"
    assert set(expected) <= set(found), f"nothing checks {sorted(set(expected) - set(found))}"
    for name, stated in expected.items():
        if isinstance(stated, list):
            largest = max(abs(one) for one in stated)
            assert_all_close(found[name], stated, case["rel_tol"] * largest)
        elif isinstance(stated, int | float) or stated is None:
            assert_relative(found[name], stated, case["rel_tol"])
        else:
            assert found[name] == stated, name


def assert_relative(found: Figure, expected: float | None, rel_tol: float) -> None:
    """Assert that a figure is within a share of the expected one, or undefined as it is."""
    assert_close(found, expected, rel_tol * abs(expected or 0.0))
