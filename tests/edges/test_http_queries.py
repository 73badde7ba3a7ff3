"""The read routes: their shapes, their parameters, and what they rest on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import Desk, freshness
from tidebook.api.samples import examples
from tidebook.book.valuation import MarketValue
from tidebook.engine.queries import TransactionQuery
from tidebook.engine.views import PositionsView
from tidebook.model.portfolios import Portfolio, TaxRates

RESTS_ON = {
    "known_at": "2025-06-30T12:00:00Z",
    "generation": 7,
    "series_generation": 6,
    "valuation_version": 5,
    "status": "CURRENT",
}
ROUTES = {
    "portfolios": "/portfolios/",
    "portfolio": "/portfolios/P-1",
    "positions": "/portfolios/P-1/positions",
    "history": "/portfolios/P-1/position-history?security_id=S-1",
    "transactions": "/portfolios/P-1/transactions",
    "transaction": "/transactions/T-1",
    "lots": "/portfolios/P-1/lots",
    "gains": "/portfolios/P-1/gains",
    "corporate_actions": "/corporate-actions/",
    "applied_actions": "/portfolios/P-1/corporate-actions",
    "findings": "/portfolios/P-1/findings",
    "restatements": "/portfolios/P-1/restatements",
    "series": "/portfolios/P-1/series",
    "instruments": "/instruments/",
    "prices": "/prices/?security_id=S-1",
    "fx_rates": "/fx-rates/?from_currency=EUR&to_currency=USD",
    "live": "/health/live",
    "ready": "/health/ready",
    "startup": "/health/startup",
    "version": "/version",
}


def shape(value: Any) -> Any:  # noqa: ANN401 - a JSON document
    """Return the names in a document, without its values."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


def answered(path: str, desk: Desk | None = None) -> Any:  # noqa: ANN401 - as above
    answer = (desk or sample_views.desk()).client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


@pytest.mark.parametrize("name", ROUTES)
def test_the_documented_example_has_the_shape_of_the_answer(name: str) -> None:
    documented, real = shape(examples()[name]), shape(answered(ROUTES[name]))
    if name in {"transaction", "transactions"}:
        for one in (documented, real):
            listed = one if name == "transaction" else one["transactions"][0]
            listed.pop("findings")
            listed["entries"][0].pop("matches")
    assert documented == real


def test_a_contract_on_margin_counts_with_its_gain_so_that_rows_add_up() -> None:
    # 2 at 50 a point, opened at 4,000 and worth 3,990: nothing was paid, and 1,000 is lost.
    value = MarketValue(*map(Decimal, (399_000, 399_000, -1_000, -1_000)), on_margin=True)
    contract = sample_views.SHARES._replace(valuation=sample_views.VALUED._replace(value=value))
    desk = sample_views.desk()
    desk.reader.kept_positions["P-1"] = sample_views.POSITIONS._replace(
        positions=(contract, sample_views.MONEY), market_value_base=Decimal(7_996)
    )
    body = desk.client.get("/portfolios/P-1/positions").json()
    first, second = (row["valuation"] for row in body["positions"])
    assert (first["market_value"], first["counted_value"]) == ("399000", "-1000")
    # With 8,996 in cash that makes the 7,996 of the whole.
    assert (second["counted_value"], body["totals"]["market_value"]) == ("8996", "7996")


def test_corporate_actions_are_listed_by_security_and_as_known() -> None:
    desk = sample_views.desk()
    path = "/corporate-actions/?security_id=S-1&known_at=2025-04-01T00:00:00Z"
    body = answered(path, desk)
    (one,) = body["corporate_actions"]
    assert (one["action_id"], one["action_type"], one["new_units"]) == ("A-1", "SPLIT", "2")
    assert (one["version"], one["status"]) == (1, "IN_FORCE")
    assert body["known_at"] == "2025-04-01T00:00:00Z"
    assert desk.reader.asked == [("S-1", datetime(2025, 4, 1, tzinfo=UTC))]
    assert answered("/corporate-actions/?security_id=S-2", desk)["corporate_actions"] == []


