"""Valuation: positions times prices times rates, as of a day, with the reason where undefined."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.markets import PriceQuote
from tidebook.model.money import ONE, ZERO, converted, exact, quotient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.model.markets import RateTable


class ValuationStatus(StrEnum):
    """How good a valuation is."""

    VALUED_CURRENT = "VALUED_CURRENT"
    """The price is of the day itself."""
    VALUED_STALE = "VALUED_STALE"
    """The last earlier price was carried forward."""
    UNVALUED = "UNVALUED"
    """No price is known on or before the day."""
    FAILED = "FAILED"
    """A price is known, but no exchange rate to convert it."""


class MarketValue(NamedTuple):
    """A holding's worth and its unrealised gain, in local and in base currency."""

    local: Decimal
    base: Decimal
    unrealised_local: Decimal
    unrealised_base: Decimal
    on_margin: bool = False

    @property
    def counted_base(self) -> Decimal:
        """What it adds to the worth of a portfolio: its market value.

        Nothing was paid for a contract held on margin, so that it adds its unrealised gain alone.
        """
        return self.unrealised_base if self.on_margin else self.base


class Valuation(NamedTuple):
    """A position valued on a day; ``value`` is None when undefined, and ``reason`` says why."""

    status: ValuationStatus
    quote: PriceQuote | None
    rate_to_local: Decimal | None
    rate_to_base: Decimal | None
    value: MarketValue | None
    reason: str | None


class Held(NamedTuple):
    """What is to be valued: a quantity in a currency, and what it cost.

    One unit is worth its price times ``multiplier``. ``on_margin`` says that nothing was paid for
    it; its cost is then the value that it was opened, or last settled, at.
    """

    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    currency: str
    multiplier: Decimal = ONE
    on_margin: bool = False


def market_value(
    held: Held, price: Decimal, *, rate_to_local: Decimal = ONE, rate_to_base: Decimal = ONE
) -> MarketValue:
    """Return quantity x price, brought into local and base currency, and the gain on each cost.

    local = quantity x multiplier x price x rate_to_local, base = local x rate_to_base. A short
    position has a negative value and a negative cost (its proceeds). On margin the gain in base
    currency is the local one at the day's rate: no money stands in the contract that a currency
    could have moved.
    """
    with exact():
        local = converted(held.quantity * held.multiplier * price, rate_to_local)
        base = converted(local, rate_to_base)
        gain = local - held.cost_local
        if held.on_margin:
            return MarketValue(local, base, gain, converted(gain, rate_to_base), on_margin=True)
        return MarketValue(local, base, gain, base - held.cost_base)


def value_position(
    held: Held, quote: PriceQuote | None, rates: RateTable, base_currency: str, on: date
) -> Valuation:
    """Return a position's valuation at the close of ``on``.

    The price is the last on or before the day, however old: its date is in the answer. A price in
    another currency than the instrument's is converted to it first, at the day's rate.
    """
    if not held.quantity:
        return Valuation(ValuationStatus.VALUED_CURRENT, quote, ONE, ONE, _NOTHING, None)
    if quote is None:
        reason = f"no price is known on or before {on}"
        return Valuation(ValuationStatus.UNVALUED, None, None, None, None, reason)
    to_local = rates.rate(quote.currency, held.currency, on)
    to_base = rates.rate(held.currency, base_currency, on)
    if to_local is None or to_base is None:
        pair = f"{held.currency}/{base_currency}"
        if to_local is None:
            pair = f"{quote.currency}/{held.currency}"
        reason = f"no exchange rate {pair} is known on or before {on}"
        return Valuation(ValuationStatus.FAILED, quote, None, None, None, reason)
    value = market_value(held, quote.price, rate_to_local=to_local.rate, rate_to_base=to_base.rate)
    current = quote.on == on
    status = ValuationStatus.VALUED_CURRENT if current else ValuationStatus.VALUED_STALE
    return Valuation(status, quote, to_local.rate, to_base.rate, value, None)


def cash_quote(currency: str, on: date) -> PriceQuote:
    """Return the price of cash: one unit of its currency, on any day."""
    return PriceQuote(on, ONE, currency)


def coverage(valued: Decimal, unpriced_cost: Decimal) -> Decimal | None:
    """Return how much of the value was priced: valued / (valued + cost of what was not).

    None when there is nothing to cover.
    """
    with exact():
        whole = abs(valued) + abs(unpriced_cost)
        return quotient(abs(valued), whole) if whole else None


def total(values: Sequence[MarketValue]) -> MarketValue:
    """Return the sum of valuations; the local sum has meaning within one currency only.

    What is held on margin counts with its unrealised gain alone.
    """
    with exact():
        return MarketValue(
            sum(
                (value.unrealised_local if value.on_margin else value.local for value in values),
                ZERO,
            ),
            sum((value.counted_base for value in values), ZERO),
            sum((value.unrealised_local for value in values), ZERO),
            sum((value.unrealised_base for value in values), ZERO),
        )


_NOTHING = MarketValue(ZERO, ZERO, ZERO, ZERO)
