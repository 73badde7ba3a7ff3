"""A schema that is brought up to date by another process is that of this one."""

from __future__ import annotations

import sys

import pytest

from tidebook.adapters.postgres import schema
from tidebook.adapters.postgres.upgrading import upgrade_apart

pytestmark = pytest.mark.cluster


def test_an_empty_database_gets_the_schema(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(schema, "upgrade", asked.append)
    upgrade_apart(empty_database_url)
    assert schema.current(empty_database_url) == schema.head()
    assert asked == [empty_database_url]


def test_without_another_process_this_one_does_it(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    upgrade_apart(empty_database_url)
    assert schema.current(empty_database_url) == schema.head()
