"""The lead of one kind of work: a lock of a session that is kept for it, and a lease on it.

The lock ends with the session, however the process ends. A process that is frozen, by a debugger, a
full disk or whoever stopped it, does not end, and the operating system goes on to answer for it.
So who leads, and who waits for it, sends a statement every few seconds; sessions of a process that
has sent none for the length of the lease are ended by the others, and what it held is free. When
it wakes, its transactions are gone, and its fences have been raised by whoever took over.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from psycopg import OperationalError, connect

from tidebook.adapters.postgres.attentive import PROCESS_DIGITS, attentive, this_process, watch
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.signals import NO_NEWS, News

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection

LeadName: TypeAlias = Literal["stages", "series", "shipping", "jobs", "live"]

_log = logging.getLogger("tidebook.store")

_SQL: Final = statements("lead")
_LOCKS: Final[dict[LeadName, int]] = {
    "stages": 7_426_000,
    "series": 7_426_010,
    "shipping": 7_426_011,
    "jobs": 7_426_012,
    "live": 7_426_013,
}
_LEASE_SECONDS: Final[dict[LeadName, float]] = {
    "stages": 15.0,
    "series": 15.0,
    "shipping": 15.0,
    # Who runs a job, or reads the start of many portfolios, says nothing meanwhile.
    "jobs": 300.0,
    "live": 60.0,
}
_SIGN_SECONDS: Final = 3.0
"""How often a leader that waits for news says something."""


class Lead:
    """One process's way to the lead of one kind of work.

    Every method raises ``psycopg.OperationalError`` when the database does not answer, or has ended
    the session; the next one begins another, without the lead.

    Args:
        conninfo: Which database.
        name: What is led. Who leads one kind of work has nothing to do with who leads another.
    """

    def __init__(self, conninfo: str, name: LeadName) -> None:
        """Keep the address; nothing is connected before it is needed."""
        self._conninfo = conninfo
        self._name: LeadName = name
        self._session: Connection[Any] | None = None
        self._signed_at = float("-inf")

    @property
    def session(self) -> Connection[Any] | None:
        """The session that has the lead, or asks for it; None when there is none."""
        return self._session

    def try_lead(self) -> bool:
        """Take the lead, unless another process has it; tell whether this one has it now."""
        if self._session is None:
            self._session = connect(
                attentive(self._conninfo, f"lead-{self._name}"), autocommit=True
            )
            watch(self._session)
        try:
            self._sign(self._session)
            row = self._session.execute(_SQL["take"], {"lock": _LOCKS[self._name]}).fetchone()
            self._session.execute("LISTEN tidebook_log")
        except OperationalError:
            self.lose()
            raise
        return bool(row and row[0])

    def news(self, timeout_seconds: float) -> News:
        """Wait for a hint that something was appended; return what was heard."""
        if self._session is None:
            return NO_NEWS
        try:
            self._sign(self._session)
            heard = self._session.notifies(timeout=timeout_seconds, stop_after=1)
            return _news(notification.payload for notification in heard)
        except OperationalError:
            self.lose()
            raise

    def lose(self) -> None:
        """End the session, and the lead with it."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _sign(self, session: Connection[Any]) -> None:
        """Say something, and end the sessions of who has said nothing for too long."""
        now = time.monotonic()
        if now - self._signed_at < _SIGN_SECONDS:
            return
        named = {
            "leads": f"% lead-{self._name} %",
            "digits": PROCESS_DIGITS,
            "lease_seconds": _LEASE_SECONDS[self._name],
        }
        row = session.execute(_SQL["end_frozen"], named).fetchone()
        self._signed_at = now
        if row and row[0]:
            _log.warning(
                "%s sessions of a process that said nothing for %s s were ended",
                row[0],
                _LEASE_SECONDS[self._name],
            )


def _news(hints: Iterable[str]) -> News:
    """Return what hints say: a topic each, and the process that appended to it."""
    heard = [hint.partition(" ") for hint in hints]
    own = this_process()
    return News(
        frozenset(topic for topic, _, _ in heard),
        any(process != own for _, _, process in heard),
    )
