# ruff: noqa: ANN401 - a wrong function stands in for any function
"""What could be wrong about late facts and whom they wake, and about the daily series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.simulation.book_tables import BookTables
from tests.simulation.mutants.of_the_log import nothing
from tests.simulation.mutants.registry import mutant
from tests.simulation.reference_tables import ReferenceTables
from tests.simulation.series_tables import SeriesTables
from tests.simulation.store import SimulatedUnit
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.mutants.registry import Patch


# What rests on what: late facts, and who is woken by them.


@mutant
def lost_wake_up() -> list[Patch]:
    """What bookings rest on may change while they look at it."""
    return [(SimulatedUnit, "hold_reference", nothing)]


@mutant
def market_not_held() -> list[Patch]:
    """What valuations rest on may change while they look at it."""
    return [(SimulatedUnit, "hold_market", nothing)]


@mutant
def work_taken_but_not_done() -> list[Patch]:
    """A key is off the list before it is folded again."""
    original = BookTables.take_work

    def take(self: BookTables, *given: Any) -> Any:
        taken = original(self, *given)
        self._session.make_visible()
        return taken

    return [(BookTables, "take_work", take)]


@mutant
def late_portfolio_not_woken() -> list[Patch]:
    """A portfolio arrives, and what waited for it waits on."""
    return [(ReferenceTables, "wake", _but_for("portfolio:"))]


@mutant
def late_instrument_not_woken() -> list[Patch]:
    """An instrument arrives, and what waited for it waits on."""
    return [
        (ReferenceTables, "wake", _but_for("instrument:")),
        (ReferenceTables, "refold_securities", nothing),
    ]


def _but_for(kind: str) -> Callable[..., None]:
    original = ReferenceTables.wake

    def wake(self: ReferenceTables, subjects: Any, reason: str, at: Any) -> None:
        original(self, [each for each in subjects if not each.startswith(kind)], reason, at)

    return wake


@mutant
def late_rate_not_woken() -> list[Patch]:
    """A rate arrives, and what waited for it waits on."""
    return [
        (ReferenceTables, "wake_rates", nothing),
        (ReferenceTables, "refold_foreign", nothing),
    ]


@mutant
def rate_not_refolded() -> list[Patch]:
    """A rate is corrected, and what was booked at it stays."""
    return [(ReferenceTables, "refold_foreign", nothing)]


@mutant
def instrument_not_refolded() -> list[Patch]:
    """An instrument changes its currency or kind, and what was booked in it stays."""
    return [(ReferenceTables, "refold_securities", nothing)]


@mutant
def policy_not_refolded() -> list[Patch]:
    """A portfolio changes its policy, and its book stays."""
    return [(ReferenceTables, "refold_portfolios", nothing)]


# The daily series.


@mutant
def price_not_dirtied() -> list[Patch]:
    """A price is corrected, and no series is marked."""
    return [(ReferenceTables, "mark_holders", nothing)]


@mutant
def price_of_sold_not_dirtied() -> list[Patch]:
    """A price is corrected, and only those who still hold the security are marked."""
    original = ReferenceTables.mark_holders

    def mark(self: ReferenceTables, earliest: Any) -> None:
        states = self._states
        where = states.where

        def held(index: str, value: Any) -> Iterator[Any]:
            return (each for each in where(index, value) if each[1].state.holding.quantity != ZERO)

        with patch.object(states, "where", held):
            original(self, earliest)

    return [(ReferenceTables, "mark_holders", mark)]


@mutant
def rate_not_dirtied() -> list[Patch]:
    """A rate is corrected, and no series is marked."""
    return [(ReferenceTables, "mark_foreign", nothing)]


@mutant
def date_not_dirtied() -> list[Patch]:
    """A business date arrives, and no series is marked."""
    return [(ReferenceTables, "mark_all", nothing)]


@mutant
def book_not_dirtied() -> list[Patch]:
    """A book changes, and its series is not marked."""
    original = BookTables._bump

    def bump(self: BookTables, write: Any) -> None:
        original(self, write._replace(dirty={}))

    return [(BookTables, "_bump", bump)]


@mutant
def series_writes_stale_job() -> list[Patch]:
    """A series is written although its book or the market has moved."""

    def is_stale(*_: object) -> bool:
        return False

    return [(SeriesTables, "_is_stale", staticmethod(is_stale))]


@mutant
def opening_forgotten() -> list[Patch]:
    """A series that is resumed opens with nothing."""

    def opening(self: SeriesTables, portfolio_id: str, day: Any) -> Any:
        before = [key[1] for key, _ in self._days.where("portfolio", portfolio_id) if key[1] < day]
        return max(before, default=None), ZERO

    return [(SeriesTables, "_opening", opening)]
