"""The oracle: the whole book of the final facts, recomputed from nothing by other code."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.simulation.oracle_book import is_margined, wanted
from tests.simulation.oracle_carries import applied
from tests.simulation.oracle_fold import fold
from tests.simulation.oracle_legs import Known, at_start, cash_currency, crosses_border, is_cost
from tests.simulation.oracle_rates import Prices, Rates, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.simulation.oracle_legs import Key, Leg, Line, OpenLot
    from tidebook.model.actions import CorporateAction
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
    """Those that were cancelled left out."""
    actions: Sequence[CorporateAction] = ()


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
    rates, prices = Rates(facts.rates), Prices(facts.prices, facts.actions)
    knowns = {
        identity: Known(portfolio, facts.instruments, rates, facts.portfolios)
        for identity, portfolio in facts.portfolios.items()
    }
    legs: list[Leg] = []
    for fact in facts.transactions.values():
        known = knowns.get(fact.portfolio_id)
        if known is None:
            book.findings.add((fact.transaction_id, "portfolio.unknown"))
            continue
        found = wanted(fact, known)
        legs += [
            leg if leg.portfolio_id else leg._replace(portfolio_id=fact.portfolio_id)
            for leg in found.legs
        ]
        book.findings.update((fact.transaction_id, code) for code in found.codes)
    for action in facts.actions:
        legs += [leg for known in knowns.values() for leg in applied(action, known).legs]
    keys, refused = fold(legs, knowns)
    book.findings.update(refused)
    _note_actions(book, facts.actions, knowns, keys)
    for (identity, security_id), key in keys.items():
        _note(book, identity, security_id, key)
    for identity, known in knowns.items():
        lines = [line for place, key in keys.items() if place[0] == identity for line in key.lines]
        book.days.update(_days(lines, known, prices, facts.dates))
    return book


def _note_actions(
    book: Book,
    actions: Iterable[CorporateAction],
    knowns: Mapping[str, Known],
    keys: Mapping[tuple[str, str], Key],
) -> None:
    """Note what actions wait for, where a portfolio could have held something."""
    for action in actions:
        for identity, known in knowns.items():
            key = keys.get((identity, action.security_id))
            if key is not None and min(line.leg.on for line in key.lines) < action.ex_date:
                codes = applied(action, known).codes
                applied_id = f"{action.action_id}@{identity}"
                book.findings.update((applied_id, code) for code in codes)


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


def _held(lines: Sequence[Line], security_id: str, day: date) -> tuple[Fraction, ...]:
    """Return the units of a security on a day and their cost, base and local."""
    own = [line for line in lines if line.leg.security_id == security_id and line.leg.on <= day]
    return (
        sum((line.quantity for line in own), _NOTHING),
        sum((line.cost_base for line in own), _NOTHING),
        sum((line.cost_local for line in own), _NOTHING),
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
        quantity, cost, unpaid = _held(lines, name, day)
        if not quantity:
            continue
        instrument = known.instruments.get(name)
        if instrument is not None:
            quantity *= Fraction(instrument.multiplier)
        on_margin = instrument is not None and is_margined(instrument)
        cost = _NOTHING if on_margin else cost  # nobody paid it
        local = next(line.leg.currency for line in lines if line.leg.security_id == name)
        price, quoted = _price(name, local, day, known, prices)
        if price is None:
            unpriced += cost
            continue
        group, paid_in = (quoted, local), (local, local)
        amount = quantity * price
        if len(prices.currencies(name)) > 1:
            # Such a security is converted by itself, and then less what was not paid for it.
            group = paid_in = (local, local, name)
            rate = known.rates.rate(quoted, local, day)
            if rate is None:
                unpriced += cost
                continue
            amount = times(amount, rate)
        sums[group] = sums.get(group, _NOTHING) + amount
        costs[group] = costs.get(group, _NOTHING) + cost
        if on_margin:
            sums[paid_in] = sums.get(paid_in, _NOTHING) - unpaid
    for group, total in sums.items():
        first = known.rates.rate(group[0], group[1], day)
        second = known.rates.rate(group[1], base, day)
        if first is None or second is None:
            unpriced += costs.get(group, _NOTHING)
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
    return prices.last(name, day) or (None, "")


def _flows(day: date, lines: Sequence[Line]) -> tuple[Fraction, Fraction, Fraction]:
    start = end = costs = _NOTHING
    for line in lines:
        leg = line.leg
        if leg.on != day or leg.flow_base is None or not crosses_border(leg):
            continue
        if at_start(leg):
            start += leg.flow_base
        else:
            end += leg.flow_base
        if is_cost(leg):
            costs -= leg.flow_base
    return start, end, costs
