"""Both times reach the reader from every read route, and the restatement log tells all it has."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.edges import sample_views
from tidebook.engine.queries import RestatementQuery, TransactionQuery
from tidebook.model.cancellations import BusinessDateRef

DAY, INSTANT = date(2025, 3, 10), datetime(2025, 3, 11, 8, tzinfo=UTC)
BOTH = "as_of=2025-03-10&known_at=2025-03-11T08:00:00Z"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/portfolios/", (DAY, INSTANT)),
        ("/portfolios/P-1/positions", (DAY, INSTANT, False)),
        ("/portfolios/P-1/position-history?security_id=S-1", (None, DAY, INSTANT)),
        ("/portfolios/P-1/lots", (DAY, INSTANT)),
        (
            "/portfolios/P-1/transactions",
            TransactionQuery("P-1", end=DAY, known_at=INSTANT),
        ),
        ("/portfolios/P-1/findings", (DAY, INSTANT)),
        ("/portfolios/P-1/restatements", RestatementQuery("P-1", as_of=DAY, known_at=INSTANT)),
        ("/portfolios/P-1/series", (None, DAY, INSTANT)),
        ("/prices/?security_id=S-1", (None, DAY, INSTANT)),
        ("/fx-rates/?from_currency=EUR&to_currency=USD", (None, DAY, INSTANT)),
    ],
)
def test_a_day_and_an_instant_reach_the_reader(path: str, asked: object) -> None:
    desk = sample_views.desk()
    answer = desk.client.get(f"{path}{'&' if '?' in path else '?'}{BOTH}")
    assert answer.status_code == 200, answer.text
    assert asked in desk.reader.asked


@pytest.mark.parametrize("path", ["/transactions/T-1", "/instruments/", "/portfolios/P-1"])
def test_an_instant_reaches_the_reader_where_there_is_no_day(path: str) -> None:
    desk = sample_views.desk()
    answer = desk.client.get(f"{path}?known_at=2025-03-11T08:00:00Z")
    assert answer.status_code == 200, answer.text
    assert INSTANT in desk.reader.asked


def test_a_portfolio_rests_on_the_day_and_the_instant_asked_for() -> None:
    freshness = sample_views.desk().client.get(f"/portfolios/P-1?{BOTH}").json()["freshness"]
    assert (freshness["as_of"], freshness["known_at"]) == ("2025-03-10", "2025-03-11T08:00:00Z")


@pytest.mark.parametrize(
    "path",
    ["/portfolios/", "/transactions/T-1", "/instruments/", "/prices/?security_id=S-1"],
)
def test_what_has_no_generation_repeats_the_instant_it_was_asked_for(path: str) -> None:
    client = sample_views.desk().client
    assert client.get(path).json()["known_at"] is None
    asked = f"{path}{'&' if '?' in path else '?'}known_at=2025-03-11T10:00:00%2B02:00"
    assert client.get(asked).json()["known_at"] == "2025-03-11T08:00:00Z"


def test_of_two_last_days_the_earlier_one_counts() -> None:
    desk = sample_views.desk()
    desk.client.get("/portfolios/P-1/series?end_date=2025-03-31&as_of=2025-03-10")
    desk.client.get("/portfolios/P-1/series?end_date=2025-03-05&as_of=2025-03-10")
    assert desk.reader.asked == [(None, DAY, None), (None, date(2025, 3, 5), None)]


def test_a_transaction_that_nobody_reported_is_a_clear_answer() -> None:
    client = sample_views.desk().client
    problem = client.get("/transactions/T-9").json()
    assert (problem["status"], problem["code"]) == (404, "transaction.unknown")
    assert problem["detail"] == "transaction 'T-9' is not in the book"
    then = client.get("/transactions/T-9?known_at=2025-03-11T08:00:00Z").json()
    assert then["detail"] == "transaction 'T-9' by 2025-03-11T08:00:00+00:00 was not in the book"


def test_the_restatement_log_says_because_of_what_and_by_how_much() -> None:
    body = sample_views.desk().client.get("/portfolios/P-1/restatements").json()
    assert (body["total"], body["skip"], body["limit"]) == (2, 0, 100)
    position, series = body["restatements"]
    assert position == {
        "scope": "position",
        "recorded_at": "2025-06-30T12:00:00Z",
        "security_id": "S-1",
        "epoch": 2,
        "from_date": "2025-03-10",
        "to_date": None,
        "reason": "a back-dated transaction",
        "causes": [{"kind": "transaction", "id": "T-0", "version": 1}],
        "entries_closed": 1,
        "entries_written": 2,
        "days": None,
        "before": {"quantity": "10", "cost_basis": "1004", "realized_gain_loss": "0"},
        "after": {"quantity": "12", "cost_basis": "1200.5", "realized_gain_loss": "-3"},
        "change": {"quantity": "2", "cost_basis": "196.5", "realized_gain_loss": "-3"},
        "value": None,
    }
    assert (series["scope"], series["security_id"], series["days"]) == ("series", None, 2)
    assert (series["before"], series["after"], series["change"]) == (None, None, None)
    assert [cause["id"] for cause in series["causes"]] == [
        "S-1 2025-03-10",
        "EUR/USD 2025-03-10",
    ]
    assert series["value"] == {
        "date": "2025-03-11",
        "before": "10520",
        "after": "10500",
        "change": "-20",
    }


def test_the_restatement_log_is_paged_and_filtered() -> None:
    desk = sample_views.desk()
    query = "security_id=S-1&since=2025-03-11T08:00:00Z&skip=1&limit=1"
    body = desk.client.get(f"/portfolios/P-1/restatements?{query}").json()
    assert [row["scope"] for row in body["restatements"]] == ["series"]
    assert desk.reader.asked == [RestatementQuery("P-1", "S-1", INSTANT, 1, 1)]


def test_business_dates_can_be_taken_back() -> None:
    desk = sample_views.desk()
    body = {"business_dates": [{"business_date": "2025-03-10"}]}
    answer = desk.client.post("/ingest/business-dates/withdrawal", json=body)
    assert (answer.status_code, answer.json()["accepted_count"]) == (202, 1)
    assert desk.commands.facts == {"cancellations": [BusinessDateRef(DAY)]}


def test_the_pages_take_both_times() -> None:
    desk = sample_views.desk()
    page = desk.client.get(f"/ui/?{BOTH}").text
    assert desk.reader.asked == [(1001, DAY, INSTANT)]
    assert "Not the latest, but as of 10 Mar 2025, as known at 11 Mar 2025, 08:00:00 UTC." in page
    assert "Not the latest" not in desk.client.get("/ui/").text
    desk.reader.kept.clear()
    assert "No portfolio was known." in desk.client.get(f"/ui/?{BOTH}").text
    desk = sample_views.desk()
    page = desk.client.get("/ui/portfolios/P-1").text
    assert "transaction T-0, version 1" in page
    assert "price S-1 2025-03-10, version 2; rate EUR/USD 2025-03-10, version 1" in page
    assert "Daily series" in page
    assert "+196.50" in page
