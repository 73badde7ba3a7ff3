"""The amounts of funds that bring the classes they are spread over to their targets."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near
from tests.truth.tolerance import assert_known
from tidebook.strategy.rebalancing import rebalance

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Solve for the amounts; a row of weights is a class, a column a fund."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"amounts"})
    weights = [[Decimal(weight) for weight in row] for row in inputs["weights"]]
    found = rebalance(weights, [Decimal(target) for target in inputs["targets"]])
    assert found.is_exact
    amounts = dict(zip(inputs["vehicles"], found.amounts, strict=True))
    assert set(amounts) == set(expected["amounts"])
    for fund, amount in expected["amounts"].items():
        assert_near(amounts[fund], amount, case["tolerance"]["money"], fund)
