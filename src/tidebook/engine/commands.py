"""Commands: facts made durable in the log, and the wait until they are booked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tidebook.engine import records, topics
from tidebook.engine.ports import Reached, Receipt
from tidebook.errors import FencedError, OverloadedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record
    from tidebook.engine.signals import Signal
    from tidebook.engine.store import Store
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

BOOK: Final = "book"
REFERENCE: Final = "reference"
_BACKLOG_MAX: Final = 2_000_000
_POLL_SECONDS: Final = 0.25
_APPEND_ATTEMPTS: Final = 4


class LogCommands:
    """Appends facts to the event log (see ``engine.ports.Commands``).

    Args:
        store: Where the log lives.
        clock: Tells when a fact was recorded.
        arrived: Given after every append, so that the runner looks at once.
        booked: Given by the runner after every batch.
        backlog: How many records lie unbooked, as last seen.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        arrived: Signal,
        booked: Signal,
        backlog: Callable[[], int],
    ) -> None:
        """Keep what is needed to append and to wait."""
        self._store = store
        self._clock = clock
        self._arrived = arrived
        self._booked = booked
        self._backlog = backlog

    def ingest_portfolios(self, portfolios: Sequence[Portfolio], correlation_id: str) -> Receipt:
        """Take portfolios in."""
        keyed = [(fact.portfolio_id, records.portfolio_record(fact)) for fact in portfolios]
        ids = tuple({fact.portfolio_id for fact in portfolios})
        return self._append(topics.RAW_PORTFOLIOS, keyed, correlation_id, ids)

    def ingest_instruments(self, instruments: Sequence[Instrument], correlation_id: str) -> Receipt:
        """Take instruments in."""
        keyed = [(fact.security_id, records.instrument_record(fact)) for fact in instruments]
        return self._append(topics.RAW_INSTRUMENTS, keyed, correlation_id)

    def ingest_transactions(
        self,
        transactions: Sequence[Transaction],
        correlation_id: str,
        origins: Sequence[str] = (),
    ) -> Receipt:
        """Take transactions in."""
        record = records.transaction_record
        keyed = [(fact.portfolio_id, record(fact)) for fact in transactions]
        _name_origins(keyed, origins)
        ids = tuple({fact.portfolio_id for fact in transactions})
        return self._append(topics.RAW_TRANSACTIONS, keyed, correlation_id, ids)

    def ingest_prices(
        self, prices: Sequence[Price], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        """Take closing prices in."""
        keyed = [(fact.security_id, records.price_record(fact)) for fact in prices]
        _name_origins(keyed, origins)
        return self._append(topics.RAW_MARKET_PRICES, keyed, correlation_id)

    def ingest_rates(
        self, rates: Sequence[Rate], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        """Take exchange rates in."""
        keyed = [(f"{fact.source}-{fact.target}", records.rate_record(fact)) for fact in rates]
        _name_origins(keyed, origins)
        return self._append(topics.RAW_FX_RATES, keyed, correlation_id)

    def ingest_business_dates(self, dates: Sequence[date], correlation_id: str) -> Receipt:
        """Take business dates in."""
        keyed: list[tuple[str, Record]] = [
            ("GLOBAL", {"businessDate": day.isoformat()}) for day in dates
        ]
        return self._append(topics.RAW_BUSINESS_DATES, keyed, correlation_id)

    def reprocess(self, transaction_ids: Sequence[str], correlation_id: str) -> Receipt:
        """Ask for the keys of these transactions to be folded again from their facts."""
        keyed: list[tuple[str, Record]] = [
            (identity, {"transaction_id": identity}) for identity in transaction_ids
        ]
        return self._append(topics.REPROCESSING_REQUESTED, keyed, correlation_id)

    def _append(
        self,
        topic: str,
        keyed: Sequence[tuple[str, Record]],
        correlation_id: str,
        portfolio_ids: tuple[str, ...] = (),
    ) -> Receipt:
        if self._backlog() > _BACKLOG_MAX:
            raise OverloadedError("the queue of unbooked facts", retry_after_seconds=5)
        offsets = self._appended(topic, keyed, correlation_id)
        self._arrived.give()
        reached = tuple(Reached(topic, part, offset) for part, offset in offsets)
        return Receipt(topic, len(keyed), reached, portfolio_ids)

    def _appended(
        self, topic: str, keyed: Sequence[tuple[str, Record]], correlation_id: str
    ) -> list[tuple[int, int]]:
        """Append in a unit of its own; one that lost against another is simply tried again."""
        for _ in range(_APPEND_ATTEMPTS - 1):
            try:
                with self._store.unit() as unit:
                    return unit.append(topic, keyed, correlation_id, self._clock.now())
            except FencedError:
                continue
        with self._store.unit() as unit:
            return unit.append(topic, keyed, correlation_id, self._clock.now())

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:
        """Wait until what a receipt stands for is booked and the daily series is right."""
        if not receipt.reached:
            return True
        end = time.monotonic() + timeout_seconds
        consumer = BOOK if receipt.topic == topics.RAW_TRANSACTIONS else REFERENCE
        booked = False
        while True:
            seen = self._booked.count
            try:
                booked = booked or self._has_reached(consumer, receipt)
                if booked and not self._store.unfinished(receipt.portfolio_ids):
                    return True
            except StoreUnavailableError:
                # What was taken is durable; whether it is booked can only be told later.
                booked = False
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._booked.wait(seen, min(left, _POLL_SECONDS))

    def _has_reached(self, consumer: str, receipt: Receipt) -> bool:
        progress = self._store.progress(consumer)
        return all(
            progress.get((place.topic, place.part), 0) >= place.offset for place in receipt.reached
        )


def _name_origins(keyed: Sequence[tuple[str, Record]], origins: Sequence[str]) -> None:
    """Let each record say where it was read from, where that is known."""
    if origins:
        for (_, record), origin in zip(keyed, origins, strict=True):
            record[records.ORIGIN] = origin
