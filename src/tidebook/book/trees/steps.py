"""What one fact did to one key, and where its amounts come from.

A step is an entry of the book with the fact behind it and the rates that it was booked at. Every
amount is formed from the fact's own numbers: what was paid or received in the trade currency,
brought into the currency of the key and into the portfolio's.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import RULES
from tidebook.book.derivation import (
    Formula,
    Source,
    SourceKind,
    derived,
    given,
    stated,
    undefined,
)
from tidebook.book.events import CARRIES
from tidebook.book.postings import EffectKind, Leg
from tidebook.model.facts import TransactionType, instant
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.derivation import (
        Node,
    )
    from tidebook.book.lots import KeyRules, Lot, LotRule, Match
    from tidebook.book.postings import Effect, Posting
    from tidebook.model.actions import CorporateAction
    from tidebook.model.facts import Transaction


AS_BOOKED = "as it was booked"
"""What is said of a leaf that nothing known now explains further."""


class Key(NamedTuple):
    """Whose figures are explained: a security of a portfolio, and how its lots are kept.

    One unit is worth its price times ``multiplier``; nothing is paid for what is held
    ``on_margin``. ``rules`` say more than ``rule`` where the method changes.
    """

    portfolio_id: str
    security_id: str
    currency: str
    base_currency: str
    rule: LotRule
    is_cash: bool = False
    multiplier: Decimal = ONE
    on_margin: bool = False
    rules: KeyRules | None = None

    def rule_on(self, on: date) -> LotRule:
        """Return the rule in force on a day."""
        return self.rule if self.rules is None else self.rules.rule_on(on)


class Side(StrEnum):
    """In which currency costs and gains are told."""

    LOCAL = "local"
    BASE = "base"


class StepRates(NamedTuple):
    """The rates of a step; None where one currency is the other, or where the rate is not known.

    ``trade_to_local`` and ``trade_to_base`` convert the amounts of the fact: of a transaction from
    its trade currency, of a corporate action from the currency of its cash. ``to_base`` converts
    the key's own currency: it splits a gain into price and currency, and a cash leg, whose amount
    has been brought into its own currency before, goes on by it. ``from_local`` and ``from_base``
    convert what was carried here; ``to_cash`` what a holding determines.
    """

    trade_to_local: Node | None = None
    trade_to_base: Node | None = None
    to_base: Node | None = None
    from_local: Node | None = None
    from_base: Node | None = None
    to_cash: Node | None = None


class Carried(NamedTuple):
    """A part of a lot on its way to another key."""

    lot: Lot
    cost: Node


class Brought(NamedTuple):
    """What another key sent with the same fact: parts of lots, or cash that it determined."""

    place: str
    local: tuple[Carried, ...] = ()
    base: tuple[Carried, ...] = ()
    settled: Node | None = None

    def parts(self, side: Side) -> tuple[Carried, ...]:
        """The parts of lots, with their costs in one currency."""
        return self.local if side is Side.LOCAL else self.base


class Exercise(NamedTuple):
    """The trade in the underlying that an exercise or an assignment is."""

    security_id: str
    units: Decimal
    strike: Decimal | None
    buys: bool


class Flow(NamedTuple):
    """What a step moved across the instrument's border, in the trade currency."""

    classification: str
    timing: str
    is_portfolio_flow: bool
    cash_amount: Decimal
    position_flow: Decimal


class Step(NamedTuple):
    """One fact's booked effect on one key, with the fact behind it.

    ``quantity`` and the costs are changes; ``currency`` is the key's own. ``transaction`` is None
    where the fact is a corporate action, or a change of method; ``posting`` is what the fact asks
    of the key, None where that cannot be told. ``place`` is the step's place inside its key,
    ``contract`` what one unit stands for in its transaction's security.
    """

    transaction: Transaction | None
    version: int | None
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
    opens: tuple[Lot, ...] = ()
    posting: Posting | None = None
    action: CorporateAction | None = None
    identity: str = ""
    kind: str = ""
    place: int = 0
    contract: Decimal = ONE
    brought: Brought | None = None
    exercise: Exercise | None = None

    @property
    def order(self) -> tuple[date, int, datetime | None, int, str, str]:
        """The place of this step inside its key, as in ``Posting.order``."""
        rank = 1 + (self.quantity < 0) - (self.quantity > 0)
        at = None if self.transaction is None else instant(self.transaction)
        return (self.on, self.place, at, rank, self.name[0], self.leg)

    @property
    def name(self) -> tuple[str, Leg]:
        """What tells this step from the others of its key."""
        known = self.transaction
        return (self.identity or ("" if known is None else known.transaction_id), self.leg)

    @property
    def effect(self) -> Effect | None:
        """What it does beyond adding or removing units at an amount."""
        return None if self.posting is None else self.posting.effect

    @property
    def does(self) -> EffectKind | None:
        """What kind of effect it has; None for plain units at an amount."""
        return None if self.effect is None else self.effect.kind

    @property
    def on_margin(self) -> bool:
        """Whether nothing but costs and gains moved cash."""
        return self.effect is not None and self.effect.on_margin

    def cost(self, side: Side) -> Decimal:
        """The change of the key's cost."""
        return self.cost_local if side is Side.LOCAL else self.cost_base

    def gain(self, side: Side) -> Decimal | None:
        """What was realised; None where nothing was."""
        return self.realised_local if side is Side.LOCAL else self.realised_base


