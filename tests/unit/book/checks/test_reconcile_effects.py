"""What transactions that wait would do to the keys of a portfolio."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.fixtures.booking import portfolio, trade
from tidebook.book.checks.reconcile_effects import moves, touches
from tidebook.model.facts import TransactionType
from tidebook.model.portfolios import Settlement

AUTO, EXPLICIT = portfolio(), portfolio(settlement=Settlement.EXPLICIT)
DAY = "2024-03-01"
BUY = trade("T", "BUY", "ACME", DAY, quantity="10", price="5", fee="2")
SELL = trade("T", "SELL", "ACME", DAY, quantity="10", price="5", fee="2")
DIVIDEND = trade("T", "DIVIDEND", "ACME", DAY, quantity="10", price="0.5", tax="1")
FEE = trade("T", "FEE", "ACME", DAY, quantity="1", price="7")
DEPOSIT = trade("T", "DEPOSIT", "CASH_USD", DAY, quantity="100", price="1")
TRANSFER = trade("T", "TRANSFER_IN", "ACME", DAY, quantity="3", price="5")


@pytest.mark.parametrize(
    ("fact", "main", "key", "quantity"),
    [
        (BUY, "ACME", "ACME", "10"),
        (BUY, "ACME", "CASH_USD", "-52"),
        (SELL, "ACME", "ACME", "-10"),
        (SELL, "ACME", "CASH_USD", "48"),
        (DIVIDEND, "ACME", "CASH_USD", "4"),
        # Kept under the security while its instrument is unknown; what it moves is the cash.
        (FEE, "ACME", "CASH_USD", "-7"),
        (DEPOSIT, "CASH_USD", "CASH_USD", "100"),
        (TRANSFER, "ACME", "ACME", "3"),
    ],
)
def test_a_waiting_transaction_moves_what_it_will_move(
    fact: object, main: str, key: str, quantity: str
) -> None:
    assert touches(fact, AUTO, main, key)  # pyright: ignore[reportArgumentType]
    assert moves(fact, main, key) == Decimal(quantity)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("fact", "main", "key"),
    [
        (BUY, "ACME", "CASH_EUR"),
        (BUY, "ACME", "OTHER"),
        (DIVIDEND, "ACME", "ACME"),
        (FEE, "ACME", "ACME"),
        (TRANSFER, "ACME", "CASH_USD"),
    ],
)
def test_it_touches_nothing_else(fact: object, main: str, key: str) -> None:
    assert not touches(fact, AUTO, main, key)  # pyright: ignore[reportArgumentType]


def test_where_cash_moves_by_hand_a_trade_moves_none() -> None:
    assert touches(BUY, EXPLICIT, "ACME", "ACME")
    assert not touches(BUY, EXPLICIT, "ACME", "CASH_USD")
    assert touches(DEPOSIT, EXPLICIT, "CASH_USD", "CASH_USD")


def test_cash_in_another_currency_than_the_trade_s_is_not_known() -> None:
    abroad = BUY._replace(trade_currency="EUR")
    assert touches(abroad, AUTO, "ACME", "CASH_USD")
    assert moves(abroad, "ACME", "CASH_USD") is None
    assert moves(abroad, "ACME", "ACME") == 10


def test_a_conversion_adds_what_it_leads_to_here() -> None:
    swap = BUY._replace(
        type=TransactionType.CONVERSION, to_security_id="NEW", to_quantity=Decimal(4)
    )
    assert touches(swap, AUTO, "ACME", "ACME")
    assert moves(swap, "ACME", "ACME") == -10
    assert touches(swap, AUTO, "ACME", "NEW")
    assert moves(swap, "ACME", "NEW") == 4
    assert not touches(swap._replace(to_portfolio_id="P9"), AUTO, "ACME", "NEW")
