"""A user's portfolios as one, and where a user's trades go."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.memory_book import MemoryBook
from tidebook.engine.user_trades import UserTrade, UserTrades
from tidebook.engine.users import (
    UserPolicy,
    default_portfolio,
    portfolio_id_of,
    rate_between,
    trade_id_of,
    user_book,
)
from tidebook.errors import MissingRateError, UnknownPortfolioError, UnknownUserError
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.markets import rate_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

D = Decimal


def day(number: int) -> date:
    return date(2024, 1, number)


def trade(symbol: str, quantity: str, price: str, on: int, **more: str) -> UserTrade:
    at = datetime(2024, 1, on, 15, tzinfo=UTC)
    gross = D(quantity) * D(price)
    return UserTrade(
        "u1",
        symbol,
        T(more.get("side", "BUY")),
        D(quantity),
        D(price),
        gross,
        at,
        external_id=more.get("external_id", ""),
        account_id=more.get("account_id", ""),
    )


def taker(book: MemoryBook) -> UserTrades:
    ids = iter(f"t{number}" for number in range(100))
    return UserTrades(book, book, UserPolicy("USD", "UTC"), lambda: next(ids))


def test_the_ids_of_two_users_never_meet() -> None:
    # "a" with account "b" and a user called "a:b" have two portfolios.
    assert portfolio_id_of("a", "b") != portfolio_id_of("a:b")
    assert portfolio_id_of("a%3Ab") != portfolio_id_of("a:b")
    assert trade_id_of("ab", "c") != trade_id_of("a", "bc")
    assert trade_id_of("u1", "ord-1") == trade_id_of("u1", "ord-1")


def test_a_default_portfolio_is_made_by_the_policy() -> None:
    made = default_portfolio("u1", "", day(2), UserPolicy("CAD", "America/Toronto"))
    assert (made.base_currency, made.time_zone) == ("CAD", "America/Toronto")
    assert (made.cif_id, made.allow_short) == ("u1", True)


def test_a_portfolio_without_a_day_keeps_its_last_value_in_the_sum() -> None:
    # One account: 10 A at 10 on the 2nd, closing at 11 on the 4th. The other: 1 B at 100 on the
    # 3rd. On the 3rd the first still counts with 100, on the 4th the other with its 100.
    book = MemoryBook()
    trades = taker(book)
    trades.take(trade("A", "10", "10", 2), "test")
    trades.take(trade("B", "1", "100", 3, account_id="two"), "test")
    quoted = (("A", 2, "10"), ("A", 4, "11"), ("B", 3, "100"))
    book.ingest_prices([Price(one, day(on), D(price), "USD") for one, on, price in quoted], "test")
    found = user_book(book, "u1")
    assert [one.portfolio_id for one in found.portfolios] == ["user:u1", "user:u1:two"]
    rows = {one.on: one for one in found.series.days}
    assert rows[day(2)].eod_market_value == 100
    assert (rows[day(3)].bod_market_value, rows[day(3)].eod_market_value) == (100, 200)
    assert (rows[day(3)].bod_cashflow, rows[day(4)].bod_cashflow) == (100, 0)
    assert rows[day(4)].eod_market_value == 210
    assert found.currency == "USD"


def test_what_goes_from_one_portfolio_to_another_is_no_flow() -> None:
    # 100 come in from outside on the 2nd and go from one account to the other on the 3rd.
    book = MemoryBook()
    policy = UserPolicy("USD", "UTC")
    book.ingest_portfolios(
        [
            default_portfolio("u1", account, day(1), policy)._replace(portfolio_type="")
            for account in ("", "two")
        ],
        "test",
    )
    moved = [
        ("in", "user:u1", T.DEPOSIT, 2),
        ("out", "user:u1", T.TRANSFER_OUT, 3),
        ("over", "user:u1:two", T.TRANSFER_IN, 3),
    ]
    book.ingest_transactions(
        [
            Transaction(
                identity, portfolio, "CASH_USD", kind, datetime(2024, 1, on, 15, tzinfo=UTC),
                None, D(100), D(1), D(100), "USD", "USD",
            )
            for identity, portfolio, kind, on in moved
        ],
        "test",
    )  # fmt: skip
    days = {one.on: one for one in user_book(book, "u1").series.days}
    assert (days[day(2)].bod_cashflow, days[day(2)].eod_market_value) == (100, 100)
    assert (days[day(3)].bod_cashflow, days[day(3)].eod_cashflow) == (0, 0)
    assert days[day(3)].eod_market_value == 100


def test_a_rate_between_currencies_is_known_or_an_error() -> None:
    rates = rate_table([Rate("EUR", "USD", day(2), D("1.1"))])
    assert rate_between(rates, "USD", "USD", day(1)) == 1
    assert rate_between(rates, "EUR", "USD", day(3)) == D("1.1")
    with pytest.raises(MissingRateError, match="from EUR to USD is known on or before 2024-01-01"):
        rate_between(rates, "EUR", "USD", day(1))


def test_who_has_no_portfolio_is_unknown() -> None:
    with pytest.raises(UnknownUserError):
        user_book(MemoryBook(), "u1")


def test_a_correction_to_nothing_left_takes_the_funding_back() -> None:
    # A sale for 10 with a fee of 1 paid 9 out. With a fee of 10 there is nothing to pay out.
    book = MemoryBook()
    trades = taker(book)
    sale = trade("A", "1", "10", 3, side="SELL", external_id="x")
    taken = trades.take(sale._replace(fee=D(1)), "test")
    assert set(book.facts) == {taken.trade_id, f"{taken.trade_id}:funding"}
    again = trades.take(sale._replace(fee=D(10)), "test")
    assert (again.trade_id, again.outcome) == (taken.trade_id, "corrected")
    assert set(book.facts) == {taken.trade_id}


def test_a_sale_whose_costs_exceed_it_is_paid_for_from_outside() -> None:
    book = MemoryBook()
    taken = taker(book).take(trade("A", "1", "10", 3, side="SELL")._replace(fee=D(12)), "test")
    money = book.facts[f"{taken.trade_id}:funding"][1]
    assert (money.type, money.gross) == (T.DEPOSIT, 2)


def test_what_was_sent_just_now_is_known_before_it_is_booked() -> None:
    class Slow(MemoryBook):
        """A book that has booked nothing yet."""

        def transaction(self, transaction_id: str, *, known_at: datetime | None = None) -> None:
            del transaction_id, known_at

    trades = taker(Slow())
    one = trade("A", "1", "10", 3, external_id="x")
    assert trades.take(one, "test").outcome == "new"
    assert trades.take(one, "test").outcome == "known"
    assert trades.take(one._replace(price=D(11), gross=D(11)), "test").outcome == "corrected"


def test_a_first_trade_is_booked_no_sooner_than_what_it_rests_on() -> None:
    class Slow(MemoryBook):
        """A book that has booked nothing yet."""

        def portfolio(self, portfolio_id: str, *, known_at: datetime | None = None) -> Portfolio:
            del known_at
            raise UnknownPortfolioError(portfolio_id)

        def instruments(
            self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
        ) -> tuple[Instrument, ...]:
            del security_ids, known_at
            return ()

    trades = taker(Slow())
    first = trades.take(trade("A", "1", "10", 3), "test").receipt
    second = trades.take(trade("A", "1", "10", 4), "test").receipt
    assert first is not None
    assert second is not None
    for receipt in (first, second):
        topics = [place.topic for place in receipt.reached]
        assert topics == ["instruments", "portfolios", "transactions"]
    assert first.reached[:2] == second.reached[:2], "the second one rests on what the first sent"
