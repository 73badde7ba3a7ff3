"""How long a lot is held, whether that is long, and what it gains while it is open.

A lot is held from the day it was opened on, which transfers, conversions, splits and spin-offs
leave as it is. A pool (average cost) counts from the day on which its first lot was opened. What
covers a short sale is bought and given away in one, so that its gain is never long term.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.choosing import anniversary, is_long_term
from tidebook.book.effects import spread
from tidebook.book.valuation import MarketValue
from tidebook.model.money import ZERO, converted, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tidebook.book.lots import Lot
    from tidebook.book.valuation import Valuation
    from tidebook.model.portfolios import TaxRates


class Term(StrEnum):
    """Whether a lot is, or was, held short or long term."""

    SHORT = "SHORT"
    LONG = "LONG"


class HoldingPeriod(NamedTuple):
    """How long a lot is held as of a day.

    ``days_held`` counts calendar days from the opening. ``long_term_from`` is the first day on
    which its disposal is long term, and None for what never will be: a short position.
    """

    days_held: int
    term: Term
    long_term_from: date | None


def holding_period(lot: Lot, on: date, rates: TaxRates) -> HoldingPeriod:
    """Return how long a lot is held on a day.

    It is long term when more than ``rates.long_term_months`` calendar months lie between.

    Example:
        >>> from decimal import Decimal as D
        >>> from tidebook.book.lots import Lot
        >>> from tidebook.model.portfolios import TaxRates
        >>> lot = Lot("b", date(2024, 2, 29), D(1), D(1), D(1))
        >>> holding_period(lot, date(2025, 2, 28), TaxRates()).term.value
        'SHORT'
        >>> holding_period(lot, date(2025, 3, 1), TaxRates())
        HoldingPeriod(days_held=366, term=<Term.LONG: 'LONG'>, long_term_from=datetime.date(2025, 3, 1))
    """  # noqa: E501 - what the value prints
    months = rates.long_term_months
    days_held = (on - lot.opened_on).days
    if lot.quantity < ZERO:
        return HoldingPeriod(days_held, Term.SHORT, None)
    last_short = anniversary(lot.opened_on, months)
    starts = None if last_short == date.max else last_short + timedelta(days=1)
    term = Term.LONG if is_long_term(lot.opened_on, on, months) else Term.SHORT
    return HoldingPeriod(days_held, term, starts)


def lot_values(lots: Sequence[Lot], valuation: Valuation) -> tuple[MarketValue | None, ...]:
    """Return what each open lot of a position is worth and gains; None where the position has none.

    The value of the position is divided by units, and the last lot takes what rounding leaves, so
    that the lots always sum to the position.

    Args:
        lots: All open lots of the position.
        valuation: The position's.
    """
    whole = valuation.value
    if whole is None or not lots:
        return (None,) * len(lots)
    with exact():
        local = spread(whole.local, lots)
        base = local if whole.base == whole.local else spread(whole.base, lots)
        gains = [value - lot.cost_local for value, lot in zip(local, lots, strict=True)]
        if whole.on_margin:
            rate = valuation.rate_to_base or ZERO
            gains_base = [converted(gain, rate) for gain in gains[:-1]]
            gains_base.append(whole.unrealised_base - total(gains_base))
        else:
            gains_base = [value - lot.cost_base for value, lot in zip(base, lots, strict=True)]
        rows = zip(local, base, gains, gains_base, strict=True)
        return tuple(MarketValue(*row, on_margin=whole.on_margin) for row in rows)


def total(amounts: Sequence[Decimal]) -> Decimal:
    """Return the sum of amounts; inside ``exact()`` it is exact."""
    return sum(amounts, ZERO)
