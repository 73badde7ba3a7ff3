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
from tidebook.book.ledger import post_by_id
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

    A corporate action is posted once for each portfolio, under ``model.actions.applied_id``;
    ``applied`` are these ids. ``postings`` are those of every key, also of facts that wait;
    ``settled`` is the cash that the holdings of a key determined, by the id of the fact.
    """

    keys: Mapping[Key, Folded]
    posted: Mapping[str, Posted]
    findings: Mapping[str, tuple[Finding, ...]]
    postings: Mapping[Key, list[Posting]]
    settled: Mapping[Key, Mapping[str, Decimal]]
    applied: tuple[str, ...]

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
    building = _Building(facts, _kept(facts, earlier))
    building.post()
    building.apply_actions()
    building.fold_securities()
    building.fold_cash()
    return building.book()


def is_cash_account(security_id: str) -> bool:
    """Tell whether a key is a cash account by its name: folded after all others."""
    return built_in_instrument(security_id, "") is not None


def _kept(facts: Facts, earlier: Earlier | None) -> _Kept | None:
    """Return what of an earlier book still stands; None where everything is posted otherwise."""
    if earlier is None:
        return None
    before = earlier.facts
    stands = (
        before.rates is facts.rates
        and before.portfolios == facts.portfolios
        and before.instruments == facts.instruments
    )
    return _Kept(earlier, facts) if stands else None


class _Kept:
    """What of an earlier book still stands: the postings of facts that are the same objects.

    Applied actions are taken out with the facts that are gone, because which of them apply follows
    from the facts. ``touched`` are the keys that may come to something else than before.
    """

    def __init__(self, earlier: Earlier, facts: Facts) -> None:
        before, self.book = earlier
        # Both lists hold their facts, so no other object can have the address of one of them.
        was, now = set(map(id, before.transactions)), set(map(id, facts.transactions))
        self.fresh = [fact for fact in facts.transactions if id(fact) not in was]
        gone = [fact.transaction_id for fact in before.transactions if id(fact) not in now]
        self.touched = {key for identity in gone for key in self._keys_of(identity)}
        self.posted = dict(self.book.posted)
        self.postings = dict(self.book.postings)
        self._take_out({*gone, *self.book.applied})

    def _keys_of(self, identity: str) -> set[Key]:
        posted = self.book.posted.get(identity)
        return set() if posted is None else {posting.key for posting in posted.postings}

    def _take_out(self, ids: set[str]) -> None:
        for key in {key for identity in ids for key in self._keys_of(identity)}:
            left = [each for each in self.postings[key] if each.transaction_id not in ids]
            self.postings[key] = left
            if not left:
                del self.postings[key]
        for identity in ids:
            self.posted.pop(identity, None)

    def touch(self, posted: Posted) -> None:
        """Note the keys of what is posted anew."""
        self.touched.update(posting.key for posting in posted.postings)

    def touch_actions(self, applied: Iterable[str], posted: Mapping[str, Posted]) -> None:
        """Note the keys on which actions are applied otherwise than before."""
        for identity in {*self.book.applied, *applied}:
            before, after = self.book.posted.get(identity), posted.get(identity)
            if before != after:
                for one in (before, after):
                    if one is not None:
                        self.touch(one)

    def folded(self, key: Key) -> Folded | None:
        """Return what a key came to, where it would come to that again."""
        return None if key in self.touched else self.book.keys.get(key)


class _Building:
    """The working state of one build."""

    def __init__(self, facts: Facts, kept: _Kept | None) -> None:
        self.facts = facts
        self.kept = kept
        self.known = Known(facts.instruments, facts.rates, facts.portfolios)
        self.posted: dict[str, Posted] = {} if kept is None else kept.posted
        self.findings: dict[str, list[Finding]] = defaultdict(list)
        self.postings: dict[Key, list[Posting]] = {} if kept is None else kept.postings
        self.own: set[Key] = set()
        """The keys whose lists of postings belong to this build."""
        self.groups = Groups()
        self.folded: dict[Key, Folded] = {}
        self.settled: dict[str, Decimal] = {}
        self.settled_on: dict[Key, Mapping[str, Decimal]] = {}
        self.refused: set[str] = set()
        self.applied: list[str] = []
        self.said: list[tuple[Posted, Key]] = []
        """What actions came to, and on which key."""

    def post(self) -> None:
        fresh = self.facts.transactions if self.kept is None else self.kept.fresh
        portfolios = self.facts.portfolios
        anew = post_by_id((fact for fact in fresh if fact.portfolio_id in portfolios), self.known)
        self.posted.update(anew)
        for posted in anew.values():
            if self.kept is not None:
                self.kept.touch(posted)
            self._put(posted.postings)
        for fact in self.facts.transactions:
            identity, portfolio_id = fact.transaction_id, fact.portfolio_id
            posted = self.posted.get(identity)
            if posted is not None:
                self._look(posted, (portfolio_id, posted.main_security_id))
            elif fact.type is not TransactionType.CANCELLED:
                self._say(unknown_portfolio(identity, portfolio_id))

    def _put(self, postings: Iterable[Posting]) -> None:
        for posting in postings:
            key = posting.key
            if key not in self.own:
                self.own.add(key)
                self.postings[key] = [*self.postings.get(key, ())]
            self.postings[key].append(posting)

    def _look(self, posted: Posted, source: Key) -> None:
        for finding in posted.findings:
            self._say(finding)
        if posted.arrival is not None and posted.postings:
            self.groups.join(source, posted.arrival)

    def _say(self, finding: Finding) -> None:
        self.findings[finding.transaction_id].append(finding)
        if finding.severity is Severity.WAITING:
            self.refused.add(finding.transaction_id)

    def apply_actions(self) -> None:
        """Apply the actions on every key that has postings, and on those that they lead to."""
        pending = [key for key in self.postings if not is_cash_account(key[1])]
        seen = set(pending)
        while pending and self.facts.actions:
            portfolio_id, security_id = pending.pop()
            for action in self.facts.actions.touching(portfolio_id, security_id):
                identity = applied_id(action.action_id, portfolio_id)
                if action.security_id != security_id or identity in self.posted:
                    continue
                portfolio = self.facts.portfolios[portfolio_id]
                posted = apply_action(action, portfolio, self.known)
                key = (portfolio_id, security_id)
                self.said.append((posted, key))
                self.applied.append(identity)
                self.posted[identity] = posted._replace(findings=())
                self._put(posted.postings)
                self._look(self.posted[identity], key)
                if posted.arrival is not None and posted.arrival not in seen:
                    seen.add(posted.arrival)
                    pending.append(posted.arrival)
        if self.kept is not None:
            self.kept.touch_actions(self.applied, self.posted)

    def fold_securities(self) -> None:
        keys = [key for key in self.postings if not is_cash_account(key[1])]
        rules = {key: self._rules(key) for key in keys}
        pools: dict[str, Key] = {}
        for key in keys:
            if rules[key].pool:
                self.groups.join(key, pools.setdefault(rules[key].pool, key))
        for group in self.groups.of(keys):
            # A key of a pool is never alone: who shares it no more has touched no key but its own.
            if len(group) == 1 and not self.groups.joined(group[0]):
                self._fold_alone(group[0], rules[group[0]])
                continue
            together = [posting for key in group for posting in self.postings[key]]
            self.folded.update(fold_together(together, {key: rules[key] for key in group}))
        for key in keys:
            self._note(key)
        for posted, key in self.said:
            # Where nothing was held when it took effect there is nothing to say.
            if any(entry.posting.on < posted.on for entry in self.folded[key].entries):
                for finding in posted.findings:
                    self._say(finding)

    def _fold_alone(self, key: Key, rules: KeyRules) -> None:
        known = self.kept.folded(key) if self.kept is not None else None
        if known is None:
            self.postings[key] = in_order(self.postings[key])
            known = fold(EMPTY, self.postings[key], rules)
        self.folded[key] = known

    def _note(self, key: Key) -> None:
        folded = self.folded[key]
        for finding in folded.findings:
            self._say(finding)
        if self.kept is not None and self.kept.book.keys.get(key) is folded:
            settled = self.kept.book.settled.get(key)
        else:
            settled = {
                entry.posting.transaction_id: entry.settled
                for entry in folded.entries
                if entry.settled is not None
            }
        if settled:
            self.settled_on[key] = settled
            self.settled.update(settled)

    def fold_cash(self) -> None:
        keys = [key for key in self.postings if is_cash_account(key[1])]
        if self.kept is not None:
            self._touch_accounts(self.kept)
        for key in keys:
            known = self.kept.folded(key) if self.kept is not None else None
            if known is None:
                known = fold(EMPTY, self._cash_postings(key), self._rules(key))
            self.folded[key] = known
            self._note(key)
            if self.kept is not None and known.findings:
                # What one account refuses does not count on another either.
                self.kept.touched.update(keys)

    def _touch_accounts(self, kept: _Kept) -> None:
        """Note the accounts of facts that count now and did not before, or in another amount."""
        before = {
            identity: amount
            for settled in kept.book.settled.values()
            for identity, amount in settled.items()
        }
        moved = kept.book.waiting ^ self.refused
        for identity in {*before, *self.settled}:
            if before.get(identity) != self.settled.get(identity):
                moved |= {identity}
        for identity in moved:
            if identity in self.posted:
                kept.touch(self.posted[identity])

    def _cash_postings(self, key: Key) -> list[Posting]:
        """Return what counts on an account, in order."""
        self.postings[key] = in_order(self.postings[key])
        counted = [posting for posting in self.postings[key] if self._counts(posting)]
        if not self.settled:
            return counted
        # In which direction an amount moves decides over its place, too.
        return in_order(
            settled(posting, self.settled[posting.transaction_id])
            if posting.is_settled_later
            else posting
            for posting in counted
        )

    def _counts(self, posting: Posting) -> bool:
        identity = posting.transaction_id
        if posting.leg is Leg.CASH and identity in self.refused:
            return False
        return posting.effect is None or not posting.is_settled_later or identity in self.settled

    def _rules(self, key: Key) -> KeyRules:
        portfolio = self.facts.portfolios[key[0]]
        return key_rules(portfolio, key[1], self.facts.instruments.get(key[1]))

    def book(self) -> WholeBook:
        return WholeBook(
            {key: folded for key, folded in self.folded.items() if folded.entries},
            self.posted,
            {identity: tuple(found) for identity, found in self.findings.items()},
            self.postings,
            self.settled_on,
            tuple(self.applied),
        )
