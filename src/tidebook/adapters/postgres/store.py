"""The store on PostgreSQL: units of work over a pool of connections."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import InterfaceError, OperationalError
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from psycopg.pq import PipelineStatus
from psycopg_pool import PoolTimeout

from tidebook.adapters.postgres import (
    actions_unit,
    assertion_unit,
    book_unit,
    book_writing,
    findings_unit,
    log,
    origin_unit,
    reader_facts,
    reference_unit,
    series_log,
    series_unit,
)
from tidebook.adapters.postgres.lead import Lead
from tidebook.adapters.postgres.statements import statements
from tidebook.book.series import Market
from tidebook.engine.batches import Done
from tidebook.errors import ContendedError, FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg_pool import ConnectionPool

    from tidebook.adapters.postgres.lead import LeadName
    from tidebook.adapters.postgres.market_cache import HeldReference, MarketCache
    from tidebook.engine.batches import LogBatch, Owned
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

_REFERENCE_LOCK = 7_426_001
_MARKET_LOCK = 7_426_002


class PostgresUnit:
    """One database transaction, as the stages see it (see ``engine.store.Unit``)."""

    def __init__(
        self, cursor: Cursor[tuple[Any, ...]], cache: MarketCache, sending: ExitStack
    ) -> None:
        """Work through one cursor; the cache spares reading the market again.

        What is sent together is so until ``sending`` is closed, before the transaction ends.
        """
        self._cursor = cursor
        self._cache = cache
        self._sending = sending
        self._held: HeldReference | None = None

    def hold_reference(self, *, exclusive: bool) -> None:
        """Share, or own, what bookings rest on."""
        if not exclusive:
            self._together()
        self._hold(_REFERENCE_LOCK, exclusive=exclusive)
        if not exclusive and self._held is None:
            self._held = self._cache.held(self._cursor)

    def _together(self) -> None:
        """Send statements from now on without waiting for each, until one's answer is asked for.

        An exchange with the server takes longer than most of what is asked, the more so on a busy
        machine. A statement that fails is heard of with a later one, when the unit ends at the
        latest.
        """
        if self._cursor.connection.pgconn.pipeline_status is PipelineStatus.OFF:
            self._sending.enter_context(self._cursor.connection.pipeline())

    def _apart(self) -> None:
        """Wait for each statement from now on, as COPY needs it."""
        self._sending.close()

    def hold_market(self, *, exclusive: bool) -> None:
        """Share, or own, what valuations rest on."""
        self._hold(_MARKET_LOCK, exclusive=exclusive)

    def _hold(self, lock: int, *, exclusive: bool) -> None:
        if exclusive:
            self._cursor.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
        else:
            self._cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (lock,))

    def hold_fence(self, consumer: str, part: tuple[str, int], fence: int) -> None:
        """Keep a partition in this worker's hands until the unit ends."""
        log.hold_fence(self._cursor, consumer, part, fence)

    def facts(self, ids: Collection[str]) -> dict[str, StoredFact]:
        """Return the current versions of transactions that are known."""
        return book_unit.facts(self._cursor, ids)

    def contents(self, ids: Collection[str]) -> dict[str, Transaction]:
        """Return what the current versions of transactions say."""
        return book_unit.contents(self._cursor, ids)

    def lock_portfolios(self, ids: Iterable[str]) -> dict[str, PortfolioState]:
        """Lock portfolios in the order of their ids and return those that are known."""
        return book_unit.lock_portfolios(self._cursor, ids)

    def related_portfolios(self, ids: Collection[str]) -> set[str]:
        """Return these portfolios and all that must be folded with them."""
        return book_unit.related_portfolios(self._cursor, ids)

    def standings(self, ids: Collection[str]) -> dict[str, Standing]:
        """Return where the stored books of portfolios stand; unknown ones are left out."""
        return reader_facts.standings(self._cursor, ids)

    def carries(self, portfolio_ids: Collection[str]) -> list[Carry]:
        """Return the current carries that leave or reach these portfolios."""
        return book_unit.carries(self._cursor, portfolio_ids)

    def actions(self) -> ActionTable:
        """Return every corporate action in force."""
        held = self._held
        return held.actions() if held else self._cache.actions(self._cursor)

    def instruments(self, ids: Collection[str]) -> dict[str, Instrument]:
        """Return the instruments that are known."""
        held = self._held
        return held.instruments(ids) if held else self._cache.instruments(self._cursor, ids)

    def rates(self) -> RateTable:
        """Return every exchange rate."""
        held = self._held
        return held.rates() if held else self._cache.rates(self._cursor)

    def states(self, keys: Collection[Key]) -> dict[Key, KeyState]:
        """Return where the folds of keys stand."""
        return book_unit.states(self._cursor, keys)

    def key_facts(self, keys: Collection[Key]) -> dict[str, BookedFact]:
        """Return the current transactions with a leg on these keys."""
        return book_unit.key_facts(self._cursor, keys)

    def waiting(self, portfolio_ids: Collection[str]) -> set[str]:
        """Return the ids of transactions of these portfolios that wait."""
        return findings_unit.waiting(self._cursor, portfolio_ids)

    def refusals(self, keys: Collection[Key]) -> dict[Key, date]:
        """Return, of these keys, the last day on which a disposal of more than was held waits."""
        return findings_unit.refusals(self._cursor, keys)

    def key_entries(self, keys: Collection[Key]) -> dict[Key, dict[tuple[str, str], EntryRow]]:
        """Return the current entries of keys by (transaction id, leg)."""
        return book_unit.key_entries(self._cursor, keys)

    def entries_of(self, key: Key, ids: Collection[str]) -> dict[tuple[str, str], EntryRow]:
        """Return the current entries of some transactions on one key."""
        return book_unit.key_entries(self._cursor, [key], ids)[key]

    def last_order(self, key: Key, without: Collection[str]) -> Order | None:
        """Return the place of a key's last current entry, some transactions left aside."""
        return book_unit.last_order(self._cursor, key, without)

    def take_work(self, limit: int, spared: Collection[str] = ()) -> list[WorkItem]:
        """Take keys to be folded again, those of a portfolio together."""
        # Whoever marks keys owns the reference first; taking both in the same order spares a wait.
        self.hold_reference(exclusive=False)
        return book_unit.take_work(self._cursor, limit, spared)

    def save_book(self, write: BookWrite, at: datetime) -> None:
        """Write a batch of the book."""
        if not book_writing.is_little(write):
            self._apart()
        book_writing.save(self._cursor, write, at)

    def save_portfolios(self, portfolios: Sequence[Portfolio], at: datetime) -> int:
        """Write portfolios, wake what waited for them, return the duplicates."""
        return reference_unit.save_portfolios(self._cursor, portfolios, at)

    def save_instruments(self, instruments: Sequence[Instrument], at: datetime) -> int:
        """Write instruments, wake what waited for them, return the duplicates."""
        return reference_unit.save_instruments(self._cursor, instruments, at)

    def save_prices(self, prices: Sequence[Price], at: datetime) -> int:
        """Write prices, mark the series of those who hold them, return the duplicates."""
        return reference_unit.save_prices(self._cursor, prices, at)

    def save_rates(self, rates: Sequence[Rate], at: datetime) -> int:
        """Write rates, mark what rests on them, wake what waited, return the duplicates."""
        return reference_unit.save_rates(self._cursor, rates, at)

    def save_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Write business dates, mark every series from there on, return the duplicates."""
        return reference_unit.save_business_dates(self._cursor, dates, at)

    def save_origins(self, origins: Sequence[FactOrigin], since: datetime) -> None:
        """Write where the facts of a batch were read from."""
        origin_unit.save(self._cursor, origins, since)

    def save_actions(self, actions: Sequence[CorporateAction], at: datetime) -> int:
        """Write corporate actions, have their keys folded again, return the duplicates."""
        return actions_unit.save(self._cursor, actions, at)

    def cancel_actions(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel corporate actions, have their keys folded again, return the duplicates."""
        return actions_unit.cancel(self._cursor, ids, at)

    def cancel_prices(self, prices: Sequence[tuple[str, date]], at: datetime) -> int:
        """Cancel prices, mark the series of those who hold them, return the duplicates."""
        return reference_unit.cancel_prices(self._cursor, prices, at)

    def cancel_rates(self, rates: Sequence[tuple[str, str, date]], at: datetime) -> int:
        """Cancel rates, mark what rests on them, return the duplicates."""
        return reference_unit.cancel_rates(self._cursor, rates, at)

    def cancel_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Cancel business dates, mark every series from there on, return the duplicates."""
        return reference_unit.cancel_business_dates(self._cursor, dates, at)

    def cancel_assertions(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel balance assertions, which are kept; return the duplicates."""
        return assertion_unit.cancel_assertions(self._cursor, ids, at)

    def save_assertions(self, assertions: Sequence[BalanceAssertion], at: datetime) -> int:
        """Write balance assertions, return the duplicates."""
        return assertion_unit.save_assertions(self._cursor, assertions, at)

    def request_reprocessing(self, ids: Collection[str], at: datetime) -> None:
        """Ask for the keys of these transactions to be folded again."""
        book_unit.request_reprocessing(self._cursor, ids, at)

    def series_jobs(self, limit: int, spared: Collection[str] = ()) -> list[SeriesJob]:
        """Return portfolios whose series is not right."""
        return series_unit.jobs(self._cursor, limit, spared)

    def series_spans(self, jobs: Sequence[SeriesJob], *, with_prices: bool) -> list[SeriesSpan]:
        """Return what the first and the last day of each portfolio's series follow from."""
        return series_unit.series_spans(self._cursor, self._cache, jobs, with_prices=with_prices)

    def series_inputs(self, asked: Sequence[SeriesAsked]) -> list[SeriesInput]:
        """Return what the series of portfolios, each from its start on, are computed from."""
        return series_unit.series_inputs(self._cursor, self._cache, asked)

    def market(self, base_currency: str, security_ids: Collection[str]) -> Market:
        """Return prices and rates for the series of portfolios in one base currency."""
        found = self._cache.markets(self._cursor, security_ids)
        vectors = self._cache.vectors(self._cursor, security_ids)
        return Market(found.prices, found.rates, base_currency, vectors)

    def business_dates(self) -> tuple[date, ...]:
        """Return every business date, oldest first."""
        return self._cache.business_dates(self._cursor)

    def save_series(self, writes: Sequence[SeriesWrite], at: datetime) -> frozenset[str]:
        """Write the changed days of portfolios; of a job that is out of date nothing."""
        unknown = series_log.unknown_to(self._cursor, writes)
        saved = series_unit.save(self._cursor, writes, at)
        series_log.save(self._cursor, writes, unknown, saved, at)
        return saved

    def append(
        self, topic: str, records: Sequence[tuple[str, Record]], correlation_id: str, at: datetime
    ) -> list[tuple[int, int]]:
        """Append keyed records to the log; return (partition, next offset) for each touched."""
        return log.append(self._cursor, topic, records, correlation_id, at)

    def append_each(
        self,
        topics: Sequence[str],
        requests: Sequence[tuple[Sequence[tuple[str, Record]], str]],
        at: datetime,
    ) -> None:
        """Append the keyed records of requests, each with its correlation id, to each topic."""
        self._together()
        log.append_each(self._cursor, topics, requests, at)

    def backlog(
        self, consumer: str, parts: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Return how many records lie unread in each of these partitions, where any do."""
        self._together()
        return log.backlog(self._cursor, consumer, parts)

    def read_log(
        self, consumer: str, parts: Sequence[tuple[str, int]], limit: int
    ) -> list[LogBatch]:
        """Return what lies unread in these partitions, about ``limit`` records at the most."""
        return log.read(self._cursor, consumer, parts, limit)

    def complete(
        self, consumer: str, batch: LogBatch, fence: int, duplicates: int, at: datetime
    ) -> None:
        """Move the consumer's offset over a batch."""
        log.complete(self._cursor, consumer, [Done(batch, fence, duplicates)], at)

    def complete_all(self, consumer: str, done: Sequence[Done], at: datetime) -> None:
        """Move the consumer's offsets over batches of several partitions."""
        log.complete(self._cursor, consumer, done, at)


class PostgresStore:
    """Units of work over a pool of connections (see ``engine.store.Store``)."""

    def __init__(
        self,
        pool: ConnectionPool[Any],
        cache: MarketCache,
        *,
        conninfo: str,
        lead: LeadName = "stages",
    ) -> None:
        """Take connections from ``pool``; share ``cache`` with the read side of this process.

        The lead is held by a connection of its own, made with ``conninfo``. Who leads one kind of
        work, named by ``lead``, has nothing to do with who leads another.
        """
        self._pool = pool
        self._cache = cache
        self._lead = Lead(conninfo, lead)

    @contextmanager
    def unit(self) -> Generator[PostgresUnit]:
        """Begin a unit; it commits when the block ends and rolls back when it raises.

        Raises:
            FencedError: When another unit wrote the same thing first; trying again is safe.
            StoreUnavailableError: When the database cannot be reached or went away.
        """
        with self.cursor() as cursor, ExitStack() as sending:
            yield PostgresUnit(cursor, self._cache, sending)

    @contextmanager
    def cursor(self) -> Generator[Cursor[tuple[Any, ...]]]:
        """Give a cursor in a transaction; what goes wrong is said in the words of the tree."""
        try:
            with self._pool.connection() as connection, connection.cursor() as cursor:
                yield cursor
        except (DeadlockDetected, SerializationFailure) as error:
            raise ContendedError("what this unit wrote") from error
        except UniqueViolation as error:
            raise FencedError("what this unit wrote") from error
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise _unavailable(error) from error

    def try_lead(self) -> bool:
        """Become the process that runs the stages, unless another one is; until it ends.

        The lead ends with this process, however that ends, and when it does not run for so long
        that another one takes it for frozen (see :mod:`tidebook.adapters.postgres.lead`).
        """
        try:
            return self._lead.try_lead()
        except OperationalError as error:
            raise _unavailable(error) from error

    def news(self, timeout_seconds: float) -> News:
        """Wait for a hint that something was appended; return what was heard.

        It comes on the connection that holds the lead, and is only a hint: readers poll as well.
        """
        try:
            return self._lead.news(timeout_seconds)
        except OperationalError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Give up the lead."""
        self._lead.lose()

    def take_partitions(
        self, consumer: str, parts: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Become the owner of partitions; return the fence to present for each.

        Who leads takes them in the session that holds the lead. A leader that slept while another
        one took over has lost that session, and cannot take anything from its successor.
        """
        named = {
            "consumer": consumer,
            "topics": [topic for topic, _ in parts],
            "parts": [part for _, part in parts],
        }
        statement = statements("log")["take_partitions"]
        session = self._lead.session
        if session is None:
            with self.cursor() as cursor:
                rows = cursor.execute(statement, named).fetchall()
        else:
            try:
                rows = session.execute(statement, named).fetchall()
            except DeadlockDetected as error:
                raise ContendedError("the partitions") from error
            except OperationalError as error:
                self._lead.lose()
                raise _unavailable(error) from error
        return {(row[0], row[1]): row[2] for row in rows}

    def log_id(self) -> str:
        """Return which log this is; it is named when that is first asked."""
        with self.cursor() as cursor:
            cursor.execute(statements("log")["make_identity"])
            (found,) = cursor.execute(statements("log")["identity"]).fetchall()
        return str(found[0])

    def own(
        self, consumer: str, parts: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], Owned]:
        """Become the owner of partitions of a broker; whoever was it before is fenced off."""
        with self.cursor() as cursor:
            return log.own(cursor, consumer, parts)

    def owned(
        self, consumer: str, parts: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], Owned]:
        """Return the same without taking anything."""
        with self.cursor() as cursor:
            return log.owned(cursor, consumer, parts)

    def rewind(self, consumer: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """Set a consumer back to these offsets of the log, where it is beyond them."""
        with self.cursor() as cursor:
            log.rewind(cursor, consumer, offsets)

    def progress(self, consumer: str) -> dict[tuple[str, int], int]:
        """Return the consumer's next offset per partition."""
        with self.cursor() as cursor:
            rows = cursor.execute(statements("log")["progress"], {"consumer": consumer}).fetchall()
        return {(row[0], row[1]): row[2] for row in rows}

    def unfinished(self, portfolio_ids: Collection[str]) -> bool:
        """Tell whether any of these portfolios (all, when empty) has work or series to do."""
        with self.cursor() as cursor:
            return book_unit.unfinished(cursor, portfolio_ids)


def _unavailable(error: Exception) -> StoreUnavailableError:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return StoreUnavailableError(
        f"the database did not answer: {said}",
        hint="check that it runs; the same request is safe to send again, taken or not",
    )
