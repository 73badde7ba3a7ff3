"""The data that portfolios rest on, read kind by kind and handed to the checks."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.adapters.postgres.reader_portfolios import Subject, read_overview, read_subject
from tidebook.adapters.postgres.rows import INFINITY, moment
from tidebook.adapters.postgres.statements import statements
from tidebook.book.checks.health import checked, keys_in_question
from tidebook.book.checks.health_facts import (
    STALE_DAYS,
    DoubtfulFact,
    HeldPosition,
    PortfolioBasis,
)
from tidebook.book.checks.health_market import JUMP_CODES, price_jumps
from tidebook.engine.views import HealthSummaryView, HealthView
from tidebook.model.instruments import built_in_instrument
from tidebook.model.markets import PriceQuotes, over_splits
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.book.checks.health_facts import (
        PriceJump,
        Steps,
    )
    from tidebook.engine.views import OverviewRow
    from tidebook.model.actions import ActionTable
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuote, RateTable

_SQL: Final = statements("read_health")
_UNASSIGNED_MAX: Final = 100
JUMPS_SECURITIES_MAX: Final = 400
"""How many securities' whole price histories are looked through for one answer."""


class Terms(NamedTuple):
    """On which terms data are looked at."""

    today: date | None = None
    stale_days: int = STALE_DAYS
    as_of: date | None = None
    known_at: datetime | None = None
    with_jumps: bool = True


class _Held(NamedTuple):
    """The positions of all portfolios asked for, by portfolio, and the jumps of their prices."""

    positions: Mapping[str, list[HeldPosition]]
    jumps: Mapping[str, list[PriceJump]]


def read_health(
    cursor: Cursor[TupleRow], market: MarketCache, portfolio_id: str, terms: Terms
) -> HealthView:
    """Return what is to be said about one portfolio's data."""
    subject = read_subject(cursor, portfolio_id, as_of=terms.as_of, known_at=terms.known_at)
    (found,) = _views(cursor, market, [subject], terms)
    return found


def read_health_summary(
    cursor: Cursor[TupleRow], market: MarketCache, terms: Terms, *, skip: int, limit: int
) -> HealthSummaryView:
    """Return what is to be said about the data of some portfolios by id."""
    rows = read_overview(cursor, limit, skip=skip)
    total = cursor.execute(_SQL["count"]).fetchall()[0][0]
    unassigned = cursor.execute(_SQL["unassigned"], {"limit": _UNASSIGNED_MAX}).fetchall()
    with_jumps = not _hold_too_many(cursor, rows)
    views = _views(
        cursor,
        market,
        [Subject(*row[:2]) for row in rows],
        terms._replace(with_jumps=with_jumps),
    )
    return HealthSummaryView(
        total,
        tuple(views),
        tuple((row[0], row[1]) for row in unassigned),
        () if with_jumps else JUMP_CODES,
    )


def read_health_counts(
    cursor: Cursor[TupleRow], market: MarketCache, rows: Sequence[OverviewRow], terms: Terms
) -> dict[str, int]:
    """Return, by portfolio, how much is to be said about its data; none when it is too much."""
    if _hold_too_many(cursor, rows):
        return {}
    views = _views(cursor, market, [Subject(*row[:2]) for row in rows], terms)
    return {view.portfolio.portfolio_id: len(view.results) for view in views}


def _hold_too_many(cursor: Cursor[TupleRow], rows: Iterable[OverviewRow]) -> bool:
    """Tell whether the prices of all that is held would drive everything else out of the cache."""
    wanted = {"portfolio_ids": [row.portfolio.portfolio_id for row in rows]}
    count: int = cursor.execute(_SQL["held_count"], wanted).fetchall()[0][0]
    return count > JUMPS_SECURITIES_MAX


def _views(
    cursor: Cursor[TupleRow], market: MarketCache, subjects: Sequence[Subject], terms: Terms
) -> list[HealthView]:
    """Return the results of portfolios; each kind of data is read once for all of them."""
    if not subjects:
        return []
    wanted: dict[str, object] = {
        "portfolio_ids": [subject.portfolio.portfolio_id for subject in subjects],
        "as_of": terms.as_of or INFINITY,
        "known_at": moment(terms.known_at),
    }
    held = _held(cursor, market, subjects, terms, wanted)
    steps = _steps(cursor, held, wanted)
    waiting = _by_portfolio(cursor.execute(_SQL["waiting"], wanted).fetchall(), _waiting)
    twins = _by_portfolio(cursor.execute(_SQL["twins"], wanted).fetchall(), _doubtful)
    unpriced = _by_portfolio(cursor.execute(_SQL["unpriced_trades"], wanted).fetchall(), _doubtful)
    rates = _rates(cursor, market, terms)
    days = market.business_dates_known(cursor, terms.known_at)
    found: list[HealthView] = []
    for subject in subjects:
        name, on = subject.portfolio.portfolio_id, subject.freshness.as_of
        data = PortfolioBasis(
            subject.portfolio,
            on,
            held.positions.get(name, ()),
            _seen(held.jumps.get(name, ()), on),
            waiting.get(name, ()),
            twins.get(name, ()),
            unpriced.get(name, ()),
            steps.get(name, {}),
            rates,
            days,
            terms.today,
            terms.stale_days,
        )
        found.append(HealthView(*subject, checked(data)))
    return found


def _seen(jumps: Iterable[PriceJump], on: date | None) -> list[PriceJump]:
    seen = (jump if on is None else jump.seen_on(on) for jump in jumps)
    return [jump for jump in seen if jump is not None]


