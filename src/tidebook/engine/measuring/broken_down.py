"""What is measured, broken down: the groups of its keys, each with a daily series of its own.

The groups together are the whole. Where cash is booked by hand, or a rounding is left between
currencies, what no group accounts for is a group by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.book.series import PortfolioDay, rates_by_day
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.measuring.measured import (
    carried,
    in_currency,
    measured,
    together,
)
from tidebook.engine.measuring.parts import holdings
from tidebook.engine.measuring.prepared import daily_values
from tidebook.engine.queries import FactQuery
from tidebook.errors import BookMovedError
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics import DailyValues
    from tidebook.analytics.crossing import Floats
    from tidebook.engine.measuring.measured import Measured, Scope
    from tidebook.engine.measuring.parts import Dimension, Holdings
    from tidebook.engine.measuring.performance import NamedPeriod
    from tidebook.engine.ports import Reader
    from tidebook.model.markets import RateTable

UNALLOCATED: Final = "Unallocated"
"""The group of what no key accounts for."""

Days = tuple[PortfolioDay, ...]


class Sleeve(NamedTuple):
    """The keys of one group in one currency: their days, and how that currency moved.

    ``days`` and ``values`` are in the currency of the whole, on all of its days. ``rate_returns``
    is what one unit of the keys' currency gained on each day in that of the whole.
    """

    group: str
    currency: str
    days: Days
    values: DailyValues
    rate_returns: Floats


class BrokenDown(NamedTuple):
    """What is measured, with its sleeves by group and currency."""

    whole: Measured
    sleeves: tuple[Sleeve, ...]
    rates: RateTable

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, in the order of their names."""
        return tuple(sorted({sleeve.group for sleeve in self.sleeves}))


def broken_down(
    reader: Reader, scope: Scope, periods: Sequence[NamedPeriod], dimension: Dimension
) -> BrokenDown:
    """Return what is measured with the series of each group of its keys.

    Raises:
        UnknownPortfolioError: If a portfolio is not in the book.
        ReportingCurrencyError: If a rate into the currency is missing on a day that needs one.
        NoSuchPartError: If nothing of what is chosen was ever held.
        BookMovedError: If the book changed while it was being read.
    """
    whole = measured(reader, scope, periods)
    given = reader.book_facts(FactQuery(scope.portfolio_ids, known_at=scope.known_at))
    generations = [given.standings[one].generation for one in scope.portfolio_ids]
    if sum(generations) != whole.freshness.generation:
        raise BookMovedError(", ".join(scope.portfolio_ids))
    made = rebuilt(given)
    onto = [day.on for day in whole.series.days]
    found: dict[tuple[str, str], list[Days]] = {}
    for portfolio_id in scope.portfolio_ids:
        held = holdings(made, portfolio_id)
        base = held.market.base_currency
        for key, days in _by_group(held, scope, dimension).items():
            told = in_currency(carried(days, onto), base, whole.currency, given.facts.rates)
            found.setdefault(key, []).append(told)
    rates = given.facts.rates
    # Sleeves are many and currencies few: the rates of all days are looked up once for each.
    moved = {
        currency: rate_returns(rates_by_day(rates, currency, whole.currency, onto))
        for currency in {currency for _, currency in found}
    }
    sleeves = [
        _sleeve(key, together(members), onto, moved[key[1]])
        for key, members in sorted(found.items())
    ]
    return BrokenDown(whole, tuple(sleeves), rates)


def _by_group(held: Holdings, scope: Scope, dimension: Dimension) -> Mapping[tuple[str, str], Days]:
    chosen = held.chosen(scope.choice)
    keys: dict[tuple[str, str], set[str]] = {}
    for group, members in held.groups(dimension).items():
        for security_id in members & chosen:
            currency = held.instruments[security_id].currency
            keys.setdefault((group, currency), set()).add(security_id)
    return {key: held.series(members) for key, members in keys.items()}


def _sleeve(key: tuple[str, str], days: Days, onto: Sequence[date], moved: Floats) -> Sleeve:
    group, currency = key
    filled = _from_nothing(days, onto)
    return Sleeve(group, currency, filled, daily_values(filled), moved)


def _from_nothing(days: Days, onto: Sequence[date]) -> Days:
    """Return a series from the first of all days on; before its own first there is nothing."""
    missing = len(onto) - len(days)
    empty = (PortfolioDay(on, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO) for on in onto[:missing])
    return (*empty, *days)


def rate_returns(rates: Sequence[Decimal | None]) -> Floats:
    """Return what one unit of a currency gained on each day in another; 0 where that is unknown."""
    told = [None if rate is None else float(rate) for rate in rates]
    pairs = zip([None, *told], told, strict=False)
    return np.array([after / before - 1.0 if before and after else 0.0 for before, after in pairs])
