"""Data health: what is missing, old or unlikely in the data that a portfolio's figures rest on.

A check is a function from what is known of one portfolio to results. None of them changes a figure;
each result says what is wrong, since when, how much money rests on it, and what to do.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tidebook.book.checks.health_facts import (
    CheckResult,
    CheckSeverity,
    Valued,
    held_since,
    since,
    stake_of,
)
from tidebook.book.checks.health_market import MARKET_CHECKS
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.model.money import ZERO, converted, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from tidebook.book.checks.health_facts import (
        DoubtfulFact,
        HeldPosition,
        PortfolioBasis,
        PriceJump,
    )


def keys_in_question(
    positions: Iterable[HeldPosition], jumps: Iterable[PriceJump]
) -> frozenset[str]:
    """Return the securities whose course of holdings decides what is to be said of them."""
    jumped = {jump.security_id for jump in jumps}
    return frozenset(
        one.security_id
        for one in positions
        if one.quantity < 0
        or one.security_id in jumped
        or not one.is_known
        or (one.quote is None and not one.is_cash)
    )


def checked(data: PortfolioBasis) -> tuple[CheckResult, ...]:
    """Return the results of every check, those with most money at stake first.

    What cannot be measured goes before them: it may be any amount.
    """
    with exact():
        valued = _valued(data)
        found = [result for check in _CHECKS for result in check(data, valued)]
    return tuple(sorted(found, key=_place))


def _place(result: CheckResult) -> tuple[bool, Decimal, int, str, str]:
    rank = tuple(CheckSeverity).index(result.severity)
    stake = result.at_stake
    return stake is not None, -(stake or ZERO), rank, result.code, result.subject


def _valued(data: PortfolioBasis) -> tuple[Valued, ...]:
    on, base = data.on, data.portfolio.base_currency
    if on is None:
        return ()
    found: list[Valued] = []
    for one in data.positions:
        held = Held(one.quantity, one.cost_base, one.cost_base, one.currency, one.multiplier)
        quote = cash_quote(one.currency, on) if one.is_cash else one.quote
        found.append(Valued(one, value_position(held, quote, data.rates, base, on)))
    return tuple(found)


def _negative(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    """Yield holdings below zero where they are not allowed."""
    portfolio = data.portfolio
    for one in valued:
        position = one.position
        allowed = portfolio.is_leverage_allowed if position.is_cash else portfolio.allow_short
        if position.quantity >= 0 or allowed:
            continue
        began = since(data.steps.get(position.security_id, ()), is_negative=True)
        size = decimal_text(position.quantity)
        if position.is_cash:
            code, severity = "cash.negative", CheckSeverity.WARNING
            what = f"{position.security_id} stands at {size} and the portfolio allows no leverage"
            remedy = "send the deposit or the sale that is missing, or allow leverage"
        else:
            code, severity = "position.negative", CheckSeverity.ERROR
            what = f"{size} {position.security_id} are held and short positions are not allowed"
            remedy = "send the acquisition that is missing, or allow short positions"
        yield CheckResult(
            code, severity, position.security_id, began, *stake_of([one]), what, remedy
        )


def _unknown_instruments(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    for one in valued:
        security_id = one.position.security_id
        if not one.position.is_known:
            yield CheckResult(
                "instrument.unknown",
                CheckSeverity.ERROR,
                security_id,
                held_since(data, security_id),
                *stake_of([one]),
                f"{security_id} is held, and no fact has introduced the instrument",
                "send it to POST /ingest/instruments",
            )


def _waiting(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    """Yield transactions that wait, those of one security for one reason together."""
    del valued
    groups: dict[tuple[str, str], list[DoubtfulFact]] = defaultdict(list)
    for fact in data.waiting:
        groups[fact.security_id, fact.code].append(fact)
    for (security_id, code), facts in sorted(groups.items()):
        first = min(facts, key=lambda fact: fact.on)
        count = len({one for fact in facts for one in fact.transaction_ids})
        what = "1 transaction waits" if count == 1 else f"{count} transactions wait"
        yield CheckResult(
            "transaction.waiting",
            CheckSeverity.ERROR,
            security_id,
            first.on,
            *_money(data, facts),
            f"{what} and is not in the book ({code}): {first.why}"
            if count == 1
            else f"{what} and are not in the book ({code}); of the first, "
            f"{first.transaction_ids[0]}: {first.why}",
            first.remedy,
        )


def _twins(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    """Yield transactions that say the same under different ids."""
    del valued
    for fact in data.twins:
        surplus = [fact] * (len(fact.transaction_ids) - 1)
        yield CheckResult(
            "transaction.twin",
            CheckSeverity.NOTICE,
            fact.security_id,
            fact.on,
            *_money(data, surplus),
            f"{fact.type} {', '.join(fact.transaction_ids)} of {fact.on} have the same quantity, "
            "price and amount",
            "cancel all but one if they are one deal; partial fills may well look alike",
        )


def _unpriced_trades(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    """Yield purchases and sales at a price of zero."""
    del valued
    for fact in data.unpriced_trades:
        yield CheckResult(
            "transaction.zero-price",
            CheckSeverity.WARNING,
            fact.security_id,
            fact.on,
            *_money(data, [fact]),
            f"{fact.type} {fact.transaction_ids[0]} of {fact.on} has a price of 0",
            "send it again under the same id with its price",
        )


def _money(data: PortfolioBasis, facts: Iterable[DoubtfulFact]) -> tuple[Decimal | None, str]:
    """Return what facts come to in base currency at the rates of their days."""
    amount, base = ZERO, data.portfolio.base_currency
    for fact in facts:
        rate = data.rates.rate(fact.currency, base, fact.on)
        if rate is None:
            pair = f"{fact.currency}/{base}"
            return None, f"no exchange rate {pair} is known on or before {fact.on}"
        amount += converted(abs(fact.amount), rate.rate)
    return amount, "gross amount"


_CHECKS: Final = (
    *MARKET_CHECKS,
    _negative,
    _unknown_instruments,
    _waiting,
    _twins,
    _unpriced_trades,
)
