"""Before a trade: what the rules would say of orders, judged as if they were booked already.

The orders of a basket are judged one after the other, each with those before it done. Nothing is
stored.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.taxes import (
    household_history,
    wash_risk_of_purchase,
    wash_risk_of_sale,
)
from tidebook.compliance.trades import Side, only_reduces
from tidebook.compliance.verdicts import Status
from tidebook.compliance.walking import Judged, Walk
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import (
    AMERICA,
    CANADA,
    Asked,
    Markets,
    books_of,
    country_of,
    household_keys,
    household_of,
    superficial_terms,
    tax_verdicts,
    taxes_of,
    wash_terms,
)
from tidebook.engine.compliance.tax_risks import TaxRule, risks_of, superficial_rule
from tidebook.engine.user_trades import UserTrade, facts_of, unknown_instrument
from tidebook.engine.users import portfolio_id_of
from tidebook.errors import Fault, InvalidRequestError, UnknownPortfolioError
from tidebook.model.facts import TransactionType
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import converted, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.trades import Account, Trade
    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.book_facts import BookFacts, Rebuilt
    from tidebook.engine.compliance.judging import Taxes
    from tidebook.engine.compliance.ports import Household
    from tidebook.engine.compliance.tax_risks import TaxRisk
    from tidebook.model.facts import Transaction
    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_APART: Final = timedelta(microseconds=1)
POSITION_RULE: Final = "position_size_limit"


class Order(NamedTuple):
    """An order that is meant to be sent. Without a price it is taken at the last one known."""

    order_id: str
    portfolio_id: str
    security_id: str
    side: Side
    quantity: Decimal
    price: Decimal | None = None
    asset_class: str = ""


class OrderCheck(NamedTuple):
    """What the rules would say of an order.

    ``is_allowed`` says that none of them fails. ``max_additional_quantity`` is how much the limit
    of the position would still take, before the order. ``wash`` is what its country's rule on
    losses would make of it. ``refusal`` says why the book would not take the trade at all.
    """

    order: Order
    price: Decimal
    price_on: date | None
    verdicts: tuple[Verdict, ...]
    is_reduce_only: bool
    would_be_day_trade: bool
    max_additional_quantity: Decimal | None
    wash: TaxRisk | None
    refusal: str = ""

    @property
    def is_allowed(self) -> bool:
        """Whether the book would take it and no rule fails."""
        return not self.refusal and all(one.status is not Status.FAIL for one in self.verdicts)


def check_orders(
    household: Household,
    orders: Sequence[Order],
    at: datetime,
    through: Callable[[Rebuilt], Rebuilt] | None = None,
) -> tuple[OrderCheck, ...]:
    """Return what the rules would say of orders if they were done at an instant.

    Args:
        household: The accounts that are judged together.
        orders: The basket, one done after the other.
        at: When.
        through: What the books go through before they are judged; nothing unless told.

    Raises:
        UnknownPortfolioError: When one is for a portfolio outside the household.
        InvalidRequestError: When one has no price and none is known of its security.
    """
    facts = household.facts.facts
    supposed = supposed_trades(household.facts, orders, at)
    changed = facts._replace(
        instruments=supposed.instruments,
        transactions=[*facts.transactions, *supposed.transactions],
    )
    made = rebuilt(household.facts._replace(facts=changed))
    if through is not None:
        made = through(made)
    return _checked(made, household.policies, supposed.orders, at)


def account_of_order(user_id: str, account_id: str, known: Sequence[str]) -> str:
    """Return the portfolio that an order is for: an own one by id, else that of the account.

    A user with one portfolio need not name it.
    """
    if account_id in known:
        return account_id
    derived = portfolio_id_of(user_id, account_id)
    if not account_id and derived not in known and len(known) == 1:
        return known[0]
    return derived


class PricedOrder(NamedTuple):
    """An order with the price that it is taken at, and the day that is of where it is a quote."""

    order: Order
    portfolio: Portfolio
    price: Decimal
    price_on: date | None


class Supposed(NamedTuple):
    """Orders as the facts that they would be, one after the other, and what they are in."""

    orders: tuple[PricedOrder, ...]
    transactions: tuple[Transaction, ...]
    instruments: Mapping[str, Instrument]


def supposed_trades(given: BookFacts, orders: Sequence[Order], at: datetime) -> Supposed:
    """Return what orders would be if they were done at an instant.

    Raises:
        UnknownPortfolioError: When one is for a portfolio that is not among the facts.
        InvalidRequestError: When one has no price and none is known of its security.
    """
    priced = tuple(_priced(given, order, place, at) for place, order in enumerate(orders))
    instruments = dict(given.facts.instruments)
    found: list[Transaction] = []
    for place, one in enumerate(priced):
        known = instruments.get(one.order.security_id) or _unknown(one.order, one.portfolio)
        instruments[one.order.security_id] = known
        found.extend(_facts(one, known, at + place * _APART))
    return Supposed(priced, tuple(found), instruments)


def _priced(given: BookFacts, order: Order, place: int, at: datetime) -> PricedOrder:
    portfolio = given.facts.portfolios.get(order.portfolio_id)
    if portfolio is None:
        raise UnknownPortfolioError(order.portfolio_id)
    if order.price is not None:
        return PricedOrder(order, portfolio, order.price, None)
    quote = given.prices.get(order.security_id, NO_PRICES).as_of(at.date())
    if quote is None:
        fault = f"no price of {order.security_id} is known; send the one that you expect"
        raise InvalidRequestError([Fault(f"/orders/{place}/price", "price.unknown", fault)])
    return PricedOrder(order, portfolio, quote.price, quote.on)


def _unknown(order: Order, portfolio: Portfolio) -> Instrument:
    return unknown_instrument(order.security_id, order.asset_class, portfolio.base_currency)


def _facts(one: PricedOrder, instrument: Instrument, at: datetime) -> tuple[Transaction, ...]:
    order = one.order
    side = TransactionType.BUY if order.side is Side.BUY else TransactionType.SELL
    gross = converted(order.quantity * one.price, instrument.multiplier)
    trade = UserTrade(
        one.portfolio.cif_id, order.security_id, side, order.quantity, one.price, gross, at
    )
    return facts_of(trade, order.order_id, one.portfolio, instrument)


class FoundOrder(NamedTuple):
    """A trade of the basket, judged, what was held before it, and whether it is a day trade."""

    judged: Judged
    held: Decimal
    is_day_trade: bool


def found_on(walk: Walk, judged: Iterator[Judged], ids: Collection[str]) -> Iterator[FoundOrder]:
    """Give the trades of these ids as an account is walked along."""
    for one in judged:
        trade = one.trade
        if trade.trade_id in ids:
            last = walk.record.last
            closes = last is not None and last.closed_by == trade.trade_id
            yield FoundOrder(one, walk.holdings.held(trade.security_id), closes)


def _checked(
    made: Rebuilt,
    policies: Mapping[str, AccountPolicy],
    priced: Sequence[PricedOrder],
    at: datetime,
) -> tuple[OrderCheck, ...]:
    asked = Asked(policies, at.date() - timedelta(days=1), at.date())
    transactions = {fact.transaction_id: fact for fact in made.rests_on.facts.transactions}
    ids = {one.order.order_id for one in priced}
    taxes = taxes_of(made, asked)
    found: dict[str, FoundOrder] = {}
    markets = Markets(made.rests_on)
    for portfolio_id in dict.fromkeys(one.order.portfolio_id for one in priced):
        books = books_of(made, portfolio_id, policies, transactions, markets)
        walk = Walk(books)
        with exact():
            for one in found_on(walk, walk.go(asked.since), ids):
                found[one.judged.trade.trade_id] = with_taxes(one, books.account, taxes)
    trades = [one.judged.trade for one in found.values()]
    risks = _tax_risks(made, policies, trades)
    return tuple(
        order_check(one, found.get(one.order.order_id), risks, made.book.findings) for one in priced
    )


def with_taxes(one: FoundOrder, account: Account, taxes: Taxes) -> FoundOrder:
    """Return an order with what the tax rule of its account says, too."""
    trade, verdicts = one.judged
    return one._replace(judged=Judged(trade, verdicts + tax_verdicts(trade, account, taxes)))


def order_check(
    one: PricedOrder,
    found: FoundOrder | None,
    risks: Mapping[str, TaxRisk],
    findings: Mapping[str, Sequence[Finding]],
) -> OrderCheck:
    """Return what is said of an order; ``found`` is None where the book would not take it."""
    order = one.order
    if found is None:
        said = findings.get(order.order_id, ())
        why = said[0].sentence if said else "the book would not take it"
        return OrderCheck(
            order,
            one.price,
            one.price_on,
            (),
            is_reduce_only=False,
            would_be_day_trade=False,
            max_additional_quantity=None,
            wash=None,
            refusal=why,
        )
    verdicts = found.judged.verdicts
    room = next((each for each in verdicts if each.rule_id == POSITION_RULE), None)
    return OrderCheck(
        order,
        one.price,
        one.price_on,
        verdicts,
        only_reduces(found.judged.trade, found.held),
        found.is_day_trade,
        None if room is None else room.amount("max_additional_qty"),
        risks.get(order.order_id),
    )


def _tax_risks(
    made: Rebuilt, policies: Mapping[str, AccountPolicy], trades: Sequence[Trade]
) -> dict[str, TaxRisk]:
    terms, keys = wash_terms(made, policies), household_keys(made)
    events = [
        event
        for household in household_of(made, policies)
        for event in household_history(keys, household).events
    ]
    american = TaxRule(
        partial(wash_risk_of_sale, terms=terms), partial(wash_risk_of_purchase, terms=terms)
    )
    rules = {AMERICA: american, CANADA: superficial_rule(superficial_terms(terms, policies))}
    return risks_of(trades, events, partial(country_of, policies), rules)
