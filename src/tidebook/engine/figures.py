"""The figures of one portfolio in a book that was built in memory: what a what-if compares."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.book.gains import NO_GAIN, term_gains
from tidebook.book.positions import open_lots, positions
from tidebook.book.valuation import Held, cash_quote, coverage, value_position
from tidebook.engine.book_facts import NO_SERIES, rebuilt_series, series_by_key
from tidebook.engine.gains import terms_of
from tidebook.engine.measuring.performance import Request, performance, series_of
from tidebook.engine.verify import placed_findings
from tidebook.engine.views import Freshness, SeriesView
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.gains import TermGains, Terms
    from tidebook.book.lots import Entry, Folded, Lot
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.book_facts import KeySeries, Rebuilt
    from tidebook.engine.measuring.performance import NamedPeriod, PeriodReturn
    from tidebook.engine.store import FindingRow
    from tidebook.model.portfolios import Portfolio


NO_SIDES: Final[Mapping[str, Side]] = MappingProxyType({})


class PositionFigures(NamedTuple):
    """One position at the close of a day, with the reason where it has no value."""

    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    market_value_base: Decimal | None
    unrealised_base: Decimal | None
    reason: str | None
    counted_base: Decimal | None
    """What of the value the portfolio's own counts: of a contract on margin the gain alone."""
    on_margin: bool


class ValueFigures(NamedTuple):
    """What a portfolio is worth, how much of that was priced, and what has no value.

    ``coverage`` is None where there is nothing to cover. ``reasons`` say why a security has no
    value; it is left out of ``market_value_base``.
    """

    market_value_base: Decimal
    coverage: Decimal | None
    reasons: Mapping[str, str]


class PortfolioFigures(NamedTuple):
    """Everything a what-if tells of one portfolio at the close of a day, in base currency.

    ``gains`` are by security, of the keys that are not the same in the other book; ``cash`` is by
    currency in that currency; ``income`` and ``costs`` are at the rates of the days on which they
    were booked.
    """

    positions: Mapping[str, PositionFigures]
    lots: Mapping[tuple[str, str], Lot]
    gains: Mapping[str, TermGains]
    cash: Mapping[str, Decimal]
    income: Decimal
    costs: Decimal
    value: ValueFigures
    findings: Mapping[tuple[str, str], FindingRow]
    returns: tuple[PeriodReturn, ...]


class Side(NamedTuple):
    """One of the books that are compared, as far as one portfolio's figures need it.

    ``series`` is its daily series in that book, ``findings`` what is to be said of its facts;
    ``keys`` are what its keys add to the series, by security.
    """

    made: Rebuilt
    series: tuple[PortfolioDay, ...]
    findings: tuple[FindingRow, ...]
    keys: Mapping[str, KeySeries]


def sides(made: Rebuilt, other: Mapping[str, Side] = NO_SIDES) -> dict[str, Side]:
    """Return a book by portfolio; ``other`` is another one of which much may be the same."""
    findings: dict[str, list[FindingRow]] = defaultdict(list)
    for row in placed_findings(made):
        findings[row.portfolio_id].append(row)
    found: dict[str, Side] = {}
    for identity in made.rests_on.facts.portfolios:
        known = other[identity].keys if identity in other else NO_SERIES
        keys = series_by_key(made, identity, known)
        series = rebuilt_series(made, identity, keys)
        found[identity] = Side(made, series, tuple(findings[identity]), keys)
    return found


class Beside(NamedTuple):
    """The other book, and the portfolio as it is there."""

    side: Side
    portfolio: Portfolio


def figures(
    side: Side,
    portfolio: Portfolio,
    as_of: date,
    periods: tuple[NamedPeriod, ...],
    other: Beside,
) -> PortfolioFigures:
    """Return the figures of a portfolio at the close of a day.

    Args:
        side: The book.
        portfolio: Whose figures.
        as_of: The day. Facts after it count for nothing but the findings.
        periods: Over which returns are computed.
        other: The other book; of keys that are the same there, gains are not told.
    """
    keys = side.keys
    held = {
        security_id: position
        for security_id, key in keys.items()
        if (position := _position(side.made, portfolio, security_id, key, as_of)) is not None
    }
    entries = chain.from_iterable(_until(key.folded.entries, as_of) for key in keys.values())
    income, costs = _income_and_costs(entries)
    actions = side.made.rests_on.facts.actions
    terms = terms_of(portfolio, [key.instrument for key in keys.values()], actions)
    return PortfolioFigures(
        positions={identity: each for identity, each in held.items() if each.quantity},
        lots=_lots(keys, as_of),
        gains=_gains(keys, portfolio, as_of, other, terms),
        cash=_cash(keys, held),
        income=income,
        costs=costs,
        value=_value(held),
        findings={(row.finding.transaction_id, row.finding.code): row for row in side.findings},
        returns=_returns(portfolio, side.series, as_of, periods),
    )


