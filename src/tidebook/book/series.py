"""The daily series of a portfolio: opening value, flows, closing value, one row a day.

The closing value of a day is, per currency, the exact sum of quantity times price, converted once
at the day's rate. A position without a price, or without a rate, is not invented: its cost is kept
apart in ``unpriced_cost``, so that readers can tell how much of the value was priced.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import date
from operator import add
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.book.cashflows import Classification, Timing
from tidebook.book.positions import by_security
from tidebook.book.vectors import steps, sum_of_products, value_on, where
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, ZERO, converted, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    from tidebook.book.lots import Entry
    from tidebook.book.vectors import Steps
    from tidebook.model.markets import PriceQuotes, RateTable


_FEW_DAYS: Final = 5
"""So few are summed one by one: vectors take as long to make as ten days to look up."""


class PortfolioDay(NamedTuple):
    """One day of a portfolio in its base currency.

    ``eod_cashflow`` contains the costs; ``fees`` repeats them as a positive number, so that a
    return can be told before and after them. ``bod_market_value`` is the day before's closing
    value.
    """

    on: date
    bod_market_value: Decimal
    bod_cashflow: Decimal
    eod_cashflow: Decimal
    eod_market_value: Decimal
    fees: Decimal
    unpriced_cost: Decimal


class HeldSteps(NamedTuple):
    """One key's quantity and cost after each day on which they changed.

    Quantities of a contract are times its multiplier: what one price is a price of. Of one held on
    margin, ``margin_costs`` are the costs in local currency, which nobody paid: its value counts
    less these, and its costs in base currency are zero.
    """

    security_id: str
    currency: str
    is_cash: bool
    days: tuple[date, ...]
    quantities: tuple[Decimal, ...]
    costs_base: tuple[Decimal, ...]
    margin_costs: tuple[Decimal, ...] = ()


class DatedFlow(NamedTuple):
    """A flow across the portfolio's border, in base currency, cash sign."""

    on: date
    amount: Decimal
    timing: Timing
    is_cost: bool


class PricedSteps(NamedTuple):
    """A security's prices as exact steps, one per currency it was ever quoted in."""

    currency: str
    prices: Steps


def priced_steps(quotes: PriceQuotes) -> PricedSteps | None:
    """Return a security's prices for the series, or None when there are none.

    Prices in more than one currency cannot be one step function; :func:`daily_series` values
    such a security day by day.
    """
    if not quotes.days or len(set(quotes.currencies)) > 1:
        return None
    return PricedSteps(quotes.currencies[0], steps(*quotes.steps()))


class Market(NamedTuple):
    """What the series is valued with. ``vectors`` may hold priced steps made earlier."""

    prices: Mapping[str, PriceQuotes]
    rates: RateTable
    base_currency: str
    vectors: Mapping[str, PricedSteps | None]


def daily_series(
    days: Sequence[date],
    holdings: Sequence[HeldSteps],
    flows: Iterable[DatedFlow],
    market: Market,
    opening: Decimal = ZERO,
) -> tuple[PortfolioDay, ...]:
    """Return one row per day of ``days``, which must ascend.

    Flows on a day that is not in ``days`` belong to the next one that is. Quantities are those at
    the close of the day; prices and rates are the last on or before it.

    Args:
        days: The valuation days.
        holdings: Every key that held something on any of them, with its change points.
        flows: Flows across the portfolio's border.
        market: Prices and rates.
        opening: The closing value before the first day.
    """
    if not days:
        return ()
    with exact():
        closing, unpriced = _closing_values(days, holdings, market)
        starts, ends, costs = _flows_by_day(days, flows)
        before = [opening, *closing[:-1]]
        return tuple(map(PortfolioDay, days, before, starts, ends, closing, costs, unpriced))


def _closing_values(
    days: Sequence[date], holdings: Sequence[HeldSteps], market: Market
) -> tuple[list[Decimal], list[Decimal]]:
    ordinals = np.fromiter(map(date.toordinal, days), np.int64, len(days))
    closing, unpriced = [ZERO] * len(days), [ZERO] * len(days)
    groups: dict[tuple[str, str], list[tuple[HeldSteps, Steps]]] = defaultdict(list)
    for held in holdings:
        priced = _prices_of(held, market)
        if priced is None:
            _add_day_by_day(days, held, market, (closing, unpriced))
            continue
        groups[priced.currency, held.currency].append((held, priced.prices))
        if held.margin_costs:
            groups[held.currency, held.currency].append(_unpaid(held, priced.prices))
        _add_unpriced(ordinals, held, priced.prices, unpriced)
    for (quoted, local), members in sorted(groups.items()):
        if len(days) <= _FEW_DAYS:
            sums = [_sum_on(day, members) for day in days]
        else:
            sums = sum_of_products(
                [steps(held.days, held.quantities) for held, _ in members],
                [prices for _, prices in members],
                ordinals,
            )
        _add_converted(days, sums, (quoted, local), members, (market, closing, unpriced))
    return closing, unpriced


