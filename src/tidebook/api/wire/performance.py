"""The request and the answer of the two performance routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, cast

from tidebook.analytics import Figure, ReturnWarning, Undefined
from tidebook.api.replies import Json, amount, amount_or_null, day_or_null
from tidebook.api.rows.bodies import refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.wire.rules import refuse_rules, rule_days_json, rules_asked, rules_json
from tidebook.api.wire.scope import AskedScope, refuse_each, scope_of
from tidebook.engine.measuring.conventions import (
    ANNUALISED,
    MEASURED,
    MONEY_WEIGHTED,
    TIME_WEIGHTED,
)
from tidebook.engine.measuring.many_returns import EachPeriod, EachReturn
from tidebook.engine.measuring.performance import (
    Attributes,
    NamedPeriod,
    PeriodRate,
    PeriodReturn,
    Request,
)
from tidebook.engine.measuring.ruled import HouseRules, RuledPeriod
from tidebook.errors import InvalidPeriodError
from tidebook.model.periods import Breakdown, PeriodRequest, PeriodType

PERIODS_MAX = 100
PLACES = 10
_YEAR_MAX = 9999
_LENGTH_MAX = 40_000

_BODY = Names.of(("scope", "periods", "options"))
_PERIOD = Names.of(("type", "name", "from", "to", "year", "months", "days", "breakdown"))
_OPTIONS = Names.of(
    ("include_annualized", "include_cumulative", "include_attributes", "annualize", "rules")
)

CONVENTIONS: Json = {**MEASURED}
TWR_CONVENTIONS: Json = {
    **CONVENTIONS,
    "formula": TIME_WEIGHTED,
    "unit": "percent",
    "annualized": ANNUALISED,
}
MWR_CONVENTIONS: Json = {
    **CONVENTIONS,
    "formula": MONEY_WEIGHTED,
    "unit": "fraction",
    "mwr": "a yearly rate, whatever the length of the period",
    "mwr_annualized": "the same rate for periods of 365 days or more",
}


class Asked(NamedTuple):
    """A performance request as it was sent."""

    scope: AskedScope
    periods: tuple[NamedPeriod, ...]
    options: Mapping[str, bool]
    rules: HouseRules | None = None


def asked(
    document: Mapping[str, object],
    now: datetime,
    *,
    of_several: bool = False,
    by_each: bool = True,
    by_rules: bool = True,
) -> Asked:
    """Return what a performance request asks for; names in snake_case or camelCase.

    With ``of_several`` its scope says which portfolios; ``by_each`` says whether the figures of
    each of them may be asked for, ``by_rules`` whether the rules of a house may be stated.

    Raises:
        InvalidRequestError: With every fault of the request.
    """
    faults = Faults()
    body = RowReader(document, _BODY, pointer="", faults=faults, now=now)
    scope = scope_of(body, faults, now, of_several=of_several)
    options = RowReader(
        body.fields("options"), _OPTIONS, pointer="/options", faults=faults, now=now
    )
    result = Asked(
        scope=scope,
        periods=periods_of(body, faults, now),
        options={
            "include_annualized": options.flag("include_annualized", default=True),
            "include_cumulative": options.flag("include_cumulative", default=True),
            "include_attributes": options.flag("include_attributes"),
            "annualize": options.flag("annualize", default=True),
        },
        rules=rules_asked(options, faults, now),
    )
    if not by_rules:
        refuse_rules(result.rules, faults)
    if by_each:
        _check_each(result, faults)
    else:
        refuse_each(result.scope, faults)
    if faults.count:
        raise refusal(faults)
    return result


def _check_each(request: Asked, faults: Faults) -> None:
    """Refuse what is not told of each portfolio by itself."""
    group = request.scope.group
    if group is None or not group.each:
        return
    plain = "returns of each portfolio are told in its own currency, as of now, without more"
    scope = request.scope
    unfit = {
        "/scope/reporting_currency": scope.currency,
        "/scope/known_at": scope.known_at,
        "/scope/each": not scope.choice.is_everything,
        "/options/include_attributes": request.options["include_attributes"],
        "/options/rules": request.rules is not None,
    }
    for index, named in enumerate(request.periods):
        unfit[f"/periods/{index}/breakdown"] = named.breakdown
        if named.period.type is PeriodType.SINCE_RESTATEMENT:
            unfit[f"/periods/{index}/type"] = True
    for pointer, given in unfit.items():
        if given:
            faults.add(pointer, "each.plain", f"{plain}; leave it out, or ask for one of them")


def periods_of(body: RowReader, faults: Faults, now: datetime) -> tuple[NamedPeriod, ...]:
    """Return the periods of a request; what is wrong with them is added to ``faults``."""
    rows = body.rows("periods")
    if not 1 <= len(rows) <= PERIODS_MAX and body.is_clean:
        body.fault(
            "periods",
            "periods.count",
            f"there are {len(rows)} periods; send 1 to {PERIODS_MAX}",
        )
        return ()
    periods: list[NamedPeriod] = []
    names: set[str] = set()
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            faults.add(
                f"/periods/{index}", "row.expected", "it is no object; send fields in braces"
            )
            continue
        fields = cast("Mapping[str, object]", row)
        reader = RowReader(fields, _PERIOD, pointer=f"/periods/{index}", faults=faults, now=now)
        period = _period(reader)
        if period is None:
            continue
        if period.name in names:
            reader.fault(
                "name",
                "period.name-doubled",
                f"two periods are named {period.name}, and one would hide the other; name them "
                "apart",
            )
        names.add(period.name)
        periods.append(period)
    return tuple(periods)


def _period(row: RowReader) -> NamedPeriod | None:
    kind = _period_type(row)
    breakdown = (
        row.choice("breakdown", Breakdown, Breakdown.DAILY) if row.has("breakdown") else None
    )
    start, end = row.optional_day("from"), row.optional_day("to")
    year = row.number("year") if row.has("year") else None
    if year is not None and (year != year.to_integral_value() or not 1 <= year <= _YEAR_MAX):
        row.fault("year", "year.unusable", "it is no calendar year; send one such as 2024")
    months, days = _length(row, "months"), _length(row, "days")
    name = row.text("name")
    if kind is None or not row.is_clean:
        return None
    try:
        period = PeriodRequest(kind, start, end, None if year is None else int(year), months, days)
    except InvalidPeriodError as refused:
        row.fault("type", refused.code, f"{refused}; {refused.hint}")
        return None
    return NamedPeriod(name or kind.value, period, breakdown)


def _length(row: RowReader, name: str) -> int | None:
    return row.whole(name, default=1, most=_LENGTH_MAX) if row.has(name) else None


def _period_type(row: RowReader) -> PeriodType | None:
    text = row.identifier("type")
    if not row.is_clean:
        return None
    try:
        return PeriodType.parse(text)
    except InvalidPeriodError as refused:
        row.fault("type", refused.code, f"{refused}; {refused.hint}")
        return None


def ruled_json(
    found: tuple[RuledPeriod, ...], request: Asked, rules: HouseRules, about: Json
) -> Json:
    """Return the answer of the same route under rules: with the days on which they decided."""
    answer = returns_json(tuple(one.told for one in found), request, about)
    summary = {
        one.told.name: {**return_summary(one.told, request), "rule_days": rule_days_json(one)}
        for one in found
    }
    return {
        **answer,
        "summary": summary,
        "conventions": {**TWR_CONVENTIONS, "rules": rules_json(rules)},
    }


def returns_json(found: tuple[PeriodReturn, ...], request: Asked, about: Json) -> Json:
    """Return the answer of POST /portfolios/{id}/performance; returns are percent numbers.

    ``about`` is what the answer is about: its scope, its currency and its freshness.
    """
    breakdowns = {
        period.name: _breakdown(period) for period in found if period.breakdown is not None
    }
    summary = {period.name: return_summary(period, request) for period in found}
    answer: Json = {**about, "summary": summary}
    if breakdowns:
        answer["breakdowns"] = breakdowns
    return {**answer, "conventions": TWR_CONVENTIONS}


def return_summary(period: PeriodReturn, request: Asked) -> Json:
    """Return one period of the answer."""
    figures: dict[str, Figure] = {}
    if request.options["include_cumulative"]:
        figures["cumulative_return"] = period.cumulative
    if request.options["include_annualized"]:
        figures["annualized_return"] = period.annualised
    answer: Json = {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        **{name: percent(figure) for name, figure in figures.items()},
    }
    if request.options["include_attributes"] and period.attributes is not None:
        answer["attributes"] = _return_attributes(period.attributes)
    answer["n"] = period.n
    answer["coverage"] = amount_or_null(period.coverage_min)
    add_reason(answer, figures)
    if period.warnings:
        answer["warnings"] = warnings_json(period.warnings)
    return answer


def warnings_json(warnings: tuple[ReturnWarning, ...]) -> list[Json]:
    """Return what a reader of a time-weighted return has to know about it."""
    return [
        {
            "code": warning.kind.value,
            "date": warning.on.isoformat(),
            "sentence": warning.sentence,
        }
        for warning in warnings
    ]


def each_json(found: tuple[EachReturn, ...], request: Request) -> Json:
    """Return the answer of POST /portfolios/performance for each portfolio, in percent."""
    return {
        "scope": {
            "as_of_date": request.as_of.isoformat(),
            "net_or_gross": request.basis.value,
            "each": True,
        },
        "results": [
            {
                "portfolio_id": each.portfolio_id,
                "currency": each.currency,
                "generation": each.generation,
                "status": each.status,
                "summary": {period.name: _each_summary(period) for period in each.periods},
            }
            for each in found
        ],
        "conventions": TWR_CONVENTIONS,
    }


def _each_summary(period: EachPeriod) -> Json:
    answer: Json = {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        "cumulative_return": percent(period.cumulative),
        "annualized_return": percent(period.annualised),
        "coverage": amount_or_null(period.coverage_min),
    }
    add_reason(answer, {"cumulative_return": period.cumulative})
    return answer


def _return_attributes(attributes: Attributes) -> Json:
    return {
        "begin_market_value": amount(attributes.begin_market_value),
        "end_market_value": amount(attributes.end_market_value),
        "total_cashflow": amount(attributes.total_cashflow),
        "bod_cashflow": amount(attributes.bod_cashflow),
        "eod_cashflow": amount(attributes.eod_cashflow),
        "fees": amount(attributes.fees),
    }


def _breakdown(period: PeriodReturn) -> Json:
    kind = period.breakdown or Breakdown.DAILY
    own_name = {
        Breakdown.DAILY: "dailyReturn",
        Breakdown.WEEKLY: "weeklyReturn",
        Breakdown.MONTHLY: "monthlyReturn",
        Breakdown.QUARTERLY: "quarterlyReturn",
        Breakdown.YEARLY: "yearlyReturn",
    }[kind]
    return {
        "breakdown_type": kind.value,
        "results": [
            {
                "start_date": part.start.isoformat(),
                "end_date": part.end.isoformat(),
                "cumulative_return": percent(part.cumulative),
                own_name: percent(part.cumulative),
            }
            for part in period.parts
        ],
    }


def rates_json(found: tuple[PeriodRate, ...], request: Asked, about: Json) -> Json:
    """Return the answer of POST /portfolios/{id}/performance/mwr; rates are fractions."""
    return {
        **about,
        "summary": {period.name: _rate_summary(period, request) for period in found},
        "conventions": MWR_CONVENTIONS,
    }


def _rate_summary(period: PeriodRate, request: Asked) -> Json:
    figures: dict[str, Figure] = {"mwr": period.rate_annual}
    if request.options["annualize"]:
        figures["mwr_annualized"] = period.rate_annualised
    answer: Json = {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        **{name: fraction(figure) for name, figure in figures.items()},
    }
    if period.attributes is not None:
        answer["attributes"] = _rate_attributes(period.attributes)
    answer["n"] = period.n
    answer["coverage"] = amount_or_null(period.coverage_min)
    add_reason(answer, figures)
    return answer


def _rate_attributes(attributes: Attributes) -> Json:
    return {
        "begin_market_value": amount(attributes.begin_market_value),
        "end_market_value": amount(attributes.end_market_value),
        "external_contributions": amount(attributes.contributions),
        "external_withdrawals": amount(attributes.withdrawals),
        "cashflow_count": attributes.cashflow_count,
    }


def add_reason(answer: Json, figures: Mapping[str, Figure]) -> None:
    """Say in an answer why the first undefined figure of a period is null."""
    for name, figure in figures.items():
        if isinstance(figure, Undefined):
            answer["reason"] = {
                "figure": name,
                "code": figure.reason.value,
                "sentence": figure.sentence,
            }
            return


def percent(figure: Figure) -> float | None:
    """Return a fraction as a percent number to ten places; null where it is undefined."""
    return None if isinstance(figure, Undefined) else round(figure * 100.0, PLACES) + 0.0


def fraction(figure: Figure) -> float | None:
    """Return a fraction to ten places; null where it is undefined."""
    return None if isinstance(figure, Undefined) else round(figure, PLACES) + 0.0
