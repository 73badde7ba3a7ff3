"""Margin: what has to be paid in at first, kept after, and how far an account may lean.

Initial margin is Regulation T (12 CFR 220.12), maintenance margin and the smallest equity FINRA
4210(b) and (c). A house may ask for more than the rules, never for less.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tidebook.model.money import ONE, ZERO, quotient
from tidebook.model.tuples import made


class Leg(StrEnum):
    """What an order opens, as Regulation T tells positions apart."""

    LONG = "long"
    SHORT = "short"
    NON_MARGINABLE = "non_marginable"
    LONG_OPTION = "long_option"


# A member asked of its class takes as long as all the rest of a comparison.
_SHORT: Final = Leg.SHORT
_LONG: Final = Leg.LONG


class InitialRates(NamedTuple):
    """Initial margin as fractions of market value: 12 CFR 220.12(a), (c) and (e)."""

    long: Decimal = Decimal("0.5")
    short: Decimal = Decimal("1.5")
    full: Decimal = ONE


class Initial(NamedTuple):
    """What an order needs of the equity, and what is missing.

    ``with_proceeds`` is the whole requirement of a short sale, its proceeds included; they cover
    the rest of it.
    """

    required: Decimal
    with_proceeds: Decimal
    available: Decimal
    deficit: Decimal


def initial_margin(notional: Decimal, leg: Leg, available: Decimal, rates: InitialRates) -> Initial:
    """Return the initial margin of an order of ``notional`` against the equity that is free.

    A short sale needs 150 % of its value, of which its proceeds are 100 %.
    """
    if leg is _SHORT:
        whole = notional * rates.short
        required = whole - notional
    else:
        rate = rates.long if leg is _LONG else rates.full
        whole = required = notional * rate
    return made(Initial, (required, whole, available, max(required - available, ZERO)))


def buying_power(excess: Decimal, rates: InitialRates) -> Decimal:
    """Return what marginable stock the free equity can carry at first: twice as much at 50 %."""
    return quotient(max(excess, ZERO), rates.long)


class MaintenanceRates(NamedTuple):
    """Maintenance margin: FINRA 4210(c). Per share in the account's currency."""

    long: Decimal = Decimal("0.25")
    short: Decimal = Decimal("0.3")
    short_low: Decimal = ONE
    short_per_share: Decimal = Decimal(5)
    short_low_per_share: Decimal = Decimal("2.5")
    low_price_below: Decimal = Decimal(5)


def long_requirement(value: Decimal, rates: MaintenanceRates, factor: Decimal = ONE) -> Decimal:
    """Return the maintenance margin of a long position.

    A leveraged fund needs the rate times its factor, and never more than its whole value.
    """
    return value * min(rates.long * factor, ONE)


def short_requirement(
    units: Decimal, price: Decimal, rates: MaintenanceRates, factor: Decimal = ONE
) -> Decimal:
    """Return the maintenance margin of a short position of ``units`` shares, a positive number.

    At 5 a share and above the greater of 5 a share and 30 %; below, the greater of 2.50 a share
    and 100 %.
    """
    value = units * price
    if price >= rates.low_price_below:
        return max(rates.short_per_share * units, value * rates.short * factor)
    return max(rates.short_low_per_share * units, value * rates.short_low * factor)


class Maintenance(NamedTuple):
    """Equity against what has to be kept; ``call_below`` is the long value that brings a call."""

    equity: Decimal
    requirement: Decimal
    deficiency: Decimal
    call_below: Decimal | None


def maintenance(
    equity: Decimal, requirement: Decimal, *, debit: Decimal | None = None, rate: Decimal = ZERO
) -> Maintenance:
    """Return what is missing of the maintenance margin.

    With the debit of a long account and its rate, the market value that brings a margin call is
    debit / (1 - rate).
    """
    call = None if debit is None else call_below(debit, rate)
    return Maintenance(equity, requirement, deficiency(equity, requirement), call)


def deficiency(equity: Decimal, requirement: Decimal) -> Decimal:
    """Return what is missing of the maintenance margin; never below 0."""
    return max(requirement - equity, ZERO)


def call_below(debit: Decimal, rate: Decimal) -> Decimal | None:
    """Return the value of a long account at which a margin call comes; None where it always does.

    That is debit / (1 - rate).
    """
    return quotient(debit, ONE - rate) if rate < ONE else None


def gross_leverage(long_value: Decimal, short_value: Decimal, equity: Decimal) -> Decimal | None:
    """Return gross exposure over equity; None where there is no equity to carry any.

    Short values may be given with either sign.
    """
    if equity <= ZERO:
        return None
    return quotient(long_value + abs(short_value), equity)
