"""Tables in memory with the transactions of the real store.

As there, a statement sees what was committed when it began and what its own transaction wrote
(read committed); rows that are written are locked until the transaction ends; two that wait for
each other are found, and one is refused; a commit happens at one instant, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from tidebook.errors import ContendedError, FencedError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from tests.simulation.scheduler import Actor, Scheduler

K = TypeVar("K", bound="Hashable")
R = TypeVar("R")
_Index = dict["Hashable", dict[K, None]]


class Table(Generic[K, R]):
    """Committed rows by key, and which keys have a value of an index.

    Args:
        name: What the table is called in locks and changes.
        indexes: Per index, the value of a row; None for a row that is not in it.
    """

    def __init__(self, name: str, **indexes: Callable[[K, R], Hashable | None]) -> None:
        """Start empty."""
        self.name = name
        self.rows: dict[K, R] = {}
        self.by: Final = indexes
        self.indexes: dict[str, _Index[K]] = {index: {} for index in indexes}

    def apply(self, key: K, row: R | None) -> R | None:
        """Replace a row, or remove it; return the one before."""
        before = self.rows.pop(key, None)
        for index, of in self.by.items():
            if before is not None:
                value = of(key, before)
                if value is not None:
                    del self.indexes[index][value][key]
            if row is not None:
                value = of(key, row)
                if value is not None:
                    self.indexes[index].setdefault(value, {})[key] = None
        if row is not None:
            self.rows[key] = row
        return before


class View(Generic[K, R]):
    """A table as one transaction sees it."""

    def __init__(self, table: Table[K, R], transaction: Transaction) -> None:
        """See what is committed."""
        self.table = table
        self._transaction = transaction
        self.written: dict[K, R | None] = {}

    def get(self, key: K) -> R | None:
        """Return a row, or None."""
        return self.written[key] if key in self.written else self.table.rows.get(key)

    def all(self) -> list[tuple[K, R]]:
        """Return all rows."""
        found = [(key, row) for key, row in self.table.rows.items() if key not in self.written]
        found += [(key, row) for key, row in self.written.items() if row is not None]
        return found

    def where(self, index: str, value: Hashable) -> list[tuple[K, R]]:
        """Return the rows with a value of an index."""
        rows, written = self.table.rows, self.written
        keys = self.table.indexes[index].get(value, ())
        found = [(key, rows[key]) for key in keys if key not in written]
        if written:
            of = self.table.by[index]
            found += [
                (key, row)
                for key, row in written.items()
                if row is not None and of(key, row) == value
            ]
        return found

    def where_in(self, index: str, values: Iterable[Hashable]) -> list[tuple[K, R]]:
        """Return the rows with any of these values of an index."""
        return [found for value in dict.fromkeys(values) for found in self.where(index, value)]

    def lock(self, key: K, *, shared: bool = False) -> None:
        """Lock a row, whether it is there or not, until the transaction ends."""
        self._transaction.lock((self.table.name, key), shared=shared)

    def try_lock(self, key: K) -> bool:
        """Lock a row unless somebody else has."""
        return self._transaction.try_lock((self.table.name, key))

    def locked(self, key: K) -> R | None:
        """Lock a row for writing and return it as it is then."""
        self.lock(key)
        return self.get(key)

    def put(self, key: K, row: R) -> None:
        """Write a row, whatever was there."""
        self.lock(key)
        self.written[key] = row

    def insert(self, key: K, row: R) -> None:
        """Write a new row.

        Raises:
            FencedError: When there is one with this key.
        """
        if self.locked(key) is not None:
            raise FencedError(f"what this unit wrote: {self.table.name} {key}")
        self.written[key] = row

    def delete(self, key: K) -> None:
        """Remove a row."""
        self.lock(key)
        self.written[key] = None


class Lock:
    """Who holds something, alone or with others, and who waits for it."""

    __slots__ = ("holders", "waiters")

    def __init__(self) -> None:
        """Be free."""
        self.holders: dict[Transaction, bool] = {}
        """Whether each holder shares it."""
        self.waiters: list[Actor] = []


class Locks:
    """All locks of a store."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Hold nothing."""
        self._scheduler = scheduler
        self._locks: dict[Hashable, Lock] = {}

    def free(self, transaction: Transaction, what: Hashable, *, shared: bool) -> bool:
        """Tell whether a transaction may have a lock now."""
        lock = self._locks.get(what)
        if lock is None:
            return True
        return all(
            holder is transaction or (shared and shares) for holder, shares in lock.holders.items()
        )

    def take(self, transaction: Transaction, what: Hashable, *, shared: bool) -> None:
        """Give a transaction a lock that is free."""
        holders = self._locks.setdefault(what, Lock()).holders
        holders[transaction] = shared and holders.get(transaction, True)

    def wait(self, transaction: Transaction, what: Hashable) -> None:
        """Rest until somebody gives a lock back.

        Raises:
            ContendedError: When that somebody waits for this transaction.
        """
        transaction.waits_for = what
        if self._circular(transaction):
            transaction.waits_for = None
            raise ContendedError("what this unit wrote")
        waiters = self._locks[what].waiters
        me = self._scheduler.me
        waiters.append(me)
        try:
            self._scheduler.wait()
        finally:
            transaction.waits_for = None
            if me in waiters:
                waiters.remove(me)

    def give_back(self, transaction: Transaction, held: Iterable[Hashable]) -> None:
        """Take locks from a transaction and wake who waits for them."""
        for what in held:
            lock = self._locks[what]
            del lock.holders[transaction]
            for waiter in lock.waiters:
                self._scheduler.wake(waiter)
            if not lock.holders and not lock.waiters:
                del self._locks[what]

    def _circular(self, first: Transaction) -> bool:
        seen: set[Transaction] = set()
        ask = [first]
        while ask:
            what = ask.pop().waits_for
            lock = self._locks.get(what) if what is not None else None
            for holder in lock.holders if lock else ():
                if holder is first:
                    # Its own shared hold of what it waits for is no circle by itself.
                    if what != first.waits_for:
                        return True
                elif holder not in seen:
                    seen.add(holder)
                    ask.append(holder)
        return False


