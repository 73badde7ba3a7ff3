"""Where the answers lie: rows and values of the client, made of the documents of the routes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from tidebook.client.records import (
    Attribution,
    Bridge,
    Comparison,
    Contribution,
    Effect,
    MoneyWeighted,
    Performance,
    Return,
    RiskFigure,
    SecurityGain,
    SymbolResult,
    UserMetrics,
    UserPortfolio,
    WinRate,
)
from tidebook.client.tables import Freshness, Table, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tidebook.client.doors import Document

Fields = dict[str, Any]
_HUNDRED: Final = 100
_PERCENT_OF: Final = {"TRACKING_ERROR": "fraction per year"}


def performances(document: Document) -> Iterator[Performance]:
    """Return the periods of a performance answer, its percent numbers as fractions."""
    for name, told in _named(document, "summary"):
        fields = {**told, **_part(told, "attributes"), "period": name}
        shares = _fractions(fields, "cumulative_return", "annualized_return")
        yield row_of(Performance, {**shares, "reason": _reason(told)})


def returns(document: Document, word: str) -> Iterator[Return]:
    """Return the parts of one period of a performance answer."""
    for part in _rows(_part(_part(document, "breakdowns"), word), "results"):
        yield row_of(Return, _fractions(part, "cumulative_return"))


def rates(document: Document) -> Iterator[MoneyWeighted]:
    """Return the periods of a money-weighted answer."""
    for name, told in _named(document, "summary"):
        fields = {**told, **_part(told, "attributes"), "period": name}
        yield row_of(MoneyWeighted, {**fields, "reason": _reason(told)})


def risks(document: Document) -> Iterator[RiskFigure]:
    """Return the measures of a risk answer, period by period; what is in percent as fractions."""
    for name, told in _named(document, "results"):
        for metric, figure in _part(told, "metrics").items():
            in_percent = figure["unit"] == "percent"
            value = _over_hundred(figure["value"]) if in_percent else figure["value"]
            unit = _PERCENT_OF.get(metric, "fraction") if in_percent else figure["unit"]
            fields = {**figure, "value": value, "unit": unit, "metric": metric, "period": name}
            yield row_of(RiskFigure, {**fields, "reason": _reason(figure)})


def contributions(document: Document, word: str) -> Iterator[Contribution]:
    """Return the groups of one period of a contribution answer; percent numbers as fractions."""
    shares = ("contribution", "local_contribution", "currency_contribution", "group_return")
    for group in _rows(_part(_part(document, "results"), word), "contributions"):
        yield row_of(Contribution, _fractions({**group, "group_return": group["return"]}, *shares))


def comparison_of(document: Document) -> Comparison:
    """Return a comparison, its percent numbers as fractions."""
    user, index, both, days = (
        cast("Fields", document[name])
        for name in ("user_performance", "benchmark_performance", "comparison", "timeframe")
    )
    percents = {
        "mwr": user["profit_percent"],
        "mwr_annual": user["mwr_annual_percent"],
        "twr": user["twr_percent"],
        "benchmark_mwr": index["mwr_percent"],
        "benchmark_mwr_annual": index["mwr_annual_percent"],
        "benchmark_return": index["returns_percent"],
        "direct_alpha": index["direct_alpha_percent"],
        "difference": both["difference_percent"],
        "twr_difference": both["twr_difference_percent"],
        "tracking_error_annual": both["tracking_error_annual_percent"],
        "alpha_annual": both["alpha_annual_percent"],
    }
    fields = {
        **both,
        **{name: _over_hundred(value) for name, value in percents.items()},
        "user_id": document["user_id"],
        "currency": document["currency"],
        "benchmark": index["symbol"],
        "start_date": days["measured_start_date"],
        "end_date": days["measured_end_date"],
        "profit": user["profit_dollar"],
        "end_value": user["closing_value"],
        "end_value_same_flows": index["end_value_same_flows"],
        "value_added": index["value_added"],
        "ks_pme": index["ks_pme"],
    }
    told = row_of(Comparison, fields)
    return told._replace(reasons=_sentences(both, "reasons"), warnings=_sentences(both, "warnings"))


def _sentences(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(str(one["sentence"]) for one in _rows(fields, name))


def attribution_of(document: Document, word: str) -> Attribution:
    """Return one period of an attribution answer; percent numbers as fractions."""
    told = _part(_part(document, "results"), word)
    shares = ("portfolio_return", "benchmark_return", "active_return", "other")
    fields = {**_fractions(told, *shares), "period": word, "reason": _reason(told)}
    effects = ("allocation", "selection", "interaction", "currency", "total")
    rows = tuple(row_of(Effect, _fractions(one, *effects)) for one in _rows(told, "effects"))
    return row_of(Attribution, fields)._replace(effects=Table(Effect, rows, fresh_of(document)))


def bridge_of(document: Document) -> Bridge:
    """Return a bridge, exact."""
    rows = tuple(row_of(SecurityGain, one) for one in _rows(document, "securities"))
    return row_of(Bridge, document)._replace(
        unpriced=tuple(map(str, document["unpriced"])),
        securities=Table(SecurityGain, rows, fresh_of(document)),
    )


def user_metrics_of(document: Document) -> UserMetrics:
    """Return what a user traded, holds and earned; percent numbers as fractions."""
    fields = {
        **document,
        "profit": document["profit_dollar"],
        "mwr": _over_hundred(document["returns_percent"]),
        "mwr_annual": _over_hundred(document["returns_annual_percent"]),
        "twr": _over_hundred(document["twr_percent"]),
    }
    return row_of(UserMetrics, fields)._replace(reasons=_sentences(document, "reasons"))


def user_portfolio_of(document: Document) -> UserPortfolio:
    """Return a user's totals and symbols; percent numbers as fractions."""
    rows = tuple(
        row_of(SymbolResult, {**one, "return_on_invested": _over_hundred(one["return_pct"])})
        for one in _rows(document, "all_symbols")
    )
    return row_of(UserPortfolio, document)._replace(symbols=Table(SymbolResult, rows))


def win_rate_of(document: Document) -> WinRate:
    """Return how a user's closed trades ended; percent numbers as fractions."""
    told = row_of(WinRate, _fractions(document, "win_rate", "win_rate_of_all"))
    return told._replace(reasons=_sentences(document, "reasons"))


def fresh_of(document: Document) -> Freshness | None:
    """Return what an answer rests on; None where it rests on no single state."""
    fresh = document.get("freshness")
    return None if fresh is None else row_of(Freshness, fresh)


def _named(document: Document, name: str) -> Iterable[tuple[str, Fields]]:
    return _part(document, name).items()


def _part(fields: Mapping[str, Any], name: str) -> Fields:
    """Return an object within another; an empty one where it is missing or null."""
    return cast("Fields", fields.get(name) or {})


def _rows(fields: Mapping[str, Any], name: str) -> list[Fields]:
    return cast("list[Fields]", fields.get(name) or [])


def _fractions(fields: Mapping[str, Any], *names: str) -> Fields:
    """Return fields of which some were told in percent."""
    return {**fields, **{name: _over_hundred(fields.get(name)) for name in names}}


def _over_hundred(value: object) -> float | None:
    """Return a percent number as a fraction, divided in decimals so that 5.1 becomes 0.051."""
    return None if value is None else float(Decimal(str(value)) / _HUNDRED)


def _reason(fields: Mapping[str, Any]) -> str | None:
    told = fields.get("reason")
    if isinstance(told, dict):
        return str(cast("Fields", told).get("sentence"))
    return None if told is None else str(told)
