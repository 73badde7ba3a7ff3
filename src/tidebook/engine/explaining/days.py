"""The figures of one day of the daily series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import time_weighted
from tidebook.analytics.derivation import Reckoning, reckoned
from tidebook.book.cashflows import Timing
from tidebook.book.derivation import Formula, derived, given, stated
from tidebook.book.trees.days import (
    DayHolding,
    closing_value_tree,
    fees_tree,
    flows_tree,
    unpriced_cost_tree,
)
from tidebook.book.trees.positions import ValueRates
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.evidence import evidence
from tidebook.engine.explaining.periods import rows_of
from tidebook.engine.measuring.performance import day_coverage, series_of
from tidebook.errors import UnknownSubjectError
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO, exact
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics import FeeBasis
    from tidebook.analytics.derivation import Tree
    from tidebook.book.derivation import Node
    from tidebook.book.series import PortfolioDay
    from tidebook.book.trees.steps import Step
    from tidebook.engine.explaining.evidence import Evidence
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import SeriesView


def explain_day(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under one figure of one valued day.

    Raises:
        UnknownSubjectError: If the portfolio was not valued on the day.
    """
    portfolio_id, on = question.portfolio_id or "", question.day
    view = reader.series(portfolio_id, end=on, known_at=question.known_at)
    if not view.days or on is None or view.days[-1].on != on:
        raise UnknownSubjectError(f"the day {on} of the daily series", portfolio_id)
    row = view.days[-1]
    if figure.name == "twr":
        return Drawn(view.portfolio, view.freshness, _return_tree(view, question.basis))
    known = evidence(reader, portfolio_id, through=on, known_at=question.known_at)
    before = view.days[-2] if len(view.days) > 1 else None
    node = _DRAWN[figure.name](_Day(known, row, before))
    return Drawn(view.portfolio, view.freshness, stated(node, _STATED[figure.name](row)))


class _Day(NamedTuple):
    """A day of the series, the valued day before it, and what both are drawn from."""

    known: Evidence
    row: PortfolioDay
    before: PortfolioDay | None

    @property
    def base(self) -> str:
        return self.known.portfolio.base_currency

    @property
    def steps(self) -> list[Step]:
        return [step for own in self.known.steps.values() for step in own]

    def closing(self) -> Node:
        on = self.row.on
        return closing_value_tree(on, self.base, _holdings(self.known, on))

    def unpriced(self) -> Node:
        on = self.row.on
        return unpriced_cost_tree(on, self.base, _holdings(self.known, on))

    def opening(self) -> Node:
        if self.before is None:
            return given("nothing was held before the first day", ZERO, self.base)
        on = self.before.on
        closing = closing_value_tree(on, self.base, _holdings(self.known, on))
        return derived("value brought from the day before", self.base, Formula.SUM, (closing,))

    def coverage(self) -> Node:
        below = self.closing(), self.unpriced()
        return derived(f"coverage of {self.row.on}", "", Formula.COVERAGE, below)


def _holdings(known: Evidence, on: date) -> list[DayHolding]:
    """Return every key as it stood at the close of a day, valued as the series values it."""
    return [_holding(known, security_id, on) for security_id in sorted(known.steps)]


def _holding(known: Evidence, security_id: str, on: date) -> DayHolding:
    steps = [step for step in known.steps[security_id] if step.on <= on]
    every = known.steps[security_id]
    key = known.key(security_id, min(step.currency for step in every))
    prices = known.market.prices.get(security_id, NO_PRICES)
    with exact():
        held = Held(
            sum((step.quantity for step in steps), ZERO),
            sum((step.cost_local for step in steps), ZERO),
            sum((step.cost_base for step in steps), ZERO),
            key.currency,
            key.multiplier,
            key.on_margin,
        )
    quote = cash_quote(key.currency, on) if key.is_cash else prices.as_of(on)
    valuation = value_position(held, quote, known.rates.table, key.base_currency, on)
    rates = known.value_rates(key, valuation, on) if held.quantity else ValueRates()
    stands_alone = not key.is_cash and len(set(prices.currencies)) > 1
    return DayHolding(key, steps, valuation, rates, stands_alone)


def _return_tree(view: SeriesView, basis: FeeBasis) -> Tree:
    """Return the day's own time-weighted return as percent."""
    on, series = view.days[-1].on, series_of(view)
    earned: list[float] = time_weighted(series.values, Span(on, on), basis).daily.tolist()
    (day,) = rows_of(view).returns(len(view.days) - 1, earned, basis)
    label = f"return of {on}, {basis.lower()} of fees, as percent"
    return reckoned(label, "percent", Reckoning.PERCENT, (day,))


_DRAWN: Final[Mapping[str, Callable[[_Day], Node]]] = {
    "bod_market_value": _Day.opening,
    "bod_cashflow": lambda day: flows_tree(day.row.on, day.base, day.steps, Timing.BOD),
    "eod_cashflow": lambda day: flows_tree(day.row.on, day.base, day.steps, Timing.EOD),
    "eod_market_value": _Day.closing,
    "fees": lambda day: fees_tree(day.row.on, day.base, day.steps),
    "unpriced_cost": _Day.unpriced,
    "coverage": _Day.coverage,
}
_STATED: Final[Mapping[str, Callable[[PortfolioDay], Decimal | None]]] = {
    "bod_market_value": lambda day: day.bod_market_value,
    "bod_cashflow": lambda day: day.bod_cashflow,
    "eod_cashflow": lambda day: day.eod_cashflow,
    "eod_market_value": lambda day: day.eod_market_value,
    "fees": lambda day: day.fees,
    "unpriced_cost": lambda day: day.unpriced_cost,
    "coverage": day_coverage,
}
