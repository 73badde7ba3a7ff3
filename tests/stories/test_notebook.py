"""The example notebook does what it shows, on a store of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import notebook
from tidebook import analytics, client

PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"


def test_the_notebook_is_that_of_its_source() -> None:
    cells = [source for source, _ in notebook.told(notebook.kept())]
    assert cells == [source for source, _ in notebook.told(notebook.written())], (
        "python -m tests.fixtures.notebook runs the source and writes the notebook anew"
    )


@pytest.mark.cluster
def test_every_cell_says_what_is_kept() -> None:
    assert notebook.told(notebook.executed()) == notebook.told(notebook.kept())


def test_the_page_names_what_there_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    told = text.split("## Functions on arrays", 1)[1]
    named = {name for row in re.findall(r"^\| .*\|$", told, re.MULTILINE) for name in _code(row)}
    assert named
    assert named <= set(analytics.__all__)
    asked = text.split("## What can be asked", 1)[1].split("\n\n`When", 1)[0]
    cells = [row.split("|")[1] for row in asked.splitlines() if row.startswith("|")]
    methods = {name.partition("(")[0] for cell in cells for name in _code(cell)}
    assert methods == {
        name for name in dir(client.Book) if not name.startswith("_") and name != "close"
    }


def test_the_functions_on_arrays_say_what_the_page_says() -> None:
    """A loss of 2 % after a high is the deepest; 100 that become 110 in a year earn 10 %."""
    block = PAGE.read_text(encoding="utf-8").split("```python\n")[2].split("```", 1)[0]
    names: dict[str, Any] = {}
    found: list[float] = []
    for line in block.splitlines():
        code, _, comment = line.partition("  # ")
        if comment:
            found.append(eval(code, names) - float(comment.split()[0]))  # noqa: S307 - our own page
        else:
            exec(code, names)  # noqa: S102 - as above
    assert found == pytest.approx([0.0, 0.0])


def _code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)