def _sum_on(day: date, members: Sequence[tuple[HeldSteps, Steps]]) -> Decimal:
    """Return what is held on one day at its prices, summed; nothing counts before its price."""
    total = ZERO
    for held, prices in members:
        place = bisect_right(held.days, day) - 1
        price = value_on(prices, day)
        if place >= 0 and price is not None:
            total += held.quantities[place] * price
    return total


def _prices_of(held: HeldSteps, market: Market) -> PricedSteps | None:
    if held.is_cash:
        return PricedSteps(held.currency, steps(held.days[:1], [ONE] * len(held.days[:1])))
    if held.security_id in market.vectors:
        return market.vectors[held.security_id]
    return priced_steps(market.prices.get(held.security_id, NO_PRICES))


def _unpaid(held: HeldSteps, prices: Steps) -> tuple[HeldSteps, Steps]:
    """Return the money that would have been paid for a contract, from its first price on."""
    first = date.fromordinal(int(prices.days[0]))
    owed = tuple(-cost for cost in held.margin_costs)
    return held._replace(is_cash=True, quantities=owed), steps((first,), (ONE,))


def _add_unpriced(
    ordinals: NDArray[np.int64], held: HeldSteps, prices: Steps, unpriced: list[Decimal]
) -> None:
    """Count the cost of what was held before its first price."""
    if not held.days:
        return
    first_price = prices.days[0]
    if held.days[0].toordinal() >= first_price:
        return
    index = where(steps(held.days, held.quantities), ordinals)
    for i in range(int(np.count_nonzero(ordinals < first_price))):
        if index[i] >= 0 and held.quantities[index[i]]:
            unpriced[i] += held.costs_base[index[i]]


def _add_converted(
    days: Sequence[date],
    sums: list[Decimal],
    pair: tuple[str, str],
    members: Sequence[tuple[HeldSteps, Steps]],
    into: tuple[Market, list[Decimal], list[Decimal]],
) -> None:
    market, closing, unpriced = into
    quoted, local = pair
    if quoted == local == market.base_currency:
        closing[:] = map(add, closing, sums)
        return
    to_local = rates_by_day(market.rates, quoted, local, days)
    to_base = rates_by_day(market.rates, local, market.base_currency, days)
    for i, value in enumerate(sums):
        first, second = to_local[i], to_base[i]
        if first is None or second is None:
            # What had no price yet either was counted for want of that.
            unpriced[i] += sum(
                (_cost_on(held, days[i]) for held, prices in members if _has(prices, days[i])),
                ZERO,
            )
        elif first is ONE and second is ONE:
            closing[i] += value
        else:
            closing[i] += converted(converted(value, first), second)


def _has(prices: Steps, day: date) -> bool:
    return len(prices.days) > 0 and bool(prices.days[0] <= day.toordinal())


def _cost_on(held: HeldSteps, day: date) -> Decimal:
    index = bisect_right(held.days, day) - 1
    return held.costs_base[index] if index >= 0 and held.quantities[index] else ZERO


def rates_by_day(
    rates: RateTable, source: str, target: str, days: Sequence[date]
) -> list[Decimal | None]:
    """Return the rate in force on each day; None before the first. ``days`` must ascend."""
    if source == target:
        return [ONE] * len(days)
    changes = rates.days(source, target)
    found: list[Decimal | None] = []
    rate: Decimal | None = None
    position = 0
    known = False
    for day in days:
        moved = not known
        while position < len(changes) and changes[position] <= day:
            position += 1
            moved = True
        if moved:
            quote = rates.rate(source, target, day)
            rate = quote.rate if quote else None
            known = True
        found.append(rate)
    return found


