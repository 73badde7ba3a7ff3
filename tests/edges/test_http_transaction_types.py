"""What a transaction of each type needs at the door: one row that is taken, and every fault."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.edges.memory_book import Desk
from tests.edges.test_http_ingestion import BUY
from tidebook.api.rows.transaction_types import TERMS
from tidebook.model.facts import LotChoice, Transaction, TransactionType

BASE = {
    "transaction_id": "T-1",
    "portfolio_id": "P-1",
    "security_id": "S-1",
    "transaction_date": "2024-01-02",
    "trade_currency": "USD",
}
TRADE = {"quantity": "10", "price": "2", "gross_transaction_amount": "20"}
MONEY = {"gross_transaction_amount": "20"}
_UNITS = (
    *("BUY", "SELL", "TRANSFER_IN", "TRANSFER_OUT", "REDEMPTION", "DIVIDEND_REINVESTED"),
    *("STAKING_REWARD", "NETWORK_FEE"),
    *("BUY_TO_OPEN", "SELL_TO_OPEN", "BUY_TO_CLOSE", "SELL_TO_CLOSE"),
)
_MONEY = (
    *("DIVIDEND", "INTEREST", "DEPOSIT", "WITHDRAWAL", "FEE", "TAX", "COUPON"),
    *("RETURN_OF_CAPITAL", "FUNDING_RECEIVED", "FUNDING_PAID", "INTEREST_CHARGE"),
    *("WITHHOLDING_TAX", "TAX_REFUND", "FEE_REFUND"),
)
LEAST: dict[str, dict[str, Any]] = {
    **{kind: {"quantity": "10", "price": "2"} for kind in _UNITS},
    **dict.fromkeys(_MONEY, MONEY),
    "TRANSFER_IN_KIND": {"quantity": "10", "to_portfolio_id": "P-2"},
    "CONVERSION": {"quantity": "10", "to_security_id": "S-2", "to_quantity": "9.5"},
    "AIRDROP": {"quantity": "10"},
    "EXPIRY": {},
    "EXERCISE": {"quantity": "10"},
    "ASSIGNMENT": {"quantity": "10"},
    "MARK_TO_MARKET": {"price": "4512.25"},
}
"""The least that a row of each type has to say besides ``BASE``."""
_NEED_UNITS = [kind for kind, said in LEAST.items() if "quantity" in said]
LOTS = [{"lot_id": "L-1", "quantity": "4"}, {"lotId": "L-2", "quantity": 6}]


def sent(kind: str, **fields: object) -> Any:  # noqa: ANN401 - an HTTP answer
    """Send one row of a type; a field given as None is left out."""
    row = {**BASE, "transaction_type": kind, **LEAST.get(kind, {}), **fields}
    row = {name: value for name, value in row.items() if value is not None}
    desk = Desk()
    return desk, desk.client.post("/ingest/transactions", json={"transactions": [row]})


def taken(kind: str, **fields: object) -> Transaction:
    desk, answer = sent(kind, **fields)
    assert answer.status_code == 202, answer.text
    (fact,) = desk.commands.facts["transactions"]
    return fact


def faults(kind: str, **fields: object) -> list[tuple[str, str, str]]:
    desk, answer = sent(kind, **fields)
    assert answer.status_code == 422, answer.text
    assert desk.commands.facts == {}
    found = answer.json()["errors"]
    return [
        (one["pointer"].removeprefix("/transactions/0/"), one["code"], one["detail"])
        for one in found
    ]


def test_every_type_but_cancelled_may_be_sent() -> None:
    assert set(TERMS) == set(TransactionType) - {TransactionType.CANCELLED}
    assert set(LEAST) == {kind.value for kind in TERMS}


@pytest.mark.parametrize("kind", LEAST)
def test_a_row_that_says_the_least_is_taken(kind: str) -> None:
    fact = taken(kind)
    assert fact.type == kind
    said = LEAST[kind]
    assert fact.quantity == Decimal(said.get("quantity", 0))
    assert fact.price == Decimal(said.get("price", 0))
    derived = 20 if "price" in said and kind != "MARK_TO_MARKET" else 0
    assert fact.gross == Decimal(said.get("gross_transaction_amount", derived))
    assert fact.to_portfolio_id == said.get("to_portfolio_id", "")
    assert fact.to_security_id == said.get("to_security_id", "")
    assert fact.to_quantity == Decimal(said.get("to_quantity", 0))


@pytest.mark.parametrize(
    ("kind", "field", "code", "said"),
    [
        *((kind, "quantity", "field.missing", "required") for kind in _NEED_UNITS),
        ("BUY", "price", "field.missing", "required"),
        ("SELL_TO_OPEN", "price", "field.missing", "required"),
        ("MARK_TO_MARKET", "price", "field.missing", "required"),
        ("DIVIDEND", "gross_transaction_amount", "gross.underivable", "above 0"),
        ("TRANSFER_IN_KIND", "to_portfolio_id", "field.missing", "required"),
        ("CONVERSION", "to_security_id", "field.missing", "required"),
        ("CONVERSION", "to_quantity", "field.missing", "required"),
    ],
)
def test_what_a_type_needs_is_missed(kind: str, field: str, code: str, said: str) -> None:
    ((pointer, found, detail),) = faults(kind, **{field: None})
    assert (pointer, found) == (field, code)
    assert said in detail


@pytest.mark.parametrize(
    ("kind", "field", "value", "code", "said"),
    [
        ("STAKING_REWARD", "quantity", "0", "quantity.zero", "STAKING_REWARD"),
        ("EXERCISE", "quantity", "0", "quantity.zero", "EXERCISE"),
        ("MARK_TO_MARKET", "quantity", "5", "number.not-zero", "all that is held"),
        ("MARK_TO_MARKET", "price", "0", "number.not-positive", "above 0"),
        ("MARK_TO_MARKET", "gross_transaction_amount", "5", "number.not-zero", "from the price"),
        ("EXPIRY", "gross_transaction_amount", "5", "number.not-zero", "SELL_TO_CLOSE"),
        ("REDEMPTION", "gross_transaction_amount", "0", "number.not-positive", "above 0"),
        ("AIRDROP", "gross_transaction_amount", "-1", "number.negative", "-1"),
        ("BUY_TO_OPEN", "gross_transaction_amount", "0", "number.not-positive", "above 0"),
        ("ASSIGNMENT", "gross_transaction_amount", "-5", "number.negative", "-5"),
        ("TRANSFER_IN_KIND", "to_portfolio_id", "P-1", "transfer.to-itself", "receives"),
        ("TRANSFER_IN_KIND", "to_portfolio_id", "a\tb", "id.unusable", "tab"),
        ("CONVERSION", "to_security_id", "S-1", "security.to-itself", "CONVERSION leads to"),
        ("EXERCISE", "to_security_id", "S-1", "security.to-itself", "EXERCISE leads to"),
        ("CONVERSION", "to_security_id", "CASH_USD", "security.cash", "CASH_USD is cash"),
        ("CONVERSION", "to_quantity", "0", "number.not-positive", "above 0"),
        ("EXERCISE", "to_quantity", "0", "number.not-positive", "above 0"),
        ("BUY", "to_portfolio_id", "P-2", "field.unexpected", "TRANSFER_IN_KIND"),
        ("TRANSFER_IN_KIND", "to_security_id", "S-2", "field.unexpected", "CONVERSION"),
        ("SELL", "to_quantity", "5", "field.unexpected", "CONVERSION"),
        ("DIVIDEND", "lots", LOTS, "field.unexpected", "SELL"),
        ("BUY", "lots", LOTS, "field.unexpected", "SELL"),
        ("SELL", "lots", LOTS[:1], "lots.sum", "4, and the quantity is 10"),
        ("SELL", "lots", [*LOTS, {"lot_id": "L-3", "quantity": 1}], "lots.sum", "11"),
        ("SELL", "lots", "L-1", "list.expected", "brackets"),
        ("SELL", "lots", {}, "list.expected", "brackets"),
        (
            *("SELL", "lots"),
            [{"lot_id": "L-1", "quantity": "5"}, {"lot_id": "L-1", "quantity": "5"}],
            *("lots.doubled", "twice"),
        ),
    ],
)
def test_what_a_type_cannot_have_is_refused(
    kind: str, field: str, value: object, code: str, said: str
) -> None:
    ((pointer, found, detail),) = faults(kind, **{field: value})
    assert (pointer, found) == (field, code)
    assert said in detail


@pytest.mark.parametrize(
    ("lot", "pointer", "code"),
    [
        ({"lot_id": "L-1"}, "lots/1/quantity", "field.missing"),
        ({"quantity": "1"}, "lots/1/lot_id", "field.missing"),
        ({"lot_id": "L-1", "quantity": "0"}, "lots/1/quantity", "number.not-positive"),
        ({"lotId": "", "quantity": "6"}, "lots/1/lotId", "id.unusable"),
        ({"lot_id": "L-2", "quantity": "6", "x": 1}, "lots/1/x", "field.unknown"),
        ("L-2", "lots/1", "row.expected"),
    ],
)
def test_a_fault_inside_a_list_names_its_place(lot: object, pointer: str, code: str) -> None:
    assert [one[:2] for one in faults("SELL", lots=[LOTS[0], lot])] == [(pointer, code)]


@pytest.mark.parametrize("kind", [kind.value for kind, terms in TERMS.items() if terms.takes_lots])
def test_what_takes_units_may_choose_its_lots(kind: str) -> None:
    chosen = (LotChoice("L-1", Decimal(4)), LotChoice("L-2", Decimal(6)))
    assert taken(kind, lots=LOTS, quantity="10").lots == chosen


@pytest.mark.parametrize("empty", [{"lots": []}, {"to_security_id": ""}, {"to_quantity": 0}])
def test_what_is_empty_is_as_if_left_out(empty: dict[str, object]) -> None:
    assert taken("SELL", **empty) == taken("SELL")


def test_the_amount_of_an_exercise_may_be_that_of_its_price_or_none() -> None:
    assert taken("EXERCISE", price="50").gross == Decimal(500)
    assert taken("EXERCISE", gross_transaction_amount="0").gross == Decimal(0)
    assert taken("EXPIRY", quantity="3", gross_transaction_amount="0").gross == Decimal(0)


def test_an_exercise_may_say_what_it_trades() -> None:
    fact = taken("EXERCISE", to_security_id="S-2", to_quantity="1000", toPortfolioId=None)
    assert (fact.to_security_id, fact.to_quantity) == ("S-2", Decimal(1000))


def test_new_fields_are_taken_in_camel_case() -> None:
    desk = Desk()
    row = {
        "transactionId": "T-1",
        "portfolioId": "P-1",
        "securityId": "S-1",
        "transactionDate": "2024-01-02",
        "transactionType": "CONVERSION",
        "tradeCurrency": "USD",
        "quantity": 3,
        "toSecurityId": "S-2",
        "toQuantity": 2.75,
        "lots": [{"lotId": "L-1", "quantity": 3}],
    }
    answer = desk.client.post("/ingest/transactions", json={"transactions": [row]})
    assert answer.status_code == 202, answer.text
    (fact,) = desk.commands.facts["transactions"]
    assert isinstance(fact, Transaction)
    assert fact.to_quantity == Decimal("2.75")
    assert fact.lots == (LotChoice("L-1", Decimal(3)),)


def test_quantities_of_lots_keep_every_digit() -> None:
    digits = "0.100000000000000001"
    fact = taken("SELL", quantity=digits, lots=[{"lot_id": "L-1", "quantity": digits}])
    assert fact.lots == (LotChoice("L-1", Decimal(digits)),)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("SPLIT", "POST /ingest/corporate-actions"),
        ("MERGER", "POST /ingest/corporate-actions"),
        ("CANCELLED", "POST /ingest/cancellations"),
        ("BARTER", "'BARTER' is no transaction type"),
    ],
)
def test_a_type_of_another_door_names_it(kind: str, said: str) -> None:
    ((pointer, code, detail),) = faults(kind, **TRADE)
    assert (pointer, code) == ("transaction_type", "transaction.unknown-type")
    assert said in detail
    assert "TRANSFER_IN_KIND" in detail


def test_a_row_of_a_rare_type_slows_down_no_other_and_changes_none() -> None:
    desk = Desk()
    rare = {**BASE, "transaction_type": "AIRDROP", "quantity": "10"}
    answer = desk.client.post("/ingest/transactions", json={"transactions": [BUY, rare, BUY]})
    assert answer.status_code == 202, answer.text
    facts = desk.commands.facts["transactions"]
    assert [fact.type for fact in facts if isinstance(fact, Transaction)] == [
        *("BUY", "AIRDROP", "BUY")
    ]
    assert facts[0] == facts[2]
