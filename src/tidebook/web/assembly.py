"""What the pages show: from the reader's views to the values that the renderer prints.

The securities held are listed one by one; cash accounts are summed in one line. Cost and unrealised
gain are those of the securities listed, so that cost + unrealised gain + cash is the value. What is
held on margin cost nothing, and is worth its unrealised gain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import (
    Undefined,
    drawdown_of,
    time_weighted,
    value_of,
)
from tidebook.book.gains import totals, totals_by
from tidebook.book.holding_periods import Term
from tidebook.engine.explaining import FIGURES
from tidebook.engine.gains import gains_report, year_of
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    Request,
    money_weighted_performance,
    performance,
    series_of,
)
from tidebook.engine.ports import OVERVIEW_MAX
from tidebook.model.money import ZERO, exact, quotient
from tidebook.model.periods import PeriodRequest, PeriodType, Span
from tidebook.web.explained import Asked, explain_path
from tidebook.web.pages import (
    CurvePoint,
    DrawdownPoint,
    Explained,
    FindingRow,
    GainRow,
    HealthRow,
    IndexPage,
    IndexRow,
    PeriodRow,
    PortfolioPage,
    PositionRow,
    RestatementRow,
    WorstDrawdown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.gains import Gain
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.causes import Cause
    from tidebook.engine.gains import GainsReport
    from tidebook.engine.measuring.performance import PeriodRate, PeriodReturn
    from tidebook.engine.measuring.prepared import Series
    from tidebook.engine.views import (
        FindingView,
        Freshness,
        OverviewRow,
        PositionsView,
        PositionView,
        ReportView,
        RestatementView,
    )

ROOT_PATH = "/ui"
_DAYS_PER_YEAR = 365

_PERIODS = (
    ("Month to date", PeriodType.MTD),
    ("Quarter to date", PeriodType.QTD),
    ("Year to date", PeriodType.YTD),
    ("1 year", PeriodType.ONE_YEAR),
    ("3 years", PeriodType.THREE_YEAR),
    ("5 years", PeriodType.FIVE_YEAR),
    ("Since inception", PeriodType.SI),
)
_EXPLAINED_BY: Final = {
    "value": "portfolio.value",
    "net_contributions": "period.total_cashflow",
    "cash": "portfolio.cash",
    "cost": "portfolio.holdings_cost",
    "unrealised": "portfolio.holdings_unrealised",
    "realised": "portfolio.realised",
    "income": "portfolio.income",
    "fees": "period.fees",
}
_CONVENTIONS = (
    ("Time-weighted return", "net of fees; flows at the start of a day work that day"),
    ("Money-weighted return", "earned over the period, not per year"),
    ("Per year", "(1 + R) ^ (365.25 / days) - 1, for periods beyond 366 days"),
    ("Unpriced positions", "carried at their cost in history and returns; see value priced"),
    ("Contracts on margin", "nothing is paid for them: they count with their unrealised gain"),
    ("Fees", "expenses booked as such; costs of trades are in the cost of the position"),
    ("Long term", "held longer than the months that the portfolio states; a short never is"),
)


def portfolio_page(report: ReportView) -> PortfolioPage:
    """Return the page of a portfolio, as of the day of its positions."""
    positions, freshness = report.positions, report.positions.freshness
    portfolio = positions.portfolio
    held = [one for one in positions.positions if not one.instrument.is_cash]
    paid = [one for one in held if not one.instrument.is_margined]
    days = [
        day for day in report.series.days if freshness.as_of is None or day.on <= freshness.as_of
    ]
    series = series_of(report.series._replace(days=tuple(days)))
    is_empty = freshness.status == "EMPTY"
    about = _asked(portfolio.portfolio_id, freshness)
    unrealised, cash, income = _unrealised(held), _cash(positions), report.results.income_base
    curve = _curve(days)
    realised = gains_report(report.realised)
    return PortfolioPage(
        portfolio_id=portfolio.portfolio_id,
        name=portfolio.name or portfolio.portfolio_id,
        base_currency=portfolio.base_currency,
        as_of=freshness.as_of,
        known_at=freshness.known_at,
        generation=freshness.generation,
        status=freshness.status,
        coverage=positions.coverage,
        value=None if is_empty else positions.market_value_base,
        cash=None if is_empty else cash,
        cost=None if is_empty else _sum(one.cost_base for one in paid),
        unrealised=None if is_empty else unrealised,
        realised=None if is_empty else positions.realised_base,
        income=None if is_empty else income,
        fees=_sum(day.fees for day in series.moved) if days else None,
        net_contributions=curve[-1].contributed if curve else None,
        curve=curve,
        **_falls(series)._asdict(),
        periods=_periods(series, about),
        positions=[_position(one, positions) for one in held],
        findings=[_finding(view) for view in report.findings],
        health=[HealthRow(one[0], one.severity.value, *one[2:]) for one in report.health],
        restatements=[_restatement(view) for view in report.restatements.restatements],
        restatements_total=report.restatements.total,
        gains=_gain_rows(realised),
        gains_total=_gain_row("All years", realised.gains, realised.tax_reason),
        conventions=_CONVENTIONS,
        reasons={} if is_empty else _reasons(held, cash),
        root_path=ROOT_PATH,
        offers_time_travel=True,
        explained={} if is_empty else _explained(about),
    )


def _gain_rows(report: GainsReport) -> list[GainRow]:
    return [
        _gain_row(year, [one for one in report.gains if year_of(one) == year], report.tax_reason)
        for year in report.by_year
    ]


def _gain_row(name: str, gains: Sequence[Gain], tax_reason: str | None) -> GainRow:
    whole, by_term = totals(gains), totals_by(gains, lambda gain: gain.term.value)
    long_term, short_term = by_term.get(Term.LONG), by_term.get(Term.SHORT)
    return GainRow(
        name,
        None if long_term is None else long_term.gain_base,
        None if short_term is None else short_term.gain_base,
        whole.gain_base,
        whole.tax_base,
        tax_reason,
    )


def index_page(
    rows: Sequence[OverviewRow],
    version: str,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> IndexPage:
    """Return the list of portfolios, each with its last daily value at the two times asked for.

    Of more than ``OVERVIEW_MAX`` rows the first are listed, and the page says so.
    """
    listed = [_index_row(row) for row in rows[:OVERVIEW_MAX]]
    has_more = len(rows) > OVERVIEW_MAX
    return IndexPage(listed, version, ROOT_PATH, has_more, as_of, known_at)


def _index_row(row: OverviewRow) -> IndexRow:
    portfolio, freshness = row.portfolio, row.freshness
    return IndexRow(
        portfolio_id=portfolio.portfolio_id,
        name=portfolio.name or portfolio.portfolio_id,
        base_currency=portfolio.base_currency,
        value=None if row.last_day is None else row.last_day.eod_market_value,
        as_of=freshness.as_of,
        status=freshness.status,
        health_count=row.health_count,
    )


def _position(one: PositionView, view: PositionsView) -> PositionRow:
    quote, value = one.valuation.quote, one.valuation.value
    whole, on_margin = view.market_value_base, one.instrument.is_margined
    local = None if value is None else value.unrealised_local if on_margin else value.local
    return PositionRow(
        security_id=one.security_id,
        name=one.instrument.name,
        currency=one.instrument.currency,
        quantity=one.quantity,
        price=None if quote is None else quote.price,
        price_date=None if quote is None else quote.on,
        price_status=one.valuation.status.value,
        market_value_local=local,
        market_value=None if value is None else value.counted_base,
        cost=ZERO if on_margin else one.cost_base,
        unrealised=None if value is None else value.unrealised_base,
        weight=None if value is None or not whole else quotient(value.counted_base, whole),
        asset_class=one.instrument.asset_class,
    )


def _unrealised(held: Sequence[PositionView]) -> Decimal | None:
    values = [one.valuation.value for one in held]
    if any(value is None for value in values):
        return None
    return _sum(value.unrealised_base for value in values if value is not None)


def _cash(view: PositionsView) -> Decimal | None:
    accounts = [one.valuation.value for one in view.positions if one.instrument.is_cash]
    if any(value is None for value in accounts):
        return None
    return _sum(value.base for value in accounts if value is not None)


def _reasons(held: Sequence[PositionView], cash: Decimal | None) -> dict[str, str]:
    reasons: dict[str, str] = {}
    unvalued = sum(one.valuation.value is None for one in held)
    if unvalued:
        reasons["unrealised"] = f"{unvalued} of {len(held)} holdings cannot be valued."
    if cash is None:
        reasons["cash"] = "A cash account cannot be converted: its exchange rate is missing."
    return reasons


def _curve(days: Sequence[PortfolioDay]) -> list[CurvePoint]:
    points: list[CurvePoint] = []
    contributed = ZERO
    with exact():
        for on, _, bod_cashflow, eod_cashflow, value, fees, unpriced_cost in days:
            if bod_cashflow or eod_cashflow or fees:
                contributed += bod_cashflow + eod_cashflow + fees
            whole = value + unpriced_cost if unpriced_cost else value
            points.append(CurvePoint(on, whole, contributed))
    return points


class _Falls(NamedTuple):
    drawdown: Sequence[DrawdownPoint] = ()
    worst_drawdown: WorstDrawdown | None = None


def _falls(series: Series) -> _Falls:
    if not series.days:
        return _Falls()
    first, last = series.days[0].on, series.days[-1].on
    found = drawdown_of(time_weighted(series.values, Span(first, last), Request(last, ()).basis))
    if isinstance(found, Undefined):
        return _Falls()
    days: list[date] = found.dates.tolist()
    points = [*map(DrawdownPoint, days, found.underwater.tolist())]
    deepest = found.deepest
    if deepest is None:
        return _Falls(points)
    peak = deepest.peak_on or first
    worst = WorstDrawdown(deepest.depth, peak, deepest.trough_on, deepest.recovered_on)
    return _Falls(points, worst)


def _asked(portfolio_id: str, freshness: Freshness) -> Asked:
    """Return what is explained from a page: its portfolio, as of its day and as known then."""
    on, known_at = freshness.as_of, freshness.known_at
    return Asked(
        "",
        portfolio_id,
        as_of="" if on is None else on.isoformat(),
        known_at="" if known_at is None else known_at.isoformat(),
    )


def _explained(about: Asked) -> dict[str, Explained]:
    """Return where the figures of the summary are explained; two are of all days until then."""
    found: dict[str, Explained] = {}
    for field, name in _EXPLAINED_BY.items():
        period = "SI" if name.startswith("period.") else ""
        path = explain_path(about._replace(figure=name, period=period), root_path=ROOT_PATH)
        found[field] = Explained(path, FIGURES[name].definition)
    return found


def _periods(series: Series, about: Asked) -> list[PeriodRow]:
    """Return the usual periods; years that reach back before inception are left to the last."""
    if not series.days or series.inception is None:
        return []
    as_of = series.days[-1].on
    request = Request(
        as_of, tuple(NamedPeriod(name, PeriodRequest(kind)) for name, kind in _PERIODS)
    )
    pairs = zip(
        performance(series, request), money_weighted_performance(series, request), strict=True
    )
    return [
        _period(twr, mwr, about)
        for twr, mwr in pairs
        if not (twr.name.endswith(("year", "years")) and twr.start == series.inception)
    ]


def _period(twr: PeriodReturn, mwr: PeriodRate, about: Asked) -> PeriodRow:
    start = twr.start or twr.end
    period = f"{start}:{twr.end}"
    paths = {
        name: explain_path(
            about._replace(figure=f"period.{name}", period=period), root_path=ROOT_PATH
        )
        for name in ("twr", "twr_annualised", "mwr_period")
    }
    is_short = ((twr.counted_to or twr.end) - start).days < _DAYS_PER_YEAR
    undefined = next(
        (one for one in (twr.cumulative, mwr.rate_period) if isinstance(one, Undefined)), None
    )
    return PeriodRow(
        name=twr.name,
        start=start,
        end=twr.end,
        twr=value_of(twr.cumulative),
        twr_annualised=None if is_short else value_of(twr.annualised),
        mwr=value_of(mwr.rate_period),
        reason=None if undefined is None else undefined.sentence,
        twr_path=paths["twr"],
        annualised_path="" if is_short else paths["twr_annualised"],
        mwr_path=paths["mwr_period"],
    )


def _finding(view: FindingView) -> FindingRow:
    finding = view.finding
    where = f"{finding.transaction_id}, {view.security_id}, {view.business_date}"
    return FindingRow(finding.code, finding.sentence, finding.remedy, where)


def _restatement(view: RestatementView) -> RestatementRow:
    before, after, series = view.before, view.after, view.series
    change = None if before is None or after is None else after.less(before)
    return RestatementRow(
        view.recorded_at,
        view.security_id,
        view.from_date,
        view.reason,
        [_cause(cause) for cause in view.causes],
        None if change is None else change.quantity,
        None if change is None else change.cost_base,
        None if change is None else change.realised_base,
        None if series is None else series.value_change,
        None if series is None else series.value_on,
    )


def _cause(cause: Cause) -> str:
    kind = cause.kind.value.replace("_", " ")
    version = f", version {cause.version}" if cause.version else ""
    return f"{kind} {cause.id}{version}"


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with exact():
        return sum(amounts, ZERO)
