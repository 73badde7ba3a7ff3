"""One-day losses brought to a longer horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import over_horizon

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Scale the value at risk and the expected shortfall."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"var", "es"})
    for name, figure in expected.items():
        scaled = over_horizon(inputs[f"{name}_1d"], inputs["horizon_days"])
        assert_close(scaled, figure, case["tolerance"]["abs"])
