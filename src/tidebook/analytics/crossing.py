"""The border between the exact book and the analytics: crossed here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Days = NDArray[np.datetime64]


def to_float64(amounts: Iterable[Decimal]) -> Floats:
    """Return exact amounts as the nearest float64 each; there is no way back into the book."""
    return np.fromiter(map(float, amounts), np.float64)


def to_days(dates: Sequence[date]) -> Days:
    """Return dates as an array of days."""
    return np.array(dates, dtype="datetime64[D]")


def to_date(day: np.datetime64) -> date:
    """Return one day of an array of days as a date."""
    return cast("date", day.item())
