"""The embedded cluster as whoever runs the tests: root with its two ways, or an ordinary user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.fixtures.clusters import short_folder, survivors
from tidebook.adapters.postgres import EmbeddedCluster
from tidebook.adapters.postgres.cluster_identity import (
    Identity,
    choose_identity,
    service_accounts,
    user_namespaces,
)
from tidebook.errors import RootRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def without_namespaces(path: Path, owner_uid: int | None) -> Identity:
    """Choose as on a machine where user namespaces are closed."""
    return choose_identity(path, owner_uid, namespaces=lambda: None)


def ways() -> list[Callable[[Path, int | None], Identity]]:
    """Return the ways to a server that are open to this account on this machine."""
    if os.geteuid() != 0:
        return [choose_identity]
    account = [without_namespaces] if service_accounts() else []
    return [choose_identity, *account] if user_namespaces() else account


@pytest.mark.parametrize("identity", ways())
def test_a_cluster_lives_and_restarts_under_each_way_open_here(
    identity: Callable[[Path, int | None], Identity],
) -> None:
    with short_folder() as folder:
        data_dir = folder / "data"
        folder.chmod(0o711)
        for _ in range(2):
            with (
                EmbeddedCluster.start(data_dir, identity=identity) as cluster,
                psycopg.connect(cluster.url) as connection,
            ):
                assert connection.execute("SELECT 1").fetchone() == (1,)
                assert (data_dir / "pg").stat().st_uid == identity(data_dir, None).uid
            assert survivors(data_dir) == []


def test_files_of_root_change_hands_when_namespaces_close() -> None:
    with short_folder() as folder:
        folder.chmod(0o711)
        data_dir = folder / "data"
        EmbeddedCluster.start(data_dir).stop()
        later = ways()[-1]
        with EmbeddedCluster.start(data_dir, identity=later) as cluster:
            assert (data_dir / "pg" / "base").stat().st_uid == later(data_dir, None).uid
            assert cluster.owner


def test_root_is_refused_where_the_account_cannot_reach() -> None:
    as_root = os.geteuid() == 0
    with short_folder() as folder:
        folder.chmod(0o700)
        data_dir = folder / "data"
        data_dir.mkdir()
        if as_root:
            with pytest.raises(RootRefusedError, match="cannot reach that directory"):
                EmbeddedCluster.start(data_dir, identity=without_namespaces)
        else:
            # An ordinary user serves from a folder that nobody else can enter.
            with EmbeddedCluster.start(data_dir, identity=without_namespaces) as cluster:
                assert cluster.owner
