"""Facts, entries, states and work (see ``adapters/postgres/sql/book.sql``)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.database import Entered, FactVersion, RestatementRow, StateRow, WorkRow
from tidebook.book.lots import Holding, Lot
from tidebook.engine.book_facts import Standing
from tidebook.engine.store import (
    BookedFact,
    Carry,
    KeyState,
    PortfolioState,
    StoredFact,
    WorkItem,
)
from tidebook.errors import FencedError
from tidebook.model.facts import TransactionType
from tidebook.model.findings import Severity
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from tests.simulation.session import Session
    from tidebook.engine.store import (
        BookWrite,
        EntryRow,
        FactRow,
        FindingRow,
        Key,
        KeyWrite,
        Order,
    )
    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio

_closings = itertools.count()


class BookTables:
    """The book as one transaction sees it.

    Args:
        session: The transaction.
        lots_carried: Keys with more open lots do not carry them in their state.
    """

    def __init__(self, session: Session, lots_carried: int) -> None:
        """Work through a session."""
        self._session = session
        self._lots_carried = lots_carried
        database = session.database
        self._portfolios = session.of(database.portfolios)
        self._facts = session.of(database.facts)
        self._entries = session.of(database.entries)
        self._closed = session.of(database.closed)
        self._states = session.of(database.states)
        self._findings = session.of(database.findings)
        self._restatements = session.of(database.restatements)
        self._work = session.of(database.work)

    # What is read.

    def facts(self, ids: Collection[str]) -> dict[str, StoredFact]:
        """Return the current versions of transactions that are known."""
        self._session.statement()
        found: dict[str, StoredFact] = {}
        for (identity, version), row in self._facts.where_in("current", sorted(ids)):
            fact = row.fact
            found[identity] = StoredFact(
                version,
                fact.content_hash,
                fact.transaction.portfolio_id,
                fact.business_date,
                fact.main_security_id,
                fact.cash_security_id,
                self._waits(identity),
                fact.arrival,
            )
        return found

    def _waits(self, identity: str) -> bool:
        rows = self._findings.where("fact", identity)
        return any(row.finding.severity is Severity.WAITING for _, row in rows)

    def contents(self, ids: Collection[str]) -> dict[str, Transaction]:
        """Return what the current versions of transactions say."""
        self._session.statement()
        rows = self._facts.where_in("current", sorted(ids))
        return {key[0]: row.fact.transaction for key, row in rows}

    def lock_portfolios(self, ids: Iterable[str]) -> dict[str, PortfolioState]:
        """Lock portfolios in the order of their ids."""
        self._session.statement()
        found: dict[str, PortfolioState] = {}
        for identity in sorted(ids):
            if self._portfolios.get(identity) is not None:
                row = self._portfolios.locked(identity)
                if row is not None:
                    found[identity] = PortfolioState(row.portfolio, row.generation)
        return found

    def states(self, keys: Collection[Key]) -> dict[Key, KeyState]:
        """Return where the folds of keys stand; of one without entries, its epoch."""
        self._session.statement()
        found: dict[Key, KeyState] = {}
        for key in keys:
            row = self._states.get(key)
            if row is not None:
                found[key] = row.state
                continue
            epochs = [each[2] for each, _ in self._restatements.where("key", key)]
            if epochs:
                found[key] = KeyState.emptied(max(epochs))
        return found

    def key_facts(self, keys: Collection[Key]) -> dict[str, BookedFact]:
        """Return the current transactions with a main, a cash or an arriving leg on these keys."""
        self._session.statement()
        rows = self._facts.where_in("main", keys)
        rows += self._facts.where_in("arrival", keys)
        rows += self._facts.where_in("cash", [key for key in keys if key[1].startswith("CASH")])
        return {
            identity: BookedFact(
                row.fact.transaction,
                row.fact.business_date,
                row.fact.main_security_id,
                row.fact.cash_security_id,
                row.fact.arrival,
            )
            for (identity, _), row in rows
        }

    def related(self, ids: Collection[str]) -> set[str]:
        """Return these portfolios and all that must be folded with them."""
        self._session.statement()
        found = set(ids)
        ask = sorted(found)
        while ask:
            fresh = self._next_to(ask.pop()) - found
            found |= fresh
            ask += sorted(fresh)
        return found

    def _next_to(self, portfolio_id: str) -> set[str]:
        found: set[str] = set()
        for _, row in self._facts.where("portfolio", portfolio_id):
            arrival = row.fact.arrival
            found |= {arrival[0] if arrival else "", row.fact.transaction.to_portfolio_id}
        for _, row in self._facts.where("receiver", portfolio_id):
            found.add(row.fact.transaction.portfolio_id)
        own = self._portfolios.get(portfolio_id)
        pool = pools_with(own.portfolio) if own else None
        if pool:
            found |= {
                identity
                for identity, row in self._portfolios.all()
                if pools_with(row.portfolio) == pool
            }
        return found - {""}

    def carries(self, portfolio_ids: Collection[str]) -> list[Carry]:
        """Return the current carries that leave or reach these portfolios."""
        self._session.statement()
        rows = self._facts.where_in("portfolio", sorted(portfolio_ids))
        rows += self._facts.where_in("receiver", sorted(portfolio_ids))
        found: dict[str, Carry] = {}
        for (identity, _), row in rows:
            fact = row.fact
            if fact.arrival is not None:
                source = fact.transaction.portfolio_id, fact.main_security_id
                found[identity] = Carry(identity, source, fact.arrival)
        return list(found.values())

    def standings(self, ids: Collection[str]) -> dict[str, Standing]:
        """Return where the stored books of portfolios stand."""
        self._session.statement()
        folding = {key[0] for key, _ in self._work.all()}
        rows = ((identity, self._portfolios.get(identity)) for identity in sorted(ids))
        return {
            identity: Standing(
                row.generation, row.valuation_version, identity in folding, row.series_from
            )
            for identity, row in rows
            if row is not None
        }

    def waiting(self, portfolio_ids: Collection[str]) -> set[str]:
        """Return the ids of transactions of these portfolios that wait."""
        self._session.statement()
        rows = self._findings.where_in("portfolio", sorted(portfolio_ids))
        return {key[0] for key, row in rows if row.finding.severity is Severity.WAITING}

    def refusals(self, keys: Collection[Key]) -> dict[Key, date]:
        """Return, of these keys, the last day on which a refused disposal waits."""
        self._session.statement()
        found: dict[Key, date] = {}
        for key in keys:
            rows = self._findings.where("waits", f"key:{key[0]}/{key[1]}")
            if rows:
                found[key] = max(row.business_date for _, row in rows)
        return found

    def key_entries(
        self, keys: Collection[Key], ids: Collection[str] | None = None
    ) -> dict[Key, dict[tuple[str, str], EntryRow]]:
        """Return the current entries of keys, all or of some ids."""
        self._session.statement()
        return {
            key: {
                (each[2], each[3]): entered.row
                for each, entered in self._entries.where("key", key)
                if ids is None or each[2] in ids
            }
            for key in keys
        }

    def last_order(self, key: Key, without: Collection[str]) -> Order | None:
        """Return the place of a key's last current entry, some transactions left aside."""
        self._session.statement()
        rows = [entered.row for _, entered in self._entries.where("key", key)]
        orders = [
            (row.on, row.at, row.rank, row.transaction_id, row.leg)
            for row in rows
            if row.transaction_id not in without
        ]
        return max(orders, default=None)

    # Keys to be folded again.

    def take_work(self, limit: int, spared: Collection[str]) -> list[WorkItem]:
        """Take keys to be folded again, those of a portfolio together."""
        self._session.statement()
        rows = [(key, row) for key, row in self._work.all() if key[0] not in spared]
        since: dict[str, tuple[datetime, str]] = {}
        for key, row in rows:
            asked = (row.requested_at, key[0])
            since[key[0]] = min(asked, since.get(key[0], asked))
        taken: list[WorkItem] = []
        total = 0
        for portfolio_id in sorted(since, key=lambda identity: since[identity]):
            own = sorted(key for key, _ in rows if key[0] == portfolio_id)
            total += len(own)
            if total <= limit or total == len(own):
                taken.extend(self._taken(own))
        return taken

    def _taken(self, keys: Sequence[Key]) -> list[WorkItem]:
        found: list[WorkItem] = []
        for key in keys:
            if self._work.try_lock(key):
                row = self._work.get(key)
                if row is not None:
                    self._work.delete(key)
                    found.append(WorkItem(*key, row.from_date, row.reason))
        return found

    def ask_again(self, keys: Iterable[tuple[Key, date]], reason: str, at: datetime) -> None:
        """Ask for keys to be folded again; where that was asked already, the earlier day counts."""
        earliest: dict[Key, date] = {}
        for key, day in keys:
            earliest[key] = min(day, earliest.get(key, day))
        for key in sorted(earliest):
            day = earliest[key]
            row = self._work.locked(key)
            if row is None:
                self._work.put(key, WorkRow(day, reason, at))
            else:
                self._work.put(key, row._replace(from_date=min(day, row.from_date)))

    def request_reprocessing(self, ids: Collection[str], at: datetime) -> None:
        """Ask for the keys of these transactions to be folded again."""
        self._session.statement()
        rows = [row.fact for _, row in self._facts.where_in("current", sorted(ids))]
        self.ask_again([*accounts_of(rows), *arrivals_of(rows)], "reprocessing was requested", at)

    def unfinished(self, portfolio_ids: Collection[str]) -> bool:
        """Tell whether any of these portfolios (all, when empty) has work or series to do."""
        self._session.statement()
        return any(
            not portfolio_ids or key[0] in portfolio_ids for key, _ in self._work.all()
        ) or any(
            row.series_from is not None and (not portfolio_ids or key in portfolio_ids)
            for key, row in self._portfolios.all()
        )

    # What is written.

    def save(self, write: BookWrite, at: datetime) -> None:
        """Write a batch of the book."""
        at = self._after_replaced(write, at)
        if write.close_facts:
            self._session.statement()
            for key, row in self._locked_facts(write.close_facts):
                self._facts.put(key, row._replace(superseded_at=at))
        if write.facts:
            self._session.statement()
        for fact in write.facts:
            version = FactVersion(fact, at, at if fact.superseded else None)
            self._facts.insert((fact.transaction.transaction_id, fact.version), version)
        if write.replaced_accounts:
            self._session.statement()
        for identity, day, main, cash, arrival in write.replaced_accounts:
            for key, row in self._locked_facts([identity]):
                fact = row.fact._replace(
                    business_date=day,
                    main_security_id=main,
                    cash_security_id=cash,
                    arrival=arrival,
                )
                self._facts.put(key, row._replace(fact=fact))
        self._save_findings(write.findings, write.resolved)
        for key in write.keys:
            self._save_key(key, at)
        self._bump(write)
        for key in write.keys:
            self._note_restatement(key, write.generations.get(key.key[0], 0) + 1, at)

    def _locked_facts(self, ids: Iterable[str]) -> Iterator[tuple[tuple[str, int], FactVersion]]:
        """Lock the current versions of facts; one that has ended in the meantime is left out."""
        for key, _ in self._facts.where_in("current", ids):
            row = self._facts.locked(key)
            if row is not None and row.superseded_at is None:
                yield key, row

    def _after_replaced(self, write: BookWrite, at: datetime) -> datetime:
        """Return an instant after those of all rows that the batch closes, or that were closed."""
        keys = [key.key for key in write.keys if key.close or key.state.epoch]
        if not keys and not write.close_facts:
            return at
        self._session.statement()
        closing = [state.recorded_at for state in map(self._states.get, keys) if state]
        closing += [row.recorded_at for _, row in self._restatements.where_in("key", keys)]
        closing += [
            row.recorded_at for _, row in self._facts.where_in("current", write.close_facts)
        ]
        last = max(closing, default=None)
        return at if last is None or last < at else last + timedelta(microseconds=1)

    def _save_findings(self, findings: Sequence[FindingRow], resolved: Sequence[str]) -> None:
        if findings or resolved:
            self._session.statement()
        same = {(row.finding.transaction_id, row.finding.code): row for row in findings}
        for key, _ in self._findings.where_in("fact", resolved):
            row = self._findings.locked(key)
            if row is not None and same.get(key) != row:
                self._findings.delete(key)
        for key, row in same.items():
            if not resolved or self._findings.get(key) is None:
                self._findings.insert(key, row)

    def _save_key(self, key: KeyWrite, at: datetime) -> None:
        self._session.statement()
        for entry in key.close:
            place = (*key.key, *entry)
            entered = self._entries.locked(place)
            if entered is not None:
                self._entries.delete(place)
                closed = entered._replace(superseded_at=at)
                self._closed.insert((place, next(_closings)), closed)
        for row in key.write:
            place = (*key.key, row.transaction_id, row.leg)
            self._entries.insert(place, Entered(row, key.state.epoch, at))
        if key.state.is_emptied:
            self._states.delete(key.key)
        else:
            before = self._states.locked(key.key)
            since = max(at, before.recorded_at) if before else at
            self._states.put(key.key, StateRow(self._carried(key.state), since))

    def _carried(self, state: KeyState) -> KeyState:
        """Return a state as it is read back: without its lots where they are too many."""
        holding = state.holding
        if len(holding.lots) > self._lots_carried:
            bare = Holding(holding.quantity, holding.cost_local, holding.cost_base)
            return state._replace(holding=bare, lots_known=False)
        lots = tuple(
            Lot(*lot[:4], lot.cost_local if str(lot.cost_base) == str(lot.cost_local) else lot[4])
            for lot in holding.lots
        )
        return state._replace(holding=holding._replace(lots=lots), lots_known=True)

    def _bump(self, write: BookWrite) -> None:
        if write.generations:
            self._session.statement()
        for identity in sorted(write.generations):
            row = self._portfolios.locked(identity)
            if row is None or row.generation != write.generations[identity]:
                raise FencedError(f"the generation of one of {len(write.generations)} portfolios")
            day = write.dirty.get(identity)
            from_day = earlier(row.series_from, day)
            after = row._replace(generation=row.generation + 1, series_from=from_day)
            self._portfolios.put(identity, after)

    def _note_restatement(self, key: KeyWrite, generation: int, at: datetime) -> None:
        if key.restated_from is not None:
            counts = len(key.close), len(key.write)
            row = RestatementRow(key.restated_from, key.reason, *counts, generation, at)
            self._restatements.insert((*key.key, key.state.epoch), row)


def accounts_of(facts: Iterable[FactRow]) -> list[tuple[Key, date]]:
    """Return the keys of the main and cash legs of facts, with their days."""
    return [
        ((fact.transaction.portfolio_id, security_id), fact.business_date)
        for fact in facts
        if fact.transaction.type is not TransactionType.CANCELLED
        for security_id in (fact.main_security_id, fact.cash_security_id)
        if security_id is not None
    ]


def arrivals_of(facts: Iterable[FactRow]) -> list[tuple[Key, date]]:
    """Return the keys to which facts carry something, with their days."""
    return [
        (fact.arrival, fact.business_date)
        for fact in facts
        if fact.transaction.type is not TransactionType.CANCELLED and fact.arrival is not None
    ]


def pools_with(portfolio: Portfolio) -> str | None:
    """Return the taxpayer whose pools a portfolio shares, at any time."""
    methods = {portfolio.cost_method, *(each.method for each in portfolio.cost_method_changes)}
    return portfolio.taxpayer_id or None if CostMethod.AVCO_POOLED in methods else None


def earlier(left: date | None, right: date | None) -> date | None:
    """Return the earlier of two days, either of which may be missing."""
    return min(left, right) if left is not None and right is not None else left or right
