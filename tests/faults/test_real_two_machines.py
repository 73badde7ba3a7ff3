"""Two of every role, as on two machines, make the book that one process makes: byte for byte."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from tests.fixtures.deployment import deployed, show
from tests.fixtures.engine_book import written
from tests.fixtures.postgres import url_of
from tests.fixtures.settled import assert_booked_once, assert_right, held_in, until_right
from tests.fixtures.traffic import Traffic, scale_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.deployment import Deployment

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_ROLES: Final = ("ingest", "book", "series", "query") * 2
# All of 127.0.0.0/8 is loopback on Linux, and only this address elsewhere.
_HOSTS: Final = ("127.0.0.1", "127.0.0.2" if sys.platform == "linux" else "127.0.0.1")
_PATIENCE_SECONDS: Final = 600.0
_NIGHT_FACTS: Final = int(os.environ.get("TIDEBOOK_CHAOS_FACTS", "200000")) // 2


def _all_in_one(deployment: Deployment, logs: Path, facts: int) -> str:
    """Book the same facts with one process on a database of its own; return its address."""
    with psycopg.connect(deployment.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE alone")
    url = url_of(deployment.database, "alone")
    (alone,) = deployment.add(logs, "all", DATABASE_URL=url, TIDEBOOK_BUS="log")
    traffic = Traffic(scale_of(facts), [alone.address])
    traffic.introduce()
    traffic.start()
    traffic.join()
    until_right(deployment, _PATIENCE_SECONDS, alone.name)
    assert_booked_once(url, traffic.meant())
    assert alone.stop() == 0
    return url


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(4_000, id="few"),
        pytest.param(_NIGHT_FACTS, id="many", marks=pytest.mark.night),
    ],
)
def test_two_of_everything_make_the_book_of_the_one_process_byte_for_byte(
    facts: int, tmp_path: Path
) -> None:
    with deployed(tmp_path, _ROLES, hosts=_HOSTS) as deployment:
        traffic = Traffic(scale_of(facts), deployment.doors)
        traffic.introduce()
        traffic.start()
        traffic.join()
        until_right(deployment, _PATIENCE_SECONDS)
        assert_right(deployment, traffic)
        # Both that answer tell the same.
        said = [actor.get("/portfolios/P0-0000/positions") for actor in deployment.of_role("query")]
        assert said[0] == said[1]
        apart = held_in(deployment.url)
        assert [deployment.actors[name].stop() for name in list(deployment.actors)] == [0] * 8
        alone = held_in(_all_in_one(deployment, tmp_path, facts))
    size = 0
    for table, mine, theirs in zip(apart._fields, apart, alone, strict=True):
        assert mine, table
        assert written(mine) == written(theirs), table
        size += len(written(mine))
    show(f"{size:,} bytes of book are the same")
