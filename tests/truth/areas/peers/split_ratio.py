"""Units and prices under ratios of new to old units, to the last digit.

The units are those that a holding comes to by a split of that ratio.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tests.truth.tolerance import assert_known
from tidebook.model.actions import ActionType, CorporateAction
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
        assert _held(given["shares"], ratio) == Decimal(units)
        assert ("quote" in given) is (price is not None)
        if price is not None:
            assert ratio.price(Decimal(given["quote"])) == Decimal(price)


def _held(shares: str, ratio: UnitRatio) -> Decimal:
    bought = trade("b", "BUY", "ACME", "2025-01-01", quantity=shares, price="1")
    on = date(2025, 1, 2)
    split = CorporateAction("a", ActionType.SPLIT, "ACME", on, ratio.new, ratio.old)
    book = keep_book([bought], portfolio(), [security("ACME")], actions=(split,))
    return book.holding("ACME").quantity
