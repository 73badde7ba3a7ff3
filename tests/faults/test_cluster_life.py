"""The embedded cluster through starts, stops, kills and company."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.fixtures.clusters import (
    end_server,
    make,
    other_process,
    server_name,
    servers_to_test,
    short_folder,
    survivors,
)
from tidebook.adapters.postgres import EmbeddedCluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.clusters import (
        Made,
    )
    from tidebook.adapters.postgres.cluster_binaries import ServerPrograms


@pytest.fixture(scope="module", params=servers_to_test(), ids=server_name)
def made(request: pytest.FixtureRequest) -> Iterator[Made]:
    """A stopped data directory of each server there is."""
    programs: ServerPrograms = request.param
    with short_folder() as folder:
        yield make(programs, folder / "data")


@pytest.fixture
def data_dir(made: Made) -> Iterator[Path]:
    """The stopped directory, stopped again after the test whatever became of it."""
    yield made.data_dir
    end_server(made.data_dir)


def write(url: str, value: str) -> None:
    """Commit one row."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))


def kept(url: str) -> list[str]:
    """Return the committed rows."""
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_a_new_directory_is_served_durably_privately_and_in_utc(made: Made, data_dir: Path) -> None:
    names = [
        "fsync",
        "full_page_writes",
        "listen_addresses",
        "unix_socket_permissions",
        "password_encryption",
        "TimeZone",
        "server_encoding",
        "data_checksums",
        "jit",
        "shared_buffers",
        "max_connections",
        "wal_compression",
    ]
    with (
        EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster,
        psycopg.connect(cluster.url) as connection,
    ):
        said = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in names
        }
        collation = connection.execute(
            "SELECT datcollate FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert cluster.major == made.programs.major
        assert cluster.owner
    assert {name: row[0] for name, row in said.items() if row} == {
        "fsync": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "jit": "off",
        "shared_buffers": "128MB",
        "max_connections": "40",
        "wal_compression": "pglz",
    }
    assert collation == ("C",)


def test_secrets_are_readable_by_their_owner_alone(made: Made, data_dir: Path) -> None:
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        password = (data_dir / "cluster.password").read_text(encoding="ascii").strip()
        assert password in cluster.url
        assert password not in repr(cluster)
        wrong = cluster.url.replace(password, "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        modes = {name: (data_dir / name).stat().st_mode & 0o777 for name in ("socket", "pg")}
        modes["cluster.password"] = (data_dir / "cluster.password").stat().st_mode & 0o777
    assert modes == {"socket": 0o700, "pg": 0o700, "cluster.password": 0o600}


def test_stop_leaves_no_process_and_the_next_start_finds_the_rows(
    made: Made, data_dir: Path
) -> None:
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        write(cluster.url, "before")
        assert cluster.pid in survivors(data_dir)
    assert survivors(data_dir) == []
    assert not (data_dir / "pg" / "postmaster.pid").exists()
    assert list((data_dir / "socket").iterdir()) == []
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        assert "before" in kept(cluster.url)


def test_stop_twice_is_stop_once(made: Made, data_dir: Path) -> None:
    cluster = EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    cluster.stop()
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as other:
        cluster.stop()
        write(other.url, "still served")


def test_a_killed_server_recovers_what_was_committed(made: Made, data_dir: Path) -> None:
    killed = EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    write(killed.url, "committed")
    connection = psycopg.connect(killed.url)
    connection.execute("INSERT INTO kept VALUES ('not committed')")
    os.kill(killed.pid, signal.SIGKILL)
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        connection.close()
        assert cluster.pid != killed.pid
        assert "committed" in kept(cluster.url)
        assert "not committed" not in kept(cluster.url)
        killed.stop()
        assert "committed" in kept(cluster.url)
    assert survivors(data_dir) == []


def test_a_start_waits_for_the_children_of_a_killed_server(made: Made, data_dir: Path) -> None:
    killed = EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    connection = psycopg.connect(killed.url)
    # A child that computes notices the death of its parent only when it is done. One that
    # is stopped notices nothing at all, which makes the wait certain.
    os.kill(connection.info.backend_pid, signal.SIGSTOP)
    os.kill(killed.pid, signal.SIGKILL)
    wake = threading.Timer(0.5, os.kill, (connection.info.backend_pid, signal.SIGCONT))
    wake.start()
    started = time.monotonic()
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir):
        waited = time.monotonic() - started
    wake.join()
    connection.close()
    killed.stop()
    log = (data_dir / "cluster.log").read_text(encoding="utf-8")
    assert waited >= 0.4
    assert "pre-existing shared memory block" in log


def test_a_second_process_joins_and_the_last_one_stops(made: Made, data_dir: Path) -> None:
    first = EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    with other_process(data_dir, made.programs) as waiting:
        second = waiting.started()
        assert (first.owner, second.owner) == (True, False)
        assert first.pid == second.server
        first.stop()
        assert first.pid in survivors(data_dir)
        assert second.tell("stop") == 0
    assert survivors(data_dir) == []


def test_a_process_that_joined_leaves_the_server_to_its_owner(made: Made, data_dir: Path) -> None:
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as first:
        with other_process(data_dir, made.programs) as second:
            assert second.started().tell("stop") == 0
        write(first.url, "still served")


def test_a_server_whose_owner_was_killed_is_joined_and_owned(made: Made, data_dir: Path) -> None:
    with other_process(data_dir, made.programs) as other:
        server = other.started().server
        other.end(signal.SIGKILL)
    assert server in survivors(data_dir)
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        assert cluster.pid == server
        assert cluster.owner
    assert survivors(data_dir) == []


def test_sigterm_stops_the_server_of_its_owner(made: Made, data_dir: Path) -> None:
    with other_process(data_dir, made.programs) as other:
        assert other.started().end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert survivors(data_dir) == []


def test_a_program_that_just_ends_stops_its_server(made: Made, data_dir: Path) -> None:
    with other_process(data_dir, made.programs) as other:
        assert other.started().tell("exit") == 0
    assert survivors(data_dir) == []


def test_processes_that_start_at_once_share_one_server(made: Made, data_dir: Path) -> None:
    with (
        other_process(data_dir, made.programs) as one,
        other_process(data_dir, made.programs) as two,
        other_process(data_dir, made.programs) as three,
    ):
        all_three = [other.started() for other in (one, two, three)]
        assert len({other.server for other in all_three}) == 1
        assert sorted(other.owner for other in all_three) == [False, False, True]
        assert [other.tell("stop") for other in all_three] == [0, 0, 0]
    assert survivors(data_dir) == []
