"""The figures of a comparison: a user's side, the benchmark's, and what lies between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from tidebook.analytics import Rebalancing, Undefined, value_of
from tidebook.analytics.derivation import computed, nothing
from tidebook.analytics.figures import Reason
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.days_again import book_again, days_table
from tidebook.engine.explaining.levels import level_tables, line_again
from tidebook.engine.explaining.users import amount_tree, known_of, percent_tree, rounded_tree
from tidebook.engine.measuring.comparative import (
    ComparativeRequest,
    comparative,
    days_of,
)
from tidebook.engine.measuring.comparing import compared, measured
from tidebook.engine.measuring.daily_comparison import intervals_daily
from tidebook.engine.measuring.index_lines import blend_of
from tidebook.errors import UnknownSubjectError
from tidebook.model.money import exact
from tidebook.model.periods import PeriodRequest, PeriodType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from tidebook.analytics import Figure as Told
    from tidebook.analytics.derivation import Tables, Tree
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library
    from tidebook.engine.explaining.users import Known
    from tidebook.engine.measuring.comparative import (
        Comparative,
    )
    from tidebook.engine.measuring.comparing import Comparison, IndexSide, UserSide
    from tidebook.engine.measuring.daily_comparison import Relative
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.engine.users import UserBook
    from tidebook.model.periods import Span

BENCHMARK: Final = "SPY"
"""What a user is compared with unless told otherwise."""
_NOTHING: Final = Undefined(Reason.NO_DATA)


class _Beside(NamedTuple):
    """A comparison, with what its intervals are formed of."""

    found: Comparison
    book: UserBook
    line: Line
    span: Span


def explain_comparison(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of a comparison.

    Raises:
        UnknownUserError: If the user has no portfolio.
        InvalidBenchmarkError: If a benchmark is neither listed nor an instrument of the book.
        BenchmarkUnavailableError: If no level of one is known.
        UnknownSubjectError: If the user has no valued day, or no trade in the security.
    """
    known = known_of(library, question)
    zone = ZoneInfo(known.book.portfolios[0].time_zone)
    span = days_of(question.start_date, question.end_date, library.now.astimezone(zone).date())
    blend = blend_of(question.benchmark or BENCHMARK, question.rebalancing or Rebalancing.MONTHLY)
    request = ComparativeRequest(blend, span.start, span.end, question.known_at)
    view = comparative(known.reader, library.benchmarks, known.book, request)
    if view.found.span is None:
        raise UnknownSubjectError("a valued day of the user in these days", None)
    if figure.name in _AMOUNTS:
        unit = "" if figure.name.startswith("coverage") else known.book.currency
        value = _AMOUNTS[figure.name](view)
        return Drawn(None, None, amount_tree(value, figure.definition, unit))
    if figure.name == "symbol_pnl":
        return Drawn(None, None, _symbol(view, question))
    return Drawn(None, None, _float(known, view, view.found.span, figure))


def _symbol(view: Comparative, question: Question) -> Tree:
    symbols = () if view.activity is None else view.activity.symbols
    for one in symbols:
        if one.symbol == question.security_id:
            return amount_tree(one.pnl, f"gain of {one.symbol}", view.book.currency)
    raise UnknownSubjectError(f"{question.security_id!r} in this comparison", None)


def _float(known: Known, view: Comparative, span: Span, figure: Figure) -> Tree:
    read = _FLOATS[figure.name]
    days = [day for day in known.book.series.days if day.on <= span.end]
    before = sum(day.on < span.start for day in days)
    days = days[max(0, before - 1) :]
    line = view.found.line

    def again(tables: Tables) -> float | None:
        book = book_again(known.book, days, tables[0])
        told = line_again(line, tables[1:])
        period = PeriodRequest(PeriodType.EXPLICIT, view.request.start, span.end)
        found = compared(book, measured(book, period, span.end), told)
        return value_of(read(_Beside(found, book, told, span)))

    told = read(_Beside(view.found, known.book, line, span))
    if isinstance(told, Undefined):
        return nothing(figure.definition, "", told)
    tables = [days_table(known.book, days), *level_tables(line, known.book.rates)]
    node = computed(figure.definition, told, tables, again)
    return percent_tree(node) if "percent" in figure.name else rounded_tree(node)


def _user(read: Callable[[UserSide], Told]) -> Callable[[_Beside], Told]:
    return lambda one: _NOTHING if one.found.user is None else read(one.found.user)


