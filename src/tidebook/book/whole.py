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
from tidebook.book.postings import Leg, settled
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


def build(facts: Facts) -> WholeBook:
    """Return the book that facts come to; their order does not matter."""
    building = _Building(facts)
    building.post()
    building.apply_actions()
    building.fold_securities()
    building.fold_cash()
    return building.book()


def is_cash_account(security_id: str) -> bool:
    """Tell whether a key is a cash account by its name: folded after all others."""
    return built_in_instrument(security_id, "") is not None


class _Building:
    """The working state of one build."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
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
            posted = post(
                transaction,
                portfolio,
                self.known.instruments,
                self.known.rates,
                self.known.portfolios,
            )
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
                self.folded[key] = fold(EMPTY, _ordered(self.postings[key]), rules[key])
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
            self.folded[key] = fold(EMPTY, _ordered(postings), self._rules(key))
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


def _ordered(postings: Iterable[Posting]) -> list[Posting]:
    return sorted(postings, key=lambda posting: posting.order)
