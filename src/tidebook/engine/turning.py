"""Turning days from whole series: what a store that holds those can answer with."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics import to_days, to_float64
from tidebook.engine.series_port import SpanEnds, TurningDays, Valued

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.series import PortfolioDay
    from tidebook.engine.views import SeriesView

COLUMNS = 6
"""The amounts of a turning day."""


def turning_of(views: Sequence[SeriesView], spans: Sequence[tuple[date, date]]) -> TurningDays:
    """Return the turning days of whole series and the ends of spans among them."""
    rows = [(place, day) for place, view in enumerate(views) for day in view.days if _turns(day)]
    return TurningDays(
        tuple(
            Valued(
                view.portfolio.portfolio_id,
                view.portfolio.base_currency,
                view.freshness.generation,
                view.freshness.status,
                view.inception,
            )
            for view in views
        ),
        np.array([place for place, _ in rows], np.int64),
        to_days([day.on for _, day in rows]),
        to_float64(amount for _, day in rows for amount in _amounts(day)).reshape(-1, COLUMNS),
        tuple(_ends(views, *span) for span in spans),
    )


def ends_of(rows: Sequence[tuple[date | None, float, float, date | None]]) -> SpanEnds:
    """Return the ends of a span: of each the first day, what it opens and closes at, the last."""
    first = tuple(row[0] for row in rows)
    return SpanEnds(
        first,
        np.array([np.datetime64("NaT") if day is None else day for day in first], "datetime64[D]"),
        np.array([day is not None for day in first], np.bool_),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.float64),
        tuple(row[3] for row in rows),
    )


def _turns(day: PortfolioDay) -> bool:
    moved = day.bod_cashflow or day.eod_cashflow or day.fees or day.unpriced_cost
    return bool(moved) or day.eod_market_value <= 0


def _amounts(day: PortfolioDay) -> tuple[Decimal, ...]:
    return (
        day.bod_market_value,
        day.bod_cashflow,
        day.eod_cashflow,
        day.eod_market_value,
        day.fees,
        day.unpriced_cost,
    )


def _ends(views: Sequence[SeriesView], start: date, end: date) -> SpanEnds:
    rows: list[tuple[date | None, float, float, date | None]] = []
    for view in views:
        days = [day.on for day in view.days]
        inside = view.days[bisect_left(days, start) : bisect_right(days, end)]
        if not inside:
            rows.append((None, 0.0, 0.0, None))
            continue
        values = to_float64([inside[0].bod_market_value, inside[-1].eod_market_value])
        rows.append((inside[0].on, float(values[0]), float(values[1]), inside[-1].on))
    return ends_of(rows)
