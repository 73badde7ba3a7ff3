"""The figures of a period: returns over its days, and what it began, moved and ended with.

The leaves are the columns of the daily series, each of which is explained as a figure of its day.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import FeeBasis, Reason, Undefined, time_weighted, value_of
from tidebook.analytics.derivation import Reckoned, Reckoning, nothing, reckoned
from tidebook.book.derivation import (
    Formula,
    Source,
    SourceKind,
    derived,
    given,
    stated,
    undefined,
)
from tidebook.book.traced_trees import tree_of
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    Request,
    money_weighted_performance,
    performance,
    series_of,
    window_of,
)
from tidebook.errors import InvalidFigureError
from tidebook.model.money import ZERO, exact
from tidebook.model.traced import Traced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from tidebook.analytics.derivation import Tree
    from tidebook.book.derivation import (
        Node,
    )
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.measuring.performance import Attributes, PeriodRate, PeriodReturn, Window
    from tidebook.engine.measuring.prepared import Series
    from tidebook.engine.views import SeriesView
    from tidebook.model.periods import Span


class Rows(NamedTuple):
    """The daily series of a portfolio as leaves: every column of every day is one.

    Without a portfolio the days are of a part or a group, and no figure goes on from them but what
    their numbers remember.
    """

    portfolio_id: str
    base_currency: str
    days: Sequence[PortfolioDay]

    def leaf(self, row: PortfolioDay, column: str) -> Node:
        """Return one column of one day."""
        label, value = _COLUMNS[column]
        amount, told = value(row), f"{label} {row.on}"
        if isinstance(amount, Traced):
            return tree_of(amount, told, self.base_currency)
        source = Source(SourceKind.DAY, self.portfolio_id, row.on, column=column)
        return given(told, amount, self.base_currency, source if self.portfolio_id else None)

    def closing(self, row: PortfolioDay) -> Node:
        """Return what a day closed with, unpriced positions at cost."""
        value = self.leaf(row, "eod_market_value")
        if not row.unpriced_cost:
            return value
        cost = self.leaf(row, "unpriced_cost")
        label = f"value at the close of {row.on}, unpriced positions at cost"
        return derived(label, self.base_currency, Formula.SUM, (value, cost))

    def opening(self, index: int) -> Node:
        """Return what a day opened with: the closing value of the valued day before."""
        if index:
            return self.closing(self.days[index - 1])
        row = self.days[0]
        return self.leaf(row, "bod_market_value")

    def end_flow(self, row: PortfolioDay) -> Node:
        """Return what crossed the border at the end of a day, without its costs."""
        flow = self.leaf(row, "eod_cashflow")
        if not row.fees:
            return flow
        fees = self.leaf(row, "fees")
        label = f"flows at the end of {row.on} without costs"
        return derived(label, self.base_currency, Formula.SUM, (flow, fees))

    def start_flow(self, row: PortfolioDay) -> Node:
        """Return what crossed the border at the start of a day."""
        return self.leaf(row, "bod_cashflow")

    def fees(self, row: PortfolioDay) -> Node:
        """Return the costs of a day."""
        return self.leaf(row, "fees")

    def coverage(self, row: PortfolioDay) -> Node:
        """Return how much of a day's value was priced."""
        value = self.leaf(row, "eod_market_value")
        cost = self.leaf(row, "unpriced_cost")
        return derived(f"coverage of {row.on}", "", Formula.COVERAGE, (value, cost))

    def returns(self, first: int, earned: Sequence[float], basis: FeeBasis) -> list[Reckoned]:
        """Return the returns of a run of days, each on the capital of its morning."""
        formula = Reckoning.GROSS_RETURN if basis is FeeBasis.GROSS else Reckoning.NET_RETURN
        found: list[Reckoned] = []
        opening = self.opening(first)
        for place, value in enumerate(earned):
            row = self.days[first + place]
            closing = self.closing(row)
            below = (opening, self.start_flow(row), self.end_flow(row), closing)
            if basis is FeeBasis.GROSS:
                below = (*below, self.fees(row))
            found.append(Reckoned(f"return of {row.on}", value, "", formula, below))
            opening = closing
        return found


def rows_of(view: SeriesView) -> Rows:
    """Return the leaves of a daily series."""
    return Rows(view.portfolio.portfolio_id, view.portfolio.base_currency, view.days)


