"""Units of one security as they were acquired, and what of them losses have used up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from heapq import merge
from itertools import accumulate
from typing import TYPE_CHECKING

from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import Opening


class AcquiredUnits:
    """Acquisitions in their order.

    Sums over a period, and the search for what is left of it, take logarithmic time, so that the
    year of a day trader stays quick.
    """

    def __init__(self, openings: list[Opening]) -> None:
        """Keep acquisitions, given in order; nothing of them is used."""
        self._openings = openings
        self._days = [opening.on for opening in openings]
        self._acquired = [ZERO, *accumulate(opening.shares for opening in openings)]
        self._left = [opening.shares for opening in openings]
        self._used = [ZERO] * (len(openings) + 1)
        """Sums of what is used, as a binary indexed tree."""
        self._next = list(range(len(openings) + 1))
        """From each place, where to look for units that are left."""

    def used(self, first: date, last: date) -> Decimal:
        """Return the units acquired in a period that are used up."""
        return self._used_before(bisect_right(self._days, last)) - self._used_before(
            bisect_left(self._days, first)
        )

    def unused(self, first: date, last: date) -> Decimal:
        """Return the units acquired in a period that are not used up."""
        acquired = (
            self._acquired[bisect_right(self._days, last)]
            - self._acquired[bisect_left(self._days, first)]
        )
        return acquired - self.used(first, last)

    def left(self, first: date, last: date) -> Iterator[tuple[Opening, AcquiredUnits, int]]:
        """Give the acquisitions of a period of which something is left, with their places here."""
        place = self._unspent(bisect_left(self._days, first))
        while place < len(self._openings) and self._days[place] <= last:
            yield self._openings[place], self, place
            place = self._unspent(place + 1)

    def use(self, place: int, units: Decimal) -> Decimal:
        """Use up no more than so many units of one acquisition, and return how many it had."""
        taken = min(units, self._left[place])
        self._left[place] -= taken
        if not self._left[place]:
            self._next[place] = place + 1
        index = place + 1
        while index < len(self._used):
            self._used[index] += taken
            index += index & -index
        return taken

    def _used_before(self, place: int) -> Decimal:
        total = ZERO
        while place:
            total += self._used[place]
            place &= place - 1
        return total

    def _unspent(self, place: int) -> int:
        passed: list[int] = []
        while self._next[place] != place:
            passed.append(place)
            place = self._next[place]
        for each in passed:
            self._next[each] = place
        return place


def use_up(
    acquired: Iterable[AcquiredUnits], first: date, last: date, units: Decimal
) -> Iterator[tuple[Opening, Decimal]]:
    """Use units of a period up, those acquired first first, and give what each comes to."""
    found = merge(
        *(one.left(first, last) for one in acquired), key=lambda each: (each[0].place, each[0].lot)
    )
    for opening, one, place in found:
        if units <= ZERO:
            return
        taken = one.use(place, units)
        units -= taken
        yield opening, taken
