"""What holds for the superficial losses of every household."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.laws.households import ACCOUNTS, GROUPS, gained, kept, orders
from tidebook.compliance.taxes import Identity, SuperficialTerms, denied_loss, match_superficial
from tidebook.model.money import ZERO
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from random import Random

    from tests.laws.households import Order
    from tidebook.compliance.taxes import SuperficialView

TERMS = SuperficialTerms(ACCOUNTS, Identity(GROUPS))
CLOSE = Decimal("1e-12")


@given(orders())
def test_allowed_added_and_permanent_make_up_the_economic_result(placed: list[Order]) -> None:
    book, history = kept(placed, CostMethod.AVCO)
    view = match_superficial(history.events, TERMS)
    allowed = sum((sale.allowed for sale in view.sales), ZERO)
    permanent = sum((sale.permanent for sale in view.sales), ZERO)
    added = sum((base.added for base in view.bases), ZERO)
    assert allowed - added - view.gone - permanent == gained(book, ("MINE", "SPOUSE"))


@given(orders())
def test_no_more_is_denied_than_was_lost_and_no_unit_counts_twice(placed: list[Order]) -> None:
    view = match_superficial(kept(placed, CostMethod.AVCO).history.events, TERMS)
    used: dict[tuple[str, object], Decimal] = defaultdict(lambda: ZERO)
    for sale in view.sales:
        assert ZERO <= sale.denied <= max(ZERO, -sale.gain)
        if sale.gain < ZERO and sale.denied:
            most = denied_loss(-sale.gain, sale.units, sale.acquired, sale.held)
            assert sale.denied <= most + CLOSE
        for each in sale.substitutes:
            assert abs((each.acquired_on - sale.on).days) <= 30
            # Sales of one day count on the same units together.
            name = (each.lot.lot_id, sale.on)
            used[name] = max(used[name], each.units)
    bought = {f"{order.order_id}.0": order.quantity for order in placed if order.quantity > 0}
    by_lot: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for (lot_id, _), units in used.items():
        by_lot[lot_id] += units
    assert all(units <= bought[lot_id] for lot_id, units in by_lot.items())


@given(orders(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(placed: list[Order], chance: Random) -> None:
    history = kept(placed, CostMethod.AVCO).history
    mixed = list(history.events)
    chance.shuffle(mixed)
    assert match_superficial(mixed, TERMS) == match_superficial(history.events, TERMS)


@given(orders(), st.lists(st.integers(1, 3), min_size=25, max_size=25))
def test_an_order_filled_in_parts_is_the_same_order(placed: list[Order], fills: list[int]) -> None:
    parts = [order._replace(fills=count) for order, count in zip(placed, fills, strict=False)]
    whole = match_superficial(kept(placed, CostMethod.AVCO).history.events, TERMS)
    split = match_superficial(kept(parts, CostMethod.AVCO).history.events, TERMS)
    figures = _by_order(whole)
    assert figures.keys() == _by_order(split).keys()
    for name, value in _by_order(split).items():
        assert abs(figures[name] - value) < CLOSE


def _by_order(view: SuperficialView) -> dict[tuple[str, ...], Decimal]:
    sums: dict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
    for sale in view.sales:
        sums[sale.sale_id[:3], "allowed"] += sale.allowed
        sums[sale.sale_id[:3], "permanent"] += sale.permanent
        for each in sale.substitutes:
            sums[sale.sale_id[:3], each.lot.lot_id[:3]] += each.denied
    for base in view.bases:
        sums[base.owner, base.security_id] += base.added
    return sums
