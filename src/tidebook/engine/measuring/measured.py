"""What is measured: the daily series of a portfolio, of several, or of a part, in one currency.

A group is its members added up: on each day any of them is valued, every member counts with its
last closing value, and with its own flows. What leaves one member and enters another on the same
day, in the same amount, is no flow of the group. Another currency than a portfolio's own is
reached with the rate of each day, flows with that of their day.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.series import PortfolioDay, rates_by_day
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.measuring.parts import Choice, holdings
from tidebook.engine.measuring.performance import series_of
from tidebook.engine.measuring.prepared import series_from
from tidebook.engine.queries import FactQuery, RestatementQuery
from tidebook.engine.views import Freshness
from tidebook.errors import GroupTooLargeError, NoSuchPartError, ReportingCurrencyError
from tidebook.model.money import ONE, ZERO, converted, exact
from tidebook.model.periods import PeriodType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.engine.measuring.parts import Holdings
    from tidebook.engine.measuring.performance import NamedPeriod
    from tidebook.engine.measuring.prepared import Series
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import SeriesView
    from tidebook.model.markets import RateTable

MEMBERS_MAX: Final = 1_000
"""How many portfolios are measured together at most."""

Days = tuple[PortfolioDay, ...]


class Scope(NamedTuple):
    """What is to be measured; ``currency`` None is the base currency of the first portfolio."""

    portfolio_ids: tuple[str, ...]
    choice: Choice = Choice()
    currency: str | None = None
    known_at: datetime | None = None


class Measured(NamedTuple):
    """A daily series in one currency, ready to be measured, and what it rests on.

    Of a group, generation and valuation version are the sums of the members', so that either grows
    with every change of any of them; the day it is as of is the latest that all have reached.
    """

    portfolio_ids: tuple[str, ...]
    currency: str
    time_zone: str
    freshness: Freshness
    series: Series


def measured(reader: Reader, scope: Scope, periods: Sequence[NamedPeriod]) -> Measured:
    """Return the series of what is to be measured.

    Raises:
        UnknownPortfolioError: If a portfolio is not in the book.
        ReportingCurrencyError: If a rate into the currency is missing on a day that needs one.
        NoSuchPartError: If nothing of what is chosen was ever held.
        GroupTooLargeError: If more portfolios are named than are measured together.
    """
    if len(scope.portfolio_ids) > MEMBERS_MAX:
        raise GroupTooLargeError(len(scope.portfolio_ids), most=MEMBERS_MAX)
    views = reader.series_of(scope.portfolio_ids, known_at=scope.known_at)
    if not scope.choice.is_everything:
        views = _parts(reader, scope, views)
    currency = scope.currency or views[0].portfolio.base_currency
    series = series_in_one(
        views, currency, lambda: reader.markets((), known_at=scope.known_at).rates
    )
    if any(named.period.type is PeriodType.SINCE_RESTATEMENT for named in periods):
        restated_from = _restated_from(reader, scope)
        series = series._replace(restated_from=restated_from, knows_restatements=True)
    return Measured(
        scope.portfolio_ids,
        currency,
        views[0].portfolio.time_zone,
        together_fresh([view.freshness for view in views]),
        series,
    )


def series_in_one(
    views: Sequence[SeriesView], currency: str, rates_of: Callable[[], RateTable]
) -> Series:
    """Return the series of several portfolios as one in a currency; rates are asked for if needed.

    Raises:
        ReportingCurrencyError: If a rate into the currency is missing on a day that needs one.
    """
    if len(views) == 1 and views[0].portfolio.base_currency == currency:
        return series_of(views[0])
    return series_from(_in_one(views, currency, rates_of), _inception(views))


def _inception(views: Sequence[SeriesView]) -> date | None:
    return min((view.inception for view in views if view.inception), default=None)


def _in_one(views: Sequence[SeriesView], currency: str, rates_of: Callable[[], RateTable]) -> Days:
    if all(view.portfolio.base_currency == currency for view in views):
        return together([view.days for view in views])
    rates = rates_of()
    days = sorted({day.on for view in views for day in view.days})
    return together(
        [
            in_currency(carried(view.days, days), view.portfolio.base_currency, currency, rates)
            for view in views
        ]
    )


def _parts(reader: Reader, scope: Scope, views: Sequence[SeriesView]) -> tuple[SeriesView, ...]:
    """Return the series of the keys that are chosen, in the book that the facts come to."""
    given = reader.book_facts(FactQuery(scope.portfolio_ids, known_at=scope.known_at))
    made = rebuilt(given)
    found: list[SeriesView] = []
    groups: list[Holdings] = []
    for view in views:
        held = holdings(made, view.portfolio.portfolio_id)
        days = since_first_use(held.series(held.chosen(scope.choice)))
        inception = days[0].on if days else None
        found.append(view._replace(days=days, inception=inception, prepared=None))
        groups.append(held)
    if not any(view.days for view in found):
        raise NoSuchPartError(str(scope.choice), _known(groups, scope.choice))
    return tuple(found)


def _known(held: Sequence[Holdings], choice: Choice) -> list[str]:
    """Return what there is in the dimensions that a choice names."""
    return sorted(
        {
            group
            for one in held
            for dimension in choice.dimensions
            for group in one.groups(dimension)
        }
    )


def since_first_use(days: Days) -> Days:
    """Return the days from the first one on which anything was held or moved."""
    for place, day in enumerate(days):
        if day.eod_market_value or day.unpriced_cost or day.bod_cashflow or day.eod_cashflow:
            return days[place:]
    return ()


def _restated_from(reader: Reader, scope: Scope) -> date | None:
    """Return the first day that the last restatement of any of the portfolios touched."""
    pages = [
        reader.restatements(RestatementQuery(one, limit=1, known_at=scope.known_at))
        for one in scope.portfolio_ids
    ]
    latest = [page.restatements[0] for page in pages if page.restatements]
    if not latest:
        return None
    return max(latest, key=lambda one: one.recorded_at).from_date


def together_fresh(members: Sequence[Freshness]) -> Freshness:
    """Return what an answer about several portfolios rests on."""
    if len(members) == 1:
        return members[0]
    booked = [one for one in members if one.as_of is not None]
    statuses = {one.status for one in members}
    status = "REPROCESSING" if "REPROCESSING" in statuses else "CURRENT"
    return Freshness(
        min((one.as_of for one in booked if one.as_of), default=None),
        members[0].known_at,
        sum(one.generation for one in members),
        sum(one.series_generation for one in members),
        sum(one.valuation_version for one in members),
        "EMPTY" if statuses == {"EMPTY"} else status,
    )


def carried(days: Days, onto: Sequence[date]) -> Days:
    """Return a series on other days, among which its own are: values carried, flows as they were.

    Days before its first are left out.
    """
    if not days or len(days) == len(onto):
        return days
    own = {day.on: day for day in days}
    found: list[PortfolioDay] = []
    last: PortfolioDay | None = None
    for on in onto:
        day = own.get(on)
        if day is not None:
            last = day
            found.append(day)
        elif last is not None:
            closing, unpriced = last.eod_market_value, last.unpriced_cost
            found.append(PortfolioDay(on, closing, ZERO, ZERO, closing, ZERO, unpriced))
    return tuple(found)


def in_currency(days: Days, source: str, target: str, rates: RateTable) -> Days:
    """Return a series in another currency, at the rate of each day.

    Raises:
        ReportingCurrencyError: If a rate is missing on a day with an amount.
    """
    if source == target:
        return days
    found: list[PortfolioDay] = []
    before = ZERO
    with exact():
        for day, rate in zip(
            days, rates_by_day(rates, source, target, [day.on for day in days]), strict=True
        ):
            if rate is None and any(day[1:]):
                raise ReportingCurrencyError(target, source, day.on)
            moved = tuple(converted(amount, rate or ONE) if amount else ZERO for amount in day[1:])
            row = PortfolioDay(day.on, *moved)._replace(bod_market_value=before)
            found.append(row)
            before = row.eod_market_value
    return tuple(found)


def together(members: Sequence[Days]) -> Days:
    """Return several series added up, on every day that any of them has."""
    if len(members) == 1:
        return members[0]
    onto = sorted({day.on for days in members for day in days})
    rows: dict[date, list[PortfolioDay]] = defaultdict(list)
    for days in members:
        for day in carried(days, onto):
            rows[day.on].append(day)
    found: list[PortfolioDay] = []
    before = ZERO
    with exact():
        for on in onto:
            row = _added(on, before, rows[on])
            found.append(row)
            before = row.eod_market_value
    return tuple(found)


def _added(on: date, before: Decimal, rows: Sequence[PortfolioDay]) -> PortfolioDay:
    starts, ends = _across([day.bod_cashflow for day in rows], [_without_fees(day) for day in rows])
    fees = _sum(day.fees for day in rows)
    return PortfolioDay(
        on,
        before,
        starts,
        ends - fees,
        _sum(day.eod_market_value for day in rows),
        fees,
        _sum(day.unpriced_cost for day in rows),
    )


def _without_fees(day: PortfolioDay) -> Decimal:
    return day.eod_cashflow + day.fees if day.fees else day.eod_cashflow


def _across(starts: list[Decimal], ends: list[Decimal]) -> tuple[Decimal, Decimal]:
    """Return the flows of a day without what only went from one member to another.

    Amounts at the end of the day cancel in their sum; one that enters a member at its start and
    leaves another at its end would count as capital twice for a day.
    """
    for place, amount in enumerate(starts):
        if amount <= 0:
            continue
        for other, end in enumerate(ends):
            if other != place and end == -amount:
                starts[place] = ends[other] = ZERO
                break
    return _sum(starts), _sum(ends)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
