"""The ratios at which shares are split and consolidated in practice."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from tidebook.model.money import ONE, exact, quotient


class SplitRatio(NamedTuple):
    """``new`` shares for ``old`` ones: 2 for 1 doubles the quantity and halves the price."""

    new: int
    old: int

    def __str__(self) -> str:
        """Return the ratio as it is announced: ``2:1``."""
        return f"{self.new}:{self.old}"


_WHOLE: Final = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)
RATIOS: Final = (
    *(SplitRatio(new, 1) for new in _WHOLE),
    *(SplitRatio(new, old) for new, old in ((3, 2), (4, 3), (5, 4), (5, 2), (5, 3))),
    *(SplitRatio(1, old) for old in _WHOLE),
)
"""Splits, and consolidations, which are by whole numbers."""

_NOISE: Final = Decimal("0.04")
"""How far a price may move on the day of the split itself."""
JUMP_LEAST: Final = Decimal("1.45")
"""Below a half more or a third less, a jump of a price is as likely the market's doing."""


def ratio_of_prices(before: Decimal, after: Decimal) -> SplitRatio | None:
    """Return the split that would explain two neighbouring prices, or None when none would.

    A price may have moved by 4 % besides. Of several ratios it is the nearest; those closer to 1
    than 3:2 are left out, since prices move that much by themselves.

    >>> str(ratio_of_prices(Decimal(100), Decimal("49.5")))
    '2:1'
    """
    if before <= 0 or after <= 0:
        return None
    with exact():
        if max(before, after) < min(before, after) * JUMP_LEAST:
            return None
        off = {
            ratio: abs(quotient(after * ratio.new, before * ratio.old) - ONE) for ratio in RATIOS
        }
    nearest = min(off, key=off.__getitem__)
    return nearest if off[nearest] <= _NOISE else None
