"""What the engine's edges rely on: how facts come in and how the book is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from tidebook.book.checks.health_facts import STALE_DAYS
from tidebook.engine.figure_reader import FigureReader
from tidebook.engine.series_port import SeriesReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import date, datetime

    from tidebook.engine.book_facts import BookFacts
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.queries import FactQuery, RestatementQuery
    from tidebook.engine.verify import KeptBooks
    from tidebook.engine.views import (
        AppliedActionsView,
        FindingView,
        HealthSummaryView,
        HealthView,
        OverviewRow,
        ReconciliationView,
        ReportView,
        RestatementsPage,
    )
    from tidebook.model.actions import CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.cancellations import Cancellation
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

OVERVIEW_MAX = 1000
"""How many portfolios an overview lists unless told otherwise."""


HEALTH_MAX = 100
"""Of how many portfolios the data are looked into at once, unless told otherwise."""


class Clock(Protocol):
    """Where the engine learns what time it is."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        ...


class Reached(NamedTuple):
    """A place in the log: everything of this partition before ``offset``."""

    topic: str
    part: int
    offset: int


class Receipt(NamedTuple):
    """Proof that facts are durable: how many, and up to where the log must be read to have them."""

    topic: str
    accepted: int
    reached: tuple[Reached, ...]
    portfolio_ids: tuple[str, ...] = ()


class Commands(Protocol):
    """What may be asked to happen. Every method returns only after the facts are durable.

    ``origins`` say where each fact was read from, such as ``trades.csv:12``, or are left empty.

    Raises:
        StoreUnavailableError: When the store cannot be reached; nothing was taken.
        OverloadedError: When too much is unbooked already; nothing was taken.
    """

    def ingest_portfolios(self, portfolios: Sequence[Portfolio], correlation_id: str) -> Receipt:
        """Take portfolios in."""
        ...

    def ingest_instruments(self, instruments: Sequence[Instrument], correlation_id: str) -> Receipt:
        """Take instruments in."""
        ...

    def ingest_transactions(
        self,
        transactions: Sequence[Transaction],
        correlation_id: str,
        origins: Sequence[str] = (),
    ) -> Receipt:
        """Take transactions in."""
        ...

    def ingest_prices(
        self, prices: Sequence[Price], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        """Take closing prices in."""
        ...

    def ingest_rates(
        self, rates: Sequence[Rate], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        """Take exchange rates in."""
        ...

    def ingest_business_dates(self, dates: Sequence[date], correlation_id: str) -> Receipt:
        """Take business dates in."""
        ...

    def ingest_actions(self, actions: Sequence[CorporateAction], correlation_id: str) -> Receipt:
        """Take corporate actions in."""
        ...

    def cancel(self, cancellations: Sequence[Cancellation], correlation_id: str) -> Receipt:
        """Take cancellations in: what they name never happened."""
        ...

    def commit(
        self, portfolio_id: str, hypothesis: Hypothesis, preview_hash: str, correlation_id: str
    ) -> Receipt:
        """Take the facts of a preview in, all or none, if the book still stands where it did.

        Raises:
            StalePreviewError: When the book has moved since, or the facts are others.
        """
        ...

    def ingest_assertions(
        self, assertions: Sequence[BalanceAssertion], correlation_id: str
    ) -> Receipt:
        """Take balance assertions in; the book does not change with them."""
        ...

    def reprocess(self, transaction_ids: Sequence[str], correlation_id: str) -> Receipt:
        """Ask for the keys of these transactions to be folded again from their facts."""
        ...

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:
        """Wait until what a receipt stands for is booked and the daily series is right.

        Returns:
            True when it is; False when the time ran out first.
        """
        ...


class Reader(FigureReader, SeriesReader, Protocol):
    """What may be asked to be known. Each answer is one consistent snapshot.

    ``as_of`` is a business date (None: the latest), ``known_at`` an instant (None: now): the answer
    is what was believed then, of trades, prices and rates as of portfolios and instruments. A
    method that names a portfolio raises ``UnknownPortfolioError`` when no fact had introduced it
    by then.
    """

    def ready(self) -> None:
        """Return when the store answers; raise ``StoreUnavailableError`` when it does not."""
        ...

    def portfolios(
        self,
        *,
        cif_id: str | None = None,
        booking_center: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Portfolio, ...]:
        """Return the portfolios that match, by id; with a day, those open on it."""
        ...

    def overview(
        self,
        *,
        limit: int = OVERVIEW_MAX,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[OverviewRow, ...]:
        """Return the first portfolios by id, each with its freshness and its last valued day."""
        ...

    def report(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ReportView:
        """Return positions, results, series, findings and restatements of one state of the book."""
        ...

    def unknown(self, cancellations: Sequence[Cancellation]) -> tuple[int, ...]:
        """Return the places of those cancellations whose fact was never known.

        One that was cancelled before is known. Transactions are not looked up.
        """
        ...

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
        ...

    def findings(
        self,
        portfolio_id: str | None = None,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[FindingView, ...]:
        """Return the findings that were open, of facts up to a day, waiting facts first."""
        ...

    def restatements(self, query: RestatementQuery) -> RestatementsPage:
        """Return a page of a portfolio's restatements, latest first."""
        ...

    def reconciliation(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        stated: Sequence[BalanceAssertion] | None = None,
    ) -> ReconciliationView:
        """Return a portfolio's book beside what others say it held, up to ``as_of``.

        Compared are the balance assertions in the book, or those ``stated`` here, which are
        not stored.
        """
        ...

    def health(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthView:
        """Return what is to be said about a portfolio's data, most money at stake first.

        Ages are measured in business days before ``as_of``. With ``today`` it is also said when
        the whole portfolio is as old as that.
        """
        ...

    def health_summary(
        self,
        *,
        skip: int = 0,
        limit: int = HEALTH_MAX,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthSummaryView:
        """Return the same for portfolios by id, as they are now."""
        ...

    def prices(
        self,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Price, ...]:
        """Return a security's prices, oldest first."""
        ...

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
        ...

    def book_facts(self, query: FactQuery) -> BookFacts:
        """Return all that the books of portfolios, and of those related to them, follow from.

        A portfolio that nobody introduced is left out. Portfolios and instruments are those of
        now, whatever ``known_at``.
        """
        ...

    def concerned(self, hypothesis: Hypothesis) -> tuple[str, ...]:
        """Return the portfolios in which facts would move something if they were sent, by id."""
        ...

    def kept_books(
        self, portfolio_ids: Sequence[str] | None = None
    ) -> AbstractContextManager[KeptBooks]:
        """Give the stored book of portfolios, or of all, with its facts, as one snapshot has it.

        The books come in parts that nothing is carried between. Nothing is locked meanwhile.

        Raises:
            UnknownPortfolioError: When one is named that no fact names.
        """
        ...
