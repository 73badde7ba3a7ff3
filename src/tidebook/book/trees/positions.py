"""Where a position's figures come from: trees from the figure down to transactions.

Quantity, cost and gain are those of the key's booked steps; a value is the quantity times a price
times rates. Beside every node stands the figure that the book holds for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.derivation import (
    Formula,
    Source,
    SourceKind,
    derived,
    given,
    stated,
    undefined,
)
from tidebook.book.lots import LotRule
from tidebook.book.trees.lots import replay
from tidebook.book.trees.moves import move_tree
from tidebook.book.trees.steps import Side, fx_rate_tree, title_of, unit_of
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidebook.book.derivation import (
        Node,
    )
    from tidebook.book.postings import Leg
    from tidebook.book.trees.steps import Key, Step
    from tidebook.book.valuation import Valuation


class GainSplit(NamedTuple):
    """The two parts of one realised gain."""

    price: Node
    currency: Node


class ValueRates(NamedTuple):
    """Where the two rates of a valuation come from; None where nothing is converted."""

    to_local: Node | None = None
    to_base: Node | None = None


def quantity_tree(key: Key, steps: Iterable[Step]) -> Node:
    """Return a position's quantity as the sum of what its transactions added and removed."""
    ordered = sorted(steps, key=lambda step: step.order)
    moves = [move_tree(key, step) for step in ordered if step.quantity]
    return derived(f"quantity of {key.security_id}", key.security_id, Formula.SUM, moves)


def cost_tree(key: Key, steps: Sequence[Step], side: Side = Side.BASE) -> Node:
    """Return a position's cost as the sum of its open lots' costs."""
    label = f"cost of {key.security_id}"
    if key.rule is LotRule.UNIT:
        moved = quantity_tree(key, steps)
        return replace(moved, label=f"{label}: one per unit", unit=unit_of(key, side))
    lots = [lot.cost for lot in replay(key, steps, side).lots]
    return derived(label, unit_of(key, side), Formula.SUM, lots)


def unit_cost_tree(key: Key, steps: Sequence[Step], side: Side = Side.BASE) -> Node:
    """Return what one unit of a position cost; undefined where nothing is held."""
    cost, quantity = cost_tree(key, steps, side), quantity_tree(key, steps)
    label = f"unit cost of {key.security_id}"
    if not quantity.value:
        return undefined(f"{label}: nothing is held", unit_of(key, side))
    return derived(label, unit_of(key, side), Formula.QUOTIENT, (cost, quantity))


def realised_tree(key: Key, steps: Sequence[Step], side: Side = Side.BASE) -> Node:
    """Return a position's realised gain, sale by sale."""
    label = f"realised gain of {key.security_id}"
    trees = replay(key, steps, side).steps.values()
    gains = [tree.gain for tree in trees if tree.gain is not None]
    return derived(label, unit_of(key, side), Formula.SUM, gains)


def gain_splits(key: Key, steps: Sequence[Step]) -> dict[tuple[str, Leg], GainSplit]:
    """Return the realised gain of each step in base currency, split into price and currency.

    The price effect is the gain in the key's own currency at the rate of the step; the currency
    effect is the rest.
    """
    local = replay(key, steps, Side.LOCAL).steps
    base = replay(key, steps, Side.BASE).steps
    found: dict[tuple[str, Leg], GainSplit] = {}
    for step in steps:
        gain_local, gain_base = local[step.name].gain, base[step.name].gain
        if gain_local is None or gain_base is None:
            continue
        unit, title = key.base_currency, title_of(step)
        below = (gain_local, fx_rate_tree(key, step))
        price = derived(f"price effect of {title}", unit, Formula.CONVERTED, below)
        price = stated(price, step.realised_price)
        rest = derived(f"currency effect of {title}", unit, Formula.DIFFERENCE, (gain_base, price))
        found[step.name] = GainSplit(price, stated(rest, step.realised_currency))
    return found


def price_effect_tree(key: Key, steps: Sequence[Step]) -> Node:
    """Return what a position realised by prices, in base currency, at the rates of the sales."""
    found = [split.price for split in gain_splits(key, steps).values()]
    label = f"realised gain of {key.security_id} by price"
    return derived(label, key.base_currency, Formula.SUM, found)


