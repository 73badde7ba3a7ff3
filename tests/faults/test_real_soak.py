"""Hours are made of this: traffic at half of what the machine can do, and nothing piles up.

How much it can do is measured first, with a load that is sent as quickly as it is taken. Then half
of that flows for a while: what waits returns to nothing, memory stays where it is, and nothing is
found wrong. ``TIDEBOOK_SOAK_MINUTES`` is how long a night's run takes.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.fixtures.deployment import Showing, deployed, show
from tests.fixtures.settled import assert_right, until_right
from tests.fixtures.traffic import BODY, STREAMS, Traffic, scale_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from tests.fixtures.deployment import Deployment

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_ROLES: Final = ("ingest", "book", "series", "query")
_NIGHT_MINUTES: Final = float(os.environ.get("TIDEBOOK_SOAK_MINUTES", "30"))
_LOOK_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 600.0
_LOAD_MAX: Final = 0.5
_GROWTH_MAX: Final = 1.2
"""Of a process in the last third of the time, beside the second third."""
_GROWTH_MEGABYTES_MIN: Final = 32.0
"""Less than this is a matter of which batch is at hand."""
_MEGABYTES_MAX: Final = 500.0
_LAG_SECONDS_MAX: Final = 10.0
"""How much traffic may wait at an instant: what the series are behind, and a slow moment."""


class Look(NamedTuple):
    """What was seen at an instant."""

    seconds: float
    waiting: float
    megabytes: dict[str, float]


class Watch:
    """Looks at a deployment every few seconds, in a thread of its own."""

    def __init__(self, deployment: Deployment) -> None:
        self.looks: list[Look] = []
        self._deployment = deployment
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._ending.wait(_LOOK_SECONDS):
            figures = self._deployment.figures()
            sizes = {
                name: actor.resident_megabytes() for name, actor in self._deployment.actors.items()
            }
            waiting = figures["tidebook_consumer_lag_records"]
            self.looks.append(Look(time.monotonic() - began, waiting, sizes))


class Pace:
    """Lets so many facts pass in a second, from when it is first asked."""

    def __init__(self, facts_per_second: float) -> None:
        self.facts_per_second = facts_per_second
        self._began: float | None = None
        self._before = 0
        self._lock = threading.Lock()

    def __call__(self, acknowledged: int) -> None:
        """Wait until it is the turn of what comes after these."""
        with self._lock:
            if self._began is None:
                self._began, self._before = time.monotonic(), acknowledged
            due = self._began + (acknowledged - self._before) / self.facts_per_second
        time.sleep(max(0.0, due - time.monotonic()))


def _capacity(deployment: Deployment, traffic: Traffic) -> float:
    """Return how many facts a second the machine takes in and makes queryable."""
    traffic.introduce()
    until_right(deployment, _PATIENCE_SECONDS)
    began = time.monotonic()
    traffic.start()
    traffic.join()
    until_right(deployment, _PATIENCE_SECONDS)
    return traffic.acknowledged / (time.monotonic() - began)


@pytest.mark.parametrize(
    ("measured", "seconds", "batch_max"),
    [
        # What a process needs follows from its largest batch, and that from what has waited at
        # most: in so short a time one batch is to be as large as another.
        pytest.param(2_000, 24.0, 2_000, id="short"),
        pytest.param(20_000, _NIGHT_MINUTES * 60, 8_000, id="long", marks=pytest.mark.night),
    ],
)
def test_half_of_the_load_piles_nothing_up(
    measured: int,
    seconds: float,
    batch_max: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIDEBOOK_BOOK_BATCH_MAX", str(batch_max))
    with deployed(tmp_path, _ROLES) as deployment:
        first = Traffic(scale_of(measured, steady=True, prefix="M"), deployment.doors)
        capacity = _capacity(deployment, first)
        rate = capacity * _LOAD_MAX
        show(f"{capacity:,.0f} facts a second are the most; {rate:,.0f} flow now")
        scale = scale_of(int(rate * seconds) + 1, steady=True)
        pace = Pace(rate)
        traffic = Traffic(scale, deployment.doors, pace)
        traffic.introduce()
        until_right(deployment, _PATIENCE_SECONDS)
        with (
            Showing(deployment, traffic, every_seconds=max(5.0, seconds / 60)),
            Watch(deployment) as watch,
        ):
            began = time.monotonic()
            try:
                traffic.start()
                traffic.join()
            finally:
                traffic.stop()
            lasted = time.monotonic() - began
        calm = until_right(deployment, max(30.0, seconds / 10))
        show(
            f"{traffic.acknowledged:,} facts in {lasted:.0f} s; right {calm:.0f} s after the last; "
            f"at most {max(look.waiting for look in watch.looks):,.0f} records waited; "
            f"megabytes at the end: {_sizes(watch.looks[-1])}"
        )
        _assert_nothing_grew(watch.looks, rate)
        assert traffic.acknowledged == scale.facts
        # Every client may be a request ahead of its turn.
        assert lasted >= (scale.facts - STREAMS * BODY) / rate - 1, "it was to be half of the load"
        assert_right(deployment, first, traffic, findings=False)
        assert [actor.stop() for actor in deployment.actors.values()] == [0] * len(_ROLES)


def _assert_nothing_grew(looks: list[Look], rate: float) -> None:
    third = len(looks) // 3
    assert third >= STREAMS // 2, "too few looks to say anything"
    for name in looks[0].megabytes:
        middle = max(look.megabytes[name] for look in looks[third : 2 * third])
        last = max(look.megabytes[name] for look in looks[2 * third :])
        assert last <= max(middle * _GROWTH_MAX, middle + _GROWTH_MEGABYTES_MIN), name
        assert last <= _MEGABYTES_MAX, name
    waiting = max(look.waiting for look in looks[third:])
    # A fact waits for shipping and for booking, and what it came to for shipping again.
    assert waiting <= rate * _LAG_SECONDS_MAX * 4


def _sizes(look: Look) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in look.megabytes.items())
