"""What contributions and attributions are formed from, as tables, and back.

A table has a row a day: the amounts of the whole or of a sleeve, and what the sleeve's currency was
worth the day before and on the day. The numbers of the tables alone make the same ``BrokenDown``
again, so that the answer's own functions form the figure anew.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics import DailyValues, to_days, to_float64
from tidebook.analytics.derivation import rows
from tidebook.book.derivation import given
from tidebook.book.series import rates_by_day
from tidebook.book.traced_facts import marked_rates
from tidebook.book.traced_trees import tree_of
from tidebook.engine.explaining.periods import Rows
from tidebook.engine.measuring.broken_down import broken_down
from tidebook.engine.measuring.performance import window_of
from tidebook.model.money import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.derivation import Reckoned, Table, Tables
    from tidebook.book.derivation import Node
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.explaining.asked import AskedParts
    from tidebook.engine.explaining.library import Library
    from tidebook.engine.measuring.broken_down import BrokenDown, Sleeve
    from tidebook.engine.measuring.performance import Window

_AMOUNTS = 5


class Gathered(NamedTuple):
    """What is broken down, the window of the period, and whose days they are by themselves.

    ``own_id`` is empty where they are of several portfolios, of a part, or in another currency.
    """

    found: BrokenDown
    window: Window
    own_id: str

    @property
    def rows(self) -> Rows:
        """The days of the whole, as leaves."""
        whole = self.found.whole
        return Rows(self.own_id, whole.currency, whole.series.days)

    @property
    def first(self) -> int:
        """The place of the window's first day among all."""
        return bisect_left(self.found.whole.series.days, self.window.days[0].on, key=_on)

    @property
    def days(self) -> list[date]:
        """The days of the window."""
        return [day.on for day in self.window.days]

    def tables(self) -> list[Reckoned]:
        """Return the rows of the whole, and of each sleeve."""
        whole = self.found.whole
        tables = [self._table("the whole", self.own_id, whole.series.days)]
        for sleeve in self.found.sleeves:
            name = f"{sleeve.group} in {sleeve.currency}"
            table = self._table(name, "", sleeve.days, self._rates(sleeve))
            tables.append(table)
        return tables

    def again(self, tables: Tables) -> BrokenDown:
        """Return what the numbers of the tables are broken down to."""
        whole, *parts = tables[: 1 + len(self.found.sleeves)]
        series = self.found.whole.series._replace(values=self._values(whole))
        sleeves = tuple(
            sleeve._replace(values=self._values(table), rate_returns=_rate_returns(table))
            for sleeve, table in zip(self.found.sleeves, parts, strict=True)
        )
        return self.found._replace(whole=self.found.whole._replace(series=series), sleeves=sleeves)

    def _table(
        self,
        name: str,
        portfolio_id: str,
        days: Sequence[PortfolioDay],
        rates: Sequence[tuple[Node, Node]] | None = None,
    ) -> Reckoned:
        drawn = Rows(portfolio_id, self.found.whole.currency, days)
        first, count = self.first, len(self.window.days)
        below: list[list[Node]] = []
        opening = drawn.opening(first)
        for place in range(count):
            day = days[first + place]
            closing = drawn.closing(day)
            amounts = [
                opening,
                drawn.start_flow(day),
                drawn.end_flow(day),
                closing,
                drawn.fees(day),
            ]
            below.append([*amounts, *(rates[place] if rates is not None else ())])
            opening = closing
        labels = [f"{name} on {on}" for on in self.days]
        return rows(f"{name}, day by day", below, labels)

    def _rates(self, sleeve: Sleeve) -> list[tuple[Node, Node]]:
        """Return what the sleeve's currency was worth the day before and on each day."""
        series, currency = self.found.whole.series, self.found.whole.currency
        onto = [day.on for day in series.days]
        told = rates_by_day(marked_rates(self.found.rates), sleeve.currency, currency, onto)
        pair = f"{sleeve.currency}/{currency}"
        first = self.first
        return [
            (
                _rate(pair, told[place - 1] if place else None, "before"),
                _rate(pair, told[place], "on the day"),
            )
            for place in range(first, first + len(self.window.days))
        ]

    def _values(self, table: Table) -> DailyValues:
        bmv, bcf, ecf, emv, fees = (
            to_float64(row[place] for row in table) for place in range(_AMOUNTS)
        )
        return DailyValues(to_days(self.days), bmv, bcf, ecf, emv, fees)


def gathered(library: Library, asked: AskedParts) -> Gathered:
    """Return what a request is formed from.

    Raises:
        UnknownPortfolioError: If a portfolio is not in the book.
        ReportingCurrencyError: If a rate into the currency is missing on a day that needs one.
        NoSuchPartError: If nothing of what is chosen was ever held.
        BookMovedError: If the book changed while it was being read.
    """
    found = broken_down(library.reader, asked.scope, (asked.period,), asked.dimension)
    window = window_of(found.whole.series, asked.period.period, asked.as_of(found.whole))
    ids = asked.scope.portfolio_ids
    is_own = len(ids) == 1 and asked.scope.choice.is_everything
    if is_own:
        portfolio = library.reader.portfolio(ids[0], known_at=asked.scope.known_at)
        is_own = portfolio.base_currency == found.whole.currency
    return Gathered(found, window, ids[0] if is_own else "")


def _rate(pair: str, rate: Decimal | None, when: str) -> Node:
    if rate is None:
        return given(f"rate {pair} {when}: none is known, or it is not asked for", ZERO, "")
    if rate == ONE:
        return given(f"rate {pair} {when}", rate, "")
    return tree_of(rate, f"rate {pair} {when}", "")


def _rate_returns(table: Table) -> Floats:
    pairs = [tuple(map(float, row[_AMOUNTS:])) for row in table]
    return np.array([after / before - 1.0 if before and after else 0.0 for before, after in pairs])


def _on(day: PortfolioDay) -> date:
    return day.on
