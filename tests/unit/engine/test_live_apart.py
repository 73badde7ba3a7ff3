"""Live events that cannot be read wait for the store, and never too many of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tidebook.engine.bus import Arrival
from tidebook.engine.envelope import received
from tidebook.engine.live.apart import Apart
from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.dead_letters import Unprocessed

_NOW = datetime(2026, 6, 1, tzinfo=UTC)


class _Box:
    """Keeps every place once, unless it is away."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.away = False

    def set_apart(self, messages: Sequence[Unprocessed]) -> list[Unprocessed]:
        if self.away:
            raise StoreUnavailableError("away", hint="wait")
        fresh = [each for each in messages if each.place not in self.kept]
        self.kept += [each.place for each in fresh]
        return fresh


def _add(apart: Apart, *places: int) -> None:
    for place in places:
        arrival = Arrival("market.tick", 3, place, "ACME", b"{", {"x": "1"})
        apart.add(arrival, received(arrival), "the message is not a JSON object", _NOW)


def test_what_others_have_kept_is_not_told_again() -> None:
    box, told = _Box(), list[str]()
    apart = Apart(box)
    box.kept = [1]
    _add(apart, 1, 2)
    apart.deliver(told.append)
    apart.deliver(told.append)
    assert box.kept == [1, 2]
    assert told == ["market.tick"]


def test_what_the_store_did_not_take_waits() -> None:
    box, told = _Box(), list[str]()
    apart = Apart(box)
    box.away = True
    _add(apart, 1, 2)
    with pytest.raises(StoreUnavailableError):
        apart.deliver(told.append)
    box.away = False
    apart.deliver(told.append)
    assert box.kept == [1, 2]
    assert told == ["market.tick"] * 2


def test_a_flood_is_cut_short() -> None:
    box = _Box()
    apart = Apart(box)
    _add(apart, *range(1_500))
    apart.deliver(lambda _: None)
    assert box.kept == list(range(100))
    for _ in range(20):
        apart.deliver(lambda _: None)
    assert box.kept == list(range(1_000))


def test_without_a_place_for_them_nothing_waits() -> None:
    apart = Apart(None)
    _add(apart, 1)
    apart.deliver(lambda _: pytest.fail("there is nobody to tell"))
