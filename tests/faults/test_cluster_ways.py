"""The embedded cluster as whoever runs the tests: root with its two ways, or an ordinary user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.fixtures.clusters import short_folder, survivors
from tidebook.adapters.postgres import EmbeddedCluster
from tidebook.adapters.postgres.cluster_identity import (
    choose_identity,
    service_accounts,
)
from tidebook.errors import RootRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidebook.adapters.postgres.cluster_identity import (
        Identity,
    )


def without_namespaces(path: Path, owner_uid: int | None) -> Identity:
    """Choose as on a machine where user namespaces are closed."""
    return choose_identity(path, owner_uid, namespaces=lambda: None)


def last_way() -> Callable[[Path, int | None], Identity]:
    """Return the way that is left when namespaces are closed, which other tests do not go."""
    return without_namespaces if os.geteuid() == 0 and service_accounts() else choose_identity


def test_a_cluster_lives_and_restarts_without_namespaces() -> None:
    identity = last_way()
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
        later = last_way()
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
