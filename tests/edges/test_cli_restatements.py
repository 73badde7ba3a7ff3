"""The restatement log and past findings at the command line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.unit.cli.memory_book import Openings, worked_book
from tests.unit.cli.terminal import terminal
from tidebook.engine.causes import Amounts, Cause, CauseKind, SeriesRestated
from tidebook.engine.queries import RestatementQuery
from tidebook.engine.views import RestatementView

D = Decimal
THEN = datetime(2024, 1, 6, 8, tzinfo=UTC)
FIRST, LAST = date(2024, 1, 2), date(2024, 1, 5)


@pytest.fixture(name="store")
def store_of_the_worked_book() -> Openings:
    book = worked_book()
    book.logged = [
        RestatementView(
            None,
            None,
            FIRST,
            "days already valued were valued anew",
            None,
            None,
            THEN,
            (Cause(CauseKind.PRICE, "ACME 2024-01-02", 2),),
            series=SeriesRestated(FIRST, LAST, 4, LAST, D("5506.35"), D("5500")),
        ),
        RestatementView(
            "ACME",
            1,
            FIRST,
            "a back-dated transaction",
            1,
            3,
            THEN,
            (Cause(CauseKind.TRANSACTION, "T1", 1), Cause(CauseKind.REQUEST, "T3")),
            Amounts(D(8), D(704), D("269.3")),
            Amounts(D(9), D("800.125"), D("260.3")),
        ),
        RestatementView("OLD", 1, FIRST, "a transaction was amended", 1, 1, THEN),
    ]
    return Openings(book)


def test_the_log_names_causes_and_moves(store: Openings) -> None:
    result = terminal(store, "restatements", "P1", "-o", "table")
    assert result.exit_code == 0
    series, position, old = result.stdout.splitlines()[2:5]
    assert "daily series" in series
    assert "price ACME 2024-01-02 (version 2)" in series
    assert series.rstrip().endswith("-6.35")
    assert "transaction T1 (version 1); request T3" in position
    assert position.split()[-4:] == ["1", "96.12", "-9.00", "\N{EN DASH}"]
    # Of a release that kept neither.
    assert old.split()[-5:] == ["\N{EN DASH}"] * 5
    assert "3 of 3 restatements, skipping 0" in result.stdout


def test_json_has_before_and_after_and_null_where_nothing_was_kept(store: Openings) -> None:
    document = json.loads(terminal(store, "restatements", "P1").stdout)
    series, position, old = document["restatements"]
    assert (document["total"], document["base_currency"]) == (3, "EUR")
    assert (series["value_before"], series["value_after"]) == ("5506.35", "5500")
    assert (series["value_change"], series["quantity_change"]) == ("-6.35", None)
    assert (position["cost_base_before"], position["cost_base_after"]) == ("704", "800.125")
    assert position["quantity_change"] == "1"
    assert old["cost_base_before"] is None
    assert old["causes"] is None


def test_the_log_is_asked_for_with_every_filter(store: Openings) -> None:
    words = "--security ACME --since 2024-01-03T00:00:00Z --as-of 2024-01-05 --skip 1 --limit 1"
    words += " --known-at 2024-01-06T09:00:00+01:00"
    document = json.loads(terminal(store, "restatements", "P1", *words.split()).stdout)
    since = datetime(2024, 1, 3, tzinfo=UTC)
    assert store.book.asked == [RestatementQuery("P1", "ACME", since, 1, 1, LAST, THEN)]
    assert [row["security_id"] for row in document["restatements"]] == ["ACME"]
    assert document["freshness"]["known_at"] == "2024-01-06T08:00:00+00:00"


def test_findings_are_asked_for_as_of_a_day_and_as_known_at_an_instant(store: Openings) -> None:
    words = ("--as-of", "2024-01-05", "--known-at", "2024-01-06T08:00:00Z")
    assert terminal(store, "findings", "P1", *words).exit_code == 0
    assert store.book.asked == [(LAST, THEN)]


@pytest.mark.parametrize("option", ["--since", "--known-at"])
def test_an_instant_without_an_offset_is_refused(store: Openings, option: str) -> None:
    result = terminal(store, "restatements", "P1", option, "2024-01-03T00:00:00")
    assert result.exit_code == 2
    assert "is no instant" in result.stderr
