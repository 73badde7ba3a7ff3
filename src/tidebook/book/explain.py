"""Where a position's figures come from: trees from the figure down to transactions.

The key's booked steps are walked once more in their order. Each step's amount is formed from the
transaction's own numbers, each part that a sale took is formed from the lot as it stood before,
and beside every node stands the figure that the book holds for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import RULES, flow_amount
from tidebook.book.derivation import Formula, Node, derived, given, undefined
from tidebook.book.lots import LotRule
from tidebook.book.postings import Leg
from tidebook.errors import BookMovedError
from tidebook.model.facts import instant
from tidebook.model.money import ONE, ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.lots import Match
    from tidebook.book.valuation import Valuation
    from tidebook.model.facts import Transaction


class Key(NamedTuple):
    """Whose figures are explained: a security of a portfolio, and how its lots are kept."""

    portfolio_id: str
    security_id: str
    currency: str
    base_currency: str
    rule: LotRule


class Step(NamedTuple):
    """One transaction's booked effect on one key, with the fact behind it.

    ``quantity`` and ``cost_base`` are changes; ``currency`` is that of the amount. ``settle_rate``
    turns the trade currency into the settlement currency, where the two differ and it is known;
    ``rate_source`` says where ``fx_rate`` comes from.
    """

    transaction: Transaction
    version: int
    leg: Leg
    on: date
    quantity: Decimal
    cost_base: Decimal
    realised_base: Decimal | None
    fx_rate: Decimal
    currency: str
    matches: tuple[Match, ...]
    settle_rate: Decimal | None = None
    rate_source: str | None = None

    @property
    def order(self) -> tuple[date, datetime, int, str, str]:
        """The place of this step inside its key, as in ``Posting.order``."""
        rank = 1 + (self.quantity < 0) - (self.quantity > 0)
        transaction = self.transaction
        return (self.on, instant(transaction), rank, transaction.transaction_id, self.leg)


class RateSources(NamedTuple):
    """Where the two rates of a valuation come from, in words."""

    to_local: str | None = None
    to_base: str | None = None


def quantity_tree(key: Key, steps: Iterable[Step]) -> Node:
    """Return a position's quantity as the sum of what its transactions added and removed."""
    moves = [_move(key, step) for step in sorted(steps, key=_order) if step.quantity]
    return derived(f"quantity of {key.security_id}", key.security_id, Formula.SUM, moves)


def cost_tree(key: Key, steps: Sequence[Step]) -> Node:
    """Return a position's cost in base currency as the sum of its open lots' costs.

    Raises:
        BookMovedError: If a step took from a lot that no step before it opened.
    """
    label = f"cost of {key.security_id}"
    if key.rule is LotRule.UNIT:
        moved = quantity_tree(key, steps)
        return replace(moved, label=f"{label}: one per unit", unit=key.base_currency)
    return derived(label, key.base_currency, Formula.SUM, _replay(key, steps).lots)


def realised_tree(key: Key, steps: Sequence[Step]) -> Node:
    """Return a position's realised gain in base currency, sale by sale.

    Raises:
        BookMovedError: If a step took from a lot that no step before it opened.
    """
    label = f"realised gain of {key.security_id}"
    gains = () if key.rule is LotRule.UNIT else _replay(key, steps).gains
    return derived(label, key.base_currency, Formula.SUM, gains)


def value_tree(key: Key, steps: Sequence[Step], valuation: Valuation, sources: RateSources) -> Node:
    """Return a position's market value in base currency: quantity x price x rates."""
    unit, label = key.base_currency, f"market value of {key.security_id}"
    quantity = quantity_tree(key, steps)
    if not quantity.value:
        return replace(quantity, label=f"{label}: nothing is held", unit=unit)
    quote, to_local, to_base = valuation.quote, valuation.rate_to_local, valuation.rate_to_base
    if quote is None or to_local is None or to_base is None:
        return undefined(f"{label}: {valuation.reason or 'it was not valued'}", unit)
    price = given(
        f"price of {key.security_id} on {quote.on}",
        quote.price,
        quote.currency,
        f"price {key.security_id} {quote.on}",
    )
    local = derived(label, quote.currency, Formula.PRODUCT, (quantity, price))
    local = _convert(local, to_local, (quote.currency, key.currency), sources.to_local)
    return _convert(local, to_base, (key.currency, key.base_currency), sources.to_base)


