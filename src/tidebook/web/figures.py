"""Numbers, days and instants as a reader sees them.

This is the edge where amounts are rounded: half even, to the currency's minor units. Thousands are
grouped with a comma, a negative carries a true minus sign, and nothing depends on a locale.
"""

from __future__ import annotations

import math
from datetime import UTC
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

DASH = "–"
MINUS = "−"

_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_USUAL_MINOR_UNITS = 2
_MINOR_UNITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
_QUANTITY_PLACES_MAX = 8
_PRICE_PLACES_MAX = 6
_LEGIBLE_DIGITS = 4
_COMPACT_FROM = Decimal(10_000)
_COMPACT_UNITS = (
    (Decimal(10) ** 12, "tn"),
    (Decimal(10) ** 9, "bn"),
    (Decimal(10) ** 6, "m"),
    (Decimal(10) ** 3, "k"),
)


def minor_units(currency: str) -> int:
    """Return how many decimal places ISO 4217 gives the currency; 2 for one it does not list."""
    return _MINOR_UNITS.get(currency.upper(), _USUAL_MINOR_UNITS)


def rounded(value: Decimal, decimal_places: int) -> Decimal:
    """Return the value to that many decimal places, half even, and never a negative zero."""
    result = value.quantize(_quantum(decimal_places), context=_EXACT)
    return result or abs(result)


@cache
def _quantum(decimal_places: int) -> Decimal:
    return Decimal(1).scaleb(-decimal_places)


def amount(value: Decimal, currency: str, *, signed: bool = False) -> str:
    """Return an amount in the currency's minor units, without its code: ``1,234.50``."""
    return _grouped(rounded(value, minor_units(currency)), signed=signed)


def percent(fraction: Decimal | float, *, decimal_places: int = 2, signed: bool = False) -> str:
    """Return a fraction as percent: ``0.0525`` is ``5.25%``."""
    exact = fraction if isinstance(fraction, Decimal) else Decimal(repr(float(fraction)))
    return f"{_grouped(rounded(exact.scaleb(2, context=_EXACT), decimal_places), signed=signed)}%"


def price(value: Decimal, currency: str) -> str:
    """Return a price: its minor units at least, six places at most, more if it is minute."""
    return _grouped(_between(value, minor_units(currency), _PRICE_PLACES_MAX))


def quantity(value: Decimal) -> str:
    """Return a number of units without idle zeros, eight places at most, more if it is minute."""
    return _grouped(_between(value, 0, _QUANTITY_PLACES_MAX))


def day(value: date) -> str:
    """Return a business date as ``28 Dec 2022``."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def day_of_month(value: date) -> str:
    """Return a date within its year: ``28 Dec``."""
    return f"{value.day} {_MONTHS[value.month - 1]}"


def month(value: date) -> str:
    """Return the name of the date's month: ``Dec``."""
    return _MONTHS[value.month - 1]


def instant(value: datetime) -> str:
    """Return an instant to the second in UTC; one without an offset is taken to be in UTC."""
    known = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{day(known.date())}, {known:%H:%M:%S} UTC"


def is_number(value: Decimal | float | None) -> bool:
    """Say whether there is a finite number to print."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return value is not None and math.isfinite(value)


def axis_labels(ticks: tuple[Decimal, ...]) -> tuple[str, ...]:
    """Return short labels of one unit and one number of places: ``1.0m``, ``1.5m``, ``2.0m``."""
    largest = max((abs(tick) for tick in ticks), default=Decimal(0))
    unit, suffix = next(
        ((size, name) for size, name in _COMPACT_UNITS if largest >= max(size, _COMPACT_FROM)),
        (Decimal(1), ""),
    )
    scaled = [_EXACT.divide(tick, unit) for tick in ticks]
    shown = max((places(value) for value in scaled), default=0)
    return tuple(f"{_grouped(rounded(value, shown))}{suffix}" if value else "0" for value in scaled)


def _grouped(value: Decimal, *, signed: bool = False) -> str:
    mark = MINUS if value < 0 else "+" if signed and value > 0 else ""
    return f"{mark}{abs(value):,f}"


def _between(value: Decimal, places_min: int, places_max: int) -> Decimal:
    # Four digits at least: a token worth 0.0000123 has to stay legible.
    places_legible = max(places_max, _LEGIBLE_DIGITS - 1 - value.adjusted())
    return rounded(value, max(places_min, min(places_legible, places(value))))


def places(value: Decimal) -> int:
    """Return how many decimal places the value needs: 2 for ``0.250``, 0 for ``100``."""
    exponent = value.normalize(_EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
