"""What can be asked about daily series: one portfolio's, many at once, and whether they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from tidebook.engine.views import SeriesView


class SeriesReader(Protocol):
    """The daily series of portfolios. Each answer is one consistent snapshot.

    Every method raises ``UnknownPortfolioError`` when a portfolio that it names was not introduced.
    """

    def series(
        self,
        portfolio_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> SeriesView:
        """Return a portfolio's daily series; ``inception`` is its first day in any case."""
        ...

    def series_of(
        self, portfolio_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> tuple[SeriesView, ...]:
        """Return the whole daily series of several portfolios, in the order they are named in."""
        ...

    def state(self, portfolio_id: str) -> str | None:
        """Return a short text that is another one whenever an answer about a portfolio may be.

        None while its series is being brought up to date, when nothing can be promised.
        """
        ...
