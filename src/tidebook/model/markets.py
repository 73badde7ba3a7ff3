"""Prices and rates as of a day: the last one known on or before it."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.money import ONE, converted, quotient, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.model.facts import Price, Rate


class DatedValue(NamedTuple):
    """A number and the day it was quoted for."""

    on: date
    value: Decimal


class Quotes(NamedTuple):
    """One quantity's quotes, oldest first, at most one a day."""

    days: tuple[date, ...]
    values: tuple[Decimal, ...]

    def as_of(self, on: date) -> DatedValue | None:
        """Return the last quote on or before a day, or None before the first."""
        index = bisect_right(self.days, on)
        return DatedValue(self.days[index - 1], self.values[index - 1]) if index else None


class RateQuote(NamedTuple):
    """A conversion: the rate, the oldest quote it rests on, and the pairs it went through."""

    rate: Decimal
    on: date
    path: tuple[str, ...]


NO_QUOTES = Quotes((), ())


def quotes(points: Iterable[tuple[date, Decimal]]) -> Quotes:
    """Return dated numbers in order of their days; of two for one day the later given wins."""
    by_day = sorted(dict(points).items())
    return Quotes(tuple(day for day, _ in by_day), tuple(value for _, value in by_day))


class RateTable:
    """Every exchange rate known, answering for any pair of currencies.

    The rate from A to B on a day is the fresher of the last direct quote and the inverse of the
    last opposite quote (the direct one when equally old); when neither pair was ever quoted by
    then, the cross rate through the one currency whose older leg is freshest, the first in
    alphabetical order when equally old. Inverses are half even to 18 places, and so are crosses.
    """

    def __init__(self, pairs: Mapping[tuple[str, str], Quotes]) -> None:
        """Keep the quotes by (source, target)."""
        self._pairs = dict(pairs)
        neighbours: dict[str, set[str]] = {}
        for source, target in self._pairs:
            neighbours.setdefault(source, set()).add(target)
            neighbours.setdefault(target, set()).add(source)
        self._neighbours = neighbours
        self._known: dict[tuple[str, str, date], RateQuote | None] = {}

    def corrected(
        self, given: Iterable[Rate], cancelled: Iterable[tuple[str, str, date]] = ()
    ) -> RateTable:
        """Return the table without the quotes of cancelled pairs and days, and with those given."""
        pairs = {pair: dict(zip(*found, strict=True)) for pair, found in self._pairs.items()}
        for source, target, on in cancelled:
            pairs.get((source, target), {}).pop(on, None)
        for rate in given:
            pairs.setdefault((rate.source, rate.target), {})[rate.on] = rate.rate
        return RateTable({pair: quotes(found.items()) for pair, found in pairs.items() if found})

    def mapped(self, change: Callable[[tuple[str, str], date, Decimal], Decimal]) -> RateTable:
        """Return the table with each quote as ``change`` of its pair, its day and its number."""
        return RateTable(
            {
                pair: Quotes(
                    found.days,
                    tuple(change(pair, on, value) for on, value in zip(*found, strict=True)),
                )
                for pair, found in self._pairs.items()
            }
        )

    def quoted_on(self, source: str, target: str, on: date) -> Decimal | None:
        """Return what exactly this pair was quoted at on the day itself."""
        found = self._pairs.get((source, target), NO_QUOTES).as_of(on)
        return found.value if found is not None and found.on == on else None

    def rate(self, source: str, target: str, on: date) -> RateQuote | None:
        """Return units of ``target`` for one ``source`` as of a day, or None when unknown."""
        if source == target:
            return RateQuote(ONE, on, ())
        key = (source, target, on)
        if key not in self._known:
            self._known[key] = self._pair(source, target, on) or self._cross(source, target, on)
        return self._known[key]

    def last_quote(self, source: str, target: str, on: date) -> DatedValue | None:
        """Return the last quote of exactly this pair on or before a day."""
        return self._pairs.get((source, target), NO_QUOTES).as_of(on)

    def days(self, source: str, target: str) -> tuple[date, ...]:
        """Return the days on which the answer for a pair may change, oldest first."""
        touched = {source, target} | (
            self._neighbours.get(source, set()) & self._neighbours.get(target, set())
        )
        days: set[date] = set()
        for (left, right), found in self._pairs.items():
            if left in touched and right in touched:
                days.update(found.days)
        return tuple(sorted(days))

    def _pair(self, source: str, target: str, on: date) -> RateQuote | None:
        direct = self._pairs.get((source, target), NO_QUOTES).as_of(on)
        opposite = self._pairs.get((target, source), NO_QUOTES).as_of(on)
        if direct is not None and (opposite is None or direct.on >= opposite.on):
            return RateQuote(direct.value, direct.on, (f"{source}/{target}",))
        if opposite is None:
            return None
        return RateQuote(quotient(ONE, opposite.value), opposite.on, (f"{target}/{source}",))

    def _cross(self, source: str, target: str, on: date) -> RateQuote | None:
        best: RateQuote | None = None
        shared = self._neighbours.get(source, set()) & self._neighbours.get(target, set())
        for middle in sorted(shared):
            first, second = self._pair(source, middle, on), self._pair(middle, target, on)
            if first is None or second is None:
                continue
            older = min(first.on, second.on)
            if best is None or older > best.on:
                rate = self._through(source, middle, target, on) or converted(
                    first.rate, second.rate
                )
                best = RateQuote(rate, older, first.path + second.path)
        return best

    def _through(self, source: str, middle: str, target: str, on: date) -> Decimal | None:
        """Return the cross rate with a single division when both legs quote the middle."""
        first = self._pairs.get((middle, source), NO_QUOTES).as_of(on)
        second = self._pairs.get((middle, target), NO_QUOTES).as_of(on)
        direct = self._pairs.get((source, middle), NO_QUOTES).as_of(on)
        onward = self._pairs.get((target, middle), NO_QUOTES).as_of(on)
        if first is None or second is None or direct is not None or onward is not None:
            return None
        return quotient(second.value, first.value)


