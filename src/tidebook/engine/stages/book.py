"""The book stage: transactions and requests to fold again, into entries, lots, cash and gains.

One batch: admit, lock the portfolios in the order of their ids, load only the touched state, post,
fold the security keys and then the cash keys, and hand over one set of writes. A transaction that
cannot be booked is kept with a finding and touches nothing, neither its security nor its cash.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.folding import fold_together
from tidebook.book.lots import LotRule
from tidebook.book.policies import key_rules
from tidebook.book.postings import EffectKind, Leg, settled
from tidebook.engine.stages import keys as folding
from tidebook.engine.stages.admission import admit, cancelled_contents, fact_row
from tidebook.engine.stages.changes import Change
from tidebook.engine.stages.links import Links
from tidebook.engine.stages.reposting import Reposting
from tidebook.engine.stages.restating import causes_of, restated
from tidebook.engine.stages.settling import still_settled
from tidebook.engine.store import Accounts, BookWrite, FindingRow
from tidebook.errors import FencedError
from tidebook.model.facts import TransactionType, business_date
from tidebook.model.findings import Severity, unknown_portfolio
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.lots import Folded, KeyRules
    from tidebook.book.postings import Posted, Posting
    from tidebook.engine.causes import Cause
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


_BACK_DATED: Final = "a back-dated transaction"
_POLICY: Final = "a policy of the portfolio has changed"
_MOVED: Final = "a transaction belongs on another key"
_JOINT: Final = "lots were carried from another key, or to it"
_CASH: Final = Leg.CASH
_ACCOUNTS: Final = attrgetter("on", "main_security_id", "cash_security_id", "arrival")
_JOINT_KINDS: Final = frozenset({EffectKind.CARRY, EffectKind.ARRIVE, EffectKind.ABSORB})


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
    """Book a batch of transactions and fold the keys of ``work`` again, inside one unit.

    Raises:
        FencedError: When another worker booked one of these facts meanwhile.
    """
    unit.hold_reference(exclusive=False)
    ids = {arrival.transaction.transaction_id for arrival in incoming}
    known = unit.facts(ids) if ids else {}
    contents = cancelled_contents(unit, incoming, known)
    batch = _Batch(unit, admit(incoming, known, contents), work)
    # Which portfolios to lock follows from the facts; until they were locked, another worker may
    # have booked these elsewhere.
    if known and unit.facts(known) != known:
        raise FencedError("what these facts are booked on")
    with exact():
        batch.post()
        batch.fold()
    write = batch.write()
    unit.save_book(write, at)
    return batch.outcome(write)


class _Batch:
    """The working state of one batch: what is loaded, and what is to be written."""

    def __init__(self, unit: Unit, admission: Admission, work: Sequence[WorkItem]) -> None:
        self.unit = unit
        self.admission = admission
        portfolio_ids = {a.transaction.portfolio_id for a in admission.current.values()}
        portfolio_ids |= {
            a.transaction.to_portfolio_id
            for a in admission.current.values()
            if a.transaction.to_portfolio_id
        }
        portfolio_ids |= {fact.portfolio_id for fact in admission.replaced.values()}
        portfolio_ids |= {item.portfolio_id for item in work}
        related = unit.related_portfolios(portfolio_ids)
        self.portfolios: dict[str, PortfolioState] = unit.lock_portfolios(related)
        self.again = Reposting(unit, self.portfolios, admission.current.keys())
        self.changes: dict[Key, Change] = defaultdict(Change)
        self.posted: dict[str, Posted] = {}
        self.facts: list[FactRow] = []
        self.findings: dict[str, list[FindingRow]] = defaultdict(list)
        self.resolved: set[str] = set()
        self.replaced_accounts: dict[str, Accounts] = {}
        self.states: dict[Key, KeyState] = {}
        self.rules: dict[Key, KeyRules] = {}
        self.refused: dict[Key, date] = {}
        self.results: dict[Key, KeyResult] = {}
        self.waits: set[str] = set()
        self.settled: dict[str, Decimal] = {}
        """The cash that holdings determined, by the id of the fact."""
        self.links = Links(unit, related, self.portfolios, admission)
        for item in work:
            if item.portfolio_id in self.portfolios:
                key = item.portfolio_id, item.security_id
                self.changes[key].fold_anew(item.reason, item.causes)

    # Posting: from facts to changes of keys.

    def post(self) -> None:
        """Post every admitted version and mark what it replaces."""
        current = self.admission.current
        for identity, stored in self.admission.replaced.items():
            self._withdraw(identity, stored.portfolio_id, stored.main_security_id)
            if stored.cash_security_id:
                self._withdraw(identity, stored.portfolio_id, stored.cash_security_id)
            if stored.arrival:
                self._withdraw(identity, *stored.arrival)
        posted = self.again.post([admitted.transaction for admitted in current.values()])
        for identity, admitted in current.items():
            found = posted.get(identity)
            self.facts.append(fact_row(admitted, self._day(admitted.transaction), found))
            if found is None:
                fact = admitted.transaction
                if fact.type is TransactionType.CANCELLED:
                    continue
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
            self.changes[posting.key].added.append(posting)
        if posted.arrival is not None and posted.postings:
            self.links.join((portfolio_id, posted.main_security_id), posted.arrival)

    def _note(self, finding: Finding, portfolio_id: str, security_id: str, on: date) -> None:
        row = FindingRow(finding, portfolio_id, security_id, on)
        self.findings[finding.transaction_id].append(row)
        if finding.severity is Severity.WAITING:
            self.waits.add(finding.transaction_id)

    # Folding: security keys first, because a refused sale must not move cash.

    def fold(self) -> None:
        """Fold every changed key."""
        # Of all keys at once: to ask costs more than what is answered.
        self._load(list(self.changes))
        self._prepare(self._keys(cash=False))
        self._spread(set(self._anew(self.changes)))
        securities = self._keys(cash=False)
        self._prepare([key for key in securities if key not in self.rules])
        self._fold_securities(securities)
        self._fold(self._settled_keys())

    def _spread(self, anew: set[Key]) -> set[Key]:
        """Have the keys folded anew that must be along with these; return them."""
        found: set[Key] = set()
        while anew:
            moved = self.again.look(anew) | (self.links.reach(anew, self.again) - self._looked())
            for key in moved:
                joined = [
                    one for one in anew if one[0] == key[0] or self.links.are_joined(one, key)
                ]
                causes = tuple(cause for one in joined for cause in self._causes(one))
                self.changes[key].fold_anew(_MOVED, causes)
            found |= moved
            anew = moved
        return found

    def _looked(self) -> set[Key]:
        return {key for key, change in self.changes.items() if change.anew}

    def _settled_keys(self) -> list[Key]:
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
            moved = self.again.look(fresh)
            done -= moved
            self._follow(moved)
            self._reconsider(fresh)
            self._carry(fresh)

    def _follow(self, moved: set[Key]) -> None:
        """Fold the keys to which facts of cash accounts turn out to belong.

        They do when the portfolio's policy has changed and its keys have not been folded since.
        """
        for key in moved:
            self.changes[key].fold_anew(_MOVED)
        found = moved | self._spread({key for key in moved if not self._is_cash(key)})
        found |= self.links.reach(found, self.again)
        securities = [key for key in self.changes if key in found and not self._is_cash(key)]
        for key in securities:
            self._unsay(key)
        self._prepare(securities)
        self._fold_securities(securities)

    def _fold_securities(self, securities: Sequence[Key]) -> None:
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

    def _load(self, keys: Sequence[Key]) -> None:
        """Read where keys stand, by which rules they are folded, and what was refused there."""
        if not keys:
            return
        self.states.update(self.unit.states(keys))
        instruments = self.unit.instruments({key[1] for key in keys if not self._is_cash(key)})
        for key in keys:
            portfolio = self.portfolios[key[0]].portfolio
            self.rules[key] = key_rules(portfolio, key[1], instruments.get(key[1]))
        self.refused.update(self.unit.refusals(keys))

    def _prepare(self, keys: Sequence[Key]) -> None:
        """Decide which keys must be folded anew."""
        self._load([key for key in keys if key not in self.rules])
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
            elif self.rules[key].pool or any(map(_is_joint, change.added)):
                change.fold_anew(_JOINT)

    def _in_order(self, key: Key, added: Sequence[Posting]) -> bool:
        """Tell whether postings come after all that was booked or refused on a key."""
        refused = self.refused.get(key)
        if refused is not None and any(posting.on <= refused for posting in added):
            return False
        if added and self.again.actions and not self._is_cash(key):
            first = min(posting.on for posting in added)
            if any(action.ex_date >= first for action in self.again.actions.touching(*key)):
                return False
        return folding.comes_after(self.states.get(key), added)

    def _fold(self, keys: Sequence[Key]) -> None:
        anew = self._anew(keys)
        stored = self.unit.key_entries(anew) if anew else {}
        folded: dict[Key, Folded] = {}
        for group in self.links.groups(anew):
            postings = [posting for key in group for posting in self._postings(key, stored[key])]
            if len(group) == 1:
                folded[group[0]] = folding.anew(postings, self.rules[group[0]])
            else:
                folded.update(fold_together(postings, {key: self.rules[key] for key in group}))
        for key in keys:
            if key in stored:
                state, reason = self.states.get(key), self.changes[key].reason
                result = folding.refold(key, state, stored[key], folded[key], reason)
                if folded[key].entries and not self._is_cash(key):
                    self._note_actions(key, folded[key].entries[0].posting.on)
            else:
                result = self._advance(key)
            self.results[key] = result
            self.settled.update(result.settled)
            for finding in result.findings:
                identity = finding.transaction_id
                posted = self.posted.get(identity) or self.again.posted[identity]
                self._note(finding, key[0], key[1], posted.on)

    def _advance(self, key: Key) -> KeyResult:
        """Change a key without looking at its history."""
        change, state, rules = self.changes[key], self.states.get(key), self.rules[key]
        added = list(self._counted(change.added))
        if change.removed and state is not None:
            removed = self.unit.entries_of(key, change.removed)
            last: Order | None = state.last
            if any(folding.order_of(row) == last for row in removed.values()):
                last = self.unit.last_order(key, change.removed)
            return folding.withdraw(key, state, removed, added, last, change.reason)
        return folding.append(key, state, added, rules) if added else folding.NOTHING

    def _postings(self, key: Key, stored: Mapping[tuple[str, str], EntryRow]) -> list[Posting]:
        """Return all the postings of a key, as they are now."""
        change = self.changes[key]
        found = {
            (posting.transaction_id, posting.leg): posting
            for posting in self._counted((*self.again.on_key[key], *change.added))
        }
        if self._is_cash(key):
            found = {**still_settled(key, stored, self.changes, self.again), **found}
        return list(found.values())

    def _counted(self, postings: Iterable[Posting]) -> Iterable[Posting]:
        """Leave out what does not count now, and give what is settled later its amount."""
        for posting in postings:
            if posting.leg is _CASH and not self._counts(posting.transaction_id):
                continue
            if posting.effect is None or not posting.is_settled_later:
                yield posting
            elif posting.transaction_id in self.settled:
                yield settled(posting, self.settled[posting.transaction_id])

    def _counts(self, identity: str) -> bool:
        """Leave out the cash of whatever waits now, or waited and was not reconsidered yet."""
        if identity in self.posted or identity in self.resolved:
            return identity not in self.waits
        return identity not in self.again.waited

    def _reconsider(self, keys: Iterable[Key]) -> None:
        """Note anew what is to be said of the facts of keys, and the keys they are booked on."""
        self.resolved |= self.again.gone
        for key in self._anew(keys):
            mine = self.again.mine[key]
            self.resolved.update(mine)
            for identity in mine:
                stored = self.again.stored.get(identity)
                if stored is None:
                    continue
                posted = self.again.posted[identity]
                accounts = _ACCOUNTS(posted)
                if accounts != stored[1:]:
                    self.replaced_accounts[identity] = Accounts(identity, *accounts)
                for finding in posted.findings:
                    self._note(finding, key[0], key[1], posted.on)

    def _note_actions(self, key: Key, first_on: date) -> None:
        """Note what actions wait for, where a key could have held anything when they came."""
        for identity in self.again.mine[key]:
            posted = self.again.posted[identity]
            if identity not in self.again.stored and first_on < posted.on:
                for finding in posted.findings:
                    self._note(finding, key[0], key[1], posted.on)

    def _carry(self, keys: Iterable[Key]) -> None:
        """Give cash accounts what has become bookable, and take from them what no longer is."""
        for key in self._anew(keys):
            for identity in self.again.mine[key]:
                self._carry_to_cash(key, identity)

    def _carry_to_cash(self, key: Key, identity: str) -> None:
        posted, stored = self.again.posted[identity], self.again.stored.get(identity)
        after = None if identity in self.waits else posted.cash_security_id
        before = posted.cash_security_id
        if stored is not None:
            before = None if identity in self.again.waited else stored.cash_security_id
            fact = stored.transaction
            same_money = after is None or fact.trade_currency == fact.currency
            if before == after and same_money and identity not in self.again.settled_later:
                return
        if before is not None and before != key[1]:
            self._led_by(key, before).removed.add(identity)
        if after is not None and after != key[1]:
            change = self._led_by(key, after)
            if identity not in change.carried:
                change.carried.add(identity)
                change.added += [each for each in posted.postings if each.leg is _CASH]

    def _led_by(self, key: Key, account: str) -> Change:
        """Return the change of a cash account that is moved for the reasons of another key."""
        change = self.changes[key[0], account]
        change.reason = change.reason if change.anew else self.changes[key].reason
        change.causes.update(dict.fromkeys(self._causes(key)))
        return change

    # Writing.

    def _logged(self, key: Key, write: KeyWrite) -> KeyWrite:
        if write.restated_from is None:
            return write
        return restated(write, self.states.get(key), self._causes(key))

    def _causes(self, key: Key) -> tuple[Cause, ...]:
        change, state = self.changes[key], self.states.get(key)
        current = self.admission.current
        return causes_of(change.causes, change.removed, change.added, state, current)

    def write(self) -> BookWrite:
        """Return everything the batch changes."""
        keys: list[KeyWrite] = []
        dirty: dict[str, date] = {}
        for key, result in self.results.items():
            if result.write is not None:
                keys.append(self._logged(key, result.write))
            if result.changed_from is not None:
                day = result.changed_from
                dirty[key[0]] = min(day, dirty.get(key[0], day))
        current = self.admission.current
        known = self.portfolios.keys()
        touched = {key[0] for key in self.results if self.results[key].write is not None}
        # A fact that waits is in no key's write, and yet is told of where it is and where it was.
        told = {admitted.transaction.portfolio_id for admitted in current.values()}
        told |= {stored.portfolio_id for stored in self.admission.replaced.values()}
        touched |= told & known
        return BookWrite(
            facts=tuple(self.facts),
            close_facts=tuple(self.admission.replaced),
            replaced_accounts=tuple(self.replaced_accounts.values()),
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


def _is_joint(posting: Posting) -> bool:
    return posting.effect is not None and posting.effect.kind in _JOINT_KINDS


def _distinct(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """Return one row per code: the last word on it."""
    return list({row.finding.code: row for row in rows}.values())
