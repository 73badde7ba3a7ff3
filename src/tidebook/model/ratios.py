"""Ratios of units: so many new ones for so many old ones, as in a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.money import exact, share

if TYPE_CHECKING:
    from decimal import Decimal


class UnitRatio(NamedTuple):
    """``new`` units for every ``old`` ones: 2 for 1 in a split, 1 for 10 in a reverse split.

    Both are positive. The product is formed before the division, so that 12 units at 1 for 3 are
    4 and not 3.999.

    Example:
        >>> from decimal import Decimal as D
        >>> thirds = UnitRatio(new=D(1), old=D(3))
        >>> thirds.units(D(12)), thirds.price(D(5))
        (Decimal('4'), Decimal('15'))
    """

    new: Decimal
    old: Decimal

    def units(self, quantity: Decimal) -> Decimal:
        """Return how many units a quantity becomes, half even to 18 places.

        Raises:
            decimal.DivisionByZero: If there are no old units.
        """
        with exact():
            return share(quantity, self.new, self.old)

    def price(self, price: Decimal) -> Decimal:
        """Return the price of a new unit at which as much is worth as before.

        Raises:
            decimal.DivisionByZero: If there are no new units.
        """
        with exact():
            return share(price, self.old, self.new)
