"""The repository keeps every house rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.house.rules import RULES
from tests.house.source import repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house.source import Rule

SOURCES = list(repository())


def test_the_repository_is_read() -> None:
    paths = {str(source.path) for source in SOURCES}
    assert {"Makefile", "pyproject.toml", "src/tidebook/errors.py"} <= paths


def test_an_unpacked_archive_is_read_without_git(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".venv/\n*.egg-info/\n", "utf-8")
    for name in ("src/lots.py", ".venv/bin/tool.py", "src/tidebook.egg-info/top.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    assert {str(source.path) for source in repository(tmp_path)} == {".gitignore", "src/lots.py"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_repository_keeps(rule: Rule) -> None:
    faults = [str(fault) for source in SOURCES for fault in rule(source)]
    assert not faults, "\n" + "\n".join(faults)
