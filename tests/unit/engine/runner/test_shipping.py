"""Shipping rests after a few records, so that more of them travel together."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tidebook.engine import topics
from tidebook.engine.runner.shipping import KINDS, Kind, resting


class Stopping:
    """Keeps how long it was waited for."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False


class Consumption:
    """One that found so many records."""

    def __init__(self, backlog: int) -> None:
        self.backlog = backlog

    def step(self) -> bool:
        return self.backlog > 0


@pytest.mark.parametrize(
    ("backlog", "rests"),
    [(0, []), (1, [0.01]), (199, [0.01]), (200, []), (5_000, [])],
    ids=["nothing", "one", "few", "many", "very many"],
)
def test_it_rests_after_a_few_and_never_before_many(backlog: int, rests: list[float]) -> None:
    stopping = Stopping()
    kind = Kind("shipping", (), rest_seconds=0.01)
    step = resting(cast("Any", Consumption(backlog)), cast("Any", stopping), kind)
    assert step() is (backlog > 0)
    assert stopping.waited == rests


def test_every_topic_is_shipped_by_one_worker_and_facts_apart_from_what_is_told() -> None:
    facts, told = (kind.topics for kind in KINDS)
    assert sorted((*facts, *told)) == sorted(topics.DURABLE_TOPICS)
    assert set(facts) == set(topics.INPUT_TOPICS)
