"""The figures of one portfolio in a book that was built in memory: what a what-if compares."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.book.gains import NO_GAIN, term_gains
from tidebook.book.positions import open_lots, positions
from tidebook.book.valuation import Held, cash_quote, coverage, value_position
from tidebook.engine.book_facts import instrument_of, rebuilt_series
from tidebook.engine.gains import terms_of
from tidebook.engine.performance import Request, performance, series_of
from tidebook.engine.verify import placed_findings
from tidebook.engine.views import Freshness, SeriesView
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.gains import TermGains
    from tidebook.book.lots import Entry, Folded, Lot
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.engine.performance import NamedPeriod, PeriodReturn
    from tidebook.engine.store import FindingRow
    from tidebook.model.portfolios import Portfolio


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

    ``gains`` are by security, ``cash`` by currency in that currency; ``income`` and ``costs`` are
    at the rates of the days on which they were booked.
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

    ``series`` is its daily series in that book, ``findings`` what is to be said of its facts.
    """

    made: Rebuilt
    series: tuple[PortfolioDay, ...]
    findings: tuple[FindingRow, ...]


def sides(made: Rebuilt) -> dict[str, Side]:
    """Return a book by portfolio."""
    findings: dict[str, list[FindingRow]] = defaultdict(list)
    for row in placed_findings(made):
        findings[row.portfolio_id].append(row)
    return {
        identity: Side(made, rebuilt_series(made, identity), tuple(findings[identity]))
        for identity in made.rests_on.facts.portfolios
    }


class Told(NamedTuple):
    """The figures of a portfolio on the other side, on the same day."""

    side: Side
    portfolio: Portfolio
    figures: PortfolioFigures


def figures(
    side: Side,
    portfolio: Portfolio,
    as_of: date,
    periods: tuple[NamedPeriod, ...],
    told: Told | None = None,
) -> PortfolioFigures:
    """Return the figures of a portfolio at the close of a day.

    Args:
        side: The book.
        portfolio: Whose figures.
        as_of: The day. Facts after it count for nothing but the findings.
        periods: Over which returns are computed.
        told: Those of the other book, from which the gains of keys that are the same are taken.
    """
    made = side.made
    keys = made.keys.get(portfolio.portfolio_id, {})
    held = {
        security_id: position
        for security_id, folded in keys.items()
        if (position := _position(made, portfolio, security_id, folded, as_of)) is not None
    }
    entries = [entry for folded in keys.values() for entry in _until(folded.entries, as_of)]
    income, costs = _income_and_costs(entries)
    return PortfolioFigures(
        positions={identity: each for identity, each in held.items() if each.quantity},
        lots=_lots(keys, as_of),
        gains=_gains(side, portfolio, as_of, told),
        cash=_cash(made, keys, held),
        income=income,
        costs=costs,
        value=_value(held),
        findings={(row.finding.transaction_id, row.finding.code): row for row in side.findings},
        returns=_returns(portfolio, side.series, as_of, periods),
    )


def _gains(
    side: Side, portfolio: Portfolio, as_of: date, told: Told | None
) -> dict[str, TermGains]:
    months = portfolio.tax_rates.long_term_months
    keys = side.made.keys.get(portfolio.portfolio_id, {})
    same: Mapping[str, Folded] = {}
    if told is not None and told.portfolio.tax_rates.long_term_months == months:
        same = told.side.made.keys.get(portfolio.portfolio_id, {})
    facts = side.made.rests_on.facts
    terms = terms_of(portfolio, facts.instruments.values(), facts.actions)
    found: dict[str, TermGains] = {}
    for security_id, folded in keys.items():
        if told is not None and same.get(security_id) is folded:
            found[security_id] = told.figures.gains.get(security_id, NO_GAIN)
        else:
            found[security_id] = term_gains(_until(folded.entries, as_of), terms)
    return {security_id: gained for security_id, gained in found.items() if gained != NO_GAIN}


def _until(entries: Sequence[Entry], as_of: date) -> Iterable[Entry]:
    if not entries or entries[-1].posting.on <= as_of:
        return entries
    return [entry for entry in entries if entry.posting.on <= as_of]


def _ended(folded: Folded, as_of: date) -> bool:
    """Tell whether nothing of a key happened after a day, so that its end is its state then."""
    return folded.entries[-1].posting.on <= as_of


def _position(
    made: Rebuilt, portfolio: Portfolio, security_id: str, folded: Folded, as_of: date
) -> PositionFigures | None:
    if _ended(folded, as_of):
        quantity, local, base = folded.holding[:3]
    else:
        then = positions(folded.entries, as_of).get(security_id)
        if then is None:
            return None
        quantity, local, base = then.quantity, then.cost_local, then.cost_base
    given = made.rests_on
    currency = min(entry.posting.currency for entry in folded.entries)
    instrument = instrument_of(security_id, currency, given.facts.instruments)
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


def _lots(keys: Mapping[str, Folded], as_of: date) -> dict[tuple[str, str], Lot]:
    return {
        (security_id, lot.lot_id): lot
        for security_id, folded in keys.items()
        for lot in (
            folded.holding.lots if _ended(folded, as_of) else open_lots(folded.entries, as_of)
        )
    }


def _cash(
    made: Rebuilt, keys: Mapping[str, Folded], held: Mapping[str, PositionFigures]
) -> dict[str, Decimal]:
    cash: dict[str, Decimal] = {}
    with exact():
        for security_id, position in held.items():
            currency = keys[security_id].entries[0].posting.currency
            instrument = instrument_of(security_id, currency, made.rests_on.facts.instruments)
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
