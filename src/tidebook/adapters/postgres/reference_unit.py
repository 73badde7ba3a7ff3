"""Portfolios, instruments, prices, rates and business dates: written with all they bring about.

Each of these functions changes facts and, in the same transaction, marks exactly what rests on
them: keys to be folded again, series to be brought up to date, transactions that waited.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tidebook.adapters.postgres.causes import dated
from tidebook.adapters.postgres.copying import copy_rows
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.causes import CauseKind
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.model.facts import Price, Rate
    from tidebook.model.instruments import Instrument

_INSTRUMENT_CHANGED: Final = "the instrument has changed"
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
    refold: list[_Change] = []
    pools: set[str] = set()
    changes: dict[str, dict[str, object]] = {}
    for identity, portfolio in sorted(latest.items()):
        before = known.get(identity)
        digest = _digest(portfolio)
        if before is not None and before[2] == digest:
            duplicates += 1
            continue
        version = (before[1] if before else 0) + 1
        changes[identity] = _portfolio_row(portfolio, version, digest, at)
        if before is None:
            fresh.append(identity)
        elif before[3:13] != _policies(portfolio):
            refold.append(_Change(identity, version=version))
            pools.add(before[13] or "")
            pools.add(portfolio.taxpayer_id)
    if changes:
        cursor.execute(_SQL["keep_portfolios"], {"ids": list(changes), "at": at})
        cif_ids = [latest[identity].cif_id for identity in changes]
        cursor.execute(_SQL["judge_left"], {"ids": list(changes), "cif_ids": cif_ids})
        cursor.executemany(_SQL["save_portfolio"], list(changes.values()))
        cursor.execute(_SQL["judge_portfolios"], {"ids": list(changes)})
    if fresh:
        subjects = [f"portfolio:{identity}" for identity in fresh]
        _wake(cursor, subjects, "its portfolio has become known", at)
    if refold:
        changed = [one.id for one in refold]
        pooled = cursor.execute(_SQL["pooled_portfolios"], {"taxpayers": sorted(pools)}).fetchall()
        named: dict[str, object] = {
            "ids": sorted({*changed, *(row[0] for row in pooled)}),
            "changed": changed,
            "versions": [one.version for one in refold],
            "reason": "a policy of the portfolio has changed",
            "at": at,
        }
        cursor.execute(_SQL["refold_portfolios"], named)
        change = _log(cursor, CauseKind.PORTFOLIO, refold, at)
        cursor.execute(_SQL["dirty_portfolios"], {"ids": changed, "change": change})
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

    A new one wakes the transactions that waited for it, and so does one that is now something else
    than what they could be booked on. A changed term of booking (currency, kind,
    multiplier, underlying, option right, strike) has its keys folded again in every portfolio and
    valued anew.
    """
    latest = {instrument.security_id: instrument for instrument in instruments}
    rows = cursor.execute(_SQL["instrument_versions"], {"ids": list(latest)}).fetchall()
    known = {row[0]: row for row in rows}
    duplicates = len(instruments) - len(latest)
    fresh: list[str] = []
    refold: list[_Change] = []
    changes: dict[str, dict[str, object]] = {}
    for identity, instrument in latest.items():
        before = known.get(identity)
        digest = _digest(instrument)
        if before is not None and before[2] == digest:
            duplicates += 1
            continue
        version = (before[1] if before else 0) + 1
        changes[identity] = _instrument_row(instrument, version, digest, at)
        if before is None:
            fresh.append(identity)
        if before is None or before[3:] != _terms(instrument):
            refold.append(_Change(identity, version=version))
    if changes:
        cursor.execute(_SQL["keep_instruments"], {"ids": list(changes), "at": at})
        cursor.executemany(_SQL["save_instrument"], list(changes.values()))
        _move_versions(cursor, ["instruments"])
    if fresh:
        subjects = [f"instrument:{identity}" for identity in fresh]
        _wake(cursor, subjects, "its instrument has become known", at)
    if refold:
        named: dict[str, object] = {
            "ids": [one.id for one in refold],
            "reason": _INSTRUMENT_CHANGED,
            "at": at,
        }
        changed = [f"instrument:{one.id}" for one in refold if one.id not in fresh]
        if changed:
            _wake(cursor, changed, _INSTRUMENT_CHANGED, at)
        cursor.execute(_SQL["refold_securities"], named)
        named["change"] = _log(cursor, CauseKind.INSTRUMENT, refold, at)
        cursor.execute(_SQL["dirty_instruments"], named)
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
    _mark_prices(cursor, changed, mixed, at)
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
    _mark_prices(cursor, gone, mixed, at)
    return len(prices) - len(gone)


