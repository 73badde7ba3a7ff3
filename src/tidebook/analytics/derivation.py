"""Derivations of returns: float figures over exact ones, each recomputed from its leaves.

A return is a formula over the days of a portfolio. Its tree states every day's amounts as the book
holds them, and :func:`reckon` forms the return again from these alone: amounts become floats in
the one place where they may, days are chained one after the other, and the result is the same
float.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.catalogue import suite
from tidebook.analytics.conventions import Conventions
from tidebook.analytics.crossing import to_days
from tidebook.analytics.figures import value_of
from tidebook.analytics.money_weighted import DatedAmounts, money_weighted
from tidebook.analytics.returns import annualise
from tidebook.analytics.sampling import DatedReturns, Frequency, resampled
from tidebook.book.derivation import Node, disagreements, evaluate, given
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tidebook.analytics.figures import Undefined
    from tidebook.analytics.money_weighted import MoneyWeighted

PLACES: Final = 10
"""Decimal places of the returns that answers give."""
_NOISE: Final = 1e-12
_TERMS: Final = 4
DAYS_NOT_ANNUALISED: Final = 366
DAYS_PER_YEAR: Final = 365.25
_DAY_ZERO: Final = date(1970, 1, 1)


class Reckoning(StrEnum):
    """How a float follows from what is below it."""

    UNDEFINED = "undefined"
    """There is no figure; the label says why."""
    NET_RETURN = "net_return"
    """(emv - ecf - (bmv + bcf)) / \\|bmv + bcf\\|; 0 where no capital was at work."""
    GROSS_RETURN = "gross_return"
    """The same with the day's fees added back to the gain."""
    LINKED = "linked"
    """Each day's return chained to the next; debts are chained apart, see ``returns``."""
    ANNUALISED = "annualised"
    """(1 + R) ** (365.25 / days) - 1 beyond 366 days, else R."""
    FLOW = "flow"
    """An amount, and the days from the first to it."""
    INTERNAL_RATE = "internal_rate"
    """The rate r with sum(flow / (1 + r) ** (days / 365)) = 0, where it is the only one."""
    PERIOD_RATE = "period_rate"
    """The same rate over the days of the period: (1 + r) ** (days / 365) - 1."""
    YEARLY_RATE = "yearly_rate"
    """The same rate where the period lasts 365 days or more."""
    PERCENT = "percent"
    """One hundred times the fraction, to ten places."""
    ROUNDED = "rounded"
    """The fraction to ten places."""
    OPPOSITE = "opposite"
    """The only child with the other sign."""
    DATED = "dated"
    """A return, and its day counted from 1970-01-01."""
    ROW = "row"
    """The first of the numbers below, which are taken together."""
    ROWS = "rows"
    """How many rows there are below."""
    COMPUTED = "computed"
    """By the rules of the answer that gives the figure, of all the rows below; see ``computed``."""
    MEASURE = "measure"
    """A measure of the catalogue over dated returns, linked to business days; see ``measured``."""


Table = tuple[tuple[Decimal, ...], ...]
"""The exact numbers of rows, one tuple a row."""
Tables = tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """One float of an explanation; the fields are those of ``tidebook.book.derivation.Node``."""

    label: str
    value: float | None
    unit: str
    formula: Reckoning
    children: tuple[Reckoned | Node, ...] = ()
    source: None = None
    measure: str = ""
    """The id of the measure, where the formula is one of the catalogue."""
    compute: Callable[[Tables], float | None] | None = None
    """What forms the figure anew of the rows' numbers, where the formula is ``COMPUTED``."""


Tree = Node | Reckoned
"""A figure with all that it follows from, exact or float."""


def reckon(tree: Tree) -> Decimal | float | None:
    """Return a tree's figure computed from its leaves alone; None where there is none."""
    if isinstance(tree, Node):
        return evaluate(tree)
    return _computed(tree)


def unfounded(tree: Tree) -> tuple[Tree, ...]:
    """Return the nodes whose stated figure is not what their leaves come to, deepest first."""
    if isinstance(tree, Node):
        return disagreements(tree)
    below = tuple(one for child in tree.children for one in unfounded(child))
    return below if _is_stated(tree) else (*below, tree)


def reckoned(label: str, unit: str, formula: Reckoning, children: Sequence[Tree]) -> Reckoned:
    """Return a node that states what its leaves come to."""
    node = Reckoned(label, None, unit, formula, tuple(children))
    return replace(node, value=_computed(node))


def told(tree: Reckoned, value: float | None) -> Reckoned:
    """Return a node that states a figure as an answer gives it."""
    return replace(tree, value=value)


