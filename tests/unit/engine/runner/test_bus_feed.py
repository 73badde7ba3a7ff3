"""What a member of a group tells the bus, and when."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

from tidebook.engine.batches import Owned
from tidebook.engine.bus import Arrival
from tidebook.engine.runner import feeds
from tidebook.engine.runner.feeds import BusFeed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pytest

    from tidebook.engine.bus import Owner, Part

_PART = ("raw_transactions", 3)


class _Bus:
    """A bus, its subscription and the store's offsets in one: a message at each place."""

    def __init__(self) -> None:
        self.place = 0
        self.settled: list[Mapping[Part, int]] = []
        self.closed = False

    def log_id(self) -> str:
        return "log"

    def subscribe(self, _group: str, _topics: object, owner: Owner) -> _Bus:
        owner.assigned([_PART])
        return self

    def own(self, _consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        return {part: Owned(1, 0, 0) for part in parts}

    def receive(self, _limit: int, _seconds: float) -> list[Arrival]:
        self.place += 1
        return [Arrival(*_PART, self.place - 1, "P", b"{}", {})]

    def settle(self, places: Mapping[Part, int]) -> None:
        self.settled.append(dict(places))

    def close(self) -> None:
        self.closed = True


def _feed(bus: _Bus) -> BusFeed:
    both: Any = bus
    return BusFeed(
        both, both, consumer="book", topics=[_PART[0]], fences={}, batch_max=10, stopping=Event()
    )


def test_how_far_a_group_has_come_is_told_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now[0])
    bus = _Bus()
    feed = _feed(bus)
    for at in (100.0, 100.4, 100.9, 101.0, 101.1):
        now[0] = at
        assert feed.look()
        feed.done()
    assert bus.settled == [{_PART: 1}, {_PART: 4}]
    feed.close()
    assert bus.settled == [{_PART: 1}, {_PART: 4}, {_PART: 5}]
    assert bus.closed


def test_what_went_to_another_member_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds.time, "monotonic", lambda: 100.0)
    bus = _Bus()
    feed = _feed(bus)
    for _ in range(2):
        assert feed.look()
        feed.done()
    feed.revoked([_PART])
    feed.close()
    assert bus.settled == [{_PART: 1}]
