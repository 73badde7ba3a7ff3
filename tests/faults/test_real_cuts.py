"""The network between a process and what it rests on is cut, silent or slow while facts flow.

Every process has links of its own to the database and to the broker. A silence that outlasts the
broker's patience makes a member a stranger who still believes to own its partitions; one that ends
with a cut has lost what was on the way.
"""

from __future__ import annotations

import os
import time
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.fixtures.deployment import Showing, deployed, show
from tests.fixtures.settled import assert_right, until_right
from tests.fixtures.traffic import Traffic, scale_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.deployment import Actor
    from tests.fixtures.links import Link

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_ROLES: Final = ("ingest", "ingest", "book", "book", "series", "query")
_SHORT_SECONDS: Final = (0.5, 2.5)
_BEYOND_PATIENCE_SECONDS: Final = 12.0
_SLOW_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 600.0
_NIGHT_FACTS: Final = int(os.environ.get("TIDEBOOK_CHAOS_FACTS", "200000")) // 4
_NIGHT_EPISODES: Final = int(os.environ.get("TIDEBOOK_CHAOS_KILLS", "100"))
_SEED: Final = int(os.environ.get("TIDEBOOK_CHAOS_SEED", "1"))


class Episode(NamedTuple):
    """What happens to one link, and for how long."""

    name: str
    to: str
    what: str
    seconds: float


def _episodes(names: list[str], count: int, random: Random) -> list[Episode]:
    """Return episodes: the two that are known to be hard, then every kind of them at random."""
    found = [
        Episode("book-0", "broker", "silence", _BEYOND_PATIENCE_SECONDS),
        Episode("book-1", "database", "silence and cut", 4.0),
    ]
    kinds = [
        (to, what)
        for what in ("cut", "silence", "silence and cut", "slow")
        for to in ("database", "broker")
    ]
    while len(found) < count:
        random.shuffle(kinds)
        found += [
            Episode(random.choice(names), *kind, random.uniform(*_SHORT_SECONDS)) for kind in kinds
        ]
    return found[:count]


def _suffer(actor: Actor, episode: Episode) -> None:
    assert actor.lines is not None
    link: Link = actor.lines.database if episode.to == "database" else actor.lines.broker
    if episode.what == "cut":
        link.cut()
    elif episode.what == "slow":
        link.slow(_SLOW_SECONDS)
    else:
        link.silence()
    time.sleep(episode.seconds)
    if episode.what == "silence and cut":
        link.cut()
    link.mend()


class _Told:
    """What is shown while it runs."""

    def __init__(self, traffic: Traffic, episodes: int) -> None:
        self.done = 0
        self._traffic, self._episodes = traffic, episodes

    def __str__(self) -> str:
        return f"{self._traffic}, {self.done} of {self._episodes} episodes"


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        pytest.param(4_000, 8, id="few"),
        pytest.param(_NIGHT_FACTS, _NIGHT_EPISODES, id="many", marks=pytest.mark.night),
    ],
)
def test_whatever_is_cut_every_acknowledged_fact_is_booked_once(
    facts: int, count: int, tmp_path: Path
) -> None:
    scale = scale_of(facts)
    random = Random(_SEED)  # noqa: S311 - so that a failure can be had again
    with deployed(tmp_path, _ROLES, linked=True) as deployment:
        told: _Told

        def pace(acknowledged: int) -> None:
            # No episode may meet an idle system.
            while acknowledged > (told.done + 1) * scale.facts / count and not traffic.has_failed:
                time.sleep(0.05)

        traffic = Traffic(scale, deployment.doors, pace)
        told = _Told(traffic, count)
        traffic.introduce()
        until_right(deployment, _PATIENCE_SECONDS)
        with Showing(deployment, told):
            try:
                traffic.start()
                for episode in _episodes(list(deployment.actors), count, random):
                    _suffer(deployment.actors[episode.name], episode)
                    told.done += 1
                traffic.join()
            finally:
                traffic.stop()
            seconds = until_right(deployment, _PATIENCE_SECONDS)
        show(
            f"{told.done} episodes; {traffic.resent} requests were sent again of need; "
            f"right {seconds:.0f} s after the last"
        )
        assert traffic.acknowledged == scale.facts
        assert_right(deployment, traffic)
        assert [actor.stop() for actor in deployment.actors.values()] == [0] * len(_ROLES)