def unit_of(key: Key, side: Side) -> str:
    """Return the currency that a side of a key is told in."""
    return key.currency if side is Side.LOCAL else key.base_currency


def cost_of(lot: Lot, side: Side) -> Decimal:
    """Return what a lot cost, in the currency of a side."""
    return lot.cost_local if side is Side.LOCAL else lot.cost_base


def title_of(step: Step) -> str:
    """Return what a step is called in a tree: type, id and day of its fact."""
    if step.action is not None:
        return f"{step.action.type} {step.action.action_id} of {step.on}"
    kind = step.kind if step.transaction is None else step.transaction.type
    return f"{kind} {step.name[0]} of {step.on}"


def fact_of(step: Step) -> Source | None:
    """Return the fact that a step's own numbers come from; None for a change of method."""
    if step.action is not None:
        return Source(SourceKind.ACTION, step.action.action_id, version=step.version)
    if step.leg is Leg.METHOD or not step.name[0]:
        return None
    return Source(SourceKind.TRANSACTION, step.name[0], version=step.version)


def amount_tree(step: Step) -> Node:
    """Return what was paid or received, in the trade currency, from the fact's own numbers.

    Never negative but for a sale whose costs exceed what it brought.
    """
    transaction = step.transaction
    if transaction is None:
        return undefined("amount: the fact states none", step.currency)
    unit = transaction.trade_currency
    if transaction.type in CARRIES:
        return _carried_amount(step, transaction)
    rule = RULES[transaction.type]
    if step.leg is Leg.MAIN:
        if step.does is EffectKind.END and not step.on_margin:
            return given("worth nothing when it expires", ZERO, unit, fact_of(step))
        plain = not rule.settles and not rule.cash_only and not rule.in_kind
        if plain or step.on_margin:
            return _gross(step, transaction)
    amount = _flow_tree(step, transaction)
    turns = rule.cash_only or step.leg is Leg.CASH
    if turns and amount.value is not None and amount.value < 0:
        return derived("costs beyond the amount", amount.unit, Formula.NEGATIVE, (amount,))
    return amount


def value_tree(key: Key, step: Step, side: Side) -> Node:
    """Return what was paid or received in the key's own currency, or in the portfolio's."""
    if step.brought is not None and step.brought.settled is not None:
        return _settled(key, step, step.brought.settled, side)
    amount, rates = amount_tree(step), step.rates
    if side is Side.LOCAL:
        return converted_tree(amount, rates.trade_to_local, step.currency, _booked(step, side))
    if step.leg is Leg.CASH:
        booked = _booked(step, Side.LOCAL)
        local = converted_tree(amount, rates.trade_to_local, step.currency, booked)
        return converted_tree(local, rates.to_base, key.base_currency, _booked(step, side))
    return converted_tree(amount, rates.trade_to_base, key.base_currency, _booked(step, side))


def _settled(key: Key, step: Step, settled: Node, side: Side) -> Node:
    """Return cash in the amount that a holding determined, without its sign."""
    amount = settled
    if settled.value is not None and settled.value < 0:
        amount = derived("paid for it", settled.unit, Formula.NEGATIVE, (settled,))
    if side is Side.LOCAL:
        return amount
    return converted_tree(amount, step.rates.to_base, key.base_currency, _booked(step, side))


def cash_amount_tree(step: Step) -> Node:
    """Return a step's effect on the portfolio's cash, in the trade currency."""
    known = step.transaction
    unit = step.currency if known is None else known.trade_currency
    label = f"cash moved by {title_of(step)}"
    if step.flow is None or known is None:
        return undefined(f"{label}: nothing flows on this leg", unit)
    rule, carries = RULES[known.type], known.type in CARRIES
    amount = _carried_amount(step, known) if carries else _flow_tree(step, known)
    comes_in = amount.value == step.flow.cash_amount if carries else rule.cash_in
    formula = Formula.SUM if comes_in else Formula.NEGATIVE
    return stated(derived(label, unit, formula, (amount,)), step.flow.cash_amount)


def position_flow_tree(step: Step) -> Node:
    """Return the capital that a step put into (+) or took out of (-) the instrument."""
    known = step.transaction
    unit = step.currency if known is None else known.trade_currency
    label = f"capital moved by {title_of(step)}"
    if step.flow is None or known is None:
        return undefined(f"{label}: nothing flows on this leg", unit)
    if RULES[known.type].in_kind and not step.flow.is_portfolio_flow:
        return given(f"{label}: income in units stays in the instrument", ZERO, unit)
    formula = Formula.SUM if step.flow.is_portfolio_flow else Formula.NEGATIVE
    node = derived(label, unit, formula, (cash_amount_tree(step),))
    return stated(node, step.flow.position_flow)


