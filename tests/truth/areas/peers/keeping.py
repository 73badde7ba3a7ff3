"""Keeping a case's book from transactions that state what moved, costs included.

``net`` is the cash moved: purchases add their costs to the gross amount, all else takes them off.
An account of a case is a portfolio of its own, since lots are matched inside one.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.fixtures.booking import Book, portfolio, security
from tidebook.book.checks.implied_prices import implied_prices, until_quoted
from tidebook.book.earnings import KeptBook, period_earnings
from tidebook.book.positions import positions
from tidebook.book.series import Market
from tidebook.book.valuation import Held, value_position
from tidebook.book.whole import Facts as WholeFacts, build
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import (
    Price,
    Rate,
    Transaction,
    TransactionType,
    before_costs,
    before_taxes,
)
from tidebook.model.markets import NO_PRICES, price_table, rate_table
from tidebook.model.money import ZERO, exact, quotient
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.truth.cases import Content
    from tidebook.book.earnings import PeriodEarnings
    from tidebook.book.valuation import Valuation
    from tidebook.book.whole import WholeBook
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes, RateTable
    from tidebook.model.portfolios import Portfolio

PAID = frozenset({TransactionType.BUY, TransactionType.TRANSFER_IN})
# In an account without cash a purchase is a delivery in, and a sale is a delivery out at a gain.
AS_TRADES = {"DELIVER_IN": "BUY", "DELIVER_OUT": "SELL", "TRANSFER": "TRANSFER_IN_KIND"}
AS_TRANSFERS = {**AS_TRADES, "DELIVER_IN": "TRANSFER_IN", "DELIVER_OUT": "TRANSFER_OUT"}


class Facts(NamedTuple):
    """What a case states, by account."""

    base_currency: str
    by_account: Mapping[str, tuple[Transaction, ...]]
    instruments: tuple[Instrument, ...]
    prices: Mapping[str, PriceQuotes]
    rates: RateTable
    last_day: date
    period: Span | None
    """The days after the closing value at which the case's period starts."""
    actions: tuple[CorporateAction, ...] = ()

    def before_costs(self) -> Facts:
        """Return the facts as they would have been without fees and taxes."""
        return self._replace(
            by_account={
                account: tuple(map(before_costs, facts))
                for account, facts in self.by_account.items()
            }
        )

    def before_taxes(self) -> Facts:
        """Return the facts as they would have been without taxes."""
        return self._replace(
            by_account={
                account: tuple(map(before_taxes, facts))
                for account, facts in self.by_account.items()
            }
        )

    def with_implied_prices(self) -> Facts:
        """Return the facts with the prices of trades in place until the first quote."""
        implied = implied_prices(self.transactions)
        return self._replace(prices=until_quoted(self.prices, implied))

    def of_security(self, security_id: str) -> Facts:
        """Return the facts of one security in all accounts together."""
        own = [fact for fact in self.transactions if fact.security_id == security_id]
        return self._replace(by_account={"": tuple(own)}).pooled()

    def pooled(self) -> Facts:
        """Return the facts with all accounts in one."""
        inside = [fact for fact in self.transactions if not fact.to_portfolio_id]
        return self._replace(
            by_account={"": tuple(fact._replace(portfolio_id="") for fact in inside)}
        )

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        """Every transaction of every account."""
        return tuple(fact for facts in self.by_account.values() for fact in facts)

    def books(
        self,
        method: CostMethod = CostMethod.FIFO,
        settlement: Settlement = Settlement.EXPLICIT,
        *,
        allow_short: bool = False,
    ) -> list[Book]:
        """Return the book of each account that has transactions or receives any."""
        kept = portfolio(
            self.base_currency, cost_method=method, settlement=settlement, allow_short=allow_short
        )
        receiving = {fact.to_portfolio_id for fact in self.transactions if fact.to_portfolio_id}
        accounts = {
            account: kept._replace(portfolio_id=account)
            for account in sorted(self.by_account.keys() | receiving)
        }
        known = {instrument.security_id: instrument for instrument in self.instruments}
        whole = build(
            WholeFacts(accounts, known, self.transactions, self.rates, ActionTable(self.actions))
        )
        return [_book(whole, account, known) for account in accounts.values()]

    def valued(self, book: Book, key: str) -> Valuation:
        """Return a position's valuation on the last day that the case mentions."""
        position = positions(book.entries, self.last_day)[key]
        currency = book.currencies()[key]
        held = Held(position.quantity, position.cost_local, position.cost_base, currency)
        quote = self.prices.get(key, NO_PRICES).as_of(self.last_day)
        return value_position(held, quote, self.rates, self.base_currency, self.last_day)


def _book(whole: WholeBook, account: Portfolio, known: Mapping[str, Instrument]) -> Book:
    mine = {key[1]: one for key, one in whole.keys.items() if key[0] == account.portfolio_id}
    # That a portfolio's findings are all of the case's is enough: no case may have one.
    findings = tuple(finding for found in whole.findings.values() for finding in found)
    return Book(
        account,
        known,
        {key: folded.holding for key, folded in mine.items()},
        {key: folded.entries for key, folded in mine.items()},
        findings,
    )


