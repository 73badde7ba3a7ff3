"""The series stage's reads and writes inside one transaction."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from tidebook.adapters.postgres.book_unit import POLICIES, portfolio
from tidebook.adapters.postgres.copying import columns, copy_lines, escaped
from tidebook.adapters.postgres.statements import statements
from tidebook.book.cashflows import Classification, Timing
from tidebook.book.series import DatedFlow, HeldSteps, PortfolioDay, contract_steps, cumulated
from tidebook.engine.valuing import SeriesInput, SeriesJob, SeriesSpan
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ONE, ZERO, exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor

    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.engine.store import Key
    from tidebook.engine.valuing import SeriesAsked, SeriesWrite
    from tidebook.model.instruments import Instrument

_SQL = statements("series")
_PLAIN_COLUMNS = columns(
    "portfolio_id generation recorded_at day bod_market_value eod_market_value"
)
_APART_COLUMNS = (
    *_PLAIN_COLUMNS,
    *columns("bod_cashflow eod_cashflow fees unpriced_cost"),
)
"""What few days have anything of: the others leave it to the table's defaults."""
_ZERO: Final = str(ZERO)
_NOTHING: Final = (None, ZERO)
"""No stored day, and nothing it closed at."""


class _Named(TypedDict):
    """Portfolios, each with a day."""

    ids: list[str]
    days: list[date]


def jobs(cursor: Cursor[tuple[Any, ...]], limit: int, spared: Collection[str]) -> list[SeriesJob]:
    """Return portfolios whose series is not right."""
    rows = cursor.execute(_SQL["jobs"], {"limit": limit, "spared": list(spared)}).fetchall()
    return [SeriesJob(portfolio(row), *row[POLICIES:]) for row in rows]


def series_spans(
    cursor: Cursor[tuple[Any, ...]],
    cache: MarketCache,
    jobs: Sequence[SeriesJob],
    *,
    with_prices: bool,
) -> list[SeriesSpan]:
    """Return what the first and the last day of each portfolio's series follow from."""
    named = _named((job, job.from_date) for job in jobs)
    active: dict[str, list[date]] = dict(cursor.execute(_SQL["active_days"], named).fetchall())
    priced = _last_price_days(cursor, cache, named) if with_prices else {}
    openings = _openings(cursor, named)
    return [
        SeriesSpan(
            tuple(active.get(identity, ())), priced.get(identity), *openings.get(identity, _NOTHING)
        )
        for identity in named["ids"]
    ]


def _last_price_days(
    cursor: Cursor[tuple[Any, ...]], cache: MarketCache, named: _Named
) -> dict[str, date]:
    """Return the day of the last price of anything that each portfolio holds in the end."""
    rows = cursor.execute(_SQL["held_securities"], named).fetchall()
    quoted = cache.prices(cursor, sorted({security_id for _, security_id in rows})) if rows else {}
    found: dict[str, date] = {}
    for portfolio_id, security_id in rows:
        days = quoted[security_id].days
        if days:
            found[portfolio_id] = max(days[-1], found.get(portfolio_id, days[-1]))
    return found


def _openings(cursor: Cursor[tuple[Any, ...]], named: _Named) -> dict[str, tuple[date, Decimal]]:
    """Return each portfolio's last stored day before one, and its closing value."""
    rows = cursor.execute(_SQL["openings"], named).fetchall()
    return {portfolio_id: (day, value) for portfolio_id, day, value in rows}


def series_inputs(
    cursor: Cursor[tuple[Any, ...]], cache: MarketCache, asked: Sequence[SeriesAsked]
) -> list[SeriesInput]:
    """Return what the series of portfolios, each from its start on, are computed from."""
    named = _named((one.job, one.start) for one in asked)
    holdings = _holdings(cursor, cache, named)
    flows: dict[str, list[DatedFlow]] = defaultdict(list)
    for portfolio_id, day, amount, timing, kind in cursor.execute(_SQL["flows"], named).fetchall():
        is_cost = kind == Classification.EXPENSE
        flows[portfolio_id].append(DatedFlow(day, amount, Timing(timing), is_cost))
    stored = _stored(cursor, named)
    # Where the series begins no sooner than was asked first, that closing value is the opening.
    sooner = [
        one for one in asked if one.span.stored_before and one.span.stored_before >= one.start
    ]
    openings = _openings(cursor, _named((one.job, one.start) for one in sooner)) if sooner else {}
    earlier = {one.job.portfolio.portfolio_id for one in sooner}
    return [
        SeriesInput(
            tuple(holdings.get(identity, ())),
            tuple(flows[identity]),
            openings.get(identity, _NOTHING)[1] if identity in earlier else one.span.closing_before,
            stored[identity],
        )
        for identity, one in zip(named["ids"], asked, strict=True)
    ]


def _stored(cursor: Cursor[tuple[Any, ...]], named: _Named) -> dict[str, dict[date, PortfolioDay]]:
    """Return each portfolio's stored days from one on."""
    found: dict[str, dict[date, PortfolioDay]] = defaultdict(dict)
    told, closing = _ZERO, ZERO
    rows = cursor.execute(_SQL["stored_days"], named).fetchall()
    for portfolio_id, on, opened, start, end, closed, fees, unpriced in rows:
        opening = closing if opened == told else Decimal(opened)
        told, closing = closed, Decimal(closed)
        flows = start or ZERO, end or ZERO
        day = (on, opening, *flows, closing, fees or ZERO, unpriced or ZERO)
        found[portfolio_id][on] = made(PortfolioDay, day)
    return found


