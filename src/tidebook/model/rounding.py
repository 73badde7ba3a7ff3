"""How many places a figure shows when it leaves the house.

Nothing is rounded inside; what is shown is rounded once, half to even, to the places of its kind.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum


class FigureKind(StrEnum):
    """What an output figure measures, which decides its places."""

    MONEY = "money"
    PRICE = "price"
    FX_RATE = "fx_rate"
    QUANTITY = "quantity"
    RATIO = "ratio"


PLACES = {
    FigureKind.MONEY: 2,
    FigureKind.PRICE: 6,
    FigureKind.FX_RATE: 8,
    FigureKind.QUANTITY: 6,
    FigureKind.RATIO: 6,
}
"""The places after the point, by kind."""

_UNITS = {kind: Decimal(1).scaleb(-places) for kind, places in PLACES.items()}


def round_output(value: Decimal, kind: FigureKind) -> Decimal:
    """Return the figure with exactly the places of its kind, halves going to the even digit.

    Zero is never shown as negative, whatever it was rounded from.

    Args:
        value: A finite figure of any size.
        kind: What it measures.

    Example:
        >>> round_output(Decimal("1.005"), FigureKind.MONEY)
        Decimal('1.00')
    """
    unit = _UNITS[kind]
    # The default 28 digits would refuse the largest amounts that can be stored.
    digits = max(value.adjusted(), 0) + PLACES[kind] + 2
    result = value.quantize(unit, rounding=ROUND_HALF_EVEN, context=Context(prec=digits))
    return result or unit * 0
