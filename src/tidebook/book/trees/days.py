"""Where a day of the daily series comes from: holdings, prices, rates and flows of that day.

The closing value is formed as the series forms it: what is quoted in one currency and kept in one
currency is added up first and converted once.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import Classification, Timing
from tidebook.book.derivation import Formula, derived
from tidebook.book.trees.positions import convert, cost_tree, price_tree, quantity_tree, worth_tree
from tidebook.book.trees.steps import Side, base_flow_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from tidebook.book.derivation import Node
    from tidebook.book.trees.positions import ValueRates
    from tidebook.book.trees.steps import Key, Step
    from tidebook.book.valuation import Valuation


class DayHolding(NamedTuple):
    """One key at the close of a day: its steps until then, and how it is valued on that day.

    ``stands_alone`` marks a security whose prices change between currencies: it is converted by
    itself.
    """

    key: Key
    steps: Sequence[Step]
    valuation: Valuation
    rates: ValueRates
    stands_alone: bool


def closing_value_tree(on: date, base_currency: str, holdings: Iterable[DayHolding]) -> Node:
    """Return what all priced holdings are worth at the close of a day, in base currency."""
    groups: dict[tuple[str, str], list[Node]] = defaultdict(list)
    rates: dict[tuple[str, str], ValueRates] = {}
    children: list[Node] = []
    for held in holdings:
        quote = held.valuation.quote
        if quote is None or held.valuation.value is None or not _holds(held):
            continue
        if held.stands_alone:
            children.append(_alone(held, base_currency))
            continue
        group = (quote.currency, held.key.currency)
        groups[group].append(_worth(held))
        rates[group] = held.rates
        if held.key.on_margin:
            unpaid = (held.key.currency, held.key.currency)
            groups[unpaid].append(_unpaid(held))
            rates[unpaid] = held.rates._replace(to_local=None)
    for group in sorted(groups):
        quoted, local = group
        if quoted == local == base_currency:
            children += groups[group]
            continue
        added = derived(f"holdings quoted in {quoted}", quoted, Formula.SUM, groups[group])
        children.append(
            convert(
                convert(added, rates[group].to_local, local), rates[group].to_base, base_currency
            )
        )
    return derived(f"closing value of {on}", base_currency, Formula.SUM, children)


def unpriced_cost_tree(on: date, base_currency: str, holdings: Iterable[DayHolding]) -> Node:
    """Return what the holdings cost that could not be valued at the close of a day."""
    costs = [
        cost_tree(held.key, held.steps)
        for held in holdings
        if held.valuation.value is None and _holds(held) and not held.key.on_margin
    ]
    return derived(f"cost of what was not valued on {on}", base_currency, Formula.SUM, costs)


def flows_tree(on: date, base_currency: str, steps: Iterable[Step], timing: Timing) -> Node:
    """Return what crossed the portfolio's border on a day, in base currency; costs included."""
    flows = [
        base_flow_tree(step, base_currency)
        for step in portfolio_flows(steps, on)
        if step.flow is not None and step.flow.timing == timing
    ]
    when = "start" if timing is Timing.BOD else "end"
    return derived(f"flows at the {when} of {on}", base_currency, Formula.SUM, flows)


def fees_tree(on: date, base_currency: str, steps: Iterable[Step]) -> Node:
    """Return the expenses of a day, positive where they were paid."""
    paid = [
        step for step in portfolio_flows(steps, on) if _is_classed(step, Classification.EXPENSE)
    ]
    return expenses_tree(f"expenses of {on}", base_currency, paid)


def expenses_tree(label: str, base_currency: str, steps: Iterable[Step]) -> Node:
    """Return what steps paid away, as a positive amount in base currency."""
    flows = [base_flow_tree(step, base_currency) for step in steps]
    moved = derived("cash moved by them", base_currency, Formula.SUM, flows)
    return derived(label, base_currency, Formula.NEGATIVE, (moved,))


def costs_tree(base_currency: str, steps: Iterable[Step]) -> Node:
    """Return what a portfolio paid in costs and taxes of their own."""
    paid = [step for step in steps if _is_classed(step, Classification.EXPENSE)]
    return expenses_tree("costs and taxes", base_currency, paid)


def income_tree(base_currency: str, steps: Iterable[Step]) -> Node:
    """Return dividends and interest in base currency, at the rates of their days."""
    flows = [
        base_flow_tree(step, base_currency)
        for step in steps
        if _is_classed(step, Classification.INCOME)
    ]
    return derived("dividends and interest", base_currency, Formula.SUM, flows)


def portfolio_flows(steps: Iterable[Step], on: date) -> list[Step]:
    """Return the steps of a day that crossed the portfolio's border."""
    return [
        step
        for step in steps
        if step.on == on and step.flow is not None and step.flow.is_portfolio_flow
    ]


def _is_classed(step: Step, kind: Classification) -> bool:
    return step.flow is not None and step.flow.classification == kind


def _holds(held: DayHolding) -> bool:
    return bool(quantity_tree(held.key, held.steps).value)


def _worth(held: DayHolding) -> Node:
    quantity = quantity_tree(held.key, held.steps)
    price = price_tree(held.key, held.valuation)
    return worth_tree(held.key, quantity, price, f"value of {held.key.security_id}")


def _unpaid(held: DayHolding) -> Node:
    """Return, as a debt, what a contract on margin would have cost: nobody paid it."""
    cost = cost_tree(held.key, held.steps, Side.LOCAL)
    label = f"{cost.label}, which was not paid"
    return derived(label, cost.unit, Formula.NEGATIVE, (cost,))


def _alone(held: DayHolding, base_currency: str) -> Node:
    """Return the value of a security whose prices change between currencies."""
    local = convert(_worth(held), held.rates.to_local, held.key.currency)
    if held.key.on_margin:
        label = f"{local.label} less what was not paid"
        below = (local, cost_tree(held.key, held.steps, Side.LOCAL))
        local = derived(label, local.unit, Formula.DIFFERENCE, below)
    return convert(local, held.rates.to_base, base_currency)
