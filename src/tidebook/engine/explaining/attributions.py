"""The figures of an attribution: the active return, and the effects of each group."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tidebook.analytics import Undefined, value_of
from tidebook.analytics.derivation import Reckoning, computed, nothing, reckoned, rows
from tidebook.book.derivation import given
from tidebook.book.traced_facts import marked_rates
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.asked import AskedParts
from tidebook.engine.explaining.levels import level_tables, line_again, rates_again
from tidebook.engine.explaining.parts import gathered
from tidebook.engine.explaining.periods import coverage_tree
from tidebook.engine.measuring.attributing import Terms, over_window
from tidebook.errors import UnknownSubjectError
from tidebook.model.markets import RateTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tidebook.analytics import Figure as Told
    from tidebook.analytics.derivation import Reckoned, Table, Tables
    from tidebook.book.derivation import Node
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library
    from tidebook.engine.explaining.parts import Gathered
    from tidebook.engine.measuring.attributing import (
        BenchmarkGroup,
        GroupEffects,
        PeriodAttribution,
    )
    from tidebook.model.markets import Quotes

_OF_WHOLE: Final[Mapping[str, Callable[[PeriodAttribution], Told]]] = {
    "portfolio_return": lambda period: period.portfolio,
    "benchmark_return": lambda period: period.benchmark,
    "active_return": lambda period: period.active,
    "other": lambda period: period.other,
}
_OF_GROUP: Final[Mapping[str, Callable[[GroupEffects], float]]] = {
    "weight": lambda row: row.weight,
    "benchmark_weight": lambda row: row.benchmark_weight,
    "allocation": lambda row: row.allocation,
    "selection": lambda row: row.selection,
    "interaction": lambda row: row.interaction,
    "currency": lambda row: row.currency,
    "total": lambda row: row.total,
}
_WEIGHTS: Final = frozenset({"weight", "benchmark_weight"})


def explain_attribution(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of an attribution, by the request that it answers.

    Raises:
        UnknownSubjectError: If the answer has no such group.
    """
    asked = question.request
    if not isinstance(asked, AskedParts) or asked.benchmark is None:
        raise UnknownSubjectError("a request for an attribution", question.portfolio_id)
    found = gathered(library, asked)
    freshness, terms = found.found.whole.freshness, asked.terms or Terms()
    benchmark = asked.benchmark(found.found.whole)
    named = (asked.period.name, found.window)
    told = over_window(found.found, benchmark, named, asked.basis, terms)
    if figure.name == "coverage" and found.window.days:
        return Drawn(None, freshness, coverage_tree(found.rows, found.window, told.coverage_min))

    def value(period: PeriodAttribution) -> Told:
        if figure.name in _OF_WHOLE:
            return _OF_WHOLE[figure.name](period)
        return _OF_GROUP[figure.name](_group_of(period, question.group))

    if isinstance(told.portfolio, Undefined):
        return Drawn(None, freshness, nothing(figure.definition, "", told.portfolio))
    sides = _Benchmark(found, benchmark)

    def again(tables: Tables) -> float | None:
        count = 1 + len(found.found.sleeves)
        parts = found.again(tables)
        groups, rates = sides.again(tables[count:])
        parts = parts._replace(rates=rates)
        return value_of(value(over_window(parts, groups, named, asked.basis, terms)))

    figure_told = value(told)
    if isinstance(figure_told, Undefined):
        return Drawn(None, freshness, nothing(figure.definition, "", figure_told))
    words = figure.name.replace("_", " ")
    label = words if question.group is None else f"{words} of {question.group}"
    node = computed(label, figure_told, [*found.tables(), *sides.tables()], again)
    top = (Reckoning.ROUNDED, "to ten places", "")
    if figure.name not in _WEIGHTS:
        top = (Reckoning.PERCENT, "as percent", "percent")
    formula, told_as, unit = top
    return Drawn(None, freshness, reckoned(f"{label}, {told_as}", unit, formula, (node,)))


class _Benchmark:
    """The benchmark's groups as tables: what was sent of them, and the levels of their indices."""

    def __init__(self, found: Gathered, groups: Sequence[BenchmarkGroup]) -> None:
        self.groups = groups
        self.rates = marked_rates(found.found.rates)

    def tables(self) -> list[Reckoned]:
        """Return the weights with the returns that were sent, and the levels of each index."""
        sent = [
            [_sent(f"{words} of {group.group}", number) for words, number in _numbers(group)]
            for group in self.groups
        ]
        labels = [group.group for group in self.groups]
        levels = [
            table
            for group in self.groups
            if group.line is not None
            for table in level_tables(group.line, self.rates)
        ]
        return [rows("the benchmark as it was sent", sent, labels), *levels]

    def again(self, tables: Sequence[Table]) -> tuple[list[BenchmarkGroup], RateTable]:
        """Return the groups that the numbers make, and the rates that their levels rest on."""
        sent, *levels = tables
        quoted: dict[tuple[str, str], Quotes] = {}
        groups: list[BenchmarkGroup] = []
        for group, numbers in zip(self.groups, sent, strict=True):
            names = [name for name, _ in _numbers(group)]
            told = dict(zip(names, map(float, numbers), strict=True))
            line = group.line
            if line is not None:
                own, levels = levels[: len(line.parts)], levels[len(line.parts) :]
                line = line_again(line, own)
                quoted |= rates_again(line, own)
            groups.append(group._replace(line=line, **told))
        return groups, RateTable(quoted)


def _numbers(group: BenchmarkGroup) -> list[tuple[str, float]]:
    told = (("weight", group.weight), ("total", group.total), ("local", group.local))
    return [(name, number) for name, number in told if number is not None]


def _sent(label: str, number: float) -> Node:
    return given(label, Decimal(repr(number)), "")


def _group_of(period: PeriodAttribution, group: str | None) -> GroupEffects:
    for row in period.groups:
        if row.group == group:
            return row
    raise UnknownSubjectError(f"the group {group!r} in this answer", None)