def _named(days: Iterable[tuple[SeriesJob, date]]) -> _Named:
    """Return portfolios, each with a day, as the parameters of a statement."""
    found = list(days)
    return {
        "ids": [job.portfolio.portfolio_id for job, _ in found],
        "days": [day for _, day in found],
    }


def _holdings(
    cursor: Cursor[tuple[Any, ...]], cache: MarketCache, named: _Named
) -> dict[str, list[HeldSteps]]:
    """Return the keys of each portfolio with their change points, in the order of securities."""
    # Whole answers: row by row the cursor costs more than the database.
    rows = cursor.execute(_SQL["holdings"], named).fetchall()
    instruments = cache.instruments(cursor, sorted({row[1] for row in rows}))
    unpaid = _margin_costs(cursor, named, instruments)
    found: dict[str, list[HeldSteps]] = defaultdict(list)
    terms: dict[tuple[str, str], _Terms] = {}
    for (portfolio_id, security_id), run in groupby(rows, itemgetter(0, 1)):
        own = list(run)
        _, _, currency, day, quantity, cost = own[-1]
        key = security_id, currency
        known = terms.get(key)
        if known is None:
            known = terms[key] = _terms(key, instruments)
        if len(own) == 1:
            # Most keys have not changed since, and there are very many of them.
            held = made(HeldSteps, (*key, known.is_cash, (day,), (quantity,), (cost,), ()))
        else:
            held = cumulated(*key, known.is_cash, {row[3]: (row[4], row[5]) for row in own})
        if known.is_contract:
            costs = unpaid.get((portfolio_id, security_id), ())
            held = contract_steps(held, known.multiplier, costs)
        found[portfolio_id].append(held)
    return found


def _margin_costs(
    cursor: Cursor[tuple[Any, ...]], named: _Named, instruments: Mapping[str, Instrument]
) -> dict[Key, list[Decimal]]:
    """Return the running local cost of each contract held on margin, day by day of its steps."""
    margined = [each for each, instrument in instruments.items() if instrument.is_margined]
    found: dict[Key, list[Decimal]] = {}
    if margined:
        rows = cursor.execute(_SQL["margin_costs"], {**named, "securities": margined}).fetchall()
        with exact():
            for portfolio_id, security_id, _, change in rows:
                costs = found.setdefault((portfolio_id, security_id), [])
                costs.append(change + costs[-1] if costs else change)
    return found


class _Terms(NamedTuple):
    """What of an instrument says how a holding of it is valued, looked up once for all holders."""

    is_cash: bool
    is_contract: bool
    multiplier: Decimal


def _terms(key: tuple[str, str], instruments: Mapping[str, Instrument]) -> _Terms:
    security_id, currency = key
    known = instruments.get(security_id) or built_in_instrument(security_id, currency)
    if known is None:
        return _Terms(is_cash=False, is_contract=False, multiplier=ONE)
    is_contract = known.multiplier != ONE or known.is_margined
    return _Terms(known.is_cash, is_contract, known.multiplier)


def save(
    cursor: Cursor[tuple[Any, ...]], writes: Sequence[SeriesWrite], at: datetime
) -> frozenset[str]:
    """Write the changed days of portfolios; return those whose jobs were not out of date."""
    named = {
        "ids": [one.job.portfolio.portfolio_id for one in writes],
        "generations": [one.job.generation for one in writes],
        "valuation_versions": [one.job.valuation_version for one in writes],
    }
    claimed = frozenset(row[0] for row in cursor.execute(_SQL["claim"], named).fetchall())
    saved = [one for one in writes if one.job.portfolio.portfolio_id in claimed]
    _close(cursor, saved, at)
    if any(one.write for one in saved):
        # The instant of the batch is written once and for all: it stands in every row.
        stamp = at.isoformat()
        apart: list[str] = []
        lines = (text for one in saved for text in _lines(one, stamp, apart))
        copy_lines(cursor, "portfolio_days", _PLAIN_COLUMNS, lines)
        if apart:
            copy_lines(cursor, "portfolio_days", _APART_COLUMNS, apart)
    return claimed


def _lines(one: SeriesWrite, stamp: str, apart: list[str]) -> Iterator[str]:
    """Yield the days of a portfolio as they are copied: values are told twice.

    Days with a flow, a fee or a position at cost go into ``apart``, as they have more columns.
    """
    head = f"{escaped(one.job.portfolio.portfolio_id)}\t{one.job.generation}\t{stamp}"
    before, told = ZERO, _ZERO
    for on, bod, start, end, eod, fees, unpriced in one.write:
        opening = told if bod is before else str(bod)
        before, told = eod, str(eod)
        line = f"{head}\t{on.isoformat()}\t{opening}\t{told}"
        if start is end is fees is unpriced is ZERO:
            yield line
        else:
            apart.append(f"{line}\t{start}\t{end}\t{fees}\t{unpriced}")


def _close(cursor: Cursor[tuple[Any, ...]], saved: Sequence[SeriesWrite], at: datetime) -> None:
    """Close the rows of days that are replaced or are no more."""
    closing = [(one.job.portfolio.portfolio_id, *span) for one in saved for span in one.close]
    if closing:
        ids, firsts, lasts = map(list, zip(*closing, strict=True))
        named = {"ids": ids, "firsts": firsts, "lasts": lasts, "at": at}
        cursor.execute(_SQL["close_days"], named)
