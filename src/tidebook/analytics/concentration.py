"""Concentration: how much of a portfolio rests on how few of its positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats


@dataclass(frozen=True, slots=True)
class Concentration:
    """How the weights of positions are spread; weights are fractions of the whole."""

    single: float
    """The largest weight."""
    top: float
    """The largest weights together, as many as were asked for."""
    hhi: float
    """The Herfindahl-Hirschman index Σw²: 1 for a single position, 1/n for n equal ones."""

    @property
    def effective_count(self) -> float:
        """How many positions of equal weight would be as concentrated, 1 / Σw²."""
        return 1.0 / self.hhi


def weights_of(values: Floats) -> Floats | Undefined:
    """Return each value as a share of their sum.

    Short positions have negative weights. Undefined where the sum is not above zero, since a
    share of nothing or of a debt says nothing.

    Raises:
        UnusableSeriesError: If a value is not finite.
    """
    _check("values", values)
    whole = float(values.sum())
    return values / whole if whole > 0 else Undefined(Reason.NO_VALUE)


def concentration(weights: Floats, *, top: int = 10) -> Concentration | Undefined:
    """Return how concentrated positions are.

    Weights count by size, so that a short position concentrates a portfolio as a long one does.

    Args:
        weights: The weight of each position, as a fraction, in any order.
        top: How many positions ``top`` adds up; all of them where there are fewer.

    Returns:
        The measures, undefined without a position of any weight.

    Raises:
        UnusableSeriesError: If a weight is not finite.
        UnusableParameterError: If ``top`` is below 1.

    Example:
        >>> concentration(np.array([0.5, 0.25, 0.25]), top=2)
        Concentration(single=0.5, top=0.75, hhi=0.375)
    """
    _check("weights", weights)
    if top < 1:
        raise UnusableParameterError("top", top, allowed="of at least 1")
    sizes = np.sort(np.abs(weights))[::-1]
    if sizes.size == 0 or sizes[0] == 0:
        return Undefined(Reason.NO_VALUE)
    return Concentration(float(sizes[0]), float(sizes[:top].sum()), float(sizes @ sizes))


def _check(name: str, figures: Floats) -> None:
    if not bool(np.isfinite(figures).all()):
        raise UnusableSeriesError(name, "one of them is not a finite number")
