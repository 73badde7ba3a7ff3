"""A book in memory for the tests of the HTTP edge: it keeps what it is given, and no more.

Facts taken in can be read back as they came. What the engine would derive is set by each test.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from tidebook.api import create_app
from tidebook.book.checks.health_facts import STALE_DAYS
from tidebook.book.checks.reconcile import Reconciliation
from tidebook.book.whole import Facts
from tidebook.engine.benchmark_updates import MemoryBenchmarks
from tidebook.engine.benchmarks import Benchmarks, NoProvider
from tidebook.engine.book_facts import BookFacts, Standing
from tidebook.engine.ports import HEALTH_MAX, OVERVIEW_MAX, Receipt
from tidebook.engine.queries import RestatementQuery
from tidebook.engine.turning import turning_of
from tidebook.engine.verify import KeptBooks
from tidebook.engine.views import (
    AppliedActionsView,
    EntriesView,
    Freshness,
    HealthSummaryView,
    HealthView,
    LotsView,
    MarketView,
    Origin,
    OverviewRow,
    ReconciliationView,
    ReportView,
    RestatementsPage,
    ResultsView,
    SeriesView,
    TransactionsPage,
)
from tidebook.errors import UnknownPortfolioError
from tidebook.model.actions import ActionTable
from tidebook.model.markets import price_table, rate_table
from tidebook.web import create_pages

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tidebook.api import AppSettings
    from tidebook.book.checks.health_facts import CheckResult
    from tidebook.book.derivation import Source
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.queries import FactQuery, TransactionQuery
    from tidebook.engine.series_port import TurningDays
    from tidebook.engine.views import (
        ActionView,
        AppliedActionView,
        BookedEntry,
        FindingView,
        HistoryView,
        LotView,
        PositionsView,
        RestatementView,
        TransactionView,
    )
    from tidebook.model.actions import CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.cancellations import Cancellation
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

NOW = datetime(2025, 6, 30, 12, 0, tzinfo=UTC)
AN_ID = "00000000-0000-4000-8000-000000000001"
A_NONCE = "bm9uY2Ugb2YgdGhlIHRlc3Rz"


class StoppedClock:
    """A clock that always shows the same instant."""

    def now(self) -> datetime:
        """Return noon of 30 June 2025 in UTC."""
        return NOW


class MemoryCommands:
    """Keeps the facts of every command, in order; ``fault`` makes the next one fail."""

    def __init__(self) -> None:
        self.facts: dict[str, list[object]] = {}
        self.correlation_ids: list[str] = []
        self.origins: list[str] = []
        self.fault: Exception | None = None
        self.is_booked = True
        self.waits: list[float] = []
        self.wait_fault: Exception | None = None

    def _keep(self, topic: str, facts: Sequence[object], correlation_id: str) -> Receipt:
        if self.fault is not None:
            raise self.fault
        self.facts.setdefault(topic, []).extend(facts)
        self.correlation_ids.append(correlation_id)
        return Receipt(topic, len(facts), ())

    def ingest_portfolios(self, portfolios: Sequence[Portfolio], correlation_id: str) -> Receipt:
        return self._keep("portfolios", portfolios, correlation_id)

    def ingest_instruments(self, instruments: Sequence[Instrument], correlation_id: str) -> Receipt:
        return self._keep("instruments", instruments, correlation_id)

    def ingest_transactions(
        self,
        transactions: Sequence[Transaction],
        correlation_id: str,
        origins: Sequence[str] = (),
    ) -> Receipt:
        self.origins += origins
        return self._keep("transactions", transactions, correlation_id)

    def ingest_prices(
        self, prices: Sequence[Price], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        self.origins += origins
        return self._keep("prices", prices, correlation_id)

    def ingest_rates(
        self, rates: Sequence[Rate], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        self.origins += origins
        return self._keep("rates", rates, correlation_id)

    def ingest_business_dates(self, dates: Sequence[date], correlation_id: str) -> Receipt:
        return self._keep("dates", dates, correlation_id)

    def ingest_actions(self, actions: Sequence[CorporateAction], correlation_id: str) -> Receipt:
        return self._keep("actions", actions, correlation_id)

    def cancel(self, cancellations: Sequence[Cancellation], correlation_id: str) -> Receipt:
        return self._keep("cancellations", cancellations, correlation_id)

    def ingest_assertions(
        self, assertions: Sequence[BalanceAssertion], correlation_id: str
    ) -> Receipt:
        return self._keep("assertions", assertions, correlation_id)

    def reprocess(self, transaction_ids: Sequence[str], correlation_id: str) -> Receipt:
        return self._keep("reprocess", transaction_ids, correlation_id)

    def commit(
        self, portfolio_id: str, hypothesis: Hypothesis, preview_hash: str, correlation_id: str
    ) -> Receipt:
        return self._keep(f"{portfolio_id} {preview_hash}", [hypothesis], correlation_id)

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:  # noqa: ARG002
        self.waits.append(timeout_seconds)
        if self.wait_fault is not None:
            raise self.wait_fault
        return self.is_booked


class MemoryReader:
    """Answers with what the test has set; ``fault`` makes every answer fail."""

    def __init__(self) -> None:
        self.kept: dict[str, Portfolio] = {}
        self.kept_instruments: list[Instrument] = []
        self.kept_prices: list[Price] = []
        self.kept_rates: list[Rate] = []
        self.kept_positions: dict[str, PositionsView] = {}
        self.kept_history: dict[tuple[str, str], HistoryView] = {}
        self.kept_lots: list[LotView] = []
        self.kept_transactions: list[TransactionView] = []
        self.kept_series: dict[str, SeriesView] = {}
        self.kept_findings: list[FindingView] = []
        self.kept_restatements: list[RestatementView] = []
        self.kept_entries: list[BookedEntry] = []
        self.kept_actions: list[ActionView] = []
        self.kept_applied: list[AppliedActionView] = []
        self.kept_unknown: set[Cancellation] = set()
        self.kept_reconciliation = Reconciliation((), (), (), 0)
        self.kept_health: tuple[CheckResult, ...] = ()
        self.kept_state: str | None = "7.7.5"
        self.asked: list[object] = []
        self.fault: Exception | None = None

    def _answering(self, portfolio_id: str | None = None) -> None:
        if self.fault is not None:
            raise self.fault
        if portfolio_id is not None and portfolio_id not in self.kept:
            raise UnknownPortfolioError(portfolio_id)

    def ready(self) -> None:
        self._answering()

    def portfolios(
        self,
        *,
        cif_id: str | None = None,
        booking_center: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Portfolio, ...]:
        self._answering()
        self.asked.append((as_of, known_at))
        return tuple(
            one
            for _, one in sorted(self.kept.items())
            if (cif_id is None or one.cif_id == cif_id)
            and (booking_center is None or one.booking_center == booking_center)
        )

    def overview(
        self,
        *,
        limit: int = OVERVIEW_MAX,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[OverviewRow, ...]:
        self._answering()
        self.asked.append((limit, as_of, known_at))
        found: list[OverviewRow] = []
        for portfolio_id, one in sorted(self.kept.items())[:limit]:
            days = self.kept_series[portfolio_id].days if portfolio_id in self.kept_series else ()
            last = days[-1] if days else None
            found.append(OverviewRow(one, freshness(), last, len(self.kept_health)))
        return tuple(found)

    def portfolio(self, portfolio_id: str, *, known_at: datetime | None = None) -> Portfolio:
        self._answering(portfolio_id)
        self.asked.append(known_at)
        return self.kept[portfolio_id]

    def report(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ReportView:
        return ReportView(
            self.positions(portfolio_id, as_of=as_of, known_at=known_at),
            self.results(portfolio_id, as_of=as_of, known_at=known_at),
            self.series(portfolio_id, known_at=known_at),
            self.findings(portfolio_id, as_of=as_of, known_at=known_at),
            self.restatements(RestatementQuery(portfolio_id, as_of=as_of, known_at=known_at)),
            self.entries(portfolio_id, as_of=as_of, known_at=known_at, realised=True),
            self.kept_health,
        )

    def freshness(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> Freshness:
        self._answering(portfolio_id)
        return freshness(as_of or date(2025, 6, 30))._replace(known_at=known_at or NOW)

    def positions(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        include_closed: bool = False,
    ) -> PositionsView:
        self._answering(portfolio_id)
        self.asked.append((as_of, known_at, include_closed))
        return self.kept_positions[portfolio_id]

    def results(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ResultsView:
        self._answering(portfolio_id)
        self.asked.append((as_of, known_at))
        return ResultsView(Decimal(0), Decimal(88), Decimal(0))

    def history(
        self,
        portfolio_id: str,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> HistoryView:
        self._answering(portfolio_id)
        self.asked.append((start, end, known_at))
        return self.kept_history[portfolio_id, security_id]

    def lots(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> LotsView:
        self._answering(portfolio_id)
        self.asked.append((as_of, known_at))
        lots = [lot for lot in self.kept_lots if security_id in {None, lot.security_id}]
        rests_on = freshness(as_of or NOW.date())._replace(known_at=known_at or NOW)
        return LotsView(self.kept[portfolio_id], rests_on, tuple(lots))

    def transactions(self, query: TransactionQuery) -> TransactionsPage:
        self._answering(query.portfolio_id)
        self.asked.append(query)
        found = [
            one
            for one in self.kept_transactions
            if one.transaction.portfolio_id == query.portfolio_id
        ]
        page = found[query.skip : query.skip + query.limit]
        portfolio = self.kept[query.portfolio_id]
        return TransactionsPage(
            portfolio, freshness(), len(found), query.skip, query.limit, tuple(page)
        )

    def transaction(
        self, transaction_id: str, *, known_at: datetime | None = None
    ) -> TransactionView | None:
        self._answering()
        self.asked.append(known_at)
        return next(
            (
                one
                for one in self.kept_transactions
                if one.transaction.transaction_id == transaction_id
            ),
            None,
        )

    def entries(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
        realised: bool = False,
    ) -> EntriesView:
        self._answering(portfolio_id)
        self.asked.append((portfolio_id, security_id, start, as_of, known_at, realised))
        found = [one for one in self.kept_entries if security_id in {None, one.entry.security_id}]
        return EntriesView(
            self.kept[portfolio_id],
            self.freshness(portfolio_id),
            tuple(found),
            tuple(self.kept_instruments),
        )

    def actions(
        self, security_id: str | None = None, *, known_at: datetime | None = None
    ) -> tuple[ActionView, ...]:
        self._answering()
        self.asked.append((security_id, known_at))
        return tuple(
            one
            for one in self.kept_actions
            if security_id in {None, one.action.security_id, one.action.to_security_id}
        )

    def unknown(self, cancellations: Sequence[Cancellation]) -> tuple[int, ...]:
        return tuple(place for place, each in enumerate(cancellations) if each in self.kept_unknown)

    def applied_actions(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> AppliedActionsView:
        self._answering(portfolio_id)
        self.asked.append((portfolio_id, security_id, start, as_of, known_at))
        rests_on = self.freshness(portfolio_id)
        return AppliedActionsView(self.kept[portfolio_id], rests_on, tuple(self.kept_applied))

    def series(
        self,
        portfolio_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> SeriesView:
        self._answering(portfolio_id)
        self.asked.append((start, end, known_at))
        view = self.kept_series.get(portfolio_id) or SeriesView(
            self.kept[portfolio_id], freshness(), None, ()
        )
        days = [
            day
            for day in view.days
            if (start is None or day.on >= start) and (end is None or day.on <= end)
        ]
        return view._replace(days=tuple(days))

    def series_of(
        self, portfolio_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> tuple[SeriesView, ...]:
        return tuple(self.series(one, known_at=known_at) for one in portfolio_ids)

    def turning_days(
        self, portfolio_ids: Sequence[str], spans: Sequence[tuple[date, date]]
    ) -> TurningDays:
        return turning_of(self.series_of(portfolio_ids), spans)

    def state(self, portfolio_id: str, *, prices_of: Sequence[str] = ()) -> str | None:
        del prices_of
        self._answering(portfolio_id)
        return self.kept_state

    def findings(
        self,
        portfolio_id: str | None = None,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[FindingView, ...]:
        self._answering(portfolio_id)
        self.asked.append((as_of, known_at))
        return tuple(
            view for view in self.kept_findings if portfolio_id in {None, view.portfolio_id}
        )

    def restatements(self, query: RestatementQuery) -> RestatementsPage:
        self._answering(query.portfolio_id)
        self.asked.append(query)
        found = tuple(self.kept_restatements)
        page = found[query.skip : query.skip + query.limit]
        portfolio = self.kept[query.portfolio_id]
        return RestatementsPage(portfolio, freshness(), len(found), query.skip, query.limit, page)

    def reconciliation(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        stated: Sequence[BalanceAssertion] | None = None,
    ) -> ReconciliationView:
        self._answering(portfolio_id)
        self.asked.append((as_of, known_at, stated))
        return ReconciliationView(
            self.kept[portfolio_id], freshness(), self.kept_reconciliation, elsewhere=0
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
        self._answering(portfolio_id)
        self.asked.append((as_of, known_at, today, stale_days))
        return HealthView(self.kept[portfolio_id], freshness(), self.kept_health)

    def health_summary(
        self,
        *,
        skip: int = 0,
        limit: int = HEALTH_MAX,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthSummaryView:
        self._answering()
        self.asked.append((skip, limit, today, stale_days))
        views = [self.health(one) for one in sorted(self.kept)[skip : skip + limit]]
        return HealthSummaryView(len(self.kept), tuple(views), (("P-9", 2),))

    def instruments(
        self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Instrument, ...]:
        self._answering()
        self.asked.append(known_at)
        return tuple(
            one
            for one in self.kept_instruments
            if security_ids is None or one.security_id in security_ids
        )

    def prices(
        self,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Price, ...]:
        self._answering()
        self.asked.append((start, end, known_at))
        return tuple(one for one in self.kept_prices if one.security_id == security_id)

    def rates(
        self,
        source: str,
        target: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Rate, ...]:
        self._answering()
        self.asked.append((start, end, known_at))
        return tuple(one for one in self.kept_rates if (one.source, one.target) == (source, target))

    def book_facts(self, query: FactQuery) -> BookFacts:
        self._answering()
        self.asked.append(query)
        instruments = {one.security_id: one for one in self.kept_instruments}
        facts = Facts(
            self.kept,
            instruments,
            [one.transaction for one in self.kept_transactions],
            rate_table(self.kept_rates),
            ActionTable(tuple(one.action for one in self.kept_actions)),
        )
        standings = {identity: Standing(7, 5) for identity in self.kept}
        return BookFacts(facts, price_table(self.kept_prices), (), standings, {})

    def concerned(self, hypothesis: Hypothesis) -> tuple[str, ...]:
        self._answering()
        return tuple(sorted({*self.kept, *hypothesis.portfolio_ids}))

    @contextmanager
    def kept_books(self, portfolio_ids: Sequence[str] | None = None) -> Generator[KeptBooks]:
        """Give a store in which nothing was ever booked."""
        self.asked.append(portfolio_ids)
        yield KeptBooks(0, iter(()), ())

    def markets(
        self, security_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> MarketView:
        self._answering()
        self.asked.append(known_at)
        known = {one.security_id: one for one in self.kept_instruments}
        wanted = {one: known[one] for one in security_ids if one in known}
        return MarketView(rate_table(self.kept_rates), price_table(self.kept_prices), wanted)

    def origins(
        self, sources: Sequence[Source], *, known_at: datetime | None = None
    ) -> dict[Source, Origin]:
        self._answering()
        self.asked.append(known_at)
        return {source: Origin(1, NOW, AN_ID, "trades.csv:12") for source in sources}


class Desk:
    """A client of an application over a book in memory."""

    def __init__(self, settings: AppSettings | None = None) -> None:
        self.commands = MemoryCommands()
        self.reader = MemoryReader()
        app = create_app(
            self.commands,
            self.reader,
            clock=StoppedClock(),
            pages=create_pages(
                self.reader,
                version="0.0.0",
                new_nonce=lambda: A_NONCE,
                levels_of=Benchmarks(
                    MemoryBenchmarks(), NoProvider(), self.reader, StoppedClock()
                ).levels,
            ),
            settings=settings,
            new_id=lambda: AN_ID,
            new_nonce=lambda: A_NONCE,
        )
        self.client = TestClient(app, follow_redirects=False)
        # As a server does: the error is raised again after the answer, for the log.
        self.served = TestClient(app, follow_redirects=False, raise_server_exceptions=False)


def freshness(on: date | None = date(2025, 6, 30), status: str = "CURRENT") -> Freshness:
    """Return what every answer of the tests rests on."""
    return Freshness(on, NOW, 7, 6, 5, status)
