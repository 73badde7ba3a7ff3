"""Facts posted anew: what is stored is looked at with the portfolios, instruments and rates of now.

Portfolios change their policies and instruments, rates and corporate actions arrive late, so a
fact may come to other amounts than it was booked with, and may belong on other keys. Where it
does, those keys are looked at as well.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tidebook.book.actions import apply_action
from tidebook.book.events import CARRIES
from tidebook.book.known import Known
from tidebook.book.ledger import post_by_id
from tidebook.book.whole import is_cash_account
from tidebook.model.actions import AT, applied_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tidebook.book.postings import Posted, Posting
    from tidebook.engine.store import BookedFact, Key, PortfolioState, Unit
    from tidebook.model.actions import ActionTable, CorporateAction
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
        self._actions: ActionTable | None = None
        self.waited: set[str] = set()
        """Ids of stored facts that were not booked until now."""
        self.gone: set[str] = set()
        """Ids of actions that waited in a portfolio, and act on nothing there any more."""
        self.stored: dict[str, BookedFact] = {}
        """Transactions as they were booked; a corporate action has no such row."""
        self.posted: dict[str, Posted] = {}
        self.settled_later: set[str] = set()
        """The facts that move cash in an amount which their holding determines."""
        self.on_key: dict[Key, list[Posting]] = defaultdict(list)
        """What each key's postings are now, as far as its facts have been looked at."""
        self.mine: dict[Key, list[str]] = defaultdict(list)
        """The facts whose main leg each key now has, or would have if they did not wait."""

    @property
    def actions(self) -> ActionTable:
        """The corporate actions in force."""
        if self._actions is None:
            self._actions = self._unit.actions()
        return self._actions

    def look(self, keys: Iterable[Key]) -> set[Key]:
        """Post the facts of keys anew; return the other keys that must be folded for it.

        They are those to which facts have moved, and those that facts leave because they have to
        wait from now on: a fact has all its legs or none. A key that was looked at in another
        call is among them where it has a fact more than it had then.
        """
        fresh = {key: None for key in keys if key not in self._looked}
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
            self._keep(identity, portfolio_id, now)
            accounts = (before.main_security_id, before.cash_security_id, before.arrival)
            if accounts != (now.main_security_id, now.cash_security_id, now.arrival):
                moved.add((portfolio_id, before.main_security_id))
                moved.add((portfolio_id, now.main_security_id))
                moved.update(key for key in (before.arrival, now.arrival) if key is not None)
            elif now.waits and now.findings and identity not in self.waited:
                moved.add((portfolio_id, now.main_security_id))
        moved |= self._apply_actions(fresh)
        if portfolio_ids:
            self._forget_actions()
        return {key for key in moved if key not in fresh and key[0] in self._portfolios}

    def _keep(self, identity: str, portfolio_id: str, now: Posted) -> None:
        self.posted[identity] = now
        self.mine[portfolio_id, now.main_security_id].append(identity)
        for posting in now.postings:
            if posting.effect is None or not posting.is_settled_later:
                self.on_key[posting[:2]].append(posting)
            else:
                self.settled_later.add(identity)

    def _apply_actions(self, keys: Iterable[Key]) -> set[Key]:
        """Apply corporate actions to keys; return the other keys that they touch."""
        if not self.actions:
            return set()
        touched: set[Key] = set()
        due: dict[str, tuple[CorporateAction, str]] = {}
        for portfolio_id, security_id in keys:
            if is_cash_account(security_id):
                continue
            for action in self.actions.touching(portfolio_id, security_id):
                identity = applied_id(action.action_id, portfolio_id)
                if identity not in self.posted:
                    due[identity] = (action, portfolio_id)
        if not due:
            return touched
        named = {action.security_id for action, _ in due.values()}
        named |= {action.to_security_id for action, _ in due.values() if action.moves_lots}
        known = Known(self._unit.instruments(named), self._unit.rates())
        for identity, (action, portfolio_id) in due.items():
            posted = apply_action(action, self._portfolios[portfolio_id].portfolio, known)
            self._keep(identity, portfolio_id, posted)
            touched.add((portfolio_id, action.security_id))
            if posted.arrival is not None:
                touched.add(posted.arrival)
        return touched

    def _forget_actions(self) -> None:
        """Find the actions that waited and were cancelled since, or act on something else."""
        due: dict[str, Key | None] = {}
        for identity in self.waited - self.posted.keys():
            _, at, portfolio_id = identity.partition(AT)
            if at and portfolio_id in self._portfolios:
                action = self.actions.applied(identity, portfolio_id)
                due[identity] = (portfolio_id, action.security_id) if action else None
        if not due:
            return
        named_so = self._unit.facts(due)  # a transaction may be
        states = self._unit.states([key for key in due.values() if key is not None])
        for identity, key in due.items():
            state = states.get(key) if key is not None else None
            if identity not in named_so and (state is None or state.is_emptied):
                self.gone.add(identity)

    def post(self, transactions: Iterable[Transaction]) -> dict[str, Posted]:
        """Post transactions of known portfolios."""
        facts = [fact for fact in transactions if fact.portfolio_id in self._portfolios]
        if not facts:
            return {}
        named = {fact.security_id for fact in facts}
        carries = [fact for fact in facts if fact.type in CARRIES]
        named |= {fact.to_security_id for fact in carries if fact.to_security_id}
        instruments = self._unit.instruments(named)
        under = {
            instruments[fact.security_id].underlying_id
            for fact in carries
            if fact.security_id in instruments and instruments[fact.security_id].underlying_id
        }
        if under:
            instruments = {**instruments, **self._unit.instruments(under)}
        portfolios = {identity: state.portfolio for identity, state in self._portfolios.items()}
        known = Known(instruments, self._unit.rates(), portfolios)
        return post_by_id(facts, known)
