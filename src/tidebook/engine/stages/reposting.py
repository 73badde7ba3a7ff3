"""Facts posted anew: what is stored is looked at with the portfolios, instruments and rates of now.

Portfolios change their policies and instruments and rates arrive late, so a fact may come to other
amounts than it was booked with, and may belong on other keys. Where it does, those keys are looked
at as well.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tidebook.book.ledger import post

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tidebook.book.postings import Posted, Posting
    from tidebook.engine.store import BookedFact, Key, PortfolioState, Unit
    from tidebook.model.facts import Transaction


class Reposting:
    """The facts of some keys, posted with what is known now.

    Args:
        unit: Where facts, instruments and rates are read.
        portfolios: The portfolios at hand.
        replaced: Ids of facts that this batch replaces; their stored versions count no more.
    """

    def __init__(
        self, unit: Unit, portfolios: Mapping[str, PortfolioState], replaced: Collection[str]
    ) -> None:
        """Begin without having looked at anything."""
        self._unit = unit
        self._portfolios = portfolios
        self._replaced = replaced
        self._looked: set[Key] = set()
        self._asked: set[str] = set()
        self.waited: set[str] = set()
        """Ids of stored facts that were not booked until now."""
        self.stored: dict[str, BookedFact] = {}
        self.posted: dict[str, Posted] = {}
        self.on_key: dict[Key, list[Posting]] = defaultdict(list)
        """What each key's postings are now, as far as its facts have been looked at."""
        self.mine: dict[Key, list[str]] = defaultdict(list)
        """The facts whose main leg each key now has, or would have if they did not wait."""

    def look(self, keys: Iterable[Key]) -> set[Key]:
        """Post the facts of keys anew; return the other keys to which facts have moved."""
        fresh = [key for key in keys if key not in self._looked]
        if not fresh:
            return set()
        self._looked.update(fresh)
        portfolio_ids = {portfolio_id for portfolio_id, _ in fresh} - self._asked
        if portfolio_ids:
            self._asked |= portfolio_ids
            self.waited |= self._unit.waiting(portfolio_ids)
        found = {
            identity: fact
            for identity, fact in self._unit.key_facts(fresh).items()
            if identity not in self._replaced and identity not in self.stored
        }
        self.stored.update(found)
        posted = self.post([fact.transaction for fact in found.values()])
        moved: set[Key] = set()
        for identity, now in posted.items():
            before = found[identity]
            portfolio_id = before.transaction.portfolio_id
            self.posted[identity] = now
            self.mine[portfolio_id, now.main_security_id].append(identity)
            for posting in now.postings:
                self.on_key[portfolio_id, posting.security_id].append(posting)
            accounts = (before.main_security_id, before.cash_security_id)
            if accounts != (now.main_security_id, now.cash_security_id):
                moved.add((portfolio_id, before.main_security_id))
                moved.add((portfolio_id, now.main_security_id))
        return moved - self._looked

    def post(self, transactions: Iterable[Transaction]) -> dict[str, Posted]:
        """Post transactions of known portfolios."""
        known = [fact for fact in transactions if fact.portfolio_id in self._portfolios]
        if not known:
            return {}
        instruments = self._unit.instruments({fact.security_id for fact in known})
        rates = self._unit.rates()
        return {
            fact.transaction_id: post(
                fact, self._portfolios[fact.portfolio_id].portfolio, instruments, rates
            )
            for fact in known
        }
