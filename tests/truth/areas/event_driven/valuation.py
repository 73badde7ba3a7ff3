"""One position's worth and unrealised gain, in local and in base currency."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.event_driven.keeping import assert_amount
from tests.truth.tolerance import assert_known
from tidebook.book.valuation import Held, value_position
from tidebook.model.facts import Rate
from tidebook.model.markets import PriceQuote, rate_table

if TYPE_CHECKING:
    from tests.truth.cases import Content

ON = date(2025, 1, 2)


def check(case: Content) -> None:
    """Value the position at the case's price and rates."""
    inputs, expected = case["inputs"], case["expected"]
    quoted, local, base = inputs["price_ccy"], inputs["instrument_ccy"], inputs["base_ccy"]
    rates = [
        Rate(source, target, ON, Decimal(rate))
        for source, target, rate in (
            (quoted, local, inputs["fx_price_to_instrument"]),
            (local, base, inputs["fx_instrument_to_base"]),
        )
        if rate is not None
    ]
    held = Held(
        Decimal(inputs["qty"]), Decimal(inputs["cost_local"]), Decimal(inputs["cost_base"]), local
    )
    price = inputs["price"]
    quote = PriceQuote(ON, Decimal(price), quoted) if price is not None else None
    valuation = value_position(held, quote, rate_table(rates), base, ON)
    value = valuation.value
    found = {
        "mv_local": value.local if value else None,
        "mv_base": value.base if value else None,
        "ugl_local": value.unrealised_local if value else None,
        "ugl_base": value.unrealised_base if value else None,
    }
    assert_known(expected, {"status", *found})
    for name, figure in expected.items():
        if name == "status":
            assert valuation.status == figure
        else:
            assert_amount(found[name], figure, name)