def currency_effect_tree(key: Key, steps: Sequence[Step]) -> Node:
    """Return what a position realised by exchange rates, in base currency."""
    found = [split.currency for split in gain_splits(key, steps).values()]
    label = f"realised gain of {key.security_id} by currency"
    return derived(label, key.base_currency, Formula.SUM, found)


def price_tree(key: Key, valuation: Valuation) -> Node:
    """Return the price of a position: as it was quoted, carried over splits since."""
    quote = valuation.quote
    if quote is None:
        return undefined(f"price of {key.security_id}: {_why(valuation)}", key.currency)
    if key.is_cash:
        return given(f"price of one {quote.currency}", quote.price, quote.currency)
    source = Source(SourceKind.PRICE, key.security_id, quote.on)
    label, unit = f"price of {key.security_id} on {quote.on}", quote.currency
    if quote.carried is None:
        return given(label, quote.price, unit, source)
    node = given(label, quote.carried.quoted.value, unit, source)
    for split in quote.carried.splits:
        fact = Source(SourceKind.ACTION, split.action_id)
        below = (
            node,
            given("old units", split.old_units, "", fact),
            given("for new units", split.new_units, "", fact),
        )
        told = f"{label}, in units after the split of {split.on}"
        node = derived(told, unit, Formula.SHARE, below)
    return stated(node, quote.price)


def value_rate_tree(key: Key, valuation: Valuation, rates: ValueRates) -> Node:
    """Return the rate from a position's own currency to the portfolio's on the day of value."""
    label = f"rate {key.currency}/{key.base_currency}"
    rate = valuation.rate_to_base
    if rate is None:
        return undefined(f"{label}: {_why(valuation)}", "")
    if rates.to_base is None or rates.to_base.value != rate:
        told = "one currency" if key.currency == key.base_currency else "nothing is converted"
        return given(f"{label}: {told}", rate, "")
    return rates.to_base


def value_tree(
    key: Key,
    steps: Sequence[Step],
    valuation: Valuation,
    rates: ValueRates,
    side: Side = Side.BASE,
) -> Node:
    """Return a position's market value: quantity x price x rates."""
    unit, label = unit_of(key, side), f"market value of {key.security_id}"
    quantity = quantity_tree(key, steps)
    if not quantity.value:
        return replace(quantity, label=f"{label}: nothing is held", unit=unit)
    quote = valuation.quote
    if quote is None or valuation.rate_to_local is None or valuation.rate_to_base is None:
        return undefined(f"{label}: {_why(valuation)}", unit)
    local = worth_tree(key, quantity, price_tree(key, valuation), label)
    local = convert(local, rates.to_local, key.currency)
    return local if side is Side.LOCAL else convert(local, rates.to_base, key.base_currency)


def unrealised_tree(
    key: Key,
    steps: Sequence[Step],
    valuation: Valuation,
    rates: ValueRates,
    side: Side = Side.BASE,
) -> Node:
    """Return a position's unrealised gain: market value less cost.

    On margin the gain in base currency is the local one at the rate of the day.
    """
    if key.on_margin and side is Side.BASE:
        local = unrealised_tree(key, steps, valuation, rates, Side.LOCAL)
        if valuation.rate_to_base is None or not valuation.rate_to_local:
            return undefined(local.label, key.base_currency)
        return convert(local, rates.to_base, key.base_currency)
    value = value_tree(key, steps, valuation, rates, side)
    label = f"unrealised gain of {key.security_id}"
    cost = cost_tree(key, steps, side)
    return derived(label, unit_of(key, side), Formula.DIFFERENCE, (value, cost))


def worth_tree(key: Key, quantity: Node, price: Node, label: str) -> Node:
    """Return quantity x price, of a contract x multiplier, in the currency of the price."""
    below = (quantity, price)
    if key.multiplier != ONE:
        times = given(f"multiplier of {key.security_id}", key.multiplier, "")
        below = (quantity, times, price)
    return derived(label, price.unit, Formula.PRODUCT, below)


def convert(amount: Node, rate: Node | None, unit: str) -> Node:
    """Return an amount in another currency; the same node where there is nothing to convert."""
    if rate is None or amount.unit == unit:
        return amount
    return derived(f"{amount.label} in {unit}", unit, Formula.CONVERTED, (amount, rate))


def _why(valuation: Valuation) -> str:
    return valuation.reason or "none is known"
