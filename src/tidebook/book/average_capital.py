"""The capital that was invested on average, at cost, and what was gained on it.

A gain over average capital is neither time-weighted nor money-weighted: its denominator is cost,
not value, and days without a position do not count. It is told under its own name only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.model.money import ZERO, exact, quotient

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tidebook.book.series import HeldSteps


def average_capital(held: HeldSteps, start: date, end: date) -> Decimal | None:
    """Return the mean cost of a holding over the days on which it was held.

        Σ cost · days / Σ days

    Each cost counts from the day on which it came about to the day before the next change. Days
    run from ``start`` to the day before ``end``.

    Args:
        held: The holding's quantity and cost after each change.
        start: The first day that counts.
        end: The first day that no longer counts.

    Returns:
        The capital, in base currency; None where nothing was held on any of the days.
    """
    weighted, counted = ZERO, 0
    with exact():
        changes = zip(held.days, held.quantities, held.costs_base, strict=True)
        untils = (*held.days, end)[1:]
        for (since, quantity, cost), until in zip(changes, untils, strict=True):
            days = (min(until, end) - max(since, start)).days
            if quantity and days > 0:
                weighted += cost * days
                counted += days
        return quotient(weighted, counted + ZERO) if counted else None


def return_on_average_capital(gain: Decimal, capital: Decimal | None) -> Decimal | None:
    """Return gain / average capital as a fraction, not annualised; None without capital."""
    return quotient(gain, capital) if capital else None
