"""One transaction's way to the tables, and what may go wrong at every step of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from tests.simulation.tables import Transaction
from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tests.simulation.database import Database
    from tests.simulation.scheduler import Group
    from tests.simulation.tables import Changes, Table, View

K = TypeVar("K", bound="Hashable")
R = TypeVar("R")


def away(what: str) -> StoreUnavailableError:
    """Return the error of a store that cannot be reached."""
    return StoreUnavailableError(what, hint="it is simulated")


class Faults(Protocol):
    """What happens to a unit from outside."""

    def at_statement(self, session: Session) -> None:
        """Let time pass before a statement, and perhaps something go wrong."""
        ...

    def around_commit(self, session: Session) -> None:
        """Commit a session that wrote something, and perhaps let something go wrong."""
        ...


class Session:
    """A transaction with the process that it belongs to."""

    def __init__(self, database: Database, process: Group | None, faults: Faults) -> None:
        """Begin a transaction."""
        self.database = database
        self.process = process
        self.needs_lead = False
        """Whether it is the session that holds the lead, and ends with it."""
        self.took_work = False
        """Whether it has taken portfolios whose failure the runner is to bear."""
        self.transaction = Transaction(database.locks)
        self._faults = faults

    def statement(self) -> None:
        """Go to the store; whatever the store may do to a statement happens here."""
        self._faults.at_statement(self)

    def of(self, table: Table[K, R]) -> View[K, R]:
        """Return a table as this transaction sees it."""
        return self.transaction.of(table)

    def lock(self, what: str, *, shared: bool) -> None:
        """Hold one of the locks that stand for no row."""
        self.transaction.lock(what, shared=shared)

    def must_lead(self) -> None:
        """Refuse to go on when this session held the lead and has ended with it.

        Raises:
            StoreUnavailableError: When it has.
        """
        if self.needs_lead and self.database.leader is not self.process:
            raise away("the session of the lead has ended")

    def commit(self) -> None:
        """End with everything written."""
        if self.transaction.wrote:
            self._faults.around_commit(self)
        else:
            self.transaction.end()

    def make_visible(self) -> None:
        """Apply what is written and show it to those who watch commits."""
        self.tell(self.transaction.apply())

    def tell(self, changes: Changes) -> None:
        """Show a commit to those who watch."""
        if changes:
            for observer in self.database.observers:
                observer(changes, self.process)

    def rollback(self) -> None:
        """End with nothing written."""
        self.transaction.end()
