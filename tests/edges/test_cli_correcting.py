"""``tidebook cancel`` and ``reprocess``, here and at a server, and files of actions."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.edges.test_cli_import import HEADER, INSTRUMENTS, PORTFOLIOS, written
from tests.edges.test_cli_remote import BOOKED, Answer, scripted
from tests.unit.cli.memory_book import MemoryBook, Openings, worked_book
from tests.unit.cli.terminal import terminal
from tidebook.adapters.csvfile import FileKind
from tidebook.cli.importing import Held
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import LotChoice
from tidebook.model.portfolios import CostMethod, MethodChange

if TYPE_CHECKING:
    from pathlib import Path

    from tidebook.engine.ports import Receipt

DAY, NEXT = date(2024, 1, 2), date(2024, 1, 3)
ACTIONS = (
    "action_id,action_type,security_id,ex_date,new_units,old_units\n"
    "A1,Reverse split,ACME,2024-01-04,1,10\n"
)


class Slow(MemoryBook):
    """A book that never gets done."""

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:  # noqa: ARG002
        return False


@pytest.fixture
def store() -> Openings:
    return Openings(worked_book())


@pytest.mark.parametrize(
    ("words", "cancelled"),
    [
        ("transaction T3 T4", [TransactionRef("T3", "P1"), TransactionRef("T4", "P1")]),
        ("transaction T99 --portfolio P9", [TransactionRef("T99", "P9")]),
        ("corporate-action A1 A2", [ActionRef("A1"), ActionRef("A2")]),
        ("market-price ACME 2024-01-02", [PriceRef("ACME", DAY)]),
        (
            "fx-rate USD EUR 2024-01-02 2024-01-03",
            [RateRef("USD", "EUR", DAY), RateRef("USD", "EUR", NEXT)],
        ),
        ("business-date 2024-01-02", [BusinessDateRef(DAY)]),
        ("balance-assertion B1 B2", [AssertionRef("B1"), AssertionRef("B2")]),
    ],
)
def test_facts_of_every_kind_can_be_cancelled(
    store: Openings, words: str, cancelled: list[object]
) -> None:
    result = terminal(store, "cancel", *words.split())
    assert result.exit_code == 0, result.stderr
    assert store.book.cancelled == cancelled
    assert json.loads(result.stdout) == {"accepted": len(cancelled), "booked": True}
    assert [run for _, run in store.seen] == [True]


def test_a_cancelled_transaction_is_gone(store: Openings) -> None:
    terminal(store, "cancel", "transaction", "T4", "-o", "table")
    listed = json.loads(terminal(store, "transactions", "P1").stdout)
    assert "T4" not in {row["transaction_id"] for row in listed["transactions"]}


def test_a_transaction_that_nobody_knows_is_not_found(store: Openings) -> None:
    result = terminal(store, "cancel", "transaction", "T3", "T99")
    assert result.exit_code == 4
    assert "transaction.unknown: transaction 'T99' is not in the book" in result.stderr
    assert store.book.cancelled == []


def test_a_price_that_nobody_knows_is_not_found(store: Openings) -> None:
    store.book.kept_unknown = {PriceRef("ACME", DAY)}
    result = terminal(store, "cancel", "market-price", "ACME", "2024-01-02")
    assert result.exit_code == 4
    assert "fact.unknown: market price ACME 2024-01-02 is not in the book" in result.stderr
    assert store.book.cancelled == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("market-price ACME tomorrow", "/price_date: 'tomorrow' is no calendar date"),
        ("fx-rate usd EUR 2024-01-02", "/from_currency: 'usd' is no currency code"),
        ("corporate-action a\tb", "/action_id: 'a\\tb' contains a control character"),
    ],
)
def test_what_names_no_fact_is_refused_before_anything_is_opened(
    store: Openings, words: str, said: str
) -> None:
    result = terminal(store, "cancel", *words.split(" "))
    assert result.exit_code == 3
    assert said in result.stderr
    assert store.seen == []


def test_reprocessing_is_asked_for(store: Openings) -> None:
    result = terminal(store, "reprocess", "T1", "T2", "-o", "table")
    assert result.exit_code == 0, result.stderr
    assert store.book.reprocessed == ["T1", "T2"]


@pytest.mark.parametrize("words", [["cancel", "corporate-action", "A1"], ["reprocess", "T1"]])
def test_what_takes_too_long_is_partial_success(words: list[str]) -> None:
    result = terminal(Openings(Slow()), *words, "--wait", "0", "-o", "table")
    assert result.exit_code == 9
    assert "taken, and not all booked yet" in result.stdout


def test_a_server_is_told_to_cancel(store: Openings) -> None:
    with scripted(BOOKED) as (url, asked):
        result = terminal(store, "cancel", "transaction", "T1", "--url", url)
    assert result.exit_code == 0, result.stderr
    assert (asked[0].path, asked[0].prefer) == ("/ingest/cancellations", "wait=60")
    assert asked[0].body == {"cancellations": [{"kind": "transaction", "transaction_id": "T1"}]}
    assert store.seen == []


def test_a_server_is_told_to_reprocess(store: Openings) -> None:
    with scripted(Answer(202, {"status": "QUEUED"})) as (url, asked):
        result = terminal(store, "reprocess", "T1", "T2", "--url", url)
    assert result.exit_code == 9
    assert asked[0].path == "/reprocess/transactions"
    assert asked[0].body == {"transaction_ids": ["T1", "T2"]}


def test_a_server_that_knows_no_such_transaction_refuses(store: Openings) -> None:
    fault = {"pointer": "/cancellations/0/transaction_id", "code": "x", "detail": "not known"}
    document: dict[str, object] = {"code": "request.invalid", "detail": "1", "errors": [fault]}
    with scripted(Answer(422, document)) as (url, _):
        result = terminal(store, "cancel", "transaction", "T99", "--url", url)
    assert result.exit_code == 3
    assert "/cancellations/0/transaction_id: not known" in result.stderr


# ---- files


def test_the_kinds_of_the_option_are_those_of_the_reader() -> None:
    assert {kind.value for kind in Held} == {kind.value for kind in FileKind}


def test_a_file_of_actions_goes_before_the_transactions(tmp_path: Path) -> None:
    store = Openings(MemoryBook())
    rows = "T1,P1,ACME,2024-01-02,buy,10,100,1000,USD\n"
    result = terminal(
        store,
        "import",
        written(tmp_path, "t.csv", HEADER + rows),
        written(tmp_path, "a.csv", ACTIONS),
        written(tmp_path, "i.csv", INSTRUMENTS),
        written(tmp_path, "p.csv", PORTFOLIOS),
    )
    assert result.exit_code == 0, result.stderr
    assert [topic for topic, _ in store.book.batches] == [
        *("portfolios", "instruments", "actions", "transactions")
    ]
    assert list(store.book.acted.values()) == [
        CorporateAction("A1", ActionType.SPLIT, "ACME", date(2024, 1, 4), Decimal(1), Decimal(10))
    ]


def test_a_file_of_cancellations_goes_last(tmp_path: Path) -> None:
    store = Openings(MemoryBook())
    rows = "T1,P1,ACME,2024-01-02,buy,10,100,1000,USD\n"
    cancellations = (
        "kind;transaction_id;security_id;price_date\n"
        "Transaction;T1;;\n"
        "market price;;ACME;02.01.2024\n"
    )
    result = terminal(
        store,
        "import",
        written(tmp_path, "c.csv", cancellations),
        written(tmp_path, "t.csv", HEADER + rows),
        written(tmp_path, "i.csv", INSTRUMENTS),
        written(tmp_path, "p.csv", PORTFOLIOS),
    )
    assert result.exit_code == 0, result.stderr
    assert store.book.cancelled == [TransactionRef("T1", "P1"), PriceRef("ACME", DAY)]
    assert store.book.facts == {}


def test_a_split_among_the_transactions_is_told_where_it_belongs(tmp_path: Path) -> None:
    rows = "T1,P1,ACME,2024-01-02,Stock split,10,100,1000,USD\n"
    result = terminal(Openings(MemoryBook()), "import", written(tmp_path, "t.csv", HEADER + rows))
    assert result.exit_code == 3
    assert ":2: transaction_type: 'SPLIT' is a corporate action" in result.stderr
    assert "POST /ingest/corporate-actions" in result.stderr


def test_chosen_lots_and_changes_of_method_are_read_from_cells(tmp_path: Path) -> None:
    store = Openings(MemoryBook())
    portfolios = (
        "portfolio_id;base_currency;open_date;cost_basis_method_changes\n"
        "P1;USD;01.01.2024;01.02.2024=LIFO | 2024-03-01=HIFO\n"
    )
    sale = (
        "transaction_id;portfolio_id;security_id;transaction_date;transaction_type;quantity;price;"
        "gross_transaction_amount;trade_currency;lots\n"
        "T1;P1;ACME;02.01.2024;sale;7,5;10;75;USD;L=1 = 2,5 | L-2=5\n"
    )
    files = written(tmp_path, "p.csv", portfolios), written(tmp_path, "t.csv", sale)
    result = terminal(store, "import", *files)
    assert result.exit_code == 0, result.stderr
    assert store.book.owners["P1"].cost_method_changes == (
        MethodChange(date(2024, 2, 1), CostMethod.LIFO),
        MethodChange(date(2024, 3, 1), CostMethod.HIFO),
    )
    assert store.book.facts["T1"][1].lots == (
        LotChoice("L=1", Decimal("2.5")),
        LotChoice("L-2", Decimal(5)),
    )


def test_the_kind_of_a_file_may_be_said(tmp_path: Path) -> None:
    store = Openings(MemoryBook())
    path = written(tmp_path, "a.csv", ACTIONS)
    assert terminal(store, "import", path, "--kind", "corporate-actions").exit_code == 0
    result = terminal(store, "import", path, "--kind", "cancellations")
    assert result.exit_code == 3
    assert "not of the kind asked for; for cancellations it lacks kind" in result.stderr


def test_lists_are_posted_as_lists(tmp_path: Path) -> None:
    sale = HEADER.replace("\n", ",lots\n") + "T1,P1,ACME,2024-01-02,SELL,5,2,10,USD,L-1=5\n"
    path = written(tmp_path, "t.csv", sale)
    with scripted(BOOKED, Answer(200, {"findings": []})) as (url, asked):
        result = terminal(Openings(MemoryBook()), "import", path, "--url", url)
    assert result.exit_code == 0, result.stderr
    assert asked[0].body["transactions"][0]["lots"] == [{"lot_id": "L-1", "quantity": "5"}]


def test_a_dry_run_against_a_server_says_that_it_did_not_look() -> None:
    server = ("--url", "http://127.0.0.1:9", "-o", "json")
    result = terminal(
        Openings(MemoryBook()), *server, "cancel", "corporate-action", "A1", "--dry-run"
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["changes"] is None
    assert "POST /portfolios/{id}/what-if" in document["changes_reason"]
