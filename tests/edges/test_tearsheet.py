"""A tear sheet from the book to the file: figures by hand, and nothing that is loaded."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.edges.test_http_explain import client_of
from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal
from tidebook.engine.measuring.tearsheet import Told, tear_sheet
from tidebook.errors import EmptyPeriodError
from tidebook.model.facts import Price, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.periods import period_named
from tidebook.model.portfolios import Portfolio
from tidebook.web.tearsheet import render_tear_sheet

if TYPE_CHECKING:
    from pathlib import Path

DAYS = [date(2023, 12, 28), date(2023, 12, 29), *(date(2024, 1, day) for day in (1, 2, 3, 4))]
PRICES = ("10", "11", "9.9", "12", "12", "11.4")
LEVELS = ("10", "11", "11", "10", "12", "12")
NONCE = "bm9uY2Ugb2YgdGhlIHRlc3Rz"


def _fact(identity: str, kind: T, on: date, quantity: int, price: int) -> Transaction:
    security_id = "CASH_USD" if kind is T.DEPOSIT else "ACME"
    amounts = Decimal(quantity), Decimal(price), Decimal(quantity * price)
    return Transaction(identity, "P1", security_id, kind, None, on, *amounts, "USD", "USD")


@pytest.fixture
def store() -> Openings:
    """100 are brought in and buy 10 shares at 10; on the fifth day 120 more buy 10 at 12."""
    book = MemoryBook()
    book.ingest_portfolios([Portfolio("P1", "USD", DAYS[0], "Worked case")], "test")
    book.ingest_instruments([Instrument("ACME", "Acme Corp.", "USD", "EQUITY")], "test")
    book.ingest_instruments([Instrument("INDEX", "An index", "USD", "INDEX")], "test")
    for security_id, closes in (("ACME", PRICES), ("INDEX", LEVELS)):
        prices = [
            Price(security_id, DAYS[number], Decimal(close), "USD")
            for number, close in enumerate(closes)
        ]
        book.ingest_prices(prices, "test")
    facts = [
        _fact("D1", T.DEPOSIT, DAYS[0], 100, 1),
        _fact("B1", T.BUY, DAYS[0], 10, 10),
        _fact("D2", T.DEPOSIT, DAYS[4], 120, 1),
        _fact("B2", T.BUY, DAYS[4], 10, 12),
    ]
    book.ingest_transactions(facts, "test")
    return Openings(book)


def _text(store: Openings, told: Told) -> str:
    sheet = tear_sheet(store.book, told, store.benchmarks.levels)
    return render_tear_sheet(sheet, nonce=NONCE)


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_returns_and_money_are_told(store: Openings) -> None:
    """1.1 x 0.9 x 120/99 x 240/240 x 0.95 = 1.14: the deposit is no return."""
    text = _plain(_text(store, Told("P1")))
    assert "Cumulative return 14.00%" in text
    assert "Since inception 28 Dec 2023 to 4 Jan 2024 +14.00%" in text
    assert "2023 0.00 100.00 0.00 +10.00 110.00" in text
    assert "Since inception 0.00 220.00 0.00 +8.00 228.00" in text
    assert "1 −10.00% 29 Dec 2023 1 Jan 2024 2 Jan 2024 3 1" in text


def test_the_same_flows_are_put_into_the_benchmark(store: Openings) -> None:
    """100 buy 10 units at 10, and 120 buy 10 more at 12: 20 units are worth 240."""
    text = _plain(_text(store, Told("P1", benchmark="INDEX")))
    assert "beside INDEX" in text
    assert (
        "The same flows in the benchmark Every flow bought or sold it at that day's close 240.00"
        in text.replace("&#39;", "'")
    )
    assert "Value added The one less the other −12.00" in text
    assert "Benchmark INDEX price, book" in text
    assert "underperformed" in text


def test_a_period_is_told_alone(store: Openings) -> None:
    text = _plain(_text(store, Told("P1", period_named("2023"))))
    assert "Period 28 Dec 2023 to 29 Dec 2023" in text
    assert "+10.00%" in text


def test_the_file_asks_for_nothing_else(store: Openings) -> None:
    html = _text(store, Told("P1", benchmark="INDEX"))
    assert "default-src 'none'" in html
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", html)
    assert "<script" not in html
    assert html == _text(store, Told("P1", benchmark="INDEX"))


def test_figures_that_are_undefined_say_why(store: Openings) -> None:
    text = _plain(_text(store, Told("P1", period_named("2023-12-29:2023-12-29"))))
    assert not re.search(r"\b(nan|inf)\b", text.lower())
    assert "Notes" in text


def test_a_period_without_a_day_is_refused(store: Openings) -> None:
    with pytest.raises(EmptyPeriodError, match="holds no day"):
        tear_sheet(store.book, Told("P1", period_named("2020")), store.benchmarks.levels)


def test_the_bridge_leads_from_nothing_to_what_is_there(store: Openings) -> None:
    """220 came in; 10 shares gained 1.4 each and 10 lost 0.6 each: 14 - 6 = 8."""
    text = _plain(_text(store, Told("P1")))
    assert "Flows what crossed the border +220.00" in text
    assert "Price gains by price, realised and not, before costs +8.00" in text
    assert "At the end the sum of all lines above 228.00" in text


def test_the_command_writes_one_file(store: Openings, tmp_path: Path) -> None:
    path = tmp_path / "sheet.html"
    done = terminal(store, "tearsheet", "P1", "--benchmark", "INDEX", "--to", str(path))
    assert done.exit_code == 0, done.output
    assert "beside INDEX" in path.read_text(encoding="utf-8")
    assert "2023-12-28 to 2024-01-04" in done.stderr


def test_what_cannot_be_written_is_said(store: Openings, tmp_path: Path) -> None:
    done = terminal(store, "tearsheet", "P1", "--to", str(tmp_path / "none" / "sheet.html"))
    assert done.exit_code != 0
    assert "cannot be written" in done.stderr


def test_a_frequency_that_is_none_is_refused(store: Openings) -> None:
    assert terminal(store, "tearsheet", "P1", "--frequency", "HOURLY").exit_code == 2


def test_the_page_of_a_portfolio_leads_to_its_tear_sheet(store: Openings) -> None:
    client = client_of(store.book)
    assert "/ui/tearsheet?portfolio_id=P1" in client.get("/ui/view/P1").text
    answer = client.get("/ui/tearsheet", params={"portfolio_id": "P1", "benchmark": "INDEX"})
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "beside INDEX" in _plain(answer.text)
    lost = client.get("/ui/tearsheet", params={"portfolio_id": "P1", "period": "2020"})
    assert lost.status_code == 404
    assert "holds no day" in lost.text


def test_falls_are_told_together(store: Openings) -> None:
    """From 29 December to 2 January are 4 days, from 3 to 4 January one; 10 % and 5 % deep."""
    text = _plain(_text(store, Told("P1")))
    assert (
        "How many 2 Mean depth 7.50% Mean length calendar days 2.50 Longest calendar days 4" in text
    )


def test_runs_tails_and_recovery_are_told(store: Openings) -> None:
    """Six returns: 0, 10 %, -10 %, 120/99 - 1, 0, -5 %; 14 % over a fall of 10 %."""
    text = _plain(_text(store, Told("P1")))
    assert "Longest run of wins the most r &gt; 0 in a row 1" in text
    assert "Time in market #(r ≠ 0) / n 66.67%" in text
    assert "Recovery factor cumulative return / deepest drawdown 1.40" in text


def test_intervals_stand_beside_the_figures(store: Openings) -> None:
    text = _plain(_text(store, Told("P1")))
    found = re.search(r"How certain Measure .*? Sharpe ratio (\S+) (\S+) (\S+) 1,000", text)
    assert found is not None
    figure, low, high = (float(one.replace("−", "-")) for one in found.groups())
    assert low < figure < high
    other = _plain(_text(store, Told("P1", seed=1)))
    assert other != text
