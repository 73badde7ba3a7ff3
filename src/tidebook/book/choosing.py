"""Which lot goes next, where that is not simply the oldest or the newest.

A queue keeps the open lots ordered by what their rule looks at, so that thousands of them cost no
more than a few comparisons each. It is a pure function of the lots as they are: a lot of which a
part was taken is ranked anew, so that folding on from a stored state chooses what a fold from the
beginning would.
"""

from __future__ import annotations

from datetime import MAXYEAR, date
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Protocol

from tidebook.book.lots import LotRule
from tidebook.model.money import quotient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tidebook.book.lots import Lot
    from tidebook.model.portfolios import TaxRates

_Ranked = tuple["Decimal", int, "Lot"]


class Choice(Protocol):
    """Open lots in the order in which a rule takes them."""

    def add(self, index: int, lot: Lot) -> None:
        """Take in a lot, or what is left of one, at its place in the inventory."""
        ...

    def next(self, lots: Sequence[Lot | None], on: date, price: Decimal) -> int:
        """Return the place of the lot that goes next, on a day and at a price in base currency."""
        ...


def choice(rule: LotRule, lots: Sequence[Lot | None], tax: TaxRates) -> Choice:
    """Return the queue of a rule over lots that are in order of the days they were opened on.

    Where no tax is known the dearest lot is taken for the one that brings the least of it.
    """
    if rule is LotRule.MIN_TAX and (tax.short_term or tax.long_term):
        return LeastTax(lots, tax)
    return Dearest(lots)


class Dearest:
    """The highest cost per unit first; of a short, the lowest proceeds; of equals the oldest."""

    def __init__(self, lots: Sequence[Lot | None]) -> None:
        """Rank the lots."""
        self._heap = [_by_cost(index, lot) for index, lot in enumerate(lots) if lot is not None]
        heapify(self._heap)

    def add(self, index: int, lot: Lot) -> None:
        """Take in a lot, or what is left of one."""
        heappush(self._heap, _by_cost(index, lot))

    def next(self, lots: Sequence[Lot | None], on: date, price: Decimal) -> int:
        """Return the place of the dearest lot."""
        del on, price
        top = _top(self._heap, lots)
        if top is None:
            msg = "no lot is open"
            raise LookupError(msg)
        return top[1]


class LeastTax:
    """The least tax per unit first; of equals the older.

    Within one holding period the dearest lot brings the least tax at any price, so two queues
    suffice, and a lot passes from one to the other on the day it becomes long term.
    """

    def __init__(self, lots: Sequence[Lot | None], tax: TaxRates) -> None:
        """Rank the lots; all are taken as short term until the first day is named."""
        self._tax = tax
        self._short: list[_Ranked] = []
        self._long: list[_Ranked] = []
        self._aged = 0
        self._on = date.min
        for index, lot in enumerate(lots):
            if lot is not None:
                self._short.append(_by_cost(index, lot))
        heapify(self._short)

    def add(self, index: int, lot: Lot) -> None:
        """Take in a lot, or what is left of one."""
        heap = self._long if index < self._aged else self._short
        heappush(heap, _by_cost(index, lot))

    def next(self, lots: Sequence[Lot | None], on: date, price: Decimal) -> int:
        """Return the place of the lot whose sale at ``price`` brings the least tax."""
        self._age(lots, on)
        short = _top(self._short, lots, least=self._aged)
        long = _top(self._long, lots)
        found = [
            (self._per_unit(top, price, rate), top[1])
            for top, rate in ((short, self._tax.short_term), (long, self._tax.long_term))
            if top is not None
        ]
        return min(found)[1]

    def _per_unit(self, top: _Ranked, price: Decimal, rate: Decimal) -> Decimal:
        lot = top[2]
        gain = price - quotient(lot.cost_base, lot.quantity)
        return (gain if lot.quantity > 0 else -gain) * rate

    def _age(self, lots: Sequence[Lot | None], on: date) -> None:
        """Pass the lots that have become long term to their own queue."""
        while self._aged < len(lots):
            lot = lots[self._aged]
            if lot is not None:
                # What covers a short sale is held for no time: such a gain is never long term.
                months = self._tax.long_term_months
                if lot.quantity < 0 or not is_long_term(lot.opened_on, on, months):
                    return
                heappush(self._long, _by_cost(self._aged, lot))
            self._aged += 1


def is_long_term(opened_on: date, on: date, months: int) -> bool:
    """Tell whether what was opened on one day is held long term on another.

    It is when more than ``months`` calendar months lie between: what was opened on 15 March 2023
    is long term from 16 March 2024 on. The 29th of February has its anniversary on the 28th.
    """
    return on > anniversary(opened_on, months)


@lru_cache(maxsize=8192)
def anniversary(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later, or the last day of a shorter month.

    Beyond the calendar it is the calendar's last day.
    """
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if year >= MAXYEAR:
        return date.max
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = date.fromordinal(first_of_next.toordinal() - 1).day
    return date(year, month + 1, min(day.day, last))


def _by_cost(index: int, lot: Lot) -> _Ranked:
    unit = quotient(lot.cost_base, lot.quantity)
    return (-unit if lot.quantity > 0 else unit, index, lot)


def _top(heap: list[_Ranked], lots: Sequence[Lot | None], *, least: int = 0) -> _Ranked | None:
    """Return the first of a queue that still stands as it was ranked, dropping what does not."""
    while heap:
        top = heap[0]
        if top[1] >= least and lots[top[1]] is top[2]:
            return top
        heappop(heap)
    return None
