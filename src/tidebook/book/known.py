"""What a fact is posted with: the instruments, rates and portfolios that are known."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.findings import missing_rate
from tidebook.model.instruments import PLAIN_CASH, built_in_instrument, cash_account
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio


NOBODY: Final[Mapping[str, Portfolio]] = MappingProxyType({})
"""No other portfolio."""


class Known(NamedTuple):
    """Instruments by security id, rates, and the portfolios that lots may be carried to."""

    instruments: Mapping[str, Instrument]
    rates: RateTable
    portfolios: Mapping[str, Portfolio] = NOBODY

    def instrument(self, named: str, currency: str, base_currency: str) -> Instrument | None:
        """Return an instrument, or the cash account that an id names by itself.

        Plain cash is an account of its own in the base currency alone: two currencies in one
        account would be added up.
        """
        found = self.instruments.get(named)
        if found is not None:
            return found
        if named == PLAIN_CASH and currency != base_currency:
            named = cash_account(currency)
        return built_in_instrument(named, currency)


class Wanted(NamedTuple):
    """A conversion: units of ``target`` for one unit of ``source``."""

    source: str
    target: str


def rates_on(
    rates: RateTable, wanted: tuple[Wanted, ...], on: date, transaction_id: str
) -> list[Decimal] | Finding:
    """Return the rates of a day, in the order they are wanted, or the finding for one missing."""
    found: list[Decimal] = []
    for source, target in wanted:
        if source == target:
            found.append(ONE)
            continue
        quote = rates.rate(source, target, on)
        if quote is None:
            return missing_rate(transaction_id, source, target, on.isoformat())
        found.append(quote.rate)
    return found
