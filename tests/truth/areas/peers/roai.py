"""Gains on average invested capital, and the money that they are made of.

Costs are averaged and kept out of the cost basis. ``historic_fx`` converts every amount at the
rate of its day; ``current_fx`` keeps the book in the security's own currency and converts what it
comes to at the last day's rate. A figure marked ``reference_only`` depends on how many points the
reference drew its chart with, and is left out.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tests.truth.areas.peers.keeping import assert_near, earnings_of, facts_of
from tests.truth.tolerance import assert_known
from tidebook.book.average_capital import average_capital, return_on_average_capital
from tidebook.book.series import held_steps
from tidebook.model.money import ONE, ZERO, converted, exact, quotient
from tidebook.model.periods import PeriodRequest, PeriodType, Span, resolve
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.truth.areas.peers.keeping import Facts
    from tests.truth.cases import Content
    from tidebook.book.series import HeldSteps

RANGES = {
    "wtd": PeriodType.WTD,
    "mtd": PeriodType.MTD,
    "ytd": PeriodType.YTD,
    "1y": PeriodType.ONE_YEAR,
    "5y": PeriodType.FIVE_YEAR,
    "max": PeriodType.SI,
}
RATIOS = frozenset({"gross_ratio", "net_ratio", "net_ratio_range_max"})
UNCHECKED = "_reference_only"


class Whole(NamedTuple):
    """What a ledger comes to over a span of days, cash apart."""

    value: Decimal
    gain: Decimal
    fees: Decimal


def check(case: Content) -> None:
    """Compare the totals, each position, and the gains over ranges and up to days."""
    facts, expected = facts_of(case).with_implied_prices(), case["expected"]
    money = case["tolerance"]["money"]
    days = [fact.traded_at.date() for fact in facts.transactions if fact.traded_at]
    whole = Span(min(days, default=facts.last_day), facts.last_day)
    totals = {"market_value", "total_fees", "total_cost"}
    by_day = {"net_gain_by_range", "net_gain_on", "cost_basis_on"}
    assert_known(expected, totals | by_day | {"positions"})
    found = _whole(facts, whole)
    steps = [_steps(facts, security_id) for security_id in _held(facts)]
    costs = sum((held.costs_base[-1] for held in steps), ZERO)
    figures = {"market_value": found.value, "total_fees": found.fees, "total_cost": costs}
    for name in expected.keys() & totals:
        assert_near(figures[name], expected[name], money, name)
    for name, figure in expected.get("net_gain_by_range", {}).items():
        one = _whole(facts, _span(name, whole))
        assert_near(one.gain - one.fees, figure, money, f"net gain {name}")
    for on, figure in expected.get("net_gain_on", {}).items():
        one = _whole(facts, Span(whole.start, date.fromisoformat(on)))
        assert_near(one.gain - one.fees, figure, money, f"net gain on {on}")
    for on, figure in expected.get("cost_basis_on", {}).items():
        (held,) = steps
        assert_near(_cost_on(held, date.fromisoformat(on)), figure, money, f"cost on {on}")
    if "positions" in expected:
        assert [one["instrument"] for one in expected["positions"]] == _held(facts)
    for figures in expected.get("positions", []):
        _check_position(facts, figures, whole, case["tolerance"])


def _check_position(facts: Facts, figures: Content, whole: Span, tolerance: dict[str, str]) -> None:
    security_id = figures["instrument"]
    own = facts.of_security(security_id)
    (currency,) = {fact.trade_currency for fact in own.transactions}
    rate = facts.rates.rate(currency, facts.base_currency, whole.end)
    assert rate is not None
    historic = _position(own, security_id, whole, ONE)
    current = _position(own._replace(base_currency=currency), security_id, whole, rate.rate)
    found = {
        **historic,
        **{f"{name}_historic_fx": figure for name, figure in historic.items()},
        **{f"{name}_current_fx": figure for name, figure in current.items()},
    }
    stated = {
        name.replace("_at_", "_"): figure
        for name, figure in figures.items()
        if name != "instrument" and not name.endswith(UNCHECKED)
    }
    assert_known(stated, set(found))
    for name, figure in stated.items():
        plain = name.split("_historic_fx")[0].split("_current_fx")[0]
        allowed = tolerance["ratio" if plain in RATIOS else "money"]
        assert_near(found[name], figure, allowed, name)


def _position(
    own: Facts, security_id: str, whole: Span, rate: Decimal
) -> dict[str, Decimal | None]:
    """Return one position's figures, its money converted at a rate after the fact."""
    held = _steps(own, security_id)
    (book,) = own.before_costs().books(CostMethod.AVCO)
    holding = book.holding(security_id)
    found = _whole(own, whole)
    capital = average_capital(held, whole.start, whole.end)
    by_close = average_capital(held, whole.start, whole.end + timedelta(days=1))
    net = found.gain - found.fees
    money = {
        "cost_basis": holding.cost_base,
        "fees": found.fees,
        "gross_gain": found.gain,
        "net_gain": net,
        "avg_capital": capital,
    }
    with exact():
        in_base = {
            name: None if amount is None else converted(amount, rate)
            for name, amount in money.items()
        }
    unit = quotient(holding.cost_local, holding.quantity) if holding.quantity else None
    return {
        **in_base,
        "quantity": holding.quantity,
        "avg_cost": unit,
        "gross_ratio": return_on_average_capital(found.gain, capital),
        "net_ratio": return_on_average_capital(net, capital),
        "net_ratio_range_max": return_on_average_capital(net, by_close),
    }


def _held(facts: Facts) -> list[str]:
    """Return the securities that were ever held."""
    return sorted({fact.security_id for fact in facts.transactions} - {"CASH"})


def _whole(facts: Facts, span: Span) -> Whole:
    found = Whole(ZERO, ZERO, ZERO)
    with exact():
        for book in facts.books(CostMethod.AVCO):
            earned = earnings_of(facts, book, span)
            assert not earned.unpriced
            held = [key for key in earned.keys if key.security_id not in book.cash_keys()]
            found = Whole(
                found.value + sum((key.final for key in held), ZERO),
                found.gain + earned.realised + earned.unrealised,
                found.fees + earned.fees + earned.taxes,
            )
    return found


def _steps(facts: Facts, security_id: str) -> HeldSteps:
    (book,) = facts.of_security(security_id).before_costs().books(CostMethod.AVCO)
    (held,) = held_steps(book.entries, book.currencies(), frozenset())
    return held


def _cost_on(held: HeldSteps, day: date) -> Decimal:
    costs = zip(held.days, held.costs_base, strict=True)
    return next((cost for since, cost in reversed(list(costs)) if since <= day), ZERO)


def _span(name: str, whole: Span) -> Span:
    if name == "1d":
        return Span(whole.end, whole.end)
    span = resolve(PeriodRequest(RANGES[name]), as_of=whole.end, inception=whole.start)
    assert isinstance(span, Span)
    return span
