"""The store in memory: the two protocols of ``engine.store``, one class per family of tables."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from tests.simulation.action_tables import ActionTables
from tests.simulation.book_tables import BookTables
from tests.simulation.bus import OURS
from tests.simulation.log_tables import LogTables
from tests.simulation.reference_tables import ReferenceTables
from tests.simulation.series_tables import SeriesTables
from tests.simulation.session import Session
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from tests.simulation.database import Part
    from tests.simulation.processes import Process
    from tidebook.book.series import Market
    from tidebook.engine.batches import Done, LogBatch, Owned
    from tidebook.engine.book_facts import Standing
    from tidebook.engine.records import Record
    from tidebook.engine.signals import News
    from tidebook.engine.store import (
        BookedFact,
        BookWrite,
        Carry,
        EntryRow,
        FactOrigin,
        Key,
        KeyState,
        Order,
        PortfolioState,
        StoredFact,
        WorkItem,
    )
    from tidebook.engine.valuing import SeriesAsked, SeriesInput, SeriesJob, SeriesSpan, SeriesWrite
    from tidebook.model.actions import ActionTable, CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio


class SimulatedUnit:
    """One transaction, as the stages see it (see ``engine.store.Unit``)."""

    def __init__(self, session: Session, lots_carried: int) -> None:
        """Work through a session."""
        self.session = session
        self._lots_carried = lots_carried

    @cached_property
    def log(self) -> LogTables:
        """The log and its offsets."""
        return LogTables(self.session)

    @cached_property
    def book(self) -> BookTables:
        """Facts, entries, states and work."""
        return BookTables(self.session, self._lots_carried)

    @cached_property
    def reference(self) -> ReferenceTables:
        """Portfolios, instruments and the market."""
        return ReferenceTables(self.session, self.book)

    @cached_property
    def acting(self) -> ActionTables:
        """Corporate actions, and balance assertions."""
        return ActionTables(self.session, self.book, self.reference)

    @cached_property
    def series(self) -> SeriesTables:
        """Daily series."""
        return SeriesTables(self.session)

    def hold_reference(self, *, exclusive: bool) -> None:
        """Share, or own, what bookings rest on."""
        self.session.statement()
        self.session.lock("reference", shared=not exclusive)

    def hold_market(self, *, exclusive: bool) -> None:
        """Share, or own, what valuations rest on."""
        self.session.statement()
        self.session.lock("market", shared=not exclusive)

    def hold_fence(self, consumer: str, part: Part, fence: int) -> None:
        """Keep a partition in this worker's hands until the unit ends."""
        self.log.hold_fence(consumer, part, fence)

    def facts(self, ids: Collection[str]) -> dict[str, StoredFact]:
        """Return the current versions of transactions that are known."""
        return self.book.facts(ids)

    def contents(self, ids: Collection[str]) -> dict[str, Transaction]:
        """Return what the current versions of transactions say."""
        return self.book.contents(ids)

    def lock_portfolios(self, ids: Iterable[str]) -> dict[str, PortfolioState]:
        """Lock portfolios in the order of their ids and return those that are known."""
        return self.book.lock_portfolios(ids)

    def related_portfolios(self, ids: Collection[str]) -> set[str]:
        """Return these portfolios and all that must be folded with them."""
        return self.book.related(ids)

    def standings(self, ids: Collection[str]) -> dict[str, Standing]:
        """Return where the stored books of portfolios stand; unknown ones are left out."""
        return self.book.standings(ids)

    def carries(self, portfolio_ids: Collection[str]) -> list[Carry]:
        """Return the current carries that leave or reach these portfolios."""
        return self.book.carries(portfolio_ids)

    def actions(self) -> ActionTable:
        """Return every corporate action in force."""
        return self.acting.actions()

    def instruments(self, ids: Collection[str]) -> dict[str, Instrument]:
        """Return the instruments that are known."""
        return self.reference.instruments(ids)

    def rates(self) -> RateTable:
        """Return every exchange rate."""
        return self.series.rates()

    def states(self, keys: Collection[Key]) -> dict[Key, KeyState]:
        """Return where the folds of keys stand."""
        return self.book.states(keys)

    def key_facts(self, keys: Collection[Key]) -> dict[str, BookedFact]:
        """Return the current transactions whose main or cash leg was booked on these keys."""
        return self.book.key_facts(keys)

    def waiting(self, portfolio_ids: Collection[str]) -> set[str]:
        """Return the ids of transactions of these portfolios that wait."""
        return self.book.waiting(portfolio_ids)

    def refusals(self, keys: Collection[Key]) -> dict[Key, date]:
        """Return, of these keys, the last day on which a refused disposal waits."""
        return self.book.refusals(keys)

    def key_entries(self, keys: Collection[Key]) -> dict[Key, dict[tuple[str, str], EntryRow]]:
        """Return the current entries of keys by (transaction id, leg)."""
        return self.book.key_entries(keys)

    def entries_of(self, key: Key, ids: Collection[str]) -> dict[tuple[str, str], EntryRow]:
        """Return the current entries of some transactions on one key."""
        return self.book.key_entries([key], ids)[key]

    def last_order(self, key: Key, without: Collection[str]) -> Order | None:
        """Return the place of a key's last current entry, some transactions left aside."""
        return self.book.last_order(key, without)

    def take_work(self, limit: int, spared: Collection[str] = ()) -> list[WorkItem]:
        """Take keys to be folded again, those of a portfolio together."""
        self.hold_reference(exclusive=False)
        taken = self.book.take_work(limit, spared)
        self.session.took_work = bool(taken)
        return taken

    def save_book(self, write: BookWrite, at: datetime) -> None:
        """Write a batch of the book."""
        self.book.save(write, at)

    def save_portfolios(self, portfolios: Sequence[Portfolio], at: datetime) -> int:
        """Write portfolios, wake what waited for them, return the duplicates."""
        return self.reference.save_portfolios(portfolios, at)

    def save_instruments(self, instruments: Sequence[Instrument], at: datetime) -> int:
        """Write instruments, wake what waited for them, return the duplicates."""
        return self.reference.save_instruments(instruments, at)

    def save_prices(self, prices: Sequence[Price], at: datetime) -> int:
        """Write prices, mark the series of those who hold them, return the duplicates."""
        return self.reference.save_prices(prices, at)

    def save_rates(self, rates: Sequence[Rate], at: datetime) -> int:
        """Write rates, mark what rests on them, wake what waited, return the duplicates."""
        return self.reference.save_rates(rates, at)

    def save_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Write business dates, mark every series from there on, return the duplicates."""
        return self.reference.save_business_dates(dates, at)

    def save_origins(self, origins: Sequence[FactOrigin], since: datetime) -> None:
        """Take it that no record of a simulation says where it was read from."""
        assert not origins, f"origins that nobody sent, since {since}"

    def save_actions(self, actions: Sequence[CorporateAction], at: datetime) -> int:
        """Write corporate actions, have their keys folded again, return the duplicates."""
        return self.acting.save(actions, at)

    def cancel_actions(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel corporate actions, have their keys folded again, return the duplicates."""
        return self.acting.cancel(ids, at)

    def cancel_prices(self, prices: Sequence[tuple[str, date]], at: datetime) -> int:
        """Cancel prices, mark the series of those who hold them, return the duplicates."""
        return self.reference.cancel_prices(prices, at)

    def cancel_rates(self, rates: Sequence[tuple[str, str, date]], at: datetime) -> int:
        """Cancel rates, mark what rests on them, return the duplicates."""
        return self.reference.cancel_rates(rates, at)

    def cancel_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Cancel business dates, mark every series from there on, return the duplicates."""
        return self.reference.cancel_business_dates(dates, at)

    def save_assertions(self, assertions: Sequence[BalanceAssertion], at: datetime) -> int:
        """Write balance assertions, return the duplicates."""
        del at
        return self.acting.save_assertions(assertions)

    def cancel_assertions(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel balance assertions, which are kept; return the duplicates."""
        del at
        return self.acting.cancel_assertions(ids)

    def request_reprocessing(self, ids: Collection[str], at: datetime) -> None:
        """Ask for the keys of these transactions to be folded again."""
        self.book.request_reprocessing(ids, at)

    def series_jobs(self, limit: int, spared: Collection[str] = ()) -> list[SeriesJob]:
        """Return portfolios whose series is not right."""
        jobs = self.series.jobs(limit, spared)
        self.session.took_work = bool(jobs)
        return jobs

    def series_spans(self, jobs: Sequence[SeriesJob], *, with_prices: bool) -> list[SeriesSpan]:
        """Return what the first and the last day of each portfolio's series follow from."""
        return self.series.spans(jobs, with_prices=with_prices)

    def series_inputs(self, asked: Sequence[SeriesAsked]) -> list[SeriesInput]:
        """Return what the series of portfolios, each from its start on, are computed from."""
        return self.series.inputs(asked)

    def market(self, base_currency: str, security_ids: Collection[str]) -> Market:
        """Return prices and rates for a portfolio's series."""
        return self.series.market(base_currency, security_ids)

    def business_dates(self) -> tuple[date, ...]:
        """Return every business date, oldest first."""
        return self.series.business_dates()

    def save_series(self, writes: Sequence[SeriesWrite], at: datetime) -> frozenset[str]:
        """Write the changed days of portfolios; of a job that is out of date nothing."""
        return self.series.save(writes, at)

    def append(
        self, topic: str, records: Sequence[tuple[str, Record]], correlation_id: str, at: datetime
    ) -> list[tuple[int, int]]:
        """Append keyed records to the log; return (partition, next offset) for each touched."""
        return self.log.append(topic, records, correlation_id, at)

    def append_each(
        self,
        topics: Sequence[str],
        requests: Sequence[tuple[Sequence[tuple[str, Record]], str]],
        at: datetime,
    ) -> None:
        """Append the keyed records of requests, each with its correlation id, to each topic."""
        for topic in topics:
            for records, correlation_id in requests:
                self.log.append(topic, records, correlation_id, at)

    def backlog(self, consumer: str, parts: Sequence[Part]) -> dict[Part, int]:
        """Return how many records lie unread in each of these partitions, where any do."""
        return self.log.backlog(consumer, parts)

    def read_log(self, consumer: str, parts: Sequence[Part], limit: int) -> list[LogBatch]:
        """Return what lies unread in these partitions, about ``limit`` records at the most."""
        return self.log.read(consumer, parts, limit)

    def complete(
        self, consumer: str, batch: LogBatch, fence: int, duplicates: int, at: datetime
    ) -> None:
        """Move the consumer's offset over a batch."""
        self.log.complete(consumer, batch, (fence, duplicates), at)

    def complete_all(self, consumer: str, done: Sequence[Done], at: datetime) -> None:
        """Move the consumer's offsets over batches."""
        for batch, fence, duplicates in done:
            self.complete(consumer, batch, fence, duplicates, at)


