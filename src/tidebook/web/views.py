"""From the values of a page to what its template prints, in reading order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tidebook.web import allocation, figures, svg
from tidebook.web.cells import Cell, Notes
from tidebook.web.charts import time_figure
from tidebook.web.gain_years import gain_years
from tidebook.web.pages import (
    portfolio_path as path_of,
)
from tidebook.web.restated import restatement_lines

if TYPE_CHECKING:
    from markupsafe import Markup

    from tidebook.web.charts import TimeFigure
    from tidebook.web.gain_years import GainYears
    from tidebook.web.pages import (
        Explained,
        HealthRow,
        IndexPage,
        IndexRow,
        PeriodRow,
        PortfolioPage,
        PositionRow,
    )
    from tidebook.web.restated import RestatementLine

_NOW = "now"
_EMPTY = "Nothing has been booked in this portfolio yet."
_UNKNOWN = "The book holds no figure for this on the date shown."
_NO_COVERAGE = "There is no value of which a part could be priced."
_SHORT_PERIOD = "A period of less than one year is not annualised."
_NO_RETURN = "The return of this period is undefined."
_NO_COST = "The cost of this holding is not known."
_NO_WEIGHT = "A weight needs the value of the holding and of the whole portfolio."
_NOT_LOOKED_INTO = "Not looked into here: too much for this page. Its own page does."
_DAYS_IN_YEAR = 365
_STATUS_TEXTS = {
    "CURRENT": ("Current", "Every booked fact is in these figures."),
    "REPROCESSING": (
        "Restating",
        (
            "History is being restated. Every figure on this page belongs to one whole generation; "
            "the next one will replace it."
        ),
    ),
    "EMPTY": ("Empty", _EMPTY),
}
_PRICE_STATUS_TEXTS = {
    "VALUED_CURRENT": "",
    "CURRENT": "",
    "VALUED_STALE": "older price",
    "STALE": "older price",
    "UNVALUED": "no price",
    "MISSING": "no price",
    "FAILED": "no rate",
}
_PRICE_REASONS = {
    "FAILED": "The price cannot be converted: no exchange rate, or a price in another currency.",
}
_NO_PRICE = "No price is known on or before the date shown."


class Status(NamedTuple):
    """How settled the figures are: the word, what it means, and the name of its style."""

    word: str
    meaning: str
    style: str


class SummaryLine(NamedTuple):
    """One labelled figure of the summary."""

    label: str
    cell: Cell
    why: Explained | None


class PeriodLine(NamedTuple):
    """One period and its three returns."""

    name: str
    span: str
    twr: Cell
    annualised: Cell
    mwr: Cell
    twr_path: str
    annualised_path: str
    mwr_path: str


class PositionLine(NamedTuple):
    """One holding, printed."""

    security_id: str
    name: str
    asset_class: str
    currency: str
    quantity: Cell
    price: Cell
    price_date: str
    price_status: str
    local: Cell
    value: Cell
    weight: Cell
    meter: Markup | None
    cost: Cell
    unrealised: Cell


class Totals(NamedTuple):
    """The foot of the holdings: what is listed above, cash, and the portfolio."""

    value: Cell
    weight: Cell
    cost: Cell
    unrealised: Cell
    cash: Cell
    portfolio: Cell
    left_out: str


class MonthLine(NamedTuple):
    """The last day of one month."""

    day: str
    value: str
    contributed: str
    drawdown: str


class HealthLine(NamedTuple):
    """One result of the checks on the data, printed."""

    code: str
    severity: str
    subject: str
    since: str
    at_stake: Cell
    sentence: str
    remedy: str


class PortfolioView(NamedTuple):
    """All that the portfolio template prints."""

    status: Status
    as_of: Cell
    known_at: Cell
    coverage: Cell
    is_covered: bool
    value: Cell
    why: Explained | None
    summary: tuple[SummaryLine, ...]
    figure: TimeFigure | None
    last: MonthLine | None
    worst: str
    months: tuple[MonthLine, ...]
    periods: tuple[PeriodLine, ...]
    positions: tuple[PositionLine, ...]
    totals: Totals | None
    has_foreign: bool
    splits: tuple[allocation.Split, ...]
    undrawn_count: int
    health: tuple[HealthLine, ...]
    gains: GainYears | None
    restatements: tuple[RestatementLine, ...]
    notes: tuple[tuple[int, str], ...]


class IndexLine(NamedTuple):
    """One portfolio in the list, printed."""

    portfolio_id: str
    name: str
    path: str
    base_currency: str
    value: Cell
    as_of: Cell
    status: Status
    health: Cell


class IndexView(NamedTuple):
    """All that the index template prints; ``then`` is empty where it is the latest."""

    portfolios: tuple[IndexLine, ...]
    notes: tuple[tuple[int, str], ...]
    then: str


def portfolio_view(page: PortfolioPage) -> PortfolioView:
    """Return what the portfolio's page prints. Notes are numbered in reading order."""
    notes = Notes()
    status = status_of(page.status)
    as_of = notes.day(page.as_of, _reason(page, "as_of"))
    known_at = Cell(figures.instant(page.known_at) if page.known_at else _NOW)
    coverage = notes.percent(page.coverage, page.reasons.get("coverage", _NO_COVERAGE))
    value = notes.amount(page.value, page.base_currency, _reason(page, "value"))
    summary = _summary(page, notes)
    months = _months(page)
    return PortfolioView(
        status=status,
        as_of=as_of,
        known_at=known_at,
        coverage=coverage,
        is_covered=page.coverage is None or page.coverage >= 1,
        value=value,
        why=page.explained.get("value"),
        summary=summary,
        figure=time_figure(page),
        last=months[-1] if months else None,
        worst=_worst(page),
        months=months,
        periods=tuple(_period(row, notes) for row in page.periods),
        positions=tuple(_position(row, page, notes) for row in page.positions),
        totals=_totals(page, notes) if page.positions else None,
        has_foreign=any(row.currency != page.base_currency for row in page.positions),
        splits=allocation.splits(page),
        undrawn_count=allocation.undrawn_count(page),
        health=tuple(_health(row, page, notes) for row in page.health),
        gains=gain_years(page, notes),
        restatements=restatement_lines(page),
        notes=notes.listed(),
    )