def rate_table(rates: Iterable[Rate]) -> RateTable:
    """Return the table of ``rates``; of two for one pair and day the later given wins."""
    pairs: dict[tuple[str, str], list[tuple[date, Decimal]]] = {}
    for rate in rates:
        pairs.setdefault((rate.source, rate.target), []).append((rate.on, rate.rate))
    return RateTable({pair: quotes(points) for pair, points in pairs.items()})


def price_table(prices: Iterable[Price]) -> dict[str, PriceQuotes]:
    """Return the quotes of each security; of two for one day the later given wins."""
    points: dict[str, dict[date, tuple[Decimal, str]]] = {}
    for price in prices:
        points.setdefault(price.security_id, {})[price.on] = (price.price, price.currency)
    return {
        security_id: PriceQuotes(
            tuple(sorted(by_day)),
            tuple(by_day[day][0] for day in sorted(by_day)),
            tuple(by_day[day][1] for day in sorted(by_day)),
        )
        for security_id, by_day in points.items()
    }


class Split(NamedTuple):
    """``new_units`` that stand for ``old_units`` from the beginning of a day on, for everyone."""

    on: date
    new_units: Decimal
    old_units: Decimal
    action_id: str


class CarriedPrice(NamedTuple):
    """What a price is worth from an ex-date on, on which there was no other.

    ``price`` is of the units of ``on``. It follows from the price ``quoted`` on an earlier day and
    from every split since, oldest first.
    """

    on: date
    price: Decimal
    quoted: DatedValue
    splits: tuple[Split, ...]


class PriceQuote(NamedTuple):
    """A price in units of the day it is asked for, the day it was quoted for, and its currency.

    ``carried`` says how the price follows from the one that was quoted, where splits lie between.
    """

    on: date
    price: Decimal
    currency: str
    carried: CarriedPrice | None = None


