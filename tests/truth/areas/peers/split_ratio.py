"""Units and prices under ratios of new to old units, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_known
from tidebook.model.ratios import UnitRatio

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the units and, where a price is stated, the price of a new unit."""
    assert_known(case["expected"], {"results"})
    stated = case["inputs"]["cases"]
    for given, (units, price) in zip(stated, case["expected"]["results"], strict=True):
        ratio = UnitRatio(new=Decimal(given["new"]), old=Decimal(given["old"]))
        assert ratio.units(Decimal(given["shares"])) == Decimal(units)
        assert ("quote" in given) is (price is not None)
        if price is not None:
            assert ratio.price(Decimal(given["quote"])) == Decimal(price)