def index_view(page: IndexPage) -> IndexView:
    """Return what the list of portfolios prints."""
    notes = Notes()
    lines = tuple(_index_line(row, page.root_path, notes) for row in page.portfolios)
    asked = (
        f"as of {figures.day(page.as_of)}" if page.as_of else "",
        f"as known at {figures.instant(page.known_at)}" if page.known_at else "",
    )
    return IndexView(lines, notes.listed(), ", ".join(filter(None, asked)))


def status_of(status: str) -> Status:
    """Return the words for a status; an unlisted one is printed as it is."""
    word, meaning = _STATUS_TEXTS.get(status, (status, ""))
    return Status(word, meaning, status.lower() if status in _STATUS_TEXTS else "unlisted")


def _index_line(row: IndexRow, root_path: str, notes: Notes) -> IndexLine:
    reason = _EMPTY if row.status == "EMPTY" else _UNKNOWN
    return IndexLine(
        row.portfolio_id,
        row.name,
        path_of(row.portfolio_id, root_path=root_path),
        row.base_currency,
        notes.amount(row.value, row.base_currency, reason),
        notes.day(row.as_of, reason),
        status_of(row.status),
        notes.missing(_NOT_LOOKED_INTO)
        if row.health_count is None
        else Cell(str(row.health_count), sort=str(row.health_count)),
    )


def _reason(page: PortfolioPage, field: str) -> str:
    return page.reasons.get(field, _EMPTY if page.status == "EMPTY" else _UNKNOWN)


def _summary(page: PortfolioPage, notes: Notes) -> tuple[SummaryLine, ...]:
    lines = (
        ("Net contributions", "net_contributions", page.net_contributions, False),
        ("Cash", "cash", page.cash, False),
        ("Cost of holdings", "cost", page.cost, False),
        ("Unrealised gain", "unrealised", page.unrealised, True),
        ("Realised gain", "realised", page.realised, True),
        ("Income", "income", page.income, False),
        ("Fees", "fees", page.fees, False),
    )
    return tuple(
        SummaryLine(
            label,
            notes.amount(value, page.base_currency, _reason(page, field), signed=signed),
            page.explained.get(field),
        )
        for label, field, value, signed in lines
    )