def facts_of(case: Content, deliveries: Mapping[str, str] = AS_TRADES) -> Facts:
    """Return the facts of a case."""
    base = case["base_currency"]
    currencies = {known["id"]: known["currency"] for known in case.get("instruments", [])}
    by_account: dict[str, list[Transaction]] = defaultdict(list)
    actions: list[CorporateAction] = []
    for number, written in enumerate(case["transactions"], 1):
        if written["type"] == "SPLIT":
            actions.append(_split(written, f"a{number:03}"))
            continue
        fact = _transaction(written, f"t{number:03}", base, deliveries)
        by_account[written.get("account", "")].append(fact)
        if "instrument" in written:
            currencies.setdefault(fact.security_id, fact.trade_currency)
    days = [date.fromisoformat(row["date"]) for row in (*case["transactions"], *case["prices"])]
    if "period" in case:
        days.append(date.fromisoformat(case["period"]["end"]))
    prices = [
        Price(
            row["instrument"],
            date.fromisoformat(row["date"]),
            Decimal(row["price"]),
            row.get("currency") or currencies.get(row["instrument"], base),
        )
        for row in case["prices"]
    ]
    rates = [
        Rate(row["from"], row["to"], date.fromisoformat(row["date"]), Decimal(row["rate"]))
        for row in case["fx"]
    ]
    return Facts(
        base,
        {account: tuple(facts) for account, facts in by_account.items()},
        tuple(security(known, currency) for known, currency in currencies.items()),
        price_table(prices),
        rate_table(rates),
        max(days),
        _period(case),
        tuple(actions),
    )


def _split(written: Content, identity: str) -> CorporateAction:
    ratio = written["recorded_fx"]
    return CorporateAction(
        identity,
        ActionType.SPLIT,
        written["instrument"],
        date.fromisoformat(written["date"]),
        new_units=Decimal(ratio["numerator"]),
        old_units=Decimal(ratio["denominator"]),
    )


def _period(case: Content) -> Span | None:
    if "period" not in case:
        return None
    start, end = (date.fromisoformat(case["period"][name]) for name in ("start", "end"))
    return Span(start + timedelta(days=1), end) if start < end else None


def _transaction(
    written: Content, identity: str, base: str, deliveries: Mapping[str, str]
) -> Transaction:
    kind = TransactionType(deliveries.get(written["type"], written["type"]))
    fee, tax = Decimal(written.get("fee", "0")), Decimal(written.get("tax", "0"))
    quantity = Decimal(written.get("quantity", "0"))
    if "net" in written:
        net = Decimal(written["net"])
        gross = net - fee - tax if kind in PAID else net + fee + tax
    else:
        gross = Decimal(written.get("price", "0")) * quantity
    currency = written.get("currency", base)
    rate: Decimal | None = None
    traded_in, traded = currency, gross
    if "recorded_fx" in written:
        traded_in = written["recorded_fx"]["currency"]
        traded = Decimal(written["recorded_fx"]["gross"])
        with exact():
            rate = quotient(gross, traded)
            fee, tax = quotient(fee * traded, gross), quotient(tax * traded, gross)
    on = date.fromisoformat(written["date"])
    at = datetime.combine(on, time(tzinfo=UTC)) + timedelta(seconds=written.get("seq", 0))
    return Transaction(
        transaction_id=identity,
        portfolio_id=written.get("account", ""),
        security_id=written.get("instrument", "CASH"),
        type=kind,
        traded_at=at,
        trade_date=None,
        quantity=quantity,
        price=Decimal(written.get("price", "0")),
        gross=traded,
        trade_currency=traded_in,
        currency=currency,
        fee=fee,
        tax=tax,
        fx_rate=rate if currency == base else None,
        to_portfolio_id=written.get("to_account", ""),
    )


def earnings_of(facts: Facts, book: Book, span: Span) -> PeriodEarnings:
    """Return what changed the value of a kept book over the days of a span."""
    known = {fact.transaction_id: fact for fact in facts.transactions}
    kept = KeptBook(book.entries, known, book.instruments)
    market = Market(facts.prices, facts.rates, facts.base_currency, {})
    return period_earnings(kept, span, market)


def total_of(amounts: Sequence[Decimal | None]) -> Decimal:
    """Return the sum of amounts, all of which must be known."""
    assert None not in amounts, "an amount is undefined"
    with exact():
        return sum((amount for amount in amounts if amount is not None), ZERO)


def assert_near(actual: Decimal | None, expected: str, tolerance: str, about: str) -> None:
    """Assert that an amount is within the case's tolerance."""
    assert actual is not None, f"{about} is undefined, expected {expected}"
    assert abs(actual - Decimal(expected)) <= Decimal(tolerance), f"{about}: {actual}"
