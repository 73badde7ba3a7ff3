"""Directories the embedded cluster must not touch, and pid files it must not believe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.fixtures.clusters import (
    end_server,
    make,
    servers_to_test,
    short_folder,
    survivors,
)
from tidebook.adapters.postgres import EmbeddedCluster
from tidebook.adapters.postgres.cluster_binaries import programs_in, wheel_folders
from tidebook.adapters.postgres.cluster_identity import choose_identity
from tidebook.adapters.postgres.cluster_postmaster import read_postmaster
from tidebook.errors import (
    DataDirectoryError,
    DirectoryInUseError,
    ForeignDirectoryError,
    ServerMissingError,
    ServerStartError,
    WrongMajorError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.fixtures.clusters import (
        Made,
    )


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    """A stopped data directory."""
    with short_folder() as folder:
        yield make(servers_to_test()[0], folder / "data")


@pytest.fixture
def data_dir(made: Made) -> Iterator[Path]:
    """The stopped directory, stopped again after the test whatever became of it."""
    yield made.data_dir
    end_server(made.data_dir)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder."""
    with short_folder() as lent:
        yield lent


@contextmanager
def server_of_another_program(made: Made, data_dir: Path) -> Generator[int]:
    """Run a server on the directory the way a person would, and yield its first process."""
    socket_dir = data_dir / "socket"
    socket_dir.mkdir(mode=0o700, exist_ok=True)
    who = choose_identity(data_dir, (data_dir / "pg").stat().st_uid)
    arguments = ("-D", str(data_dir / "pg"), "-c", "listen_addresses=", "-k", str(socket_dir))
    process = who.popen(
        who.command(made.programs.postgres, *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        while (server := read_postmaster(data_dir / "pg")) is None or not server.ready:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=90)


@contextmanager
def renamed(path: Path) -> Generator[None]:
    """Take a file away for a while."""
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.replace(path)


def test_a_server_of_another_program_is_refused_by_pid_and_path(made: Made, data_dir: Path) -> None:
    with server_of_another_program(made, data_dir) as pid:
        with pytest.raises(DirectoryInUseError, match="started by another program") as refused:
            EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
        assert pid in survivors(data_dir)
    assert refused.value.pid == pid
    assert str(pid) in str(refused.value)
    assert str(data_dir) in str(refused.value)
    assert str(pid) in refused.value.hint


def test_a_running_server_without_our_password_is_refused(made: Made, data_dir: Path) -> None:
    with (
        server_of_another_program(made, data_dir) as pid,
        renamed(data_dir / "cluster.password"),
        pytest.raises(DirectoryInUseError, match="no password of ours") as refused,
    ):
        EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    assert refused.value.pid == pid


def test_a_running_server_with_another_password_is_refused(made: Made, data_dir: Path) -> None:
    with (
        server_of_another_program(made, data_dir) as pid,
        renamed(data_dir / "cluster.password"),
    ):
        (data_dir / "cluster.password").write_text("another\n", encoding="ascii")
        with pytest.raises(DirectoryInUseError, match="authentication failed") as refused:
            EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    assert refused.value.pid == pid


def test_a_directory_that_lost_its_password_is_refused(made: Made, data_dir: Path) -> None:
    with (
        renamed(data_dir / "cluster.password"),
        pytest.raises(DataDirectoryError, match=r"has lost cluster\.password"),
    ):
        EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)


def test_another_major_is_refused_with_what_is_needed_and_found(made: Made, data_dir: Path) -> None:
    other = next(
        programs
        for programs in programs_in(wheel_folders())
        if programs.major != made.programs.major
    )
    with pytest.raises(WrongMajorError) as refused:
        EmbeddedCluster.start(data_dir, pg_bin=other.bin_dir)
    assert refused.value.needed == made.programs.major
    assert refused.value.found == (other.major,)
    assert f"made by PostgreSQL {made.programs.major}" in str(refused.value)
    assert f"found here: {other.major}" in str(refused.value)
    assert f"install PostgreSQL {made.programs.major}" in refused.value.hint
    assert (data_dir / "pg" / "PG_VERSION").read_text().strip() == str(made.programs.major)


