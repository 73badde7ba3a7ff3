"""Every rule of the doors: one wrong field, the fault it gives, and a remedy in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edges.memory_book import Desk
from tests.edges.test_http_ingestion import BUY

PRICE = {"securityId": "S-1", "priceDate": "2024-01-03", "price": "101", "currency": "USD"}
RATE = {"fromCurrency": "EUR", "toCurrency": "USD", "rateDate": "2024-01-03", "rate": "1.1"}
PORTFOLIO = {"portfolioId": "P-1", "baseCurrency": "USD", "openDate": "2024-01-01"}
INSTRUMENT = {
    "securityId": "S-1",
    "name": "One",
    "instrumentCurrency": "USD",
    "productType": "Equity",
}
BODIES = {
    "/ingest/transactions": ("transactions", BUY),
    "/ingest/market-prices": ("market_prices", PRICE),
    "/ingest/fx-rates": ("fx_rates", RATE),
    "/ingest/portfolios": ("portfolios", PORTFOLIO),
    "/ingest/instruments": ("instruments", INSTRUMENT),
    "/ingest/business-dates": ("business_dates", {"businessDate": "2024-01-02"}),
}
ABSENT = object()
EARLIER = {"from": "2024-01-01", "method": "LIFO"}
LATER = {"from": "2025-01-01", "method": "HIFO"}

TRANSACTION_RULES = [
    ("transaction_type", "SPLIT", "transaction.unknown-type", "TRANSFER_OUT"),
    ("transaction_type", "buy", "transaction.unknown-type", "BUY"),
    ("transaction_type", ABSENT, "field.missing", "WITHDRAWAL"),
    ("quantity", "-0.01", "number.negative", "-0.01"),
    ("quantity", "0", "quantity.zero", "BUY"),
    ("quantity", ABSENT, "field.missing", "required"),
    ("quantity", "ten", "number.unreadable", "'ten'"),
    ("quantity", True, "number.unreadable", "True"),
    ("quantity", "NaN", "number.unstorable", "finite"),
    ("quantity", "sNaN", "number.unstorable", "finite"),
    ("quantity", "Infinity", "number.unstorable", "finite"),
    ("quantity", "123456789012345678901", "number.unstorable", "20 digits"),
    ("quantity", "1e20", "number.unstorable", "20 digits"),
    ("quantity", "0.0000000000000000001", "number.unstorable", "18 after"),
    ("quantity", "1e-19", "number.unstorable", "18 after"),
    ("quantity", "1e999999", "number.unstorable", "20 digits"),
    ("price", "-1", "number.negative", "-1"),
    ("gross_transaction_amount", "0", "number.not-positive", "above 0"),
    ("gross_transaction_amount", "-5", "number.not-positive", "-5"),
    ("trade_fee", "-1", "number.negative", "-1"),
    ("tax", "-1", "number.negative", "-1"),
    ("accrued_interest", "-1", "number.negative", "-1"),
    ("transaction_fx_rate", "0", "number.not-positive", "above 0"),
    ("transaction_id", "", "id.unusable", "empty"),
    ("transaction_id", ABSENT, "field.missing", "required"),
    ("transaction_id", "x" * 201, "id.unusable", "201"),
    ("transaction_id", "a\tb", "id.unusable", "tab"),
    ("transaction_id", "a\nb", "id.unusable", "control"),
    ("transaction_id", "a\\b", "id.unusable", "backslash"),
    ("transaction_id", "a\x00b", "id.unusable", "control"),
    ("transaction_id", 17, "text.expected", "17"),
    ("portfolio_id", "a\tb", "id.unusable", "tab"),
    ("security_id", "", "id.unusable", "empty"),
    ("instrument_id", "a\tb", "id.unusable", "tab"),
    ("trade_currency", "usd", "currency.unknown", "USD"),
    ("trade_currency", "US", "currency.unknown", "3 to 10"),
    ("trade_currency", "U$D", "currency.unknown", "3 to 10"),
    ("currency", "Eur", "currency.unknown", "EUR"),
    ("transaction_date", "2024-01-02T10:00:00", "date.no-offset", "2024-01-02T10:00:00Z"),
    ("transaction_date", "02.01.2024", "date.unreadable", "2024-01-02"),
    ("transaction_date", "2024-02-30", "date.unreadable", "2024-02-30"),
    ("transaction_date", "2024-01-02T25:00:00Z", "date.unreadable", "2024-01-02T25"),
    ("transaction_date", "20240102", "date.unreadable", "20240102"),
    ("transaction_date", "2025-07-02", "date.future", "2025-06-30"),
    ("transaction_date", "2025-07-01T12:00:01Z", "date.future", "2025-06-30"),
    ("settlement_date", "soon", "date.unreadable", "soon"),
    ("settlement_date", "2024-01-04T10:00:00", "date.unreadable", "2024-01-04T10"),
    ("note", "a\tb", "text.unusable", "control"),
    ("note", "x" * 2001, "text.unusable", "2000"),
    ("quantitty", "1", "field.unknown", "quantity"),
]
OTHER_RULES = [
    ("/ingest/market-prices", "price", "0", "number.not-positive", "above 0"),
    ("/ingest/market-prices", "price", "-1", "number.not-positive", "-1"),
    ("/ingest/market-prices", "priceDate", "2025-07-02", "date.future", "2025-07-02"),
    ("/ingest/market-prices", "priceDate", "2024-01-03T00:00:00Z", "date.unreadable", "date"),
    ("/ingest/market-prices", "currency", "usd", "currency.unknown", "USD"),
    ("/ingest/market-prices", "source", "X", "field.unknown", "price_date"),
    ("/ingest/fx-rates", "rate", "0", "number.not-positive", "above 0"),
    ("/ingest/fx-rates", "rateDate", "2025-07-02", "date.future", "2025-07-02"),
    ("/ingest/fx-rates", "toCurrency", "EUR", "rate.own-currency", "1"),
    ("/ingest/portfolios", "timeZone", "Europe/Nowhere", "time-zone.unknown", "Europe/Zurich"),
    ("/ingest/portfolios", "timeZone", "../../etc", "time-zone.unknown", "Europe/Zurich"),
    ("/ingest/portfolios", "costBasisMethod", "LAST", "word.unknown", "FIFO, LIFO, HIFO"),
    ("/ingest/portfolios", "settlement", "never", "word.unknown", "auto, explicit"),
    ("/ingest/portfolios", "allowShort", "maybe", "flag.unreadable", "maybe"),
    ("/ingest/portfolios", "openDate", ABSENT, "field.missing", "required"),
    ("/ingest/portfolios", "baseCurrency", "usd", "currency.unknown", "USD"),
    ("/ingest/portfolios", "costBasisMethod", "AVCO_POOLED", "field.missing", "AVCO_POOLED"),
    ("/ingest/portfolios", "taxpayerId", "a\tb", "id.unusable", "tab"),
    ("/ingest/portfolios", "shortTermTaxRate", "25", "fraction.above-one", "0.25"),
    ("/ingest/portfolios", "longTermTaxRate", "-0.1", "number.negative", "-0.1"),
    ("/ingest/portfolios", "longTermMonths", "12.5", "number.not-whole", "12.5"),
    ("/ingest/portfolios", "longTermMonths", "1201", "number.not-whole", "1200"),
    ("/ingest/portfolios", "longTermMonths", "NaN", "number.unstorable", "finite"),
    ("/ingest/portfolios", "costBasisMethodChanges", "LIFO", "list.expected", "brackets"),
    ("/ingest/portfolios", "costBasisMethodChanges", [LATER, 3], "row.expected", "object"),
    ("/ingest/portfolios", "costBasisMethodChanges", [LATER, LATER], "changes.order", "oldest"),
    ("/ingest/portfolios", "costBasisMethodChanges", [LATER, EARLIER], "changes.order", "oldest"),
    ("/ingest/instruments", "multiplier", "0", "number.not-positive", "above 0"),
    ("/ingest/instruments", "underlyingId", "a\tb", "id.unusable", "tab"),
    ("/ingest/instruments", "optionRight", "BOTH", "word.unknown", "CALL, PUT"),
    ("/ingest/instruments", "strike", "-1", "number.not-positive", "-1"),
    ("/ingest/instruments", "expiresOn", "2024-02-30", "date.unreadable", "2024-02-30"),
    ("/ingest/instruments", "name", ABSENT, "field.missing", "required"),
    ("/ingest/instruments", "productType", None, "field.missing", "required"),
    ("/ingest/instruments", "securityId", "a\\b", "id.unusable", "backslash"),
    ("/ingest/business-dates", "businessDate", "2025-07-02", "date.future", "2025-07-02"),
    ("/ingest/business-dates", "businessDate", "tomorrow", "date.unreadable", "tomorrow"),
]


def faults_of(path: str, row: dict[str, Any]) -> list[dict[str, str]]:
    desk = Desk()
    wrapper, _ = BODIES[path]
    answer = desk.client.post(path, json={wrapper: [row]})
    assert answer.status_code == 422, answer.text
    assert desk.commands.facts == {}
    return answer.json()["errors"]


def changed(row: dict[str, Any], field: str, value: object) -> dict[str, Any]:
    rest = {name: one for name, one in row.items() if name != field}
    return rest if value is ABSENT else {**rest, field: value}


@pytest.mark.parametrize(("field", "value", "code", "said"), TRANSACTION_RULES)
def test_a_transaction_with_one_wrong_field(
    field: str, value: object, code: str, said: str
) -> None:
    faults = faults_of("/ingest/transactions", changed(BUY, field, value))
    assert [(fault["pointer"], fault["code"]) for fault in faults] == [
        (f"/transactions/0/{field}", code)
    ]
    assert said in faults[0]["detail"]


@pytest.mark.parametrize(("path", "field", "value", "code", "said"), OTHER_RULES)
def test_another_fact_with_one_wrong_field(
    path: str, field: str, value: object, code: str, said: str
) -> None:
    wrapper, row = BODIES[path]
    faults = faults_of(path, changed(row, field, value))
    assert len(faults) == 1
    assert faults[0]["code"] == code
    assert faults[0]["pointer"].startswith(f"/{wrapper}/0/")
    assert said in faults[0]["detail"]


@pytest.mark.parametrize("kind", ["SELL", "TRANSFER_IN", "TRANSFER_OUT"])
def test_what_moves_units_needs_a_quantity(kind: str) -> None:
    row = {**BUY, "transaction_type": kind, "quantity": 0}
    (fault,) = faults_of("/ingest/transactions", row)
    assert fault["code"] == "quantity.zero"
    assert kind in fault["detail"]


@pytest.mark.parametrize("kind", ["DIVIDEND", "INTEREST", "DEPOSIT", "WITHDRAWAL", "FEE", "TAX"])
def test_what_moves_money_only_needs_none(kind: str) -> None:
    desk = Desk()
    row = {**BUY, "transaction_type": kind, "quantity": 0, "price": 0}
    answer = desk.client.post("/ingest/transactions", json={"transactions": [row]})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("quantity", "price", "said"),
    [("0.0000000001", "0.0000000001", "every digit"), ("5", "0", "is 0")],
)
def test_a_gross_amount_that_cannot_be_derived(quantity: str, price: str, said: str) -> None:
    row = changed(BUY, "gross_transaction_amount", ABSENT)
    (fault,) = faults_of("/ingest/transactions", {**row, "quantity": quantity, "price": price})
    assert fault["pointer"] == "/transactions/0/gross_transaction_amount"
    assert fault["code"] == "gross.underivable"
    assert said in fault["detail"]


def test_a_single_transaction_names_its_fields_from_the_root() -> None:
    answer = Desk().client.post("/ingest/transaction", json=changed(BUY, "price", "-1"))
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/price"]


def test_an_exact_bound_is_kept() -> None:
    desk = Desk()
    row = {**BUY, "quantity": "99999999999999999999.999999999999999999", "trade_fee": "1e-18"}
    answer = desk.client.post("/ingest/transactions", json={"transactions": [row]})
    assert answer.status_code == 202


def test_a_zero_quantity_is_named_beside_another_fault_of_its_row() -> None:
    row = {**BUY, "quantity": 0, "transaction_date": "2024-01-02T10:00:00"}
    codes = {fault["code"] for fault in faults_of("/ingest/transactions", row)}
    assert codes == {"quantity.zero", "date.no-offset"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"from": "2025-01-01"}, "method", "field.missing"),
        ({"method": "LIFO"}, "from", "field.missing"),
        ({"from": "2025-01-01", "method": "LAST"}, "method", "word.unknown"),
        ({"from": "soon", "method": "LIFO"}, "from", "date.unreadable"),
    ],
)
def test_a_fault_of_one_change_of_method_names_its_place(
    change: dict[str, str], pointer: str, code: str
) -> None:
    row = {**PORTFOLIO, "costBasisMethodChanges": [EARLIER, change]}
    (fault,) = faults_of("/ingest/portfolios", row)
    assert fault["pointer"] == f"/portfolios/0/costBasisMethodChanges/1/{pointer}"
    assert fault["code"] == code


def test_a_pool_that_begins_later_needs_its_taxpayer_too() -> None:
    change = {"from": "2025-01-01", "method": "AVCO_POOLED"}
    row = {**PORTFOLIO, "cost_basis_method_changes": [change]}
    (fault,) = faults_of("/ingest/portfolios", row)
    assert (fault["pointer"], fault["code"]) == ("/portfolios/0/taxpayer_id", "field.missing")