def nothing(label: str, unit: str, why: Undefined) -> Reckoned:
    """Return the leaf of a figure that does not exist; the label says why."""
    return Reckoned(f"{label}: {why.sentence}", None, unit, Reckoning.UNDEFINED)


def measured(
    label: str, measure: str, conventions: Conventions, days: int, returns: Sequence[Reckoned]
) -> Reckoned:
    """Return a node that states a measure of daily returns.

    Args:
        label: What the figure is.
        measure: Its id in the catalogue.
        conventions: Those of the measure, without a yearly rate; their years follow from the days.
        days: Of the period, both ends counted.
        returns: Those of the days with capital, each ``DATED``.
    """
    below = (
        given("days of the period, both ends counted", Decimal(days), "days"),
        given("periods that make a year", Decimal(repr(conventions.periods_per_year)), ""),
        given("confidence", Decimal(repr(conventions.confidence)), ""),
        given("periods that a value at risk looks ahead", _exactly(conventions), ""),
    )
    node = Reckoned(label, None, "", Reckoning.MEASURE, (*below, *returns), measure=measure)
    return replace(node, value=_computed(node))


def rows(label: str, below: Sequence[Sequence[Node]], labels: Sequence[str]) -> Reckoned:
    """Return rows of numbers that a computed figure takes together.

    Args:
        label: What the rows are of.
        below: The numbers of each row.
        labels: What each row is.
    """
    drawn = tuple(
        Reckoned(named, _number(numbers[0]) if numbers else None, "", Reckoning.ROW, tuple(numbers))
        for named, numbers in zip(labels, below, strict=True)
    )
    return Reckoned(label, float(len(drawn)), "rows", Reckoning.ROWS, drawn)


def computed(
    label: str,
    value: float | None,
    tables: Sequence[Reckoned],
    compute: Callable[[Tables], float | None],
) -> Reckoned:
    """Return a node that states a figure which is formed of whole tables at once.

    Args:
        label: What the figure is.
        value: The figure as its answer has it.
        tables: Rows of numbers, as :func:`rows` makes them.
        compute: What forms the figure of these numbers, by the functions of its answer.
    """
    formula = Reckoning.COMPUTED
    return Reckoned(label, value, "", formula, tuple(tables), compute=compute)


def _table(tree: Tree) -> Table | None:
    found: list[tuple[Decimal, ...]] = []
    for row in tree.children:
        numbers = [evaluate(one) for one in row.children if isinstance(one, Node)]
        known = tuple(number for number in numbers if number is not None)
        if len(known) < len(row.children):
            return None
        found.append(known)
    return tuple(found)


def _of_tables(tree: Reckoned) -> float | None:
    found = [_table(child) for child in tree.children]
    known = [table for table in found if table is not None]
    if tree.compute is None or len(known) < len(found):
        return None
    return tree.compute(tuple(known))


def _exactly(conventions: Conventions) -> Decimal:
    return Decimal(repr(conventions.horizon_periods))


def _computed(tree: Reckoned) -> float | None:
    if tree.formula is Reckoning.MEASURE:
        return _measure(tree)
    if tree.formula is Reckoning.COMPUTED:
        return _of_tables(tree)
    return _COMPUTES[tree.formula](tree.children)


def _measure(tree: Reckoned) -> float | None:
    terms = _numbers(tree.children[:_TERMS])
    pairs = [_numbers(child.children) for child in tree.children[_TERMS:]]
    known = [(pair[0], int(pair[1])) for pair in pairs if pair is not None]
    if terms is None or len(known) < len(pairs) or not known:
        return None
    days, per_year, confidence, horizon = terms
    dates = to_days([_DAY_ZERO + timedelta(days=day) for _, day in known])
    returns = np.array([value for value, _ in known], np.float64)
    daily = resampled(DatedReturns(dates, returns), Frequency.DAILY)
    conventions = Conventions(
        periods_per_year=per_year,
        confidence=confidence,
        horizon_periods=horizon,
        years=1.0 if days <= DAYS_NOT_ANNUALISED else days / DAYS_PER_YEAR,
    )
    return value_of(suite(daily.returns, conventions=conventions).figures[tree.measure])


def _is_stated(tree: Reckoned) -> bool:
    return _computed(tree) == tree.value


def _number(tree: Tree) -> float | None:
    if isinstance(tree, Node):
        value = evaluate(tree) if tree.children else tree.value
        return None if value is None else (float(value) if value else 0.0)
    return _computed(tree)


