"""The routes of corporate actions and cancellations: what is taken, and every fault."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import AN_ID, Desk
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    FactKind,
    PriceRef,
    RateRef,
    TransactionRef,
)

if TYPE_CHECKING:
    from tidebook.model.cancellations import Cancellation

ON = date(2024, 6, 10)
BASE = {"action_id": "A-1", "security_id": "S-1", "ex_date": "2024-06-10"}
STOCK = {"new_units": "3", "old_units": "2", "to_security_id": "S-2"}
CASH = {"cash_per_unit": "1.25", "cash_currency": "USD"}
LEAST: dict[str, dict[str, str]] = {
    "SPLIT": {"new_units": "10"},
    "STOCK_DIVIDEND": {"new_units": "1", "old_units": "20"},
    "SPIN_OFF": {**STOCK, "cost_fraction": "0.2"},
    "RIGHTS_ISSUE": STOCK,
    "MERGER": STOCK,
    "IDENTIFIER_CHANGE": {"to_security_id": "S-2"},
    "RETURN_OF_CAPITAL": CASH,
}


def sent(kind: str, **fields: object) -> Any:  # noqa: ANN401 - a desk and an HTTP answer
    """Send one action of a type; a field given as None is left out."""
    row = {**BASE, "action_type": kind, **LEAST.get(kind, {}), **fields}
    row = {name: value for name, value in row.items() if value is not None}
    desk = Desk()
    return desk, desk.client.post("/ingest/corporate-actions", json={"corporate_actions": [row]})


def taken(kind: str, **fields: object) -> object:
    desk, answer = sent(kind, **fields)
    assert answer.status_code == 202, answer.text
    (fact,) = desk.commands.facts["actions"]
    return fact


def action(kind: ActionType, *given: Any, **more: Any) -> CorporateAction:  # noqa: ANN401
    return CorporateAction("A-1", kind, "S-1", ON, *given, **more)


def test_the_answer_counts_the_actions() -> None:
    desk, answer = sent("SPLIT")
    assert answer.json() == {
        "message": "Successfully queued 1 corporate action for processing.",
        "accepted_count": 1,
        "correlation_id": f"ING:{AN_ID}",
        "status": "QUEUED",
    }
    assert desk.commands.correlation_ids == [f"ING:{AN_ID}"]


def test_every_type_has_a_row_that_says_the_least() -> None:
    assert set(LEAST) == {kind.value for kind in ActionType}


@pytest.mark.parametrize(
    ("kind", "fields", "fact"),
    [
        ("SPLIT", {}, action(ActionType.SPLIT, Decimal(10), Decimal(1))),
        ("STOCK_DIVIDEND", {}, action(ActionType.STOCK_DIVIDEND, Decimal(1), Decimal(20))),
        (
            "SPIN_OFF",
            {"portfolio_id": "P-1", "note": "by hand"},
            action(
                ActionType.SPIN_OFF,
                *(Decimal(3), Decimal(2), "S-2", Decimal("0.2")),
                portfolio_id="P-1",
                note="by hand",
            ),
        ),
        (
            "RIGHTS_ISSUE",
            {"cost_fraction": 0},
            action(ActionType.RIGHTS_ISSUE, Decimal(3), Decimal(2), "S-2", Decimal(0)),
        ),
        ("RIGHTS_ISSUE", {}, action(ActionType.RIGHTS_ISSUE, Decimal(3), Decimal(2), "S-2")),
        ("MERGER", {}, action(ActionType.MERGER, Decimal(3), Decimal(2), "S-2")),
        (
            "MERGER",
            {**CASH, "cost_fraction": "1"},
            action(
                ActionType.MERGER,
                *(Decimal(3), Decimal(2), "S-2", Decimal(1), Decimal("1.25"), "USD"),
            ),
        ),
        (
            "MERGER",
            {**CASH, **dict.fromkeys(STOCK)},
            action(ActionType.MERGER, cash_per_unit=Decimal("1.25"), cash_currency="USD"),
        ),
        ("IDENTIFIER_CHANGE", {}, action(ActionType.IDENTIFIER_CHANGE, to_security_id="S-2")),
        (
            "RETURN_OF_CAPITAL",
            {},
            action(
                ActionType.RETURN_OF_CAPITAL, cash_per_unit=Decimal("1.25"), cash_currency="USD"
            ),
        ),
    ],
)
def test_actions_are_taken(kind: str, fields: dict[str, Any], fact: CorporateAction) -> None:
    assert taken(kind, **fields) == fact


def test_actions_are_taken_in_camel_case() -> None:
    desk = Desk()
    row = {
        "actionId": "A-1",
        "actionType": "SPLIT",
        "securityId": "S-1",
        "exDate": "2024-06-10",
        "newUnits": 1,
        "oldUnits": 10,
    }
    answer = desk.client.post("/ingest/corporate-actions", json={"corporateActions": [row]})
    assert answer.status_code == 202, answer.text
    assert desk.commands.facts["actions"] == [action(ActionType.SPLIT, Decimal(1), Decimal(10))]


NEEDED = [
    *((kind, name) for kind in ("SPLIT", "STOCK_DIVIDEND") for name in ("new_units",)),
    *(("SPIN_OFF", name) for name in ("new_units", "to_security_id", "cost_fraction")),
    *(("RIGHTS_ISSUE", name) for name in ("new_units", "to_security_id")),
    *(("MERGER", name) for name in ("new_units", "to_security_id")),
    ("IDENTIFIER_CHANGE", "to_security_id"),
    *(("RETURN_OF_CAPITAL", name) for name in ("cash_per_unit", "cash_currency")),
    *(("SPLIT", name) for name in ("action_id", "security_id", "ex_date", "action_type")),
]
REFUSED = [
    ("SPLIT", "action_id", "A@1", "id.unusable", "'@'"),
    ("SPLIT", "action_id", "", "id.unusable", "empty"),
    ("SPLIT", "action_type", "SPLINTER", "word.unknown", "STOCK_DIVIDEND"),
    ("SPLIT", "new_units", "0", "number.not-positive", "above 0"),
    ("SPLIT", "old_units", "-1", "number.not-positive", "-1"),
    ("SPLIT", "ex_date", "2025-07-02", "date.future", "2025-07-02"),
    ("SPLIT", "ex_date", "soon", "date.unreadable", "soon"),
    ("SPLIT", "to_security_id", "S-2", "field.unexpected", "SPIN_OFF"),
    ("SPLIT", "cost_fraction", "0.5", "field.unexpected", "SPIN_OFF"),
    ("SPLIT", "ratio", "2", "field.unknown", "new_units"),
    ("STOCK_DIVIDEND", "cash_per_unit", "1", "field.unexpected", "MERGER, RETURN_OF_CAPITAL"),
    ("SPIN_OFF", "cost_fraction", "20", "fraction.above-one", "0.25 for 25 percent"),
    ("SPIN_OFF", "cost_fraction", "-0.1", "number.negative", "-0.1"),
    ("SPIN_OFF", "to_security_id", "S-1", "security.to-itself", "SPIN_OFF acts on"),
    ("SPLIT", "security_id", "CASH_USD", "security.cash", "CASH_USD is cash"),
    ("RETURN_OF_CAPITAL", "security_id", "CASH", "security.cash", "CASH is cash"),
    ("MERGER", "to_security_id", "CASH_EUR", "security.cash", "cash_per_unit"),
    ("MERGER", "cost_fraction", "0.5", "field.unexpected", "units and cash"),
    ("MERGER", "cash_currency", "USD", "field.missing", "send both"),
    ("IDENTIFIER_CHANGE", "new_units", "2", "field.unexpected", "SPLIT"),
    ("RETURN_OF_CAPITAL", "cash_per_unit", "0", "number.not-positive", "above 0"),
    ("RETURN_OF_CAPITAL", "cash_currency", "usd", "currency.unknown", "USD"),
    ("RETURN_OF_CAPITAL", "portfolio_id", "a\tb", "id.unusable", "tab"),
]


def faults(kind: str, **fields: object) -> list[tuple[str, str, str]]:
    desk, answer = sent(kind, **fields)
    assert answer.status_code == 422, answer.text
    assert desk.commands.facts == {}
    return [
        (one["pointer"].removeprefix("/corporate_actions/0/"), one["code"], one["detail"])
        for one in answer.json()["errors"]
    ]


@pytest.mark.parametrize(("kind", "field"), NEEDED)
def test_what_an_action_needs_is_missed(kind: str, field: str) -> None:
    assert [one[:2] for one in faults(kind, **{field: None})] == [(field, "field.missing")]


@pytest.mark.parametrize(("kind", "field", "value", "code", "said"), REFUSED)
def test_an_action_with_one_wrong_field(
    kind: str, field: str, value: str, code: str, said: str
) -> None:
    fields = {field: value}
    ((pointer, found, detail),) = faults(kind, **fields)
    assert found == code
    assert said in detail
    assert pointer == ("cash_per_unit" if code == "field.missing" else field)


def test_a_merger_for_nothing_is_refused() -> None:
    ((pointer, code, detail),) = faults("MERGER", **dict.fromkeys(STOCK))
    assert (pointer, code) == ("to_security_id", "field.missing")
    assert "for cash or for both" in detail


def test_a_merger_for_units_and_cash_parts_the_cost() -> None:
    ((pointer, code, _),) = faults("MERGER", **CASH)
    assert (pointer, code) == ("cost_fraction", "field.missing")


# ---- cancellations

ROWS: list[tuple[dict[str, str], Cancellation]] = [
    (
        {"kind": "transaction", "transaction_id": "T-9", "portfolio_id": "P-9"},
        TransactionRef("T-9", "P-9"),
    ),
    ({"kind": "corporate_action", "actionId": "A-1"}, ActionRef("A-1")),
    (
        {"kind": "market_price", "securityId": "S-1", "price_date": "2024-06-10"},
        PriceRef("S-1", ON),
    ),
    (
        {
            "kind": "fx_rate",
            "from_currency": "EUR",
            "toCurrency": "USD",
            "rate_date": "2024-06-10",
        },
        RateRef("EUR", "USD", ON),
    ),
    ({"kind": "business_date", "businessDate": "2024-06-10"}, BusinessDateRef(ON)),
    ({"kind": "balance_assertion", "assertion_id": "B-1"}, AssertionRef("B-1")),
]


def cancelled(desk: Desk, *rows: object) -> Any:  # noqa: ANN401 - an HTTP answer
    return desk.client.post("/ingest/cancellations", json={"cancellations": list(rows)})


def test_a_request_may_cancel_facts_of_every_kind() -> None:
    desk = Desk()
    answer = cancelled(desk, *(row for row, _ in ROWS))
    assert answer.status_code == 202, answer.text
    assert answer.json()["message"] == "Successfully queued 6 cancellations for processing."
    assert desk.commands.facts["cancellations"] == [fact for _, fact in ROWS]
    assert {row["kind"] for row, _ in ROWS} == set(FactKind)


def test_the_portfolio_of_a_known_transaction_is_looked_up() -> None:
    desk = sample_views.desk()
    answer = cancelled(desk, {"kind": "transaction", "transaction_id": "T-1"})
    assert answer.status_code == 202, answer.text
    assert desk.commands.facts["cancellations"] == [TransactionRef("T-1", "P-1")]


def test_an_unknown_transaction_without_its_portfolio_is_refused() -> None:
    desk = sample_views.desk()
    rows = [row for row, _ in ROWS]
    answer = cancelled(desk, *rows, {"kind": "transaction", "transaction_id": "T-404"})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (
        "/cancellations/6/transaction_id",
        "transaction.unknown",
    )
    assert "portfolio_id" in fault["detail"]
    assert desk.commands.facts == {}


@pytest.mark.parametrize(("row", "fact"), ROWS[1:])
def test_what_was_never_known_is_refused_unless_anything_is_expected(
    row: dict[str, str], fact: Cancellation
) -> None:
    desk = sample_views.desk()
    desk.reader.kept_unknown = {fact}
    known = {"kind": "transaction", "transaction_id": "T-1"}
    answer = cancelled(desk, known, row)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/cancellations/1", "fact.unknown")
    assert "expect=any" in fault["detail"]
    assert desk.commands.facts == {}
    path = "/ingest/cancellations?expect=any"
    answer = desk.client.post(path, json={"cancellations": [known, row]})
    assert answer.status_code == 202
    assert (answer.json()["accepted_count"], answer.json()["unknown_count"]) == (2, 1)
    assert desk.commands.facts["cancellations"] == [TransactionRef("T-1", "P-1"), fact]


def test_a_business_date_that_was_never_known_cannot_be_withdrawn() -> None:
    desk = Desk()
    desk.reader.kept_unknown = {BusinessDateRef(ON)}
    path = "/ingest/business-dates/withdrawal"
    body = {"business_dates": [{"businessDate": "2024-06-10"}]}
    answer = desk.client.post(path, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "fact.unknown")
    assert desk.client.post(f"{path}?expect=any", json=body).json()["unknown_count"] == 1


@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        ({}, "kind", "field.missing"),
        ({"kind": "trade"}, "kind", "word.unknown"),
        ({"kind": "transaction"}, "transaction_id", "field.missing"),
        ({"kind": "transaction", "transaction_id": ""}, "transaction_id", "id.unusable"),
        ({"kind": "corporate_action"}, "action_id", "field.missing"),
        ({"kind": "market_price", "security_id": "S-1"}, "price_date", "field.missing"),
        ({"kind": "business_date", "business_date": "x"}, "business_date", "date.unreadable"),
        (
            {"kind": "corporate_action", "action_id": "A-1", "transaction_id": "T-1"},
            "transaction_id",
            "field.unexpected",
        ),
        (
            {**ROWS[3][0], "from_currency": "eur"},
            "from_currency",
            "currency.unknown",
        ),
        ({"kind": "transaction", "transaction_id": "T-1", "why": "x"}, "why", "field.unknown"),
    ],
)
def test_a_cancellation_with_one_fault(row: dict[str, str], pointer: str, code: str) -> None:
    desk = Desk()
    answer = cancelled(desk, row)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/cancellations/0/{pointer}", code)
    assert desk.commands.facts == {}


def test_waiting_for_cancellations_answers_when_booked() -> None:
    desk = Desk()
    body = {"cancellations": [row for row, _ in ROWS]}
    answer = desk.client.post("/ingest/cancellations", json=body, headers={"Prefer": "wait=5"})
    assert (answer.status_code, answer.json()["status"]) == (201, "BOOKED")
    assert desk.commands.waits == [5]
