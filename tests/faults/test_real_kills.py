"""Every role, the broker and the database are killed at random while transactions flow.

``TIDEBOOK_CHAOS_FACTS``, ``TIDEBOOK_CHAOS_KILLS`` and ``TIDEBOOK_CHAOS_SEED`` change the night's
run; ``make night`` shows how it goes.
"""

from __future__ import annotations

import os
import threading
import time
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from tests.fixtures.deployment import BROKER, DATABASE, Showing, deployed, show
from tests.fixtures.settled import assert_right, until_right
from tests.fixtures.traffic import Traffic, scale_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.deployment import Deployment

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_ROLES: Final = ("ingest", "ingest", "book", "book", "series", "query")
_TOGETHER, _WHOLE = 0.25, 0.5
_DOWN_SECONDS_MAX: Final = 1.5
_PATIENCE_SECONDS: Final = 600.0
_NIGHT_FACTS: Final = int(os.environ.get("TIDEBOOK_CHAOS_FACTS", "200000"))
_NIGHT_KILLS: Final = int(os.environ.get("TIDEBOOK_CHAOS_KILLS", "100"))
_SEED: Final = int(os.environ.get("TIDEBOOK_CHAOS_SEED", "1"))


class Killer:
    """Kills parts of a deployment as the traffic comes on, and starts them again.

    Args:
        deployment: Whose parts.
        facts: How many are sent in all.
        kills: How many parts to kill, evenly over the facts.
        seed: Which, together with which, and how long they are gone.
    """

    def __init__(self, deployment: Deployment, facts: int, kills: int, seed: int) -> None:
        self.done = 0
        self._deployment = deployment
        self._kills = kills
        self._every = facts / (kills + 1)
        self._random = Random(seed)  # noqa: S311 - so that a failure can be had again
        self._deck: list[str] = []
        self._acknowledged = 0
        self._moved = threading.Condition()
        self._gone = threading.Event()

    def pace(self, acknowledged: int) -> None:
        """Wait while the facts are ahead of the kills, so that no kill meets an idle system."""
        with self._moved:
            self._acknowledged = max(self._acknowledged, acknowledged)
            self._moved.notify_all()
            while not self._gone.is_set() and self._acknowledged > (self.done + 1.5) * self._every:
                self._moved.wait(1.0)

    def run(self, traffic: Traffic) -> None:
        """Kill until all is done, or the traffic has failed."""
        try:
            while self.done < self._kills and not traffic.has_failed:
                self._await(traffic)
                self._strike()
        finally:
            self._gone.set()
            with self._moved:
                self._moved.notify_all()

    def _await(self, traffic: Traffic) -> None:
        with self._moved:
            while traffic.acknowledged < (self.done + 1) * self._every and not traffic.is_over:
                self._moved.wait(0.2)
        # The instant must not follow the acknowledgement that was waited for.
        time.sleep(self._random.uniform(0, 0.3))

    def _strike(self) -> None:
        count = 2 if self._random.random() < _TOGETHER and self._kills - self.done > 1 else 1
        names = [self._drawn() for _ in range(count)]
        for name in dict.fromkeys(names):
            self._deployment.kill(name, whole=self._random.random() < _WHOLE)
            time.sleep(self._random.uniform(0, _DOWN_SECONDS_MAX))
        self._deployment.revive(list(dict.fromkeys(names)))
        with self._moved:
            self.done += len(set(names))
            self._moved.notify_all()

    def _drawn(self) -> str:
        """Return a part, each of them once before any comes again."""
        if not self._deck:
            self._deck = [*self._deployment.actors, DATABASE, BROKER]
            self._random.shuffle(self._deck)
        return self._deck.pop()


class _Told:
    """What is shown while it runs."""

    def __init__(self, traffic: Traffic, killer: Killer, kills: int) -> None:
        self._traffic, self._killer, self._kills = traffic, killer, kills

    def __str__(self) -> str:
        return f"{self._traffic}, {self._killer.done} of {self._kills} kills"


@pytest.mark.parametrize(
    ("facts", "kills"),
    [
        pytest.param(5_000, 8, id="few"),
        pytest.param(_NIGHT_FACTS, _NIGHT_KILLS, id="many", marks=pytest.mark.night),
    ],
)
def test_whatever_is_killed_every_acknowledged_fact_is_booked_once(
    facts: int, kills: int, tmp_path: Path
) -> None:
    scale = scale_of(facts)
    with deployed(tmp_path, _ROLES) as deployment:
        killer = Killer(deployment, scale.facts, kills, _SEED)
        traffic = Traffic(scale, deployment.doors, killer.pace)
        traffic.introduce()
        until_right(deployment, _PATIENCE_SECONDS)
        with Showing(deployment, _Told(traffic, killer, kills)):
            try:
                traffic.start()
                killer.run(traffic)
                traffic.join()
            finally:
                traffic.stop()
            seconds = until_right(deployment, _PATIENCE_SECONDS)
        show(
            f"{killer.done} kills; {traffic.resent} requests were sent again of need, "
            f"{traffic.repeated} on purpose; right {seconds:.0f} s after the last"
        )
        assert killer.done >= kills
        assert traffic.acknowledged == scale.facts
        assert_right(deployment, traffic)
        assert [actor.stop() for actor in deployment.actors.values()] == [0] * len(_ROLES)
