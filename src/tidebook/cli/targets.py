"""Where facts and corrections are sent: the local store, or a server over HTTP."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, cast
from urllib.parse import quote

from tidebook.adapters.csvfile import LAYOUTS, FileKind
from tidebook.cli.answers import finding_record
from tidebook.client.remote import Remote
from tidebook.engine.cancelling import locate
from tidebook.errors import (
    OverloadedError,
    ServerRefusedError,
    UnknownFactError,
    UnknownPortfolioError,
    UnknownTransactionError,
)
from tidebook.model.cancellations import TransactionRef, named

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from tidebook.cli.door import GoodRow
    from tidebook.cli.doors import Invocation
    from tidebook.cli.output import Record
    from tidebook.engine.ports import Commands, Reader, Receipt
    from tidebook.model.cancellations import Cancellation

_ATTEMPTS_MAX: Final = 8
_WAIT_SECONDS: Final = 60


class Target(Protocol):
    """Takes batches of rows of one kind, and says what became of them."""

    def send(self, kind: FileKind, rows: Sequence[GoodRow]) -> None:
        """Return when the rows are durable."""
        ...

    def reprocess(self, transaction_ids: Sequence[str]) -> None:
        """Return when the request to fold the keys of transactions again is durable."""
        ...

    def settle(self, timeout_seconds: float) -> bool:
        """Return True when everything sent is booked, False when the time ran out."""
        ...

    def findings(self, portfolio_ids: Sequence[str]) -> list[Record]:
        """Return the open findings of portfolios."""
        ...


class LocalTarget:
    """The store of this machine."""

    def __init__(self, commands: Commands, reader: Reader, correlation_id: str) -> None:
        """Keep the ways in and out, and the name under which this import is logged."""
        self._commands = commands
        self._reader = reader
        self._correlation_id = correlation_id
        self._receipts: list[Receipt] = []

    def send(self, kind: FileKind, rows: Sequence[GoodRow]) -> None:
        """Return when the rows are durable; a full queue is asked again after its pause.

        Raises:
            UnknownTransactionError: If a transaction is to be cancelled whose portfolio was not
                said, and which the book does not know.
            UnknownFactError: If another fact is to be cancelled that the book does not know.
        """
        commands, origins = self._commands, [row.origin for row in rows]
        facts = [row.fact for row in rows]
        if kind is FileKind.CANCELLATIONS:
            facts = self._located(cast("list[Cancellation]", facts))
        ingest = {
            FileKind.PORTFOLIOS: commands.ingest_portfolios,
            FileKind.INSTRUMENTS: commands.ingest_instruments,
            FileKind.PRICES: partial(commands.ingest_prices, origins=origins),
            FileKind.RATES: partial(commands.ingest_rates, origins=origins),
            FileKind.TRANSACTIONS: partial(commands.ingest_transactions, origins=origins),
            FileKind.CORPORATE_ACTIONS: commands.ingest_actions,
            FileKind.CANCELLATIONS: commands.cancel,
            FileKind.ASSERTIONS: commands.ingest_assertions,
        }[kind]
        # Each door makes the facts that its own command takes.
        take = cast("Callable[[Sequence[object], str], Receipt]", ingest)
        self._patiently(lambda: take(facts, self._correlation_id))

    def _located(self, cancellations: Sequence[Cancellation]) -> list[object]:
        """Return cancellations with their portfolios; what was sent before them is booked first."""
        self.settle(_WAIT_SECONDS)
        located = locate(self._reader, cancellations)
        for place in located.unknown:
            cancelled = cancellations[place]
            if isinstance(cancelled, TransactionRef):
                raise UnknownTransactionError(cancelled.transaction_id)
            raise UnknownFactError(*named(cancelled))
        return list(located.cancellations)

    def reprocess(self, transaction_ids: Sequence[str]) -> None:
        """Return when the request to fold the keys of transactions again is durable."""
        self._patiently(lambda: self._commands.reprocess(transaction_ids, self._correlation_id))

    def _patiently(self, take: Callable[[], Receipt]) -> None:
        for _ in range(_ATTEMPTS_MAX - 1):
            try:
                self._receipts.append(take())
            except OverloadedError as full:
                time.sleep(full.retry_after_seconds)
            else:
                return
        self._receipts.append(take())

    def settle(self, timeout_seconds: float) -> bool:
        """Return True when everything sent is booked, False when the time ran out."""
        deadline = time.monotonic() + timeout_seconds
        return all(
            self._commands.wait(receipt, timeout_seconds=max(0.0, deadline - time.monotonic()))
            for receipt in self._receipts
        )

    def findings(self, portfolio_ids: Sequence[str]) -> list[Record]:
        """Return the open findings of portfolios."""
        try:
            views = [view for one in portfolio_ids for view in self._reader.findings(one)]
        except UnknownPortfolioError:
            # Transactions that wait for their portfolio are in the list of all findings only.
            wanted = set(portfolio_ids)
            views = [view for view in self._reader.findings() if view.portfolio_id in wanted]
        return [finding_record(view) for view in views]


class RemoteTarget:
    """A running server."""

    def __init__(self, remote: Remote) -> None:
        """Keep the server's doors."""
        self._remote = remote
        self._booked = True
        self._told: list[Record] = []

    def send(self, kind: FileKind, rows: Sequence[GoodRow]) -> None:
        """Return when the server has booked the rows, or has them and did not book them in time."""
        layout = LAYOUTS[kind]
        self._post(layout.path, {layout.body_key: [row.body for row in rows]})

    def reprocess(self, transaction_ids: Sequence[str]) -> None:
        """Return when the server has folded the keys again, or did not in time."""
        self._post("/reprocess/transactions", {"transaction_ids": list(transaction_ids)})

    def _post(self, path: str, body: object) -> None:
        reply = self._remote.post(path, body, wait_seconds=_WAIT_SECONDS)
        self._booked = self._booked and reply.document.get("status") == "BOOKED"
        self._told += cast("list[Record]", reply.document.get("findings", []))

    def settle(self, timeout_seconds: float) -> bool:
        """Return True when the server said of every batch that it is booked.

        Each batch was waited for when it was sent, so no time passes here.
        """
        del timeout_seconds
        return self._booked

    def findings(self, portfolio_ids: Sequence[str]) -> list[Record]:
        """Return the open findings of portfolios."""
        found: list[Record] = []
        for portfolio_id in portfolio_ids:
            address = f"/portfolios/{quote(portfolio_id, safe='')}/findings"
            try:
                document = self._remote.get(address).document
            except ServerRefusedError as error:
                if error.problem.status != HTTPStatus.NOT_FOUND:
                    raise
                # Nobody introduced the portfolio, so only the answers to the batches have these.
                found += [row for row in self._told if row.get("portfolio_id") == portfolio_id]
            else:
                found += cast("list[Record]", document.get("findings", []))
        return found


@contextmanager
def opened_target(invocation: Invocation) -> Generator[Target]:
    """Open what the command line names: a server, or the local store with its stages running."""
    if invocation.url is not None:
        yield RemoteTarget(Remote(invocation.url))
        return
    with invocation.opened(run=True) as system:
        yield LocalTarget(system.commands, system.reader, f"CLI:{uuid.uuid4()}")