class SimulatedStore:
    """One process's way to the store (see ``engine.store.Store``).

    Args:
        process: The process; its simulation holds the database and the faults.
    """

    def __init__(self, process: Process) -> None:
        """Belong to a process."""
        self._process = process
        self._simulation = process.simulation

    @contextmanager
    def unit(self) -> Generator[SimulatedUnit]:
        """Begin a unit; it commits when the block ends and rolls back when it raises."""
        process = self._process
        session = Session(self._simulation.database, process, self._simulation.injector)
        try:
            yield SimulatedUnit(session, self._simulation.swarm.lots_carried)
            session.commit()
        except FencedError:
            self._simulation.injector.note_refusal()
            session.rollback()
            raise
        except BaseException:
            session.rollback()
            raise

    def try_lead(self) -> bool:
        """Become the process that runs the stages, unless another one is; until it ends."""
        self._simulation.scheduler.point()
        self._process.reconnect()
        database = self._simulation.database
        if database.leader is None:
            database.leader = self._process
        return database.leader is self._process

    def news(self, timeout_seconds: float) -> News:
        """Wait for a hint that something was appended; return what was heard."""
        return self._process.news(timeout_seconds)

    def take_partitions(self, consumer: str, parts: Sequence[Part]) -> dict[Part, int]:
        """Become the owner of partitions, in the session that holds the lead."""
        with self.unit() as unit:
            unit.session.needs_lead = True
            return unit.log.take_partitions(consumer, parts)

    def progress(self, consumer: str) -> dict[Part, int]:
        """Return the consumer's next offset per partition."""
        with self.unit() as unit:
            return unit.log.progress(consumer)

    def log_id(self) -> str:
        """Return which log this is."""
        return OURS

    def own(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        """Become the owner of partitions of a bus."""
        with self.unit() as unit:
            return unit.log.own(consumer, parts)

    def owned(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        """Return the same without taking anything."""
        with self.unit() as unit:
            return unit.log.owned(consumer, parts)

    def rewind(self, consumer: str, offsets: Mapping[Part, int]) -> None:
        """Set a consumer back to these offsets of the log, where it is beyond them."""
        with self.unit() as unit:
            unit.log.rewind(consumer, offsets)

    def unfinished(self, portfolio_ids: Collection[str]) -> bool:
        """Tell whether any of these portfolios (all, when empty) has work or series to do."""
        with self.unit() as unit:
            return unit.book.unfinished(portfolio_ids)
