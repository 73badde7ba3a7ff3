"""What one transaction did to one key, and where its amounts come from.

A step is an entry of the book with the fact behind it and the rates that it was booked at. Every
amount is formed from the transaction's own numbers: what was paid or received in the trade
currency, brought into the currency of the key and into the portfolio's.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import RULES, flow_amount
from tidebook.book.derivation import (
    Formula,
    Source,
    SourceKind,
    derived,
    given,
    stated,
    undefined,
)
from tidebook.book.postings import Leg
from tidebook.model.facts import instant
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.derivation import (
        Node,
    )
    from tidebook.book.lots import LotRule, Match
    from tidebook.model.facts import Transaction


class Key(NamedTuple):
    """Whose figures are explained: a security of a portfolio, and how its lots are kept."""

    portfolio_id: str
    security_id: str
    currency: str
    base_currency: str
    rule: LotRule
    is_cash: bool = False


class Side(StrEnum):
    """In which currency costs and gains are told."""

    LOCAL = "local"
    BASE = "base"


class StepRates(NamedTuple):
    """The rates of a step; None where one currency is the other, or where the rate is not known.

    ``trade_to_local`` and ``trade_to_base`` convert the amounts of the transaction. ``to_base``
    converts the key's own currency: it splits a gain into price and currency, and a cash leg,
    whose amount has been brought into its own currency before, goes on by it.
    """

    trade_to_local: Node | None = None
    trade_to_base: Node | None = None
    to_base: Node | None = None


class Flow(NamedTuple):
    """What a step moved across the instrument's border, in the trade currency."""

    classification: str
    timing: str
    is_portfolio_flow: bool
    cash_amount: Decimal
    position_flow: Decimal


class Step(NamedTuple):
    """One transaction's booked effect on one key, with the fact behind it.

    ``quantity`` and the costs are changes; ``currency`` is the key's own.
    """

    transaction: Transaction
    version: int
    leg: Leg
    on: date
    currency: str
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    realised_local: Decimal | None
    realised_base: Decimal | None
    realised_price: Decimal | None
    realised_currency: Decimal | None
    fx_rate: Decimal
    matches: tuple[Match, ...]
    flow: Flow | None
    rates: StepRates

    @property
    def order(self) -> tuple[date, datetime, int, str, str]:
        """The place of this step inside its key, as in ``Posting.order``."""
        rank = 1 + (self.quantity < 0) - (self.quantity > 0)
        transaction = self.transaction
        return (self.on, instant(transaction), rank, transaction.transaction_id, self.leg)

    @property
    def name(self) -> tuple[str, Leg]:
        """What tells this step from the others of its key."""
        return (self.transaction.transaction_id, self.leg)

    def cost(self, side: Side) -> Decimal:
        """The change of the key's cost."""
        return self.cost_local if side is Side.LOCAL else self.cost_base

    def gain(self, side: Side) -> Decimal | None:
        """What was realised; None where nothing was."""
        return self.realised_local if side is Side.LOCAL else self.realised_base


def unit_of(key: Key, side: Side) -> str:
    """Return the currency that a side of a key is told in."""
    return key.currency if side is Side.LOCAL else key.base_currency


def title_of(step: Step) -> str:
    """Return what a step is called in a tree: type, id and day of its transaction."""
    return f"{step.transaction.type} {step.transaction.transaction_id} of {step.on}"


def fact_of(step: Step) -> Source:
    """Return the fact that a step's own numbers come from."""
    identity = step.transaction.transaction_id
    return Source(SourceKind.TRANSACTION, identity, version=step.version)


def amount_tree(step: Step) -> Node:
    """Return what was paid or received, in the trade currency, from the fact's own numbers.

    Never negative but for a sale whose costs exceed what it brought.
    """
    transaction = step.transaction
    rule = RULES[transaction.type]
    if step.leg is Leg.MAIN and not rule.settles and not rule.cash_only:
        return given("gross amount", transaction.gross, transaction.trade_currency, fact_of(step))
    amount = _flow_tree(step)
    turns = rule.cash_only or step.leg is Leg.CASH
    with exact():
        turns = turns and flow_amount(transaction, rule) < 0
    if turns:
        return derived("costs beyond the amount", amount.unit, Formula.NEGATIVE, (amount,))
    return amount