def test_what_actions_did_in_a_portfolio_is_shown_with_its_gain() -> None:
    desk = sample_views.desk()
    path = "/portfolios/P-1/corporate-actions?security_id=S-1&start_date=2025-01-01"
    body = answered(f"{path}&end_date=2025-12-31&as_of=2025-06-30", desk)
    (one,) = body["corporate_actions"]
    assert (one["transaction_id"], one["status"]) == ("A-1@P-1", "BOOKED")
    assert (one["realized_gain_loss"], one["realized_gain_loss_local"]) == ("4", "3")
    assert [entry["security_id"] for entry in one["entries"]] == ["S-1"]
    span = (date(2025, 1, 1), date(2025, 6, 30))
    assert desk.reader.asked == [("P-1", "S-1", *span, None)]
    assert desk.client.get("/portfolios/P-9/corporate-actions").status_code == 404


def test_a_change_of_a_position_says_what_made_it() -> None:
    body = answered("/portfolios/P-1/position-history?security_id=S-1")
    assert [one["type"] for one in body["positions"]] == ["BUY"]


def test_positions_as_the_reader_valued_them() -> None:
    body = answered("/portfolios/P-1/positions")
    assert body["positions"][0] == {
        "security_id": "S-1",
        "quantity": "10",
        "instrument_name": "One",
        "isin": None,
        "currency": "USD",
        "asset_class": "Equity",
        "position_date": "2025-03-10",
        "cost_basis": "1004",
        "cost_basis_local": "1004",
        "realized_gain_loss": "0",
        "realized_gain_loss_local": "0",
        "valuation": {
            "market_price": "101",
            "price_date": "2025-03-10",
            "price_currency": "USD",
            "fx_rate": "1",
            "market_value": "1010",
            "counted_value": "1010",
            "unrealized_gain_loss": "6",
            "market_value_local": "1010",
            "unrealized_gain_loss_local": "6",
            "status": "VALUED_CURRENT",
            "reason": None,
        },
        "epoch": 2,
        "reprocessing_status": "CURRENT",
    }
    assert body["positions"][1]["reprocessing_status"] == "REPROCESSING"
    assert body["totals"]["market_value"] == "10006"
    assert body["freshness"] == {"as_of": "2025-03-10", **RESTS_ON, "coverage": "1"}


def test_what_has_no_price_is_null_with_a_reason() -> None:
    desk = sample_views.desk()
    unvalued = sample_views.SHARES._replace(valuation=sample_views.UNVALUED)
    view: PositionsView = sample_views.POSITIONS._replace(
        positions=(unvalued,), coverage=None, unrealised_base=None
    )
    desk.reader.kept_positions["P-1"] = view
    body = answered("/portfolios/P-1/positions", desk)
    valuation = body["positions"][0]["valuation"]
    assert (valuation["market_value"], valuation["market_price"]) == (None, None)
    assert valuation["reason"] == "no price is known on or before 2025-03-10"
    assert (body["totals"]["unrealized_gain_loss"], body["freshness"]["coverage"]) == (None, None)


def test_as_of_and_known_at_reach_the_reader() -> None:
    desk = sample_views.desk()
    query = "as_of=2025-03-10&known_at=2025-03-11T10:00:00%2B02:00&include_closed=true"
    answered(f"/portfolios/P-1/positions?{query}", desk)
    assert desk.reader.asked == [(date(2025, 3, 10), datetime(2025, 3, 11, 8, tzinfo=UTC), True)]


def test_lots_say_as_of_when_they_are() -> None:
    body = answered("/portfolios/P-1/lots?as_of=2025-03-11&known_at=2025-03-12T00:00:00Z")
    assert body["freshness"]["as_of"] == "2025-03-11"
    assert body["freshness"]["known_at"] == "2025-03-12T00:00:00Z"


