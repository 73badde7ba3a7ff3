"""A book read from Python: the same figures through both doors, each with its type."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uvicorn

import tidebook
from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tidebook.analytics import DatedReturns, suite
from tidebook.api import create_app
from tidebook.client import (
    Attributing,
    BenchmarkGroup,
    Book,
    Measuring,
    Risking,
    Several,
    When,
)
from tidebook.client.doors import ProcessDoor, ServerDoor
from tidebook.client.remote import Remote
from tidebook.errors import (
    InvalidPeriodError,
    NoBookError,
    ServerRefusedError,
    ServerUnreachableError,
)
from tidebook.model.facts import Price, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from fastapi import FastAPI

DAYS = [date(2023, 12, 28), date(2023, 12, 29), *(date(2024, 1, day) for day in (1, 2, 3, 4))]
PRICES = ("10", "11", "9.9", "12", "12", "11.4")
LEVELS = ("10", "11", "11", "10", "12", "12")
LAST = When(as_of=DAYS[-1])
MEASURED = Measuring(LAST)
THEIRS = Several(client_id="U 1")
BY_SECURITY = Attributing("SECURITY")
MIX = (BenchmarkGroup("ACME", 1, total_return=0.2),)


def _fact(identity: str, kind: T, on: date, quantity: int, price: str) -> Transaction:
    security_id = "CASH_USD" if kind is T.DEPOSIT else "ACME"
    gross = Decimal(quantity) * Decimal(price)
    amounts = Decimal(quantity), Decimal(price), gross
    return Transaction(identity, "P/1", security_id, kind, None, on, *amounts, "USD", "USD")


@pytest.fixture(scope="module")
def application() -> FastAPI:
    """100 buy 10 shares at 10; on the fifth day 120 more buy 10 at 12; then 5 are sold at 11.40."""
    book = MemoryBook()
    owned = Portfolio("P/1", "USD", DAYS[0], "Worked case", cif_id="U 1")
    book.ingest_portfolios([owned], "test")
    book.ingest_instruments([Instrument("ACME", "Acme Corp.", "USD", "EQUITY")], "test")
    book.ingest_instruments([Instrument("INDEX", "An index", "USD", "INDEX")], "test")
    for security_id, closes in (("ACME", PRICES), ("INDEX", LEVELS)):
        prices = [
            Price(security_id, on, Decimal(close), "USD")
            for on, close in zip(DAYS, closes, strict=True)
        ]
        book.ingest_prices(prices, "test")
    facts = [
        _fact("D1", T.DEPOSIT, DAYS[0], 100, "1"),
        _fact("B1", T.BUY, DAYS[0], 10, "10"),
        _fact("D2", T.DEPOSIT, DAYS[4], 120, "1"),
        _fact("B2", T.BUY, DAYS[4], 10, "12"),
        _fact("S1", T.SELL, DAYS[5], 5, "11.4"),
    ]
    book.ingest_transactions(facts, "test")
    return create_app(book, book, clock=StoppedClock())


@pytest.fixture(scope="module")
def here(application: FastAPI) -> Iterator[Book]:
    with Book(ProcessDoor("a book", application, lambda: None)) as opened:
        yield opened


@contextmanager
def _served(application: FastAPI) -> Generator[str]:
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def there(application: FastAPI) -> Iterator[Book]:
    with _served(application) as url, tidebook.connect(url) as opened:
        yield opened


QUESTIONS: dict[str, Callable[[Book], object]] = {
    "portfolios": lambda b: b.portfolios(),
    "positions": lambda b: b.positions("P/1", LAST),
    "lots": lambda b: b.lots("P/1", LAST, security_id="ACME"),
    "gains": lambda b: b.gains("P/1", LAST),
    "transactions": lambda b: b.transactions("P/1", start_date=DAYS[1]),
    "series": lambda b: b.series("P/1", start_date=DAYS[1], end_date=DAYS[4]),
    "returns": lambda b: b.returns("P/1", "SI", "DAILY", MEASURED),
    "performance": lambda b: b.performance("P/1", ("2023", "SI"), MEASURED),
    "mwr": lambda b: b.mwr("P/1", ("2023", "SI"), MEASURED),
    "risk": lambda b: b.risk(
        "P/1", ("SI",), risking=Risking(benchmark="INDEX"), measuring=MEASURED
    ),
    "risk with a rate": lambda b: b.risk(
        "P/1", ("SI",), risking=Risking(risk_free_annual=0.02), measuring=MEASURED
    ),
    "contribution": lambda b: b.contribution("P/1", "SI", "SECURITY", MEASURED),
    "contribution of several": lambda b: b.contribution(THEIRS, "SI", "SECURITY", MEASURED),
    "performance of several": lambda b: b.performance(THEIRS, ("SI",), MEASURED),
    "returns of several": lambda b: b.returns(THEIRS, "SI", "DAILY", MEASURED),
    "mwr of several": lambda b: b.mwr(Several(("P/1",)), ("SI",), MEASURED),
    "risk of several": lambda b: b.risk(Several(is_all=True), ("SI",), measuring=MEASURED),
    "attribution": lambda b: b.attribution("P/1", MIX, "SI", BY_SECURITY, MEASURED),
    "attribution of several": lambda b: b.attribution(THEIRS, MIX, "SI", BY_SECURITY, MEASURED),
    "bridge": lambda b: b.bridge("P/1", "2024", LAST),
    "comparison": lambda b: b.comparison("U 1", "INDEX", LAST, start_date=DAYS[1]),
    "user metrics": lambda b: b.user_metrics("U 1")._replace(known_at=None),
    "user portfolio": lambda b: b.user_portfolio("U 1")._replace(known_at=None),
    "win rate": lambda b: b.win_rate("U 1")._replace(known_at=None),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_both_doors_answer_alike(here: Book, there: Book, name: str) -> None:
    found = QUESTIONS[name](here)
    assert found == QUESTIONS[name](there)
    assert found


def test_positions_keep_every_digit(here: Book) -> None:
    """15 shares are left: 5 at 10 and 10 at 12 cost 170, and are worth 171."""
    acme = next(one for one in here.positions("P/1", LAST) if one.security_id == "ACME")
    assert (acme.quantity, acme.cost_basis) == (Decimal(15), Decimal(170))
    assert (acme.market_value, acme.unrealized_gain_loss) == (Decimal(171), Decimal(1))
    assert acme.price_date == DAYS[-1]
    fresh = here.positions("P/1", LAST).freshness
    assert fresh is not None
    assert (fresh.as_of, fresh.coverage) == (DAYS[-1], Decimal(1))


def test_lots_gains_and_transactions_are_typed(here: Book) -> None:
    """The first five of ten shares bought at 10 go for 57, which is 7 more."""
    lots = here.lots("P/1", LAST, security_id="ACME")
    assert [(lot.lot_id, lot.quantity, lot.cost_basis) for lot in lots] == [
        ("B1", Decimal(5), Decimal(50)),
        ("B2", Decimal(10), Decimal(120)),
    ]
    (gain,) = [one for one in here.gains("P/1", LAST) if one.security_id == "ACME"]
    assert (gain.realized_gain_loss, gain.days_held) == (Decimal(7), 7)
    booked = here.transactions("P/1")
    assert [one.transaction_id for one in booked] == ["D1", "B1", "D2", "B2", "S1"]
    assert isinstance(booked[0].recorded_at, datetime)
    assert booked[0].recorded_at.tzinfo == UTC


def test_returns_are_fractions_that_analytics_takes(here: Book) -> None:
    """1.1 x 0.9 x 120/99 x 1 x 0.95 = 1.14, whatever was paid in."""
    told = here.returns("P/1", "SI", "DAILY", MEASURED)
    assert [one.cumulative_return for one in told[:2]] == [0.0, 0.1]
    columns = told.columns
    dated = DatedReturns(columns["end_date"], columns["cumulative_return"])
    assert suite(dated.returns).figures["cumulative_return"] == pytest.approx(0.14)
    (whole,) = here.performance("P/1", ("SI",), MEASURED)
    assert whole.cumulative_return == pytest.approx(0.14)
    assert whole.total_cashflow == Decimal(220)


def test_what_is_undefined_is_none_with_its_reason(here: Book) -> None:
    (told,) = here.performance("P/1", ("2020",), MEASURED)
    assert told.cumulative_return is None
    assert told.reason is not None
    assert "no day" in told.reason
    (rate,) = here.mwr("P/1", ("2020",), MEASURED)
    assert rate.mwr is None
    assert rate.reason


def test_risk_is_one_row_a_measure(here: Book) -> None:
    told = here.risk("P/1", ("SI",), ("volatility", "max_drawdown", "var"), measuring=MEASURED)
    assert [one.metric for one in told] == ["VOLATILITY", "MAX_DRAWDOWN", "VAR"]
    assert told[1].value == pytest.approx(0.1)
    assert [one.unit for one in told] == ["fraction per year", "fraction", "fraction"]


def test_another_deviation_and_another_return_are_honoured(here: Book) -> None:
    def volatility(risking: Risking) -> float:
        (told,) = here.risk("P/1", ("SI",), ("volatility",), risking=risking, measuring=MEASURED)
        assert told.value is not None
        return told.value

    (plain,) = here.risk("P/1", ("SI",), ("volatility",), measuring=MEASURED)
    assert plain.value is not None
    of_all = volatility(Risking(deviation="POPULATION"))
    assert of_all == pytest.approx(plain.value * ((plain.n - 1) / plain.n) ** 0.5, abs=1e-9)
    assert volatility(Risking(use_log_returns=True)) != pytest.approx(plain.value, abs=1e-6)


def test_a_rate_without_risk_lowers_the_mean(here: Book) -> None:
    """The mean of a day is the same; the Sharpe ratio falls by the rate over the volatility."""
    asked = ("sharpe_arithmetic", "volatility")
    bare = here.risk("P/1", ("SI",), asked, measuring=MEASURED)
    rate = Risking(risk_free_annual=0.02)
    less = here.risk("P/1", ("SI",), asked[:1], risking=rate, measuring=MEASURED)
    (sharpe, volatility), (lower,) = (
        [one.value or 0.0 for one in bare],
        [one.value or 0.0 for one in less],
    )
    assert lower == pytest.approx(sharpe - 252 * (1.02 ** (1 / 252) - 1) / volatility)


def test_contributions_sum_to_the_return(here: Book) -> None:
    told = here.contribution("P/1", "SI", "SECURITY", MEASURED)
    assert sum(one.contribution or 0.0 for one in told) == pytest.approx(0.14)


def test_several_are_measured_as_one(here: Book) -> None:
    alone, together = (
        here.contribution(one, "SI", "SECURITY", MEASURED) for one in ("P/1", THEIRS)
    )
    assert list(alone) == list(together)
    (whole,) = here.performance(THEIRS, ("SI",), MEASURED)
    assert whole.cumulative_return == pytest.approx(0.14)
    with pytest.raises(ServerRefusedError) as refused:
        here.performance(Several(client_id="nobody"), ("SI",), MEASURED)
    assert refused.value.problem.code == "scope.no-portfolios"


def test_an_active_return_is_taken_apart(here: Book) -> None:
    """14 percent are 6 less than the 20 of a benchmark that holds the one security too."""
    told = here.attribution("P/1", MIX, "SI", BY_SECURITY, MEASURED)
    assert (told.period, told.start_date, told.end_date) == ("SI", DAYS[0], DAYS[-1])
    assert told.benchmark_return == pytest.approx(0.2)
    assert told.active_return == pytest.approx(-0.06)
    effects = sum(one.total or 0.0 for one in told.effects)
    assert effects + (told.other or 0.0) == pytest.approx(-0.06)
    (acme,) = (one for one in told.effects if one.group == "ACME")
    assert acme.benchmark_weight == 1.0
    assert told.effects.freshness is not None


def test_a_bridge_is_exact_and_by_security(here: Book) -> None:
    """99 at the end of 2023 and 120 paid in became 228: ten shares won 21, fifteen lost 12..."""
    told = here.bridge("P/1", "2024", LAST)
    assert (told.start, told.flows, told.end) == (Decimal(110), Decimal(120), Decimal(228))
    sides = told.start + told.flows + told.price + told.currency + told.income
    assert sides - told.fees - told.taxes + told.unexplained == told.end + told.into_unpriced
    assert told.price == Decimal(-2)
    (acme,) = (one for one in told.securities if one.security_id == "ACME")
    assert (acme.start, acme.end) == (Decimal(110), Decimal(171))
    assert told.unpriced == ()


def test_a_user_is_told_by_what_was_traded_and_won(here: Book) -> None:
    """220 bought, five sold for 57 that cost 50, fifteen worth 171 that cost 170."""
    metrics = here.user_metrics("U 1")
    assert (metrics.total_trades, metrics.total_invested, metrics.total_value) == (3, 220, 228)
    assert (metrics.realized_pnl, metrics.unrealized_pnl, metrics.profit) == (7, 1, 8)
    assert metrics.twr == pytest.approx(0.14)
    assert metrics.mwr_annual is None
    assert any("less than one year" in one for one in metrics.reasons)
    (acme,) = here.user_portfolio("U 1").symbols
    assert (acme.symbol, acme.invested, acme.value, acme.pnl) == ("ACME", 220, 171, 8)
    assert acme.return_on_invested == pytest.approx(8 / 220)
    won = here.win_rate("U 1")
    assert (won.win_rate, won.closed_trades, won.average_win) == (1.0, 1, 7)
    assert won.profit_factor is None
    assert won.reasons


def test_a_user_is_compared_with_the_same_flows(here: Book) -> None:
    """100 buy 10 units at 10, 120 buy 10 at 12: 20 units are worth 240, the portfolio 228."""
    told = here.comparison("U 1", "INDEX", LAST)
    assert (told.status, told.profit, told.end_value) == ("underperformed", 8, 228)
    assert told.end_value_same_flows == pytest.approx(240)
    assert told.value_added == pytest.approx(-12)
    assert told.benchmark_return == pytest.approx(0.2)
    assert told.difference == pytest.approx((told.mwr or 0.0) - (told.benchmark_mwr or 0.0))
    assert any("distributions" in one for one in told.warnings)


def test_a_refusal_has_the_code_of_the_reference(here: Book, there: Book) -> None:
    for book in (here, there):
        with pytest.raises(ServerRefusedError) as refused:
            book.positions("P2")
        assert refused.value.problem.status == 404
        assert refused.value.problem.code == "portfolio.unknown"


def test_a_period_that_is_none_is_refused_before_anything_is_asked(here: Book) -> None:
    with pytest.raises(InvalidPeriodError):
        here.performance("P/1", ("YTDX",))


def test_long_lists_are_fetched_page_by_page(here: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidebook.client.book._PAGE", 2)
    assert [one.transaction_id for one in here.transactions("P/1")][-1] == "S1"


def test_a_directory_without_a_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoBookError, match="holds no book"):
        tidebook.connect(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.cluster
def test_a_database_is_opened_by_its_address(database_url: str) -> None:
    with tidebook.connect(database_url) as book:
        assert len(book.portfolios()) == 0
        with pytest.raises(ServerRefusedError, match="the database answered 404"):
            book.positions("P1")
        for asked in (
            "attribution",
            "bridge",
            "contribution of several",
            "user metrics",
            "win rate",
        ):
            with pytest.raises(ServerRefusedError, match="the database answered 404"):
                QUESTIONS[asked](book)


def test_a_server_that_is_not_there_is_said() -> None:
    with tidebook.connect("http://127.0.0.1:9") as book, pytest.raises(ServerUnreachableError):
        book.portfolios()


def test_what_was_opened_is_ended_once(application: FastAPI) -> None:
    ended: list[bool] = []
    door = ProcessDoor("a book", application, lambda: ended.append(True))
    with Book(door):
        pass
    door.close()
    assert ended == [True]


def test_a_server_keeps_no_connection() -> None:
    ServerDoor(Remote("http://127.0.0.1:9")).close()


def test_a_bare_import_stays_quick() -> None:
    script = "import sys, tidebook; print([n for n in ('numpy', 'fastapi') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_series_are_columns_of_numpy(here: Book) -> None:
    columns = here.series("P/1").columns
    assert columns["date"].dtype == np.dtype("datetime64[D]")
    assert columns["eod_market_value"].tolist() == [100.0, 110.0, 99.0, 120.0, 240.0, 228.0]
