"""The whole book at once: from all facts to every key, in memory.

This is what the engine's book must equal at any time, however its facts came in. A rebuild, a
verification and a what-if are this function with their own facts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.actions import apply_action
from tidebook.book.folding import fold, fold_together
from tidebook.book.known import Known
from tidebook.book.ledger import post
from tidebook.book.links import Groups
from tidebook.book.lots import EMPTY
from tidebook.book.policies import key_rules
from tidebook.book.postings import Leg, in_order, settled
from tidebook.model.actions import ActionTable, applied_id
from tidebook.model.facts import TransactionType
from tidebook.model.findings import Severity, unknown_portfolio
from tidebook.model.instruments import built_in_instrument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.links import Key
    from tidebook.book.lots import Folded, KeyRules
    from tidebook.book.postings import Posted, Posting
    from tidebook.model.facts import Transaction
    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio


class Facts(NamedTuple):
    """Everything a book follows from, but the prices that it is valued with."""

    portfolios: Mapping[str, Portfolio]
    instruments: Mapping[str, Instrument]
    transactions: Sequence[Transaction]
    rates: RateTable
    actions: ActionTable = ActionTable()


class WholeBook(NamedTuple):
    """Every key that has an entry, what each fact was posted as, and what is to be said of it.

    A corporate action is posted once for each portfolio, under ``model.actions.applied_id``.
    """

    keys: Mapping[Key, Folded]
    posted: Mapping[str, Posted]
    findings: Mapping[str, tuple[Finding, ...]]

    @property
    def waiting(self) -> frozenset[str]:
        """The ids of facts that are kept without effect."""
        return frozenset(
            identity
            for identity, found in self.findings.items()
            if any(finding.severity is Severity.WAITING for finding in found)
        )


class Earlier(NamedTuple):
    """Facts and the book that they came to."""

    facts: Facts
    book: WholeBook


def build(facts: Facts, earlier: Earlier | None = None) -> WholeBook:
    """Return the book that facts come to; their order does not matter.

    Args:
        facts: Everything it follows from.
        earlier: A book of nearly the same facts. What cannot have changed since is taken from it:
            the postings of facts that are the same objects, and the keys that only these are on.
            The book is the same with it and without.
    """
    building = _Building(facts, None if earlier is None else _Kept(earlier, facts))
    building.post()
    building.apply_actions()
    building.fold_securities()
    building.fold_cash()
    return building.book()


def is_cash_account(security_id: str) -> bool:
    """Tell whether a key is a cash account by its name: folded after all others."""
    return built_in_instrument(security_id, "") is not None


class _Kept:
    """What of an earlier book still stands."""

    def __init__(self, earlier: Earlier, facts: Facts) -> None:
        before, self._book = earlier
        self._touched: set[Key] = set()
        # Everything is posted with these; actions touch keys beyond those of any fact.
        self._posts = (
            before.rates is facts.rates
            and before.portfolios == facts.portfolios
            and before.instruments == facts.instruments
        )
        self._folds = self._posts and before.actions is facts.actions
        self._transactions = {fact.transaction_id: fact for fact in before.transactions}
        kept = {fact.transaction_id for fact in facts.transactions if self._is_same(fact)}
        for identity, posted in self._book.posted.items():
            if identity not in kept:
                self._touched.update(posting.key for posting in posted.postings)

    def _is_same(self, fact: Transaction) -> bool:
        return self._transactions.get(fact.transaction_id) is fact

    def posted(self, fact: Transaction) -> Posted | None:
        """Return what a fact was posted as, where it would be posted as that again."""
        if not self._posts or not self._is_same(fact):
            return None
        return self._book.posted.get(fact.transaction_id)

    def touch(self, posted: Posted) -> None:
        """Note the keys of what is posted anew."""
        self._touched.update(posting.key for posting in posted.postings)

    def folded(self, key: Key) -> Folded | None:
        """Return what a key came to, where it would come to that again."""
        if not self._folds or key in self._touched:
            return None
        return self._book.keys.get(key)


class _Building:
    """The working state of one build."""

    def __init__(self, facts: Facts, kept: _Kept | None) -> None:
        self.facts = facts
        self.kept = kept
        self.known = Known(facts.instruments, facts.rates, facts.portfolios)
        self.posted: dict[str, Posted] = {}
        self.findings: dict[str, list[Finding]] = defaultdict(list)
        self.postings: dict[Key, list[Posting]] = defaultdict(list)
        self.groups = Groups()
        self.folded: dict[Key, Folded] = {}
        self.settled: dict[str, Decimal] = {}
        self.refused: set[str] = set()
        self.said: list[tuple[Posted, Key]] = []
        """What actions came to, and on which key."""

    def post(self) -> None:
        for transaction in self.facts.transactions:
            identity = transaction.transaction_id
            portfolio = self.facts.portfolios.get(transaction.portfolio_id)
            if portfolio is None:
                if transaction.type is not TransactionType.CANCELLED:
                    self._say(unknown_portfolio(identity, transaction.portfolio_id))
                continue
            posted = self.kept.posted(transaction) if self.kept is not None else None
            if posted is None:
                posted = post(transaction, portfolio, *self.known)
                if self.kept is not None:
                    self.kept.touch(posted)
            self._take(identity, posted, (portfolio.portfolio_id, posted.main_security_id))

    def _take(self, identity: str, posted: Posted, source: Key) -> None:
        self.posted[identity] = posted
        for finding in posted.findings:
            self._say(finding)
        for posting in posted.postings:
            self.postings[posting.key].append(posting)
        if posted.arrival is not None and posted.postings:
            self.groups.join(source, posted.arrival)

    def _say(self, finding: Finding) -> None:
        self.findings[finding.transaction_id].append(finding)
        if finding.severity is Severity.WAITING:
            self.refused.add(finding.transaction_id)

    def apply_actions(self) -> None:
        """Apply the actions on every key that has postings, and on those that they lead to."""
        if not self.facts.actions:
            return
        pending = [key for key in self.postings if not is_cash_account(key[1])]
        seen = set(pending)
        while pending:
            portfolio_id, security_id = pending.pop()
            for action in self.facts.actions.touching(portfolio_id, security_id):
                identity = applied_id(action.action_id, portfolio_id)
                if action.security_id != security_id or identity in self.posted:
                    continue
                portfolio = self.facts.portfolios[portfolio_id]
                posted = apply_action(action, portfolio, self.known)
                self.said.append((posted, (portfolio_id, security_id)))
                self._take(identity, posted._replace(findings=()), (portfolio_id, security_id))
                if posted.arrival is not None and posted.arrival not in seen:
                    seen.add(posted.arrival)
                    pending.append(posted.arrival)

    def fold_securities(self) -> None:
        keys = [key for key in self.postings if not is_cash_account(key[1])]
        rules = {key: self._rules(key) for key in keys}
        pools: dict[str, Key] = {}
        for key in keys:
            if rules[key].pool:
                self.groups.join(key, pools.setdefault(rules[key].pool, key))
        for group in self.groups.of(keys):
            if len(group) == 1 and not self.groups.joined(group[0]):
                key = group[0]
                known = self.kept.folded(key) if self.kept is not None else None
                ordered = in_order(self.postings[key]) if known is None else ()
                self.folded[key] = known or fold(EMPTY, ordered, rules[key])
                continue
            together = [posting for key in group for posting in self.postings[key]]
            self.folded.update(fold_together(together, {key: rules[key] for key in group}))
        for key in keys:
            self._note(self.folded[key])
        for posted, key in self.said:
            # Where nothing was held when it took effect there is nothing to say.
            if any(entry.posting.on < posted.on for entry in self.folded[key].entries):
                for finding in posted.findings:
                    self._say(finding)

    def _note(self, folded: Folded) -> None:
        for finding in folded.findings:
            self._say(finding)
        for entry in folded.entries:
            if entry.settled is not None:
                self.settled[entry.posting.transaction_id] = entry.settled

    def fold_cash(self) -> None:
        for key in [key for key in self.postings if is_cash_account(key[1])]:
            postings = list(self._cash_postings(self.postings[key]))
            self.folded[key] = fold(EMPTY, in_order(postings), self._rules(key))
            self._note(self.folded[key])

    def _cash_postings(self, postings: Iterable[Posting]) -> Iterable[Posting]:
        for posting in postings:
            identity = posting.transaction_id
            if posting.leg is Leg.CASH and identity in self.refused:
                continue
            if posting.is_settled_later:
                if identity in self.settled:
                    yield settled(posting, self.settled[identity])
                continue
            yield posting

    def _rules(self, key: Key) -> KeyRules:
        portfolio = self.facts.portfolios[key[0]]
        return key_rules(portfolio, key[1], self.facts.instruments.get(key[1]))

    def book(self) -> WholeBook:
        return WholeBook(
            {key: folded for key, folded in self.folded.items() if folded.entries},
            self.posted,
            {identity: tuple(found) for identity, found in self.findings.items()},
        )
