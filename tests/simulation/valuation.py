"""What the series stage would still change about a portfolio, from its first day on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.simulation.series_tables import SeriesTables
from tests.simulation.session import Session
from tidebook.engine.stages import series
from tidebook.engine.valuing import SeriesAsked, SeriesJob

if TYPE_CHECKING:
    from tests.simulation.database import Database, PortfolioRow


class _NoFaults:
    """Reads that nothing interrupts."""

    def at_statement(self, session: Session) -> None:
        """Let no time pass."""

    def around_commit(self, session: Session) -> None:
        """Have nothing to commit."""


def days_to_change(database: Database, row: PortfolioRow) -> list[date]:
    """Return the days of a committed series that the stage would write or close."""
    session = Session(database, None, _NoFaults())
    tables = SeriesTables(session)
    job = SeriesJob(row.portfolio, row.generation, row.valuation_version, date.min)
    dates = tables.business_dates()
    [span] = tables.spans([job], with_prices=not dates)
    last = series._last_day(span, dates)
    if last is None:
        [given] = tables.inputs([SeriesAsked(job, span, date.min)])
        return sorted(given.stored)
    start = span.active_days[0]
    [given] = tables.inputs([SeriesAsked(job, span, start)])
    days = series._days(span, (start, last), dates, {})
    held = [each.security_id for each in given.holdings]
    market = tables.market(row.portfolio.base_currency, held)
    rows = series.daily_series(days, given.holdings, given.flows, market, given.opening)
    write, close = series._changes(rows, given.stored)
    session.rollback()
    return sorted({each.on for each in write} | set(close))
