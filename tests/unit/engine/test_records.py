from datetime import date
from decimal import Decimal

import pytest

from tests.fixtures.engine_facts import trade
from tidebook.book.derivation import Source, SourceKind
from tidebook.engine.record_origins import origins_of
from tidebook.engine.records import (
    ORIGIN,
    assertion_from,
    assertion_record,
    price_record,
    rate_record,
    transaction_from,
    transaction_record,
)
from tidebook.engine.topics import RAW_FX_RATES, RAW_MARKET_PRICES, RAW_TRANSACTIONS
from tidebook.model.assertions import BalanceAssertion
from tidebook.model.facts import Price, Rate, content_hash


def test_a_transaction_comes_back_from_its_record_as_it_was() -> None:
    fact = trade("T1", -3, 7)._replace(fee=Decimal("1.25"), fx_rate=Decimal("1.1"), note="a\tb")
    assert transaction_from(transaction_record(fact)) == fact  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1E+20", "100000000000000000000", "1E-19", "ten", ""]
)
def test_a_number_that_cannot_be_stored_is_refused(text: str) -> None:
    record = {**transaction_record(trade("T1", 1, 1)), "quantity": text}
    with pytest.raises(ValueError, match=r"number|finite"):
        transaction_from(record)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "text", ["99999999999999999999", "0.000000000000000001", "1E+2", "-5", "12.50"]
)
def test_a_number_that_can_be_stored_keeps_its_value(text: str) -> None:
    record = {**transaction_record(trade("T1", 1, 1)), "quantity": text}
    assert transaction_from(record).quantity == Decimal(text)  # pyright: ignore[reportArgumentType]


def test_records_say_where_they_were_read_from() -> None:
    on = date(2024, 1, 2)
    price = {name: str(value) for name, value in price_record(_price(on)).items()}
    rate = {name: str(value) for name, value in rate_record(_rate(on)).items()}
    assert origins_of(RAW_MARKET_PRICES, [price, price | {ORIGIN: "p.csv:2"}]) == [
        (Source(SourceKind.PRICE, "ACME", on), "p.csv:2", "")
    ]
    assert origins_of(RAW_FX_RATES, [rate | {ORIGIN: "r.csv:3"}]) == [
        (Source(SourceKind.RATE, "USD/EUR", on), "r.csv:3", "")
    ]
    bought = trade("T1", 1, 1)
    record = {name: str(value) for name, value in transaction_record(bought).items()}
    assert origins_of(RAW_TRANSACTIONS, [record | {ORIGIN: "t.csv:4"}]) == [
        (Source(SourceKind.TRANSACTION, "T1"), "t.csv:4", content_hash(bought))
    ]


def _price(on: date) -> Price:
    return Price("ACME", on, Decimal(9), "USD")


def _rate(on: date) -> Rate:
    return Rate("USD", "EUR", on, Decimal(1))


def test_an_assertion_comes_back_from_its_record_as_it_was() -> None:
    plain = BalanceAssertion("A1", "P1", "ACME", date(2024, 3, 28), Decimal("-12.5"))
    full = plain._replace(
        tolerance=Decimal("0.01"), source="Broker", note="page\t3", is_cancelled=True
    )
    for fact in (plain, full):
        assert assertion_from(assertion_record(fact)) == fact  # pyright: ignore[reportArgumentType]
