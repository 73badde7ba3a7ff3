"""``tidebook reconcile`` and ``tidebook health``, for the portfolio of ``worked_book``.

P1 holds 8 ACME, 5,000 euros, and is overdrawn by 587 dollars.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.memory_book import Openings, worked_book
from tests.unit.cli.terminal import terminal
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "portfolio_id,security_id,assertion_date,quantity,source\n"
AGREEING = HEADER + "P1,ACME,2024-01-31,8,Broker\nP1,CASH_USD,2024-01-31,-587,Broker\n"


@pytest.fixture
def store() -> Openings:
    return Openings(worked_book())


def written(folder: Path, text: str) -> str:
    path = folder / "broker.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_that_agrees_ends_well_and_is_not_stored(store: Openings, tmp_path: Path) -> None:
    result = terminal(store, "reconcile", "P1", "--file", written(tmp_path, AGREEING))
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["agrees"], document["compared"], document["divergences"]) == (True, 2, [])
    # The euros are not in the file, which is told.
    assert [one["security_id"] for one in document["unstated"]] == ["CASH_EUR"]
    assert store.book.asserted == {}
    assert [run for _, run in store.seen] == [False]


def test_what_differs_has_an_exit_code_of_its_own_and_says_where_and_why(
    store: Openings, tmp_path: Path
) -> None:
    # T4 sold 8 on 5 January; the broker knows of 16 units on the 31st, and of 16 on the 4th.
    lines = HEADER + "P1,ACME,2024-01-04,16,Broker\nP1,ACME,2024-01-31,16,Broker\n"
    result = terminal(store, "reconcile", "P1", "--file", written(tmp_path, lines), "-o", "table")
    assert result.exit_code == 10
    shown = " ".join(result.stdout.split())
    assert "2 compared: 1 agree, 1 differ" in shown
    assert "ACME parts after 2024-01-04, by 2024-01-31: 8, with 1 booked movement" in shown
    assert "not-confirmed: SELL T4 of 2024-01-05 (-8) is in the book" in shown


def test_stored_assertions_are_compared_when_no_file_is_named(
    store: Openings, tmp_path: Path
) -> None:
    path = written(tmp_path, HEADER + "P1,ACME,2024-01-31,9,Broker\n")
    assert terminal(store, "import", path, "--kind", "assertions").exit_code == 0
    assert list(store.book.asserted) == ["P1:ACME:2024-01-31"]
    result = terminal(store, "reconcile", "P1", "-o", "csv")
    assert result.exit_code == 10
    assert "P1:ACME:2024-01-31,2024-01-31,ACME,9,8,1,0,differs,Broker," in result.stdout


def test_nothing_to_compare_is_no_success(store: Openings, tmp_path: Path) -> None:
    assert terminal(store, "reconcile", "P1").exit_code == 4
    other = written(tmp_path, HEADER + "P2,ACME,2024-01-31,9,Broker\n")
    result = terminal(store, "reconcile", "P1", "--file", other, "-o", "table")
    assert result.exit_code == 4
    assert "1 assertions speak of other portfolios and were left out" in result.stdout


def test_a_file_with_a_fault_is_not_compared_in_part(store: Openings, tmp_path: Path) -> None:
    path = written(tmp_path, AGREEING + "P1,ACME,2024-02-30,8,Broker\n")
    result = terminal(store, "reconcile", "P1", "--file", path)
    assert result.exit_code == 3
    assert f"{path}:4: assertion_date: '2024-02-30' is not a day of the calendar" in result.stderr
    assert store.seen == []


def test_a_file_of_another_kind_is_refused(store: Openings, tmp_path: Path) -> None:
    prices = "security_id,price_date,price,currency\nACME,2024-01-31,8,USD\n"
    result = terminal(store, "reconcile", "P1", "--file", written(tmp_path, prices))
    assert result.exit_code == 3
    assert (
        "the header is not of the kind asked for; for assertions it lacks portfolio_id"
        in result.stderr
    )


def test_import_takes_only_the_kind_that_is_named(store: Openings, tmp_path: Path) -> None:
    path = written(tmp_path, AGREEING)
    assert terminal(store, "import", path, "--kind", "prices").exit_code == 3
    assert terminal(store, "import", path, "--kind", "nonsense").exit_code == 2
    assert store.book.asserted == {}


def test_an_unknown_portfolio_is_not_found(store: Openings) -> None:
    assert terminal(store, "reconcile", "P9").exit_code == 4
    assert terminal(store, "health", "P9").exit_code == 4


def test_health_lists_what_is_doubtful_with_the_money_at_stake(store: Openings) -> None:
    # The last day known is 5 January, the clock stands at 1 February: 19 business days. At stake
    # is all: 1064 + 5000 + 557.65. The overdraft alone is 587 dollars at 0.95.
    result = terminal(store, "health", "P1")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["counts"] == {"error": 0, "warning": 2, "notice": 0}
    assert [(one["code"], one["subject"], one["at_stake"]) for one in document["results"]] == [
        ("book.behind", "P1", "6621.65"),
        ("cash.negative", "CASH_USD", "557.65"),
    ]


def test_health_of_a_past_day_is_not_held_against_the_clock(store: Openings) -> None:
    document = json.loads(terminal(store, "health", "P1", "--as-of", "2024-01-05").stdout)
    assert [one["code"] for one in document["results"]] == ["cash.negative"]
    late = terminal(store, "health", "P1", "--as-of", "2024-02-01", "--stale-days", "30")
    assert [one["code"] for one in json.loads(late.stdout)["results"]] == ["cash.negative"]


def test_health_of_all_portfolios_is_one_line_each(store: Openings) -> None:
    store.book.ingest_portfolios(
        [Portfolio("P2", "USD", store.book.owners["P1"].open_date)], "test"
    )
    result = terminal(store, "health", "-o", "csv")
    assert result.exit_code == 0
    header, first, second = result.stdout.splitlines()
    assert header.startswith("portfolio_id,base_currency,errors,warnings,notices,at_stake_max")
    assert first.startswith("P1,EUR,0,2,0,6621.65,0,")
    assert second.startswith("P2,USD,0,0,0,,0,")
    assert terminal(store, "health", "--as-of", "2024-01-05").exit_code == 2
