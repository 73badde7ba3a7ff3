"""The request and the answer of the risk routes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import (
    Compounding,
    Estimator,
    Frequency,
    Rebalancing,
    ReturnKind,
    TailMethod,
    Undefined,
    to_date,
)
from tidebook.api.metric_words import AT_RISK, measure_named, metrics_of, told_as, unit_of
from tidebook.api.replies import Json, amount_or_null, day_or_null
from tidebook.api.rows.bodies import refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.wire.performance import fraction, percent, periods_of, warnings_json
from tidebook.api.wire.risk_over_time import (
    intervals_asked,
    intervals_json,
    refuse_too_many,
    rolling_asked,
    rolling_json,
)
from tidebook.api.wire.scope import refuse_each, scope_of
from tidebook.engine.measuring.conventions import risk_conventions
from tidebook.engine.measuring.risk import RiskTerms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from tidebook.analytics import Fall
    from tidebook.api.wire.risk_over_time import IntervalsAsked, RollingAsked
    from tidebook.api.wire.scope import AskedScope
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.engine.measuring.performance import NamedPeriod
    from tidebook.engine.measuring.risk import PeriodRisk

_BODY = Names.of(("scope", "periods", "metrics", "options"))
_OPTIONS = Names.of(
    (
        "frequency",
        "annualization_factor",
        "use_log_returns",
        "deviation",
        "risk_free_mode",
        "risk_free_annual_rate",
        "risk_free_compounding",
        "mar_annual_rate",
        "benchmark_security_id",
        "benchmark",
        "benchmark_rebalancing",
        "include_underwater",
        "rolling",
        "bootstrap",
        "var",
    )
)
_VAR = Names.of(("method", "confidence", "horizon_days", "include_expected_shortfall"))
_DAYS_MAX: Final = 10_000


class RiskFreeMode(StrEnum):
    """Where the rate without risk comes from."""

    ZERO = "ZERO"
    ANNUAL_RATE = "ANNUAL_RATE"


class BenchmarkAsked(NamedTuple):
    """The benchmark or blend as it was named, and how a blend is rebalanced."""

    text: str
    rebalancing: Rebalancing


class AskedRisk(NamedTuple):
    """A risk request as it was sent."""

    scope: AskedScope
    periods: tuple[NamedPeriod, ...]
    metrics: tuple[str, ...]
    terms: RiskTerms
    benchmark: BenchmarkAsked | None
    with_shortfall: bool
    with_underwater: bool
    rolling: RollingAsked | None
    intervals: IntervalsAsked | None


def asked(document: Mapping[str, object], now: datetime, *, of_several: bool = False) -> AskedRisk:
    """Return what a risk request asks for; names in snake_case or camelCase.

    Raises:
        InvalidRequestError: With every fault of the request.
    """
    faults = Faults()
    body = RowReader(document, _BODY, pointer="", faults=faults, now=now)
    scope = scope_of(body, faults, now, of_several=of_several)
    refuse_each(scope, faults)
    periods = periods_of(body, faults, now)
    for index, period in enumerate(periods):
        if period.breakdown is not None:
            faults.add(
                f"/periods/{index}/breakdown",
                "breakdown.not-here",
                "risk is measured over whole periods; leave it out, or name each part as a period",
            )
    options = RowReader(
        body.fields("options"), _OPTIONS, pointer="/options", faults=faults, now=now
    )
    var = RowReader(options.fields("var"), _VAR, pointer="/options/var", faults=faults, now=now)
    benchmark = _benchmark(options)
    terms = _terms(options, var)
    result = AskedRisk(
        scope,
        periods,
        metrics_of(body, with_benchmark=benchmark is not None),
        terms,
        benchmark,
        var.flag("include_expected_shortfall", default=True),
        options.flag("include_underwater"),
        rolling_asked(options, terms, faults, now),
        intervals_asked(options, terms, faults, now),
    )
    refuse_too_many(result.intervals, len(periods), faults)
    if faults.count:
        raise refusal(faults)
    return result


def _terms(options: RowReader, var: RowReader) -> RiskTerms:
    mode = options.choice("risk_free_mode", RiskFreeMode, RiskFreeMode.ANNUAL_RATE)
    rate = _rate(options, "risk_free_annual_rate")
    if mode is RiskFreeMode.ZERO and rate:
        options.fault(
            "risk_free_annual_rate",
            "risk-free.contradicts",
            "it contradicts risk_free_mode ZERO; leave one of both out",
        )
    k = options.positive("annualization_factor") if options.has("annualization_factor") else None
    is_log = options.flag("use_log_returns")
    return RiskTerms(
        frequency=options.choice("frequency", Frequency, Frequency.DAILY),
        periods_per_year=None if k is None else float(k),
        kind=ReturnKind.LOG if is_log else ReturnKind.SIMPLE,
        risk_free_annual=rate,
        compounding=_compounding(options, is_log=is_log),
        target_annual=_rate(options, "mar_annual_rate"),
        method=var.choice("method", TailMethod, TailMethod.HISTORICAL),
        confidence=_confidence(var),
        horizon_days=_horizon(var),
        estimator=options.choice("deviation", Estimator, Estimator.SAMPLE),
    )


def _rate(options: RowReader, name: str) -> float:
    rate = options.number(name) if options.has(name) else 0
    if rate <= -1:
        options.fault(name, "rate.below-total-loss", f"{rate} loses everything; send one above -1")
        return 0.0
    return float(rate)


def _compounding(options: RowReader, *, is_log: bool) -> Compounding:
    chosen = options.choice("risk_free_compounding", Compounding, Compounding.GEOMETRIC)
    if is_log and options.has("risk_free_compounding") and chosen is not Compounding.CONTINUOUS:
        options.fault(
            "risk_free_compounding",
            "compounding.contradicts",
            "rates beside log returns are continuous; leave it out",
        )
    return chosen


def _confidence(var: RowReader) -> float:
    if not var.has("confidence"):
        return RiskTerms().confidence
    confidence = var.number("confidence")
    if not 0 < confidence < 1 and var.is_sound("confidence"):
        var.fault(
            "confidence",
            "confidence.unusable",
            f"{confidence} is not between 0 and 1; send a fraction such as 0.99",
        )
        return RiskTerms().confidence
    return float(confidence) or RiskTerms().confidence


def _horizon(var: RowReader) -> float:
    if not var.has("horizon_days"):
        return 1.0
    days = var.whole("horizon_days", default=1, most=_DAYS_MAX)
    if days < 1 and var.is_sound("horizon_days"):
        var.fault("horizon_days", "horizon.unusable", "it must be 1 day or more")
    return float(max(days, 1))


def _benchmark(options: RowReader) -> BenchmarkAsked | None:
    rebalancing = options.choice("benchmark_rebalancing", Rebalancing, Rebalancing.MONTHLY)
    by_id, text = options.optional_text("benchmark_security_id"), options.optional_text("benchmark")
    if by_id and text:
        options.fault(
            "benchmark", "benchmark.doubled", "benchmark_security_id names one too; send one"
        )
    if options.has("benchmark_rebalancing") and not text:
        options.fault(
            "benchmark_rebalancing", "benchmark.no-blend", "there is no blend to be rebalanced"
        )
    named = by_id or text
    return None if named is None else BenchmarkAsked(named, rebalancing)


def conventions_json(terms: RiskTerms) -> Json:
    """Return what the figures of a risk answer rest on."""
    is_zero = not terms.risk_free_annual
    return {
        **risk_conventions(terms),
        "risk_free_mode": (RiskFreeMode.ZERO if is_zero else RiskFreeMode.ANNUAL_RATE).value,
        "drawdown": "compounded, from the start of the period on; DRAWDOWN is negative, "
        "MAX_DRAWDOWN positive",
        "unit": "each figure names its own",
    }


def benchmark_json(found: Line, as_of: date) -> Json:
    """Return which benchmark it is, and where each part of it comes from."""
    return {
        "benchmark": found.blend.symbol,
        "rebalancing": found.blend.rebalancing.value,
        "currency": found.currency,
        "parts": [
            {
                "symbol": part.symbol,
                "name": part.name,
                "return_basis": part.basis.value,
                "data_source": part.source.value,
                "provider": part.provider,
                "last_date": None if (last := part.as_of(as_of)) is None else last.on.isoformat(),
            }
            for part in found.parts
        ],
    }


def risk_json(found: tuple[PeriodRisk, ...], request: AskedRisk, about: Json) -> Json:
    """Return the answer of POST /portfolios/{id}/risk."""
    return {
        **about,
        "results": {period.name: _period(period, request) for period in found},
        "conventions": conventions_json(request.terms),
    }


def _period(period: PeriodRisk, request: AskedRisk) -> Json:
    answer: Json = {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        "n": 0 if period.own is None else period.own.n,
        "n_without_capital": period.left_out,
        "metrics": {name: metric_json(period, name, request) for name in request.metrics},
        "coverage": amount_or_null(period.coverage_min),
    }
    if request.benchmark is not None:
        answer["n_benchmark"] = 0 if period.beside is None else period.beside.n
        answer["n_unpaired"] = period.unpaired
    if request.rolling is not None:
        answer["rolling"] = rolling_json(period, request.rolling)
    if request.intervals is not None:
        answer["bootstrap"] = intervals_json(period, request.intervals)
    if period.warnings:
        answer["warnings"] = warnings_json(period.warnings)
    return answer


def metric_json(period: PeriodRisk, name: str, request: AskedRisk) -> Json:
    """Return one metric: its value or null with a reason, its unit, and what it rests on."""
    measure = measure_named(name, request.terms)
    figure = period.figure(measure)
    if name == "DRAWDOWN" and isinstance(period.drawdown, Undefined):
        figure = period.drawdown
    suite = period.suite_of(measure)
    answer: Json = {
        "value": told_as(name, figure),
        "unit": unit_of(name, measure),
        "n": 0 if suite is None else suite.n,
    }
    details: Json = {}
    if name == "DRAWDOWN":
        details = _fall_details(period, request)
    elif name == AT_RISK:
        details = _var_details(period, request)
    if isinstance(figure, Undefined):
        answer["reason"] = {"code": figure.reason.value, "sentence": figure.sentence}
        details = {"error": figure.sentence}
    if details:
        answer["details"] = details
    return answer


def _fall_details(period: PeriodRisk, request: AskedRisk) -> Json:
    found = period.drawdown
    if isinstance(found, Undefined):
        return {}
    deepest = found.deepest
    details: Json = {
        "max_drawdown": 0.0 - (fraction(found.depth) or 0.0),
        "peak_date": None if deepest is None else day_or_null(deepest.peak_on),
        "trough_date": None if deepest is None else day_or_null(deepest.trough_on),
        "recovery_date": None if deepest is None else day_or_null(deepest.recovered_on),
        "recovery_days": None if deepest is None else deepest.recovery_days,
        "is_open": deepest is not None and deepest.recovered_on is None,
        "worst": [_fall_json(fall) for fall in period.worst],
    }
    if request.with_underwater:
        details["underwater"] = [
            {"date": to_date(day).isoformat(), "value": fraction(float(depth))}
            for day, depth in zip(found.dates, found.underwater, strict=True)
        ]
    return details


def _fall_json(fall: Fall) -> Json:
    return {
        "drawdown": 0.0 - (fraction(fall.depth) or 0.0),
        "peak_date": day_or_null(fall.peak_on),
        "trough_date": day_or_null(fall.trough_on),
        "recovery_date": day_or_null(fall.recovered_on),
        "length_days": _days(fall.peak_on, fall.recovered_on),
        "recovery_days": fall.recovery_days,
    }


def _days(start: date | None, end: date | None) -> int | None:
    return None if start is None or end is None else (end - start).days


def _var_details(period: PeriodRisk, request: AskedRisk) -> Json:
    terms, tail = request.terms, period.tail
    details: Json = {
        "method": terms.method.value,
        "confidence": terms.confidence,
        "horizon_days": terms.horizon_days,
        "tail_observations": None if tail is None else fraction(tail.observations),
    }
    if request.with_shortfall and tail is not None:
        details["expected_shortfall"] = percent(tail.expected_shortfall)
    return details
