"""The series stage's reads and writes inside one transaction."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tidebook.adapters.postgres.book_unit import POLICIES, portfolio
from tidebook.adapters.postgres.copying import columns, copy_rows
from tidebook.adapters.postgres.statements import statements
from tidebook.book.cashflows import Classification, Timing
from tidebook.book.series import DatedFlow, PortfolioDay, contract_steps, cumulated
from tidebook.engine.valuing import SeriesInput, SeriesJob, SeriesSpan
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from psycopg import Cursor

    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.book.series import HeldSteps
    from tidebook.model.instruments import Instrument

_SQL = statements("series")
_DAY_COLUMNS = columns(
    "portfolio_id generation recorded_at day bod_market_value bod_cashflow eod_cashflow "
    "eod_market_value fees unpriced_cost"
)


def jobs(cursor: Cursor[tuple[Any, ...]], limit: int, spared: Collection[str]) -> list[SeriesJob]:
    """Return portfolios whose series is not right."""
    rows = cursor.execute(_SQL["jobs"], {"limit": limit, "spared": list(spared)}).fetchall()
    return [SeriesJob(portfolio(row), *row[POLICIES:]) for row in rows]


def series_span(
    cursor: Cursor[tuple[Any, ...]], cache: MarketCache, job: SeriesJob, *, with_prices: bool
) -> SeriesSpan:
    """Return what the first and the last day of a portfolio's series follow from."""
    named = {"portfolio_id": job.portfolio.portfolio_id, "day": job.from_date}
    active = tuple(sorted(row[0] for row in cursor.execute(_SQL["active_days"], named).fetchall()))
    last_price: date | None = None
    if with_prices:
        held = [row[0] for row in cursor.execute(_SQL["held_securities"], named)]
        quoted = cache.prices(cursor, held).values() if held else ()
        last_price = max((quotes.days[-1] for quotes in quoted if quotes.days), default=None)
    row = cursor.execute(_SQL["opening"], named).fetchone()
    before, closing = row or (None, ZERO)
    return SeriesSpan(active, last_price, before, closing)


def series_input(
    cursor: Cursor[tuple[Any, ...]],
    cache: MarketCache,
    job: SeriesJob,
    span: SeriesSpan,
    start: date,
) -> SeriesInput:
    """Return what a portfolio's series from ``start`` on is computed from."""
    named = {"portfolio_id": job.portfolio.portfolio_id, "day": start}
    changes: dict[str, dict[date, tuple[Decimal, Decimal]]] = {}
    currencies: dict[str, str] = {}
    # Whole answers: row by row the cursor costs more than the database.
    rows = cursor.execute(_SQL["holdings"], named).fetchall()
    for security_id, currency, day, quantity, cost in rows:
        changes.setdefault(security_id, {})[day] = (quantity, cost)
        currencies[security_id] = currency
    instruments = cache.instruments(cursor, sorted(changes))
    unpaid = _margin_costs(cursor, named, instruments)
    holdings = tuple(
        _held((security_id, currencies[security_id]), instruments, changes[security_id], unpaid)
        for security_id in sorted(changes)
    )
    flows = tuple(
        DatedFlow(day, amount, Timing(timing), kind == Classification.EXPENSE)
        for day, amount, timing, kind in cursor.execute(_SQL["flows"], named).fetchall()
    )
    rows = cursor.execute(_SQL["stored_days"], named).fetchall()
    stored = {row[0]: PortfolioDay._make(row) for row in rows}
    if span.stored_before is None or span.stored_before < start:
        return SeriesInput(holdings, flows, span.closing_before, stored)
    opening = cursor.execute(_SQL["opening"], named).fetchone()
    return SeriesInput(holdings, flows, opening[1] if opening else ZERO, stored)


def _margin_costs(
    cursor: Cursor[tuple[Any, ...]],
    named: Mapping[str, object],
    instruments: Mapping[str, Instrument],
) -> dict[str, list[Decimal]]:
    """Return the running local cost of each contract held on margin, day by day of its steps."""
    margined = [each for each, instrument in instruments.items() if instrument.is_margined]
    found: dict[str, list[Decimal]] = {}
    if margined:
        rows = cursor.execute(_SQL["margin_costs"], {**named, "securities": margined}).fetchall()
        with exact():
            for security_id, _, change in rows:
                costs = found.setdefault(security_id, [])
                costs.append(change + costs[-1] if costs else change)
    return found


def _held(
    key: tuple[str, str],
    instruments: Mapping[str, Instrument],
    changes: Mapping[date, tuple[Decimal, Decimal]],
    unpaid: Mapping[str, Sequence[Decimal]],
) -> HeldSteps:
    security_id, currency = key
    known = instruments.get(security_id) or built_in_instrument(security_id, currency)
    held = cumulated(security_id, currency, known is not None and known.is_cash, changes)
    if known is None or (known.multiplier == ONE and not known.is_margined):
        return held
    return contract_steps(held, known.multiplier, unpaid.get(security_id, ()))


def save(
    cursor: Cursor[tuple[Any, ...]],
    job: SeriesJob,
    write: Sequence[PortfolioDay],
    close: Sequence[date],
    at: datetime,
) -> bool:
    """Write a portfolio's changed days; False, and nothing, when the job is out of date."""
    identity = job.portfolio.portfolio_id
    cursor.execute(
        _SQL["claim"],
        {
            "portfolio_id": identity,
            "generation": job.generation,
            "valuation_version": job.valuation_version,
        },
    )
    if cursor.rowcount != 1:
        return False
    if close:
        # Written as text by hand: the driver looks at every element of a list for what to quote.
        days = f"{{{','.join(map(date.isoformat, close))}}}"
        named = {"portfolio_id": identity, "days": days, "at": at}
        cursor.execute(_SQL["close_days"], named)
    if write:
        # The instant of the batch is written once and for all: it stands in every row.
        stamp = at.isoformat()
        rows = ((identity, job.generation, stamp, *day) for day in write)
        copy_rows(cursor, "portfolio_days", _DAY_COLUMNS, rows)
    return True