def value_tree(key: Key, step: Step, side: Side) -> Node:
    """Return what was paid or received in the key's own currency, or in the portfolio's."""
    amount, rates = amount_tree(step), step.rates
    if side is Side.LOCAL:
        return _converted(amount, rates.trade_to_local, step.currency, _booked(step, side))
    if step.leg is Leg.CASH:
        local = _converted(amount, rates.trade_to_local, step.currency, _booked(step, Side.LOCAL))
        return _converted(local, rates.to_base, key.base_currency, _booked(step, side))
    return _converted(amount, rates.trade_to_base, key.base_currency, _booked(step, side))


def move_tree(key: Key, step: Step) -> Node:
    """Return what a step added to the quantity; of cash, the amount that makes it up."""
    leaf = given(title_of(step), step.quantity, key.security_id, fact_of(step))
    if step.leg is Leg.MAIN and not RULES[step.transaction.type].cash_only:
        return leaf
    amount = value_tree(key, step, Side.LOCAL)
    if not step.quantity or amount.value != abs(step.quantity):
        return leaf
    formula = Formula.SUM if step.quantity > 0 else Formula.NEGATIVE
    return derived(title_of(step), key.security_id, formula, (amount,))


def cash_amount_tree(step: Step) -> Node:
    """Return a step's effect on the portfolio's cash, in the trade currency."""
    unit, label = step.transaction.trade_currency, f"cash moved by {title_of(step)}"
    if step.flow is None:
        return undefined(f"{label}: it is told with the main leg", unit)
    formula = Formula.SUM if RULES[step.transaction.type].cash_in else Formula.NEGATIVE
    node = derived(label, unit, formula, (_flow_tree(step),))
    return stated(node, step.flow.cash_amount)


def position_flow_tree(step: Step) -> Node:
    """Return the capital that a step put into (+) or took out of (-) the instrument."""
    unit = step.transaction.trade_currency
    label = f"capital moved by {title_of(step)}"
    if step.flow is None:
        return undefined(f"{label}: it is told with the main leg", unit)
    formula = Formula.SUM if step.flow.is_portfolio_flow else Formula.NEGATIVE
    node = derived(label, unit, formula, (cash_amount_tree(step),))
    return stated(node, step.flow.position_flow)


def base_flow_tree(step: Step, base_currency: str) -> Node:
    """Return a step's effect on the portfolio's cash in its base currency."""
    amount = cash_amount_tree(step)
    return _converted(amount, step.rates.trade_to_base, base_currency, None)


def fx_rate_tree(key: Key, step: Step) -> Node:
    """Return the rate from the key's own currency to the portfolio's that a step was booked at."""
    label = f"rate {step.currency}/{key.base_currency} of {title_of(step)}"
    below = step.rates.to_base
    if below is None:
        source = None if step.currency == key.base_currency else fact_of(step)
        return given(label, step.fx_rate, "", source)
    return stated(below, step.fx_rate)


def _flow_tree(step: Step) -> Node:
    transaction = step.transaction
    unit, fact = transaction.trade_currency, fact_of(step)
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


def _booked(step: Step, side: Side) -> Decimal | None:
    """Return what the book holds for an amount that no rate known now explains.

    It is what the step opened, or what it closed with its gain; None where neither says.
    """
    with exact():
        matched = sum((_part(match, side) for match in step.matches), ZERO)
        gain = step.gain(side)
        if gain is not None and step.matches:
            closing = matched + gain
            return abs(closing - (step.cost(side) + matched))
        if step.matches:
            return None
        return abs(step.cost(side))


def _part(match: Match, side: Side) -> Decimal:
    return match.cost_local if side is Side.LOCAL else match.cost_base


def _converted(amount: Node, rate: Node | None, unit: str, booked: Decimal | None) -> Node:
    """Return an amount in another currency; as it was booked where its rate is not known."""
    if rate is not None:
        return derived(f"{amount.label} in {unit}", unit, Formula.CONVERTED, (amount, rate))
    if amount.unit == unit:
        return amount
    label = f"{amount.label} in {unit}, at the rates known when it was booked"
    if booked is None:
        return undefined(f"{label}, which are not known now", unit)
    return given(label, booked, unit, amount.source)
