"""Checks of the market data that a portfolio rests on: prices and exchange rates."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tidebook.book.checks.health_facts import (
    CheckResult,
    CheckSeverity,
    PriceJump,
    held_at,
    held_since,
    stake_of,
)
from tidebook.book.checks.split_ratios import JUMP_LEAST, ratio_of_prices
from tidebook.model.calendars import days_between
from tidebook.model.markets import PriceQuote
from tidebook.model.money import decimal_text, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.checks.health_facts import PortfolioBasis, Valued
    from tidebook.model.markets import PriceQuotes, Split


JUMP_CODES: Final = ("price.unadjusted-split", "price.spike")
"""What is told of jumps of prices."""
_PAIR: Final = 2
_NO_SPLIT_REMEDY: Final = (
    "send the split if there was one, or correct the price; a market that moved so by itself "
    "needs nothing"
)
_SPLIT_REMEDY: Final = (
    "correct the split, or the prices before it where they are in the units after it; a market "
    "that moved so by itself needs nothing"
)


def _behind(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
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
            *stake_of(valued),
            f"nothing is known after {data.on}, {age} business days before {data.today}",
            "send the prices, rates and transactions of the days since",
        )


def _missing_prices(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    for one in valued:
        position = one.position
        if position.is_cash or position.quote is not None:
            continue
        yield CheckResult(
            "price.missing",
            CheckSeverity.ERROR,
            position.security_id,
            held_since(data, position.security_id),
            *stake_of([one]),
            f"{position.security_id} is held and has no price on or before {data.on}",
            "send a price to POST /ingest/market-prices; until then the position is carried at "
            "its cost",
        )


def _zero_prices(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
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


def _stale_prices(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
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
                *stake_of([one]),
                f"the last price of {position.security_id} is of {last}, {age} business days "
                f"before {data.on}",
                "send later prices to POST /ingest/market-prices",
            )


def _rates(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    """Yield pairs that positions need and that have no rate, or an old one."""
    if data.on is None:
        return
    needed: dict[tuple[str, str], list[Valued]] = defaultdict(list)
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
                *stake_of(users),
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
                *stake_of(users),
                f"the last exchange rate {pair} is of {quoted.on}, {age} business days before "
                f"{data.on}; {named} rest on it",
                "send later rates to POST /ingest/fx-rates",
            )


def _jumps(data: PortfolioBasis, valued: Sequence[Valued]) -> Iterator[CheckResult]:
    """Yield prices that moved as in a split while what was held did not."""
    held = {one.position.security_id: one for one in valued}
    spikes: set[tuple[str, date]] = set()
    for security_id, before, after, following, splits in data.jumps:
        ratio = ratio_of_prices(before.price, after.price)
        if ratio is None or security_id not in held or (security_id, before.on) in spikes:
            continue
        steps = data.steps.get(security_id, ())
        quantity = held_at(steps, before.on)
        if not quantity or _over_units(quantity, splits) != held_at(steps, after.on):
            continue
        told = ", counted in the units after the split that is known," if splits else ""
        moved = (
            f"the price of {security_id} went from {decimal_text(before.price)} on {before.on}"
            f"{told} to {decimal_text(after.price)} on {after.on}"
        )
        back = None if following is None else ratio_of_prices(after.price, following.price)
        if back is not None and (back.new, back.old) == (ratio.old, ratio.new):
            spikes.add((security_id, after.on))
            code, severity = "price.spike", CheckSeverity.WARNING
            moved += " and back with the next price"
            remedy = "correct the price of that day if it is wrong"
        else:
            code, severity = "price.unadjusted-split", CheckSeverity.WARNING
            moved += f", as in a {ratio} split, while the {decimal_text(quantity)} held "
            moved += "changed by the known split alone" if splits else "did not change"
            remedy = _SPLIT_REMEDY if splits else _NO_SPLIT_REMEDY
        yield CheckResult(
            code, severity, security_id, after.on, *stake_of([held[security_id]]), moved, remedy
        )


def price_jumps(
    security_id: str, quotes: PriceQuotes, splits: Sequence[Split] = ()
) -> tuple[PriceJump, ...]:
    """Return where neighbouring prices in one currency are so far apart that a split may be why.

    A split that is known is none: the price before it is compared in the units after it.
    """
    found: list[PriceJump] = []
    days, prices, currencies, _ = quotes
    with exact():
        for index in range(1, len(days)):
            between = tuple(one for one in splits if days[index - 1] < one.on <= days[index])
            before, after = _in_units_after(prices[index - 1], between), prices[index]
            if before * JUMP_LEAST > after and after * JUMP_LEAST > before:
                continue
            if before <= 0 or after <= 0 or currencies[index - 1] != currencies[index]:
                continue
            around = [
                PriceQuote(days[place], prices[place], currencies[place])
                for place in range(index - 1, min(index + 2, len(days)))
            ]
            following = around[2] if len(around) > _PAIR else None
            if following is not None and any(_after_split(one, around) for one in splits):
                following = None  # in other units: whether it goes back cannot be told
            carried = around[0]._replace(price=before)
            found.append(PriceJump(security_id, carried, around[1], following, between))
    return tuple(found)


def _after_split(split: Split, around: Sequence[PriceQuote]) -> bool:
    """Tell whether a split lies between the second and the third of three quotes."""
    return around[1].on < split.on <= around[2].on


def _over_units(quantity: Decimal, splits: Iterable[Split]) -> Decimal:
    """Return what so many units have become over splits."""
    with exact():
        for split in splits:
            quantity = share(quantity, split.new_units, split.old_units)
    return quantity


def _in_units_after(price: Decimal, splits: Iterable[Split]) -> Decimal:
    for split in splits:
        price = share(price, split.old_units, split.new_units)
    return price


MARKET_CHECKS: Final = (
    _behind,
    _missing_prices,
    _zero_prices,
    _stale_prices,
    _rates,
    _jumps,
)
