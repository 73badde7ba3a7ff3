"""The series that answers hold, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from tidebook.api.formats import Kind, Table
from tidebook.api.wire import shapes
from tidebook.api.wire.performance import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidebook.api.replies import Json
    from tidebook.engine.measuring.performance import PeriodReturn
    from tidebook.engine.views import SeriesView

_DAYS: Final = {
    "date": Kind.DAY,
    "bod_market_value": Kind.AMOUNT,
    "bod_cashflow": Kind.AMOUNT,
    "eod_cashflow": Kind.AMOUNT,
    "eod_market_value": Kind.AMOUNT,
    "fees": Kind.AMOUNT,
    "unpriced_cost": Kind.AMOUNT,
}
_CHANGES: Final = {
    "position_date": Kind.DAY,
    "transaction_id": Kind.TEXT,
    "type": Kind.TEXT,
    "leg": Kind.TEXT,
    "quantity": Kind.AMOUNT,
    "cost_basis": Kind.AMOUNT,
    "cost_basis_local": Kind.AMOUNT,
    "epoch": Kind.COUNT,
    "market_price": Kind.AMOUNT,
    "price_date": Kind.DAY,
    "price_currency": Kind.TEXT,
    "fx_rate": Kind.AMOUNT,
    "market_value": Kind.AMOUNT,
    "counted_value": Kind.AMOUNT,
    "unrealized_gain_loss": Kind.AMOUNT,
    "market_value_local": Kind.AMOUNT,
    "unrealized_gain_loss_local": Kind.AMOUNT,
    "status": Kind.TEXT,
    "reason": Kind.TEXT,
}
_RETURNS: Final = {
    "period": Kind.TEXT,
    "breakdown_type": Kind.TEXT,
    "start_date": Kind.DAY,
    "end_date": Kind.DAY,
    "cumulative_return": Kind.NUMBER,
}


_EACH: Final = {
    "portfolio_id": Kind.TEXT,
    "currency": Kind.TEXT,
    "period": Kind.TEXT,
    "start_date": Kind.DAY,
    "end_date": Kind.DAY,
    "cumulative_return": Kind.NUMBER,
    "annualized_return": Kind.NUMBER,
    "coverage": Kind.AMOUNT,
}
_RISK: Final = {
    "period": Kind.TEXT,
    "metric": Kind.TEXT,
    "date": Kind.DAY,
    "value": Kind.NUMBER,
    "unit": Kind.TEXT,
    "n": Kind.COUNT,
}
_PRICES: Final = {
    "security_id": Kind.TEXT,
    "price_date": Kind.DAY,
    "price": Kind.AMOUNT,
    "currency": Kind.TEXT,
}
_RATES: Final = {
    "from_currency": Kind.TEXT,
    "to_currency": Kind.TEXT,
    "rate_date": Kind.DAY,
    "rate": Kind.AMOUNT,
}


def days_of(view: SeriesView) -> Table:
    """Return the daily series of a portfolio, one row a day."""
    document = shapes.series_json(view)
    return Table(_DAYS, _rows(document["days"]), cast("Json", document["freshness"]))


def changes_of(document: Json) -> Table:
    """Return a position history, one row a change, its valuation in columns of their own."""
    rows = [
        {**row, **cast("Mapping[str, object]", row["valuation"])}
        for row in _rows(document["positions"])
    ]
    return Table(_CHANGES, rows, cast("Json", document["freshness"]))


def returns_of(periods: Sequence[PeriodReturn], about: Json) -> Table:
    """Return the returns of periods in percent, one row a part; a whole period without parts."""
    rows: list[Mapping[str, object]] = []
    for period in periods:
        if period.breakdown is None:
            start = None if period.start is None else period.start.isoformat()
            rows.append(
                {
                    "period": period.name,
                    "start_date": start,
                    "end_date": period.end.isoformat(),
                    "cumulative_return": percent(period.cumulative),
                }
            )
        rows += [
            {
                "period": period.name,
                "breakdown_type": None if period.breakdown is None else period.breakdown.value,
                "start_date": part.start.isoformat(),
                "end_date": part.end.isoformat(),
                "cumulative_return": percent(part.cumulative),
            }
            for part in period.parts
        ]
    return Table(_RETURNS, rows, cast("Json", about["freshness"]))


def each_of(document: Json) -> Table:
    """Return the returns of each of many portfolios in percent, one row a portfolio and period."""
    rows = [
        {**each, "period": name, **told}
        for each in _rows(document["results"])
        for name, told in _parts(each["summary"])
    ]
    return Table(_EACH, rows, cast("Json", document["scope"]))


def risk_of(document: Json) -> Table:
    """Return a risk answer, one row a metric, and one a day of what is told day by day.

    The drawdown of every day is the metric ``UNDERWATER``; a metric of rolling windows has the day
    on which each window ends.
    """
    rows: list[Mapping[str, object]] = []
    for period, told in _parts(document["results"]):
        for metric, one in _parts(told["metrics"]):
            rows.append({"period": period, "metric": metric, **one})
            details = cast("Mapping[str, object]", one.get("details", {}))
            rows += [
                {"period": period, "metric": "UNDERWATER", "unit": one["unit"], **day}
                for day in _rows(details.get("underwater", []))
            ]
        windows = cast("Mapping[str, object]", told.get("rolling", {}))
        for metric, one in _parts(windows.get("metrics", {})):
            same = {"period": period, "metric": metric, "unit": one["unit"], "n": windows["window"]}
            rows += [{**same, **day} for day in _rows(one["values"])]
    return Table(_RISK, rows, cast("Json", document["freshness"]))


def prices_of(document: Json) -> Table:
    """Return the prices of a security, one row a day."""
    return Table(_PRICES, _rows(document["prices"]), {"known_at": document["known_at"]})


def rates_of(document: Json) -> Table:
    """Return the rates of a pair, one row a day."""
    return Table(_RATES, _rows(document["rates"]), {"known_at": document["known_at"]})


def _parts(named: object) -> list[tuple[str, Mapping[str, object]]]:
    return list(cast("Mapping[str, Mapping[str, object]]", named).items())


def _rows(listed: object) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", listed)
