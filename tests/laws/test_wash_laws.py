"""What holds for the wash sales of every household."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import assume, event, given, strategies as st

from tests.laws.households import ACCOUNTS, GROUPS, Order, gained, kept, orders
from tidebook.compliance.taxes import (
    Identity,
    WashTerms,
    keys_of_sales,
    match_washes,
    tax_lots,
    washed_sales,
)
from tidebook.model.money import ZERO
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from random import Random

    from tidebook.compliance.taxes import TaxView

TERMS = WashTerms(ACCOUNTS, Identity(GROUPS))
METHODS = [method for method in CostMethod if method is not CostMethod.AVCO_POOLED]
TAXABLE = ("MINE", "SPOUSE")
WINDOW = timedelta(days=30)
CLOSE = Decimal("1e-12")


@given(orders(), st.sampled_from(METHODS))
def test_recognised_deferred_and_permanent_make_up_the_economic_result(
    placed: list[Order], method: CostMethod
) -> None:
    book, history = kept(placed, method)
    view = match_washes(history.events, TERMS)
    totals = view.totals
    assert totals.economic == gained(book, TAXABLE)
    assert totals.recognised - totals.deferred - totals.permanent == totals.economic
    event(f"washed: {bool(totals.disallowed)}, lost: {bool(totals.permanent)}")


@given(orders(), st.sampled_from(METHODS))
def test_no_more_is_disallowed_than_was_lost(placed: list[Order], method: CostMethod) -> None:
    view = match_washes(kept(placed, method).history.events, TERMS)
    for sale in view.sales:
        assert ZERO <= sale.disallowed <= max(ZERO, -sale.gain_before_wash)
        assert ZERO <= sale.permanent <= sale.disallowed
        assert sum(each.shares for each in sale.replacements) <= sale.shares
        for each in sale.replacements:
            assert abs(each.acquired_on - sale.on) <= WINDOW
            assert each.lot != sale.lot


@given(orders(), st.sampled_from(METHODS))
def test_what_nobody_sold_and_what_could_not_replace_it_changes_no_sale(
    placed: list[Order], method: CostMethod
) -> None:
    book, history = kept(placed, method)
    sold = keys_of_sales(book.keys, TERMS.identity)
    read = [one for one in history.events if (one.lot.account_id, one.lot.security_id) in sold]
    assert washed_sales(read, TERMS) == match_washes(history.events, TERMS).sales
    event(f"left out: {len(read) < len(history.events)}")


@given(orders(), st.sampled_from(METHODS))
def test_no_share_replaces_two(placed: list[Order], method: CostMethod) -> None:
    history = kept(placed, method).history
    view = match_washes(history.events, TERMS)
    used: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for sale in view.sales:
        for each in sale.replacements:
            used[each.lot.lot_id] += each.shares
    bought = {f"{order.order_id}.0": order.quantity for order in placed if order.quantity > 0}
    assert all(shares <= bought[lot_id] for lot_id, shares in used.items())


@given(orders(), st.sampled_from(METHODS))
def test_what_is_open_for_tax_is_what_the_book_holds(
    placed: list[Order], method: CostMethod
) -> None:
    book, history = kept(placed, method)
    lots = tax_lots(match_washes(history.events, TERMS), history)
    held: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    cost = ZERO
    for lot in lots:
        held[lot.lot.account_id, lot.lot.security_id] += lot.quantity
        cost += lot.cost
        assert lot.basis == lot.cost + lot.deferred
    holdings = {
        key: folded.holding
        for key, folded in book.keys.items()
        if folded.holding.quantity and not key[1].startswith("CASH")
    }
    assert dict(held) == {key: holding.quantity for key, holding in holdings.items()}
    assert cost == sum((holding.cost_base for holding in holdings.values()), ZERO)


@given(orders(), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(
    placed: list[Order], method: CostMethod, chance: Random
) -> None:
    history = kept(placed, method).history
    mixed = list(history.events)
    chance.shuffle(mixed)
    assert match_washes(mixed, TERMS) == match_washes(history.events, TERMS)


@given(orders(), st.sampled_from(METHODS), st.sampled_from(("VOO", "OTHER")))
def test_a_purchase_far_away_changes_no_sale(
    placed: list[Order], method: CostMethod, security_id: str
) -> None:
    sold = [order.on for order in placed if order.quantity < 0]
    assume(sold)
    after = max(order.on for order in placed) + WINDOW + timedelta(days=1)
    later = Order("z", "MINE", security_id, after, 50, 900)
    before = match_washes(kept(placed, method).history.events, TERMS)
    assert match_washes(kept([*placed, later], method).history.events, TERMS).sales == before.sales


@given(orders(), st.lists(st.integers(1, 3), min_size=25, max_size=25))
def test_an_order_filled_in_parts_is_the_same_order(placed: list[Order], fills: list[int]) -> None:
    parts = [order._replace(fills=count) for order, count in zip(placed, fills, strict=False)]
    whole = _by_order(match_washes(kept(placed).history.events, TERMS))
    split = _by_order(match_washes(kept(parts).history.events, TERMS))
    assert whole.keys() == split.keys()
    for name, value in whole.items():
        assert abs(split[name] - value) < CLOSE


def _by_order(view: TaxView) -> dict[tuple[object, ...], Decimal]:
    """Return the figures of sales and open lots, summed by the orders that made them."""
    sums: dict[tuple[object, ...], Decimal] = defaultdict(lambda: ZERO)
    for sale in view.sales:
        name = (sale.sale_id[:3], sale.lot.lot_id[:3], sale.held_since)
        sums[*name, "shares"] += sale.shares
        sums[*name, "recognised"] += sale.recognised
        sums[*name, "permanent"] += sale.permanent
        for each in sale.replacements:
            sums[*name, each.lot.lot_id[:3], "shares"] += each.shares
            sums[*name, each.lot.lot_id[:3], "amount"] += each.disallowed
    for lot in view.lots:
        sums[lot.lot.lot_id[:3], lot.held_since, lot.has_replaced, "shares"] += lot.shares
        sums[lot.lot.lot_id[:3], lot.held_since, lot.has_replaced, "amount"] += lot.amount
    return sums


class _Share:
    """One share, on its own: what it carries, and whether it has replaced another."""

    def __init__(self, order: Order, number: int) -> None:
        self.order = order
        self.number = number
        self.carried = Fraction(0)
        self.tacked_days = 0
        self.has_replaced = False
        self.is_held = True


@given(orders(most=18))
def test_matching_is_what_matching_one_share_after_another_gives(placed: list[Order]) -> None:
    view = match_washes(kept(placed).history.events, TERMS)
    found: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
    for sale in view.sales:
        sums = found[sale.sale_id[:3]]
        sums[0] += sale.gain_before_wash
        sums[1] += sale.disallowed
        sums[2] += sale.shares * (sale.on - sale.held_since).days
    expected = _share_by_share(placed)
    assert found.keys() == expected.keys()
    for name, figures in expected.items():
        for one, other in zip(found[name], figures, strict=True):
            assert abs(Fraction(one) - other) < Fraction(1, 10**12)


def _share_by_share(placed: list[Order]) -> dict[str, list[Fraction]]:
    """Return gain, disallowed loss and days held of each sale, from single shares.

    Sales of a day with no purchase of the same or an identical security between them are one.
    """
    shares = {
        order.order_id: [_Share(order, number) for number in range(order.quantity)]
        for order in placed
        if order.quantity > 0
    }
    sums: dict[str, list[Fraction]] = {}
    for group in (("VOO", "VFIAX"), ("OTHER",)):
        run: list[Order] = []
        for order in [order for order in placed if order.security_id in group]:
            if run and (order.quantity > 0 or order.on != run[0].on):
                _sell(run, shares, group, sums)
                run = []
            if order.quantity < 0:
                run.append(order)
        _sell(run, shares, group, sums)
    return sums


def _sell(
    run: list[Order],
    shares: dict[str, list[_Share]],
    group: tuple[str, ...],
    sums: dict[str, list[Fraction]],
) -> None:
    sold: list[tuple[_Share, Order]] = []
    for sale in run:
        held = [
            share
            for order_id in sorted(shares)
            for share in sorted(shares[order_id], key=lambda one: not one.has_replaced)
            if share.is_held
            and share.order.account_id == sale.account_id
            and share.order.security_id == sale.security_id
            and order_id < sale.order_id
        ]
        for share in held[: -sale.quantity]:
            share.is_held = False
            sold.append((share, sale))
    sold.sort(key=lambda each: each[0].order.order_id)
    for share, sale in sold:
        if sale.account_id == "IRA":
            continue
        gain = Fraction(sale.cents - share.order.cents, 100) - share.carried
        days = (sale.on - share.order.on).days + share.tacked_days
        disallowed = Fraction(0)
        if gain < 0 and (other := _replacement(share, sale, shares, group)) is not None:
            other.has_replaced = True
            disallowed = -gain
            if other.order.account_id != "IRA":
                other.carried, other.tacked_days = disallowed, days
        known = sums.setdefault(sale.order_id, [Fraction(0)] * 3)
        known[0] += gain
        known[1] += disallowed
        known[2] += days


def _replacement(
    sold: _Share, sale: Order, shares: dict[str, list[_Share]], group: tuple[str, ...]
) -> _Share | None:
    for order_id in sorted(shares):
        for share in shares[order_id]:
            if (
                share.order.security_id in group
                and order_id != sold.order.order_id
                and abs(share.order.on - sale.on) <= WINDOW
                and share.is_held
                and not share.has_replaced
            ):
                return share
    return None
