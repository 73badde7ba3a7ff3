"""The book stage: transactions and requests to fold again, into entries, lots, cash and gains.

One batch: admit (new, duplicate, amended), lock the portfolios in the order of their ids, load
only the touched state, post, fold the security keys and then the cash keys, and hand over one set
of writes. A transaction that cannot be booked is kept with a finding and touches nothing, neither
its security nor its cash.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.ledger import Leg, post
from tidebook.book.lots import LotRule
from tidebook.book.policies import key_rules
from tidebook.engine.stages import keys as folding
from tidebook.engine.stages.admission import admit, fact_row
from tidebook.engine.store import BookWrite, FindingRow
from tidebook.model.facts import business_date
from tidebook.model.findings import Severity, unknown_portfolio
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from tidebook.book.ledger import Posted, Posting
    from tidebook.book.lots import KeyRules
    from tidebook.engine.stages.admission import Admission, Incoming
    from tidebook.engine.stages.keys import KeyResult
    from tidebook.engine.store import (
        FactRow,
        Key,
        KeyState,
        KeyWrite,
        PortfolioState,
        Unit,
        WorkItem,
    )
    from tidebook.model.facts import Transaction
    from tidebook.model.findings import Finding


class BookOutcome(NamedTuple):
    """What a batch came to, for the audit and for those who listen."""

    accepted: int
    duplicates: int
    amended: int
    waiting: int
    restated: int
    touched: Mapping[str, tuple[str, ...]]
    """Per portfolio, the ids of the transactions that were taken."""


def book(
    unit: Unit, incoming: Sequence[Incoming], work: Sequence[WorkItem], at: datetime
) -> BookOutcome:
    """Book a batch of transactions and fold the keys of ``work`` again, inside one unit."""
    unit.hold_reference(exclusive=False)
    ids = {arrival.transaction.transaction_id for arrival in incoming}
    admission = admit(incoming, unit.facts(ids) if ids else {})
    batch = _Batch(unit, admission, work)
    with exact():
        batch.post()
        batch.fold()
    write = batch.write()
    unit.save_book(write, at)
    return batch.outcome(write)


class _Change(NamedTuple):
    """What a batch does to one key."""

    added: list[Posting]
    removed: set[str]
    refold: list[str]
    """Why it is to be folded from all its facts; empty when it need not be."""


class _Batch:
    """The working state of one batch: what is loaded, and what is to be written."""

    def __init__(self, unit: Unit, admission: Admission, work: Sequence[WorkItem]) -> None:
        self.unit = unit
        self.admission = admission
        portfolio_ids = {a.transaction.portfolio_id for a in admission.current.values()}
        portfolio_ids |= {fact.portfolio_id for fact in admission.replaced.values()}
        portfolio_ids |= {item.portfolio_id for item in work}
        self.portfolios: dict[str, PortfolioState] = unit.lock_portfolios(portfolio_ids)
        self.changes: dict[Key, _Change] = defaultdict(lambda: _Change([], set(), []))
        self.posted: dict[str, Posted] = {}
        self.facts: list[FactRow] = []
        self.findings: dict[str, list[FindingRow]] = defaultdict(list)
        self.resolved: set[str] = set()
        self.replaced_accounts: dict[str, tuple[str, date, str, str | None]] = {}
        self.results: dict[Key, KeyResult] = {}
        self.waits: set[str] = set()
        self.seen: dict[Key, set[str]] = {}
        for item in work:
            if item.portfolio_id in self.portfolios:
                self.changes[item.portfolio_id, item.security_id].refold.append(item.reason)

    # Posting: from facts to changes of keys.

    def post(self) -> None:
        """Post every admitted version and mark what it replaces."""
        current = self.admission.current
        for identity, stored in self.admission.replaced.items():
            self._withdraw(identity, stored.portfolio_id, stored.main_security_id)
            if stored.cash_security_id:
                self._withdraw(identity, stored.portfolio_id, stored.cash_security_id)
        transactions = [admitted.transaction for admitted in current.values()]
        posted = self._posted(transactions)
        for identity, admitted in current.items():
            found = posted.get(identity)
            self.facts.append(fact_row(admitted, self._day(admitted.transaction), found))
            if found is None:
                fact = admitted.transaction
                finding = unknown_portfolio(identity, fact.portfolio_id)
                self._note(finding, fact.portfolio_id, fact.security_id, self._day(fact))
            else:
                self._take(admitted.transaction.portfolio_id, identity, found)
        for overtaken in self.admission.overtaken:
            day = self._day(overtaken.transaction)
            self.facts.append(fact_row(overtaken, day, None, superseded=True))

    def _posted(self, transactions: Collection[Transaction]) -> dict[str, Posted]:
        """Post transactions of known portfolios."""
        known = [fact for fact in transactions if fact.portfolio_id in self.portfolios]
        if not known:
            return {}
        instruments = self.unit.instruments({fact.security_id for fact in known})
        rates = self.unit.rates()
        return {
            fact.transaction_id: post(
                fact, self.portfolios[fact.portfolio_id].portfolio, instruments, rates
            )
            for fact in known
        }

    def _day(self, fact: Transaction) -> date:
        state = self.portfolios.get(fact.portfolio_id)
        return business_date(fact, state.portfolio.time_zone if state else "UTC")

    def _withdraw(self, identity: str, portfolio_id: str, security_id: str) -> None:
        self.resolved.add(identity)
        if portfolio_id in self.portfolios:
            self.changes[portfolio_id, security_id].removed.add(identity)

    def _take(self, portfolio_id: str, identity: str, posted: Posted) -> None:
        self.posted[identity] = posted
        for finding in posted.findings:
            self._note(finding, portfolio_id, posted.main_security_id, posted.on)
        for posting in posted.postings:
            self.changes[portfolio_id, posting.security_id].added.append(posting)

    def _note(self, finding: Finding, portfolio_id: str, security_id: str, on: date) -> None:
        row = FindingRow(finding, portfolio_id, security_id, on)
        self.findings[finding.transaction_id].append(row)
        if finding.severity is Severity.WAITING:
            self.waits.add(finding.transaction_id)

    # Folding: security keys first, because a refused sale must not move cash.

    def fold(self) -> None:
        """Fold every changed key."""
        self._fold([key for key in self.changes if not self._is_cash_account(key)])
        self._fold([key for key in self.changes if key not in self.results])

    def _is_cash_account(self, key: Key) -> bool:
        base_currency = self.portfolios[key[0]].portfolio.base_currency
        return built_in_instrument(key[1], base_currency) is not None

    def _fold(self, keys: Sequence[Key]) -> None:
        if not keys:
            return
        states = self.unit.states(keys)
        instruments = self.unit.instruments({security_id for _, security_id in keys})
        rules = {
            key: key_rules(self.portfolios[key[0]].portfolio, key[1], instruments.get(key[1]))
            for key in keys
        }
        anew = [key for key in keys if self._needs_refold(key, states.get(key), rules[key])]
        self._refold(anew, states, rules)
        for key in keys:
            if key not in self.results:
                self.results[key] = self._advance(key, states.get(key), rules[key])
                self._refuse(key, self.results[key].findings)

    def _needs_refold(self, key: Key, state: KeyState | None, rules: KeyRules) -> bool:
        change = self.changes[key]
        if change.refold:
            return True
        alone = rules.lots is LotRule.UNIT
        if change.removed and not alone:
            change.refold.append("a transaction was amended")
        elif not folding.in_order(state, change.added, rules):
            change.refold.append("a back-dated transaction")
        return bool(change.refold)

    def _advance(self, key: Key, state: KeyState | None, rules: KeyRules) -> KeyResult:
        """Change a key without looking at its history."""
        change = self.changes[key]
        added = self._bookable(change.added)
        if change.removed and state is not None:
            removed = self.unit.entries_of(key, change.removed)
            return folding.withdraw(key, state, removed, added, rules, "a transaction was amended")
        return folding.append(key, state, added, rules) if added else folding.NOTHING

    def _bookable(self, postings: Iterable[Posting]) -> list[Posting]:
        """Leave out the cash of what was refused on its security."""
        return [
            posting
            for posting in postings
            if posting.leg is Leg.MAIN or posting.transaction_id not in self.waits
        ]

    def _refuse(self, key: Key, findings: Sequence[Finding]) -> None:
        for finding in findings:
            posted = self.posted[finding.transaction_id]
            self._note(finding, key[0], key[1], posted.on)

    def _refold(
        self,
        keys: Sequence[Key],
        states: Mapping[Key, KeyState],
        rules: Mapping[Key, KeyRules],
    ) -> None:
        """Fold keys from all their facts, and carry over to cash what that changes."""
        if not keys:
            return
        waited = self.unit.waiting(keys)
        stored = self.unit.key_entries(keys)
        replaced = self.admission.current.keys()
        facts = [
            fact for fact in self.unit.key_transactions(keys) if fact.transaction_id not in replaced
        ]
        reposted = self._posted(facts)
        by_key: dict[Key, list[Posting]] = {key: list(self.changes[key].added) for key in keys}
        for fact in facts:
            posted = reposted[fact.transaction_id]
            for posting in posted.postings:
                key = (fact.portfolio_id, posting.security_id)
                if key in by_key:
                    by_key[key].append(posting)
        for key in keys:
            mine = {
                fact.transaction_id: reposted[fact.transaction_id]
                for fact in facts
                if fact.portfolio_id == key[0]
                and reposted[fact.transaction_id].main_security_id == key[1]
            }
            self._reconsider(key, mine)
            postings = self._without_waiting(by_key[key], waited, mine)
            reason = self.changes[key].refold[0]
            self.results[key] = folding.refold(
                key, states.get(key), stored[key], postings, rules[key], reason
            )
            self._refuse(key, self.results[key].findings)
            self._carry_to_cash(key[0], mine, waited, stored[key])

    def _reconsider(self, key: Key, mine: Mapping[str, Posted]) -> None:
        """Note anew what is to be said of the facts of a key."""
        for identity, posted in mine.items():
            self.posted.setdefault(identity, posted)
            self.resolved.add(identity)
            self.replaced_accounts[identity] = (
                identity,
                posted.on,
                posted.main_security_id,
                posted.cash_security_id,
            )
            for finding in posted.findings:
                self._note(finding, key[0], key[1], posted.on)

    def _without_waiting(
        self, postings: Iterable[Posting], waited: set[str], mine: Mapping[str, Posted]
    ) -> list[Posting]:
        """Leave out the cash of whatever waits now, or waited and was not reconsidered yet."""
        kept: list[Posting] = []
        for posting in postings:
            identity = posting.transaction_id
            if posting.leg is Leg.MAIN or identity in mine:
                kept.append(posting)
            elif identity in self.waits or (identity in waited and identity not in self.resolved):
                continue
            else:
                kept.append(posting)
        return kept

    def _carry_to_cash(
        self,
        portfolio_id: str,
        mine: Mapping[str, Posted],
        waited: set[str],
        stored: Mapping[tuple[str, str], object],
    ) -> None:
        """Give the cash key what has become bookable, and take from it what no longer is."""
        booked = {identity for identity, _ in stored}
        for identity, posted in mine.items():
            cash = posted.cash_security_id
            if cash is None:
                continue
            change = self.changes[portfolio_id, cash]
            legs = [posting for posting in posted.postings if posting.leg is Leg.CASH]
            if identity in self.waits and identity in booked:
                change.removed.add(identity)
            elif identity not in self.waits and (identity in waited or identity not in booked):
                change.added.extend(legs)

    # Writing.

    def write(self) -> BookWrite:
        """Return everything the batch changes."""
        keys: list[KeyWrite] = []
        dirty: dict[str, date] = {}
        for key, result in self.results.items():
            if result.write is not None:
                keys.append(result.write)
            if result.changed_from is not None:
                day = result.changed_from
                dirty[key[0]] = min(day, dirty.get(key[0], day))
        current = self.admission.current
        known = self.portfolios.keys()
        touched = {key[0] for key in self.results if self.results[key].write is not None}
        touched |= {
            admitted.transaction.portfolio_id
            for admitted in current.values()
            if admitted.transaction.portfolio_id in known
        }
        return BookWrite(
            facts=tuple(self.facts),
            close_facts=tuple(self.admission.replaced),
            replaced_accounts=tuple(
                row for identity, row in self.replaced_accounts.items() if identity not in current
            ),
            keys=tuple(keys),
            findings=tuple(row for rows in self.findings.values() for row in _distinct(rows)),
            resolved=tuple(sorted(self.resolved)),
            dirty=dirty,
            generations={
                identity: self.portfolios[identity].generation for identity in sorted(touched)
            },
        )

    def outcome(self, write: BookWrite) -> BookOutcome:
        """Return what the batch came to."""
        touched: dict[str, list[str]] = defaultdict(list)
        for identity, admitted in self.admission.current.items():
            touched[admitted.transaction.portfolio_id].append(identity)
        for key in write.generations:
            touched.setdefault(key, [])
        return BookOutcome(
            accepted=len(self.admission.current),
            duplicates=self.admission.duplicates,
            amended=len(self.admission.replaced),
            waiting=len(self.waits),
            restated=sum(1 for key in write.keys if key.restated_from is not None),
            touched={identity: tuple(ids) for identity, ids in touched.items()},
        )


def _distinct(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """Return one row per code: the last word on it."""
    return list({row.finding.code: row for row in rows}.values())
