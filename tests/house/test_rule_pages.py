"""Every rule has a page with its sources, its parameters, a worked example and what it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rulebook import RULES

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "rules"
RULE_IDS = sorted({one.rule_id for one in RULE_SETS})


def page_of(rule_id: str) -> str:
    """Return the page that the list of rules names for a rule."""
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    (row,) = [
        line for line in index.splitlines() if line.startswith("|") and f"`{rule_id}`" in line
    ]
    (name,) = re.findall(r"\]\(([a-z-]+\.md)\)", row)
    return (PAGES / name).read_text(encoding="utf-8")


def test_every_rule_that_is_run_has_a_version() -> None:
    assert set(RULES) <= set(RULE_IDS)


@pytest.mark.parametrize("rule_id", RULE_IDS)
def test_a_rule_has_a_page_with_its_sources_and_an_example(rule_id: str) -> None:
    page = page_of(rule_id)
    assert f"`{rule_id}`" in page
    for one in RULE_SETS:
        if one.rule_id == rule_id:
            assert one.source_url in page, f"{one.version} has a source that its page does not name"
    assert re.search(r"\*\*Examples?[.*]|## Worked example", page), "the page has no example"
    assert re.search(r"not\s+legal\s+or\s+tax\s+advice", page, re.IGNORECASE)


@pytest.mark.parametrize("rule_id", RULE_IDS)
def test_the_parameters_of_a_rule_are_in_its_page(rule_id: str) -> None:
    page = page_of(rule_id)
    named = {name for one in RULE_SETS if one.rule_id == rule_id for name in one.params}
    missing = sorted(name for name in named if f"`{name}`" not in page)
    assert not missing
