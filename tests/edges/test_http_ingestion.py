"""The write routes: what is taken, how it is answered, and what one bad row does."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.edges.memory_book import AN_ID, NOW, Desk
from tidebook.api import AppSettings
from tidebook.api.samples import examples
from tidebook.engine.views import FindingView
from tidebook.errors import OverloadedError, StoreUnavailableError
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.findings import unknown_instrument, unknown_portfolio
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import (
    CostMethod,
    MethodChange,
    Portfolio,
    Settlement,
    TaxRates,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BUY = {
    "transaction_id": "T-1",
    "portfolio_id": "P-1",
    "instrument_id": "S-1",
    "security_id": "S-1",
    "transaction_date": "2024-01-02T10:00:00+01:00",
    "transaction_type": "BUY",
    "quantity": "10",
    "price": "100.25",
    "gross_transaction_amount": "1002.50",
    "trade_currency": "USD",
    "currency": "USD",
    "trade_fee": "1.50",
}
IN_CAMEL_CASE = {
    "transactionId": "T-1",
    "portfolioId": "P-1",
    "instrumentId": "S-1",
    "securityId": "S-1",
    "transactionDate": "2024-01-02T10:00:00+01:00",
    "transactionType": "BUY",
    "quantity": "10",
    "price": "100.25",
    "grossTransactionAmount": "1002.50",
    "tradeCurrency": "USD",
    "currency": "USD",
    "tradeFee": "1.50",
}
BOUGHT = Transaction(
    transaction_id="T-1",
    portfolio_id="P-1",
    security_id="S-1",
    type=TransactionType.BUY,
    traded_at=datetime(2024, 1, 2, 9, tzinfo=UTC),
    trade_date=None,
    quantity=Decimal(10),
    price=Decimal("100.25"),
    gross=Decimal("1002.50"),
    trade_currency="USD",
    currency="USD",
    fee=Decimal("1.50"),
    instrument_id="S-1",
)


def taken(desk: Desk, *rows: dict[str, Any]) -> list[Any]:
    answer = desk.client.post("/ingest/transactions", json={"transactions": list(rows)})
    assert answer.status_code == 202, answer.text
    return desk.commands.facts["transactions"]


@pytest.mark.parametrize(
    "row",
    [BUY, IN_CAMEL_CASE, {**BUY, "id": 7, "createdAt": "2024-01-02"}, {**BUY, "note": None}],
    ids=["snake", "camel", "with ignored fields", "with null"],
)
def test_transactions_are_taken_in_either_spelling(row: dict[str, Any]) -> None:
    assert taken(Desk(), row) == [BOUGHT]


def test_names_may_be_mixed_between_and_within_rows() -> None:
    mixed = {**BUY, "portfolioId": "P-1"}
    del mixed["portfolio_id"]
    assert taken(Desk(), IN_CAMEL_CASE, mixed, BUY) == [BOUGHT, BOUGHT, BOUGHT]


def test_the_answer_counts_the_facts_and_names_the_request() -> None:
    desk = Desk()
    answer = desk.client.post("/ingest/transactions", json={"transactions": [BUY, BUY, BUY]})
    assert answer.status_code == 202
    assert answer.json() == {
        "message": "Successfully queued 3 transactions for processing.",
        "accepted_count": 3,
        "correlation_id": f"ING:{AN_ID}",
        "status": "QUEUED",
    }
    assert desk.commands.correlation_ids == [f"ING:{AN_ID}"]


def test_an_empty_list_is_taken() -> None:
    answer = Desk().client.post("/ingest/transactions", json={"transactions": []})
    assert (answer.status_code, answer.json()["accepted_count"]) == (202, 0)


def test_a_single_transaction_is_created() -> None:
    desk = Desk()
    answer = desk.client.post("/ingest/transaction", json=BUY)
    assert answer.status_code == 201
    assert answer.json()["transaction_id"] == "T-1"
    assert desk.commands.facts["transactions"] == [BOUGHT]


@pytest.mark.parametrize("written", ["{}", '"{}"'], ids=["number", "text"])
@pytest.mark.parametrize(
    "digits",
    ["12345678901234567890.123456789012345678", "0.000000000000000001", "1e-18", "0.1", "100"],
)
def test_numbers_keep_every_digit(written: str, digits: str) -> None:
    desk = Desk()
    body = json.dumps({"transactions": [{**BUY, "quantity": "?", "price": "1"}]})
    body = body.replace('"?"', written.format(digits))
    answer = desk.client.post(
        "/ingest/transactions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 202, answer.text
    (fact,) = desk.commands.facts["transactions"]
    assert isinstance(fact, Transaction)
    assert fact.quantity == Decimal(digits)


def test_numbers_keep_every_digit_where_names_are_mixed() -> None:
    desk = Desk()
    body = json.dumps({"transactions": [{**BUY, "id": 1, "quantity": "?"}]})
    body = body.replace('"?"', "12345678901234567890.123456789")
    desk.client.post(
        "/ingest/transactions", content=body, headers={"Content-Type": "application/json"}
    )
    (fact,) = desk.commands.facts["transactions"]
    assert isinstance(fact, Transaction)
    assert fact.quantity == Decimal("12345678901234567890.123456789")


def test_a_missing_gross_amount_is_quantity_times_price() -> None:
    row = {**BUY, "quantity": "0.333", "price": "3.0003"}
    del row["gross_transaction_amount"]
    (fact,) = taken(Desk(), row)
    assert fact.gross == Decimal("0.9990999")


def test_a_plain_date_has_no_instant() -> None:
    (fact,) = taken(Desk(), {**BUY, "transaction_date": "2024-01-02"})
    assert (fact.traded_at, fact.trade_date) == (None, date(2024, 1, 2))


@pytest.mark.parametrize("written", ["2024-01-04", "2024-01-04T23:30:00-05:00"])
def test_settlement_is_the_day_that_was_written(written: str) -> None:
    (fact,) = taken(Desk(), {**BUY, "settlement_date": written})
    assert fact.settlement_date == date(2024, 1, 4)


def test_tomorrow_is_not_too_late() -> None:
    (fact,) = taken(Desk(), {**BUY, "transaction_date": "2025-07-01"})
    assert fact.trade_date == date(2025, 7, 1)


def test_doubled_ids_are_passed_on_in_order() -> None:
    facts = taken(Desk(), BUY, {**BUY, "price": "7"})
    assert [fact.price for fact in facts] == [Decimal("100.25"), Decimal(7)]


def test_one_bad_row_refuses_the_body() -> None:
    desk = Desk()
    rows = [BUY, {**BUY, "quantity": "-1"}, BUY]
    answer = desk.client.post("/ingest/transactions", json={"transactions": rows})
    assert answer.status_code == 422
    assert desk.commands.facts == {}


def test_every_fault_of_every_row_is_listed() -> None:
    rows = [
        {**BUY, "quantity": "-1", "tradeFee": "x"},
        BUY,
        {**IN_CAMEL_CASE, "grossTransactionAmount": 0, "currency": "usd"},
    ]
    answer = Desk().client.post("/ingest/transactions", json={"transactions": rows})
    found = {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}
    assert found == {
        ("/transactions/0/quantity", "number.negative"),
        ("/transactions/0/trade_fee", "field.doubled"),
        ("/transactions/2/grossTransactionAmount", "number.not-positive"),
        ("/transactions/2/currency", "currency.unknown"),
    }


@pytest.mark.parametrize("name", ["transaction_id", "portfolio_id", "security_id"])
@pytest.mark.parametrize("blank", ["   ", " T-1", "T-1 ", "\u00a0T-1"])
def test_an_id_of_blanks_is_refused(name: str, blank: str) -> None:
    desk = Desk()
    row = {**examples()["row:transactions"], name: blank}
    answer = desk.client.post("/ingest/transactions", json={"transactions": [row]})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/transactions/0/{name}", "id.unusable")
    assert "blank" in fault["detail"]
    assert desk.commands.facts == {}


def test_beyond_a_hundred_faults_are_only_counted() -> None:
    rows = [{**BUY, "quantity": "-1"} for _ in range(130)]
    answer = Desk().client.post("/ingest/transactions", json={"transactions": rows}).json()
    assert (len(answer["errors"]), answer["errors_unlisted"]) == (100, 30)
    assert answer["detail"] == "the request has 130 faults; nothing of it was taken"


def test_portfolios_are_taken() -> None:
    desk = Desk()
    row = {
        "portfolioId": "P-1",
        "baseCurrency": "EUR",
        "openDate": "2020-01-01",
        "closeDate": "2024-12-31",
        "riskExposure": "High",
        "investmentTimeHorizon": "Long",
        "portfolioType": "Discretionary",
        "objective": "Growth",
        "bookingCenter": "ZRH",
        "cifId": "C-1",
        "isLeverageAllowed": True,
        "advisorId": "A-1",
        "status": "CLOSED",
        "costBasisMethod": "AVCO",
        "settlement": "explicit",
        "timeZone": "Asia/Tokyo",
        "allowShort": True,
        "name": "One",
        "costBasisMethodChanges": [
            {"from": "2021-01-01", "method": "MIN_TAX"},
            {"from": "2022-01-01", "method": "AVCO_POOLED"},
        ],
        "taxpayerId": "TP-1",
        "shortTermTaxRate": "0.37",
        "longTermTaxRate": 0.2,
        "longTermMonths": 18,
    }
    least = {"portfolio_id": "P-2", "base_currency": "USD", "open_date": "2020-01-01"}
    answer = desk.client.post("/ingest/portfolios", json={"portfolios": [row, least]})
    assert answer.json()["message"] == "Successfully queued 2 portfolios for processing."
    assert desk.commands.facts["portfolios"] == [
        Portfolio(
            "P-1",
            "EUR",
            date(2020, 1, 1),
            "One",
            "CLOSED",
            CostMethod.AVCO,
            Settlement.EXPLICIT,
            "Asia/Tokyo",
            allow_short=True,
            risk_exposure="High",
            investment_time_horizon="Long",
            portfolio_type="Discretionary",
            objective="Growth",
            booking_center="ZRH",
            cif_id="C-1",
            is_leverage_allowed=True,
            advisor_id="A-1",
            close_date=date(2024, 12, 31),
            cost_method_changes=(
                MethodChange(date(2021, 1, 1), CostMethod.MIN_TAX),
                MethodChange(date(2022, 1, 1), CostMethod.AVCO_POOLED),
            ),
            taxpayer_id="TP-1",
            tax_rates=TaxRates(Decimal("0.37"), Decimal("0.2"), 18),
        ),
        Portfolio("P-2", "USD", date(2020, 1, 1)),
    ]


def test_instruments_are_taken() -> None:
    desk = Desk()
    row = {
        "securityId": "S-1",
        "name": "One",
        "isin": "US0000000002",
        "instrumentCurrency": "USD",
        "productType": "Equity",
        "assetClass": "Equity",
        "sector": "Energy",
        "countryOfRisk": "US",
    }
    option = {
        "security_id": "S-1 240621C00105000",
        "name": "One 105 call",
        "instrument_currency": "USD",
        "product_type": "Option",
        "multiplier": "100",
        "underlying_id": "S-1",
        "option_right": "CALL",
        "strike": "105.00",
        "expires_on": "2026-06-21",
    }
    answer = desk.client.post("/ingest/instruments", json={"instruments": [row, option]})
    assert answer.json()["message"] == "Successfully queued 2 instruments for processing."
    assert desk.commands.facts["instruments"] == [
        Instrument("S-1", "One", "USD", "Equity", "US0000000002", "Equity", "Energy", "US"),
        Instrument(
            *("S-1 240621C00105000", "One 105 call", "USD", "Option"),
            multiplier=Decimal(100),
            underlying_id="S-1",
            option_right=OptionRight.CALL,
            strike=Decimal(105),
            expires_on=date(2026, 6, 21),
        ),
    ]


@pytest.mark.parametrize("wrapper", ["market_prices", "marketPrices"])
@pytest.mark.parametrize(
    "row",
    [
        {"securityId": "S-1", "priceDate": "2024-01-03", "price": 101.10, "currency": "USD"},
        {"security_id": "S-1", "price_date": "2024-01-03", "price": "101.10", "currency": "USD"},
    ],
    ids=["camel", "snake"],
)
def test_market_prices_are_taken(wrapper: str, row: dict[str, Any]) -> None:
    desk = Desk()
    answer = desk.client.post("/ingest/market-prices", json={wrapper: [row]})
    assert answer.json()["message"] == "Successfully queued 1 market price for processing."
    assert desk.commands.facts["prices"] == [
        Price("S-1", date(2024, 1, 3), Decimal("101.1"), "USD")
    ]


@pytest.mark.parametrize("wrapper", ["fx_rates", "fxRates"])
@pytest.mark.parametrize(
    "row",
    [
        {"fromCurrency": "EUR", "toCurrency": "USD", "rateDate": "2024-01-03", "rate": "1.0919"},
        {"from_currency": "EUR", "to_currency": "USD", "rate_date": "2024-01-03", "rate": 1.0919},
    ],
    ids=["camel", "snake"],
)
def test_fx_rates_are_taken(wrapper: str, row: dict[str, Any]) -> None:
    desk = Desk()
    answer = desk.client.post("/ingest/fx-rates", json={wrapper: [row]})
    assert answer.status_code == 202
    assert desk.commands.facts["rates"] == [Rate("EUR", "USD", date(2024, 1, 3), Decimal("1.0919"))]


def test_business_dates_are_taken() -> None:
    desk = Desk()
    rows = [{"businessDate": "2024-01-02"}, {"business_date": "2024-01-03"}]
    desk.client.post("/ingest/business-dates", json={"business_dates": rows})
    assert desk.commands.facts["dates"] == [date(2024, 1, 2), date(2024, 1, 3)]


def test_reprocessing_is_asked_for() -> None:
    desk = Desk()
    answer = desk.client.post("/reprocess/transactions", json={"transactionIds": ["T-1", "T-2"]})
    assert answer.json()["message"] == "Successfully queued 2 transactions for reprocessing."
    assert answer.json()["correlation_id"] == f"ING:{AN_ID}"
    assert desk.commands.facts["reprocess"] == ["T-1", "T-2"]


def test_waiting_answers_when_booked_with_what_is_open() -> None:
    desk = Desk()
    desk.reader.kept["P-1"] = Portfolio("P-1", "USD", date(2020, 1, 1))
    on, at = date(2024, 1, 2), NOW
    desk.reader.kept_findings = [
        FindingView(unknown_instrument("T-1", "S-1"), "P-1", "S-1", on, at),
        FindingView(unknown_instrument("T-0", "S-1"), "P-1", "S-1", on, at),
    ]
    answer = desk.client.post(
        "/ingest/transactions", json={"transactions": [BUY]}, headers={"Prefer": "wait=10"}
    )
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert desk.commands.waits == [10]
    assert answer.json()["status"] == "BOOKED"
    assert [finding["transaction_id"] for finding in answer.json()["findings"]] == ["T-1"]
    assert answer.json()["findings_count"] == 1


def test_waiting_tells_of_portfolios_that_nobody_introduced() -> None:
    desk = Desk()
    desk.reader.kept_findings = [
        FindingView(unknown_portfolio("T-1", "P-1"), "P-1", "S-1", date(2024, 1, 2), NOW)
    ]
    answer = desk.client.post("/ingest/transaction", json=BUY, headers={"Prefer": "wait=1"})
    assert answer.json()["findings"][0]["code"] == "portfolio.unknown"


def test_waiting_in_vain_leaves_the_facts_queued() -> None:
    desk = Desk()
    desk.commands.is_booked = False
    answer = desk.client.post(
        "/ingest/transaction", json=BUY, headers={"Prefer": "respond-async, wait=600"}
    )
    assert answer.status_code == 202
    assert answer.json()["status"] == "QUEUED"
    assert answer.headers["Preference-Applied"] == "respond-async, wait=60"
    assert desk.commands.waits == [60]


def test_without_a_wish_nobody_waits() -> None:
    desk = Desk()
    answer = desk.client.post("/ingest/transaction", json=BUY, headers={"Prefer": "respond-async"})
    assert (answer.status_code, desk.commands.waits) == (201, [])
    assert answer.headers["Preference-Applied"] == "respond-async"


def test_a_body_that_announces_too_much_is_not_read() -> None:
    desk = Desk(AppSettings(max_body_bytes=1000))
    body = json.dumps({"transactions": [BUY] * 20})
    answer = desk.client.post(
        "/ingest/transactions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["code"] == "body.too-large"
    assert desk.commands.facts == {}


def test_a_body_in_chunks_is_read_no_further_than_the_limit() -> None:
    desk = Desk(AppSettings(max_body_bytes=1000))

    def chunks() -> Iterator[bytes]:
        yield b'{"transactions":['
        yield from (b" " * 600 for _ in range(2))

    answer = desk.client.post(
        "/ingest/transactions", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too-large")


def test_a_body_in_chunks_is_put_together() -> None:
    desk = Desk()
    body = json.dumps({"transactions": [BUY]}).encode()

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 50):
            yield body[start : start + 50]

    answer = desk.client.post(
        "/ingest/transactions", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 202
    assert desk.commands.facts["transactions"] == [BOUGHT]


def test_fifty_megabytes_are_refused_by_default() -> None:
    body = b'{"transactions":[' + b" " * 50_000_000 + b"]}"
    answer = Desk().client.post(
        "/ingest/transactions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("the body is larger than 33554432 bytes")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 202),
        ("application/json; charset=utf-8", 202),
        ("Application/JSON", 202),
        ("application/vnd.tidebook+json", 202),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
def test_only_json_is_read(media_type: str, status: int) -> None:
    answer = Desk().client.post(
        "/ingest/transactions",
        content=json.dumps({"transactions": [BUY]}),
        headers={"Content-Type": media_type},
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"transactions":[NaN]}',
        b'{"transactions":["\xff"]}',
        b"[" * 100_000,
        b'{"transactions":[]} x',
    ],
    ids=["empty", "torn", "no JSON number", "no UTF-8", "too deep", "two documents"],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    answer = Desk().client.post(
        "/ingest/transactions", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "body.malformed")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ([], "", "body.object-expected"),
        ({}, "", "field.missing"),
        ({"transactions": {}}, "/transactions", "list.expected"),
        ({"transactions": None}, "/transactions", "list.expected"),
        ({"transactions": [], "mode": "x"}, "/mode", "field.unknown"),
        ({"transactions": [7]}, "/transactions/0", "row.expected"),
    ],
)
def test_bodies_of_another_shape_are_refused(body: object, pointer: str, code: str) -> None:
    answer = Desk().client.post("/ingest/transactions", json=body)
    assert answer.status_code == 422
    faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert faults == [(pointer, code)]


def test_a_list_given_under_both_names_is_refused() -> None:
    answer = Desk().client.post("/ingest/fx-rates", json={"fx_rates": [], "fxRates": []})
    assert answer.json()["errors"][0]["code"] == "field.doubled"


def test_ids_to_reprocess_are_checked() -> None:
    body = {"transaction_ids": ["T-1", 5, ""]}
    answer = Desk().client.post("/reprocess/transactions", json=body)
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    assert pointers == ["/transaction_ids/1", "/transaction_ids/2"]


def test_a_full_queue_asks_to_come_back() -> None:
    desk = Desk()
    desk.commands.fault = OverloadedError("the queue of unbooked facts", retry_after_seconds=7)
    answer = desk.client.post("/ingest/transaction", json=BUY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_store_out_of_reach_asks_to_come_back() -> None:
    desk = Desk()
    desk.commands.fault = StoreUnavailableError("no connection", hint="try again")
    answer = desk.client.post("/ingest/transaction", json=BUY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
