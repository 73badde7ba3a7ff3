"""What the book of record holds of a portfolio, as a live book takes it for its start."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import FeeBasis, time_weighted, to_float64
from tidebook.book.cashflows import Classification
from tidebook.engine.measuring.prepared import daily_values
from tidebook.live import Heights, Holding, Instrument, Start
from tidebook.model.money import ONE, ZERO, converted, exact
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.series import PortfolioDay
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import PositionView
    from tidebook.model.instruments import Instrument as KnownInstrument

_PEAKS_DAYS: Final = 6
_READINGS_MAX: Final = 4
_BEFORE: Final = date.min
"""The day under which everything is that was realised before this month and the last week."""
_BOOKED: Final = "BOOKED"


class Traded(NamedTuple):
    """Live trades: their symbols, the transactions that book them, and which are known to be."""

    symbols: Collection[str]
    transaction_ids: frozenset[str]
    booked: frozenset[str]


def start_with(
    reader: Reader, portfolio_id: str, today: date, traded: Traded
) -> tuple[Start, bool]:
    """Return what is booked of a portfolio, live trades among it, and whether that is one state.

    A trade is counted twice, or not at all, where the book changes between the question what is
    held and the question what is booked; so both are asked again, a few times.

    Raises:
        UnknownPortfolioError: When no fact has introduced it.
        StoreUnavailableError: When the store cannot be asked.
    """
    asked = traded.transaction_ids - traded.booked
    for _ in range(_READINGS_MAX - 1):
        before = reader.freshness(portfolio_id).generation
        booked = traded.booked | booked_of(reader, asked, today)
        start = start_of(reader, portfolio_id, today, traded.symbols)
        if before == start.generation == reader.freshness(portfolio_id).generation:
            return start._replace(booked=booked), True
    booked = traded.booked | booked_of(reader, asked, today)
    start = start_of(reader, portfolio_id, today, traded.symbols)
    return start._replace(booked=booked), False


def start_of(reader: Reader, portfolio_id: str, today: date, symbols: Collection[str]) -> Start:
    """Return what is booked of a portfolio.

    Args:
        reader: The book of record.
        portfolio_id: Which portfolio.
        today: The present day in its time zone.
        symbols: What is traded live beside what it holds.

    Raises:
        UnknownPortfolioError: When no fact has introduced it.
        StoreUnavailableError: When the store cannot be asked.
    """
    view = reader.positions(portfolio_id, as_of=today)
    cash = [one for one in view.positions if one.instrument.is_cash]
    held = [one for one in view.positions if not one.instrument.is_cash]
    series = reader.series(portfolio_id)
    before = tuple(day for day in series.days if day.on < today)
    opening = _float(before[-1].eod_market_value + before[-1].unpriced_cost) if before else None
    flows = [(day.on, _flow(day)) for day in series.days if day.on <= today]
    flows += _flows_since(reader, portfolio_id, flows[-1][0] if flows else None, today)
    with exact():
        since = [(on, amount) for on, amount in flows if not before or on > before[-1].on]
        cash_base = sum((_worth(one) for one in cash), ZERO)
    instruments = {
        one.security_id: _instrument(one, rate)
        for one in held
        if (rate := one.valuation.rate_to_base) is not None
    }
    # What nobody quoted has no rate in its valuation, and a tick must move it all the same.
    wanted = {*symbols, *(one.security_id for one in held)} - instruments.keys()
    instruments |= _others(reader, sorted(wanted), view.portfolio.base_currency, today)
    return Start(
        portfolio_id,
        view.portfolio.base_currency,
        view.portfolio.time_zone,
        view.freshness.generation,
        _float(cash_base),
        tuple(_holding(one, instruments[one.security_id]) for one in held),
        instruments,
        opening,
        _float(_sum(flows)),
        _float(_sum(since)),
        _realised(reader, portfolio_id, today),
        None if opening is None else _heights(before, opening, today),
        frozenset(),
    )


def booked_of(reader: Reader, transaction_ids: Collection[str], today: date) -> frozenset[str]:
    """Return which of some transactions the book of record has, and counts by today.

    Raises:
        StoreUnavailableError: When the store cannot be asked.
    """
    found = ((each, reader.transaction(each)) for each in transaction_ids)
    return frozenset(
        each
        for each, view in found
        if view is not None and view.status == _BOOKED and view.business_date <= today
    )


def _float(amount: Decimal) -> float:
    return float(to_float64([amount])[0])


def _flow(day: PortfolioDay) -> Decimal:
    with exact():
        return day.bod_cashflow + day.eod_cashflow + day.fees


def _sum(flows: Sequence[tuple[date, Decimal]]) -> Decimal:
    with exact():
        return sum((amount for _, amount in flows), ZERO)


def _flows_since(
    reader: Reader, portfolio_id: str, valued_on: date | None, today: date
) -> list[tuple[date, Decimal]]:
    """Return what flowed after the last day that is valued."""
    start = None if valued_on is None else valued_on + timedelta(days=1)
    if start is not None and start > today:
        return []
    entries = reader.entries(portfolio_id, start=start, as_of=today).entries
    with exact():
        return [
            (booked.on, converted(entry.cash_amount, entry.fx_rate))
            for booked in entries
            if (entry := booked.entry).is_portfolio_flow
            and entry.cash_amount is not None
            and entry.classification != Classification.EXPENSE
        ]


def _worth(one: PositionView) -> Decimal:
    value = one.valuation.value
    return one.cost_base if value is None else value.counted_base


def _instrument(one: PositionView, rate_to_base: Decimal) -> Instrument:
    """Return what a price makes a position worth."""
    with exact():
        return Instrument(_float(one.instrument.multiplier * rate_to_base), one.instrument.sector)


def _holding(one: PositionView, instrument: Instrument) -> Holding:
    quote, value = one.valuation.quote, one.valuation.value
    on_margin = value is not None and value.on_margin
    price = None
    cost = one.cost_base
    if quote is not None and value is not None:
        with exact():
            price = _float(quote.price * (one.valuation.rate_to_local or ONE))
            # On margin no money stands in the contract that a currency could have moved.
            cost = value.base - value.unrealised_base if on_margin else cost
    return Holding(
        one.security_id,
        _float(one.quantity),
        _float(cost),
        instrument,
        on_margin=on_margin,
        price=price,
        price_on=None if quote is None else quote.on,
    )


def _others(
    reader: Reader, symbols: Sequence[str], base_currency: str, today: date
) -> dict[str, Instrument]:
    """Return what is known of symbols that are not held; one that is unknown is left out."""
    if not symbols:
        return {}
    view = reader.markets(symbols)

    def of(known: KnownInstrument) -> Instrument:
        rate = view.rates.rate(known.currency, base_currency, today)
        if rate is None:
            return Instrument(0.0, known.sector)
        with exact():
            return Instrument(_float(known.multiplier * rate.rate), known.sector)

    return {symbol: of(known) for symbol, known in view.instruments.items() if symbol in symbols}


def _realised(reader: Reader, portfolio_id: str, today: date) -> Mapping[date, float]:
    """Return booked gains by day since the first of this month and of this week, and before."""
    since = min(today.replace(day=1), today - timedelta(days=today.weekday()))
    entries = reader.entries(portfolio_id, start=since, realised=True).entries
    found: dict[date, Decimal] = {}
    with exact():
        for booked in entries:
            gain = booked.entry.realised_base or ZERO
            found[booked.on] = found.get(booked.on, ZERO) + gain
        whole = reader.results(portfolio_id).realised_base
        found[_BEFORE] = whole - sum(found.values(), ZERO)
    return {on: _float(gain) for on, gain in found.items() if gain}


def _heights(days: Sequence[PortfolioDay], opening: float, today: date) -> Heights | None:
    """Return how high a portfolio stood before today, in money of today."""
    values = daily_values(days)
    linked = time_weighted(values, Span(days[0].on, days[-1].on), FeeBasis.NET)
    growth = np.concatenate([[1.0], 1.0 + linked.cumulative])
    if opening <= 0 or growth[-1] <= 0:
        return None
    money = growth * (opening / growth[-1])
    highs = np.maximum.accumulate(money)
    last_high = int(np.flatnonzero(money == highs)[-1])
    since = today - timedelta(days=_PEAKS_DAYS)
    return Heights(
        float(highs[-1]),
        float(money[last_high:].min()),
        float(np.max(1.0 - money / highs)),
        {day.on: float(high) for day, high in zip(days, money[1:], strict=True) if day.on >= since},
    )
