"""Members join and leave the group of those who book every second, while transactions flow."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.fixtures.deployment import deployed, show
from tests.fixtures.settled import assert_right, until_right
from tests.fixtures.traffic import Traffic, scale_of
from tidebook.adapters.kafka import KafkaBus
from tidebook.config import Role, Settings
from tidebook.engine import topics
from tidebook.engine.commands import BOOK
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Self

    from tests.fixtures.deployment import Deployment
    from tidebook.engine.bus import Part

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_STAYS_SECONDS: Final = 1.0
_STAYS_SECONDS_MAX: Final = 8.0
"""Every third that idles waits for partitions so long: it takes others a second to give them up."""
_PATIENCE_SECONDS: Final = 600.0
_NIGHT_FACTS: Final = int(os.environ.get("TIDEBOOK_CHAOS_FACTS", "200000")) // 2


class _Idler:
    """Takes partitions and does nothing with them."""

    def __init__(self) -> None:
        self.taken = 0

    def assigned(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Count them."""
        self.taken += len(parts)
        return {}

    def revoked(self, parts: Collection[Part]) -> None:
        """Let them go."""


class Storm:
    """Members that come and go: by turns one that books, and one that only takes partitions."""

    def __init__(self, deployment: Deployment) -> None:
        self.members = 0
        self._idlers = 0
        self.idler = _Idler()
        self._bootstrap = deployment.broker.bootstrap
        self._settings = Settings(
            data_dir=Path("unused"),
            database_url=deployment.url,
            roles=(Role.BOOK,),
            bus="kafka",
            kafka_bootstrap=self._bootstrap,
        )
        self._ending = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._rage, args=(come,), name=come.__name__)
            for come in (self._book, self._idle)
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for each in self._threads:
            each.join()
        assert self._failures == []

    def _rage(self, come: object) -> None:
        assert callable(come)
        try:
            while not self._ending.is_set():
                come()
                self.members += 1
        except Exception as error:  # noqa: BLE001 - told by the test, whose thread this is not
            self._failures.append(error)

    def _book(self) -> None:
        with open_system(self._settings):
            self._ending.wait(_STAYS_SECONDS)

    def _idle(self) -> None:
        bus = KafkaBus(self._bootstrap)
        with ExitStack() as stack:
            member = bus.subscribe(f"tidebook-{BOOK}", [topics.RAW_TRANSACTIONS], self.idler)
            stack.callback(member.close)
            taken = self.idler.taken
            self._idlers += 1
            patient = self._idlers % 3 == 0
            began = time.monotonic()
            while not self._ending.is_set():
                member.receive(1, 0.1)
                stayed = time.monotonic() - began
                waits = patient and self.idler.taken == taken and stayed < _STAYS_SECONDS_MAX
                if stayed >= _STAYS_SECONDS and not waits:
                    return


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(4_000, id="few"),
        pytest.param(_NIGHT_FACTS, id="many", marks=pytest.mark.night),
    ],
)
def test_members_that_come_and_go_lose_and_double_nothing(facts: int, tmp_path: Path) -> None:
    scale = scale_of(facts)
    with deployed(tmp_path, ("ingest", "ingest", "book", "book", "series", "query")) as deployment:
        storm = Storm(deployment)

        def pace(acknowledged: int) -> None:
            # A member to every two hundred facts at the least: the storm must meet the traffic.
            while acknowledged > storm.members * 200 + 1_000:
                time.sleep(0.05)

        traffic = Traffic(scale, deployment.doors, pace)
        traffic.introduce()
        until_right(deployment, _PATIENCE_SECONDS)
        try:
            with storm:
                traffic.start()
                traffic.join()
        finally:
            traffic.stop()
        seconds = until_right(deployment, _PATIENCE_SECONDS)
        show(
            f"{storm.members} members came and went, partitions were taken {storm.idler.taken} "
            f"times by who does nothing; right {seconds:.0f} s after the last"
        )
        assert storm.members >= (scale.facts - 1_000) // 200
        assert storm.idler.taken
        assert_right(deployment, traffic)