def test_a_directory_of_an_unsupported_major_is_refused(folder: Path) -> None:
    (folder / "pg").mkdir()
    (folder / "pg" / "PG_VERSION").write_text("14\n")
    (folder / "cluster.password").write_text("secret\n")
    with pytest.raises(WrongMajorError, match="made by PostgreSQL 14"):
        EmbeddedCluster.start(folder)


def test_the_files_of_another_account_are_refused_before_any_lock_is_made(folder: Path) -> None:
    (folder / "pg").mkdir()
    owner = (folder / "pg").stat().st_uid
    nobody_we_are = owner + 54321

    def identity_of_someone_else(path: Path, owner_uid: int | None) -> object:
        assert owner_uid == owner
        return choose_identity(path, owner_uid, effective_uid=nobody_we_are)

    with pytest.raises(ForeignDirectoryError, match=str(folder)):
        EmbeddedCluster.start(folder, identity=identity_of_someone_else)  # pyright: ignore[reportArgumentType]
    assert [entry.name for entry in folder.iterdir()] == ["pg"]


def test_a_path_that_is_no_folder_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(DataDirectoryError, match="cannot be used"):
        EmbeddedCluster.start(folder / "file" / "data")


def test_a_folder_without_programs_is_refused(folder: Path) -> None:
    with pytest.raises(ServerMissingError, match=str(folder)):
        EmbeddedCluster.start(folder / "data", pg_bin=folder)


def test_a_server_that_cannot_start_is_quoted_and_nothing_stays_locked(
    made: Made, data_dir: Path
) -> None:
    conf = data_dir / "pg" / "postgresql.conf"
    right = conf.read_text()
    conf.write_text(right + "\nno_such_setting = 1\n")
    try:
        with pytest.raises(ServerStartError, match="no_such_setting"):
            EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir)
    finally:
        conf.write_text(right)
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        assert cluster.owner


def leave_pid_file(data_dir: Path, pid: int) -> None:
    """Write the pid file that a killed server would have left behind under this number."""
    lines = (pid, data_dir / "pg", 1, 5432, data_dir / "socket", "", "1 1", "ready   ")
    text = "".join(f"{line}\n" for line in lines)
    (data_dir / "pg" / "postmaster.pid").write_text(text)
    (data_dir / "socket" / ".s.PGSQL.5432.lock").write_text(text)


def test_a_stale_number_that_another_program_has_now_is_not_believed(
    made: Made, data_dir: Path
) -> None:
    leave_pid_file(data_dir, os.getpid())
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        assert cluster.pid != os.getpid()


def test_a_stale_number_that_no_process_has_is_not_believed(made: Made, data_dir: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    leave_pid_file(data_dir, gone.pid)
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        assert cluster.owner


def test_a_stale_number_that_a_zombie_holds_is_not_believed(made: Made, data_dir: Path) -> None:
    with server_of_another_program(made, data_dir) as pid:
        # Nobody waits for the process until the end of the block, so its number stays taken.
        os.kill(pid, signal.SIGKILL)
        with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
            assert cluster.owner
            assert cluster.pid != pid


def test_a_long_path_keeps_its_socket_elsewhere_and_keeps_to_it(made: Made, folder: Path) -> None:
    deep = folder / ("deep" * 20)
    deep.mkdir()
    data_dir = made.copy(deep)
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir) as cluster:
        elsewhere = Path((data_dir / "cluster.socket").read_text().strip())
        assert elsewhere.stat().st_mode & 0o777 == 0o700
        assert (elsewhere / ".s.PGSQL.5432").is_socket()
        with psycopg.connect(cluster.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    with EmbeddedCluster.start(data_dir, pg_bin=made.programs.bin_dir):
        assert Path((data_dir / "cluster.socket").read_text().strip()) == elsewhere
    elsewhere.rmdir()


def test_files_half_made_are_made_again(made: Made, folder: Path) -> None:
    (folder / "data" / "pg.new" / "base").mkdir(parents=True)
    with EmbeddedCluster.start(folder / "data", pg_bin=made.programs.bin_dir) as cluster:
        assert cluster.owner
    assert not (folder / "data" / "pg.new").exists()