def _mark_prices(
    cursor: Cursor[tuple[Any, ...]],
    changed: Sequence[tuple[str, date, int]],
    mixed: Iterable[str],
    at: datetime,
) -> None:
    """Mark the series of those who held what has other prices from a day on."""
    if not changed:
        return
    moved = _by_subject(changed)
    earliest = {one.id: one.first for one in moved}
    earliest.update(dict.fromkeys(mixed, date.min))
    securities = sorted(earliest)
    _move_versions(cursor, [f"price:{security_id}" for security_id in securities])
    named = {
        "securities": securities,
        "days": [earliest[security_id] for security_id in securities],
        "change": _log(cursor, CauseKind.PRICE, moved, at),
    }
    cursor.execute(_SQL["room_to_sort"])
    cursor.execute(_SQL["dirty_holders"], named)


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
    if changed:
        named = _mark_rates(cursor, changed, at, "an exchange rate was set or corrected")
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
    if gone:
        _mark_rates(cursor, gone, at, "an exchange rate was cancelled")
    return len(rates) - len(gone)


def _mark_rates(
    cursor: Cursor[tuple[Any, ...]],
    changed: Sequence[tuple[str, str, date, int]],
    at: datetime,
    reason: str,
) -> dict[str, object]:
    """Mark the series and the keys that rest on rates which have changed from a day on.

    What the statements are told of the change is returned.
    """
    _move_versions(cursor, ["rates"])
    moved = _by_subject([(f"{row[0]}/{row[1]}", *row[2:]) for row in changed])
    named: dict[str, object] = {
        "currencies": sorted({currency for row in changed for currency in row[:2]}),
        "day": min(row[2] for row in changed),
        "at": at,
        "change": _log(cursor, CauseKind.RATE, moved, at),
        "pairs": [one.id for one in moved],
        "firsts": [one.first for one in moved],
        "ids": [dated(one.id, one.first, one.last) for one in moved],
        "versions": [one.version for one in moved],
    }
    cursor.execute(_SQL["dirty_foreign"], named)
    cursor.execute(_SQL["refold_foreign"], {**named, "reason": reason})
    return named


def save_business_dates(
    cursor: Cursor[tuple[Any, ...]], dates: Sequence[date], at: datetime
) -> int:
    """Write business dates, mark the series they bear on, return the duplicates.

    A date beyond the end of the calendar bears on every day after that end: up to now each of
    them was a valuation day if it was no weekend.
    """
    end = _calendar_end(cursor)
    named = {"days": sorted(set(dates)), "at": at}
    fresh = [row[0] for row in cursor.execute(_SQL["insert_dates"], named).fetchall()]
    if fresh:
        first = min(fresh) if end is None else min(*fresh, end + timedelta(days=1))
        _dirty_calendar(cursor, fresh, first, at)
    return len(dates) - len(fresh)


def cancel_business_dates(
    cursor: Cursor[tuple[Any, ...]], dates: Sequence[date], at: datetime
) -> int:
    """Cancel business dates, mark the series they bore on, return the duplicates.

    Beyond the end of the calendar every day but a weekend's is a valuation day: where a last date
    is cancelled, all days after the one that is the last now are marked.
    """
    named = {"days": sorted(set(dates)), "at": at}
    gone = [row[0] for row in cursor.execute(_SQL["cancel_dates"], named).fetchall()]
    if gone:
        end = _calendar_end(cursor)
        first = date.min if end is None else min(*gone, end + timedelta(days=1))
        _dirty_calendar(cursor, gone, first, at)
    return len(dates) - len(gone)


def _calendar_end(cursor: Cursor[tuple[Any, ...]]) -> date | None:
    row = cursor.execute(_SQL["calendar_end"]).fetchone()
    return row[0] if row else None


def _dirty_calendar(
    cursor: Cursor[tuple[Any, ...]], changed: Sequence[date], first: date, at: datetime
) -> None:
    _move_versions(cursor, ["dates"])
    moved = [_Change("", min(changed), max(changed))]
    change = _log(cursor, CauseKind.BUSINESS_DATE, moved, at)
    cursor.execute(_SQL["dirty_all"], {"day": first, "change": change})


class _Change(NamedTuple):
    """What a batch changes of one subject: its days, and its version where it is one fact."""

    id: str
    first: date = date.min
    last: date = date.max
    version: int | None = None


def _by_subject(changed: Iterable[tuple[str, date, int]]) -> list[_Change]:
    """Return what changed, one by subject, in the order of their ids."""
    found: dict[str, _Change] = {}
    for identity, day, version in changed:
        before = found.get(identity)
        if before is None:
            found[identity] = _Change(identity, day, day, version)
        else:
            found[identity] = _Change(identity, min(day, before.first), max(day, before.last))
    return sorted(found.values())


def _log(
    cursor: Cursor[tuple[Any, ...]], kind: CauseKind, changes: Sequence[_Change], at: datetime
) -> int:
    """Log what moves valuations, for whoever values anew; return the number of the first."""
    ids, firsts, lasts, versions = zip(*changes, strict=True)
    named = {
        "kind": kind.value,
        "ids": list(ids),
        "firsts": list(firsts),
        "lasts": list(lasts),
        "versions": list(versions),
        "at": at,
    }
    return min(row[0] for row in cursor.execute(_SQL["log_changes"], named).fetchall())


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
