"""A live book over a book in memory, fed by a bus in memory."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tidebook.engine.bus import Arrival
from tidebook.engine.live import LivePortfolios
from tidebook.model.facts import Price, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.bus import Outgoing
    from tidebook.engine.dead_letters import LetterBox


class MemoryLiveBus:
    """Keeps messages (see ``engine.bus.LiveBus``); everybody reads all of them."""

    def __init__(self) -> None:
        self.sent: list[Arrival] = []

    def ready(self) -> None:
        return None

    def publisher(self) -> MemoryLiveBus:
        return self

    def publish(self, messages: Sequence[Outgoing]) -> None:
        for one in messages:
            place = len(self.sent)
            self.sent.append(Arrival(one.topic, one.part, place, one.key, one.value, one.headers))

    def follow(self, topics: Mapping[str, datetime | None]) -> MemoryFollower:
        return MemoryFollower(self, topics)

    def close(self) -> None:
        return None

    def told(self, topic: str) -> list[Arrival]:
        return [each for each in list(self.sent) if each.topic == topic]


class MemoryFollower:
    def __init__(self, bus: MemoryLiveBus, topics: Mapping[str, datetime | None]) -> None:
        self._bus = bus
        self._topics = topics
        self._next = 0

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        found = self._bus.sent[self._next : self._next + limit]
        self._next += len(found)
        if not found:
            time.sleep(min(timeout_seconds, 0.005))
        return [each for each in found if each.topic in self._topics]

    def close(self) -> None:
        return None


class Lead:
    def __init__(self, *, leads: bool = True) -> None:
        self.leads = leads

    def try_lead(self) -> bool:
        return self.leads


def small_book() -> MemoryBook:
    """Return a portfolio with 9,000 in cash and 10 of ACME, bought at 100, last at 110."""
    book = MemoryBook()
    book.ingest_portfolios([Portfolio("P1", "USD", date(2024, 1, 2))], "r")
    acme = Instrument("ACME", "Acme", "USD", "Equity", sector="TECH")
    book.ingest_instruments([acme], "r")
    buy = trade("T-1", "ACME", date(2024, 1, 31), "10", "100")
    book.ingest_transactions([deposit("D-1", date(2024, 1, 30), "10000"), buy], "r")
    prices = [Price("ACME", date(2024, 1, 31), Decimal(110), "USD")]
    book.ingest_prices(prices, "r")
    book.ingest_business_dates([date(2024, 1, 30), date(2024, 1, 31)], "r")
    return book


def trade(identity: str, symbol: str, on: date, quantity: str, price: str) -> Transaction:
    """Return a purchase."""
    units, at = Decimal(quantity), Decimal(price)
    return Transaction(identity, "P1", symbol, T.BUY, None, on, units, at, units * at, "USD", "USD")


def deposit(identity: str, on: date, amount: str) -> Transaction:
    """Return money that flows in."""
    much = Decimal(amount)
    figures = much, Decimal(1), much, "USD", "USD"
    return Transaction(identity, "P1", "CASH_USD", T.DEPOSIT, None, on, *figures)


def followed(
    book: Any = None,  # noqa: ANN401 - a book in memory keeps to the ports by its shape
    *,
    bus: MemoryLiveBus | None = None,
    lead: Lead | None = None,
    default: str = "P1",
    letters: LetterBox | None = None,
) -> LivePortfolios:
    """Return a live book that has not begun."""
    reader: Any = book or small_book()
    through = bus or MemoryLiveBus(), reader, StoppedClock(), lead or Lead(), default
    return LivePortfolios(*through, letters=letters)
