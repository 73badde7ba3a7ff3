"""One line to compare with: a benchmark or a blend of several, in the currency of the portfolio."""

from __future__ import annotations

import re
from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import DatedReturns, Rebalancing, blended, to_days, to_float64
from tidebook.errors import BenchmarkUnavailableError, InvalidBenchmarkError
from tidebook.model.money import ONE, converted, quotient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.analytics.crossing import Days, Floats
    from tidebook.engine.benchmarks import Levels
    from tidebook.model.markets import DatedValue, RateTable

_HUNDRED: Final = Decimal(100)
_WORD: Final = re.compile(r"(?:(?P<percent>\d+(?:\.\d+)?)\s*%\s*)?(?P<symbol>[^%+]+?)\s*\Z")
# A plus sign that was sent unescaped in an address arrives as a blank.
_BETWEEN: Final = re.compile(r"\s*\+\s*|\s+(?=\d+(?:\.\d+)?\s*%)")
_HINT: Final = "name one benchmark, or a blend whose weights sum to 100 such as 60% SPY + 40% AGG"


class Part(NamedTuple):
    """One benchmark of a blend and its weight, a fraction above 0."""

    symbol: str
    weight: Decimal


class Blend(NamedTuple):
    """What is compared with: one benchmark or several, and when they are rebalanced."""

    parts: tuple[Part, ...]
    rebalancing: Rebalancing = Rebalancing.MONTHLY

    @property
    def symbol(self) -> str:
        """The blend as it is written: ``SPY``, or ``60% SPY + 40% AGG``."""
        if len(self.parts) == 1:
            return self.parts[0].symbol
        return " + ".join(f"{_percent(part.weight)}% {part.symbol}" for part in self.parts)


def _percent(weight: Decimal) -> str:
    return f"{(weight * _HUNDRED).normalize():f}"


def blend_of(text: str, rebalancing: Rebalancing = Rebalancing.MONTHLY) -> Blend:
    """Return the benchmark or blend that a text names.

    Raises:
        InvalidBenchmarkError: If it names none, names one twice, or the weights do not sum to 100.

    Example:
        >>> blend_of("60% SPY + 40% AGG").symbol
        '60% SPY + 40% AGG'
    """
    stripped = text.strip()
    if "%" not in stripped and stripped:
        return Blend((Part(stripped, ONE),), rebalancing)
    parts: list[Part] = []
    for word in _BETWEEN.split(stripped):
        found = _WORD.match(word)
        if found is None or found["percent"] is None or not Decimal(found["percent"]):
            raise InvalidBenchmarkError(text, f"cannot be read at {word!r}", hint=_HINT)
        parts.append(Part(found["symbol"], quotient(Decimal(found["percent"]), _HUNDRED)))
    if len({part.symbol for part in parts}) < len(parts):
        raise InvalidBenchmarkError(text, "names one benchmark twice", hint=_HINT)
    total = sum((part.weight for part in parts), Decimal(0))
    if total != ONE:
        raise InvalidBenchmarkError(text, f"has weights of {_percent(total)} in all", hint=_HINT)
    return Blend(tuple(parts), rebalancing)


class Line(NamedTuple):
    """A benchmark from the day it is compared from, in one currency, oldest first.

    ``days`` and ``levels`` go together; ``parts`` are the indices it is made of as they were read,
    and ``level_start`` and ``level_end`` the levels of a single one in its own currency.
    """

    blend: Blend
    currency: str
    days: tuple[date, ...]
    levels: Floats
    parts: tuple[Levels, ...]

    def at(self, on: date) -> float | None:
        """Return the last level on or before a day, or None before the first."""
        index = bisect_right(self.days, on)
        return float(self.levels[index - 1]) if index else None

    def returns(self, end: date) -> DatedReturns:
        """Return the returns from each day to the next, up to a day."""
        count = bisect_right(self.days, end)
        days: Days = to_days(self.days[:count])
        levels = self.levels[:count]
        return DatedReturns(days[1:], levels[1:] / levels[:-1] - 1.0)


def line_of(
    blend: Blend, parts: Sequence[Levels], rates: RateTable, currency: str, opening: date
) -> Line:
    """Return the line that a blend makes from the last day on or before ``opening``.

    Every level is converted at the rate of its own day. A blend begins at 100, with the weights
    asked for, on the last day that all of its parts have.

    Args:
        blend: What to compare with.
        parts: The levels of its parts, in their order.
        rates: Every exchange rate.
        currency: The currency of the line.
        opening: The day whose closing level the comparison starts from.

    Raises:
        BenchmarkUnavailableError: If a part has no level, or no rate into the currency.
    """
    tables = [_in_currency(one, rates, currency) for one in parts]
    shared = set(tables[0]).intersection(*tables[1:])
    if not shared:
        raise BenchmarkUnavailableError(blend.symbol, "its parts have no day in common")
    days = sorted(shared)
    days = days[max(0, bisect_right(days, opening) - 1) :]
    columns = [to_float64(table[day] for day in days) for table in tables]
    return Line(blend, currency, tuple(days), blended_levels(blend, days, columns), tuple(parts))


def blended_levels(blend: Blend, days: Sequence[date], columns: Sequence[Floats]) -> Floats:
    """Return the levels of a blend of those of its parts, all in one currency and on the days."""
    if len(columns) == 1:
        return columns[0]
    weights = to_float64(part.weight for part in blend.parts)
    return blended(to_days(days), columns, weights / weights.sum(), blend.rebalancing)


def _in_currency(found: Levels, rates: RateTable, currency: str) -> dict[date, Decimal]:
    if found.currency == currency:
        return dict(found.points)
    table = {
        point.on: converted(point.value, quote.rate)
        for point in found.points
        if (quote := rates.rate(found.currency, currency, point.on)) is not None
    }
    if not table:
        why = f"there is no exchange rate from {found.currency} to {currency}"
        raise BenchmarkUnavailableError(found.symbol, why)
    return table


def last_points(line: Line, end: date) -> tuple[DatedValue, ...]:
    """Return the last level of each part on or before a day, in its own currency."""
    found = (part.as_of(end) for part in line.parts)
    return tuple(point for point in found if point is not None)
