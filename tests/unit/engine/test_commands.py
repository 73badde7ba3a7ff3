"""Commands over a log in memory: where cancellations go, and what is waited for."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fixtures.engine_facts import trade
from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE, LogCommands
from tidebook.engine.signals import Signal
from tidebook.errors import FencedError, OverloadedError
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.assertions import BalanceAssertion
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

    from tidebook.engine.records import Record
    from tidebook.engine.store import Store

DAY = date(2024, 3, 4)
EVERY_KIND = (
    TransactionRef("T1", "P1"),
    ActionRef("A1"),
    PriceRef("ACME", DAY),
    RateRef("EUR", "USD", DAY),
    BusinessDateRef(DAY),
    AssertionRef("B1"),
)


class Log:
    """A log that keeps what is appended, unit by unit, and progress as the test sets it."""

    def __init__(self, losses: int = 0) -> None:
        self.units: list[list[tuple[str, str, Record]]] = []
        self.losses = losses
        self.offsets: dict[tuple[str, tuple[str, int]], int] = {}
        self.waited: list[tuple[str, ...]] = []
        self._open: list[tuple[str, str, Record]] = []

    def now(self) -> datetime:
        return datetime(2024, 6, 1, 12, tzinfo=UTC)

    @contextmanager
    def unit(self) -> Generator[Log]:
        self._open = []
        yield self
        if self.losses:
            self.losses -= 1
            raise FencedError("lost")
        self.units.append(self._open)

    def append(
        self, topic: str, records: Sequence[tuple[str, Record]], correlation_id: str, at: datetime
    ) -> list[tuple[int, int]]:
        assert (correlation_id, at) == ("c", self.now())
        self._open += [(topic, key, record) for key, record in records]
        return [(part, 1) for part in sorted({topics.partition(key) for key, _ in records})]

    def progress(self, consumer: str) -> dict[tuple[str, int], int]:
        return {part: at for (owner, part), at in self.offsets.items() if owner == consumer}

    def unfinished(self, portfolio_ids: Collection[str]) -> bool:
        self.waited.append(tuple(portfolio_ids))
        return False


def commands(log: Log, backlog: int = 0) -> LogCommands:
    """Return commands over a log."""
    store = cast("Store", log)
    return LogCommands(store, log, arrived=Signal(), booked=Signal(), backlog=lambda: backlog)


def test_cancellations_of_every_kind_go_to_their_topics_in_one_unit() -> None:
    log = Log()
    receipt = commands(log).cancel(EVERY_KIND, "c")
    (unit,) = log.units
    assert {(topic, key) for topic, key, _ in unit} == {
        (topics.RAW_TRANSACTIONS, "P1"),
        (topics.RAW_CORPORATE_ACTIONS, "A1"),
        (topics.RAW_MARKET_PRICES, "ACME"),
        (topics.RAW_FX_RATES, "EUR-USD"),
        (topics.RAW_BUSINESS_DATES, "GLOBAL"),
        (topics.RAW_BALANCE_ASSERTIONS, "B1"),
    }
    assert [topic for topic, _, _ in unit] == sorted(topic for topic, _, _ in unit)
    assert receipt.accepted == 6
    assert {place.topic for place in receipt.reached} == {topic for topic, _, _ in unit}


def test_a_cancelled_transaction_is_dated_on_the_day_of_its_recording() -> None:
    log = Log()
    commands(log).cancel([TransactionRef("T1", "P1")], "c")
    ((_, _, record),) = log.units[0]
    assert record == {
        "transaction_id": "T1",
        "portfolio_id": "P1",
        "cancelled": True,
        "transaction_date": "2024-06-01",
    }


def test_facts_and_their_cancellations_have_the_same_key() -> None:
    log = Log()
    asked = commands(log)
    asked.ingest_actions([CorporateAction("A1", ActionType.SPLIT, "ACME", DAY)], "c")
    asked.ingest_business_dates([DAY], "c")
    asked.ingest_assertions([BalanceAssertion("B1", "P1", "ACME", DAY, Decimal(1))], "c")
    asked.cancel([ActionRef("A1"), BusinessDateRef(DAY), AssertionRef("B1")], "c")
    sent, dated, stated, cancelled = log.units
    assert {unit[:2] for unit in cancelled} == {sent[0][:2], dated[0][:2], stated[0][:2]}


def test_nothing_to_cancel_is_nothing_to_wait_for() -> None:
    receipt = commands(Log()).cancel([], "c")
    assert (receipt.accepted, receipt.reached) == (0, ())


def test_each_place_is_waited_for_at_the_consumer_of_its_topic() -> None:
    log = Log()
    asked = commands(log)
    receipt = asked.cancel([TransactionRef("T1", "P1"), ActionRef("A1")], "c")
    assert not asked.wait(receipt, timeout_seconds=0)
    places = {place.topic: (place.topic, place.part) for place in receipt.reached}
    log.offsets[BOOK, places[topics.RAW_TRANSACTIONS]] = 1
    log.offsets[BOOK, places[topics.RAW_CORPORATE_ACTIONS]] = 1
    assert not asked.wait(receipt, timeout_seconds=0)
    log.offsets[REFERENCE, places[topics.RAW_CORPORATE_ACTIONS]] = 1
    assert asked.wait(receipt, timeout_seconds=0)


@pytest.mark.parametrize(
    ("cancelled", "waited"),
    [
        ([TransactionRef("T1", "P2"), TransactionRef("T2", "P1")], ("P1", "P2")),
        ([TransactionRef("T1", "P1"), PriceRef("ACME", DAY)], ()),
        ([ActionRef("A1")], ()),
    ],
)
def test_only_transactions_leave_other_portfolios_alone(
    cancelled: list[Any], waited: tuple[str, ...]
) -> None:
    assert commands(Log()).cancel(cancelled, "c").portfolio_ids == waited


def test_a_transfer_is_waited_for_in_both_portfolios() -> None:
    moved = trade("T1", 1, 1)._replace(to_portfolio_id="P9")
    receipt = commands(Log()).ingest_transactions([moved], "c")
    assert set(receipt.portfolio_ids) == {moved.portfolio_id, "P9"}


def test_an_append_that_lost_is_tried_again_as_a_whole() -> None:
    log = Log(losses=2)
    commands(log).cancel(EVERY_KIND, "c")
    assert [len(unit) for unit in log.units] == [6]


def test_an_append_that_loses_for_good_is_refused() -> None:
    log = Log(losses=4)
    with pytest.raises(FencedError):
        commands(log).cancel(EVERY_KIND, "c")
    assert log.units == []


def test_a_full_queue_takes_no_cancellation() -> None:
    log = Log()
    with pytest.raises(OverloadedError):
        commands(log, backlog=3_000_000).cancel(EVERY_KIND, "c")
    assert log.units == []
