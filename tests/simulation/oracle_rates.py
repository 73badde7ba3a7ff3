"""The oracle's arithmetic: fractions, one rounding, and rates looked up the long way round."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.actions import ActionType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tidebook.model.actions import CorporateAction
    from tidebook.model.facts import Price, Rate

_PLACES: Final = 10**18


def half_even(value: Fraction) -> Fraction:
    """Return a number half even to 18 places."""
    return Fraction(round(value * _PLACES), _PLACES)


def times(amount: Fraction, rate: Fraction) -> Fraction:
    """Return an amount converted; at a rate of one nothing is rounded."""
    return amount if rate == 1 else half_even(amount * rate)


def part_of(whole: Fraction, part: Fraction, of: Fraction) -> Fraction:
    """Return the ``part / of`` share of a whole."""
    return whole if part == of else half_even(whole * part / of)


class Quote(NamedTuple):
    """A number and the day it was quoted for."""

    on: date
    value: Fraction


class Rates:
    """All final rates."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        """Keep them as they are; ask every one of them every time."""
        self._quotes = [
            (rate.source, rate.target, Quote(rate.on, Fraction(rate.rate))) for rate in rates
        ]
        self._known: dict[tuple[str, str, date], Fraction | None] = {}

    def rate(self, source: str, target: str, day: date) -> Fraction | None:
        """Return the rate in force on a day, straight or through one other currency."""
        if source == target:
            return Fraction(1)
        asked = (source, target, day)
        if asked not in self._known:
            straight = self._straight(source, target, day)
            self._known[asked] = straight.value if straight else self._across(source, target, day)
        return self._known[asked]

    def _last(self, source: str, target: str, day: date) -> Quote | None:
        found = [
            quote
            for one, other, quote in self._quotes
            if (one, other) == (source, target) and quote.on <= day
        ]
        return max(found, default=None)

    def _straight(self, source: str, target: str, day: date) -> Quote | None:
        """The fresher of a quote and of the inverse of the opposite one; the quote if as old."""
        quoted = self._last(source, target, day)
        opposite = self._last(target, source, day)
        if opposite is None or (quoted is not None and quoted.on >= opposite.on):
            return quoted
        return Quote(opposite.on, half_even(1 / opposite.value))

    def _across(self, source: str, target: str, day: date) -> Fraction | None:
        """Through the currency whose older leg is freshest, the first by name if as old."""
        names = sorted({name for one, other, _ in self._quotes for name in (one, other)})
        found: list[tuple[date, Fraction]] = []
        for middle in names:
            if middle in {source, target}:
                continue
            first = self._straight(source, middle, day)
            second = self._straight(middle, target, day)
            if first is not None and second is not None:
                rate = self._single_division(source, middle, target, day)
                if rate is None:
                    rate = times(first.value, second.value)
                found.append((min(first.on, second.on), rate))
        if not found:
            return None
        freshest = max(on for on, _ in found)
        return next(rate for on, rate in found if on == freshest)

    def _single_division(self, source: str, middle: str, target: str, day: date) -> Fraction | None:
        """Where only the middle currency quotes both others, one division says it all."""
        if self._last(source, middle, day) or self._last(target, middle, day):
            return None
        first, second = self._last(middle, source, day), self._last(middle, target, day)
        return half_even(second.value / first.value) if first and second else None


class Prices:
    """All final prices, and the actions that change what a unit is."""

    def __init__(self, prices: Iterable[Price], actions: Iterable[CorporateAction] = ()) -> None:
        """Keep them by security."""
        self._of: dict[str, list[Price]] = {}
        for price in prices:
            self._of.setdefault(price.security_id, []).append(price)
        self._actions = sorted(actions, key=lambda action: (action.ex_date, action.action_id))

    def last(self, security_id: str, day: date) -> tuple[Fraction, str] | None:
        """Return the last price on or before a day, in units of that day, and its currency."""
        found = [price for price in self._of.get(security_id, []) if price.on <= day]
        if not found:
            return None
        price = max(found, key=lambda price: price.on)
        value = Fraction(price.price)
        for action in self._actions:
            everyone = action.security_id == security_id and not action.portfolio_id
            if everyone and price.on < action.ex_date <= day:
                new, old = Fraction(action.new_units), Fraction(action.old_units)
                if action.type is ActionType.SPLIT:
                    value = part_of(value, old, new)
                elif action.type is ActionType.STOCK_DIVIDEND:
                    value = part_of(value, old, old + new)
        return value, price.currency

    def last_day(self, security_id: str) -> date | None:
        """Return the day of the last price."""
        return max((price.on for price in self._of.get(security_id, [])), default=None)

    def currencies(self, security_id: str) -> set[str]:
        """Return the currencies that a security is quoted in."""
        return {price.currency for price in self._of.get(security_id, [])}
