"""``tidebook verify`` and ``--dry-run``: what is compared, what would change, the exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.memory_book import Openings, worked_book
from tests.unit.cli.terminal import terminal
from tidebook.engine.book_facts import rebuilt, rebuilt_series
from tidebook.engine.queries import FactQuery

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "transaction_id,portfolio_id,security_id,transaction_date,transaction_type,quantity,price,"
    "gross_transaction_amount,trade_currency\n"
)


@pytest.fixture
def store() -> Openings:
    return Openings(worked_book())


def misstate(store: Openings) -> None:
    """Have the store hold one day with fees of 9 in place of none."""
    made = rebuilt(store.book.book_facts(FactQuery(())))
    third = rebuilt_series(made, "P1")[1]
    assert third.fees == 0
    store.book.misstated["P1"] = third._replace(fees=third.fees + 9)


def test_a_book_that_is_equal_ends_with_code_0(store: Openings) -> None:
    result = terminal(store, "verify", "-o", "json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["equal"], document["portfolios"], document["differences"]) == (True, 1, [])
    assert document["rows_compared"]["transactions"] == 5
    # Four days from the first trade to the last price.
    assert document["rows_compared"]["portfolio_days"] == 4
    assert [run for _, run in store.seen] == [False]
    assert store.book.batches[-1] == ("transactions", 5)


def test_a_difference_is_told_and_ends_with_code_8(store: Openings) -> None:
    misstate(store)
    result = terminal(store, "verify", "P1", "-o", "json")
    assert result.exit_code == 8
    document = json.loads(result.stdout)
    assert document["equal"] is False
    assert document["differences_count"] == {"portfolio_days": 1}
    assert document["differences"] == [
        {
            "table": "portfolio_days",
            "key": ["P1", "2024-01-03"],
            "column": "fees",
            "stored": "9",
            "rebuilt": "0",
        }
    ]


def test_the_table_names_the_row_and_counts(store: Openings) -> None:
    misstate(store)
    result = terminal(store, "verify", "-o", "table")
    assert "P1 2024-01-03" in result.stdout
    assert "1 differences" in result.stdout


def test_a_portfolio_that_waits_to_be_folded_is_not_compared(store: Openings) -> None:
    misstate(store)
    store.book.folding = frozenset({"P1"})
    result = terminal(store, "verify", "-o", "table")
    assert result.exit_code == 0
    assert "not compared, keys wait to be folded again: P1" in result.stdout


def test_an_unknown_portfolio_ends_with_code_4(store: Openings) -> None:
    result = terminal(store, "verify", "P7")
    assert result.exit_code == 4
    assert "portfolio.unknown" in result.stderr


def test_a_dry_run_shows_positions_lots_gains_and_cash(store: Openings, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + "T5,P1,ACME,2024-01-05,SELL,3,140,420,USD\n", encoding="utf-8")
    batches = list(store.book.batches)
    result = terminal(store, "import", str(path), "--dry-run", "-o", "json")
    assert result.exit_code == 0
    (change,) = json.loads(result.stdout)["changes"]
    (acme, cash) = change["positions"]
    assert (acme["before"]["quantity"], acme["after"]["quantity"]) == ("8", "5")
    assert (cash["security_id"], cash["after"]["quantity"]) == ("CASH_USD", "-167")
    # 8 of T2 cost 704 EUR at 0.80; 3 of them 264. They bring 420 USD at 0.95, 399 EUR.
    assert acme["after"]["cost_base"] == "440"
    (lot, *_) = change["lots"]
    assert (lot["lot_id"], lot["change"], lot["after"]["quantity"]) == ("T2", "changed", "5")
    gains = {each["security_id"]: each for each in change["realised"]}
    before, after = gains["ACME"]["before"], gains["ACME"]["after"]
    assert float(after["realised"]) - float(before["realised"]) == 135
    assert store.book.batches == batches


def test_a_cancellation_can_be_tried_first(store: Openings) -> None:
    result = terminal(store, "cancel", "transaction", "T4", "--dry-run", "-o", "table")
    assert result.exit_code == 0
    # ACME, the dollars, and the lots T1 and T2 that T4 had taken from.
    assert "P1 as of 2024-01-05: 2 positions" in result.stdout
    assert store.book.cancelled == []


def test_a_dry_run_that_changes_nothing_says_so(store: Openings) -> None:
    result = terminal(store, "cancel", "market-price", "ELSE", "2024-01-05", "--dry-run")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["changes"] == []
