"""What a portfolio was worth and what crossed its border, day by day: the input of returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.crossing import to_days
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Days, Floats
    from tidebook.model.periods import Span


@dataclass(frozen=True, slots=True, eq=False)
class DailyValues:
    """One row per valued day, oldest first, all amounts in one currency.

    Gaps between dates are allowed: the next row's return then spans them.

    Raises:
        UnusableSeriesError: If the columns differ in length, a figure is not finite, or the
            dates do not rise: a return computed from such rows would be invented.
    """

    dates: Days
    """The days, rising."""
    bmv: Floats
    """The opening market value."""
    bcf: Floats
    """The external flow at the start of the day, at work all day; positive into the portfolio."""
    ecf: Floats
    """The external flow at the end of the day, without fees; positive into the portfolio."""
    emv: Floats
    """The closing market value, after ``ecf`` and after fees."""
    fees: Floats
    """The expenses paid that day, already missing from ``emv``; a refund is negative."""

    def __post_init__(self) -> None:
        columns = (self.bmv, self.bcf, self.ecf, self.emv, self.fees)
        if any(column.shape != self.dates.shape for column in columns):
            raise UnusableSeriesError("daily values", "its columns differ in length")
        if not all(np.isfinite(column).all() for column in columns):
            raise UnusableSeriesError("daily values", "a figure is not a finite number")
        if not bool((self.dates[1:] > self.dates[:-1]).all()):
            raise UnusableSeriesError("daily values", "its dates do not rise from row to row")

    def __len__(self) -> int:
        return len(self.dates)

    def within(self, span: Span) -> DailyValues:
        """Return the rows whose day lies in the span."""
        first, last = to_days([span.start, span.end])
        rows = (self.dates >= first) & (self.dates <= last)
        return DailyValues(
            self.dates[rows],
            self.bmv[rows],
            self.bcf[rows],
            self.ecf[rows],
            self.emv[rows],
            self.fees[rows],
        )