def unrealised_tree(
    key: Key, steps: Sequence[Step], valuation: Valuation, sources: RateSources
) -> Node:
    """Return a position's unrealised gain in base currency: market value less cost."""
    return derived(
        f"unrealised gain of {key.security_id}",
        key.base_currency,
        Formula.DIFFERENCE,
        (value_tree(key, steps, valuation, sources), cost_tree(key, steps)),
    )


@dataclass(slots=True)
class _Running:
    """A lot on its way: what it holds and costs, and the nodes that say why.

    ``opened`` and ``parts`` explain what it costs now from its beginning; ``since`` explains it
    from the last part that was taken, so that the trees of many sales grow with their number only.
    """

    label: str
    quantity: Decimal
    cost: Decimal
    opened: list[Node]
    parts: list[Node]
    since: list[Node]

    def before(self, unit: str) -> Node:
        """Return what the lot costs now, for the next part to be taken from."""
        label = f"cost of {self.label} before"
        if len(self.since) == 1:
            return replace(self.since[0], label=f"{label}: {self.since[0].label}")
        return derived(label, unit, Formula.SUM, self.since)

    def node(self, unit: str) -> Node:
        opened = self.opened[0]
        if len(self.opened) > 1:
            opened = derived("what was bought into the pool", unit, Formula.SUM, self.opened)
        label = f"{self.label}: {decimal_text(self.quantity)} held"
        return Node(label, self.cost, unit, Formula.DIFFERENCE, (opened, *self.parts))


class _Replayed(NamedTuple):
    lots: tuple[Node, ...]
    gains: tuple[Node, ...]


def _order(step: Step) -> tuple[date, datetime, int, str, str]:
    return step.order


def _replay(key: Key, steps: Iterable[Step]) -> _Replayed:
    """Walk a key's steps in order, opening lots and taking from them as the book did."""
    lots: dict[str, _Running] = {}
    gains: list[Node] = []
    with exact():
        for step in sorted(steps, key=_order):
            parts = [_take(key, lots, step, match) for match in step.matches]
            opened = step.quantity + sum((match.quantity for match in step.matches), ZERO)
            if opened:
                _open(key, lots, step, opened)
            if step.realised_base is not None:
                gains.append(_gain(key, step, parts, opened))
    return _Replayed(tuple(lot.node(key.base_currency) for lot in lots.values()), tuple(gains))


def _take(key: Key, lots: dict[str, _Running], step: Step, match: Match) -> Node:
    lot = lots.get(match.lot_id)
    if lot is None or not lot.quantity:
        raise BookMovedError(key.portfolio_id, key.security_id)
    unit = key.base_currency
    label = (
        f"{decimal_text(abs(match.quantity))} of {decimal_text(abs(lot.quantity))} matched by "
        f"{_title(step)}"
    )
    whole = given(f"cost of {lot.label} before", lot.cost, unit)
    quantities = (
        given("matched", match.quantity, key.security_id),
        given("held in the lot before", lot.quantity, key.security_id),
    )
    part = Node(
        label, match.cost_base, unit, Formula.SHARE, (lot.before(unit), *quantities), _fact(step)
    )
    lot.parts.append(replace(part, children=(whole, *quantities)))
    taken = given(f"taken by {_title(step)}", match.cost_base, unit)
    left = derived(f"less {_title(step)}", unit, Formula.DIFFERENCE, (whole, taken))
    lot.quantity -= match.quantity
    lot.cost -= match.cost_base
    lot.since = [left]
    if not lot.quantity:
        del lots[match.lot_id]
    return part


def _open(key: Key, lots: dict[str, _Running], step: Step, quantity: Decimal) -> None:
    cost = step.cost_base + sum((match.cost_base for match in step.matches), ZERO)
    node = replace(_opening(key, step, quantity), value=cost)
    pool = next(iter(lots.values()), None) if key.rule is LotRule.AVCO else None
    if pool is not None:
        pool.quantity += quantity
        pool.cost += cost
        pool.opened.append(node)
        pool.since.append(node)
        return
    lot_id = step.transaction.transaction_id
    kind = "pool" if key.rule is LotRule.AVCO else "lot"
    label = f"{kind} {lot_id} of {step.on}"
    lots[lot_id] = _Running(label, quantity, cost, [node], [], [node])


