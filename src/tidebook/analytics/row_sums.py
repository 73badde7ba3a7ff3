"""Sums along rows: each row's by itself, the same to the last bit alone and among others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Floats

# What is left when equal returns are taken from their mean is the noise of float64.
SPREAD_NOISE: Final = 1e-14


def highest_of(values: Floats) -> Floats:
    """Return the largest value of each row."""
    return np.maximum.reduce(values, axis=1)


def lowest_of(values: Floats) -> Floats:
    """Return the smallest value of each row."""
    return np.minimum.reduce(values, axis=1)


def sum_of(values: Floats) -> Floats:
    """Return the sum of each row."""
    return np.add.reduce(values, axis=1)


def mean_of(values: Floats) -> Floats:
    """Return the mean of each row."""
    return np.add.reduce(values, axis=1) / values.shape[1]


def count_of(chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return how many of each row are chosen."""
    return np.add.reduce(chosen, axis=1, dtype=np.int32)


def deviation_of(m2: Floats, n: int, size: Floats, degrees_lost: int) -> Floats:
    """Return the deviation of rows with that second moment over n less that; noise is 0."""
    if n <= degrees_lost:
        return np.zeros_like(m2)
    deviation = np.sqrt(m2 * (n / (n - degrees_lost)))
    deviation *= deviation > SPREAD_NOISE * size
    return deviation


def check_growth(what: str, growth: Floats) -> None:
    """Refuse growth that is more than a number can hold.

    Raises:
        UnusableSeriesError: If it is.
    """
    if not all(map(math.isfinite, growth.tolist())):
        raise UnusableSeriesError(what, "they compound to more than a number can hold")
