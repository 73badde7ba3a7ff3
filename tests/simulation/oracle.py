"""The oracle: the whole book of the final facts, recomputed from nothing by other code."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.simulation.oracle_book import (
    Known,
    at_start,
    cash_currency,
    crosses_border,
    folded,
    is_cost,
    wanted,
)
from tests.simulation.oracle_rates import Prices, Rates, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.simulation.oracle_book import Key, Leg, Line, OpenLot
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_NOTHING = Fraction(0)
_SATURDAY = 5
_DAY = timedelta(days=1)


class FinalFacts(NamedTuple):
    """The last version of everything."""

    portfolios: Mapping[str, Portfolio]
    instruments: Mapping[str, Instrument]
    rates: Sequence[Rate]
    prices: Sequence[Price]
    dates: Sequence[date]
    transactions: Mapping[str, Transaction]


class Book(NamedTuple):
    """What a store must hold, in fractions."""

    entries: dict[tuple[str, str, str, str], tuple[Any, ...]]
    """By portfolio, security, transaction and leg: day, amounts, cost, gains, parts taken."""
    positions: dict[tuple[str, str], tuple[Fraction, ...]]
    """Quantity, local and base cost, local and base gain."""
    lots: dict[tuple[str, str], tuple[OpenLot, ...]]
    findings: set[tuple[str, str]]
    """Transaction and code."""
    days: dict[tuple[str, date], tuple[Fraction, ...]]
    """Opening value, flows at start and end, closing value, costs, cost without a price."""


def book_of(facts: FinalFacts) -> Book:
    """Return the book that final facts come to."""
    book = Book({}, {}, {}, set(), {})
    rates, prices = Rates(facts.rates), Prices(facts.prices)
    for fact in facts.transactions.values():
        if fact.portfolio_id not in facts.portfolios:
            book.findings.add((fact.transaction_id, "portfolio.unknown"))
    for identity, portfolio in facts.portfolios.items():
        known = Known(portfolio, facts.instruments, rates)
        mine = [each for each in facts.transactions.values() if each.portfolio_id == identity]
        keys = _keys(mine, known, book.findings)
        for security_id, key in keys.items():
            _note(book, identity, security_id, key)
        lines = [line for key in keys.values() for line in key.lines]
        book.days.update(_days(lines, known, prices, facts.dates))
    return book


def _keys(
    transactions: Iterable[Transaction], known: Known, findings: set[tuple[str, str]]
) -> dict[str, Key]:
    """Fold every key of a portfolio; whatever a security refuses moves no cash."""
    legs: list[Leg] = []
    for fact in transactions:
        found = wanted(fact, known)
        legs.extend(found.legs)
        findings.update((fact.transaction_id, code) for code in found.codes)
    names = sorted({leg.security_id for leg in legs}, key=lambda name: (_is_cash(name), name))
    refused: set[str] = set()
    keys: dict[str, Key] = {}
    for name in names:
        own = [
            leg
            for leg in legs
            if leg.security_id == name and (leg.leg == "main" or leg.identity not in refused)
        ]
        key = folded(name, own, known)
        refused.update(key.refused)
        findings.update((identity, "position.oversold") for identity in key.refused)
        if key.lines:
            keys[name] = key
    return keys


def _is_cash(security_id: str) -> bool:
    return cash_currency(security_id, "") is not None


def _note(book: Book, portfolio_id: str, security_id: str, key: Key) -> None:
    for line in key.lines:
        leg = line.leg
        place = (portfolio_id, security_id, leg.identity, leg.leg)
        book.entries[place] = (
            leg.on,
            leg.currency,
            leg.to_base,
            leg.amount,
            leg.flow_base,
            line.quantity,
            line.cost_local,
            line.cost_base,
            line.gains,
            line.taken,
        )
    book.positions[portfolio_id, security_id] = (
        sum((line.quantity for line in key.lines), _NOTHING),
        sum((line.cost_local for line in key.lines), _NOTHING),
        sum((line.cost_base for line in key.lines), _NOTHING),
        sum((line.gains[0] for line in key.lines if line.gains), _NOTHING),
        sum((line.gains[1] for line in key.lines if line.gains), _NOTHING),
    )
    if key.lots is not None:
        book.lots[portfolio_id, security_id] = key.lots


# The daily series.


def _days(
    lines: Sequence[Line], known: Known, prices: Prices, dates: Sequence[date]
) -> dict[tuple[str, date], tuple[Fraction, ...]]:
    """Value a portfolio day by day, each from all its lines."""
    if not lines:
        return {}
    active = {line.leg.on for line in lines}
    last = max([*active, *_last_days(lines, prices, dates)])
    found: dict[tuple[str, date], tuple[Fraction, ...]] = {}
    opening = _NOTHING
    day = min(active)
    while day <= last:
        if day in active or _is_valued(day, dates):
            value, unpriced = _value(day, lines, known, prices)
            flows = _flows(day, lines)
            identity = known.portfolio.portfolio_id
            found[identity, day] = (opening, flows[0], flows[1], value, flows[2], unpriced)
            opening = value
        day += _DAY
    return found


def _last_days(lines: Sequence[Line], prices: Prices, dates: Sequence[date]) -> list[date]:
    if dates:
        return [max(dates)]
    held = {line.leg.security_id for line in lines}
    found = [prices.last_day(name) for name in sorted(held) if _held(lines, name, date.max)[0]]
    return [day for day in found if day is not None]


def _is_valued(day: date, dates: Sequence[date]) -> bool:
    if dates and min(dates) <= day <= max(dates):
        return day in dates
    return day.weekday() < _SATURDAY


def _held(lines: Sequence[Line], security_id: str, day: date) -> tuple[Fraction, Fraction]:
    own = [line for line in lines if line.leg.security_id == security_id and line.leg.on <= day]
    return (
        sum((line.quantity for line in own), _NOTHING),
        sum((line.cost_base for line in own), _NOTHING),
    )


def _value(
    day: date, lines: Sequence[Line], known: Known, prices: Prices
) -> tuple[Fraction, Fraction]:
    """Return a day's closing value, and the cost of what could not be valued."""
    base = known.portfolio.base_currency
    value = unpriced = _NOTHING
    sums: dict[tuple[str, ...], Fraction] = {}
    costs: dict[tuple[str, ...], Fraction] = {}
    for name in sorted({line.leg.security_id for line in lines}):
        quantity, cost = _held(lines, name, day)
        if not quantity:
            continue
        local = next(line.leg.currency for line in lines if line.leg.security_id == name)
        price, quoted = _price(name, local, day, known, prices)
        if price is None:
            unpriced += cost
            continue
        group = (quoted, local)
        if len(prices.currencies(name)) > 1:
            group = (quoted, local, name)  # such a security is converted by itself
        sums[group] = sums.get(group, _NOTHING) + quantity * price
        costs[group] = costs.get(group, _NOTHING) + cost
    for group, total in sums.items():
        first = known.rates.rate(group[0], group[1], day)
        second = known.rates.rate(group[1], base, day)
        if first is None or second is None:
            unpriced += costs[group]
        else:
            value += times(times(total, first), second)
    return value, unpriced


def _price(
    name: str, local: str, day: date, known: Known, prices: Prices
) -> tuple[Fraction | None, str]:
    instrument = known.instruments.get(name)
    is_cash = instrument.is_cash if instrument else _is_cash(name)
    if is_cash:
        return Fraction(1), local
    price = prices.last(name, day)
    return (Fraction(price.price), price.currency) if price else (None, "")


def _flows(day: date, lines: Sequence[Line]) -> tuple[Fraction, Fraction, Fraction]:
    start = end = costs = _NOTHING
    for line in lines:
        leg = line.leg
        if leg.on != day or leg.flow_base is None or not crosses_border(leg.kind):
            continue
        if at_start(leg.kind):
            start += leg.flow_base
        else:
            end += leg.flow_base
        if is_cost(leg.kind):
            costs -= leg.flow_base
    return start, end, costs
