"""The read side on PostgreSQL: every question one snapshot, every answer what the book holds.

What is current is read from where the folds stand; what is asked as of a day, or as known at an
instant, is summed from the entries that held then. Valuations use the market through one cache for
the whole process.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.reader_actions import read_applied_actions
from tidebook.adapters.postgres.reader_facts import (
    kept_books,
    read_book_facts,
    read_concerned,
)
from tidebook.adapters.postgres.reader_health import (
    Terms,
    read_health,
    read_health_counts,
    read_health_summary,
)
from tidebook.adapters.postgres.reader_lots import read_lots
from tidebook.adapters.postgres.reader_origins import read_origins
from tidebook.adapters.postgres.reader_portfolios import (
    read_findings,
    read_overview,
    read_portfolios,
    read_ready,
    read_series,
    read_subject,
)
from tidebook.adapters.postgres.reader_positions import (
    read_history,
    read_markets,
    read_positions,
    read_results,
)
from tidebook.adapters.postgres.reader_reconciliation import read_reconciliation
from tidebook.adapters.postgres.reader_references import (
    read_actions,
    read_instruments,
    read_prices,
    read_rates,
    read_unknown,
)
from tidebook.adapters.postgres.reader_restatements import read_restatements
from tidebook.adapters.postgres.reader_series import SeriesReading
from tidebook.adapters.postgres.reader_transactions import (
    is_known,
    read_entries,
    read_transaction,
    read_transactions,
)
from tidebook.adapters.postgres.snapshots import believed, glance, snapshot
from tidebook.book.checks.health_facts import STALE_DAYS
from tidebook.engine.ports import HEALTH_MAX, OVERVIEW_MAX
from tidebook.engine.queries import RestatementQuery
from tidebook.engine.views import MarketView, ReportView

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import date, datetime

    from tidebook.adapters.postgres.snapshots import Pool
    from tidebook.book.derivation import Source
    from tidebook.engine.book_facts import BookFacts
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.queries import FactQuery, TransactionQuery
    from tidebook.engine.verify import KeptBooks
    from tidebook.engine.views import (
        ActionView,
        AppliedActionsView,
        EntriesView,
        FindingView,
        Freshness,
        HealthSummaryView,
        HealthView,
        HistoryView,
        LotsView,
        Origin,
        OverviewRow,
        PositionsView,
        ReconciliationView,
        RestatementsPage,
        ResultsView,
        TransactionsPage,
        TransactionView,
    )
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.cancellations import Cancellation
    from tidebook.model.facts import Price, Rate
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_READY_SECONDS: Final = 2.0


class PostgresReader(SeriesReading):
    """The book, to be read; fulfils ``tidebook.engine.ports.Reader``, which says what each gives.

    Safe to share between threads. Every method raises ``StoreUnavailableError`` when the database
    does not answer.

    Args:
        pool: Connections to a migrated database. They are lent back as they were.
        market: The cache of the process, shared with whoever else reads the market.
    """

    def __init__(self, pool: Pool, market: MarketCache | None = None) -> None:
        """Keep the pool; nothing is read yet."""
        super().__init__(pool)
        self._pool = pool
        self._market = market or MarketCache()

    def ready(self) -> None:
        """Return when the store answers, within seconds."""
        with snapshot(self._pool, timeout_seconds=_READY_SECONDS) as cursor:
            read_ready(cursor)

    def portfolios(
        self,
        *,
        cif_id: str | None = None,
        booking_center: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Portfolio, ...]:
        """Return the portfolios that match, by id; with a day, those open on it."""
        with believed(self._pool, known_at) as cursor:
            return read_portfolios(cursor, (cif_id, booking_center), as_of, known_at)

    def overview(
        self,
        *,
        limit: int = OVERVIEW_MAX,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[OverviewRow, ...]:
        """Return the first portfolios by id, each with its freshness and its last valued day."""
        with believed(self._pool, known_at) as cursor:
            rows = read_overview(cursor, limit, as_of, known_at)
            terms = Terms(as_of=as_of, known_at=known_at)
            counts = read_health_counts(cursor, self._market, rows[:HEALTH_MAX], terms)
        return tuple(
            row._replace(health_count=counts.get(row.portfolio.portfolio_id)) for row in rows
        )

    def portfolio(self, portfolio_id: str, *, known_at: datetime | None = None) -> Portfolio:
        """Return one portfolio."""
        with believed(self._pool, known_at) as cursor:
            return read_subject(cursor, portfolio_id, known_at=known_at).portfolio

    def freshness(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> Freshness:
        """Return what an answer about a portfolio would rest on just now."""
        with believed(self._pool, known_at) as cursor:
            return read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at).freshness

    def report(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ReportView:
        """Return all that a portfolio's page shows, from one snapshot."""
        with believed(self._pool, known_at) as cursor:
            return ReportView(
                read_positions(
                    cursor,
                    self._market,
                    portfolio_id,
                    as_of=as_of,
                    known_at=known_at,
                    include_closed=False,
                ),
                read_results(cursor, portfolio_id, as_of=as_of, known_at=known_at),
                read_series(cursor, portfolio_id, None, None, known_at),
                read_findings(cursor, portfolio_id, as_of=as_of, known_at=known_at),
                read_restatements(
                    cursor, RestatementQuery(portfolio_id, as_of=as_of, known_at=known_at)
                ),
                read_entries(
                    cursor,
                    self._market,
                    portfolio_id,
                    as_of=as_of,
                    known_at=known_at,
                    realised=True,
                ),
                read_health(
                    cursor, self._market, portfolio_id, Terms(as_of=as_of, known_at=known_at)
                ).results,
            )

    def positions(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        include_closed: bool = False,
    ) -> PositionsView:
        """Return the valued positions of a portfolio."""
        with believed(self._pool, known_at) as cursor:
            return read_positions(
                cursor,
                self._market,
                portfolio_id,
                as_of=as_of,
                known_at=known_at,
                include_closed=include_closed,
            )

    def results(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ResultsView:
        """Return what a portfolio has realised, earned and paid so far."""
        with believed(self._pool, known_at) as cursor:
            return read_results(cursor, portfolio_id, as_of=as_of, known_at=known_at)

    def history(
        self,
        portfolio_id: str,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> HistoryView:
        """Return how one position came to be, change by change."""
        with believed(self._pool, known_at) as cursor:
            key = portfolio_id, security_id
            return read_history(cursor, self._market, key, start=start, end=end, known_at=known_at)

    def lots(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> LotsView:
        """Return open lots, by security and then oldest first."""
        with believed(self._pool, known_at) as cursor:
            return read_lots(
                cursor,
                self._market,
                portfolio_id,
                security_id=security_id,
                as_of=as_of,
                known_at=known_at,
            )

    def transactions(self, query: TransactionQuery) -> TransactionsPage:
        """Return a page of a portfolio's transactions."""
        with believed(self._pool, query.known_at) as cursor:
            return read_transactions(cursor, query)

    def transaction(
        self, transaction_id: str, *, known_at: datetime | None = None
    ) -> TransactionView | None:
        """Return one transaction, or None when no such fact is known."""
        if known_at is None:
            # Mostly asked by who waits until it is booked, again and again.
            with glance(self._pool) as cursor:
                if not is_known(cursor, transaction_id):
                    return None
        with believed(self._pool, known_at) as cursor:
            return read_transaction(cursor, transaction_id, known_at)

    def entries(  # noqa: PLR0913 - the question has this many parts
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
        realised: bool = False,
    ) -> EntriesView:
        """Return all entries of a portfolio, or of one of its keys, whatever fact made them."""
        with believed(self._pool, known_at) as cursor:
            return read_entries(
                cursor,
                self._market,
                portfolio_id,
                security_id=security_id,
                start=start,
                as_of=as_of,
                known_at=known_at,
                realised=realised,
            )

    def actions(
        self, security_id: str | None = None, *, known_at: datetime | None = None
    ) -> tuple[ActionView, ...]:
        """Return corporate actions by ex-date and id: all, or those on a security or to it."""
        with believed(self._pool, known_at) as cursor:
            return read_actions(cursor, security_id, known_at)

    def unknown(self, cancellations: Sequence[Cancellation]) -> tuple[int, ...]:
        """Return the places of those cancellations whose fact was never known."""
        with snapshot(self._pool) as cursor:
            return read_unknown(cursor, cancellations)

    def applied_actions(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> AppliedActionsView:
        """Return the corporate actions that did something in a portfolio, or wait there."""
        with believed(self._pool, known_at) as cursor:
            return read_applied_actions(
                cursor,
                portfolio_id,
                security_id=security_id,
                start=start,
                as_of=as_of,
                known_at=known_at,
            )

    def findings(
        self,
        portfolio_id: str | None = None,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[FindingView, ...]:
        """Return the findings that were open, waiting facts first."""
        with believed(self._pool, known_at) as cursor:
            return read_findings(cursor, portfolio_id, as_of=as_of, known_at=known_at)

    def restatements(self, query: RestatementQuery) -> RestatementsPage:
        """Return a page of a portfolio's restatements, latest first."""
        with believed(self._pool, query.known_at) as cursor:
            return read_restatements(cursor, query)

    def reconciliation(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        stated: Sequence[BalanceAssertion] | None = None,
    ) -> ReconciliationView:
        """Return a portfolio's book beside what others say it held."""
        with believed(self._pool, known_at) as cursor:
            return read_reconciliation(
                cursor,
                self._market,
                portfolio_id,
                as_of=as_of,
                known_at=known_at,
                stated=stated,
            )

    def health(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthView:
        """Return what is to be said about a portfolio's data."""
        terms = Terms(today, stale_days, as_of, known_at)
        with believed(self._pool, known_at) as cursor:
            return read_health(cursor, self._market, portfolio_id, terms)

    def health_summary(
        self,
        *,
        skip: int = 0,
        limit: int = HEALTH_MAX,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthSummaryView:
        """Return what is to be said about the data of portfolios by id."""
        terms = Terms(today, stale_days)
        with snapshot(self._pool) as cursor:
            return read_health_summary(cursor, self._market, terms, skip=skip, limit=limit)

    def instruments(
        self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Instrument, ...]:
        """Return instruments, by id."""
        with believed(self._pool, known_at) as cursor:
            return read_instruments(cursor, security_ids, known_at)

    def prices(
        self,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Price, ...]:
        """Return a security's prices, oldest first."""
        with believed(self._pool, known_at) as cursor:
            return read_prices(cursor, security_id, start, end, known_at)

    def rates(
        self,
        source: str,
        target: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Rate, ...]:
        """Return the quoted rates of a pair, oldest first."""
        with believed(self._pool, known_at) as cursor:
            return read_rates(cursor, (source, target), start, end, known_at)

    def book_facts(self, query: FactQuery) -> BookFacts:
        """Return all that the books of portfolios, and of those related to them, follow from."""
        with believed(self._pool, query.known_at) as cursor:
            return read_book_facts(cursor, self._market, query)

    def concerned(self, hypothesis: Hypothesis) -> tuple[str, ...]:
        """Return the portfolios in which facts would move something if they were sent, by id."""
        with snapshot(self._pool) as cursor:
            return read_concerned(cursor, hypothesis)

    @contextmanager
    def kept_books(self, portfolio_ids: Sequence[str] | None = None) -> Generator[KeptBooks]:
        """Give the stored book of portfolios, or of all, with its facts, as one snapshot has it."""
        with (
            snapshot(self._pool) as cursor,
            kept_books(cursor, self._market, portfolio_ids) as kept,
        ):
            yield kept

    def markets(
        self, security_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> MarketView:
        """Return every exchange rate, and prices and instruments of the securities named."""
        with believed(self._pool, known_at) as cursor:
            found = read_markets(cursor, self._market, security_ids, known_at, None)
            return MarketView(found.rates, found.prices, found.instruments)

    def origins(
        self, sources: Sequence[Source], *, known_at: datetime | None = None
    ) -> Mapping[Source, Origin]:
        """Return how facts came into the book; one that is not in it is left out."""
        with believed(self._pool, known_at) as cursor:
            return read_origins(cursor, sources, known_at)