def _worst(page: PortfolioPage) -> str:
    worst = page.worst_drawdown
    if worst is None or not figures.is_number(worst.fraction):
        return ""
    end = (
        f"recovered on {figures.day(worst.recovered)}"
        if worst.recovered
        else "not recovered so far"
    )
    return (
        f"{figures.percent(-abs(worst.fraction))} from {figures.day(worst.peak)} "
        f"to {figures.day(worst.trough)}, {end}"
    )


def _months(page: PortfolioPage) -> tuple[MonthLine, ...]:
    ends = {(point.day.year, point.day.month): point for point in page.curve}
    shown = {point.day for point in ends.values()}
    depths = {
        point.day: -abs(point.fraction)
        for point in page.drawdown
        if point.day in shown and figures.is_number(point.fraction)
    }
    return tuple(
        MonthLine(
            figures.day(point.day),
            figures.amount(point.value, page.base_currency),
            figures.amount(point.contributed, page.base_currency),
            figures.percent(depths[point.day]) if point.day in depths else figures.DASH,
        )
        for point in ends.values()
    )


def _period(row: PeriodRow, notes: Notes) -> PeriodLine:
    reason = row.reason or _NO_RETURN
    is_short = row.twr is not None and (row.end - row.start).days < _DAYS_IN_YEAR
    return PeriodLine(
        row.name,
        f"{figures.day(row.start)} {figures.DASH} {figures.day(row.end)}",
        notes.percent(row.twr, reason, signed=True),
        notes.percent(
            row.twr_annualised,
            row.reason or (_SHORT_PERIOD if is_short else _NO_RETURN),
            signed=True,
        ),
        notes.percent(row.mwr, reason, signed=True),
        row.twr_path,
        row.annualised_path,
        row.mwr_path,
    )


def _position(row: PositionRow, page: PortfolioPage, notes: Notes) -> PositionLine:
    base = page.base_currency
    reason = _PRICE_REASONS.get(row.price_status, _NO_PRICE if row.price is None else _UNKNOWN)
    return PositionLine(
        security_id=row.security_id,
        name=row.name,
        asset_class=row.asset_class or "",
        currency=row.currency,
        quantity=notes.quantity(row.quantity),
        price=notes.price(row.price, row.currency, reason),
        price_date=figures.day(row.price_date) if row.price_date else "",
        price_status=_PRICE_STATUS_TEXTS.get(row.price_status, row.price_status),
        local=notes.amount(row.market_value_local, row.currency, reason),
        value=notes.amount(row.market_value, base, reason),
        weight=notes.percent(row.weight, _NO_WEIGHT),
        meter=_meter(row.weight),
        cost=notes.amount(row.cost, base, _NO_COST),
        unrealised=notes.amount(
            row.unrealised, base, _NO_COST if row.cost is None else reason, signed=True
        ),
    )


def _health(row: HealthRow, page: PortfolioPage, notes: Notes) -> HealthLine:
    return HealthLine(
        row.code,
        row.severity,
        row.subject,
        figures.day(row.since) if row.since else "",
        notes.amount(row.at_stake, page.base_currency, row.basis),
        row.sentence,
        row.remedy,
    )


def _meter(weight: Decimal | None) -> Markup | None:
    if weight is None or not weight.is_finite() or weight <= 0:
        return None
    filled = svg.element("rect", width=svg.share(float(min(weight, Decimal(1)))), height="100%")
    return svg.element("svg", filled, class_="meter", aria_hidden="true")


def _totals(page: PortfolioPage, notes: Notes) -> Totals:
    rows, base = page.positions, page.base_currency
    unvalued = sum(row.market_value is None for row in rows)
    reason = "No holding has this figure, so there is no sum."
    return Totals(
        value=notes.amount(_sum([row.market_value for row in rows]), base, reason),
        weight=notes.percent(_sum([row.weight for row in rows]), reason),
        cost=notes.amount(_sum([row.cost for row in rows]), base, reason),
        unrealised=notes.amount(_sum([row.unrealised for row in rows]), base, reason, signed=True),
        cash=notes.amount(page.cash, base, _reason(page, "cash")),
        portfolio=notes.amount(page.value, base, _reason(page, "value")),
        left_out=f"{unvalued} of {len(rows)} without a value left out" if unvalued else "",
    )


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None and value.is_finite()]
    return sum(known, Decimal(0)) if known else None