def explain_period(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under one figure of one period.

    Raises:
        InvalidFigureError: If a money-weighted return is asked for before fees.
    """
    view = reader.series(question.portfolio_id or "", known_at=question.known_at)
    if figure.name not in {"twr", "twr_annualised"} and question.basis != FeeBasis.NET:
        raise InvalidFigureError(
            figure.full_name,
            "is not told before fees",
            hint="leave net_or_gross out, or ask for a time-weighted return",
        )
    series, period = series_of(view), question.period
    as_of = question.as_of or view.freshness.as_of
    freshness = view.freshness._replace(as_of=as_of)
    if period is None or as_of is None:
        node: Tree = nothing(figure.full_name, "", Undefined(Reason.NO_DATA))
        return Drawn(view.portfolio, freshness, node)
    request = Request(as_of, (NamedPeriod("period", period),), question.basis)
    window = window_of(series, period, as_of)
    if window.span is None or not window.days:
        node = nothing(figure.definition, "", Undefined(Reason.NO_DATA))
        return Drawn(view.portfolio, freshness, node)
    about = _About(rows_of(view), series, window, window.span, request)
    return Drawn(view.portfolio, freshness, about.tree(figure.name))


class _About(NamedTuple):
    rows: Rows
    series: Series
    window: Window
    span: Span
    request: Request

    def tree(self, name: str) -> Tree:
        """Return the tree of one figure of the period."""
        if name in {"twr", "twr_annualised"}:
            return self._time_weighted(performance(self.series, self.request)[0], name)
        rate = money_weighted_performance(self.series, self.request)[0]
        if name in _RATES:
            return self._money_weighted(rate, name)
        if name == "coverage":
            return coverage_tree(self.rows, self.window, rate.coverage_min)
        node = _AMOUNTS[name](self)
        return node if rate.attributes is None else stated(node, _STATED[name](rate.attributes))

    @property
    def first(self) -> int:
        """The place of the first day of the period in the whole series."""
        return bisect_left(self.rows.days, self.window.days[0].on, key=_on)

    def _time_weighted(self, found: PeriodReturn, name: str) -> Tree:
        """Return the days' returns linked, as percent, and for a year where that is asked."""
        told = f"of {self.span.start} to {self.span.end}, {self.request.basis.lower()} of fees"
        figure = found.cumulative if name == "twr" else found.annualised
        if isinstance(figure, Undefined):
            return nothing(f"time-weighted return {told}", "percent", figure)
        daily = time_weighted(self.series.values, self.span, self.request.basis).daily
        earned: list[float] = daily.tolist()
        days = self.rows.returns(self.first, earned, self.request.basis)
        linked = Reckoned(
            f"time-weighted return {told}",
            value_of(found.cumulative),
            "",
            Reckoning.LINKED,
            tuple(days),
        )
        top = linked
        if name == "twr_annualised":
            label = f"yearly return {told}"
            below = (linked, self._days())
            top = Reckoned(label, figure, "", Reckoning.ANNUALISED, below)
        return reckoned(f"{top.label}, as percent", "percent", Reckoning.PERCENT, (top,))

    def _days(self) -> Node:
        days = self.window.counted(self.span).days
        return given("days up to the last valued one, both ends counted", Decimal(days), "days")

    def _money_weighted(self, rate: PeriodRate, name: str) -> Tree:
        """Return the rate at which the flows explain the closing value."""
        told = f"of {self.span.start} to {self.span.end}"
        figure, formula = {
            "mwr": (rate.rate_annual, Reckoning.INTERNAL_RATE),
            "mwr_annualised": (rate.rate_annualised, Reckoning.YEARLY_RATE),
            "mwr_period": (rate.rate_period, Reckoning.PERIOD_RATE),
        }[name]
        if isinstance(figure, Undefined):
            return nothing(f"money-weighted return {told}", "", figure)
        dated = [
            (self.rows.opening(self.first), self.span.start),
            *((node, row.on) for row in self.window.moved for node in self._flows(row)),
            (self.rows.closing(self.window.days[-1]), self.window.counted(self.span).end),
        ]
        flows = [_flow(node, (on - self.span.start).days) for node, on in dated]
        solved = Reckoned(f"money-weighted return {told}", figure, "", formula, tuple(flows))
        return reckoned(f"{solved.label}, to ten places", "", Reckoning.ROUNDED, (solved,))

    def _flows(self, row: PortfolioDay) -> list[Node]:
        """Return the flows of a day other than zero."""
        found = (self.rows.start_flow(row), self.rows.end_flow(row))
        return [node for node in found if node.value]

    def sum_of(self, label: str, nodes: Sequence[Node]) -> Node:
        """Return a sum in base currency."""
        return derived(label, self.rows.base_currency, Formula.SUM, nodes)

    def flows(self) -> list[Node]:
        """Return every flow of the period."""
        return [node for row in self.window.moved for node in self._flows(row)]

    def withdrawals(self) -> Node:
        """Return what was taken out, as a positive amount."""
        out = [node for node in self.flows() if node.value is not None and node.value < 0]
        unit = self.rows.base_currency
        return derived("withdrawals", unit, Formula.NEGATIVE, (self.sum_of("flows out", out),))


def coverage_tree(rows: Rows, window: Window, value: Decimal | None) -> Node:
    """Return the lowest coverage of a day; of the last valued day where everything was priced."""
    known = [rows.coverage(row) for row in window.unpriced]
    known = [node for node in known if node.value is not None]
    if known:
        return stated(derived("lowest coverage of a day", "", Formula.MINIMUM, known), value)
    valued = [row for row in window.days if row.eod_market_value]
    if not valued:
        return undefined("coverage: there is nothing to cover", "")
    return stated(rows.coverage(valued[-1]), value)


def _flow(amount: Node, days: int) -> Reckoned:
    with exact():
        value = float(amount.value or ZERO)
    since = given("days since the start", Decimal(days), "days")
    return Reckoned(amount.label, value, amount.unit, Reckoning.FLOW, (amount, since))


def _on(row: PortfolioDay) -> date:
    return row.on


_COLUMNS: Final[Mapping[str, tuple[str, Callable[[PortfolioDay], Decimal]]]] = {
    "bod_market_value": ("value at the start of", lambda row: row.bod_market_value),
    "bod_cashflow": ("flows at the start of", lambda row: row.bod_cashflow),
    "eod_cashflow": ("flows at the end of", lambda row: row.eod_cashflow),
    "eod_market_value": ("value at the close of", lambda row: row.eod_market_value),
    "fees": ("costs of", lambda row: row.fees),
    "unpriced_cost": ("cost of what was not valued on", lambda row: row.unpriced_cost),
}
_RATES: Final = frozenset({"mwr", "mwr_annualised", "mwr_period"})
_AMOUNTS: Final[Mapping[str, Callable[[_About], Node]]] = {
    "begin_market_value": lambda about: about.sum_of(
        "value before the first day", (about.rows.opening(about.first),)
    ),
    "end_market_value": lambda about: about.sum_of(
        "value of the last day", (about.rows.closing(about.window.days[-1]),)
    ),
    "total_cashflow": lambda about: about.sum_of("flows", about.flows()),
    "bod_cashflow": lambda about: about.sum_of(
        "flows at the start of days", [about.rows.start_flow(row) for row in about.window.moved]
    ),
    "eod_cashflow": lambda about: about.sum_of(
        "flows at the end of days", [about.rows.end_flow(row) for row in about.window.moved]
    ),
    "fees": lambda about: about.sum_of(
        "costs", [about.rows.fees(row) for row in about.window.moved if row.fees]
    ),
    "contributions": lambda about: about.sum_of(
        "flows in", [node for node in about.flows() if node.value is not None and node.value > 0]
    ),
    "withdrawals": lambda about: about.withdrawals(),
    "cashflow_count": lambda about: derived("number of flows", "", Formula.COUNT, about.flows()),
}
_STATED: Final[Mapping[str, Callable[[Attributes], Decimal]]] = {
    "begin_market_value": lambda found: found.begin_market_value,
    "end_market_value": lambda found: found.end_market_value,
    "total_cashflow": lambda found: found.total_cashflow,
    "bod_cashflow": lambda found: found.bod_cashflow,
    "eod_cashflow": lambda found: found.eod_cashflow,
    "fees": lambda found: found.fees,
    "contributions": lambda found: found.contributions,
    "withdrawals": lambda found: found.withdrawals,
    "cashflow_count": lambda found: Decimal(found.cashflow_count),
}
