"""Rolling windows and bootstrap intervals in the request and the answer of the risk routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import Drawing, Undefined
from tidebook.api.metric_words import measure_named, metrics_of, told_as, unit_of
from tidebook.api.rows.reader import Names, RowReader
from tidebook.engine.measuring.risk_over_time import SEED, Histories, intervals_of, rolling_of

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.analytics import Figure, Interval
    from tidebook.api.replies import Json
    from tidebook.api.rows.faults import Faults
    from tidebook.engine.measuring.risk import PeriodRisk, RiskTerms

_ROLLING: Final = Names.of(("window", "metrics"))
_BOOTSTRAP: Final = Names.of(("metrics", "seed", "draws", "confidence", "block_mean"))
_WINDOW_MIN: Final = 2
_WINDOW_MAX: Final = 2_600
_DRAWS_MIN: Final = 100
_DRAWS_MAX: Final = 10_000
_BLOCK_MAX: Final = 10_000
_SEED_MAX: Final = 2**31 - 1
_METRICS_MAX: Final = 20
_HISTORIES_MAX: Final = 20_000
"""Over all periods of a request: some seconds of work on ten years of days."""


class RollingAsked(NamedTuple):
    """How many returns a window holds, and of which metrics: each word with its measure."""

    window: int
    measures: dict[str, str]


class IntervalsAsked(NamedTuple):
    """Of which metrics intervals are asked for, and how histories are drawn."""

    measures: dict[str, str]
    histories: Histories


def rolling_asked(
    options: RowReader, terms: RiskTerms, faults: Faults, now: datetime
) -> RollingAsked | None:
    """Return the rolling windows that are asked for; what is wrong is added to ``faults``."""
    if not options.has("rolling"):
        return None
    asked = RowReader(
        options.fields("rolling"), _ROLLING, pointer="/options/rolling", faults=faults, now=now
    )
    window = asked.whole("window", default=0, most=_WINDOW_MAX)
    if window < _WINDOW_MIN and asked.is_sound("window"):
        asked.fault(
            "window",
            "window.unusable",
            f"a window holds {_WINDOW_MIN} to {_WINDOW_MAX} returns of the frequency; send how "
            "many, such as 63",
        )
    return RollingAsked(window, _measures(asked, terms))


def intervals_asked(
    options: RowReader, terms: RiskTerms, faults: Faults, now: datetime
) -> IntervalsAsked | None:
    """Return the intervals that are asked for; what is wrong is added to ``faults``."""
    if not options.has("bootstrap"):
        return None
    asked = RowReader(
        options.fields("bootstrap"),
        _BOOTSTRAP,
        pointer="/options/bootstrap",
        faults=faults,
        now=now,
    )
    plain = Drawing()
    draws = asked.whole("draws", default=plain.draws, most=_DRAWS_MAX)
    if draws < _DRAWS_MIN and asked.is_sound("draws"):
        asked.fault(
            "draws",
            "draws.too-few",
            f"{draws} histories leave too few beyond an interval's ends; send {_DRAWS_MIN} to "
            f"{_DRAWS_MAX}",
        )
    drawing = Drawing(draws, _block_mean(asked), _confidence(asked, plain.confidence))
    seed = asked.whole("seed", default=SEED, most=_SEED_MAX)
    return IntervalsAsked(_measures(asked, terms), Histories(drawing, seed))


def refuse_too_many(asked: IntervalsAsked | None, periods: int, faults: Faults) -> None:
    """Refuse more histories than one request may have drawn."""
    if asked is None:
        return
    drawn = asked.histories.drawing.draws * periods
    if drawn > _HISTORIES_MAX:
        faults.add(
            "/options/bootstrap/draws",
            "draws.too-many",
            f"{drawn} histories over all periods are too many for one request; send fewer periods, "
            f"or draws of at most {_HISTORIES_MAX} in all",
        )


def _measures(asked: RowReader, terms: RiskTerms) -> dict[str, str]:
    if not asked.has("metrics"):
        asked.fault("metrics", "metrics.count", "it is missing; name the metrics that are meant")
        return {}
    before = asked.fault_count
    names = metrics_of(asked, with_benchmark=True)
    if len(names) > _METRICS_MAX:
        asked.fault("metrics", "metrics.count", f"there are {len(names)}; send 1 to {_METRICS_MAX}")
    if asked.fault_count > before:
        return {}
    return {name: measure_named(name, terms) for name in names}


def _confidence(asked: RowReader, plain: float) -> float:
    if not asked.has("confidence"):
        return plain
    confidence = asked.number("confidence")
    if not 0 < confidence < 1 and asked.is_sound("confidence"):
        asked.fault(
            "confidence",
            "confidence.unusable",
            f"{confidence} is not between 0 and 1; send a fraction such as 0.95",
        )
    return float(confidence)


def _block_mean(asked: RowReader) -> float | None:
    if not asked.has("block_mean"):
        return None
    mean = asked.number("block_mean")
    if not 1 <= mean <= _BLOCK_MAX and asked.is_sound("block_mean"):
        asked.fault(
            "block_mean",
            "block-mean.unusable",
            f"a block holds 1 to {_BLOCK_MAX} returns in the mean; leave it out for the cube root "
            "of their number",
        )
    return float(mean)


def rolling_json(period: PeriodRisk, asked: RollingAsked) -> Json:
    """Return the metrics of every window of a period, by the day on which it ends."""
    names = list(asked.measures)
    metrics: Json = {}
    found = rolling_of(period, list(dict.fromkeys(asked.measures.values())), asked.window)
    by_measure = {each.measure: each for each in found}
    for name in names:
        each = by_measure[asked.measures[name]]
        told: Json = {
            "unit": unit_of(name, each.measure),
            "values": [
                {"date": one.on.isoformat(), **_figure_json(name, one.figure)}
                for one in each.windows
            ],
        }
        metrics[name] = told if each.why is None else {**told, "reason": _reason(each.why)}
    return {"window": asked.window, "metrics": metrics}


def intervals_json(period: PeriodRisk, asked: IntervalsAsked) -> Json:
    """Return between what the metrics of a period lie, and how that was drawn."""
    drawing, seed = asked.histories
    found = intervals_of(period, list(dict.fromkeys(asked.measures.values())), asked.histories)
    return {
        "method": "stationary bootstrap, percentile interval",
        "seed": seed,
        "draws": drawing.draws,
        "confidence": drawing.confidence,
        "block_mean": None if found.block_mean is None else round(found.block_mean, 10),
        "metrics": {
            name: _interval_json(name, measure, found.intervals[measure])
            for name, measure in asked.measures.items()
        },
    }


def _interval_json(name: str, measure: str, found: Interval) -> Json:
    # What is told negative has its ends the other way round.
    low, high = (found.high, found.low) if name == "DRAWDOWN" else (found.low, found.high)
    return {
        **_figure_json(name, found.figure),
        "low": told_as(name, low),
        "high": told_as(name, high),
        "n_draws": found.draws,
        "unit": unit_of(name, measure),
    }


def _figure_json(name: str, figure: Figure) -> Json:
    told: Json = {"value": told_as(name, figure)}
    if isinstance(figure, Undefined):
        told["reason"] = _reason(figure)
    return told


def _reason(figure: Undefined) -> Json:
    return {"code": figure.reason.value, "sentence": figure.sentence}
