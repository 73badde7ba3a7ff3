"""Keeping a case's book: its transactions, as it writes them, in a portfolio that settles by hand.

The cases state their cash legs as transactions of their own, or leave cash out.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.fixtures.booking import keep_book, portfolio, security
from tidebook.book.series import Market, daily_series, held_steps, portfolio_flows
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import built_in_instrument
from tidebook.model.markets import price_table, rate_table
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.fixtures.booking import Book
    from tests.truth.cases import Content
    from tidebook.book.series import PortfolioDay
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes, RateTable
    from tidebook.model.portfolios import Portfolio


class Facts(NamedTuple):
    """What a case states: its transactions in order of arrival, prices and rates."""

    portfolio: Portfolio
    transactions: tuple[Transaction, ...]
    instruments: tuple[Instrument, ...]
    prices: Mapping[str, PriceQuotes]
    rates: RateTable

    def book(self) -> Book:
        """Return the book of these facts."""
        return keep_book(self.transactions, self.portfolio, self.instruments, self.rates)

    def series(self, days: Sequence[date]) -> tuple[PortfolioDay, ...]:
        """Return the daily series of these facts."""
        book = self.book()
        holdings = held_steps(book.entries, book.currencies(), book.cash_keys())
        market = Market(self.prices, self.rates, self.portfolio.base_currency, {})
        return daily_series(days, holdings, portfolio_flows(book.entries), market)


def facts_of(inputs: Content, *, settlement: Settlement = Settlement.EXPLICIT) -> Facts:
    """Return the facts of a case's inputs."""
    base = inputs.get("base_ccy") or inputs.get("base") or "USD"
    method = CostMethod(inputs.get("method", "FIFO"))
    written = inputs.get("transactions", [])
    transactions = tuple(
        transaction_of(content, f"t{number:02}", base) for number, content in enumerate(written, 1)
    )
    return Facts(
        portfolio(
            base,
            cost_method=method,
            settlement=settlement,
            allow_short=inputs.get("allow_short", False),
        ),
        transactions,
        tuple(_instruments(transactions)),
        price_table(_prices(inputs, base)),
        rate_table(
            Rate(source, target, date.fromisoformat(on), Decimal(rate))
            for source, target, on, rate in inputs.get("fx", [])
        ),
    )


def transaction_of(content: Content, identity: str, base: str) -> Transaction:
    """Return a transaction as a case writes it; without an id it gets the one given."""
    at = datetime.fromisoformat(content["at"]).astimezone(UTC) if "at" in content else None
    currency = content.get("ccy", base)
    gross = Decimal(content.get("gross", "0"))
    quantity = Decimal(content.get("qty", "0"))
    return Transaction(
        transaction_id=content.get("id", identity),
        portfolio_id="P1",
        security_id=content.get("security", "S1"),
        type=TransactionType(content["type"]),
        traded_at=at,
        trade_date=None if at else date.fromisoformat(content["date"]),
        quantity=quantity,
        price=Decimal(content.get("price") or "0"),
        gross=gross,
        trade_currency=currency,
        currency=currency,
        fee=Decimal(content.get("fee", "0")),
        tax=Decimal(content.get("tax", "0")),
        accrued_interest=Decimal(content.get("accrued_interest", "0")),
        fx_rate=Decimal(content["fx"]) if content.get("fx") else None,
    )


def _instruments(transactions: Iterable[Transaction]) -> Iterable[Instrument]:
    currencies = {fact.security_id: fact.trade_currency for fact in transactions}
    for security_id, currency in currencies.items():
        if built_in_instrument(security_id, currency) is not None:
            yield security(security_id, currency, "Cash")
        else:
            yield security(security_id, currency)


def _prices(inputs: Content, base: str) -> Iterable[Price]:
    """Return a case's prices: rows, or a mapping by day, or one a security as of a day."""
    written = inputs.get("prices", [])
    if "price" in inputs and isinstance(inputs["price"], list):
        written = [inputs["price"]]
    if isinstance(written, list):
        for security_id, on, price, currency in written:
            yield Price(security_id, date.fromisoformat(on), Decimal(price), currency)
        return
    for key, value in written.items():
        if isinstance(value, dict):
            for security_id, price in value.items():
                yield Price(security_id, date.fromisoformat(key), Decimal(price), base)
        elif isinstance(value, str):
            yield Price(key, date.fromisoformat(inputs["as_of"]), Decimal(value), base)
        elif key != "dates":
            for on, price in zip(written["dates"], value, strict=True):
                yield Price(key, date.fromisoformat(on), Decimal(price), base)


def assert_amount(actual: Decimal | None, expected: str | None, about: str) -> None:
    """Assert that an amount is exactly the expected one.

    The cases write what does not terminate to 10 places, so an amount that is longer is compared
    there.
    """
    if expected is None or actual is None:
        assert actual is None, f"{about}: {actual}, where nothing is defined"
        assert expected is None, f"{about}: undefined, expected {expected}"
        return
    wanted = Decimal(expected)
    assert actual == wanted or round(actual, 10) == wanted, f"{about}: {actual}, not {expected}"
