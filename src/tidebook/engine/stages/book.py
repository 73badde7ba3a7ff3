"""The book stage: transactions and requests to fold again, into entries, lots, cash and gains.

One batch: admit (new, duplicate, amended), lock the portfolios in the order of their ids, load
only the touched state, post, fold the security keys and then the cash keys, and hand over one set
of writes. A transaction that cannot be booked is kept with a finding and touches nothing, neither
its security nor its cash.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.ledger import Leg
from tidebook.book.lots import LotRule
from tidebook.book.policies import key_rules
from tidebook.engine.stages import keys as folding
from tidebook.engine.stages.admission import admit, fact_row
from tidebook.engine.stages.reposting import Reposting
from tidebook.engine.store import BookWrite, FindingRow
from tidebook.model.facts import business_date
from tidebook.model.findings import Severity, unknown_portfolio
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from tidebook.book.ledger import Posted, Posting
    from tidebook.book.lots import KeyRules
    from tidebook.engine.stages.admission import Admission, Incoming
    from tidebook.engine.stages.keys import KeyResult
    from tidebook.engine.store import (
        EntryRow,
        FactRow,
        Key,
        KeyState,
        KeyWrite,
        Order,
        PortfolioState,
        Unit,
        WorkItem,
    )
    from tidebook.model.facts import Transaction
    from tidebook.model.findings import Finding


_AMENDED: Final = "a transaction was amended"
_BACK_DATED: Final = "a back-dated transaction"
_POLICY: Final = "a policy of the portfolio has changed"
_MOVED: Final = "a transaction belongs on another key"


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


class _Change:
    """What a batch does to one key."""

    __slots__ = ("added", "anew", "reason", "removed")

    def __init__(self) -> None:
        self.added: list[Posting] = []
        self.removed: set[str] = set()
        self.anew = False
        """Whether the key is to be folded from all its facts."""
        self.reason = _AMENDED
        """Why its history changes, if it does."""

    def fold_anew(self, reason: str) -> None:
        """Have the key folded from all its facts; the first reason given stands."""
        if not self.anew:
            self.anew, self.reason = True, reason


class _Batch:
    """The working state of one batch: what is loaded, and what is to be written."""

    def __init__(self, unit: Unit, admission: Admission, work: Sequence[WorkItem]) -> None:
        self.unit = unit
        portfolio_ids = {a.transaction.portfolio_id for a in admission.current.values()}
        portfolio_ids |= {fact.portfolio_id for fact in admission.replaced.values()}
        portfolio_ids |= {item.portfolio_id for item in work}
        self.portfolios: dict[str, PortfolioState] = unit.lock_portfolios(portfolio_ids)
        if admission.replaced:
            # While the portfolios were waited for, another worker may have booked what is replaced.
            admission = admission._replace(replaced=unit.facts(admission.replaced.keys()))
        self.admission = admission
        self.again = Reposting(unit, self.portfolios, admission.current.keys())
        self.changes: dict[Key, _Change] = defaultdict(_Change)
        self.posted: dict[str, Posted] = {}
        self.facts: list[FactRow] = []
        self.findings: dict[str, list[FindingRow]] = defaultdict(list)
        self.resolved: set[str] = set()
        self.replaced_accounts: list[tuple[str, date, str, str | None]] = []
        self.states: dict[Key, KeyState] = {}
        self.rules: dict[Key, KeyRules] = {}
        self.refused: dict[Key, date] = {}
        self.results: dict[Key, KeyResult] = {}
        self.waits: set[str] = set()
        for item in work:
            if item.portfolio_id in self.portfolios:
                self.changes[item.portfolio_id, item.security_id].fold_anew(item.reason)

    # Posting: from facts to changes of keys.

    def post(self) -> None:
        """Post every admitted version and mark what it replaces."""
        current = self.admission.current
        for identity, stored in self.admission.replaced.items():
            self._withdraw(identity, stored.portfolio_id, stored.main_security_id)
            if stored.cash_security_id:
                self._withdraw(identity, stored.portfolio_id, stored.cash_security_id)
        posted = self.again.post([admitted.transaction for admitted in current.values()])
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
        self._prepare(self._keys(cash=False))
        anew = self._anew(self.changes)
        while moved := self.again.look(anew):
            for key in moved:
                self.changes[key].fold_anew(_MOVED)
            anew = moved
        securities = self._keys(cash=False)
        self._prepare([key for key in securities if key not in self.rules])
        self._reconsider(securities)
        self._fold(securities)
        self._carry(securities)
        self._fold(self._settled())

    def _settled(self) -> list[Key]:
        """Return the cash keys to fold, once none of them gives another one more to do.

        An exchange has one leg on each of two cash accounts.
        """
        done: set[Key] = set()
        while True:
            keys = self._keys(cash=True)
            self._prepare(keys)
            fresh = [key for key in self._anew(keys) if key not in done]
            if not fresh:
                return keys
            done.update(fresh)
            self._follow(self.again.look(fresh))
            self._reconsider(fresh)
            self._carry(fresh)

    def _follow(self, moved: set[Key]) -> None:
        """Fold the keys to which facts of cash accounts turn out to belong.

        They do when the portfolio's policy has changed and its keys have not been folded since.
        """
        found: set[Key] = set()
        while moved:
            found |= moved
            for key in moved:
                self.changes[key].fold_anew(_MOVED)
            moved = self.again.look(key for key in moved if not self._is_cash(key))
        securities = [key for key in self.changes if key in found and not self._is_cash(key)]
        for key in securities:
            self._unsay(key)
        self._prepare(securities)
        self._reconsider(securities)
        self._fold(securities)
        self._carry(securities)

    def _unsay(self, key: Key) -> None:
        """Take back what a key's fold refused: the key is folded once more."""
        for finding in self.results.pop(key, folding.NOTHING).findings:
            identity = finding.transaction_id
            rows = self.findings[identity]
            self.findings[identity] = [row for row in rows if row.finding != finding]
            self.waits.discard(identity)

    def _keys(self, *, cash: bool) -> list[Key]:
        return [key for key in self.changes if self._is_cash(key) is cash]

    def _anew(self, keys: Iterable[Key]) -> list[Key]:
        return [key for key in keys if self.changes[key].anew]

    def _is_cash(self, key: Key) -> bool:
        return built_in_instrument(key[1], "") is not None

    def _prepare(self, keys: Sequence[Key]) -> None:
        """Load where keys stand, and decide which of them must be folded anew."""
        fresh = [key for key in keys if key not in self.rules]
        if fresh:
            self.states.update(self.unit.states(fresh))
            instruments = self.unit.instruments({key[1] for key in fresh if not self._is_cash(key)})
            for key in fresh:
                portfolio = self.portfolios[key[0]].portfolio
                self.rules[key] = key_rules(portfolio, key[1], instruments.get(key[1]))
            self.refused.update(self.unit.refusals(fresh))
        for key in keys:
            change = self.changes[key]
            if not folding.fits(self.states.get(key), self.rules[key]):
                change.fold_anew(_POLICY)
            elif self.rules[key].lots is LotRule.UNIT:
                continue
            elif change.removed:
                change.fold_anew(change.reason)
            elif not self._in_order(key, change.added):
                change.fold_anew(_BACK_DATED)

    def _in_order(self, key: Key, added: Sequence[Posting]) -> bool:
        """Tell whether postings come after all that was booked or refused on a key."""
        refused = self.refused.get(key)
        if refused is not None and any(posting.on <= refused for posting in added):
            return False
        return folding.in_order(self.states.get(key), added)

    def _fold(self, keys: Sequence[Key]) -> None:
        anew = self._anew(keys)
        stored = self.unit.key_entries(anew) if anew else {}
        for key in keys:
            result = self._refold(key, stored[key]) if key in stored else self._advance(key)
            self.results[key] = result
            for finding in result.findings:
                identity = finding.transaction_id
                posted = self.posted.get(identity) or self.again.posted[identity]
                self._note(finding, key[0], key[1], posted.on)

    def _advance(self, key: Key) -> KeyResult:
        """Change a key without looking at its history."""
        change, state, rules = self.changes[key], self.states.get(key), self.rules[key]
        added = [posting for posting in change.added if self._counts(posting)]
        if change.removed and state is not None:
            removed = self.unit.entries_of(key, change.removed)
            last: Order | None = state.last
            if any(folding.order_of(row) == last for row in removed.values()):
                last = self.unit.last_order(key, change.removed)
            return folding.withdraw(key, state, removed, added, last, change.reason)
        return folding.append(key, state, added, rules) if added else folding.NOTHING

    def _refold(self, key: Key, stored: Mapping[tuple[str, str], EntryRow]) -> KeyResult:
        """Fold a key from all its facts."""
        change = self.changes[key]
        postings = {
            (posting.transaction_id, posting.leg): posting
            for posting in (*self.again.on_key[key], *change.added)
            if self._counts(posting)
        }
        state, rules = self.states.get(key), self.rules[key]
        return folding.refold(key, state, stored, postings.values(), rules, change.reason)

    def _counts(self, posting: Posting) -> bool:
        """Leave out the cash of whatever waits now, or waited and was not reconsidered yet."""
        if posting.leg is Leg.MAIN:
            return True
        identity = posting.transaction_id
        if identity in self.posted or identity in self.resolved:
            return identity not in self.waits
        return identity not in self.again.waited

    def _reconsider(self, keys: Iterable[Key]) -> None:
        """Note anew what is to be said of the facts of keys, and the keys they are booked on."""
        for key in self._anew(keys):
            for identity in self.again.mine[key]:
                posted, stored = self.again.posted[identity], self.again.stored[identity]
                self.resolved.add(identity)
                accounts = (posted.on, posted.main_security_id, posted.cash_security_id)
                if accounts != stored[1:]:
                    self.replaced_accounts.append((identity, *accounts))
                for finding in posted.findings:
                    self._note(finding, key[0], key[1], posted.on)

    def _carry(self, keys: Iterable[Key]) -> None:
        """Give cash accounts what has become bookable, and take from them what no longer is."""
        for key in self._anew(keys):
            for identity in self.again.mine[key]:
                self._carry_to_cash(key, identity)

    def _carry_to_cash(self, key: Key, identity: str) -> None:
        posted, stored = self.again.posted[identity], self.again.stored[identity]
        before = None if identity in self.again.waited else stored.cash_security_id
        after = None if identity in self.waits else posted.cash_security_id
        fact = stored.transaction
        if before == after and (after is None or fact.trade_currency == fact.currency):
            return
        reason = self.changes[key].reason
        if before is not None and before != key[1]:
            change = self.changes[key[0], before]
            change.reason = change.reason if change.anew else reason
            change.removed.add(identity)
        if after is not None and after != key[1]:
            change = self.changes[key[0], after]
            change.reason = change.reason if change.anew else reason
            change.added.extend(each for each in posted.postings if each.leg is Leg.CASH)

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
            replaced_accounts=tuple(self.replaced_accounts),
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
