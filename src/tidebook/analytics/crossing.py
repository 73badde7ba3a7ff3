"""The border between the exact book and the analytics: crossed here and nowhere else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Days = NDArray[np.datetime64]

_FIRST_DAY = date(1970, 1, 1).toordinal()


def to_float64(amounts: Iterable[Decimal]) -> Floats:
    """Return exact amounts as the nearest float64 each; there is no way back into the book."""
    # Most flows and fees are zero, and to ask costs a tenth of what to convert does.
    return np.array([float(amount) if amount else 0.0 for amount in amounts], np.float64)


def to_days(dates: Sequence[date]) -> Days:
    """Return dates as an array of days."""
    ordinals = np.fromiter(map(date.toordinal, dates), np.int64, len(dates))
    return (ordinals - _FIRST_DAY).view("datetime64[D]")


def to_date(day: np.datetime64) -> date:
    """Return one day of an array of days as a date."""
    return cast("date", day.item())