def _add_day_by_day(
    days: Sequence[date],
    held: HeldSteps,
    market: Market,
    into: tuple[list[Decimal], list[Decimal]],
) -> None:
    """Value a security without prices, or with prices in several currencies."""
    closing, unpriced = into
    quotes = market.prices.get(held.security_id, NO_PRICES)
    position = -1
    for i, day in enumerate(days):
        while position + 1 < len(held.days) and held.days[position + 1] <= day:
            position += 1
        if position < 0 or not held.quantities[position]:
            continue
        quote = quotes.as_of(day)
        to_local = market.rates.rate(quote.currency, held.currency, day) if quote else None
        to_base = market.rates.rate(held.currency, market.base_currency, day)
        if quote is None or to_local is None or to_base is None:
            unpriced[i] += held.costs_base[position]
            continue
        local = converted(held.quantities[position] * quote.price, to_local.rate)
        if held.margin_costs:
            local -= held.margin_costs[position]
        closing[i] += converted(local, to_base.rate)


def _flows_by_day(
    days: Sequence[date], flows: Iterable[DatedFlow]
) -> tuple[list[Decimal], list[Decimal], list[Decimal]]:
    starts, ends, costs = ([ZERO] * len(days) for _ in range(3))
    position = {day: i for i, day in enumerate(days)}
    for flow in flows:
        i = position.get(flow.on)
        if i is None:
            i = next((j for j, day in enumerate(days) if day >= flow.on), None)
            if i is None:
                continue
        if flow.timing is Timing.BOD:
            starts[i] += flow.amount
        else:
            ends[i] += flow.amount
        if flow.is_cost:
            costs[i] -= flow.amount
    return starts, ends, costs


def held_steps(
    entries: Iterable[Entry], currencies: Mapping[str, str], cash: frozenset[str]
) -> list[HeldSteps]:
    """Return the change points of every key from its entries.

    Args:
        entries: Entries of one portfolio; inside a key in their order.
        currencies: The currency of each security.
        cash: The securities that are cash.
    """
    by_key = by_security(entries)
    with exact():
        found = [
            _key_steps(key, currencies[key], key in cash, by_key[key]) for key in sorted(by_key)
        ]
    return [held for held in found if held.days]


def _key_steps(
    security_id: str,
    currency: str,
    is_cash: bool,  # noqa: FBT001 - one field of the row that it becomes
    entries: Sequence[Entry],
) -> HeldSteps:
    days: list[date] = []
    quantities: list[Decimal] = []
    costs: list[Decimal] = []
    quantity = cost = ZERO
    last: date | None = None
    for entry in entries:
        moved, paid = entry.quantity, entry.cost_base
        if not moved and not paid:
            continue
        quantity += moved
        cost += paid
        day = entry.posting.on
        if day != last:
            days.append(day)
            quantities.append(quantity)
            costs.append(cost)
            last = day
        else:
            quantities[-1], costs[-1] = quantity, cost
    return HeldSteps(security_id, currency, is_cash, tuple(days), tuple(quantities), tuple(costs))


def cumulated(
    security_id: str,
    currency: str,
    is_cash: bool,  # noqa: FBT001 - one field of the row that it becomes
    changes: Mapping[date, tuple[Decimal, Decimal]],
) -> HeldSteps:
    """Return a key's running quantity and cost from the changes of each day."""
    if len(changes) == 1:
        ((day, change),) = changes.items()
        return HeldSteps(security_id, currency, is_cash, (day,), (change[0],), (change[1],))
    days = tuple(sorted(changes))
    quantities: list[Decimal] = []
    costs: list[Decimal] = []
    quantity = cost = ZERO
    with exact():
        for day in days:
            quantity += changes[day][0]
            cost += changes[day][1]
            quantities.append(quantity)
            costs.append(cost)
    return HeldSteps(security_id, currency, is_cash, days, tuple(quantities), tuple(costs))


def contract_steps(
    held: HeldSteps, multiplier: Decimal, margin_costs: Sequence[Decimal] = ()
) -> HeldSteps:
    """Return the steps of a contract from those of its units.

    Args:
        held: Its units and what they cost.
        multiplier: What one unit is worth at a price of one.
        margin_costs: Where it is held on margin, its running cost in local currency on each day.
    """
    with exact():
        quantities = tuple(quantity * multiplier for quantity in held.quantities)
    if not margin_costs:
        return held._replace(quantities=quantities)
    unpaid = (ZERO,) * len(held.days)
    return held._replace(quantities=quantities, costs_base=unpaid, margin_costs=tuple(margin_costs))


def portfolio_flows(entries: Iterable[Entry]) -> list[DatedFlow]:
    """Return the flows across the portfolio's border, in base currency at the booked rates."""
    flows: list[DatedFlow] = []
    for entry in entries:
        flow = entry.posting.flow
        if flow is not None and flow.is_portfolio_flow:
            is_cost = flow.classification is Classification.EXPENSE
            flows.append(DatedFlow(entry.posting.on, entry.posting.flow_base, flow.timing, is_cost))
    return flows