def _held(
    cursor: Cursor[TupleRow],
    market: MarketCache,
    subjects: Sequence[Subject],
    terms: Terms,
    wanted: Mapping[str, object],
) -> _Held:
    is_now = terms.as_of is None and terms.known_at is None
    rows = cursor.execute(_SQL["positions_now" if is_now else "positions_at"], wanted).fetchall()
    on = {one.portfolio.portfolio_id: one.freshness.as_of for one in subjects}
    base = {one.portfolio.portfolio_id: one.portfolio.base_currency for one in subjects}
    known = market.instruments_known(cursor, {row[1] for row in rows}, terms.known_at)
    priced = {(row[1], on[row[0]]) for row in rows if on[row[0]] is not None}
    quotes = _last_prices(cursor, priced, wanted, market.actions_known(cursor, terms.known_at))
    positions: dict[str, list[HeldPosition]] = defaultdict(list)
    for portfolio_id, security_id, currency, quantity, cost in rows:
        instrument = known.get(security_id) or built_in_instrument(security_id, base[portfolio_id])
        quote = quotes.get((security_id, on[portfolio_id]))
        positions[portfolio_id].append(
            _position((security_id, currency), instrument, (quantity, cost), quote)
        )
    securities = sorted({one.security_id for of in positions.values() for one in of})
    jumps = _jumps(cursor, market, securities, terms)
    by_portfolio = {
        portfolio_id: [jump for one in of for jump in jumps.get(one.security_id, ())]
        for portfolio_id, of in positions.items()
    }
    return _Held(positions, by_portfolio)


def _jumps(
    cursor: Cursor[TupleRow], market: MarketCache, securities: Sequence[str], terms: Terms
) -> Mapping[str, tuple[PriceJump, ...]]:
    if not terms.with_jumps:
        return {}
    if terms.known_at is None:
        return market.jumps(cursor, securities)
    known = market.markets_known(cursor, securities, known_at=terms.known_at).prices
    actions = market.actions_known(cursor, terms.known_at)
    return {one: price_jumps(one, quotes, actions.splits(one)) for one, quotes in known.items()}


def _position(
    key: tuple[str, str],
    instrument: Instrument | None,
    figures: TupleRow,
    quote: PriceQuote | None,
) -> HeldPosition:
    security_id, currency = key
    return HeldPosition(
        security_id,
        currency if instrument is None else instrument.currency,
        figures[0],
        figures[1],
        instrument is not None and instrument.is_cash,
        instrument is not None,
        quote,
        ONE if instrument is None else instrument.multiplier,
    )


def _last_prices(
    cursor: Cursor[TupleRow],
    priced: Iterable[tuple[str, date | None]],
    wanted: Mapping[str, object],
    actions: ActionTable,
) -> dict[tuple[str, date | None], PriceQuote]:
    """Return the last price of each security on or before its day, carried over its splits."""
    pairs = list(priced)
    if not pairs:
        return {}
    named = {
        **wanted,
        "security_ids": [security_id for security_id, _ in pairs],
        "days": [day for _, day in pairs],
    }
    found: dict[tuple[str, date | None], PriceQuote] = {}
    for security_id, day, *last in cursor.execute(_SQL["last_prices"], named).fetchall():
        quoted = PriceQuotes(*((each,) for each in last))
        quote = over_splits(quoted, actions.splits(security_id)).as_of(day)
        if quote is not None:
            found[security_id, day] = quote
    return found


def _steps(
    cursor: Cursor[TupleRow], held: _Held, wanted: Mapping[str, object]
) -> dict[str, dict[str, Steps]]:
    """Return how the holdings in question came about, by portfolio and security."""
    keys = [
        (portfolio_id, security_id)
        for portfolio_id, positions in held.positions.items()
        for security_id in keys_in_question(positions, held.jumps.get(portfolio_id, ()))
    ]
    found: dict[str, dict[str, Steps]] = defaultdict(dict)
    if not keys:
        return found
    named = {
        **wanted,
        "portfolio_ids": [portfolio_id for portfolio_id, _ in keys],
        "security_ids": [security_id for _, security_id in keys],
    }
    rows = cursor.execute(_SQL["steps"], named).fetchall()
    with exact():
        for (portfolio_id, security_id), of_key in groupby(rows, key=lambda row: row[:2]):
            quantity = ZERO
            steps: list[tuple[date, Decimal]] = []
            for _, _, day, change in of_key:
                quantity += change
                steps.append((day, quantity))
            found[portfolio_id][security_id] = tuple(steps)
    return found


def _rates(cursor: Cursor[TupleRow], market: MarketCache, terms: Terms) -> RateTable:
    if terms.known_at is None:
        return market.rates(cursor)
    return market.markets_known(cursor, (), known_at=terms.known_at).rates


def _by_portfolio(
    rows: Iterable[TupleRow], made: Callable[[TupleRow], DoubtfulFact]
) -> dict[str, list[DoubtfulFact]]:
    found: dict[str, list[DoubtfulFact]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(made(row))
    return found


def _waiting(row: TupleRow) -> DoubtfulFact:
    _, code, identity, kind, security_id, on, gross, currency, sentence, remedy = row
    return DoubtfulFact(code, (identity,), kind, security_id, on, gross, currency, sentence, remedy)


def _doubtful(row: TupleRow) -> DoubtfulFact:
    return DoubtfulFact("", tuple(row[1]), *row[2:])
