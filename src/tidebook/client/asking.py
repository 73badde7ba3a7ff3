"""How the client asks: periods and scopes as the routes take them, and where the answers lie."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tidebook.client.records import (
    Comparison,
    Contribution,
    MoneyWeighted,
    Performance,
    Return,
    RiskFigure,
)
from tidebook.client.tables import row_of
from tidebook.model.periods import period_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from tidebook.client.doors import Document

Fields = dict[str, Any]
_HUNDRED: Final = 100
_PERCENT_OF: Final = {"TRACKING_ERROR": "fraction per year"}


class When(NamedTuple):
    """As of which day, and with what was known at which instant; the newest where None."""

    as_of: date | None = None
    known_at: datetime | None = None

    def query(self) -> dict[str, object]:
        """Return it as parameters of an address."""
        told = None if self.known_at is None else self.known_at.isoformat()
        return {"as_of": self.as_of, "known_at": told}


NOW: Final = When()
"""The newest day, and all that is known."""


class Measuring(NamedTuple):
    """What is measured and how, where it is not the whole portfolio, now, and after fees."""

    when: When = NOW
    currency: str | None = None
    """In this currency; the portfolio's own where None."""
    is_gross: bool = False
    """Before fees."""
    security_id: str | None = None
    asset_class: str | None = None
    sector: str | None = None

    def scope(self) -> Fields:
        """Return it as the scope of a request."""
        as_of, known_at = self.when
        told = {
            "as_of_date": None if as_of is None else as_of.isoformat(),
            "known_at": None if known_at is None else known_at.isoformat(),
            "reporting_currency": self.currency,
            "net_or_gross": "GROSS" if self.is_gross else None,
            "security_id": self.security_id,
            "asset_class": self.asset_class,
            "sector": self.sector,
        }
        return {name: value for name, value in told.items() if value is not None}


class Risking(NamedTuple):
    """What risk is measured against, and how often returns are taken."""

    benchmark: str | None = None
    """A benchmark, a security of the book, or a blend such as ``60% SPY + 40% AGG``."""
    frequency: str = "DAILY"
    risk_free_annual: float = 0.0
    """As a fraction."""
    target_annual: float = 0.0
    confidence: float = 0.99
    """Of the value at risk."""

    def options(self) -> Fields:
        """Return it as the options of a request."""
        told: Fields = {
            "frequency": self.frequency,
            "risk_free_mode": "ANNUAL_RATE" if self.risk_free_annual else "ZERO",
            "mar_annual_rate": self.target_annual,
            "var": {"confidence": self.confidence},
        }
        if self.risk_free_annual:
            told["risk_free_annual_rate"] = self.risk_free_annual
        if self.benchmark is not None:
            told["benchmark"] = self.benchmark
        return told


def periods_of(words: Iterable[str], breakdown: str | None = None) -> list[Fields]:
    """Return periods as the routes take them, each named by its word.

    Raises:
        InvalidPeriodError: If a word is none of a name, a year, a length, or two days.
    """
    return [_period(word, breakdown) for word in words]


def _period(word: str, breakdown: str | None) -> Fields:
    found = period_named(word)
    told = {
        "type": found.type.value,
        "name": word,
        "from": None if found.start is None else found.start.isoformat(),
        "to": None if found.end is None else found.end.isoformat(),
        "year": found.year,
        "months": found.months,
        "days": found.days,
        "breakdown": breakdown,
    }
    return {name: value for name, value in told.items() if value is not None}


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
