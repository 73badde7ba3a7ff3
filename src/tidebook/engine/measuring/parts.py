"""Parts of a portfolio: the daily series of some of its keys, by one algorithm for every choice.

A part is a filtered ledger: the keys that are chosen, valued as the whole portfolio is, with the
capital that moved into them and out of them (``book.sleeves``). All keys are the portfolio itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.series import daily_series
from tidebook.book.sleeves import sleeve_flows
from tidebook.engine.book_facts import market_of, series_by_key, valued_days
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from tidebook.book.series import DatedFlow, HeldSteps, Market, PortfolioDay
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.model.instruments import Instrument

CASH: Final = "Cash"
"""The asset class and the sector of every cash account."""
UNCLASSIFIED: Final = "Unclassified"
"""The group of what no fact has put into one."""


class Dimension(StrEnum):
    """What the keys of a portfolio are grouped by."""

    SECURITY = "SECURITY"
    ASSET_CLASS = "ASSET_CLASS"
    SECTOR = "SECTOR"
    CURRENCY = "CURRENCY"


class Choice(NamedTuple):
    """Which keys are measured: those that meet every condition that is not None.

    The conditions are in the order of ``Dimension``.
    """

    security_id: str | None = None
    asset_class: str | None = None
    sector: str | None = None
    currency: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether no condition is set."""
        return self == _EVERYTHING

    @property
    def dimensions(self) -> dict[Dimension, str]:
        """The conditions that are set, by what they are about."""
        asked = zip(Dimension, self, strict=True)
        return {dimension: word for dimension, word in asked if word is not None}

    def takes(self, instrument: Instrument) -> bool:
        """Tell whether a key of this instrument is among them."""
        return all(
            group_of(instrument, dimension) == word for dimension, word in self.dimensions.items()
        )

    def __str__(self) -> str:
        """Return the conditions as they are told: ``sector Energy and currency USD``."""
        return " and ".join(
            f"{dimension.lower().replace('_', ' ')} {word}"
            for dimension, word in self.dimensions.items()
        )


_EVERYTHING: Final = Choice()


class Holdings(NamedTuple):
    """A portfolio's keys with all that their daily series follow from."""

    days: tuple[date, ...]
    instruments: Mapping[str, Instrument]
    steps: tuple[HeldSteps, ...]
    flows: Mapping[str, tuple[DatedFlow, ...]]
    market: Market

    def series(self, security_ids: Collection[str]) -> tuple[PortfolioDay, ...]:
        """Return the daily series of some keys together, over all days of the portfolio."""
        steps = [held for held in self.steps if held.security_id in security_ids]
        flows = [flow for one in security_ids for flow in self.flows.get(one, ())]
        return daily_series(self.days, steps, flows, self.market)

    def chosen(self, choice: Choice) -> frozenset[str]:
        """Return the keys that a choice takes."""
        return frozenset(
            security_id
            for security_id, instrument in self.instruments.items()
            if choice.takes(instrument)
        )

    def groups(self, dimension: Dimension) -> dict[str, frozenset[str]]:
        """Return the keys of each group, by its name."""
        found: dict[str, set[str]] = {}
        for security_id, instrument in sorted(self.instruments.items()):
            found.setdefault(group_of(instrument, dimension), set()).add(security_id)
        return {name: frozenset(found[name]) for name in sorted(found)}


def group_of(instrument: Instrument, dimension: Dimension) -> str:
    """Return the group of an instrument; ``UNCLASSIFIED`` where none is known."""
    match dimension:
        case Dimension.SECURITY:
            return instrument.security_id
        case Dimension.CURRENCY:
            return instrument.currency
        case Dimension.ASSET_CLASS:
            known = instrument.asset_class
        case Dimension.SECTOR:
            known = instrument.sector
    return CASH if instrument.is_cash else known or UNCLASSIFIED


def holdings(made: Rebuilt, portfolio_id: str) -> Holdings:
    """Return the keys of a portfolio, of the book that its facts come to."""
    entries = made.entries(portfolio_id)
    market = market_of(made, portfolio_id)
    keys = series_by_key(made, portfolio_id)
    instruments = {security_id: key.instrument for security_id, key in keys.items()}
    if not entries:
        return Holdings((), {}, (), {}, market)
    with exact():
        flows = sleeve_flows(entries, instruments, market)
    active = sorted({entry.posting.on for entry in entries})
    return Holdings(
        valued_days(made, portfolio_id, active),
        instruments,
        tuple(held for key in keys.values() for held in key.held),
        flows,
        market,
    )
