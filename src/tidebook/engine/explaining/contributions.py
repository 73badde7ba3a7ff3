"""The figures of a contribution: of the whole, and of each group of holdings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics import FeeBasis, Undefined, value_of
from tidebook.analytics.derivation import Reckoning, computed, nothing, reckoned
from tidebook.book.derivation import Formula, derived, stated
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.asked import AskedParts
from tidebook.engine.explaining.parts import gathered
from tidebook.engine.explaining.periods import Rows, coverage_tree
from tidebook.engine.measuring.broken_down import UNALLOCATED
from tidebook.engine.measuring.contributing import over_window
from tidebook.errors import UnknownSubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from tidebook.analytics import Figure as Told
    from tidebook.analytics.derivation import Tables, Tree
    from tidebook.book.derivation import Node
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library
    from tidebook.engine.explaining.parts import Gathered
    from tidebook.engine.measuring.contributing import Contribution, PeriodContribution

_OF_GROUP: Final[Mapping[str, Callable[[Contribution], Told]]] = {
    "contribution": lambda row: row.contribution,
    "local_contribution": lambda row: row.local,
    "currency_contribution": lambda row: row.currency,
    "return": lambda row: row.own_return,
    "average_weight": lambda row: row.weight_average,
}
_AMOUNTS: Final[Mapping[str, Callable[[Contribution], Decimal | None]]] = {
    "begin_market_value": lambda row: row.begin_market_value,
    "end_market_value": lambda row: row.end_market_value,
    "gain": lambda row: row.gain,
}


def explain_contribution(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of a contribution, by the request that it answers.

    Raises:
        UnknownSubjectError: If the answer has no such group, or its period no day.
    """
    asked = question.request
    if not isinstance(asked, AskedParts):
        raise UnknownSubjectError("a request for contributions", question.portfolio_id)
    found = gathered(library, asked)
    freshness = found.found.whole.freshness
    told = over_window(found.found, asked.period.name, found.window, asked.basis, asked.linking)
    if not found.window.days:
        return Drawn(None, freshness, _undefined(figure, told.total))
    if figure.name == "coverage":
        return Drawn(None, freshness, coverage_tree(found.rows, found.window, told.coverage_min))
    if figure.name in _AMOUNTS:
        return Drawn(None, freshness, _amount(found, question, figure, told))
    return Drawn(None, freshness, _float(found, asked, question, figure))


def _float(found: Gathered, asked: AskedParts, question: Question, figure: Figure) -> Tree:
    def value(period: PeriodContribution) -> Told:
        if figure.name == "cumulative_return":
            return period.total
        return _OF_GROUP[figure.name](group_of(period, question.group))

    def again(tables: Tables) -> float | None:
        parts = found.again(tables)
        return value_of(value(over_window(parts, "", found.window, asked.basis, asked.linking)))

    told = value(over_window(found.found, "", found.window, asked.basis, asked.linking))
    if isinstance(told, Undefined):
        return _undefined(figure, told)
    label = figure.definition if question.group is None else f"{figure.name} of {question.group}"
    node = computed(label.replace("_", " "), told, found.tables(), again)
    if figure.name == "average_weight":
        return reckoned(f"{node.label}, to ten places", "", Reckoning.ROUNDED, (node,))
    return reckoned(f"{node.label}, as percent", "percent", Reckoning.PERCENT, (node,))


def _undefined(figure: Figure, told: Told) -> Tree:
    why = told if isinstance(told, Undefined) else None
    if why is None:
        raise UnknownSubjectError(f"a day for {figure.full_name}", None)
    return nothing(figure.definition, "", why)


def _amount(found: Gathered, question: Question, figure: Figure, told: PeriodContribution) -> Tree:
    row = group_of(told, question.group)
    value = _AMOUNTS[figure.name](row)
    if value is None:
        return nothing(figure.definition, found.found.whole.currency, _why(row))
    begin, end, flows = _ends(found, row.group)
    if figure.name == "gain":
        label = f"gain of {row.group}"
        node = derived(label, end.unit, Formula.DIFFERENCE, (end, begin, flows(question)))
    else:
        node = begin if figure.name == "begin_market_value" else end
    return stated(node, value)


def _why(row: Contribution) -> Undefined:
    if isinstance(row.own_return, Undefined):
        return row.own_return
    raise UnknownSubjectError(f"a gain of {row.group}", None)


def _ends(found: Gathered, group: str) -> tuple[Node, Node, Callable[[Question], Node]]:
    """Return the values of a group at both ends, and what draws the flows between."""
    unit, first, last = found.found.whole.currency, found.first, found.first + len(found.days)
    sleeves = [each for each in found.found.sleeves if each.group == group]
    drawn = [Rows("", unit, sleeve.days) for sleeve in sleeves]
    begins = [each.closing(each.days[first - 1]) for each in drawn if first]
    ends = [each.closing(each.days[last - 1]) for each in drawn]

    def flows(question: Question) -> Node:
        asked = question.request
        is_net = isinstance(asked, AskedParts) and asked.basis is FeeBasis.NET
        below = [
            node
            for each in drawn
            for day in each.days[first:last]
            for node in (
                each.start_flow(day),
                each.end_flow(day) if is_net else each.leaf(day, "eod_cashflow"),
            )
            if node.value
        ]
        return derived(f"flows of {group}", unit, Formula.SUM, below)

    return (
        derived(f"value of {group} before the first day", unit, Formula.SUM, begins),
        derived(f"value of {group} on the last day", unit, Formula.SUM, ends),
        flows,
    )


def group_of(period: PeriodContribution, group: str | None) -> Contribution:
    """Return the row of a group.

    Raises:
        UnknownSubjectError: If there is none.
    """
    for row in period.groups:
        if row.group == (group or UNALLOCATED):
            return row
    raise UnknownSubjectError(f"the group {group!r} in this answer", None)