def _opening(key: Key, step: Step, quantity: Decimal) -> Node:
    """Return what a new lot cost: the amount, or the rest of it beyond what it closed."""
    unit = key.base_currency
    label = f"{decimal_text(quantity)} opened by {_title(step)}"
    if step.matches:
        closing, whole = _closing(key, step, quantity)
        return derived(label, unit, Formula.DIFFERENCE, (closing, whole))
    local = _amount(step)
    if quantity < 0:
        local = derived("proceeds of the short sale", step.currency, Formula.NEGATIVE, (local,))
    based = _based(key, step, local)
    return derived(label, unit, Formula.SUM, (based,))


def _gain(key: Key, step: Step, parts: Sequence[Node], opened: Decimal) -> Node:
    closing, _ = _closing(key, step, opened)
    matched = derived("cost of what was matched", key.base_currency, Formula.SUM, parts)
    return Node(
        f"gain of {_title(step)}",
        step.realised_base,
        key.base_currency,
        Formula.DIFFERENCE,
        (closing, matched),
    )


def _closing(key: Key, step: Step, opened: Decimal) -> tuple[Node, Node]:
    """Return what the closed units brought, and what the whole transaction brought."""
    local = _amount(step)
    if step.quantity > 0:
        local = derived("paid to close", step.currency, Formula.NEGATIVE, (local,))
    whole = _based(key, step, local)
    if not opened:
        return whole, whole
    children = (
        whole,
        given("closed", step.quantity - opened, key.security_id),
        given("traded", step.quantity, key.security_id),
    )
    return derived("part of the closed units", key.base_currency, Formula.SHARE, children), whole


def _move(key: Key, step: Step) -> Node:
    """Return what a step added to the quantity; of cash, the amount that makes it up."""
    source = _fact(step)
    leaf = given(_title(step), step.quantity, key.security_id, source)
    if step.leg is Leg.MAIN and not RULES[step.transaction.type].cash_only:
        return leaf
    amount = _amount(step)
    if amount.value != abs(step.quantity):
        return leaf
    formula = Formula.SUM if step.quantity > 0 else Formula.NEGATIVE
    return derived(_title(step), key.security_id, formula, (amount,))


def _amount(step: Step) -> Node:
    """Return what was paid or received, in the step's currency, from the fact's own numbers."""
    transaction = step.transaction
    rule = RULES[transaction.type]
    if step.leg is Leg.MAIN and not rule.settles and not rule.cash_only:
        return given("gross amount", transaction.gross, step.currency, _fact(step))
    amount = _flow(step)
    if step.leg is Leg.MAIN:
        return amount
    if flow_amount(transaction, rule) < 0:
        amount = derived("costs beyond the amount", amount.unit, Formula.NEGATIVE, (amount,))
    if transaction.trade_currency == transaction.currency:
        return amount
    pair = (transaction.trade_currency, transaction.currency)
    if step.settle_rate is None:
        moved = abs(step.quantity)
        return given(f"settled in {step.currency}", moved, step.currency, _fact(step))
    return _convert(amount, step.settle_rate, pair, f"exchange rates on {step.on}")


def _flow(step: Step) -> Node:
    transaction = step.transaction
    unit, fact = transaction.trade_currency, _fact(step)
    adds = RULES[transaction.type].costs_add
    costs = [("fee", transaction.fee), ("tax", transaction.tax)]
    if adds:
        costs.append(("accrued interest", transaction.accrued_interest))
    gross = given("gross amount", transaction.gross, unit, fact)
    leaves = [given(label, value, unit, fact) for label, value in costs if value]
    if not leaves:
        return gross
    formula = Formula.SUM if adds else Formula.DIFFERENCE
    label = "gross amount and costs" if adds else "gross amount less costs"
    return derived(label, unit, formula, (gross, *leaves))


def _based(key: Key, step: Step, local: Node) -> Node:
    return _convert(local, step.fx_rate, (step.currency, key.base_currency), step.rate_source)


def _convert(amount: Node, rate: Decimal, pair: tuple[str, str], source: str | None) -> Node:
    if rate == ONE and pair[0] == pair[1]:
        return amount
    label = f"{amount.label} in {pair[1]}"
    leaf = given(f"rate {pair[0]}/{pair[1]}", rate, "", source)
    return derived(label, pair[1], Formula.CONVERTED, (amount, leaf))


def _title(step: Step) -> str:
    return f"{step.transaction.type} {step.transaction.transaction_id} of {step.on}"


def _fact(step: Step) -> str:
    return f"transaction {step.transaction.transaction_id} version {step.version}"
