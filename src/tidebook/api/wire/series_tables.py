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


def _rows(listed: object) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", listed)
