"""The words by which requests name measures, and how the figure of each is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics import MEASURES, measure_of
from tidebook.api.wire.performance import fraction, percent
from tidebook.engine.measuring.risk import VAR_MEASURES

if TYPE_CHECKING:
    from tidebook.analytics import Figure
    from tidebook.api.rows.reader import RowReader
    from tidebook.engine.measuring.risk import RiskTerms

AT_RISK: Final = "VAR"
_BY_ID: Final = {measure.id.upper(): measure.id for measure in MEASURES}
_AS_MEASURE: Final = {
    "DRAWDOWN": "max_drawdown",
    "SHARPE": "sharpe_arithmetic",
    "ALPHA": "alpha_annual",
    "ULCER": "ulcer_index",
    "SKEW": "skewness",
    "KURTOSIS": "excess_kurtosis",
}
"""Short names of measures, besides the ids of the catalogue."""
_PERCENT: Final = frozenset({AT_RISK, "TRACKING_ERROR"})
"""What is told in percent; the conventions and each figure say so."""


def metrics_of(body: RowReader, *, with_benchmark: bool) -> tuple[str, ...]:
    """Return the metrics asked for, in capitals; every one that can be told where none is."""
    if not body.has("metrics"):
        listed = [each for each in MEASURES if with_benchmark or not each.needs_benchmark]
        names = [each.id.upper() for each in listed if each.id != "max_drawdown"]
        return ("DRAWDOWN", AT_RISK, *names)
    names: list[str] = []
    for one in body.rows("metrics"):
        name = one.upper() if isinstance(one, str) else ""
        if name not in {AT_RISK, *_AS_MEASURE, *_BY_ID}:
            known = ", ".join((AT_RISK, *_AS_MEASURE, *_BY_ID))
            body.fault("metrics", "metric.unknown", f"{one!r} is none of {known}")
        names.append(name)
    if not names:
        body.fault("metrics", "metrics.count", "there is no metric; leave it out for all")
    return tuple(dict.fromkeys(names))


def measure_named(name: str, terms: RiskTerms) -> str:
    """Return the id of the measure that a word means under terms."""
    if name == AT_RISK:
        return VAR_MEASURES[terms.method]
    return _AS_MEASURE.get(name) or _BY_ID[name]


def told_as(name: str, figure: Figure) -> float | None:
    """Return a figure as its word promises: some in percent, ``DRAWDOWN`` negative."""
    if name in _PERCENT:
        return percent(figure)
    value = fraction(figure)
    return 0.0 - value if name == "DRAWDOWN" and value is not None else value


def unit_of(name: str, measure: str) -> str:
    """Return the unit in which the figure of a word is told."""
    return "percent" if name in _PERCENT else measure_of(measure).unit.value
