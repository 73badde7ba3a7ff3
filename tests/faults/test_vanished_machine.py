"""A machine loses its network without a word: the other side lets go of it within half a minute.

The machine is a network namespace of its own, and its cable is taken down. That takes Linux, root,
and the program ``ip``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.fixtures.clusters import (
    end_server,
    importing_like_us,
    make,
    servers_to_test,
    short_folder,
)
from tests.fixtures.kafka_broker import free_port
from tidebook.adapters.postgres.cluster_identity import choose_identity
from tidebook.adapters.postgres.cluster_server import database_url

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_HERE, _THERE = "10.231.77.1", "10.231.77.2"
_SPACE, _CABLE = "tidebook-test", "tidebook-here"
_NOTICED_SECONDS: Final = 40.0
_CAN = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") is not None

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.night,
    pytest.mark.skipif(not _CAN, reason="takes Linux, root and ip"),
]

_LEADER: Final = """
import sys, time
from psycopg_pool import ConnectionPool
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.pool import open_pool
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.errors import StoreUnavailableError

url = sys.argv[1]
pool = open_pool(url)
store = PostgresStore(pool, MarketCache(), conninfo=url)
assert store.try_lead()
with store.cursor() as cursor:
    cursor.execute("SELECT 1")
print("leads", flush=True)
sys.stdin.readline()
began = time.monotonic()
try:
    with store.cursor() as cursor:
        cursor.execute("SELECT 1")
except StoreUnavailableError:
    print(time.monotonic() - began, flush=True)
"""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@contextmanager
def _cable() -> Generator[None]:
    """Lay a cable to a machine that is a namespace of this one."""
    with ExitStack() as stack:
        _ip("netns", "add", _SPACE)
        stack.callback(_ip, "netns", "delete", _SPACE)
        end = ("peer", "name", "there", "netns", _SPACE)
        _ip("link", "add", _CABLE, "type", "veth", *end)
        _ip("address", "add", f"{_HERE}/24", "dev", _CABLE)
        _ip("link", "set", _CABLE, "up")
        _ip("-n", _SPACE, "address", "add", f"{_THERE}/24", "dev", "there")
        _ip("-n", _SPACE, "link", "set", "there", "up")
        yield


@contextmanager
def _server_on_the_network(folder: Path) -> Generator[str]:
    """Run a server that listens on the cable; give its address from there."""
    made = make(servers_to_test()[0], folder / "data")
    data_dir, port = made.data_dir, free_port()
    with (data_dir / "pg" / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {_THERE}/32 scram-sha-256\n")
    who = choose_identity(data_dir, (data_dir / "pg").stat().st_uid)
    socket_dir = data_dir / "socket"
    words = ("-D", str(data_dir / "pg"), "-p", str(port), "-k", str(socket_dir))
    process = who.popen(
        who.command(made.programs.postgres, *words, "-c", f"listen_addresses={_HERE}"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    password = (data_dir / "cluster.password").read_text(encoding="ascii").strip()
    try:
        yield f"{database_url(socket_dir, password)}&port={port}"
    finally:
        end_server(data_dir)
        process.wait(30)


def _led(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7426000"
        )
        return found.fetchone() is not None


def _until_answers(url: str) -> None:
    end = time.monotonic() + 90
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


def test_a_leader_that_vanishes_loses_the_lead_and_notices_it() -> None:
    with short_folder() as folder, _cable(), _server_on_the_network(folder) as url:
        _until_answers(url)
        parts = urlsplit(url)
        port = url.rpartition("=")[2]
        netloc = f"{parts.netloc.partition('@')[0]}@{_HERE}:{port}"
        from_there = urlunsplit(parts._replace(netloc=netloc, query=""))
        with subprocess.Popen(
            ["ip", "netns", "exec", _SPACE, sys.executable, "-c", _LEADER, from_there],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=importing_like_us(),
        ) as leader:
            assert leader.stdin is not None
            assert leader.stdout is not None
            try:
                assert leader.stdout.readline() == "leads\n"
                assert _led(url)
                _ip("link", "set", _CABLE, "down")
                began = time.monotonic()
                leader.stdin.write("ask\n")
                leader.stdin.flush()
                while _led(url):
                    assert time.monotonic() - began < _NOTICED_SECONDS
                    time.sleep(0.5)
                assert float(leader.stdout.readline()) < _NOTICED_SECONDS
            finally:
                leader.kill()