def _numbers(trees: Sequence[Tree]) -> list[float] | None:
    found = [value for value in map(_number, trees) if value is not None]
    return found if len(found) == len(trees) else None


class _Day(NamedTuple):
    capital: float
    earned: float


def _day(amounts: Sequence[float]) -> _Day:
    """Return a day's capital and return from bmv, bcf, ecf, emv and, before fees, the fees."""
    bmv, bcf, ecf, emv = amounts[:4]
    capital = bmv + bcf
    if abs(capital) <= _NOISE * (abs(bmv) + abs(bcf)):
        capital = 0.0
    closing = emv - ecf
    for fees in amounts[4:]:
        closing += fees
    return _Day(capital, (closing - capital) / abs(capital) if capital else 0.0)


def _earned(children: Sequence[Tree]) -> float | None:
    amounts = _numbers(children)
    return None if amounts is None else _day(amounts).earned


def _linked(children: Sequence[Tree]) -> float | None:
    """Chain the days: growth of what was owned times what is left of what was owed."""
    carried, growth, liability = 1.0, 1.0, 1.0
    for child in children:
        amounts = _numbers(child.children)
        if amounts is None:
            return None
        capital, earned = _day(amounts)
        if capital > 0:
            growth *= _without_noise(1.0 + earned)
        elif capital < 0:
            liability *= _without_noise(1.0 - earned)
        if growth < 0 or liability < 0 or liability > 2.0 + _NOISE:
            is_repaid = liability < 0 <= growth
            carried = carried * growth * (2.0 - liability) if is_repaid else 1.0
            growth = liability = 1.0
    if not children:
        return None
    return carried * growth * (2.0 - liability) - 1.0


def _without_noise(growth: float) -> float:
    return 0.0 if abs(growth) < _NOISE else growth


def _annualised(children: Sequence[Tree]) -> float | None:
    values = _numbers(children)
    if values is None:
        return None
    days = timedelta(days=int(values[1]) - 1)
    return value_of(annualise(values[0], _DAY_ZERO, _DAY_ZERO + days))


def _solved(children: Sequence[Tree]) -> MoneyWeighted | None:
    """Solve for the rate of dated amounts: the opening value, the flows, the closing value."""
    pairs = [_numbers(child.children) for child in children]
    known = [(pair[0], int(pair[1])) for pair in pairs if pair is not None]
    if len(known) < len(pairs) or not known:
        return None
    (opening, _), *flows, (closing, last) = known
    days = [_DAY_ZERO + timedelta(days=day) for _, day in flows]
    amounts = DatedAmounts(
        to_days(days) if days else np.zeros(0, "datetime64[D]"),
        np.array([amount for amount, _ in flows], np.float64),
    )
    span = Span(_DAY_ZERO, _DAY_ZERO + timedelta(days=last))
    return money_weighted(amounts, span, opening=opening, closing=closing)


def _internal_rate(children: Sequence[Tree]) -> float | None:
    found = _solved(children)
    return None if found is None else value_of(found.rate_annual)


def _period_rate(children: Sequence[Tree]) -> float | None:
    found = _solved(children)
    return None if found is None else value_of(found.rate_period)


def _yearly_rate(children: Sequence[Tree]) -> float | None:
    found = _solved(children)
    return None if found is None else value_of(found.rate_annualised)


def _opposite(children: Sequence[Tree]) -> float | None:
    value = _number(children[0])
    return None if value is None else 0.0 - value


def _rounded(children: Sequence[Tree], factor: float) -> float | None:
    value = _number(children[0])
    return None if value is None else round(value * factor, PLACES) + 0.0


_COMPUTES: Final[Mapping[Reckoning, Callable[[Sequence[Tree]], float | None]]] = {
    Reckoning.UNDEFINED: lambda _: None,
    Reckoning.NET_RETURN: _earned,
    Reckoning.GROSS_RETURN: _earned,
    Reckoning.LINKED: _linked,
    Reckoning.ANNUALISED: _annualised,
    Reckoning.FLOW: lambda children: _number(children[0]),
    Reckoning.INTERNAL_RATE: _internal_rate,
    Reckoning.PERIOD_RATE: _period_rate,
    Reckoning.YEARLY_RATE: _yearly_rate,
    Reckoning.PERCENT: lambda children: _rounded(children, 100.0),
    Reckoning.DATED: lambda children: _number(children[0]),
    Reckoning.ROW: lambda children: _number(children[0]) if children else None,
    Reckoning.ROWS: lambda children: float(len(children)),
    Reckoning.OPPOSITE: _opposite,
    Reckoning.ROUNDED: lambda children: _rounded(children, 1.0),
}