def test_gains_are_listed_by_lot_and_summed() -> None:
    desk = sample_views.desk()
    body = answered("/portfolios/P-1/gains", desk)
    assert [
        (one["lot_id"], one["closed_on"], one["proceeds"], one["term"], one["days_held"])
        for one in body["gains"]
    ] == [("T-1", "2025-06-02", "550", "SHORT", 84), ("T-1", "2026-03-11", "500", "LONG", 366)]
    assert body["totals"]["realized_gain_loss"] == "46"
    assert [(one["year"], one["realized_gain_loss"]) for one in body["by_year"]] == [
        ("2025", "48"),
        ("2026", "-2"),
    ]
    assert (body["totals"]["tax"], body["tax_reason"]) == (
        None,
        "the portfolio states no tax rates",
    )


def test_gains_between_two_days_are_summed_whole_and_shown_in_pages() -> None:
    desk = sample_views.desk()
    query = "start_date=2025-06-01&end_date=2025-12-31&security_id=S-1&as_of=2026-12-31"
    body = answered(f"/portfolios/P-1/gains?{query}&known_at=2026-12-31T00:00:00Z", desk)
    asked = (date(2025, 6, 1), date(2026, 12, 31), datetime(2026, 12, 31, tzinfo=UTC), True)
    assert desk.reader.asked == [("P-1", "S-1", *asked)]
    assert (body["total"], body["totals"]["realized_gain_loss"]) == (1, "48")
    page = answered("/portfolios/P-1/gains?skip=1&limit=1", desk)
    assert [one["transaction_id"] for one in page["gains"]] == ["T-4"]
    assert (page["total"], page["totals"]["realized_gain_loss"]) == (2, "46")


def test_gains_are_taxed_at_the_rates_that_the_portfolio_states() -> None:
    desk = sample_views.desk()
    rates = TaxRates(Decimal("0.25"), Decimal("0.10"))
    desk.reader.kept["P-1"] = sample_views.PORTFOLIO._replace(tax_rates=rates)
    body = answered("/portfolios/P-1/gains", desk)
    assert [one["tax"] for one in body["gains"]] == ["12", "-0.2"]
    assert (body["totals"]["tax"], body["tax_reason"]) == ("11.8", None)


def test_lots_say_how_long_they_are_held_and_what_they_gain() -> None:
    lot = answered("/portfolios/P-1/lots")["lots"][0]
    assert (lot["days_held"], lot["term"], lot["long_term_from"]) == (0, "SHORT", "2026-03-11")
    assert (lot["market_value"], lot["unrealized_gain_loss"], lot["reason"]) == ("1010", "6", None)
    desk = sample_views.desk()
    desk.reader.kept_lots = [sample_views.LOT._replace(value=None, reason="no price is known")]
    unpriced = answered("/portfolios/P-1/lots", desk)["lots"][0]
    assert (unpriced["unrealized_gain_loss"], unpriced["reason"]) == (None, "no price is known")


def test_transactions_are_paged_filtered_and_sorted() -> None:
    desk = sample_views.desk()
    query = (
        "security_id=S-1&start_date=2025-01-01&end_date=2025-12-31&skip=0&limit=5"
        "&sort_by=price&sort_order=asc&known_at=2025-03-12T00:00:00Z"
    )
    body = answered(f"/portfolios/P-1/transactions?{query}", desk)
    assert desk.reader.asked == [
        TransactionQuery(
            "P-1",
            "S-1",
            date(2025, 1, 1),
            date(2025, 12, 31),
            0,
            5,
            "price",
            descending=False,
            known_at=datetime(2025, 3, 12, tzinfo=UTC),
        )
    ]
    assert (body["total"], body["limit"]) == (1, 5)
    one = body["transactions"][0]
    assert one["transaction_date"] == "2025-03-10T15:30:00Z"
    assert one["net_cost"] == "1004"
    assert one["cashflow"]["amount"] == "-1004"
    assert one["entries"][0]["matches"] == [
        {
            "lot_id": "T-0",
            "opened_on": "2025-03-10",
            "quantity": "1",
            "cost_local": "2",
            "cost_base": "3",
        }
    ]
    assert one["findings"][0]["code"] == "instrument.unknown"


