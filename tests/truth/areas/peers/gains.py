"""Realised and unrealised gains, and costs, under first-in-first-out and average cost.

The cases count costs into what was paid and leave them out of the gains: a gain is that of a book
kept from the same transactions without fees and taxes. Lots are matched inside an account, an
average is formed over all of them.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
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
    value_of,
)
from tidebook.book.security_series import security_series
from tidebook.book.series import Market
from tidebook.book.trades import open_trade
from tidebook.model.money import quotient
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tests.fixtures.booking import Book
    from tests.truth.areas.peers.keeping import Facts
    from tests.truth.cases import Content

METHODS = {"FIFO": CostMethod.FIFO, "AVG": CostMethod.AVCO}


def check(case: Content) -> None:
    """Compare the case's figures under each method that it states."""
    facts, expected = facts_of(case), case["expected"]
    money, ratio = case["tolerance"]["money"], case["tolerance"]["ratio"]
    if "implied_price_from_last_transaction" in case.get("inputs", {}):
        facts = _implied(facts, case["inputs"]["implied_price_from_last_transaction"])
    for name, stated in expected.items():
        if name in RATES:
            rate = RATES[name](facts)
            assert rate is not None
            assert_close(rate, stated, ratio)
            continue
        by_method = stated if isinstance(stated, dict) else {"FIFO": stated}
        for method, figure in by_method.items():
            scope = facts.pooled() if method == "AVG" else facts
            found = _figures(scope, METHODS[method])
            if name == "cost_period":
                found[name] = _period_cost(scope, scope.books(METHODS[method]))
            assert_known({name: figure}, set(found))
            assert_near(found[name], figure, money, f"{name} {method}")


def _figures(facts: Facts, method: CostMethod) -> dict[str, Decimal | None]:
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


def _unrealised(facts: Facts, books: list[Book]) -> Decimal | None:
    """Return the gain on what is held, or None where something held has no value."""
    values = [facts.valued(book, key).value for book in books for key in book.holdings]
    if None in values:
        return None
    return total_of([value.unrealised_base for value in values if value is not None])


def _implied(facts: Facts, stated: str) -> Facts:
    """Return the facts with the prices of their trades, of which the last is as stated."""
    found = facts.with_implied_prices()
    (quotes,) = found.prices.values()
    assert quotes.prices[-1] == Decimal(stated)
    return found


def _yearly_rate(facts: Facts) -> float | None:
    """Return the yearly rate on what is held: lots bring the days they were first bought on."""
    flows: list[tuple[date, Decimal]] = []
    for book in facts.books():
        for key in book.holdings:
            held = open_trade(key, book.lots(key), facts.valued(book, key))
            if held is not None:
                assert held.exit_base is not None
                flows += [(lot.opened_on, -lot.cost_base) for lot in held.lots]
                flows.append((facts.last_day, held.exit_base))
    days, amounts = zip(*sorted(flows), strict=True)
    found = internal_rate(DatedAmounts(to_days(days), to_float64(amounts)))
    return value_of(found.rate_annual)


def _linked(facts: Facts) -> float | None:
    """Return the time-weighted return of the only security, over all accounts together."""
    (book,) = facts.pooled().books()
    assert facts.period is not None
    start = facts.period.start
    days = [start + timedelta(days=n) for n in range((facts.last_day - start).days + 1)]
    market = Market(facts.prices, facts.rates, facts.base_currency, {})
    rows = security_series(days, book.entries, market)
    found = time_weighted(values_of(rows), Span(days[0], days[-1]), FeeBasis.NET)
    return value_of(found.total)


RATES: dict[str, Callable[[Facts], float | None]] = {"irr": _yearly_rate, "twr": _linked}