def base_flow_tree(step: Step, base_currency: str) -> Node:
    """Return a step's effect on the portfolio's cash in its base currency."""
    amount = cash_amount_tree(step)
    return converted_tree(amount, step.rates.trade_to_base, base_currency, None)


def fx_rate_tree(key: Key, step: Step) -> Node:
    """Return the rate from the key's own currency to the portfolio's that a step was booked at."""
    label = f"rate {step.currency}/{key.base_currency} of {title_of(step)}"
    below = step.rates.to_base
    if below is None:
        source = None if step.currency == key.base_currency else fact_of(step)
        return given(label, step.fx_rate, "", source)
    return stated(below, step.fx_rate)


def _gross(step: Step, transaction: Transaction) -> Node:
    """Return a gross amount; of contracts, where it was derived, times what one stands for."""
    unit, fact = transaction.trade_currency, fact_of(step)
    gross = given("gross amount", transaction.gross, unit, fact)
    with exact():
        was_derived = transaction.gross == transaction.quantity * transaction.price
    if step.contract == ONE or not was_derived:
        return gross
    times = given(f"multiplier of {transaction.security_id}", step.contract, "")
    label = "gross amount with the multiplier"
    return derived(label, unit, Formula.PRODUCT, (gross, times))


def _flow_tree(step: Step, transaction: Transaction) -> Node:
    unit, fact = transaction.trade_currency, fact_of(step)
    rule = RULES[transaction.type]
    costs = [("fee", transaction.fee), ("tax", transaction.tax)]
    interest = ("accrued interest", transaction.accrued_interest)
    gross = _gross(step, transaction)
    if rule.costs_add:
        costs.append(interest)
    elif rule.cash_in and rule.realises and interest[1]:
        paid = given(interest[0], interest[1], unit, fact)
        gross = derived("gross amount and accrued interest", unit, Formula.SUM, (gross, paid))
    leaves = [given(label, value, unit, fact) for label, value in costs if value]
    if not leaves:
        return gross
    formula = Formula.SUM if rule.costs_add else Formula.DIFFERENCE
    label = "gross amount and costs" if rule.costs_add else "gross amount less costs"
    return derived(label, unit, formula, (gross, *leaves))


def _carried_amount(step: Step, transaction: Transaction) -> Node:
    """Return the amount of a carry: its stated value, its costs, or what an exercise trades at."""
    unit, fact = transaction.trade_currency, fact_of(step)
    costs = [
        given(label, value, unit, fact)
        for label, value in (("fee", transaction.fee), ("tax", transaction.tax))
        if value
    ]
    exercised = transaction.type in {TransactionType.EXERCISE, TransactionType.ASSIGNMENT}
    if not exercised:
        if step.leg is Leg.CASH:
            return derived("costs", unit, Formula.SUM, costs)
        return given("value stated for it", transaction.gross, unit, fact)
    gross = _strike_amount(step, transaction)
    if not costs:
        return gross
    buys = _buys(step)
    label = "amount and costs" if buys else "amount less costs"
    formula = Formula.SUM if buys else Formula.DIFFERENCE
    return derived(label, unit, formula, (gross, *costs))


def _strike_amount(step: Step, transaction: Transaction) -> Node:
    """Return what an exercise pays or brings: as stated, or strike x units."""
    exercise = step.exercise
    unit, fact = transaction.trade_currency, fact_of(step)
    if transaction.price or transaction.gross or exercise is None or exercise.strike is None:
        return _gross(step, transaction)
    below = (
        given(f"strike of {transaction.security_id}", exercise.strike, unit),
        given("units", exercise.units, exercise.security_id, fact),
    )
    return derived("strike times units", unit, Formula.PRODUCT, below)


def _buys(step: Step) -> bool:
    return step.exercise is not None and step.exercise.buys


def _booked(step: Step, side: Side) -> Decimal | None:
    """Return what the book holds for an amount that no rate known now explains.

    It is what the step opened, or what it closed with its gain; None where neither says.
    """
    with exact():
        matched = sum((cost_of(match, side) for match in step.matches), ZERO)
        gain = step.gain(side)
        if gain is not None and step.matches:
            closing = matched + gain
            return abs(closing - (step.cost(side) + matched))
        if step.matches:
            return None
        return abs(step.cost(side))


def converted_tree(
    amount: Node, rate: Node | None, unit: str, booked: Decimal | None = None
) -> Node:
    """Return an amount in another currency; as it was booked where its rate is not known."""
    if rate is not None:
        return derived(f"{amount.label} in {unit}", unit, Formula.CONVERTED, (amount, rate))
    if amount.unit == unit:
        return amount
    label = f"{amount.label} in {unit}, at the rates known when it was booked"
    if booked is None:
        return undefined(f"{label}, which are not known now", unit)
    return given(label, booked, unit, amount.source)
