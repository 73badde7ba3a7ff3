"""Units of any day as the shares of today: what sold and acquired shares are compared in."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from tidebook.model.money import converted, share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.book.postings import Posting
    from tidebook.model.actions import ActionTable
    from tidebook.model.instruments import Instrument

Key = tuple[str, str]


class TodaysShares:
    """Restates units for every later split, and options as the shares that they are for."""

    def __init__(self, instruments: Mapping[str, Instrument], actions: ActionTable) -> None:
        """Keep what is known of securities and of what their issuers did."""
        self._instruments = instruments
        self._actions = actions
        self._known: dict[Key, list[tuple[date, Decimal, Decimal]]] = {}

    def is_option(self, security_id: str) -> bool:
        """Tell whether a security is an option, a right or a warrant."""
        known = self._instruments.get(security_id)
        return known is not None and known.option_right is not None

    def shares(self, posting: Posting, quantity: Decimal) -> Decimal:
        """Return units of a posting as shares of today, half even to 18 places at each split."""
        splits = self._known.get(posting.key)
        if splits is None:
            splits = self._splits(posting.key)
            self._known[posting.key] = splits
        for ex_date, new, old in splits:
            if posting.on < ex_date:
                quantity = share(quantity, new, old)
        if self.is_option(posting.security_id):
            return converted(quantity, self._instruments[posting.security_id].multiplier)
        return quantity

    def _splits(self, key: Key) -> list[tuple[date, Decimal, Decimal]]:
        """Return the splits of a security as they reach a portfolio, in order of the ex-dates."""
        found = [
            action._replace(portfolio_id="").split
            for action in self._actions.touching(*key)
            if action.security_id == key[1]
        ]
        splits = sorted((split for split in found if split), key=attrgetter("on"))
        return [(split.on, split.new_units, split.old_units) for split in splits]
