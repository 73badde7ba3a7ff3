"""Data health: what is missing, old or unlikely in the data that a portfolio's figures rest on.

A check is a function from what is known of one portfolio to results. None of them changes a figure;
each result says what is wrong, since when, how much money rests on it, and what to do.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.split_ratios import ratio_of_prices
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.model.calendars import days_between
from tidebook.model.money import ZERO, converted, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.valuation import Valuation
    from tidebook.model.markets import PriceQuote, RateTable
    from tidebook.model.portfolios import Portfolio

STALE_DAYS: Final = 5
"""The age in business days beyond which a price or a rate is stale, unless told otherwise."""


class CheckSeverity(StrEnum):
    """How a result bears on the figures."""

    ERROR = "error"
    """A figure is missing, or cannot be right."""
    WARNING = "warning"
    """A figure may be wrong."""
    NOTICE = "notice"
    """Something unusual, which may well be as it should."""


class CheckResult(NamedTuple):
    """One thing about a portfolio's data.

    ``subject`` is the security, the pair of currencies, or the portfolio. ``at_stake`` is money in
    base currency, never negative, measured as ``basis`` says; None where it cannot be known, and
    ``basis`` then says why.
    """

    code: str
    severity: CheckSeverity
    subject: str
    since: date | None
    at_stake: Decimal | None
    basis: str
    sentence: str
    remedy: str


class HeldPosition(NamedTuple):
    """A position, the last price on or before the day, and whether its instrument is known."""

    security_id: str
    currency: str
    quantity: Decimal
    cost_base: Decimal
    is_cash: bool
    is_known: bool
    quote: PriceQuote | None


class PriceJump(NamedTuple):
    """Two neighbouring prices far apart, in one currency, and the price after them if any."""

    security_id: str
    before: PriceQuote
    after: PriceQuote
    following: Decimal | None


class DoubtfulFact(NamedTuple):
    """One transaction, or several alike, about which something is to be said.

    ``amount`` is the money of one of them, in ``currency``. ``why`` and ``remedy`` come from the
    finding of a transaction that waits and are empty otherwise.
    """

    code: str
    transaction_ids: tuple[str, ...]
    type: str
    security_id: str
    on: date
    amount: Decimal
    currency: str
    why: str = ""
    remedy: str = ""


Steps = tuple[tuple["date", "Decimal"], ...]
"""A key's quantity after each day on which it changed, oldest first."""


class PortfolioData(NamedTuple):
    """What is known of one portfolio, as of ``on`` (None while nothing is booked).

    ``steps`` are needed for the keys of :func:`keys_in_question` alone. ``today`` is the day of the
    one who asks, None when it shall not matter. ``business_days`` are in order.
    """

    portfolio: Portfolio
    on: date | None
    positions: Sequence[HeldPosition]
    jumps: Sequence[PriceJump]
    waiting: Sequence[DoubtfulFact]
    twins: Sequence[DoubtfulFact]
    unpriced_trades: Sequence[DoubtfulFact]
    steps: Mapping[str, Steps]
    rates: RateTable
    business_days: Sequence[date] = ()
    today: date | None = None
    stale_days: int = STALE_DAYS


class _Valued(NamedTuple):
    position: HeldPosition
    valuation: Valuation


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


def checked(data: PortfolioData) -> tuple[CheckResult, ...]:
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


def _valued(data: PortfolioData) -> tuple[_Valued, ...]:
    on, base = data.on, data.portfolio.base_currency
    if on is None:
        return ()
    found: list[_Valued] = []
    for one in data.positions:
        held = Held(one.quantity, one.cost_base, one.cost_base, one.currency)
        quote = cash_quote(one.currency, on) if one.is_cash else one.quote
        found.append(_Valued(one, value_position(held, quote, data.rates, base, on)))
    return tuple(found)


def _stake(of: Iterable[_Valued]) -> tuple[Decimal, str]:
    """Return the money in positions, at market value; at cost where there is none."""
    amount, at_cost = ZERO, False
    for position, valuation in of:
        worth = valuation.value.base if valuation.value else None
        at_cost = at_cost or worth is None
        amount += abs(position.cost_base if worth is None else worth)
    return amount, "cost" if at_cost else "market value"


