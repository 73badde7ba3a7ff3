"""How many shares can be sold clean, against selling one lot more again and again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from hypothesis import event, given, strategies as st

from tests.unit.compliance.lot_history import bought, sold
from tidebook.compliance.taxes import WashTerms, match_washes, wash_risk_of_sale
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.compliance.taxes import Closing, LotEvent

SOLD_ON = date(2024, 6, 13)
PRICE = 10


def _sold_clean(known: list[LotEvent], sale: list[Closing], terms: WashTerms) -> Decimal:
    """Return the shares of the parts before the first with which something is replaced."""
    clean = ZERO
    for count, part in enumerate(sale, start=1):
        sales = match_washes([*known, *sale[:count]], terms).sales
        if any(one.replacements for one in sales if one.sale_id == part.transaction_id):
            return clean
        clean += part.shares
    return clean


@st.composite
def sales(draw: st.DrawFn) -> tuple[list[LotEvent], list[Closing]]:
    """Draw lots bought lately and long ago, what was sold of them, and the parts of a sale."""
    known: list[LotEvent] = []
    parts: list[tuple[str, Closing]] = []
    for number in range(draw(st.integers(2, 7))):
        ago = draw(st.sampled_from((1, 20, 30, 31, 200)))
        shares = draw(st.integers(1, 6))
        lot = bought(f"lot{number}", str(SOLD_ON - timedelta(days=ago)), shares)
        known.append(lot)
        cost = draw(st.sampled_from((8, 12)))
        first = draw(st.integers(0, shares)) if draw(st.booleans()) else 0
        last = draw(st.integers(0, shares - first))
        for name, units in (("first", first), ("last", last)):
            if units:
                amounts = (units * PRICE, units * cost)
                parts.append((name, sold(name, str(SOLD_ON), lot, units, amounts)))
    known += [part for name, part in parts if name == "first"]
    return known, draw(st.permutations([part for name, part in parts if name == "last"]))


@given(sales().filter(lambda drawn: bool(drawn[1])), st.booleans())
def test_as_many_shares_are_clean_as_parts_sold_one_by_one_say(
    drawn: tuple[list[LotEvent], list[Closing]], excludes_block: bool
) -> None:
    known, sale = drawn
    terms = WashTerms(excludes_block=excludes_block)
    found = wash_risk_of_sale(known, sale, terms)
    told = "all" if not found.disallowed else "some" if found.clean_shares else "none"
    event(f"{told} of {'several parts' if len(sale) > 1 else 'one part'}")
    clean = _sold_clean(known, sale, terms) if found.disallowed else found.shares
    assert found.clean_shares == clean
