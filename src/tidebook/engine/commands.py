"""Commands: facts made durable in the log, and the wait until they are booked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tidebook.engine import records, topics
from tidebook.engine.committing import Appended, Presented, hold_standing, records_of, refuse_unread
from tidebook.engine.ports import Reached, Receipt
from tidebook.errors import FencedError, OverloadedError, StoreUnavailableError
from tidebook.model.cancellations import TransactionRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record
    from tidebook.engine.signals import Signal
    from tidebook.engine.store import Store, Unit
    from tidebook.model.actions import CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.cancellations import Cancellation
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

    _ByTopic = Mapping[str, Sequence[tuple[str, Record]]]

BOOK: Final = "book"
REFERENCE: Final = "reference"
BACKLOG_MAX: Final = 2_000_000
"""How many facts may lie unbooked before the door refuses more."""
_POLL_SECONDS: Final = 0.25
APPEND_ATTEMPTS: Final = 4


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
        ids = {fact.portfolio_id for fact in transactions}
        ids.update(fact.to_portfolio_id for fact in transactions if fact.to_portfolio_id)
        return self._append(topics.RAW_TRANSACTIONS, keyed, correlation_id, tuple(ids))

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
        keyed = [
            (topics.pair_key(fact.source, fact.target), records.rate_record(fact)) for fact in rates
        ]
        _name_origins(keyed, origins)
        return self._append(topics.RAW_FX_RATES, keyed, correlation_id)

    def ingest_business_dates(self, dates: Sequence[date], correlation_id: str) -> Receipt:
        """Take business dates in."""
        keyed = [(topics.EVERYWHERE, records.business_date_record(day)) for day in dates]
        return self._append(topics.RAW_BUSINESS_DATES, keyed, correlation_id)

    def ingest_actions(self, actions: Sequence[CorporateAction], correlation_id: str) -> Receipt:
        """Take corporate actions in."""
        keyed = [(fact.action_id, records.action_record(fact)) for fact in actions]
        return self._append(topics.RAW_CORPORATE_ACTIONS, keyed, correlation_id)

    def cancel(self, cancellations: Sequence[Cancellation], correlation_id: str) -> Receipt:
        """Take cancellations in, of all kinds or of none: they are appended in one unit."""
        on = self._clock.now().date()
        by_topic: dict[str, list[tuple[str, Record]]] = {}
        ids: set[str] = set()
        for cancelled in cancellations:
            topic, key = topics.place_of(cancelled)
            record = records.cancellation_record(cancelled, on)
            by_topic.setdefault(topic, []).append((key, record))
            if isinstance(cancelled, TransactionRef):
                ids.add(cancelled.portfolio_id)
        # What is no transaction may have reached any portfolio: all of them are waited for.
        waited = tuple(sorted(ids)) if set(by_topic) == {topics.RAW_TRANSACTIONS} else ()
        return self._append_all(by_topic, correlation_id, waited)

    def ingest_assertions(
        self, assertions: Sequence[BalanceAssertion], correlation_id: str
    ) -> Receipt:
        """Take balance assertions in."""
        keyed = [(fact.assertion_id, records.assertion_record(fact)) for fact in assertions]
        ids = tuple({fact.portfolio_id for fact in assertions})
        return self._append(topics.RAW_BALANCE_ASSERTIONS, keyed, correlation_id, ids)

    def reprocess(self, transaction_ids: Sequence[str], correlation_id: str) -> Receipt:
        """Ask for the keys of these transactions to be folded again from their facts."""
        keyed: list[tuple[str, Record]] = [
            (identity, {"transaction_id": identity}) for identity in transaction_ids
        ]
        return self._append(topics.REPROCESSING_REQUESTED, keyed, correlation_id)

    def commit(
        self, portfolio_id: str, hypothesis: Hypothesis, preview_hash: str, correlation_id: str
    ) -> Receipt:
        """Take the facts of a preview in, all or none, if the book still stands where it did."""
        if self._backlog() > BACKLOG_MAX:
            raise OverloadedError("the queue of unbooked facts", retry_after_seconds=5)
        presented = Presented(portfolio_id, hypothesis, preview_hash)
        for _ in range(APPEND_ATTEMPTS - 1):
            try:
                return self._committed(presented, correlation_id)
            except FencedError:
                continue
        return self._committed(presented, correlation_id)

    def _committed(self, presented: Presented, correlation_id: str) -> Receipt:
        now = self._clock.now()
        by_topic = records_of(presented.hypothesis, now.date())
        with self._store.unit() as unit:
            ids = hold_standing(unit, presented)
            reached = self._append_in(unit, by_topic, correlation_id)
            appended = Appended(by_topic, reached, BOOK, REFERENCE)
            refuse_unread(unit, presented, ids, appended)
        self._arrived.give()
        count = sum(len(keyed) for keyed in by_topic.values())
        waited = tuple(sorted(ids)) if set(by_topic) == {topics.RAW_TRANSACTIONS} else ()
        return Receipt(" ".join(sorted(by_topic)), count, reached, waited)

    def _append(
        self,
        topic: str,
        keyed: Sequence[tuple[str, Record]],
        correlation_id: str,
        portfolio_ids: tuple[str, ...] = (),
    ) -> Receipt:
        return self._append_all({topic: keyed}, correlation_id, portfolio_ids)

    def _append_all(
        self, by_topic: _ByTopic, correlation_id: str, portfolio_ids: tuple[str, ...]
    ) -> Receipt:
        if self._backlog() > BACKLOG_MAX:
            raise OverloadedError("the queue of unbooked facts", retry_after_seconds=5)
        reached = self._appended(by_topic, correlation_id)
        self._arrived.give()
        count = sum(len(keyed) for keyed in by_topic.values())
        return Receipt(" ".join(sorted(by_topic)), count, reached, portfolio_ids)

    def _appended(self, by_topic: _ByTopic, correlation_id: str) -> tuple[Reached, ...]:
        """Append in a unit of its own; one that lost against another is simply tried again."""
        for _ in range(APPEND_ATTEMPTS - 1):
            try:
                return self._appended_once(by_topic, correlation_id)
            except FencedError:
                continue
        return self._appended_once(by_topic, correlation_id)

    def _appended_once(self, by_topic: _ByTopic, correlation_id: str) -> tuple[Reached, ...]:
        with self._store.unit() as unit:
            return self._append_in(unit, by_topic, correlation_id)

    def _append_in(
        self, unit: Unit, by_topic: _ByTopic, correlation_id: str
    ) -> tuple[Reached, ...]:
        now = self._clock.now()
        # Topics in one order for everybody, so that no two appends wait for each other.
        return tuple(
            Reached(topic, part, offset)
            for topic in sorted(by_topic)
            for part, offset in unit.append(topic, by_topic[topic], correlation_id, now)
        )

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:
        """Wait until what a receipt stands for is booked and the daily series is right."""
        if not receipt.reached:
            return True
        end = time.monotonic() + timeout_seconds
        booked = False
        while True:
            seen = self._booked.count
            try:
                booked = booked or self._has_reached(receipt)
                if booked and not self._store.unfinished(receipt.portfolio_ids):
                    return True
            except StoreUnavailableError:
                # What was taken is durable; whether it is booked can only be told later.
                booked = False
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._booked.wait(seen, min(left, _POLL_SECONDS))

    def _has_reached(self, receipt: Receipt) -> bool:
        by_consumer: dict[str, list[Reached]] = {}
        for place in receipt.reached:
            consumer = BOOK if place.topic == topics.RAW_TRANSACTIONS else REFERENCE
            by_consumer.setdefault(consumer, []).append(place)
        return all(
            progress.get((place.topic, place.part), 0) >= place.offset
            for consumer, places in by_consumer.items()
            for progress in [self._store.progress(consumer)]
            for place in places
        )


def _name_origins(keyed: Sequence[tuple[str, Record]], origins: Sequence[str]) -> None:
    """Let each record say where it was read from, where that is known."""
    if origins:
        for (_, record), origin in zip(keyed, origins, strict=True):
            record[records.ORIGIN] = origin
