"""Exact money: decimals that are never rounded in silence.

Every computation on amounts, prices, rates and quantities runs inside :func:`exact`, a decimal
context that raises when a result would not be exact. The two operations that cannot be exact,
a quotient and a converted amount, are named here and round half even to 18 places. Nothing
else in ``model``, ``book`` and ``compliance`` rounds.
"""

from __future__ import annotations

from decimal import (
    ROUND_05UP,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import TYPE_CHECKING

from tidebook.model.traced import remembered

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ZERO = Decimal(0)
ONE = Decimal(1)
PLACES = 18
"""Decimal places kept where a result cannot be exact."""
WHOLE_DIGITS = 20
"""Digits before the point that a stored number may have."""

_QUANTUM = Decimal(1).scaleb(-PLACES)
_REFUSALS = [InvalidOperation, DivisionByZero, Overflow]
_EXACT = Context(prec=600, rounding=ROUND_HALF_EVEN, traps=[*_REFUSALS, Inexact])
_HALF_EVEN = Context(prec=600, rounding=ROUND_HALF_EVEN, traps=_REFUSALS)
# ROUND_05UP keeps a trace of what was cut, so the second rounding is as if it were the first.
_QUOTIENT = Context(prec=120, rounding=ROUND_05UP, traps=_REFUSALS)


def exact() -> AbstractContextManager[Context]:
    """Return a context in which decimal arithmetic is exact or raises ``decimal.Inexact``."""
    return localcontext(_EXACT)


def rounded(value: Decimal) -> Decimal:
    """Return ``value`` half even to 18 places; unchanged when it needs no more than these."""
    result = _HALF_EVEN.quantize(value, _QUANTUM)
    if result == value:
        return value
    return result if type(value) is Decimal else remembered("half_even", result, value)


def quotient(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Return ``numerator / denominator``, half even to 18 places.

    Raises:
        decimal.DivisionByZero: If the denominator is zero; callers decide what that means.
    """
    result = rounded(_QUOTIENT.divide(numerator, denominator))
    if type(numerator) is type(denominator) is Decimal:
        return result
    return remembered("quotient", result, numerator, denominator)


def converted(amount: Decimal, rate: Decimal) -> Decimal:
    """Return ``amount x rate``, half even to 18 places."""
    if rate is ONE or rate == ONE:
        return amount
    result = rounded(_HALF_EVEN.multiply(amount, rate))
    if type(amount) is type(rate) is Decimal:
        return result
    return remembered("converted", result, amount, rate)


def share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """Return the ``part / of`` share of ``whole``, half even to 18 places.

    The product is formed before the division, so a share of everything is everything.
    """
    if part == of:
        return whole
    result = rounded(_QUOTIENT.divide(_HALF_EVEN.multiply(whole, part), of))
    if type(whole) is type(part) is type(of) is Decimal:
        return result
    return remembered("share", result, whole, part, of)


def larger(one: Decimal, other: Decimal) -> Decimal:
    """Return the greater of two numbers, the first where they are equal."""
    found = max(one, other)
    if type(one) is type(other) is Decimal:
        return found
    return remembered("maximum", found, one, other)


def decimal_text(value: Decimal) -> str:
    """Return ``value`` as plain digits: no exponent, no trailing zeros, no negative zero."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    # Asked by the million: most have nothing to take away.
    if text[-1] == "0" and "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def storable(value: Decimal) -> bool:
    """Tell whether ``value`` is finite and fits 20 digits before and 18 after the point."""
    if not value.is_finite():
        return False
    digits = value.as_tuple()
    exponent = digits.exponent
    if not isinstance(exponent, int) or not value:
        return value == ZERO
    if value.adjusted() >= WHOLE_DIGITS:
        return False
    trailing = 0
    for digit in reversed(digits.digits):
        if digit:
            break
        trailing += 1
    return exponent + trailing >= -PLACES
