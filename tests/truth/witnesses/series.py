"""The series put before every witness, and the page on which differences are justified."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tidebook.analytics import Conventions, Undefined, suite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "witnesses.md"
TOLERANCE = 1e-9


class Series(NamedTuple):
    """Daily returns beside a benchmark, and the confidence at which their tail is looked at."""

    returns: Floats
    benchmark: Floats
    confidence: float


def _drawn(seed: int, days: int, confidence: float) -> Series:
    rng = np.random.default_rng(seed)
    benchmark = rng.standard_t(5, days) * 0.008 + 0.0003
    returns = rng.uniform(-0.5, 1.5) * benchmark + rng.standard_t(4, days) * 0.005
    # Days on which nothing moves occur in every real series.
    returns[:: days // 20] = 0.0
    return Series(returns, benchmark, confidence)


SERIES = [
    _drawn(1, 252, 0.95),
    _drawn(2, 253, 0.99),
    _drawn(3, 500, 0.9),
    _drawn(4, 777, 0.975),
    _drawn(5, 2520, 0.95),
]


def imported(name: str) -> Any:  # noqa: ANN401 - a library without types
    """Return a library whose own warnings while it is imported are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def dated(values: Floats) -> Any:  # noqa: ANN401 - a series of pandas
    """Return returns as a series of pandas over business days."""
    pandas = imported("pandas")
    return pandas.Series(values, pandas.bdate_range("2015-01-01", periods=len(values)))


def ours(told: Series, name: str) -> float:
    """Return the measure of that id, which has to be defined."""
    found = suite(told.returns, told.benchmark, Conventions(confidence=told.confidence))
    figure = found.figures[name]
    assert not isinstance(figure, Undefined), f"{name}: {figure.sentence}"
    return figure


def close(one: float, other: float) -> bool:
    """Return whether two figures are one within the tolerance of the comparison."""
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), 1e-6)


def is_justified(library: str, subject: str) -> bool:
    """Return whether the page has a line for a difference from a library."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return any(line.startswith(f"| {library} | `{subject}` |") for line in lines)
