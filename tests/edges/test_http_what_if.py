"""The what-if routes: what may be supposed, what is refused, and what is handed to the engine."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.edges.memory_book import Desk
from tidebook.api.samples import examples
from tidebook.errors import StalePreviewError
from tidebook.model.cancellations import PriceRef, RateRef
from tidebook.model.facts import Price
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from httpx2 import Response

    from tidebook.engine.hypothesis import Hypothesis

BUY = {
    "transactionId": "T-9",
    "portfolioId": "P-1",
    "securityId": "S-1",
    "transactionDate": "2024-01-03",
    "transactionType": "BUY",
    "quantity": "4",
    "price": "110",
    "tradeCurrency": "USD",
}
ADDRESS = "/portfolios/P-1/what-if"


@pytest.fixture(name="desk")
def opened() -> Desk:
    desk = Desk()
    desk.reader.kept["P-1"] = Portfolio("P-1", "USD", date(2024, 1, 1))
    desk.reader.kept_instruments = [Instrument("S-1", "First", "USD", "Equity")]
    desk.reader.kept_prices = [Price("S-1", date(2024, 1, 3), Decimal(112), "USD")]
    return desk


def post(desk: Desk, address: str = ADDRESS, **body: Any) -> Response:  # noqa: ANN401 - any body
    return desk.client.post(address, json=body)


def codes(reply: Response) -> dict[str, str]:
    """Return the code of each fault by its pointer."""
    assert reply.status_code == 422, reply.text
    return {fault["pointer"]: fault["code"] for fault in reply.json()["errors"]}


def test_a_purchase_is_valued_before_it_is_made(desk: Desk) -> None:
    answer = post(desk, transactions=[BUY]).json()
    cash, acme = answer["positions"]
    assert acme["before"] is None
    # 4 at 110, worth 112.
    assert (acme["after"]["cost_basis"], acme["after"]["unrealized_gain_loss"]) == ("440", "8")
    assert cash["after"]["quantity"] == "-440"
    assert answer["market_value"] == {
        "before": "0",
        "after": "8",
        "change": "8",
        "coverage": {"before": None, "after": "1"},
        "unvalued": {"before": {}, "after": {}},
    }
    assert answer["rests_on"] == [
        {"portfolio_id": "P-1", "generation": 7, "valuation_version": 5, "status": "CURRENT"}
    ]
    # A question leaves nothing behind.
    assert desk.commands.facts == {}


def test_what_has_no_price_has_no_value_and_says_why(desk: Desk) -> None:
    desk.reader.kept_prices = []
    answer = post(desk, transactions=[BUY]).json()
    acme = answer["positions"][1]["after"]
    assert (acme["market_value"], acme["unrealized_gain_loss"]) == (None, None)
    assert acme["reason"] == "no price is known on or before 2024-01-03"
    assert answer["market_value"]["unvalued"]["after"] == {"S-1": acme["reason"]}


def test_the_same_facts_in_another_order_and_spelling_have_one_preview_hash(desk: Desk) -> None:
    second = BUY | {"transactionId": "T-10"}
    snake = {
        "transaction_id": "T-9",
        "portfolio_id": "P-1",
        "security_id": "S-1",
        "transaction_date": "2024-01-03",
        "transaction_type": "BUY",
        "quantity": 4,
        "price": "110.00",
        "trade_currency": "USD",
    }
    one = post(desk, transactions=[BUY, second]).json()["preview_hash"]
    other = post(desk, transactions=[second, snake]).json()["preview_hash"]
    assert one == other
    assert one != post(desk, transactions=[BUY]).json()["preview_hash"]


def test_every_fault_is_told_with_its_place(desk: Desk) -> None:
    faults = codes(
        post(
            desk,
            transactions=[BUY | {"quantity": "-4"}],
            market_prices=[{"security_id": "S-1", "price_date": "2024-01-03", "price": "1"}],
            cancellations=[{"kind": "transaction", "transaction_id": "T-unknown"}],
            periods=[{"type": "CENTURY"}],
            colour="blue",
        )
    )
    assert faults["/transactions/0/quantity"] == "number.negative"
    assert faults["/market_prices/0/currency"] == "field.missing"
    assert faults["/cancellations/0/transaction_id"] == "transaction.unknown"
    assert faults["/periods/0/type"] == "input.period"
    assert faults["/colour"] == "field.unknown"


def test_nothing_supposed_is_a_fault(desk: Desk) -> None:
    assert codes(post(desk, as_of="2024-01-03")) == {"": "what-if.empty"}


def test_a_portfolio_that_nobody_introduced_is_not_found(desk: Desk) -> None:
    reply = post(desk, "/portfolios/P-7/what-if", transactions=[BUY])
    assert (reply.status_code, reply.json()["code"]) == (404, "portfolio.unknown")


def test_a_fact_of_a_portfolio_that_nobody_introduced_would_wait(desk: Desk) -> None:
    answer = post(desk, transactions=[BUY | {"portfolioId": "P-8"}]).json()
    assert answer["changes_anything"] is False
    (finding,) = answer["findings_elsewhere"]
    assert (finding["transaction_id"], finding["code"]) == ("T-9", "portfolio.unknown")


def test_a_commit_hands_all_kinds_of_facts_over_at_once(desk: Desk) -> None:
    reply = post(
        desk,
        f"{ADDRESS}/commit",
        transactions=[BUY],
        cancellations=[
            {"kind": "market_price", "security_id": "S-1", "price_date": "2024-01-03"},
            {
                "kind": "fx_rate",
                "from_currency": "EUR",
                "to_currency": "USD",
                "rate_date": "2024-01-03",
            },
        ],
        preview_hash="abc.def",
    )
    assert (reply.status_code, reply.json()["status"]) == (202, "QUEUED")
    ((key, facts),) = desk.commands.facts.items()
    assert key == "P-1 abc.def"
    hypothesis = cast("Hypothesis", facts[0])
    assert [fact.transaction_id for fact in hypothesis.transactions] == ["T-9"]
    assert hypothesis.cancellations == (
        PriceRef("S-1", date(2024, 1, 3)),
        RateRef("EUR", "USD", date(2024, 1, 3)),
    )


def test_a_commit_needs_the_name_of_its_preview(desk: Desk) -> None:
    reply = post(desk, f"{ADDRESS}/commit", transactions=[BUY])
    assert codes(reply) == {"/preview_hash": "field.missing"}
    assert desk.commands.facts == {}


def test_a_stale_preview_is_a_conflict_that_says_what_moved(desk: Desk) -> None:
    desk.commands.fault = StalePreviewError("P-1", ["portfolio P-1 stands at generation 8 now"])
    reply = post(desk, f"{ADDRESS}/commit", transactions=[BUY], preview_hash="abc")
    assert (reply.status_code, reply.json()["code"]) == (409, "preview.stale")
    assert "portfolio P-1 stands at generation 8 now" in reply.json()["detail"]
    assert "preview the same facts again" in reply.json()["hint"]


def shape(value: object) -> object:
    """Return the names in a document, without its figures and with one of each list."""
    if isinstance(value, dict):
        document = cast("dict[str, object]", value)
        return {name: shape(document[name]) for name in document}
    if isinstance(value, list):
        return [shape(each) for each in cast("list[object]", value)[:1]]
    return None


def test_the_documented_examples_have_the_shapes_of_request_and_answer(desk: Desk) -> None:
    documented = examples()
    answer = desk.client.post(ADDRESS, json=documented["what_if_request"])
    assert shape(answer.json()) == shape(documented["what_if"])
    commit = desk.client.post(f"{ADDRESS}/commit", json=documented["what_if_commit_request"])
    assert commit.status_code == 202
