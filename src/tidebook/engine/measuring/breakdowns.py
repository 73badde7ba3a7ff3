"""Breakdowns that were made lately, each with the state of the book that it is right in.

What the groups of a portfolio earned follows from all of its facts, and to make the book of them
takes far longer than to add up what came out. A look at the state of the book tells whether what
came out before still holds.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine.measuring.broken_down import broken_down
from tidebook.engine.measuring.measured import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.measuring.broken_down import BrokenDown
    from tidebook.engine.measuring.measured import Measured, Scope
    from tidebook.engine.measuring.parts import Dimension
    from tidebook.engine.measuring.performance import NamedPeriod
    from tidebook.engine.ports import Reader

DAYS_KEPT_MAX: Final = 150_000
"""How many days of groups are kept together, some 250 bytes each."""


class _Key(NamedTuple):
    portfolio_id: str
    currency: str | None
    dimension: Dimension


class _Kept(NamedTuple):
    state: str
    found: BrokenDown
    days: int


class Breakdowns:
    """What portfolios are broken down into, made anew only where their book has moved.

    Those of one whole portfolio as it is now are kept, the ones used last, within a bound.
    """

    def __init__(self, *, days_max: int = DAYS_KEPT_MAX) -> None:
        """Start with nothing kept."""
        self._days_max = days_max
        self._days = 0
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._lock = Lock()

    def of(
        self, reader: Reader, scope: Scope, periods: Sequence[NamedPeriod], dimension: Dimension
    ) -> BrokenDown:
        """Return what is measured with the series of each group, as ``broken_down`` does.

        Raises:
            UnknownPortfolioError: If a portfolio is not in the book.
            ReportingCurrencyError: If a rate into the currency is missing on a day that needs one.
            NoSuchPartError: If nothing of what is chosen was ever held.
            BookMovedError: If the book changed while it was being read.
        """
        is_whole = len(scope.portfolio_ids) == 1 and scope.choice.is_everything
        if not is_whole or scope.known_at is not None:
            return broken_down(reader, scope, periods, dimension)
        key = _Key(scope.portfolio_ids[0], scope.currency, dimension)
        state = reader.state(key.portfolio_id)
        before = self._made_in(key, state)
        if before is not None:
            whole = measured(reader, scope, periods)
            if _stands_at(whole) == _stands_at(before.whole):
                return before._replace(whole=whole)
        found = broken_down(reader, scope, periods, dimension)
        if state is not None:
            self._keep(key, state, found)
        return found

    def _made_in(self, key: _Key, state: str | None) -> BrokenDown | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.state != state:
                return None
            self._kept.move_to_end(key)
            return kept.found

    def _keep(self, key: _Key, state: str, found: BrokenDown) -> None:
        days = sum(len(sleeve.days) for sleeve in found.sleeves)
        with self._lock:
            before = self._kept.pop(key, None)
            self._days -= 0 if before is None else before.days
            if days > self._days_max:
                return
            self._kept[key] = _Kept(state, found, days)
            self._days += days
            while self._days > self._days_max:
                _, left = self._kept.popitem(last=False)
                self._days -= left.days


def _stands_at(whole: Measured) -> tuple[int, int, int]:
    fresh = whole.freshness
    return fresh.generation, fresh.series_generation, fresh.valuation_version
