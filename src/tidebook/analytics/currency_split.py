"""A return in a foreign currency, told apart: what the holding did and what the rate did."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics.finite import check_returns
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats


class BaseReturn(NamedTuple):
    """A return in base currency and its parts, which sum to it; fractions."""

    base: float
    """(1 + local)(1 + currency) - 1."""
    local: float
    currency: float
    interaction: float
    """local · currency: what the gain itself won or lost by the rate."""


def base_return(local: float, currency: float) -> BaseReturn:
    """Return a local return and the return of its currency as one in base currency.

    Args:
        local: What the holding earned in its own currency.
        currency: The change of what one unit of it is worth in base currency.

    Example:
        >>> round(base_return(0.05, -0.03).base, 6)
        0.0185
    """
    together = local * currency
    return BaseReturn(local + currency + together, local, currency, together)


class BaseReturns(NamedTuple):
    """Linked returns of several periods, told apart; fractions that sum to ``base``."""

    base: float
    local: float
    """What the local returns link to by themselves."""
    currency: float
    """What the rate did over the whole time."""
    interaction: float


def linked_base_return(local: Floats, currency: Floats) -> BaseReturns:
    """Return what local and currency returns of consecutive periods come to in base currency.

    Either side links by itself, so that the parts are those of one long period: nothing depends
    on how it is cut up.

    Raises:
        UnusableSeriesError: If the lengths differ or a return is not finite.
    """
    if local.shape != currency.shape:
        raise UnusableSeriesError("local and currency returns", "they differ in length")
    check_returns(local)
    check_returns(currency)
    whole = base_return(float(np.prod(1.0 + local)) - 1.0, float(np.prod(1.0 + currency)) - 1.0)
    return BaseReturns(*whole)
