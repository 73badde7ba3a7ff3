"""Reading the returns of a case: fractions, or percent; a missing one is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.tolerance import assert_all_close, assert_close

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import Figure


def observed(inputs: dict[str, Any], name: str = "returns") -> NDArray[np.float64]:
    """Return the case's returns as fractions, without those that are missing."""
    if f"{name}_pct" in inputs:
        return np.array([r / 100 for r in inputs[f"{name}_pct"] if r is not None], np.float64)
    return np.array([r for r in inputs[name] if r is not None], np.float64)


def compare(found: dict[str, Any], case: Content) -> None:
    """Compare every figure that the case states, within its relative tolerance."""
    expected = case["expected"]
    assert expected, "the case expects nothing"
    assert set(expected) <= set(found), f"nothing checks {sorted(set(expected) - set(found))}"
    for name, figure in expected.items():
        if isinstance(figure, list):
            largest = max(abs(one) for one in figure)
            assert_all_close(found[name], figure, case["rel_tol"] * largest)
        elif isinstance(figure, int | float) or figure is None:
            assert_relative(found[name], figure, case["rel_tol"])
        else:
            assert found[name] == figure, name


def assert_relative(found: Figure, expected: float | None, rel_tol: float) -> None:
    """Assert that a figure is within a share of the expected one, or undefined as it is."""
    assert_close(found, expected, rel_tol * abs(expected or 0.0))
