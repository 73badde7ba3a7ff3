"""The measures of a period: a formula of the catalogue over the returns of its days."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tidebook.analytics import Undefined, measure_of, time_weighted, to_date
from tidebook.analytics.derivation import Reckoned, Reckoning, measured, nothing, reckoned, told
from tidebook.book.derivation import given
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.periods import rows_of
from tidebook.engine.measuring.performance import NamedPeriod, Request, series_of, window_of
from tidebook.engine.measuring.risk import RiskTerms, risk, with_capital
from tidebook.errors import UnknownSubjectError

if TYPE_CHECKING:
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.measuring.prepared import Series
    from tidebook.engine.views import SeriesView
    from tidebook.model.periods import Span

_DAY_ZERO: Final = date(1970, 1, 1)
_MEASURES: Final = {
    "drawdown": "max_drawdown",
    "var": "var_historical",
    "shortfall": "expected_shortfall",
}
_PERCENT: Final = frozenset({"var", "shortfall"})


def explain_risk(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a measure of a period, by the conventions of a request without options.

    Raises:
        UnknownSubjectError: If the portfolio was never valued.
    """
    view = reader.series(question.portfolio_id or "", known_at=question.known_at)
    series, period = series_of(view), question.period
    as_of = question.as_of or view.freshness.as_of
    if period is None or as_of is None:
        raise UnknownSubjectError("a valued day", question.portfolio_id)
    request = Request(as_of, (NamedPeriod("period", period),), question.basis)
    name = _MEASURES.get(figure.name, figure.name)
    (found,) = risk(series, request, RiskTerms())
    value = found.figure(name)
    if figure.name == "drawdown" and isinstance(found.drawdown, Undefined):
        value = found.drawdown
    window = window_of(series, period, as_of)
    freshness = view.freshness._replace(as_of=as_of)
    label = measure_of(name).title
    if isinstance(value, Undefined) or window.span is None:
        why = value if isinstance(value, Undefined) else Undefined(found.why)
        return Drawn(view.portfolio, freshness, nothing(label, "", why))
    days = _returns(view, series, window.span, request)
    counted = window.counted(window.span)
    terms = RiskTerms().conventions(counted)
    node = told(measured(label, name, terms, counted.days, days), value)
    if figure.name in _PERCENT:
        top = reckoned(f"{label}, as percent", "percent", Reckoning.PERCENT, (node,))
    else:
        top = reckoned(f"{label}, to ten places", "", Reckoning.ROUNDED, (node,))
    if figure.name == "drawdown":
        top = reckoned(f"{label}, negative", "", Reckoning.OPPOSITE, (top,))
    return Drawn(view.portfolio, freshness, top)


def _returns(view: SeriesView, series: Series, span: Span, request: Request) -> list[Reckoned]:
    """Return the returns of the days that had capital, each with its day."""
    linked = time_weighted(series.values, span, request.basis)
    first = bisect_left(view.days, span.start, key=lambda day: day.on)
    earned: list[float] = linked.daily.tolist()
    drawn = rows_of(view).returns(first, earned, request.basis)
    kept = set(map(to_date, with_capital(series, span, linked).dates))
    found: list[Reckoned] = []
    for row, node in zip(view.days[first:], drawn, strict=False):
        if row.on in kept:
            on = given("days since 1970-01-01", Decimal((row.on - _DAY_ZERO).days), "days")
            below = (node, on)
            found.append(Reckoned(node.label, node.value, "", Reckoning.DATED, below))
    return found
