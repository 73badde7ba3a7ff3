"""What can be asked about daily series: one portfolio's, many at once, and whether they moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Days, Floats
    from tidebook.engine.views import SeriesView


class Valued(NamedTuple):
    """A portfolio among many, and what an answer about it rests on.

    ``inception`` is its first valued day, None without any; where it lies before every span that
    was asked for, any day that does stands for it.
    """

    portfolio_id: str
    base_currency: str
    generation: int
    status: str
    inception: date | None


@dataclass(frozen=True, slots=True, eq=False)
class SpanEnds:
    """Where each of many portfolios stands at both ends of a span, one element a portfolio.

    ``first`` is its first valued day inside, None without any, and ``first_days`` the same as an
    array; ``opening`` is what it was worth before that day and ``closing`` at the end of ``last``.
    """

    first: tuple[date | None, ...]
    first_days: Days
    is_held: NDArray[np.bool_]
    opening: Floats
    closing: Floats
    last: tuple[date | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TurningDays:
    """Days of many portfolios on which a return needs to be looked at, and the ends of spans.

    They are those with a flow, a fee, a position without a price, or a value of zero or below.
    ``owner`` is the place of each day's portfolio; rows go by portfolio, and inside one by day.
    The columns of ``amounts`` are opening value, flow at the start, flow at the end with the
    fees in it, closing value, fees, and the cost of what has no price.
    """

    portfolios: tuple[Valued, ...]
    owner: NDArray[np.int64]
    days: Days
    amounts: Floats
    ends: tuple[SpanEnds, ...]


class DailySeriesReader(Protocol):
    """The daily series of one portfolio."""

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


class SeriesReader(DailySeriesReader, Protocol):
    """The daily series of portfolios. Each answer is one consistent snapshot.

    Every method raises ``UnknownPortfolioError`` when a portfolio that it names was not introduced.
    """

    def series_of(
        self, portfolio_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> tuple[SeriesView, ...]:
        """Return the whole daily series of several portfolios, in the order they are named in."""
        ...

    def turning_days(
        self, portfolio_ids: Sequence[str], spans: Sequence[tuple[date, date]]
    ) -> TurningDays:
        """Return where many portfolios stand at the ends of spans, and what happened between."""
        ...

    def state(self, portfolio_id: str, *, prices_of: Sequence[str] = ()) -> str | None:
        """Return a short text that is another one whenever an answer about a portfolio may be.

        With ``prices_of`` of an answer that follows from the prices of these securities as well.
        None while its series is being brought up to date, when nothing can be promised.
        """
        ...
