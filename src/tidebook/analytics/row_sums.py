"""Sums along rows: each row's by itself, the same to the last bit alone and among others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Floats

# What is left when equal returns are taken from their mean is the noise of float64.
SPREAD_NOISE: Final = 1e-14
_PAIR: Final = 2


def mean_of(values: Floats) -> Floats:
    """Return the mean of each row."""
    return np.add.reduce(values, axis=1) / values.shape[1]


def count_of(chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return how many of each row are chosen."""
    return np.add.reduce(chosen, axis=1, dtype=np.int32)


def deviation_of(m2: Floats, n: int, size: Floats) -> Floats:
    """Return the deviation over n - 1 of rows with that second moment; noise is 0."""
    if n < _PAIR:
        return np.zeros_like(m2)
    deviation = np.sqrt(m2 * (n / (n - 1)))
    deviation[deviation <= SPREAD_NOISE * size] = 0.0
    return deviation


def growth_of(returns: Floats) -> Floats:
    """Return Π(1 + r) of each row.

    Raises:
        UnusableSeriesError: If it is more than a number can hold.
    """
    with np.errstate(over="ignore"):
        growth = np.multiply.reduce(1.0 + returns, axis=1)
    check_growth("benchmark and returns", growth)
    return growth


def check_growth(what: str, growth: Floats) -> None:
    """Refuse growth that is more than a number can hold.

    Raises:
        UnusableSeriesError: If it is.
    """
    if not bool(np.isfinite(growth).all()):
        raise UnusableSeriesError(what, "they compound to more than a number can hold")
