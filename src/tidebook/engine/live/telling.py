"""What a live book tells the bus: in one process of all, now and then, and at once when urged."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.bus import Outgoing
from tidebook.engine.correlating import correlation_ids
from tidebook.engine.envelope import CORRELATION_ID, EVENT_ID, SCHEMA, TRACEPARENT, schema_of
from tidebook.engine.live.messages import (
    drawdown_record,
    exposure_record,
    pnl_record,
    snapshot_record,
)
from tidebook.engine.traces import traceparent_of
from tidebook.live import drawdown, exposure, profit_and_loss, snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from threading import RLock

    from tidebook.engine.bus import LiveBus, Publisher
    from tidebook.engine.jobs import Lease
    from tidebook.engine.ports import Clock
    from tidebook.live import LiveBook

_EVERY_SECONDS: Final = 10.0
_DEEPER_PCT: Final = 1.0
_REGULAR: Final = frozenset(
    {topics.SNAPSHOT_UPDATED, topics.EXPOSURE_UPDATED, topics.DRAWDOWN_UPDATED}
)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Teller:
    """Sends what is to be told.

    Every ten seconds the snapshot, exposure and drawdown of whatever has moved; at once what was
    urged, and the drawdown of a portfolio that has fallen by another whole percent today.
    """

    def __init__(self, bus: LiveBus, lease: Lease, clock: Clock) -> None:
        """Keep what is needed; nothing is sent before it is asked for."""
        self._bus = bus
        self._lease = lease
        self._clock = clock
        self._sending = Lock()
        self._publisher: Publisher | None = None
        self._urged: dict[str, set[str]] = defaultdict(set)
        self._told: dict[str, int] = {}
        self._depths: dict[str, int] = {}
        self._regular_at = time.monotonic()
        self.is_leading = False

    def urge(self, portfolio_id: str, said: Collection[str]) -> None:
        """Have topics told of a portfolio as soon as may be."""
        self._urged[portfolio_id].update(said)

    def tell(self, book: LiveBook, lock: RLock, versions: Mapping[str, int]) -> None:
        """Tell what is due, if this process is the one that tells.

        Raises:
            StoreUnavailableError: When it cannot be found out which process that is.
            BusUnavailableError: When the bus does not answer; the same is told the next time.
        """
        self.is_leading = self._lease.try_lead()
        with lock:
            due = self._due(book, versions)
            sent = [
                (topic, portfolio_id, self._record(book, topic, portfolio_id))
                for portfolio_id, said in due.items()
                for topic in sorted(said)
            ]
        if not self.is_leading:
            self._urged.clear()
            return
        self.send(sent)
        self._told.update({portfolio_id: versions[portfolio_id] for portfolio_id in due})
        for portfolio_id in due:
            self._urged.pop(portfolio_id, None)

    def send(self, sent: Iterable[tuple[str, str, Mapping[str, object]]]) -> None:
        """Send records by topic and key.

        Raises:
            BusUnavailableError: When the bus does not answer.
        """
        messages = [
            Outgoing(
                topic,
                topics.partition(key),
                key,
                _encode(record).encode(),
                _headers(topic, key, record),
            )
            for topic, key, record in sent
        ]
        if not messages:
            return
        with self._sending:
            self._publisher = self._publisher or self._bus.publisher()
            self._publisher.publish(messages)

    def _due(self, book: LiveBook, versions: Mapping[str, int]) -> dict[str, set[str]]:
        due = {each: set(said) for each, said in self._urged.items() if each in book.accounts}
        now = time.monotonic()
        is_regular = now - self._regular_at >= _EVERY_SECONDS
        if is_regular:
            self._regular_at = now
        for portfolio_id, account in book.accounts.items():
            if versions.get(portfolio_id, 0) == self._told.get(portfolio_id):
                continue
            if is_regular:
                due.setdefault(portfolio_id, set()).update(_REGULAR)
            standing = book.standing(account)
            fallen = standing.day_peak - standing.equity
            depth = int(100 * fallen / standing.day_peak) if standing.day_peak > 0 else 0
            if depth // _DEEPER_PCT > self._depths.get(portfolio_id, 0):
                due.setdefault(portfolio_id, set()).add(topics.DRAWDOWN_UPDATED)
            self._depths[portfolio_id] = depth
        return due

    def _record(self, book: LiveBook, topic: str, portfolio_id: str) -> Mapping[str, object]:
        account, at = book.accounts[portfolio_id], self._clock.now()
        if topic == topics.PNL_UPDATED:
            return pnl_record(portfolio_id, profit_and_loss(book, account, at))
        if topic == topics.DRAWDOWN_UPDATED:
            return drawdown_record(portfolio_id, drawdown(book, account, at))
        if topic == topics.EXPOSURE_UPDATED:
            return exposure_record(portfolio_id, exposure(book, account, at))
        told = snapshot(book, portfolio_id, at)
        return {} if told is None else snapshot_record(told)


def _headers(topic: str, key: str, record: Mapping[str, object]) -> dict[str, str]:
    """Return what a message says of itself: what it is, and in which request it was posted."""
    found = {SCHEMA: schema_of(topic)}
    if topic in topics.LIVE_OUTPUT_TOPICS:
        found[EVENT_ID] = f"{topic}-{key}-{record['timestamp']}"
    elif record.get("event_id"):
        found[EVENT_ID] = str(record["event_id"])
    for request in correlation_ids()[:1]:
        found |= {CORRELATION_ID: request, TRACEPARENT: traceparent_of(request)}
    return found
