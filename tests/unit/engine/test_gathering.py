"""Several requests in one unit: one commit for all."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fixtures.engine_facts import trade
from tidebook.engine import topics
from tidebook.engine.commands import BACKLOG_MAX
from tidebook.engine.gathering import GroupCommit, Sent
from tidebook.engine.signals import Signal
from tidebook.errors import FencedError, OverloadedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tidebook.engine.store import Store

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


class Log:
    """Keeps (request, transaction) of committed units; fails as it is told."""

    def __init__(self) -> None:
        self.units: list[list[tuple[str, str]]] = []
        self.faults: list[Exception] = []

    def now(self) -> datetime:
        return NOW

    @contextmanager
    def unit(self) -> Generator[Log]:
        yield self

    def append_each(
        self,
        into: Sequence[str],
        requests: Sequence[tuple[Sequence[tuple[str, Any]], str]],
        at: datetime,
    ) -> None:
        assert (into, at) == ([topics.RAW_TRANSACTIONS], NOW)
        if self.faults:
            raise self.faults.pop()
        self.units.append(
            [
                (request, record["transaction_id"])
                for keyed, request in requests
                for _, record in keyed
            ]
        )


def _commit(log: Log, arrived: Signal, backlog: int = 0) -> GroupCommit:
    return GroupCommit(cast("Store", log), log, arrived=arrived, backlog=lambda: backlog)


def _sent(*requests: str) -> list[Sent]:
    return [Sent([trade(f"T-{each}", 1, 10)], each) for each in requests]


def test_requests_share_a_unit_and_keep_their_ids() -> None:
    log, arrived = Log(), Signal()
    _commit(log, arrived).take(_sent("a", "b"))
    assert log.units == [[("a", "T-a"), ("b", "T-b")]]
    assert arrived.count == 1


def test_a_unit_that_lost_is_tried_again() -> None:
    log, arrived = Log(), Signal()
    log.faults = [FencedError("the log") for _ in range(3)]
    _commit(log, arrived).take(_sent("a"))
    assert log.units == [[("a", "T-a")]]


@pytest.mark.parametrize(
    ("faults", "backlog"),
    [
        ([FencedError("the log") for _ in range(4)], 0),
        ([StoreUnavailableError("away", hint="wait")], 0),
        ([OverloadedError("the queue", retry_after_seconds=5)], BACKLOG_MAX + 1),
    ],
    ids=["always lost", "away", "full"],
)
def test_what_is_not_durable_is_told_and_wakes_nobody(
    faults: list[Exception], backlog: int
) -> None:
    log, arrived = Log(), Signal()
    expected = type(faults[0])
    log.faults = list(faults)
    with pytest.raises(expected):
        _commit(log, arrived, backlog).take(_sent("a", "b"))
    assert (log.units, arrived.count) == ([], 0)