class Change(NamedTuple):
    """One row before and after a commit."""

    before: Any
    after: Any


Changes = dict[str, dict[Any, Change]]
"""What a commit changed, by table and key."""


class Transaction:
    """What one unit has written and locked so far."""

    def __init__(self, locks: Locks) -> None:
        """Begin."""
        self._locks = locks
        self._held: dict[Hashable, bool] = {}
        self._views: dict[str, View[Any, Any]] = {}
        self.waits_for: Hashable | None = None

    def of(self, table: Table[K, R]) -> View[K, R]:
        """Return a table as this transaction sees it."""
        view = self._views.get(table.name)
        if view is None:
            view = self._views[table.name] = View(table, self)
        return view

    @property
    def wrote(self) -> bool:
        """Whether anything would change."""
        return any(view.written for view in self._views.values())

    def lock(self, what: Hashable, *, shared: bool) -> None:
        """Have a lock until the end, waiting for it as long as it takes."""
        if what in self._held and (shared or not self._held[what]):
            return
        while not self._locks.free(self, what, shared=shared):
            self._locks.wait(self, what)
        self._locks.take(self, what, shared=shared)
        self._held[what] = shared

    def try_lock(self, what: Hashable) -> bool:
        """Have a lock if it is free."""
        if not self._locks.free(self, what, shared=False):
            return False
        self.lock(what, shared=False)
        return True

    def commit(self) -> Changes:
        """Make everything visible at once and return what changed."""
        changes = self.apply()
        self.end()
        return changes

    def apply(self) -> Changes:
        """Make visible what is written so far, and go on."""
        changes: Changes = {}
        for view in self._views.values():
            if view.written:
                changes[view.table.name] = {
                    key: Change(view.table.apply(key, row), row)
                    for key, row in view.written.items()
                }
                view.written.clear()
        return changes

    def end(self) -> None:
        """Give all locks back; what is not committed is gone."""
        self._views.clear()
        held, self._held = self._held, {}
        self._locks.give_back(self, held)
