"""Yields on cost: what a holding paid out over what it had cost, and how often it pays."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.model.money import ZERO, exact, quotient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry


class Payment(NamedTuple):
    """One payment of income on a holding, in the holding's own currency.

    ``yield_on_cost`` is the amount over the cost held when it was paid; None without a cost.
    """

    on: date
    amount: Decimal
    cost: Decimal
    yield_on_cost: Decimal | None


class Periodicity(StrEnum):
    """How often a holding pays, by the days between one payment and the next."""

    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    SEMIANNUAL = "SEMIANNUAL"
    ANNUAL = "ANNUAL"
    IRREGULAR = "IRREGULAR"


# Half way by ratio between a rhythm and the next: √(30 · 91), √(91 · 183), and so on.
_FEWEST_DAYS = 15
_UP_TO_DAYS = (
    (53, Periodicity.MONTHLY),
    (129, Periodicity.QUARTERLY),
    (258, Periodicity.SEMIANNUAL),
    (516, Periodicity.ANNUAL),
)


def payments(entries: Iterable[Entry]) -> tuple[Payment, ...]:
    """Return the income paid on one key, oldest first.

    Amounts are those of the entries: after withheld tax, unless the book was kept from
    transactions without costs. Amount and cost are both in the holding's currency, so that no
    exchange rate moves the yield.

    Args:
        entries: One key's entries, in their order.
    """
    found: list[Payment] = []
    cost = ZERO
    with exact():
        for entry in entries:
            flow = entry.posting.flow
            if flow is not None and flow.classification is Classification.INCOME:
                amount = entry.posting.amount
                rate = quotient(amount, cost) if cost > 0 else None
                found.append(Payment(entry.posting.on, amount, cost, rate))
            cost += entry.cost_local
    return tuple(found)


def yearly_yield_on_cost(paid: Iterable[Payment]) -> Decimal | None:
    """Return the mean over calendar years of what each paid on cost, as a fraction.

    The payments of a year add up; a year without a payment does not count, nor does a payment
    on a holding without cost. None where nothing counts.

    Example:
        Two payments of 1 in one year and one in the next, on a cost of 10:

        >>> from datetime import date
        >>> from decimal import Decimal as D
        >>> days = date(2019, 1, 15), date(2019, 7, 15), date(2020, 1, 15)
        >>> yearly_yield_on_cost(Payment(day, D(1), D(10), D("0.1")) for day in days)
        Decimal('0.15')
    """
    by_year: dict[int, Decimal] = {}
    with exact():
        for payment in paid:
            if payment.yield_on_cost is not None:
                year = payment.on.year
                by_year[year] = by_year.get(year, ZERO) + payment.yield_on_cost
        if not by_year:
            return None
        return quotient(sum(by_year.values(), ZERO), len(by_year) + ZERO)


def periodicity(days: Sequence[date]) -> Periodicity | None:
    """Return the rhythm of payments by the median of the days between them.

    None below two payment days. A missed or an extra payment does not change the median much,
    which it would the mean.
    """
    ordered = sorted(set(days))
    gaps = sorted((later - day).days for day, later in pairwise(ordered))
    if not gaps:
        return None
    # Twice the median, to stay in whole days.
    double = gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]
    if double <= 2 * _FEWEST_DAYS:
        return Periodicity.IRREGULAR
    found = [rhythm for days_most, rhythm in _UP_TO_DAYS if double <= 2 * days_most]
    return found[0] if found else Periodicity.IRREGULAR
