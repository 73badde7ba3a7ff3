"""Pid files, and which processes count as a server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.postgres.cluster_postmaster import (
    SOCKET_LOCK,
    clear_stale_claims,
    is_server,
    pid_file,
    read_postmaster,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tidebook.adapters.postgres import RunningCluster


def test_a_running_server_is_read_with_its_socket(cluster: RunningCluster) -> None:
    server = read_postmaster(cluster.data_dir / "pg")
    assert server is not None
    assert server.pid == cluster.pid
    assert server.ready
    assert server.socket_dir is not None
    assert (server.socket_dir / ".s.PGSQL.5432").is_socket()


def test_the_server_of_one_directory_is_not_that_of_another(
    cluster: RunningCluster, tmp_path: Path
) -> None:
    assert is_server(cluster.pid, cluster.data_dir / "pg")
    pid_file(tmp_path).write_text(f"{cluster.pid}\n")
    # Only where the system tells in which directory a process works can the two be told apart.
    expected = os.path.exists(f"/proc/{cluster.pid}/cwd") is False  # noqa: PTH110
    assert is_server(cluster.pid, tmp_path) is expected


def test_a_live_server_keeps_its_pid_file(cluster: RunningCluster) -> None:
    clear_stale_claims(cluster.data_dir / "pg", cluster.data_dir / "socket")
    assert pid_file(cluster.data_dir / "pg").exists()
    assert (cluster.data_dir / "socket" / SOCKET_LOCK).exists()


def test_the_number_of_another_program_is_cleared(tmp_path: Path) -> None:
    for claim in (pid_file(tmp_path), tmp_path / SOCKET_LOCK):
        claim.write_text(f"{os.getpid()}\n")
    clear_stale_claims(tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "\n", "soon\n"])
def test_a_pid_file_that_is_not_yet_written_is_no_server(tmp_path: Path, text: str) -> None:
    pid_file(tmp_path).write_text(text)
    assert read_postmaster(tmp_path) is None
    clear_stale_claims(tmp_path, tmp_path)
    assert pid_file(tmp_path).exists()
