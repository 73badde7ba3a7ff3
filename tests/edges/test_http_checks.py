"""Balance assertions in, reconciliation and data health out, over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import NOW, Desk
from tests.edges.test_http_queries import answered, shape
from tidebook.api.samples import examples
from tidebook.book.checks.health_facts import CheckResult, CheckSeverity
from tidebook.book.checks.reconcile import reconcile
from tidebook.book.checks.reconcile_causes import KeyRecord, Movement
from tidebook.engine.ports import HEALTH_MAX
from tidebook.model.assertions import BalanceAssertion

D = Decimal
JAN_3, JAN_31 = date(2024, 1, 3), date(2024, 1, 31)
ROW = {
    "portfolio_id": "P-1",
    "security_id": "S-1",
    "assertion_date": "2024-01-31",
    "quantity": "20",
    "source": "Example Bank",
}
STATED = BalanceAssertion("P-1:S-1:2024-01-31", "P-1", "S-1", JAN_31, D(20), source="Example Bank")
STALE = CheckResult(
    "price.stale", CheckSeverity.WARNING, "S-1", JAN_3, D(1010), "market value", "old", "send one"
)
UNMEASURED = CheckResult(
    "transaction.waiting", CheckSeverity.ERROR, "S-2", JAN_3, None, "no rate", "waits", "send it"
)


def send(desk: Desk, *rows: dict[str, Any]) -> Any:  # noqa: ANN401 - a response
    return desk.client.post("/ingest/balance-assertions", json={"balance_assertions": list(rows)})


def compared() -> Desk:
    """Return a desk whose book holds 10 S-1 where 20 are stated, as in the documentation."""
    desk = sample_views.desk()
    record = KeyRecord(
        "S-1", is_cash=False, movements=(Movement("T-1", "BUY", JAN_3, D(10), None),)
    )
    held = {"S-1": D(10), "CASH_USD": D(3996)}
    desk.reader.kept_reconciliation = reconcile({"S-1": [STATED]}, {"S-1": record}, held)
    return desk


def checked() -> Desk:
    desk = sample_views.desk()
    desk.reader.kept_health = (UNMEASURED, STALE)
    return desk


def test_an_assertion_is_taken_and_known_by_what_it_speaks_of() -> None:
    desk = Desk()
    answer = send(desk, ROW)
    assert answer.status_code == 202
    assert answer.json()["message"] == "Successfully queued 1 balance assertion for processing."
    assert desk.commands.facts["assertions"] == [STATED]


def test_every_field_is_kept_and_spelt_either_way() -> None:
    desk = Desk()
    full = {
        "assertionId": "A-1",
        "portfolioId": "P-1",
        "securityId": "CASH_USD",
        "assertionDate": "2024-01-31",
        "quantity": "-12.50",
        "tolerance": "0.01",
        "source": "Custodian",
        "note": "page 3",
        "cancelled": True,
    }
    assert send(desk, full).status_code == 202
    (taken,) = desk.commands.facts["assertions"]
    assert taken == BalanceAssertion(
        "A-1", "P-1", "CASH_USD", JAN_31, D("-12.50"), D("0.01"), "Custodian", "page 3"
    )._replace(is_cancelled=True)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"quantity": "many"}, "quantity", "number.unreadable"),
        ({"tolerance": "-0.01"}, "tolerance", "number.negative"),
        ({"assertion_date": "31.01.2024"}, "assertion_date", "date.unreadable"),
        ({"assertion_date": "2025-07-03"}, "assertion_date", "date.future"),
        ({"security_id": None}, "security_id", "field.missing"),
        ({"balance": "1"}, "balance", "field.unknown"),
        ({"security_id": "S" * 190}, "assertion_id", "id.underivable"),
    ],
)
def test_a_row_that_cannot_be_taken_names_its_fault(
    change: dict[str, Any], pointer: str, code: str
) -> None:
    desk = Desk()
    answer = send(desk, ROW, {**ROW, **change})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/balance_assertions/1/{pointer}", code)
    assert desk.commands.facts == {}


def test_the_documented_reconciliation_is_the_answer_to_the_letter() -> None:
    documented, real = (
        dict(examples()["reconciliation"]),
        answered("/portfolios/P-1/reconciliation", compared()),
    )
    assert shape(documented) == shape(real)
    del documented["freshness"], real["freshness"]
    assert documented == real


def test_nothing_compared_is_neither_agreement_nor_difference() -> None:
    body = answered("/portfolios/P-1/reconciliation")
    assert body["agrees"] is None
    assert body["reason"] == "no assertion speaks of this portfolio up to the day asked for"
    assert (body["compared"], body["first_divergence"], body["outcomes"]) == (0, None, [])


def test_outcomes_come_in_pages_and_the_question_is_passed_on() -> None:
    desk = compared()
    asked = "as_of=2024-02-01&known_at=2024-02-02T00:00:00Z&skip=1&limit=5"
    body = answered(f"/portfolios/P-1/reconciliation?{asked}", desk)
    assert (body["compared"], body["outcomes"]) == (1, [])
    assert desk.reader.asked == [
        (date(2024, 2, 1), datetime(2024, 2, 2, tzinfo=UTC), None),
    ]
    assert desk.client.get("/portfolios/P-1/reconciliation?limit=1001").status_code == 422
    assert desk.client.get("/portfolios/P-9/reconciliation").status_code == 404


def test_health_has_the_documented_shape_and_says_why_money_is_unknown() -> None:
    body = answered("/portfolios/P-1/health", checked())
    assert shape(body) == shape(examples()["health"])
    assert body["counts"] == {"error": 1, "warning": 1, "notice": 0}
    first, second = body["results"]
    assert (first["at_stake"], first["basis"], first["reason"]) == (None, None, "no rate")
    assert (second["at_stake"], second["basis"], second["reason"]) == ("1010", "market value", None)


def test_the_present_day_counts_only_when_the_present_is_asked_for() -> None:
    desk = checked()
    answered("/portfolios/P-1/health", desk)
    answered("/portfolios/P-1/health?as_of=2024-01-31&stale_days=3", desk)
    assert desk.reader.asked == [(None, None, NOW.date(), 5), (JAN_31, None, None, 3)]
    assert desk.client.get("/portfolios/P-1/health?stale_days=-1").status_code == 422
    assert desk.client.get("/portfolios/P-9/health").status_code == 404


def test_all_portfolios_are_summed_up() -> None:
    desk = checked()
    body = answered("/health/data", desk)
    documented: dict[str, Any] = examples()["health_data"]
    assert {**shape(body["portfolios"][0]), "codes": None} == {
        **shape(documented["portfolios"][0]),
        "codes": None,
    }
    assert body.keys() == documented.keys()
    summary = body["portfolios"][0]
    assert summary["codes"] == {"price.stale": 1, "transaction.waiting": 1}
    assert (summary["at_stake_max"], summary["unmeasured"]) == ("1010", 1)
    assert body["unassigned"] == [{"portfolio_id": "P-9", "waiting": 2}]
    assert desk.reader.asked[0] == (0, HEALTH_MAX, NOW.date(), 5)


def test_the_pages_show_what_is_to_be_checked_and_how_much() -> None:
    desk = checked()
    page = desk.client.get("/ui/portfolios/P-1").text
    assert '<h2 id="health">Data to check <span class="count">2</span></h2>' in page
    assert "price.stale" in page
    listed = desk.client.get("/ui/").text
    assert 'data-label="Data to check" data-sort="2"' in listed
    sound = sample_views.desk().client.get("/ui/portfolios/P-1").text
    assert "Data to check" not in sound
