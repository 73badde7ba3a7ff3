"""Realised and unrealised gains, and costs, under first-in-first-out and average cost.

The cases count costs into what was paid and leave them out of the gains: a gain is that of a book
kept from the same transactions without fees and taxes. Lots are matched inside an account, an
average is formed over all of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near, earnings_of, facts_of, total_of
from tests.truth.areas.peers.twr_daily import values_of
from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import (
    DatedAmounts,
    FeeBasis,
    internal_rate,
    time_weighted,
    to_days,
    to_float64,
)
from tidebook.book.security_series import security_series
from tidebook.book.series import Market
from tidebook.model.money import quotient
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.fixtures.booking import Book
    from tests.truth.areas.peers.keeping import Facts
    from tests.truth.cases import Content

METHODS = {"FIFO": CostMethod.FIFO, "AVG": CostMethod.AVCO}


def check(case: Content) -> None:
    """Compare the case's figures under each method that it states."""
    facts, expected = facts_of(case).with_implied_prices(), case["expected"]
    money = case["tolerance"]["money"]
    for name, stated in expected.items():
        if name in {"irr", "twr"}:
            _check_return(facts, name, stated, case["tolerance"]["ratio"])
            continue
        by_method = stated if isinstance(stated, dict) else {"FIFO": stated}
        for method, figure in by_method.items():
            found = _figures(facts, METHODS[method])
            assert_known({name: figure}, set(found))
            assert_near(found[name], figure, money, f"{name} {method}")


def _figures(facts: Facts, method: CostMethod) -> dict[str, Decimal | None]:
    if method is CostMethod.AVCO:
        facts = facts.pooled()
    books, gross = facts.books(method), facts.before_costs().books(method)
    assert not any(book.findings for book in books)
    holdings = [holding for book in books for holding in book.holdings.values()]
    quantity = total_of([holding.quantity for holding in holdings])
    cost = total_of([holding.cost_base for holding in holdings])
    entries = [entry for book in gross for entry in book.entries]
    gains = [entry for entry in entries if entry.realised_base is not None]
    matched = [match.cost_base for entry in gains for match in entry.matches]
    return {
        "quantity": quantity,
        "cost": cost,
        "cost_period": _period_cost(facts, books),
        "cost_per_share": quotient(cost, quantity) if quantity else None,
        "fees": total_of([fact.fee for fact in facts.transactions]),
        "consumed_cost": total_of(matched),
        "realized": total_of([entry.realised_base for entry in gains]),
        "realized_fx_part": total_of([entry.realised_currency for entry in gains]),
        "unrealized": _unrealised(facts, gross),
        "gain_on_holdings": _unrealised(facts, books),
    }


def _period_cost(facts: Facts, books: list[Book]) -> Decimal | None:
    """Return what is held cost, lots from before the period at their value when it opened."""
    if facts.period is None:
        return None
    earned = [earnings_of(facts, book, facts.period) for book in books]
    if any(one.unpriced for one in earned):
        return None
    return total_of([key.cost for one in earned for key in one.keys])


def _check_return(facts: Facts, name: str, expected: str, ratio: str) -> None:
    """Compare a yearly or a whole return of the security, all accounts together, before taxes."""
    days = [fact.traded_at.date() for fact in facts.transactions if fact.traded_at]
    first = min(days)
    whole = [first + timedelta(days=n) for n in range((facts.last_day - first).days + 1)]
    (book,) = facts.pooled().before_taxes().books()
    market = Market(facts.prices, facts.rates, facts.base_currency, {})
    rows = security_series(whole, book.entries, market)
    if name == "twr":
        linked = time_weighted(values_of(rows), Span(whole[0], whole[-1]), FeeBasis.NET)
        assert_close(linked.total, expected, ratio)
        return
    flows = [(row.on, -row.bod_cashflow - row.eod_cashflow) for row in rows]
    flows.append((rows[-1].on, rows[-1].eod_market_value))
    on, amounts = zip(*flows, strict=True)
    rate = internal_rate(DatedAmounts(to_days(on), to_float64(amounts))).rate_annual
    assert_close(rate, expected, ratio)


def _unrealised(facts: Facts, books: list[Book]) -> Decimal | None:
    """Return the gain on what is held, or None where something held has no value."""
    values = [facts.valued(book, key).value for book in books for key in book.holdings]
    if None in values:
        return None
    return total_of([value.unrealised_base for value in values if value is not None])
