"""Gathering: the transactions of several requests, made durable in one unit.

What a request costs at the door is mostly the commit that it waits for. Requests that come while
one commit is under way share the next one. Each keeps its own correlation id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine import records, topics
from tidebook.engine.commands import APPEND_ATTEMPTS, BACKLOG_MAX
from tidebook.engine.correlating import correlated
from tidebook.errors import FencedError, OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record
    from tidebook.engine.signals import Signal
    from tidebook.engine.store import Store
    from tidebook.model.facts import Transaction

GATHERED_MAX: Final = 500
"""How many requests share one commit at the most."""


class Sent(NamedTuple):
    """The transactions of one request."""

    transactions: Sequence[Transaction]
    correlation_id: str


class GroupCommit:
    """Appends transactions to the event log, those of several requests at once.

    Args:
        store: Where the log lives.
        clock: Tells when a fact was recorded.
        arrived: Given after every append, so that the runner looks at once.
        backlog: How many records lie unbooked, as last seen.
    """

    def __init__(
        self, store: Store, clock: Clock, *, arrived: Signal, backlog: Callable[[], int]
    ) -> None:
        """Keep what is needed to append."""
        self._store = store
        self._clock = clock
        self._arrived = arrived
        self._backlog = backlog

    def take(self, sent: Sequence[Sent]) -> None:
        """Return when all facts of all requests are durable; when it raises, none is.

        Raises:
            OverloadedError: When too many facts lie unbooked.
            StoreUnavailableError: When the store did not answer.
            FencedError: When others were first, time and again.
        """
        self._refuse_when_full()
        with correlated(one.correlation_id for one in sent):
            self._append(sent)
        self._arrived.give()

    def _refuse_when_full(self) -> None:
        if self._backlog() > BACKLOG_MAX:
            raise OverloadedError("the queue of unbooked facts", retry_after_seconds=5)

    def _append(self, sent: Sequence[Sent]) -> None:
        """Append in one unit; one that lost against another is simply tried again."""
        requests = [(_keyed(one.transactions), one.correlation_id) for one in sent]
        for _ in range(APPEND_ATTEMPTS - 1):
            try:
                return self._append_once(requests)
            except FencedError:
                continue
        return self._append_once(requests)

    def _append_once(self, requests: Sequence[tuple[Sequence[tuple[str, Record]], str]]) -> None:
        with self._store.unit() as unit:
            unit.append_each([topics.RAW_TRANSACTIONS], requests, self._clock.now())


def _keyed(transactions: Sequence[Transaction]) -> list[tuple[str, Record]]:
    return [(fact.portfolio_id, records.transaction_record(fact)) for fact in transactions]
