"""The balance of a portfolio: what it owns, what it owes, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tidebook.book.valuation import MarketValue


class Balance(NamedTuple):
    """Assets and liabilities in base currency, both positive."""

    assets: Decimal
    liabilities: Decimal

    @property
    def net_worth(self) -> Decimal:
        """What is left of the assets when every liability is paid."""
        with exact():
            return self.assets - self.liabilities


def balance(values: Iterable[MarketValue]) -> Balance:
    """Return the balance of positions valued on one day.

    What is worth less than nothing is owed: a short position, an overdraft, a loan kept as a
    position of negative quantity. Positions are not set off against each other, so that a loan
    and the cash it brought both show. A contract on margin counts with its unrealised gain.

    Args:
        values: The worth of each position that has one; who leaves others out says so.
    """
    assets = liabilities = ZERO
    with exact():
        for value in values:
            if value.counted_base > 0:
                assets += value.counted_base
            else:
                liabilities -= value.counted_base
    return Balance(assets, liabilities)
