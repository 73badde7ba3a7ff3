"""Where an import sends its rows: the local store, or a server over HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol, cast

from tidebook.adapters.csvfile import LAYOUTS, FileKind
from tidebook.cli.answers import finding_record
from tidebook.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tidebook.cli.door import GoodRow
    from tidebook.cli.output import Record
    from tidebook.cli.remote import Remote
    from tidebook.engine.ports import Commands, Reader, Receipt

_ATTEMPTS_MAX: Final = 8
_WAIT_SECONDS_MAX: Final = 60


class Target(Protocol):
    """Takes batches of rows of one kind, and says what became of them."""

    def send(self, kind: FileKind, rows: Sequence[GoodRow]) -> None:
        """Return when the rows are durable."""
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
        """Return when the rows are durable; a full queue is asked again after its pause."""
        ingest = {
            FileKind.PORTFOLIOS: self._commands.ingest_portfolios,
            FileKind.INSTRUMENTS: self._commands.ingest_instruments,
            FileKind.PRICES: self._commands.ingest_prices,
            FileKind.RATES: self._commands.ingest_rates,
            FileKind.TRANSACTIONS: self._commands.ingest_transactions,
        }[kind]
        # Each door makes the facts that its own command takes.
        take = cast("Callable[[Sequence[object], str], Receipt]", ingest)
        facts = [row.fact for row in rows]
        for _ in range(_ATTEMPTS_MAX - 1):
            try:
                self._receipts.append(take(facts, self._correlation_id))
            except OverloadedError as full:
                time.sleep(full.retry_after_seconds)
            else:
                return
        self._receipts.append(take(facts, self._correlation_id))

    def settle(self, timeout_seconds: float) -> bool:
        """Return True when everything sent is booked, False when the time ran out."""
        deadline = time.monotonic() + timeout_seconds
        return all(
            self._commands.wait(
                receipt, timeout_seconds=max(0.0, deadline - time.monotonic())
            )
            for receipt in self._receipts
        )

    def findings(self, portfolio_ids: Sequence[str]) -> list[Record]:
        """Return the open findings of portfolios."""
        return [
            finding_record(view)
            for portfolio_id in portfolio_ids
            for view in self._reader.findings(portfolio_id)
        ]


class RemoteTarget:
    """A running server."""

    def __init__(self, remote: Remote) -> None:
        """Keep the server's doors."""
        self._remote = remote
        self._last: tuple[FileKind, Sequence[GoodRow]] | None = None
        self._batches = 0

    def send(self, kind: FileKind, rows: Sequence[GoodRow]) -> None:
        """Return when the server has the rows."""
        self._post(kind, rows)
        self._last = (kind, rows)

    def settle(self, timeout_seconds: float) -> bool:
        """Send the last batch once more and wait for it; it is a duplicate, so nothing changes.

        The server books the rows of a topic in the order in which they came, so that what is
        before the last batch is booked when it is.
        """
        if self._last is None:
            return True
        wait_seconds = min(int(timeout_seconds), _WAIT_SECONDS_MAX)
        return self._post(*self._last, wait_seconds=wait_seconds).get("status") == "BOOKED"

    def findings(self, portfolio_ids: Sequence[str]) -> list[Record]:
        """Return the open findings of portfolios."""
        found: list[Record] = []
        for portfolio_id in portfolio_ids:
            document = self._remote.get(f"/portfolios/{portfolio_id}/findings").document
            found += cast("list[Record]", document.get("findings", []))
        return found

    def _post(
        self, kind: FileKind, rows: Sequence[GoodRow], *, wait_seconds: int | None = None
    ) -> Mapping[str, object]:
        layout = LAYOUTS[kind]
        body = {layout.body_key: [row.body for row in rows]}
        return self._remote.post(layout.path, body, wait_seconds=wait_seconds).document