@pytest.mark.parametrize("query", ["skip=-1", "limit=0", "limit=1001", "sort_by=mood"])
def test_pages_are_bounded(query: str) -> None:
    answer = sample_views.desk().client.get(f"/portfolios/P-1/transactions?{query}")
    assert answer.status_code == 422


def test_portfolios_are_filtered() -> None:
    desk = sample_views.desk()
    desk.reader.kept["P-2"] = Portfolio("P-2", "EUR", date(2020, 1, 1), booking_center="ZRH")

    def ids(query: str) -> list[str]:
        return [one["portfolio_id"] for one in answered(f"/portfolios/{query}", desk)["portfolios"]]

    assert ids("") == ["P-1", "P-2"]
    assert ids("?portfolio_id=P-2") == ["P-2"]
    assert ids("?cif_id=C-1") == ["P-1"]
    assert ids("?booking_center=ZRH") == ["P-2"]
    assert ids("?portfolio_id=P-1&booking_center=ZRH") == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/positions",
        "/position-history?security_id=S-1",
        "/transactions",
        "/lots",
        "/gains",
        "/findings",
        "/restatements",
        "/series",
    ],
)
def test_an_unknown_portfolio_is_no_empty_answer(path: str) -> None:
    answer = sample_views.desk().client.get(f"/portfolios/P-9{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "portfolio.unknown")


def test_the_series_tells_how_much_of_its_last_day_was_priced() -> None:
    desk = sample_views.desk()
    days = (sample_views.DAYS[0]._replace(unpriced_cost=Decimal(3400)),)
    desk.reader.kept_series["P-1"] = sample_views.SERIES._replace(days=days)
    body = answered("/portfolios/P-1/series", desk)
    assert body["days"][0]["unpriced_cost"] == "3400"
    assert body["freshness"]["coverage"] == "0.75"


def test_an_empty_portfolio_answers_with_nothing() -> None:
    desk = Desk()
    desk.reader.kept["P-1"] = sample_views.PORTFOLIO
    desk.reader.kept_positions["P-1"] = PositionsView(
        sample_views.PORTFOLIO,
        freshness(None, "EMPTY"),
        (),
        sample_views.ZERO,
        sample_views.ZERO,
        None,
        sample_views.ZERO,
        None,
    )
    body = answered("/portfolios/P-1/positions", desk)
    assert (body["positions"], body["freshness"]["status"]) == ([], "EMPTY")
    assert answered("/portfolios/P-1/series", desk)["days"] == []


def test_the_reference_describes_every_route_without_assets_from_outside() -> None:
    client = sample_views.desk().client
    described = client.get("/openapi.json").json()
    page = client.get("/docs")
    assert set(ROUTES) - {"portfolio"} <= set(examples())
    assert "/ingest/transactions" in described["paths"]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page.text
            assert "422" not in operation["responses"]
    # The source of a rule stands in an example as text; nothing is fetched from it.
    links = page.text.replace("&quot;https://", "")
    assert "http://" not in links
    assert "https://" not in links
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert 'id="portfolio.unknown"' in client.get("/docs/problems").text


@pytest.mark.parametrize("portfolio_id", ["A/B", "Z\u00fcrich 1", "a?b#c", "50%"])
def test_ids_of_any_kind_can_be_asked_for(portfolio_id: str) -> None:
    desk = sample_views.desk()
    desk.reader.kept[portfolio_id] = sample_views.PORTFOLIO._replace(portfolio_id=portfolio_id)
    path = f"/portfolios/{quote(portfolio_id, safe='')}"
    assert answered(path, desk)["portfolio_id"] == portfolio_id
    assert answered(f"{path}/lots", desk)["portfolio_id"] == portfolio_id
    body = {"periods": [{"type": "SI"}]}
    assert desk.client.post(f"{path}/performance", json=body).status_code == 200
    assert desk.client.post(f"{path}/performance/mwr", json=body).status_code == 200
