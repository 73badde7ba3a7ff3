"""The quick and the patient way into the book make the same facts of the same bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tidebook.api.rows import kinds as rows, quick
from tidebook.api.rows.bodies import facts_of
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.quick import TransactionRow
from tidebook.api.rows.reader import camel
from tidebook.model.facts import Price, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)
FULL = {
    "transaction_id": "T-1",
    "portfolio_id": "P-1",
    "security_id": "S-1",
    "instrument_id": "I-1",
    "transaction_date": "2024-01-02T10:00:00.123456+01:00",
    "transaction_type": "BUY",
    "quantity": 10.5,
    "price": "3.25",
    "gross_transaction_amount": 34.125,
    "trade_currency": "USD",
    "currency": "EUR",
    "trade_fee": 1,
    "tax": "0.5",
    "accrued_interest": "0.25",
    "transaction_fx_rate": "1.1",
    "settlement_date": "2024-01-04",
    "note": "first",
}
LEAST = {name: FULL[name] for name in (*rows.TRANSACTIONS.required, "quantity", "price")}
GROSS = {"gross_transaction_amount": "7.10"}
VARIANTS: list[dict[str, Any]] = [
    FULL,
    LEAST,
    {**FULL, "transaction_date": "2024-01-02", "settlement_date": None},
    {**LEAST, "instrument_id": "", "note": "", "settlement_date": ""},
    {**LEAST, "transaction_type": "DIVIDEND", "quantity": 0, "gross_transaction_amount": 5},
    {camel(name): value for name, value in FULL.items()},
    {**LEAST, "transaction_type": "STAKING_REWARD"},
    {**LEAST, "transaction_type": "SELL_TO_OPEN"},
    {**LEAST, "transaction_type": "COUPON", "quantity": None, "price": None, **GROSS},
    {**LEAST, "transaction_type": "AIRDROP", "price": None},
    {**LEAST, "transaction_type": "EXPIRY", "gross_transaction_amount": 0},
    {**LEAST, "transaction_type": "MARK_TO_MARKET", "quantity": None},
    {**LEAST, "transaction_type": "TRANSFER_IN_KIND", "to_portfolio_id": "P-2"},
    {**LEAST, "transaction_type": "CONVERSION", "to_security_id": "S-2", "to_quantity": 0.1},
    {
        **{camel(name): value for name, value in LEAST.items()},
        "transactionType": "CONVERSION",
        "toSecurityId": "S-2",
        "toQuantity": "0.10",
    },
    {**LEAST, "transaction_type": "EXERCISE", "to_quantity": None, **GROSS},
    {**FULL, "lots": None, "to_portfolio_id": "", "to_security_id": "", "to_quantity": 0},
]


@pytest.mark.parametrize("row", VARIANTS)
def test_both_ways_make_the_same_transaction(row: dict[str, Any]) -> None:
    body = msgspec.json.encode({"transactions": [row]})
    fast = quick.transactions(body, NOW)
    assert fast == facts_of(body, rows.TRANSACTIONS, NOW)


def test_a_body_in_which_lots_are_chosen_is_read_the_patient_way() -> None:
    lots = [{"lot_id": "L-1", "quantity": 10.5}]
    row = {**FULL, "transaction_type": "SELL", "lots": lots}
    body = msgspec.json.encode({"transactions": [row]})
    assert quick.transactions(body, NOW) is None
    (fact,) = facts_of(body, rows.TRANSACTIONS, NOW, quick_way=quick.transactions)
    assert [tuple(choice) for choice in fact.lots] == [("L-1", Decimal("10.5"))]


def test_the_quick_way_knows_the_same_fields() -> None:
    assert set(TransactionRow.__struct_fields__) == set(rows.TRANSACTIONS.fields)
    assert set(quick.PriceRow.__struct_fields__) == set(rows.MARKET_PRICES.fields)
    assert set(quick.RateRow.__struct_fields__) == set(rows.FX_RATES.fields)


@pytest.mark.parametrize("spell", [camel, str], ids=["camel", "snake"])
def test_prices_and_rates_take_the_quick_way_in_either_spelling(
    spell: Callable[[str], str],
) -> None:
    price = {"security_id": "S", "price_date": "2024-01-02", "price": 1.10, "currency": "USD"}
    rate = {
        "from_currency": "EUR",
        "to_currency": "USD",
        "rate_date": "2024-01-02",
        "rate": "1.1",
    }
    prices = msgspec.json.encode({"market_prices": [{spell(name): price[name] for name in price}]})
    rates = msgspec.json.encode({"fx_rates": [{spell(name): rate[name] for name in rate}]})
    on = date(2024, 1, 2)
    assert quick.market_prices(prices, NOW) == [Price("S", on, Decimal("1.1"), "USD")]
    assert quick.fx_rates(rates, NOW) == [Rate("EUR", "USD", on, Decimal("1.1"))]


@pytest.mark.parametrize(
    "row",
    [
        {**FULL, "quantity": "-1"},
        {**FULL, "x": 1},
        {**FULL, "price": "NaN"},
        {**FULL, "price": None},
        {**FULL, "quantity": None},
        {**FULL, "transaction_type": "CANCELLED"},
        {**FULL, "to_portfolio_id": "P-2"},
        {**FULL, "to_quantity": 1},
        {**FULL, "transaction_type": "TRANSFER_IN_KIND"},
    ],
)
def test_the_quick_way_leaves_what_it_does_not_take(row: dict[str, Any]) -> None:
    assert quick.transactions(msgspec.json.encode({"transactions": [row]}), NOW) is None


def test_rows_of_a_file_are_sifted() -> None:
    sifted = rows.sift(
        rows.FX_RATES,
        [
            {"from_currency": "EUR", "to_currency": "USD", "rate_date": "2024-01-02", "rate": "1"},
            {"from_currency": "EUR", "to_currency": "USD", "rate_date": "2024-01-02", "rate": "x"},
        ],
        NOW,
    )
    assert len(sifted.facts) == 1
    assert [fault.pointer for fault in sifted.faults.listed] == ["/fx_rates/1/rate"]


def test_faults_beyond_the_bound_are_counted() -> None:
    faults = Faults()
    for number in range(102):
        faults.add(f"/{number}", "code", "detail")
    assert (len(faults.listed), faults.unlisted, faults.count) == (100, 2, 102)
