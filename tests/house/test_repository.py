"""The repository keeps every house rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.house.rules import RULES
from tests.house.source import repository

if TYPE_CHECKING:
    from tests.house.source import Rule

SOURCES = list(repository())


def test_the_repository_is_read() -> None:
    paths = {str(source.path) for source in SOURCES}
    assert {"Makefile", "pyproject.toml", "src/tidebook/errors.py"} <= paths


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_repository_keeps(rule: Rule) -> None:
    faults = [str(fault) for source in SOURCES for fault in rule(source)]
    assert not faults, "\n" + "\n".join(faults)
