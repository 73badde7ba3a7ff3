"""The part of the reader that every figure can be explained from.

A supposed book answers these questions as the book itself does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tidebook.engine.series_port import DailySeriesReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tidebook.book.derivation import Source
    from tidebook.engine.queries import TransactionQuery
    from tidebook.engine.views import (
        ActionView,
        EntriesView,
        Freshness,
        HistoryView,
        LotsView,
        MarketView,
        Origin,
        PositionsView,
        ResultsView,
        TransactionsPage,
        TransactionView,
    )
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio


class HoldingsReader(Protocol):
    """What portfolios hold and did: the part that the figures of users rest on."""

    def positions(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        include_closed: bool = False,
    ) -> PositionsView:
        """Return the valued positions of a portfolio."""
        ...

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
        """Return all entries of a portfolio, or of one of its keys, whatever fact made them.

        With ``start`` only those from that day on; with ``realised`` only those that realised a
        gain or a loss, if only of nothing, on lots.
        """
        ...

    def transactions(self, query: TransactionQuery) -> TransactionsPage:
        """Return a page of a portfolio's transactions."""
        ...

    def instruments(
        self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Instrument, ...]:
        """Return instruments, by id."""
        ...


class FigureReader(HoldingsReader, DailySeriesReader, Protocol):
    """A book whose figures can be explained; answers are as those of ``engine.ports.Reader``."""

    def portfolio(self, portfolio_id: str, *, known_at: datetime | None = None) -> Portfolio:
        """Return one portfolio."""
        ...

    def freshness(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> Freshness:
        """Return what an answer about a portfolio would rest on just now."""
        ...

    def results(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ResultsView:
        """Return what a portfolio has realised, earned and paid so far."""
        ...

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
        ...

    def lots(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> LotsView:
        """Return open lots, by security and then oldest first."""
        ...

    def transaction(
        self, transaction_id: str, *, known_at: datetime | None = None
    ) -> TransactionView | None:
        """Return one transaction, or None when no such fact is known."""
        ...

    def actions(
        self, security_id: str | None = None, *, known_at: datetime | None = None
    ) -> tuple[ActionView, ...]:
        """Return corporate actions by ex-date and id: all, or those on a security or to it."""
        ...

    def markets(
        self, security_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> MarketView:
        """Return every exchange rate, and prices and instruments of the securities named."""
        ...

    def origins(
        self, sources: Sequence[Source], *, known_at: datetime | None = None
    ) -> Mapping[Source, Origin]:
        """Return how facts came into the book; one that is not in it is left out."""
        ...