class PriceQuotes(NamedTuple):
    """One security's prices, oldest first, at most one a day.

    Days and prices are those that were quoted; ``carried`` is what splits have made of the last of
    them, oldest first.
    """

    days: tuple[date, ...]
    prices: tuple[Decimal, ...]
    currencies: tuple[str, ...]
    carried: tuple[CarriedPrice, ...] = ()

    def as_of(self, on: date) -> PriceQuote | None:
        """Return the last price on or before a day, or None before the first."""
        index = bisect_right(self.days, on) - 1
        if index < 0:
            return None
        quoted = PriceQuote(self.days[index], self.prices[index], self.currencies[index])
        if self.carried:
            place = bisect_right(self.carried, on, key=_since) - 1
            if place >= 0 and self.carried[place].on > quoted.on:
                carried = self.carried[place]
                return quoted._replace(price=carried.price, carried=carried)
        return quoted

    def steps(self) -> tuple[tuple[date, ...], tuple[Decimal, ...]]:
        """Return the days from which another price holds, carried ones among them, and prices."""
        if not self.carried:
            return self.days, self.prices
        by_day = dict(zip(self.days, self.prices, strict=True))
        by_day.update((each.on, each.price) for each in self.carried)
        days = tuple(sorted(by_day))
        return days, tuple(by_day[day] for day in days)


def _since(carried: CarriedPrice) -> date:
    return carried.on


NO_PRICES = PriceQuotes((), (), ())


def corrected_prices(
    quoted: PriceQuotes, given: Iterable[Price], cancelled: Iterable[date] = ()
) -> PriceQuotes:
    """Return a security's quotes without those of cancelled days, and with those given.

    None of them is carried over a split: that is :func:`over_splits`, of what is returned.
    """
    by_day = {day: (price, currency) for day, price, currency in zip(*quoted[:3], strict=True)}
    for day in cancelled:
        by_day.pop(day, None)
    for price in given:
        by_day[price.on] = (price.price, price.currency)
    days = tuple(sorted(by_day))
    return PriceQuotes(
        days, tuple(by_day[day][0] for day in days), tuple(by_day[day][1] for day in days)
    )


def over_splits(quoted: PriceQuotes, splits: Sequence[Split]) -> PriceQuotes:
    """Return a security's quotes, carried over its splits.

    A price is of the units of its day. From the ex-date of a split on, where no price is quoted on
    that day, the last one stands as price x old units / new units, half even to 18 places; over
    several splits one after another. It holds until the next quote, and never reaches back.

    Args:
        quoted: The quotes; how they were carried before does not matter.
        splits: The security's splits, in order of their ex-dates.

    Example:
        >>> from datetime import date
        >>> from decimal import Decimal as D
        >>> acme = PriceQuotes((date(2024, 1, 5),), (D(100),), ("USD",))
        >>> two_for_one = Split(date(2024, 1, 10), D(2), D(1), "S1")
        >>> over_splits(acme, [two_for_one]).as_of(date(2024, 1, 12)).price
        Decimal('50')
    """
    if not splits:
        return quoted._replace(carried=()) if quoted.carried else quoted
    carried: list[CarriedPrice] = []
    for split in splits:
        index = bisect_right(quoted.days, split.on) - 1
        if index < 0 or quoted.days[index] == split.on:
            continue
        last = CarriedPrice(
            quoted.days[index],
            quoted.prices[index],
            DatedValue(quoted.days[index], quoted.prices[index]),
            (),
        )
        if carried and carried[-1].quoted.on == last.on:
            last = carried[-1]
            if last.on == split.on:
                carried.pop()
        price = share(last.price, split.old_units, split.new_units)
        carried.append(CarriedPrice(split.on, price, last.quoted, (*last.splits, split)))
    return quoted._replace(carried=tuple(carried))