def _missing_prices(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    for one in valued:
        position = one.position
        if position.is_cash or position.quote is not None:
            continue
        yield CheckResult(
            "price.missing",
            CheckSeverity.ERROR,
            position.security_id,
            _held_since(data, position.security_id),
            *_stake([one]),
            f"{position.security_id} is held and has no price on or before {data.on}",
            "send a price to POST /ingest/market-prices; until then the position is carried at "
            "its cost",
        )


def _zero_prices(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    del data
    for position, _ in valued:
        quote = position.quote
        if position.is_cash or quote is None or quote.price > 0:
            continue
        yield CheckResult(
            "price.zero",
            CheckSeverity.ERROR,
            position.security_id,
            quote.on,
            abs(position.cost_base),
            "cost",
            f"the price of {position.security_id} of {quote.on} is {decimal_text(quote.price)}",
            "send the right price for that day; book a sale at no price if it is worth nothing",
        )


def _stale_prices(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    for one in valued:
        position = one.position
        if data.on is None or position.is_cash or position.quote is None:
            continue
        last = position.quote.on
        age = days_between(last, data.on, data.business_days)
        if age > data.stale_days:
            yield CheckResult(
                "price.stale",
                CheckSeverity.WARNING,
                position.security_id,
                last,
                *_stake([one]),
                f"the last price of {position.security_id} is of {last}, {age} business days "
                f"before {data.on}",
                "send later prices to POST /ingest/market-prices",
            )


def _rates(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    """Yield pairs that positions need and that have no rate, or an old one."""
    if data.on is None:
        return
    needed: dict[tuple[str, str], list[_Valued]] = defaultdict(list)
    for one in valued:
        position, quote = one.position, one.position.quote
        if position.currency != data.portfolio.base_currency:
            needed[position.currency, data.portfolio.base_currency].append(one)
        if quote is not None and not position.is_cash and quote.currency != position.currency:
            needed[quote.currency, position.currency].append(one)
    for (source, target), users in sorted(needed.items()):
        pair = f"{source}/{target}"
        named = ", ".join(sorted({one.position.security_id for one in users}))
        quoted = data.rates.rate(source, target, data.on)
        if quoted is None:
            yield CheckResult(
                "rate.missing",
                CheckSeverity.ERROR,
                pair,
                None,
                *_stake(users),
                f"no exchange rate {pair} is known on or before {data.on}, and {named} need it",
                f"send a rate of {pair} dated {data.on} or earlier to POST /ingest/fx-rates",
            )
            continue
        age = days_between(quoted.on, data.on, data.business_days)
        if age > data.stale_days:
            yield CheckResult(
                "rate.stale",
                CheckSeverity.WARNING,
                pair,
                quoted.on,
                *_stake(users),
                f"the last exchange rate {pair} is of {quoted.on}, {age} business days before "
                f"{data.on}; {named} rest on it",
                "send later rates to POST /ingest/fx-rates",
            )


def _negative(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    """Yield holdings below zero where they are not allowed."""
    portfolio = data.portfolio
    for one in valued:
        position = one.position
        allowed = portfolio.is_leverage_allowed if position.is_cash else portfolio.allow_short
        if position.quantity >= 0 or allowed:
            continue
        since = _since(data.steps.get(position.security_id, ()), is_negative=True)
        size = decimal_text(position.quantity)
        if position.is_cash:
            code, severity = "cash.negative", CheckSeverity.WARNING
            what = f"{position.security_id} stands at {size} and the portfolio allows no leverage"
            remedy = "send the deposit or the sale that is missing, or allow leverage"
        else:
            code, severity = "position.negative", CheckSeverity.ERROR
            what = f"{size} {position.security_id} are held and short positions are not allowed"
            remedy = "send the acquisition that is missing, or allow short positions"
        yield CheckResult(code, severity, position.security_id, since, *_stake([one]), what, remedy)


def _unknown_instruments(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    for one in valued:
        security_id = one.position.security_id
        if not one.position.is_known:
            yield CheckResult(
                "instrument.unknown",
                CheckSeverity.ERROR,
                security_id,
                _held_since(data, security_id),
                *_stake([one]),
                f"{security_id} is held, and no fact has introduced the instrument",
                "send it to POST /ingest/instruments",
            )


def _jumps(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    """Yield prices that moved as in a split while what was held did not."""
    held = {one.position.security_id: one for one in valued}
    spikes: set[tuple[str, date]] = set()
    for security_id, before, after, following in data.jumps:
        ratio = ratio_of_prices(before.price, after.price)
        if ratio is None or security_id not in held or (security_id, before.on) in spikes:
            continue
        steps = data.steps.get(security_id, ())
        quantity = _at(steps, before.on)
        if not quantity or quantity != _at(steps, after.on):
            continue
        moved = (
            f"the price of {security_id} went from {decimal_text(before.price)} on {before.on} to "
            f"{decimal_text(after.price)} on {after.on}"
        )
        back = None if following is None else ratio_of_prices(after.price, following)
        if back is not None and (back.new, back.old) == (ratio.old, ratio.new):
            spikes.add((security_id, after.on))
            code, severity = "price.spike", CheckSeverity.WARNING
            moved += " and back with the next price"
            remedy = "correct the price of that day if it is wrong"
        else:
            code, severity = "price.unadjusted-split", CheckSeverity.WARNING
            moved += (
                f", as in a {ratio} split, while the {decimal_text(quantity)} held did not change"
            )
            remedy = "send the split if there was one, or correct the price; a market that moved "
            remedy += "so by itself needs nothing"
        yield CheckResult(
            code, severity, security_id, after.on, *_stake([held[security_id]]), moved, remedy
        )


def _waiting(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
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


def _twins(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
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
            f"{', '.join(fact.transaction_ids)} are {fact.type} of {fact.on} with the same "
            "quantity, price and amount",
            "cancel all but one if they are one deal; partial fills may well look alike",
        )


def _unpriced_trades(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
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


def _behind(data: PortfolioData, valued: Sequence[_Valued]) -> Iterator[CheckResult]:
    """Yield that the whole portfolio's last day is long past."""
    if data.on is None or data.today is None or not valued:
        return
    age = days_between(data.on, data.today, data.business_days)
    if age > data.stale_days:
        yield CheckResult(
            "book.behind",
            CheckSeverity.WARNING,
            data.portfolio.portfolio_id,
            data.on,
            *_stake(valued),
            f"nothing is known after {data.on}, {age} business days before {data.today}",
            "send the prices, rates and transactions of the days since",
        )


def _money(data: PortfolioData, facts: Iterable[DoubtfulFact]) -> tuple[Decimal | None, str]:
    """Return what facts come to in base currency at the rates of their days."""
    amount, base = ZERO, data.portfolio.base_currency
    for fact in facts:
        rate = data.rates.rate(fact.currency, base, fact.on)
        if rate is None:
            pair = f"{fact.currency}/{base}"
            return None, f"no exchange rate {pair} is known on or before {fact.on}"
        amount += converted(abs(fact.amount), rate.rate)
    return amount, "gross amount"


def _at(steps: Steps, on: date) -> Decimal:
    return next((quantity for day, quantity in reversed(steps) if day <= on), ZERO)


def _held_since(data: PortfolioData, security_id: str) -> date | None:
    return _since(data.steps.get(security_id, ()), is_negative=False)


def _since(steps: Steps, *, is_negative: bool) -> date | None:
    """Return the day since which a quantity has not been zero, or has been below it."""
    first: date | None = None
    for day, quantity in reversed(steps):
        if quantity == 0 or (is_negative and quantity > 0):
            break
        first = day
    return first


_CHECKS: Final[tuple[Callable[[PortfolioData, Sequence[_Valued]], Iterator[CheckResult]], ...]] = (
    _behind,
    _missing_prices,
    _zero_prices,
    _stale_prices,
    _rates,
    _negative,
    _unknown_instruments,
    _jumps,
    _waiting,
    _twins,
    _unpriced_trades,
)