def _gains(
    keys: Mapping[str, KeySeries],
    portfolio: Portfolio,
    as_of: date,
    other: Beside,
    terms: Terms,
) -> dict[str, TermGains]:
    months = portfolio.tax_rates.long_term_months
    same = other.side.keys if other.portfolio.tax_rates.long_term_months == months else NO_SERIES
    found: dict[str, TermGains] = {}
    for security_id, key in keys.items():
        beside = same.get(security_id)
        if beside is None or beside.folded is not key.folded:
            found[security_id] = term_gains(_until(key.folded.entries, as_of), terms)
    return {security_id: gained for security_id, gained in found.items() if gained != NO_GAIN}


def _until(entries: Sequence[Entry], as_of: date) -> Iterable[Entry]:
    if not entries or entries[-1].posting.on <= as_of:
        return entries
    return [entry for entry in entries if entry.posting.on <= as_of]


def _ended(folded: Folded, as_of: date) -> bool:
    """Tell whether nothing of a key happened after a day, so that its end is its state then."""
    return folded.entries[-1].posting.on <= as_of


def _position(
    made: Rebuilt, portfolio: Portfolio, security_id: str, key: KeySeries, as_of: date
) -> PositionFigures | None:
    folded, instrument = key.folded, key.instrument
    if _ended(folded, as_of):
        quantity, local, base = folded.holding[:3]
    else:
        then = positions(folded.entries, as_of).get(security_id)
        if then is None:
            return None
        quantity, local, base = then.quantity, then.cost_local, then.cost_base
    given = made.rests_on
    if instrument.is_cash:
        quote = cash_quote(instrument.currency, as_of)
    else:
        quote = given.prices.get(security_id, NO_PRICES).as_of(as_of)
    valuation = value_position(
        Held(
            quantity,
            local,
            base,
            instrument.currency,
            instrument.multiplier,
            instrument.is_margined,
        ),
        quote,
        given.facts.rates,
        portfolio.base_currency,
        as_of,
    )
    value = valuation.value
    return PositionFigures(
        quantity,
        local,
        base,
        None if value is None else value.base,
        None if value is None else value.unrealised_base,
        valuation.reason,
        None if value is None else value.counted_base,
        instrument.is_margined,
    )


def _lots(keys: Mapping[str, KeySeries], as_of: date) -> dict[tuple[str, str], Lot]:
    return {
        (security_id, lot.lot_id): lot
        for security_id, key in keys.items()
        for lot in (
            key.folded.holding.lots
            if _ended(key.folded, as_of)
            else open_lots(key.folded.entries, as_of)
        )
    }


def _cash(keys: Mapping[str, KeySeries], held: Mapping[str, PositionFigures]) -> dict[str, Decimal]:
    cash: dict[str, Decimal] = {}
    with exact():
        for security_id, position in held.items():
            instrument = keys[security_id].instrument
            if instrument.is_cash:
                before = cash.get(instrument.currency, ZERO)
                cash[instrument.currency] = before + position.quantity
    return cash


def _income_and_costs(entries: Iterable[Entry]) -> tuple[Decimal, Decimal]:
    income = costs = ZERO
    with exact():
        for entry in entries:
            flow = entry.posting.flow
            if flow is None:
                continue
            if flow.classification is Classification.INCOME:
                income += entry.posting.flow_base
            elif flow.classification is Classification.EXPENSE:
                costs -= entry.posting.flow_base
    return income, costs


def _value(held: Mapping[str, PositionFigures]) -> ValueFigures:
    with exact():
        valued = [each.counted_base or ZERO for each in held.values()]
        whole = sum(valued, ZERO)
        unpriced = sum(
            (
                each.cost_base
                for each in held.values()
                if each.market_value_base is None and not each.on_margin
            ),
            ZERO,
        )
    reasons = {identity: each.reason for identity, each in held.items() if each.reason is not None}
    return ValueFigures(whole, coverage(whole, unpriced), reasons)


def _returns(
    portfolio: Portfolio,
    series: Sequence[PortfolioDay],
    as_of: date,
    periods: tuple[NamedPeriod, ...],
) -> tuple[PeriodReturn, ...]:
    days = tuple(day for day in series if day.on <= as_of)
    nowhere = Freshness(as_of, None, 0, 0, 0, "CURRENT")
    view = SeriesView(portfolio, nowhere, days[0].on if days else None, days)
    return performance(series_of(view), Request(as_of, periods))
