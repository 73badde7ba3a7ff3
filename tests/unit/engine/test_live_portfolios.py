"""The live book at work: started from the book of record, fed from a bus, told to the bus."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.patience import until
from tests.unit.cli.memory_book import NOW, MemoryBook
from tests.unit.engine.live_fixture import (
    Lead,
    MemoryLiveBus,
    deposit,
    followed,
    small_book,
    trade,
)
from tidebook.engine import topics
from tidebook.engine.live.starting import start_of
from tidebook.errors import UnknownPortfolioError
from tidebook.model.instruments import Instrument

if TYPE_CHECKING:
    from collections.abc import Generator

    from tidebook.engine.live import LivePortfolios

OPENED = {
    "event_id": "e-1",
    "trade_id": "T-9",
    "symbol": "BTC",
    "side": "LONG",
    "quantity": "0.2",
    "entry_price": "42000",
    "timestamp": (NOW - timedelta(seconds=10)).isoformat(),
}
CLOSED = OPENED | {
    "event_id": "e-2",
    "exit_price": "43000",
    "quantity": "0.1",
    "timestamp": NOW.isoformat(),
}
_TICKED = (NOW - timedelta(seconds=5)).isoformat()


@contextmanager
def _running(service: LivePortfolios) -> Generator[LivePortfolios]:
    service.start()
    until(lambda: service.health().is_caught_up)
    try:
        yield service
    finally:
        service.stop()


def _send(service: LivePortfolios, *events: tuple[str, dict[str, str]]) -> None:
    for topic, record in events:
        service.check(topic, record)
    service.publish(events)


def _tick(symbol: str, price: str) -> tuple[str, dict[str, str]]:
    return topics.MARKET_TICK, {"symbol": symbol, "price": price, "timestamp": _TICKED}


def test_a_start_is_what_the_book_of_record_holds() -> None:
    reader: Any = small_book()
    start = start_of(reader, "P1", NOW.date(), ["ACME", "BTC"])
    assert (start.cash, start.opening, start.flows, start.flows_today) == (9e3, 10_100.0, 1e4, 0.0)
    (held,) = start.holdings
    assert (held.symbol, held.quantity, held.cost, held.price) == ("ACME", 10.0, 1_000.0, 110.0)
    assert held.price_on == date(2024, 1, 31)
    assert (held.instrument.factor, held.instrument.sector) == (1.0, "TECH")
    assert start.heights is not None
    # 10,000 grew to 10,100; nothing has fallen.
    assert (start.heights.peak, start.heights.max_drawdown) == (pytest.approx(10_100.0), 0.0)
    assert "BTC" not in start.instruments


def test_what_was_never_quoted_is_carried_at_its_cost_until_a_price_comes() -> None:
    book = small_book()
    book.ingest_instruments([Instrument("NEWCO", "New", "USD", "Equity")], "r")
    book.ingest_transactions([trade("T-7", "NEWCO", date(2024, 1, 31), "5", "20")], "r")
    service = followed(book)
    with _running(service):
        # 9,000 - 5 x 20 of cash, 10 x 110, and NEWCO at its cost of 100.
        assert service.snapshot("P1").standing.equity == pytest.approx(10_100.0)
        _send(service, _tick("NEWCO", "30"))
        until(lambda: abs(service.snapshot("P1").standing.equity - 10_150.0) < 1e-6)


def test_events_are_folded_over_what_is_booked() -> None:
    service = followed()
    with _running(service):
        assert service.snapshot("P1").standing.equity == pytest.approx(10_100.0)
        _send(service, (topics.TRADE_OPENED, OPENED), _tick("BTC", "42741.13"))
        until(lambda: abs(service.snapshot("P1").standing.equity - 10_248.226) < 1e-6)
        _send(service, _tick("ACME", "99"))
        # 9,000 + 10 x 99 + 0.2 x 741.13.
        until(lambda: abs(service.snapshot("P1").standing.equity - 10_138.226) < 1e-6)
        _send(service, (topics.TRADE_CLOSED, CLOSED))
        until(lambda: service.profit_and_loss("P1").today == 100.0)
        work = service.exposure("P1")
        assert work.by_symbol == pytest.approx({"ACME": 990.0, "BTC": 4_300.0})
        assert work.by_sector == pytest.approx({"TECH": 990.0, "OTHER": 4_300.0})
        # The price of BTC came first: 110 below 10,100 + 148.226.
        assert service.drawdown("P1").max_pct == pytest.approx(100 * 110 / 10_248.226)


def test_a_trade_leaves_when_the_book_of_record_has_it() -> None:
    book = small_book()
    service = followed(book)
    opened = OPENED | {"symbol": "ACME", "quantity": "5", "entry_price": "120"}
    with _running(service):
        _send(service, (topics.TRADE_OPENED, opened), _tick("ACME", "130"))
        # 9,000 + 10 x 130 + 5 x 10.
        until(lambda: abs(service.snapshot("P1").standing.equity - 10_350.0) < 1e-6)
        assert len(service.snapshot("P1").positions) == 2
        book.ingest_transactions([trade("T-9", "ACME", date(2024, 2, 1), "5", "120")], "r")
        until(lambda: len(service.snapshot("P1").positions) == 1)
        told = service.snapshot("P1")
        assert told.positions[0].line.quantity == 15.0
        assert told.cash == 8_400.0
        assert told.standing.equity == pytest.approx(10_350.0)


def test_money_that_flows_in_is_no_gain() -> None:
    book = small_book()
    service = followed(book)
    with _running(service):
        _send(service, _tick("ACME", "99"))
        until(lambda: abs(service.snapshot("P1").standing.equity - 9_990.0) < 1e-6)
        fall = service.drawdown("P1").daily_pct
        book.ingest_business_dates([date(2024, 2, 1)], "r")
        book.ingest_transactions([deposit("D-2", date(2024, 2, 1), "5000")], "r")
        until(lambda: service.snapshot("P1").standing.equity > 14_000)
        assert service.drawdown("P1").daily_pct == pytest.approx(fall)
        assert service.snapshot("P1").daily == pytest.approx(-110.0)


def test_what_cannot_be_read_and_what_is_of_nobody_stops_nothing() -> None:
    bus = MemoryLiveBus()
    service = followed(bus=bus)
    with _running(service):
        service.publish(
            [
                (topics.TRADE_OPENED, OPENED | {"quantity": "many"}),
                (topics.TRADE_OPENED, OPENED | {"portfolio_id": "nobody's"}),
                _tick("ACME", "120"),
            ]
        )
        until(lambda: abs(service.snapshot("P1").standing.equity - 10_200.0) < 1e-6)
        until(lambda: service.health().unreadable == 1)
        with pytest.raises(UnknownPortfolioError):
            service.snapshot("nobody's")


def test_a_portfolio_that_is_traded_is_followed_by_itself() -> None:
    service = followed(default="")
    with _running(service):
        assert service.health().portfolios == 0
        _send(service, (topics.TRADE_OPENED, OPENED | {"portfolio_id": "P1"}))
        until(lambda: service.health().portfolios == 1)
        assert len(service.snapshot("P1").positions) == 2


def test_one_process_of_all_tells_the_bus_how_portfolios_stand() -> None:
    bus = MemoryLiveBus()
    leading, beside = followed(bus=bus), followed(bus=bus, lead=Lead(leads=False))
    with _running(leading), _running(beside):
        until(lambda: leading.health().portfolios == beside.health().portfolios == 1)
        _send(leading, (topics.TRADE_OPENED, OPENED), (topics.TRADE_CLOSED, CLOSED))
        until(
            lambda: bool(bus.told(topics.PNL_UPDATED)) and bool(bus.told(topics.SNAPSHOT_UPDATED))
        )
        until(lambda: beside.profit_and_loss("P1").today == 100.0)
    said = json.loads(bus.told(topics.PNL_UPDATED)[-1].value)
    assert said["portfolio_id"] == "P1"
    assert said["realized_pnl_today"] == 100.0
    assert len(bus.told(topics.PNL_UPDATED)) == 1
    snapshot = json.loads(bus.told(topics.SNAPSHOT_UPDATED)[-1].value)
    # 10,100 booked, 100 realised, and 0.1 x 1,000 that is not.
    assert snapshot["total_equity"] == pytest.approx(10_300.0)
    assert not beside.health().is_leading


def test_a_stop_has_the_drawdown_told_at_once_and_a_later_process_reads_how_high_it_stood() -> None:
    bus = MemoryLiveBus()
    first = followed(bus=bus)
    with _running(first):
        first.snapshot("P1")
        _send(first, _tick("ACME", "210"), _tick("ACME", "50"))
        until(lambda: abs(first.snapshot("P1").standing.equity - 9_500.0) < 1e-6)
        _send(first, (topics.STOP_TRIPPED, {"reason": "loss", "severity": "critical"}))
        until(lambda: bool(bus.told(topics.DRAWDOWN_UPDATED)))
        stop = first.snapshot("P1").stop
        assert stop is not None
        assert stop.reason == "loss"
    # The prices are forgotten, how high it stood is not.
    bus.sent = [each for each in bus.sent if each.topic != topics.MARKET_TICK]
    second = followed(bus=bus)
    with _running(second):
        until(lambda: second.drawdown("P1").standing.peak == pytest.approx(11_100.0))
        assert second.drawdown("P1").max_pct == pytest.approx(100 * 1_600 / 11_100)


def test_who_watches_is_woken_and_then_no_more() -> None:
    service = followed()
    woken: list[int] = []
    with _running(service):
        leave = service.watch("P1", lambda: woken.append(1))
        before = service.version("P1")
        _send(service, _tick("ACME", "111"))
        until(lambda: bool(woken) and service.version("P1") > before)
        assert service.watchers() == 1
        leave()
        assert service.watchers() == 0


def test_nothing_runs_before_somebody_asks() -> None:
    service = followed(MemoryBook())
    assert not service.health().is_started
    service.stop()
