"""Which keys of a batch must be folded together, as far as its portfolios are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.links import Groups
from tidebook.book.policies import key_rules
from tidebook.book.whole import is_cash_account
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tidebook.engine.stages.admission import Admission
    from tidebook.engine.stages.reposting import Reposting
    from tidebook.engine.store import Key, PortfolioState, Unit


class Links:
    """The carries, actions and pools that join keys.

    Args:
        unit: Where stored carries are read.
        asked: The portfolios that were to be locked; every key that is joined to one of theirs
            is theirs.
        portfolios: Those of them that are known.
        admission: What the batch brings; carries that it replaces join nothing any more.
    """

    def __init__(
        self,
        unit: Unit,
        asked: Collection[str],
        portfolios: Mapping[str, PortfolioState],
        admission: Admission,
    ) -> None:
        """Begin with nothing joined."""
        self._unit = unit
        self._asked = frozenset(asked)
        self._portfolios = portfolios
        self._replaced = admission.replaced
        self._groups = Groups()
        self._loaded = False
        self._pooled = [
            state.portfolio for state in portfolios.values() if state.portfolio.taxpayer_id
        ]

    def join(self, one: Key, other: Key) -> None:
        """Have two keys folded together."""
        self._groups.join(one, other)

    def reach(self, keys: Iterable[Key], again: Reposting) -> set[Key]:
        """Return all the keys that must be folded with these, themselves among them.

        Raises:
            FencedError: When a carry leads to a portfolio that was not locked: it was booked
                after this batch asked which portfolios are related.
        """
        keys = [key for key in keys if not is_cash_account(key[1])]
        if not keys:
            return set()
        self._load()
        for key in keys:
            for identity in again.mine[key]:
                posted = again.posted[identity]
                if posted.arrival is not None and posted.postings:
                    self._groups.join(key, posted.arrival)
            self._join_pool(key)
        return {other for key in keys for other in self._groups.members(key)}

    def are_joined(self, one: Key, other: Key) -> bool:
        """Tell whether two keys are folded together."""
        return self._groups.are_joined(one, other)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for carry in self._unit.carries(list(self._portfolios)):
            if carry.transaction_id in self._replaced:
                continue
            ends = {carry.source[0], carry.arrival[0]}
            if not ends <= self._asked:
                raise FencedError("which portfolios belong together")
            if ends <= self._portfolios.keys():
                self._groups.join(carry.source, carry.arrival)

    def _join_pool(self, key: Key) -> None:
        """Join a key to those of the same taxpayer that share its average cost."""
        if not self._pooled:
            return
        pool = key_rules(self._portfolios[key[0]].portfolio, key[1], None).pool
        if not pool:
            return
        for portfolio in self._pooled:
            if key_rules(portfolio, key[1], None).pool == pool:
                self._groups.join(key, (portfolio.portfolio_id, key[1]))

    def groups(self, keys: Iterable[Key]) -> list[list[Key]]:
        """Return keys in groups that are folded together; most are alone."""
        return self._groups.of(keys)