def _index(read: Callable[[IndexSide], Told]) -> Callable[[_Beside], Told]:
    return lambda one: _NOTHING if one.found.benchmark is None else read(one.found.benchmark)


def _relative(read: Callable[[Relative], Told]) -> Callable[[_Beside], Told]:
    return lambda one: _NOTHING if one.found.relative is None else read(one.found.relative)


def _added(one: _Beside) -> Told:
    user, index = one.found.user, one.found.benchmark
    if user is None or index is None:
        return _NOTHING
    return float(user.closing) - index.market.end_value


def _scaled(index: IndexSide, *, is_rate: bool) -> Told:
    if index.scaled is None:
        return _NOTHING
    return index.scaled.rate_annual if is_rate else index.scaled.end_value


def _interval(measure: str, *, is_low: bool) -> Callable[[_Beside], Told]:
    def read(one: _Beside) -> Told:
        found = intervals_daily(one.book.series.values, one.span, one.line).get(measure)
        if found is None:
            return _NOTHING
        return found.low if is_low else found.high

    return read


_FLOATS: Final[Mapping[str, Callable[[_Beside], Told]]] = {
    "profit_percent": _user(lambda user: user.earned),
    "mwr_annual_percent": _user(lambda user: user.rates.rate_annual),
    "twr_percent": _user(lambda user: user.twr),
    "start_price": _index(lambda index: index.level_start),
    "end_price": _index(lambda index: index.level_end),
    "returns_percent": _index(lambda index: index.total),
    "benchmark_mwr_percent": _index(lambda index: index.rate_period),
    "benchmark_mwr_annual_percent": _index(lambda index: index.rate_annual),
    "end_value_same_flows": _index(lambda index: index.market.end_value),
    "value_added": _added,
    "ks_pme": _index(lambda index: index.market.kaplan_schoar),
    "direct_alpha_percent": _index(lambda index: index.direct_alpha),
    "scaled_end_value": _index(lambda index: _scaled(index, is_rate=False)),
    "scaled_mwr_annual_percent": _index(lambda index: _scaled(index, is_rate=True)),
    "difference_percent": lambda one: one.found.difference,
    "twr_difference_percent": lambda one: one.found.twr_difference,
    "tracking_error_annual_percent": _relative(lambda one: one.tracking_error_annual),
    "beta": _relative(lambda one: one.beta),
    "alpha_annual_percent": _relative(lambda one: one.alpha_annual),
    "information_ratio": _relative(lambda one: one.information_ratio),
    "capture_up": _relative(lambda one: one.capture_up),
    "capture_down": _relative(lambda one: one.capture_down),
    "alpha_annual_percent_low": _interval("alpha_annual", is_low=True),
    "alpha_annual_percent_high": _interval("alpha_annual", is_low=False),
    "beta_low": _interval("beta", is_low=True),
    "beta_high": _interval("beta", is_low=False),
    "tracking_error_annual_percent_low": _interval("tracking_error", is_low=True),
    "tracking_error_annual_percent_high": _interval("tracking_error", is_low=False),
    "information_ratio_low": _interval("information_ratio", is_low=True),
    "information_ratio_high": _interval("information_ratio", is_low=False),
}


def _of_user(read: Callable[[UserSide], Decimal | None]) -> Callable[[Comparative], Decimal | None]:
    return lambda view: None if view.found.user is None else read(view.found.user)


def _fees(view: Comparative) -> Decimal | None:
    user, done = view.found.user, view.activity
    if user is None or done is None:
        return None
    with exact():
        return done.costs + user.fees_apart


def _invested(view: Comparative) -> Decimal | None:
    user = view.found.user
    if user is None:
        return None
    with exact():
        return user.opening + user.contributions


_AMOUNTS: Final[Mapping[str, Callable[[Comparative], Decimal | None]]] = {
    "buy_value": lambda view: None if view.activity is None else view.activity.bought,
    "sell_value": lambda view: None if view.activity is None else view.activity.sold,
    "income": lambda view: None if view.activity is None else view.activity.income,
    "fees": _fees,
    "invested": _invested,
    "profit": _of_user(lambda user: user.profit),
    "opening_value": _of_user(lambda user: user.opening),
    "closing_value": _of_user(lambda user: user.closing),
    "contributions": _of_user(lambda user: user.contributions),
    "withdrawals": _of_user(lambda user: user.withdrawals),
    "coverage": _of_user(lambda user: user.coverage),
    "coverage_at_start": _of_user(lambda user: user.coverage_opening),
}
