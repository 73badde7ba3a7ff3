"""The requests and the answers of contribution, attribution and the bridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from tidebook.analytics import AllocationModel, Linking, Undefined
from tidebook.api.replies import Json, amount, amount_or_null, day_or_null
from tidebook.api.rows.bodies import refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.wire.performance import CONVENTIONS, fraction, percent, periods_of
from tidebook.api.wire.scope import refuse_each, scope_of
from tidebook.engine.measuring.attributing import Terms
from tidebook.engine.measuring.parts import Dimension

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.analytics import Figure
    from tidebook.api.wire.scope import AskedScope
    from tidebook.engine.measuring.attributing import GroupEffects, PeriodAttribution
    from tidebook.engine.measuring.bridging import Bridge
    from tidebook.engine.measuring.contributing import Contribution, PeriodContribution
    from tidebook.engine.measuring.performance import NamedPeriod

GROUPS_MAX = 200
_WEIGHT_NOISE = 1e-9

_BODY = Names.of(("scope", "periods", "options"))
_ATTRIBUTION_BODY = Names.of(("scope", "periods", "benchmark", "options"))
_OPTIONS = Names.of(("by", "linking"))
_ATTRIBUTION_OPTIONS = Names.of(("by", "linking", "model", "currency_effects"))
_GROUP = Names.of(("group", "weight", "security_id", "benchmark", "return", "local_return"))

_PARTS: Json = {
    **CONVENTIONS,
    "unit": "percent",
    "linking": "CARINO: each day by the logarithm of its growth",
    "exercise": "an exercised contract ends without a flow; its worth shows in the underlying",
    "carried": "units that become those of another security leave one for the other at their "
    "value at the close of the day",
}
CONTRIBUTION_CONVENTIONS: Json = {
    **_PARTS,
    "formula": "gain of a group over the capital of the whole, day by day, linked so that all sum "
    "to the time-weighted return",
    "currency_contribution": "what the exchange rate did to the group's capital; the rest is local",
}
ATTRIBUTION_CONVENTIONS: Json = {
    **_PARTS,
    "model": "allocation (w - v)(b - B), selection v(r - b), interaction (w - v)(r - b)",
    "benchmark": "with indices, each day at its weights, an index carried over days without a "
    "level; with returns, the period as one, with the weights of its first day",
    "other": "gains on no capital, and with returns what trading inside the period changed",
}

_CURRENCY_EFFECTS: Json = {
    "currency_effects": "what the rate did to a group's capital in the portfolio less what it did "
    "in the benchmark, w·c - v·c; the other effects are of returns less c (Karnosky and Singer "
    "with cash rates of zero)",
}


class AskedContribution(NamedTuple):
    """A contribution request as it was sent."""

    scope: AskedScope
    periods: tuple[NamedPeriod, ...]
    dimension: Dimension
    linking: Linking


class AskedGroup(NamedTuple):
    """One group of the benchmark as it was sent: an index by name, or a return as a fraction."""

    group: str
    weight: float
    symbol: str | None
    total: float | None
    local: float | None


class AskedAttribution(NamedTuple):
    """An attribution request as it was sent."""

    scope: AskedScope
    periods: tuple[NamedPeriod, ...]
    dimension: Dimension
    terms: Terms
    benchmark: tuple[AskedGroup, ...]


def asked_contribution(
    document: Mapping[str, object], now: datetime, *, of_several: bool = False
) -> AskedContribution:
    """Return what a contribution request asks for; names in snake_case or camelCase.

    Raises:
        InvalidRequestError: With every fault of the request.
    """
    faults = Faults()
    body = RowReader(document, _BODY, pointer="", faults=faults, now=now)
    options = _options(body, _OPTIONS, faults, now)
    result = AskedContribution(
        scope_of(body, faults, now, of_several=of_several),
        _whole_periods(body, faults, now),
        options.choice("by", Dimension, Dimension.SECURITY),
        options.choice("linking", Linking, Linking.CARINO),
    )
    refuse_each(result.scope, faults)
    if faults.count:
        raise refusal(faults)
    return result


def asked_attribution(
    document: Mapping[str, object], now: datetime, *, of_several: bool = False
) -> AskedAttribution:
    """Return what an attribution request asks for; names in snake_case or camelCase.

    Raises:
        InvalidRequestError: With every fault of the request.
    """
    faults = Faults()
    body = RowReader(document, _ATTRIBUTION_BODY, pointer="", faults=faults, now=now)
    options = _options(body, _ATTRIBUTION_OPTIONS, faults, now)
    model = options.choice("model", AllocationModel, AllocationModel.BRINSON_FACHLER)
    linking = options.choice("linking", Linking, Linking.CARINO)
    with_currency = options.flag("currency_effects")
    result = AskedAttribution(
        scope_of(body, faults, now, of_several=of_several),
        _whole_periods(body, faults, now),
        options.choice("by", Dimension, Dimension.ASSET_CLASS),
        Terms(model, linking, with_currency),
        _benchmark(body, with_currency=with_currency),
    )
    refuse_each(result.scope, faults)
    if faults.count:
        raise refusal(faults)
    return result


def _options(body: RowReader, names: Names, faults: Faults, now: datetime) -> RowReader:
    return RowReader(body.fields("options"), names, pointer="/options", faults=faults, now=now)


def _whole_periods(body: RowReader, faults: Faults, now: datetime) -> tuple[NamedPeriod, ...]:
    periods = periods_of(body, faults, now)
    for index, period in enumerate(periods):
        if period.breakdown is not None:
            faults.add(
                f"/periods/{index}/breakdown",
                "breakdown.not-here",
                "effects are told of whole periods; leave it out, or name each part as a period",
            )
    return periods


def _benchmark(body: RowReader, *, with_currency: bool) -> tuple[AskedGroup, ...]:
    if not body.has("benchmark"):
        body.fault(
            "benchmark",
            "field.missing",
            "it is required and was not given; send a list of groups with weights",
        )
        return ()
    readers = body.each("benchmark", _GROUP)
    if not 1 <= len(readers) <= GROUPS_MAX:
        body.fault("benchmark", "benchmark.count", f"send 1 to {GROUPS_MAX} groups")
        return ()
    groups = tuple(_group(reader, with_currency=with_currency) for reader in readers)
    if body.is_clean:
        _check_groups(body, groups)
    return groups


def _group(reader: RowReader, *, with_currency: bool) -> AskedGroup:
    by_id, text = reader.optional_text("security_id"), reader.optional_text("benchmark")
    given = [name for name in ("security_id", "benchmark", "return") if reader.has(name)]
    if len(given) != 1:
        reader.fault(
            given[-1] if given else "return",
            "benchmark.group",
            f"{' and '.join(given) or 'nothing'} says what the group earned; send one of "
            "security_id, benchmark or return",
        )
    total = float(reader.number("return")) if reader.has("return") else None
    weight = float(reader.number("weight"))
    local = float(reader.number("local_return")) if reader.has("local_return") else None
    if (local is not None) != (with_currency and total is not None):
        reader.fault(
            "local_return",
            "benchmark.local-return",
            "it stands beside a return, and only where currency_effects are asked for, and there "
            "of every group",
        )
    return AskedGroup(reader.identifier("group"), weight, by_id or text, total, local)


def _check_groups(body: RowReader, groups: tuple[AskedGroup, ...]) -> None:
    names = [each.group for each in groups]
    if len(set(names)) < len(names):
        body.fault("benchmark", "benchmark.group-doubled", "two groups have one name")
    total = sum(each.weight for each in groups)
    if abs(total - 1.0) > _WEIGHT_NOISE:
        body.fault(
            "benchmark", "benchmark.weights", f"its weights sum to {total}; they must sum to 1"
        )
    if len({each.symbol is None for each in groups}) > 1:
        body.fault(
            "benchmark",
            "benchmark.mixed",
            "some groups have an index and some a return; send the same for all",
        )


def contributions_json(
    found: tuple[PeriodContribution, ...], request: AskedContribution, about: Json
) -> Json:
    """Return the answer of POST /portfolios/{id}/contribution; figures are percent numbers."""
    return {
        **about,
        "by": request.dimension.value,
        "results": {period.name: _contributions(period) for period in found},
        "conventions": {**CONTRIBUTION_CONVENTIONS, "linking": request.linking.value},
    }


def _contributions(period: PeriodContribution) -> Json:
    answer: Json = {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        "cumulative_return": percent(period.total),
        "n": period.days,
        "contributions": [_contribution(row) for row in period.groups],
        "coverage": amount_or_null(period.coverage_min),
    }
    figures = [period.total, *(row.contribution for row in period.groups)]
    return answer | _reason(figures)


def _contribution(row: Contribution) -> Json:
    return {
        "group": row.group,
        "contribution": percent(row.contribution),
        "local_contribution": percent(row.local),
        "currency_contribution": percent(row.currency),
        "return": percent(row.own_return),
        "average_weight": fraction(row.weight_average),
        "begin_market_value": amount(row.begin_market_value),
        "end_market_value": amount(row.end_market_value),
        "gain": amount_or_null(row.gain),
    }


def attribution_json(
    found: tuple[PeriodAttribution, ...], request: AskedAttribution, about: Json
) -> Json:
    """Return the answer of POST /portfolios/{id}/attribution; figures are percent numbers."""
    return {
        **about,
        "by": request.dimension.value,
        "results": {
            period.name: _attribution(period, with_currency=request.terms.with_currency)
            for period in found
        },
        "conventions": {
            **ATTRIBUTION_CONVENTIONS,
            **(_CURRENCY_EFFECTS if request.terms.with_currency else {}),
            "allocation_model": request.terms.model.value,
            "linking": request.terms.linking.value,
        },
    }


def _attribution(period: PeriodAttribution, *, with_currency: bool) -> Json:
    answer: Json = {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        "portfolio_return": percent(period.portfolio),
        "benchmark_return": percent(period.benchmark),
        "active_return": percent(period.active),
        "other": percent(period.other),
        "n": period.days,
        "effects": [_effects(row, with_currency=with_currency) for row in period.groups],
        "coverage": amount_or_null(period.coverage_min),
    }
    return answer | _reason([period.portfolio, period.benchmark])


def _effects(row: GroupEffects, *, with_currency: bool) -> Json:
    return {
        "group": row.group,
        "weight": fraction(row.weight),
        "benchmark_weight": fraction(row.benchmark_weight),
        "allocation": percent(row.allocation),
        "selection": percent(row.selection),
        "interaction": percent(row.interaction),
        **({"currency": percent(row.currency)} if with_currency else {}),
        "total": percent(row.total),
    }


def _reason(figures: list[Figure]) -> Json:
    """Return why the first undefined figure is null."""
    for figure in figures:
        if isinstance(figure, Undefined):
            return {"reason": {"code": figure.reason.value, "sentence": figure.sentence}}
    return {}


def bridge_json(found: Bridge, portfolio_id: str) -> Json:
    """Return the answer of GET /portfolios/{id}/bridge: exact amounts as text."""
    return {
        "portfolio_id": portfolio_id,
        "base_currency": found.base_currency,
        "start_date": found.span.start.isoformat(),
        "end_date": found.span.end.isoformat(),
        "start": amount(found.start),
        "flows": amount(found.flows),
        "price": amount(found.price),
        "currency": amount(found.currency),
        "income": amount(found.income),
        "fees": amount(found.fees),
        "taxes": amount(found.taxes),
        "unexplained": amount(found.unexplained),
        "into_unpriced": amount(found.into_unpriced),
        "end": amount(found.end),
        "unpriced": list(found.unpriced),
        "securities": [
            {
                "security_id": key.security_id,
                "start": amount(key.initial),
                "end": amount(key.final),
                "realised": amount(key.realised),
                "realised_currency": amount(key.realised_currency),
                "unrealised": amount(key.unrealised),
                "unrealised_currency": amount(key.unrealised_currency),
            }
            for key in found.keys
        ],
        "conventions": {
            "formula": "start + flows + price + currency + income - fees - taxes + unexplained "
            "= end + into_unpriced",
            "unit": "amounts in base currency, every digit",
            "flows": "across the portfolio's border; positive is in",
            "gains": "before costs; what is held when the period opens enters at its value then",
            "fees": "of trades as well as those booked by themselves; taxes likewise",
        },
    }
