"""Portfolios, instruments, prices, rates and business dates: written with all they bring about.

Each of these functions changes facts and, in the same transaction, marks exactly what rests on
them: keys to be folded again, series to be brought up to date, transactions that waited.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from tidebook.adapters.postgres.copying import copy_rows
from tidebook.adapters.postgres.statements import statements
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.model.facts import Price, Rate
    from tidebook.model.instruments import Instrument

_SQL = statements("reference")
_PORTFOLIO_FIELDS = 18
_INSTRUMENT_FIELDS = 8
"""The fields that every portfolio, and every instrument, has."""


def save_portfolios(
    cursor: Cursor[tuple[Any, ...]], portfolios: Sequence[Portfolio], at: datetime
) -> int:
    """Write portfolios; return how many were duplicates.

    A new one wakes the transactions that waited for it. A changed booking policy (currency, cost
    methods, settlement, time zone, shorts, taxpayer, tax rates) has every key of the portfolio
    folded again, and those of all portfolios whose pools it shares or shared.
    """
    latest = {portfolio.portfolio_id: portfolio for portfolio in portfolios}
    rows = cursor.execute(_SQL["portfolio_versions"], {"ids": list(latest)}).fetchall()
    known = {row[0]: row for row in rows}
    duplicates = len(portfolios) - len(latest)
    fresh: list[str] = []
    refold: list[str] = []
    pools: set[str] = set()
    changes: list[dict[str, object]] = []
    for identity, portfolio in sorted(latest.items()):
        before = known.get(identity)
        digest = _digest(portfolio)
        if before is not None and before[2] == digest:
            duplicates += 1
            continue
        version = (before[1] if before else 0) + 1
        changes.append(_portfolio_row(portfolio, version, digest, at))
        if before is None:
            fresh.append(identity)
        elif before[3:13] != _policies(portfolio):
            refold.append(identity)
            pools.add(before[13] or "")
            pools.add(portfolio.taxpayer_id)
    if changes:
        cursor.executemany(_SQL["save_portfolio"], changes)
    if fresh:
        subjects = [f"portfolio:{identity}" for identity in fresh]
        _wake(cursor, subjects, "its portfolio has become known", at)
    if refold:
        pooled = cursor.execute(_SQL["pooled_portfolios"], {"taxpayers": sorted(pools)}).fetchall()
        ids = sorted({*refold, *(row[0] for row in pooled)})
        named = {"ids": ids, "reason": "a policy of the portfolio has changed", "at": at}
        cursor.execute(_SQL["refold_portfolios"], named)
        cursor.execute(_SQL["dirty_portfolios"], {"ids": refold})
    return duplicates


def _policies(portfolio: Portfolio) -> tuple[object, ...]:
    return (
        portfolio.base_currency,
        portfolio.cost_method.value,
        portfolio.settlement.value,
        portfolio.time_zone,
        portfolio.allow_short,
        _changes(portfolio),
        portfolio.taxpayer_id,
        *portfolio.tax_rates,
    )


def _changes(portfolio: Portfolio) -> list[list[str]]:
    return [
        [change.on.isoformat(), change.method.value] for change in portfolio.cost_method_changes
    ]


def _portfolio_row(
    portfolio: Portfolio, version: int, digest: str, at: datetime
) -> dict[str, object]:
    changes, rates = _changes(portfolio), portfolio.tax_rates
    return {
        **portfolio._asdict(),
        "cost_method": portfolio.cost_method.value,
        "settlement": portfolio.settlement.value,
        "changes": json.dumps(changes) if changes else None,
        "tax_short_term": rates.short_term,
        "tax_long_term": rates.long_term,
        "tax_long_term_months": rates.long_term_months,
        "version": version,
        "content_hash": digest,
        "at": at,
    }


def save_instruments(
    cursor: Cursor[tuple[Any, ...]], instruments: Sequence[Instrument], at: datetime
) -> int:
    """Write instruments; return how many were duplicates.

    A new one wakes the transactions that waited for it. A changed term of booking (currency, kind,
    multiplier, underlying, option right, strike) has its keys folded again in every portfolio and
    valued anew.
    """
    latest = {instrument.security_id: instrument for instrument in instruments}
    rows = cursor.execute(_SQL["instrument_versions"], {"ids": list(latest)}).fetchall()
    known = {row[0]: row for row in rows}
    duplicates = len(instruments) - len(latest)
    fresh: list[str] = []
    refold: list[str] = []
    changes: list[dict[str, object]] = []
    for identity, instrument in latest.items():
        before = known.get(identity)
        digest = _digest(instrument)
        if before is not None and before[2] == digest:
            duplicates += 1
            continue
        version = (before[1] if before else 0) + 1
        changes.append(_instrument_row(instrument, version, digest, at))
        if before is None:
            fresh.append(identity)
        if before is None or before[3:] != _terms(instrument):
            refold.append(identity)
    if changes:
        cursor.executemany(_SQL["save_instrument"], changes)
        _move_versions(cursor, ["instruments"])
    if fresh:
        subjects = [f"instrument:{identity}" for identity in fresh]
        _wake(cursor, subjects, "its instrument has become known", at)
    if refold:
        named = {"ids": refold, "reason": "the instrument has changed", "at": at}
        cursor.execute(_SQL["refold_securities"], named)
        cursor.execute(_SQL["dirty_instruments"], {"ids": refold})
    return duplicates


def _terms(instrument: Instrument) -> tuple[object, ...]:
    return (
        instrument.currency,
        instrument.product_type,
        instrument.multiplier,
        None if instrument.option_right is None else instrument.option_right.value,
        instrument.underlying_id,
        instrument.strike,
    )


def _instrument_row(
    instrument: Instrument, version: int, digest: str, at: datetime
) -> dict[str, object]:
    right = instrument.option_right
    return {
        **instrument._asdict(),
        "option_right": None if right is None else right.value,
        "version": version,
        "content_hash": digest,
        "at": at,
    }


def save_prices(cursor: Cursor[tuple[Any, ...]], prices: Sequence[Price], at: datetime) -> int:
    """Write prices, mark the series of exactly those who held them, return the duplicates.

    A security with prices in several currencies is converted by itself and not along with the
    others of its currency. When it becomes one, or is one no more, a last digit may differ on any
    of its days, and all of them are marked.
    """
    latest = {(price.security_id, price.on): price for price in prices}
    cursor.execute(_SQL["stage_prices"])
    columns = ("security_id", "price_date", "price", "currency")
    rows = ((p.security_id, p.on, p.price, p.currency) for p in latest.values())
    copy_rows(cursor, "new_prices", columns, rows)
    cursor.execute(_SQL["save_quoted_currencies"])
    mixed = _in_several_currencies(cursor)
    cursor.execute(_SQL["close_prices"], {"at": at})
    changed = cursor.execute(_SQL["insert_prices"], {"at": at}).fetchall()
    mixed ^= _in_several_currencies(cursor)
    cursor.execute("DELETE FROM new_prices")
    _mark_prices(cursor, changed, mixed)
    return len(prices) - len(changed)


def cancel_prices(
    cursor: Cursor[tuple[Any, ...]], prices: Sequence[tuple[str, date]], at: datetime
) -> int:
    """Cancel the prices of securities on days, mark the series of exactly those who held them.

    From the day on, the last earlier price holds again. Cancelling what is not there is a
    duplicate; how many were is returned.
    """
    cursor.execute(_SQL["stage_prices"])
    copy_rows(cursor, "new_prices", ("security_id", "price_date"), dict.fromkeys(prices))
    mixed = _in_several_currencies(cursor)
    gone = cursor.execute(_SQL["cancel_prices"], {"at": at}).fetchall()
    mixed ^= _in_several_currencies(cursor)
    cursor.execute("DELETE FROM new_prices")
    _mark_prices(cursor, gone, mixed)
    return len(prices) - len(gone)


def _mark_prices(
    cursor: Cursor[tuple[Any, ...]], changed: Sequence[tuple[str, date]], mixed: Iterable[str]
) -> None:
    """Mark the series of those who held what has other prices from a day on."""
    if not changed:
        return
    earliest: dict[str, date] = {}
    for security_id, day in changed:
        earliest[security_id] = min(day, earliest.get(security_id, day))
    earliest.update(dict.fromkeys(mixed, date.min))
    securities = sorted(earliest)
    _move_versions(cursor, [f"price:{security_id}" for security_id in securities])
    days = [earliest[security_id] for security_id in securities]
    cursor.execute(_SQL["dirty_holders"], {"securities": securities, "days": days})


def _in_several_currencies(cursor: Cursor[tuple[Any, ...]]) -> set[str]:
    """Return those of the securities at hand whose prices of now are in several currencies."""
    return {row[0] for row in cursor.execute(_SQL["mixed_prices"]).fetchall()}


def save_rates(cursor: Cursor[tuple[Any, ...]], rates: Sequence[Rate], at: datetime) -> int:
    """Write rates, mark what rests on them, wake what waited, return the duplicates.

    Series of portfolios with foreign holdings are marked from the day of the earliest change, and
    so are the keys with foreign entries from that day on: the rate they were booked at may be
    another one now.
    """
    latest = {(rate.source, rate.target, rate.on): rate for rate in rates}
    cursor.execute(_SQL["stage_rates"])
    columns = ("from_currency", "to_currency", "rate_date", "rate")
    rows = ((r.source, r.target, r.on, r.rate) for r in latest.values())
    copy_rows(cursor, "new_rates", columns, rows)
    cursor.execute(_SQL["close_rates"], {"at": at})
    changed = cursor.execute(_SQL["insert_rates"], {"at": at}).fetchall()
    cursor.execute("DELETE FROM new_rates")
    _mark_rates(cursor, changed, at, "an exchange rate was set or corrected")
    if changed:
        named = {"currencies": _currencies(changed), "at": at}
        cursor.execute(_SQL["wake_rates"], {**named, "reason": "an exchange rate has arrived"})
    return len(rates) - len(changed)


def cancel_rates(
    cursor: Cursor[tuple[Any, ...]], rates: Sequence[tuple[str, str, date]], at: datetime
) -> int:
    """Cancel the rates of pairs on days, mark what rests on them, return the duplicates.

    What was booked at such a rate is folded again at the last earlier one, or waits for one.
    """
    latest = list(dict.fromkeys(rates))
    named = {
        "sources": [source for source, _, _ in latest],
        "targets": [target for _, target, _ in latest],
        "days": [on for _, _, on in latest],
        "at": at,
    }
    gone = cursor.execute(_SQL["cancel_rates"], named).fetchall()
    _mark_rates(cursor, gone, at, "an exchange rate was cancelled")
    return len(rates) - len(gone)


def _mark_rates(
    cursor: Cursor[tuple[Any, ...]],
    changed: Sequence[tuple[str, str, date]],
    at: datetime,
    reason: str,
) -> None:
    """Mark the series and the keys that rest on rates which have changed from a day on."""
    if not changed:
        return
    day = min(row[2] for row in changed)
    _move_versions(cursor, ["rates"])
    named = {"currencies": _currencies(changed), "day": day, "at": at}
    cursor.execute(_SQL["dirty_foreign"], named)
    cursor.execute(_SQL["refold_foreign"], {**named, "reason": reason})


def _currencies(changed: Iterable[tuple[str, str, date]]) -> list[str]:
    return sorted({currency for row in changed for currency in row[:2]})


def save_business_dates(
    cursor: Cursor[tuple[Any, ...]], dates: Sequence[date], at: datetime
) -> int:
    """Write business dates, mark the series they bear on, return the duplicates.

    A date beyond the end of the calendar bears on every day after that end: up to now each of
    them was a valuation day if it was no weekend.
    """
    end = _calendar_end(cursor)
    named = {"days": sorted(set(dates)), "at": at}
    fresh = cursor.execute(_SQL["insert_dates"], named).fetchall()
    if fresh:
        _move_versions(cursor, ["dates"])
        first: date = min(row[0] for row in fresh)
        if end is not None:
            first = min(first, end + timedelta(days=1))
        cursor.execute(_SQL["dirty_all"], {"day": first})
    return len(dates) - len(fresh)


def cancel_business_dates(
    cursor: Cursor[tuple[Any, ...]], dates: Sequence[date], at: datetime
) -> int:
    """Cancel business dates, mark the series they bore on, return the duplicates.

    Beyond the end of the calendar every day but a weekend's is a valuation day: where a last date
    is cancelled, all days after the one that is the last now are marked.
    """
    named = {"days": sorted(set(dates)), "at": at}
    gone = cursor.execute(_SQL["cancel_dates"], named).fetchall()
    if gone:
        _move_versions(cursor, ["dates"])
        end = _calendar_end(cursor)
        first: date = min(row[0] for row in gone)
        first = date.min if end is None else min(first, end + timedelta(days=1))
        cursor.execute(_SQL["dirty_all"], {"day": first})
    return len(dates) - len(gone)


def _calendar_end(cursor: Cursor[tuple[Any, ...]]) -> date | None:
    row = cursor.execute(_SQL["calendar_end"]).fetchone()
    return row[0] if row else None


def _wake(
    cursor: Cursor[tuple[Any, ...]], subjects: Sequence[str], reason: str, at: datetime
) -> None:
    cursor.execute(_SQL["wake"], {"subjects": list(subjects), "reason": reason, "at": at})


def _move_versions(cursor: Cursor[tuple[Any, ...]], subjects: Iterable[str]) -> None:
    cursor.execute(_SQL["move_versions"], {"subjects": sorted(subjects)})


def _digest(fact: Portfolio | Instrument) -> str:
    """Return a digest of the content; fields of later releases count only where they are given."""
    plain = _PORTFOLIO_FIELDS if isinstance(fact, Portfolio) else _INSTRUMENT_FIELDS
    values: list[object] = list(fact[:plain])
    if fact[plain:] != _defaults(type(fact), plain):
        values.extend(fact[plain:])
    text = "\x1f".join(str(value) for value in values)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _defaults(kind: type[Portfolio | Instrument], plain: int) -> tuple[object, ...]:
    return tuple(kind._field_defaults[name] for name in kind._fields[plain:])
