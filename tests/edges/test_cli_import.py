"""``tidebook import``: row reports, dry runs, partial imports and their exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.model.facts import Transaction

PORTFOLIOS = "portfolio_id,base_currency,open_date\nP1,USD,2024-01-01\n"
INSTRUMENTS = "security_id,name,instrument_currency,product_type\nACME,Acme Corp.,USD,EQUITY\n"
HEADER = (
    "transaction_id,portfolio_id,security_id,transaction_date,transaction_type,quantity,price,"
    "gross_transaction_amount,trade_currency\n"
)
GOOD = "T1,P1,ACME,2024-01-02T15:00:00Z,BUY,10,100,1000,USD\n"
BAD = "T2,P1,ACME,2024-01-03T15:00:00Z,BOUGHT,10,100,1000,USD\n"


@pytest.fixture
def store() -> Openings:
    return Openings(MemoryBook())


def written(folder: Path, name: str, text: str) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_files_are_sent_in_the_order_in_which_they_refer_to_each_other(
    store: Openings, tmp_path: Path
) -> None:
    result = terminal(
        store,
        "import",
        written(tmp_path, "t.csv", HEADER + GOOD),
        written(tmp_path, "i.csv", INSTRUMENTS),
        written(tmp_path, "p.csv", PORTFOLIOS),
    )
    assert result.exit_code == 0, result.stderr
    assert store.book.batches == [("portfolios", 1), ("instruments", 1), ("transactions", 1)]
    assert [run for _, run in store.seen] == [True]
    document = json.loads(result.stdout)
    assert (document["sent"], document["booked"]) == (3, True)
    assert [one["rows_good"] for one in document["files"]] == [1, 1, 1]


def test_a_bad_row_is_reported_with_line_reason_remedy_and_text_and_nothing_is_sent(
    store: Openings, tmp_path: Path
) -> None:
    path = written(tmp_path, "t.csv", HEADER + GOOD + BAD)
    result = terminal(store, "import", path, "-o", "table")
    assert result.exit_code == 3
    assert f"{path}:3: transaction_type: 'BOUGHT' is no transaction type" in result.stderr
    assert "the types are BUY" in result.stderr
    assert f"  {BAD.strip()}" in result.stderr
    assert "nothing was sent" in result.stdout
    assert store.seen == []


def test_with_partial_the_good_rows_are_sent_and_the_code_says_so(
    store: Openings, tmp_path: Path
) -> None:
    path = written(tmp_path, "t.csv", HEADER + BAD + GOOD)
    result = terminal(store, "import", path, "--on-error", "partial")
    assert result.exit_code == 9
    assert list(store.book.facts) == ["T1"]
    document = json.loads(result.stdout)
    assert document["files"][0] | {"file": ""} == {
        "file": "",
        "kind": "transactions",
        "rows_read": 2,
        "rows_good": 1,
        "rows_bad": 1,
    }
    assert document["faults"][0]["line"] == 2
    assert document["faults"][0]["column"] == "transaction_type"


def test_with_partial_and_no_good_row_the_file_is_refused(store: Openings, tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", HEADER + BAD)
    assert terminal(store, "import", path, "--on-error", "partial").exit_code == 3
    assert store.seen == []


def test_a_dry_run_tells_what_would_change_and_writes_nothing(
    store: Openings, tmp_path: Path
) -> None:
    portfolios = written(tmp_path, "p.csv", PORTFOLIOS)
    path = written(tmp_path, "t.csv", HEADER + GOOD)
    result = terminal(store, "import", portfolios, path, "--dry-run", "-o", "table")
    assert result.exit_code == 0
    assert "dry run: nothing was written" in result.stdout
    assert store.book.batches == []
    # The store was opened to be read, and no stage ran.
    assert [run for _, run in store.seen] == [False]


def test_a_dry_run_of_a_bad_file_ends_with_code_3(store: Openings, tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", HEADER + GOOD + BAD)
    result = terminal(store, "import", path, "--dry-run")
    assert result.exit_code == 3
    assert store.seen == []


def test_a_rule_of_the_door_holds_for_files_too(store: Openings, tmp_path: Path) -> None:
    nothing = "T3,P1,ACME,2024-01-02T15:00:00Z,BUY,0,100,1000,USD\n"
    result = terminal(store, "import", written(tmp_path, "t.csv", HEADER + nothing))
    assert result.exit_code == 3
    assert ":2: quantity: it is 0, and a BUY moves units" in result.stderr


def test_rows_go_in_batches_of_the_size_asked_for(store: Openings, tmp_path: Path) -> None:
    rows = "".join(GOOD.replace("T1,", f"T{n},") for n in range(7))
    path = written(tmp_path, "t.csv", HEADER + rows)
    assert terminal(store, "import", path, "--batch", "3", "--dry-run").exit_code == 0
    terminal(store, "import", written(tmp_path, "p.csv", PORTFOLIOS), path, "--batch", "3")
    assert store.book.batches[1:] == [("transactions", 3), ("transactions", 3), ("transactions", 1)]


def test_what_waits_is_told_after_the_booking(store: Openings, tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", HEADER + GOOD)
    portfolios = written(tmp_path, "p.csv", PORTFOLIOS)
    result = terminal(store, "import", portfolios, path, "-o", "table")
    assert result.exit_code == 0
    assert "2 sent, booked; open findings: 1" in result.stdout
    assert "waiting: T1: security ACME is not known" in result.stderr
    assert "hint: send it to POST /ingest/instruments" in result.stderr


def test_the_same_file_again_changes_no_fact(store: Openings, tmp_path: Path) -> None:
    files = [
        written(tmp_path, "p.csv", PORTFOLIOS),
        written(tmp_path, "t.csv", HEADER + GOOD.removeprefix("T1")),
    ]
    terminal(store, "import", *files)
    before = dict(store.book.facts)
    assert terminal(store, "import", *files).exit_code == 0
    assert store.book.facts == before
    assert len(before) == 1


def test_a_file_that_is_not_there_is_refused(store: Openings, tmp_path: Path) -> None:
    result = terminal(store, "import", str(tmp_path / "gone.csv"))
    assert result.exit_code == 3
    assert "gone.csv" in result.stderr


def test_a_header_that_tells_of_no_kind_is_a_fault_of_line_1(
    store: Openings, tmp_path: Path
) -> None:
    path = written(tmp_path, "x.csv", "colour,shape\nred,round\n")
    result = terminal(store, "import", path)
    assert result.exit_code == 3
    assert f"{path}:1" in result.stderr
    assert json.loads(result.stdout)["files"][0]["rows_bad"] == 1


def test_booking_that_takes_too_long_is_partial_success(tmp_path: Path) -> None:
    class Slow(MemoryBook):
        def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:
            return not receipt.reached and timeout_seconds > 1000

    store = Openings(Slow())
    path = written(tmp_path, "p.csv", PORTFOLIOS)
    result = terminal(store, "import", path, "-o", "table", "--wait", "1")
    assert result.exit_code == 9
    assert "1 sent, taken and not all booked yet" in result.stdout


def test_an_interruption_keeps_what_was_sent_and_says_how_to_go_on(tmp_path: Path) -> None:
    class Interrupted(MemoryBook):
        def ingest_transactions(
            self,
            transactions: Sequence[Transaction],
            correlation_id: str,
            origins: Sequence[str] = (),
        ) -> Receipt:
            if self.facts:
                raise KeyboardInterrupt
            return super().ingest_transactions(transactions, correlation_id, origins)

    store = Openings(Interrupted())
    rows = "".join(GOOD.replace("T1,", f"T{n},") for n in range(4))
    files = [
        written(tmp_path, "p.csv", PORTFOLIOS),
        written(tmp_path, "t.csv", HEADER + rows),
    ]
    result = terminal(store, "import", *files, "--batch", "2")
    assert result.exit_code == 130
    assert list(store.book.facts) == ["T0", "T1"]
    assert json.loads(result.stdout)["sent"] == 3
    assert "run the same command again to go on" in result.stderr


def test_facts_say_from_which_line_of_which_file_they_come(tmp_path: Path) -> None:
    store = Openings(MemoryBook())
    rows = GOOD + GOOD.replace("T1,", "T2,")
    path = written(tmp_path, "trades.csv", HEADER + rows)
    prices = written(
        tmp_path, "prices.csv", "security_id,price_date,price,currency\nA,2024-01-02,9,USD\n"
    )
    assert terminal(store, "import", path, prices).exit_code in {0, 9}
    assert store.book.read_from == ["prices.csv:2", "trades.csv:2", "trades.csv:3"]


def test_a_dry_run_against_a_server_says_that_it_only_checked_the_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "trades.csv", HEADER + GOOD)
    # Nothing listens there: a dry run asks no server.
    server = ("--url", "http://127.0.0.1:9", "-o", "json")
    result = terminal(Openings(MemoryBook()), *server, "import", "--dry-run", path)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["files"][0]["rows_good"] == 1
    assert (document["changes"], document["sent"]) == (None, 0)
    assert "POST /portfolios/{id}/what-if" in document["changes_reason"]
