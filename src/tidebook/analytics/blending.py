"""A benchmark of several indices, held at fixed weights that are brought back now and then."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.analytics.crossing import Days, Floats

_WEIGHTS_TOLERANCE = 1e-9


class Rebalancing(StrEnum):
    """When the parts of a blend are brought back to their weights, at the close."""

    DAILY = "daily"
    """Every day."""
    MONTHLY = "monthly"
    """The last day of every calendar month."""


def blended(
    dates: Days, levels: Sequence[Floats], weights: Floats, rebalancing: Rebalancing
) -> Floats:
    """Return the level of a blend of indices, 100 on the first day.

    Between two days on which it is rebalanced each part grows with its own index, so that the
    weights drift; on such a day, after the close, they are what was asked for again.

    Args:
        dates: The days that all of the indices have a level for, rising.
        levels: The levels of each index on these days, above zero.
        weights: The weight of each, as fractions that sum to 1; none of them is negative.
        rebalancing: When the weights are brought back.

    Raises:
        UnusableSeriesError: If an index has another number of levels than there are days, one of
            them is not above zero, or there is no day.
        UnusableParameterError: If the weights do not sum to 1 or one is negative.

    Example:
        One part doubles, the other stands still; both in halves:

        >>> days = np.array(["2024-01-30", "2024-01-31"], "datetime64[D]")
        >>> two = [np.array([10.0, 20.0]), np.array([5.0, 5.0])]
        >>> blended(days, two, np.array([0.5, 0.5]), Rebalancing.DAILY).tolist()
        [100.0, 150.0]
    """
    _check(dates, levels, weights)
    table = np.vstack(levels)
    if rebalancing is Rebalancing.DAILY:
        growth = weights @ (table[:, 1:] / table[:, :-1])
        return 100.0 * np.concatenate([[1.0], np.cumprod(growth)])
    found = np.empty(dates.size)
    found[0] = 100.0
    start = 0
    for end in _month_ends(dates):
        held = weights @ (table[:, start + 1 : end + 1] / table[:, start : start + 1])
        found[start + 1 : end + 1] = found[start] * held
        start = end
    return found


def _month_ends(dates: Days) -> list[int]:
    """Return the places of the last day of each month, and of the very last day."""
    months = dates.astype("datetime64[M]").astype(np.int64)
    return [*np.flatnonzero(np.diff(months)).tolist(), dates.size - 1]


def _check(dates: Days, levels: Sequence[Floats], weights: Floats) -> None:
    if dates.size == 0 or any(one.shape != dates.shape for one in levels):
        raise UnusableSeriesError("levels", "they are not one per day, or there is no day")
    if not all(bool((np.isfinite(one) & (one > 0)).all()) for one in levels):
        raise UnusableSeriesError("levels", "one is not a number above zero")
    if len(levels) != weights.size or bool((weights < 0).any()):
        raise UnusableParameterError("weights", float(weights.min()), allowed="one of 0 or more")
    total = float(weights.sum())
    if abs(total - 1.0) > _WEIGHTS_TOLERANCE:
        raise UnusableParameterError("the sum of the weights", total, allowed="1")
