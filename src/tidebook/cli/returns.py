"""The answer of ``tidebook performance``: time- and money-weighted returns per period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.analytics import FeeBasis, Figure, Undefined, value_of
from tidebook.cli.answers import freshness_note, freshness_record, title_of
from tidebook.cli.output import Answer, Column, Record
from tidebook.engine.measuring.conventions import (
    ANNUALISED,
    MEASURED,
    MONEY_WEIGHTED,
    TIME_WEIGHTED,
)
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    PeriodRate,
    PeriodReturn,
    Request,
    money_weighted_performance,
    performance,
)
from tidebook.model.periods import period_named as period_of

if TYPE_CHECKING:
    from datetime import date

    from tidebook.engine.measuring.measured import Measured
    from tidebook.engine.views import SeriesView

PERIODS = ("MTD", "QTD", "YTD", "1Y", "3Y", "5Y", "SI")
"""The periods that are shown when none is asked for."""


_CONVENTIONS = (
    "returns are cumulative over the period, time-weighted unless money-weighted is said; "
    "positions without a price are carried at cost, see coverage"
)


def period_named(text: str) -> NamedPeriod:
    """Return the period that a word of the command line asks for.

    A word is a name such as ``YTD``, a year such as ``2024``, or ``FROM:TO`` with two days.

    Raises:
        InvalidPeriodError: If it is none of these.
    """
    is_word = not (":" in text or (text.isascii() and text.isdecimal()))
    return NamedPeriod(text.upper() if is_word else text, period_of(text))


def performance_answer(
    view: SeriesView, found: Measured, periods: tuple[NamedPeriod, ...], as_of: date | None
) -> Answer:
    """Return the returns of a portfolio, or of what of it is measured, over periods.

    Time-weighted returns are after costs, with the same before costs beside them. Annualised
    figures are given for periods of a year and more; a shorter period's stays as it is
    (time-weighted) or undefined (money-weighted).
    """
    base = found.currency
    last = as_of or view.freshness.as_of
    records: list[Record] = []
    if last is not None:
        series = found.series
        net = Request(last, periods)
        gross = net._replace(basis=FeeBasis.GROSS)
        records = [
            _record(*figures)
            for figures in zip(
                performance(series, net),
                performance(series, gross),
                money_weighted_performance(series, net),
                strict=True,
            )
        ]
    reasons = dict.fromkeys(
        f"{record['period']}: {record['reason']}"
        for record in records
        if record["reason"] and (record["twr_net"] is None or record["mwr_period"] is None)
    )
    return Answer(
        title_of("performance", view.portfolio),
        (
            Column("period", "period"),
            Column("start_date", "from"),
            Column("end_date", "to"),
            Column("twr_net", "return net", "percent"),
            Column("twr_net_annualised", "a year", "percent"),
            Column("twr_gross", "return gross", "percent"),
            Column("mwr_period", "money-weighted", "percent"),
            Column("mwr_annualised", "a year", "percent"),
            Column("begin_market_value", f"begin {base}", "amount"),
            Column("net_flows", f"net flows {base}", "amount"),
            Column("fees", f"fees {base}", "amount"),
            Column("end_market_value", f"end {base}", "amount"),
            Column("coverage_min", "coverage", "percent"),
        ),
        records,
        {
            "portfolio_id": view.portfolio.portfolio_id,
            "base_currency": view.portfolio.base_currency,
            "currency": base,
            "freshness": {**freshness_record(view.freshness), "as_of": last},
            "periods": records,
            "conventions": {
                **MEASURED,
                "twr": TIME_WEIGHTED,
                "twr_net_annualised": ANNUALISED,
                "mwr": MONEY_WEIGHTED,
                "mwr_period": "that rate over the days of the period",
                "mwr_annualised": "that rate, for periods of 365 days or more",
                "unit": "fraction",
            },
        },
        None,
        (
            _CONVENTIONS,
            freshness_note(view.freshness._replace(as_of=last)),
            *reasons,
        ),
    )


def _record(net: PeriodReturn, gross: PeriodReturn, rate: PeriodRate) -> Record:
    attributes = net.attributes
    figures = (net.cumulative, rate.rate_period, net.annualised, rate.rate_annualised)
    return {
        "period": net.name,
        "start_date": net.start,
        "end_date": net.end,
        "twr_net": value_of(net.cumulative),
        "twr_net_annualised": value_of(net.annualised),
        "twr_gross": value_of(gross.cumulative),
        "mwr_period": value_of(rate.rate_period),
        "mwr_annualised": value_of(rate.rate_annualised),
        "begin_market_value": attributes.begin_market_value if attributes else None,
        "net_flows": attributes.total_cashflow if attributes else None,
        "fees": attributes.fees if attributes else None,
        "end_market_value": attributes.end_market_value if attributes else None,
        "n": net.n,
        "coverage_min": net.coverage_min,
        "reason": next(filter(None, map(_reason, figures)), None),
    }


def _reason(figure: Figure) -> str | None:
    return figure.sentence if isinstance(figure, Undefined) else None
